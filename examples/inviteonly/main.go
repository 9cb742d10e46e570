// Inviteonly lets in who was invited. An invitation is mailed to an address and is good for one account with it, which it
// proves at once; whoever is in may invite others. Addresses are of one domain and those below it.
//
//	go run ./examples/inviteonly -invite ann@example.com
//
// The link is in the mail at http://127.0.0.1:8080/dev/mail.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"html/template"
	"log"
	"net/http"

	"github.com/oneauth-go/oneauth"
	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/stores/mem"
)

func main() {
	first := flag.String("invite", "ann@example.com", "who is invited first")
	flag.Parse()
	auth, err := oneauth.New(mem.New(), append(options(), oneauth.WithDevelopment())...)
	if err != nil {
		log.Fatal(err)
	}
	if err := auth.Users().Invite(context.Background(), *first); err != nil {
		log.Fatal(err)
	}
	go func() { log.Println(auth.Run(context.Background())) }()
	fmt.Println("listening on http://127.0.0.1:8080")
	log.Fatal(http.ListenAndServe("127.0.0.1:8080", app(auth)))
}

func options() []oneauth.Option {
	return []oneauth.Option{
		oneauth.WithSignUp(core.InviteOnly),
		oneauth.WithAllowedDomains("example.com", ".example.com"),
	}
}

var page = template.Must(template.New("page").Parse(`<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Members</title>
<h1>Welcome</h1>
<p>{{.Said}}</p>
<form method="post" action="/invite"><input type="hidden" name="form_token" value="{{.Token}}">
<label>Invite <input type="email" name="email" required></label> <button>Send</button></form>
</html>
`))

func app(auth *oneauth.Auth) http.Handler {
	mux := http.NewServeMux()
	auth.Mount(mux)
	mux.Handle("GET /{$}", auth.RequireSession(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		show(w, http.StatusOK, "You are in.", auth.FormToken(r))
	})))
	mux.Handle("POST /invite", auth.CSRF(auth.RequireSession(invite(auth))))
	mux.Handle("/dev/mail", auth.MailboxHandler())
	return mux
}

// invite mails an invitation. Why it could not says the error, which names the address at fault.
func invite(auth *oneauth.Auth) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		status, said := http.StatusOK, "The invitation is on its way."
		if err := auth.Users().Invite(r.Context(), r.PostFormValue("email")); err != nil {
			var refused *core.Error
			if !errors.As(err, &refused) || refused.Field != "email" {
				log.Println(err)
				http.Error(w, "Try again later.", http.StatusServiceUnavailable)
				return
			}
			status, said = http.StatusUnprocessableEntity, refused.Public()
		}
		show(w, status, said, auth.FormToken(r))
	})
}

func show(w http.ResponseWriter, status int, said, token string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	if err := page.Execute(w, struct{ Said, Token string }{said, token}); err != nil {
		log.Println(err)
	}
}
