// Inviteonly lets in who brings an invitation. Each is good for one account: it is used up in the transaction that makes
// the account, so two people who use one at once do not both get in, and a sign-up that fails leaves it good.
//
//	go run ./examples/inviteonly
//	curl 127.0.0.1:8080/auth/signup -H 'Content-Type: application/json' -d '{"email":"ann@example.com",
//	  "password":"purple otters sing at dawn","data":{"invitation":"welcome-ann"}}'
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"

	"github.com/oneauth-go/oneauth"
	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/core/record"
	"github.com/oneauth-go/oneauth/stores/mem"
)

// invitation is a record of the application's own, beside OneAuth's.
type invitation struct {
	Code   string `record:"id"`
	UsedBy string `record:"used_by"`
}

var invitations = record.Define[invitation]("invitation", 1)

var errRefused = core.FieldE(core.CodeSignUpRefused, "data.invitation", "This invitation is not good, or no longer.")

func main() {
	auth, err := oneauth.New(mem.New(), append(options(), oneauth.WithDevelopment())...)
	if err != nil {
		log.Fatal(err)
	}
	if err := invite(context.Background(), auth, "welcome-ann", "welcome-bob"); err != nil {
		log.Fatal(err)
	}
	go func() { log.Println(auth.Run(context.Background())) }()
	fmt.Println("listening on http://127.0.0.1:8080")
	log.Fatal(http.ListenAndServe("127.0.0.1:8080", app(auth)))
}

func options() []oneauth.Option {
	return []oneauth.Option{
		oneauth.WithFields(core.Field{Name: "invitation", Type: core.TextField, MaxLength: 50}),
		oneauth.WithFeature(core.Feature{Name: "invitations", Kinds: []core.Kind{invitations.Kind()}}),
		oneauth.WithHooks(core.Hooks{BeforeSignUp: invited, InSignUpTx: useUp}),
	}
}

// invited refuses, on every way in, whoever brings no invitation at all.
func invited(_ context.Context, s core.SignUpInfo) error {
	if code, _ := s.Data["invitation"].(string); code == "" {
		return core.FieldE(core.CodeSignUpRefused, "data.invitation", "You need an invitation to sign up.")
	}
	return nil
}

// useUp joins the transaction that makes the account.
func useUp(tx *core.Tx, u *core.User) error {
	code, _ := u.Data["invitation"].(string)
	rows := invitations.In(tx.Record())
	i, err := rows.Get(code)
	if errors.Is(err, record.ErrNotFound) || err == nil && i.UsedBy != "" {
		return errRefused
	}
	if err != nil {
		return err
	}
	i.UsedBy = u.ID
	return rows.Put(i)
}

// invite makes invitations.
func invite(ctx context.Context, auth *oneauth.Auth, codes ...string) error {
	return auth.Core().Update(ctx, func(tx *core.Tx) error {
		for _, code := range codes {
			if err := invitations.In(tx.Record()).Insert(&invitation{Code: code}); err != nil {
				return err
			}
		}
		return nil
	})
}

func app(auth *oneauth.Auth) http.Handler {
	mux := http.NewServeMux()
	auth.Mount(mux)
	mux.Handle("/dev/mail", auth.MailboxHandler())
	return mux
}
