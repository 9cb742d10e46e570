package idp

import (
	"crypto/rand"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

var page = template.Must(template.New("").Parse(`<!doctype html><html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><title>Example identity provider</title>
<style>body{font:1.1rem/1.5 system-ui;max-width:26rem;margin:3rem auto;padding:0 1rem}button{font:inherit;display:block;
width:100%;padding:.7rem;margin:.6rem 0}</style>
<h1>Example identity provider</h1><p>It asks for no password: choose who you are.</p>
<form>{{range $name, $values := .Params}}{{range $values}}<input type="hidden" name="{{$name}}" value="{{.}}">{{end}}{{end}}
{{range .People}}<button name="person" value="{{.Subject}}">{{.Name}} ({{.Email}})</button>{{end}}
<button name="person" value="">Cancel</button></form></html>`))

// authorize asks who somebody is, and sends the browser back with a code. The parameter person answers beforehand.
func (p *Provider) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	redirect := q.Get("redirect_uri")
	known := len(p.RedirectURIs) == 0 || slices.Contains(p.RedirectURIs, redirect)
	if q.Get("client_id") != p.ClientID || redirect == "" || !known {
		http.Error(w, "unknown client or redirect URI", http.StatusBadRequest)
		return
	}
	params := map[string]string{"state": q.Get("state"), "iss": p.Issuer}
	chosen := slices.IndexFunc(p.People, func(who Person) bool { return who.Subject == q.Get("person") })
	switch {
	case q.Get("response_type") != "code" || q.Get("code_challenge") == "" || q.Get("code_challenge_method") != "S256":
		params["error"], params["error_description"] = "invalid_request", "the code flow with PKCE (S256) is required"
	case chosen >= 0:
		code := rand.Text()
		p.mu.Lock()
		p.codes[code] = grant{
			person: p.People[chosen], clientID: p.ClientID, redirect: redirect, challenge: q.Get("code_challenge"),
			nonce: q.Get("nonce"), scope: q.Get("scope"), expires: p.Now().Add(time.Minute),
		}
		p.mu.Unlock()
		params["code"] = code
	case q.Has("person"):
		params["error"] = "access_denied"
	default:
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_ = page.Execute(w, struct {
			Params url.Values
			People []Person
		}{q, p.People})
		return
	}
	if p.Redirect != nil {
		p.Redirect(params)
	}
	p.back(w, r, redirect, q.Get("response_mode"), params)
}

var formPost = template.Must(template.New("").Parse(`<!doctype html><html lang="en"><title>One moment</title>
<form method="post" action="{{.To}}">{{range $name, $value := .Params}}<input type="hidden" name="{{$name}}" value="{{$value}}">{{end}}
<button>Continue</button></form><script>document.forms[0].submit()</script></html>`))

// back returns to the client, by redirect or by form.
func (p *Provider) back(w http.ResponseWriter, r *http.Request, redirect, mode string, params map[string]string) {
	if mode == "form_post" {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_ = formPost.Execute(w, struct {
			To     string
			Params map[string]string
		}{redirect, params})
		return
	}
	q := url.Values{}
	for name, value := range params {
		q.Set(name, value)
	}
	join := "?"
	if strings.Contains(redirect, "?") {
		join = "&"
	}
	http.Redirect(w, r, redirect+join+q.Encode(), http.StatusSeeOther)
}
