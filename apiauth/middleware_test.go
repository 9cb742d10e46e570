package apiauth_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/oneauth-go/oneauth/apiauth"
	"github.com/oneauth-go/oneauth/core"
)

func TestMiddlewareAnswers(t *testing.T) {
	n := start(t, nil)
	got := n.login()
	token := got.str("access_token")
	userID := segment(t, token, 1)["sub"].(string)
	_, key := n.key(t.Context(), userID, "read")
	for _, tt := range []struct {
		name, path string
		headers    []string
		status     int
		challenge  string
	}{
		{"nothing", "/me", nil, 401, `Bearer realm="oneauth"`},
		{"in the query", "/me?access_token=" + token, nil, 401, `Bearer realm="oneauth"`},
		{"token", "/me", bearer(token), 200, ""},
		{"scheme in another case", "/me", []string{"Authorization", "bEARER " + token}, 200, ""},
		{"two spaces", "/me", []string{"Authorization", "Bearer  " + token}, 200, ""},
		{"bad token", "/me", bearer(token + "x"), 401, `Bearer realm="oneauth", error="invalid_token"`},
		{"token with junk", "/me", []string{"Authorization", "Bearer " + token + " x"}, 400, `Bearer realm="oneauth", error="invalid_request"`},
		{"no token", "/me", []string{"Authorization", "Bearer"}, 400, `Bearer realm="oneauth", error="invalid_request"`},
		{"Basic", "/me", basic("shop", shopSecret), 401, `Bearer realm="oneauth"`},
		{"refresh token", "/me", bearer(got.str("refresh_token")), 401, `Bearer realm="oneauth", error="invalid_token"`},
		{"key", "/me", bearer(key), 200, ""},
		{"key in its own header", "/me", []string{"X-API-Key", key}, 200, ""},
		{"token in the key's header", "/me", []string{"X-API-Key", token}, 401, `Bearer realm="oneauth", error="invalid_token"`},
		{"token and key", "/me", append(bearer(token), "X-API-Key", key), 400, `Bearer realm="oneauth", error="invalid_request"`},
		{"the same twice", "/me", append(bearer(token), bearer(token)...), 400, `Bearer realm="oneauth", error="invalid_request"`},
		{"missing scope", "/write", bearer(key), 403, `Bearer realm="oneauth", error="insufficient_scope", scope="write"`},
		{"scope", "/write", bearer(token), 200, ""},
		{"kind not accepted", "/keys-only", bearer(token), 401, `Bearer realm="oneauth", error="invalid_token"`},
		{"kind accepted", "/keys-only", bearer(key), 200, ""},
		{"optional, nothing", "/optional", nil, 200, ""},
		{"optional, token", "/optional", bearer(token), 200, ""},
		{"optional, bad token", "/optional", bearer("x.y.z"), 401, `Bearer realm="oneauth", error="invalid_token"`},
		{"optional, other scheme", "/optional", basic("a", "b"), 401, `Bearer realm="oneauth"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := n.do("GET", tt.path, nil, tt.headers...)
			if a.status != tt.status || a.header.Get("WWW-Authenticate") != tt.challenge {
				t.Errorf("answer is %d %q %s", a.status, a.header.Get("WWW-Authenticate"), a.text)
			}
		})
	}
	if a := n.get("/optional", ""); a.str("sub") != "nobody" {
		t.Errorf("without a credential: %s", a.text)
	}
}

// A route that takes cookies refuses a request with two credentials; one that does not takes no notice of them.
func TestCookieBesideHeader(t *testing.T) {
	person := &core.Principal{Subject: "usr_cookie", Via: core.ViaSession}
	n := start(t, func(s *setup) {
		s.api.HasSessionCookie = func(r *http.Request) bool { _, err := r.Cookie("session"); return err == nil }
		s.api.Session = func(_ context.Context, r *http.Request) (*core.Principal, error) {
			if c, err := r.Cookie("session"); err == nil && c.Value == "good" {
				return person, nil
			}
			return nil, core.ErrUnauthenticated
		}
	})
	token := n.login().str("access_token")
	good, bad := []string{"Cookie", "session=good"}, []string{"Cookie", "session=bad"}
	if a := n.do("GET", "/any", nil, good...).want(200); a.str("via") != "session" {
		t.Errorf("principal is %s", a.text)
	}
	n.do("GET", "/any", nil, bad...).want(401, "unauthenticated")
	n.do("GET", "/any", nil, append(bearer(token), good...)...).want(400, "invalid_request")
	n.do("GET", "/any", nil, append(bearer("x.y.z"), good...)...).want(400, "invalid_request")
	n.do("GET", "/me", nil, append(bearer(token), good...)...).want(200)
	n.do("GET", "/me", nil, good...).want(401, "unauthenticated")
	n.do("GET", "/me", nil, append(bearer("x.y.z"), good...)...).want(401, "invalid_token")
}

func TestAuthenticateWithoutTransport(t *testing.T) {
	n := start(t, nil)
	token := n.login().str("access_token")
	p, err := n.api.Authenticate(t.Context(), apiauth.Credential{Bearer: token})
	n.must(err)
	_, key := n.key(t.Context(), p.Subject, "read")
	for _, c := range []apiauth.Credential{{APIKey: key}, {Bearer: key}} {
		k, err := n.api.Authenticate(t.Context(), c)
		if err != nil || k.Subject != p.Subject || k.Via != core.ViaAPIKey || !k.HasScope("read") || k.HasScope("write") {
			t.Errorf("the key is %+v, %v", k, err)
		}
	}
	for _, tt := range []struct {
		c    apiauth.Credential
		want error
	}{
		{apiauth.Credential{}, core.ErrUnauthenticated},
		{apiauth.Credential{Bearer: token, APIKey: key}, core.E(core.CodeInvalidRequest, "")},
		{apiauth.Credential{APIKey: token}, core.ErrInvalidToken},
		{apiauth.Credential{Bearer: "x"}, core.ErrInvalidToken},
	} {
		if _, err := n.api.Authenticate(t.Context(), tt.c); !errors.Is(err, tt.want) {
			t.Errorf("%+v: %v, want %v", tt.c, err, tt.want)
		}
	}
	fresh, err := apiauth.New(apiauth.Options{})
	n.must(err)
	if _, err := fresh.Authenticate(t.Context(), apiauth.Credential{Bearer: token}); !errors.Is(err, core.ErrUnavailable) {
		t.Errorf("a service that was not started says %v", err)
	}
}

type plan struct {
	Plan  string `json:"plan"`
	Seats int    `json:"seats"`
}

func TestCustomClaims(t *testing.T) {
	var seen apiauth.ClaimsInput
	n := start(t, func(s *setup) {
		s.api.Claims = func(_ context.Context, in apiauth.ClaimsInput) (any, error) {
			seen = in
			return plan{"gold", 3}, nil
		}
	})
	got := n.login()
	p, err := n.api.Authenticate(t.Context(), apiauth.Credential{Bearer: got.str("access_token")})
	n.must(err)
	if read, err := apiauth.ClaimsOf[plan](core.WithPrincipal(t.Context(), p)); err != nil || read != (plan{"gold", 3}) {
		t.Errorf("claims are %+v, %v", read, err)
	}
	n.refresh(got.str("refresh_token")).want(200)
	if seen.User == nil || seen.User.ID != p.Subject || seen.Client.ID != core.FirstParty || len(seen.Scopes) == 0 || seen.Session == nil {
		t.Errorf("at a refresh the hook was given %+v", seen)
	}
	if _, err := apiauth.ClaimsOf[plan](t.Context()); !errors.Is(err, core.ErrUnauthenticated) {
		t.Errorf("without a principal: %v", err)
	}
	key := core.WithPrincipal(t.Context(), &core.Principal{Via: core.ViaAPIKey})
	if _, err := apiauth.ClaimsOf[plan](key); !errors.Is(err, core.ErrInvalidToken) {
		t.Errorf("of an API key: %v", err)
	}
	if _, err := apiauth.ClaimsOf[struct {
		Plan int `json:"plan"`
	}](core.WithPrincipal(t.Context(), p)); !errors.Is(err, core.ErrInvalidToken) {
		t.Errorf("of another form: %v", err)
	}
}

// Registered and reserved names are the server's alone: no token is issued, and no session stays behind.
func TestCustomClaimsCannotOverwrite(t *testing.T) {
	var custom any
	n := start(t, func(s *setup) {
		s.api.Claims = func(context.Context, apiauth.ClaimsInput) (any, error) { return custom, nil }
	})
	u := n.user(t.Context(), ann)
	for _, name := range []string{"sub", "iss", "tid", "sid", "exp", "scope", "act", "cnf", "org", "roles", "groups", "SUB", "Scope"} {
		custom = map[string]any{name: "x"}
		n.json("/auth/api/login", map[string]string{"identifier": ann, "password": goodPass}).want(500)
	}
	custom = 7
	n.json("/auth/api/login", map[string]string{"identifier": ann, "password": goodPass}).want(500)
	if all, err := n.auth.ListSessions(t.Context(), u.ID); err != nil || len(all) != 0 {
		t.Errorf("%d sessions stayed, %v", len(all), err)
	}
}

func TestAPIKeyCache(t *testing.T) {
	n := start(t, nil)
	ctx := t.Context()
	u := n.user(ctx, ann)
	id, key := n.key(ctx, u.ID, "read")
	use := func(want int) { t.Helper(); n.do("GET", "/me", nil, "X-API-Key", key).want(want) }
	use(200)
	use(200)
	n.must(n.auth.Users().Disable(ctx, u.ID, "test"))
	use(401)
	n.must(n.auth.Users().Enable(ctx, u.ID))
	use(200)
	n.must(n.auth.RevokeKey(ctx, u.ID, id))
	use(401)

	k, short, err := n.auth.CreateKey(ctx, u.ID, core.NewKey{Name: "short", Scopes: []string{"read"}, Expires: 2 * time.Second})
	n.must(err)
	n.do("GET", "/me", nil, "X-API-Key", short).want(200)
	n.clock.Advance(2 * time.Second)
	n.do("GET", "/me", nil, "X-API-Key", short).want(401)
	if strings.Contains(short, string(k.Hash)) {
		t.Error("the key's hash is in the key")
	}
}

func TestOptionsAreChecked(t *testing.T) {
	trust := func(context.Context, apiauth.GrantRequest) (*core.SignedIn, error) { return nil, nil }
	for name, o := range map[string]apiauth.Options{
		"Alg":         {Alg: "none"},
		"FeedEvery":   {FeedEvery: time.Hour},
		"RotateEvery": {RotateEvery: time.Minute},
		"TokenCache":  {TokenCache: 1 << 30},
		"Grants":      {Grants: map[string]apiauth.GrantHandler{"refresh_token": trust}},
		"password":    {Grants: map[string]apiauth.GrantHandler{"password": trust}},
		"nil":         {Grants: map[string]apiauth.GrantHandler{"x": nil}},
	} {
		if _, err := apiauth.New(o); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
