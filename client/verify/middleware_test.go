package verify_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/oneauth-go/oneauth/client/verify"
)

// call sends a request with these Authorization headers to a handler.
func call(h http.Handler, authorization ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", "/orders", nil)
	for _, value := range authorization {
		r.Header.Add("Authorization", value)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// greet says who the claims are of.
var greet = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	fmt.Fprintf(w, "hello %s", verify.From(r.Context()).Subject)
})

// Who gets in, and what the others are told (RFC 6750 section 3).
func TestMiddleware(t *testing.T) {
	w := newWorld(t)
	v := w.verifier(func(c *verify.Config) { c.Realm = `or"ders` })
	reads, token := v.RequireScopes("read")(greet), w.Token(t, ann, "read")
	hello := "hello " + w.User(t, ann).ID
	for name, c := range map[string]struct {
		handler   http.Handler
		headers   []string
		status    int
		challenge string
		code      string // of the problem, or the body
	}{
		"a token":           {reads, []string{"Bearer " + token}, 200, "", hello},
		"any token":         {v.RequireToken(greet), []string{"bearer  " + w.Token(t, ann, "write")}, 200, "", hello},
		"none":              {reads, nil, 401, `Bearer realm="orders"`, "unauthenticated"},
		"another scheme":    {reads, []string{"Basic YTpi"}, 401, `Bearer realm="orders"`, "unauthenticated"},
		"an empty header":   {reads, []string{""}, 400, "", "invalid_request"},
		"a bad token":       {reads, []string{"Bearer " + token + "A"}, 401, `Bearer realm="orders", error="invalid_token"`, "invalid_token"},
		"an API key":        {reads, []string{"Bearer " + w.Key(t, ann, "read")}, 401, `Bearer realm="orders", error="invalid_token"`, "invalid_token"},
		"no token":          {reads, []string{"Bearer"}, 400, "", "invalid_request"},
		"no b64token":       {reads, []string{"Bearer a b"}, 400, "", "invalid_request"},
		"a token in quotes": {reads, []string{`Bearer "` + token + `"`}, 400, "", "invalid_request"},
		"two tokens":        {reads, []string{"Bearer " + token, "Bearer " + token}, 400, "", "invalid_request"},
		"another scope": {
			v.RequireScopes("read", "write")(greet), []string{"Bearer " + token}, 403,
			`Bearer realm="orders", error="insufficient_scope", scope="read write"`, "insufficient_scope",
		},
	} {
		t.Run(name, func(t *testing.T) {
			answer := call(c.handler, c.headers...)
			if answer.Code != c.status || answer.Header().Get("WWW-Authenticate") != c.challenge {
				t.Errorf("%d %q", answer.Code, answer.Header().Get("WWW-Authenticate"))
			}
			if c.status == 200 {
				if answer.Body.String() != c.code {
					t.Errorf("body %s", answer.Body)
				}
				return
			}
			var p struct {
				Type, Title, Code string
				Status            int
			}
			err := json.Unmarshal(answer.Body.Bytes(), &p)
			if err != nil || p.Code != c.code || p.Type != "urn:oneauth:error:"+c.code || p.Status != c.status || p.Title == "" ||
				answer.Header().Get("Content-Type") != "application/problem+json" || answer.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("problem %s, %v", answer.Body, answer.Header())
			}
		})
	}
}

// When nobody can say whether a token is good, it is not let through, and its sender is not told that it is bad.
func TestMiddlewareWithoutIssuer(t *testing.T) {
	w := newWorld(t)
	token := w.Token(t, ann)
	w.cut.Store(true)
	h := w.verifier().RequireToken(greet)
	answer := call(h, "Bearer "+token)
	if answer.Code != 503 || answer.Header().Get("Retry-After") == "" || answer.Header().Get("WWW-Authenticate") != "" {
		t.Errorf("%d %v %s", answer.Code, answer.Header(), answer.Body)
	}
	if answer := call(h); answer.Code != 401 {
		t.Errorf("without a token: %d", answer.Code)
	}
}

// A token in the query is none (RFC 6750 section 5.3), and neither is a cookie.
func TestTokenElsewhere(t *testing.T) {
	w := newWorld(t)
	h, token := w.verifier().RequireToken(greet), w.Token(t, ann)
	r := httptest.NewRequest("POST", "/orders?access_token="+token, nil)
	r.AddCookie(&http.Cookie{Name: "access_token", Value: token})
	r.Header.Set("X-Api-Key", token)
	answer := httptest.NewRecorder()
	h.ServeHTTP(answer, r)
	if answer.Code != 401 {
		t.Errorf("status %d", answer.Code)
	}
	if verify.From(r.Context()) != nil {
		t.Error("claims of nobody")
	}
}
