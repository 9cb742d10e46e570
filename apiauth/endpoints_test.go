package apiauth_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/oneauth-go/oneauth/apiauth"
	"github.com/oneauth-go/oneauth/core"
)

func TestLoginRefreshCallRevoke(t *testing.T) {
	n := start(t, nil)
	got := n.login()
	if got.str("token_type") != "Bearer" || got.body["expires_in"] != 600.0 || got.str("scope") != "read write introspect" ||
		!strings.HasPrefix(got.str("refresh_token"), "ort_") || !strings.HasPrefix(got.str("session_id"), "ses_") {
		t.Fatalf("token answer is %s", got.text)
	}
	if got.header.Get("Cache-Control") != "no-store" {
		t.Error("a token answer may be cached")
	}
	me := n.get("/me", got.str("access_token")).want(200)
	if me.str("via") != "jwt" || me.str("tenant") != core.DefaultTenant {
		t.Errorf("the principal is %s", me.text)
	}
	next := n.refresh(got.str("refresh_token")).want(200)
	if next.str("session_id") != got.str("session_id") || next.str("refresh_token") == got.str("refresh_token") {
		t.Errorf("refreshing gave %s", next.text)
	}
	n.get("/me", next.str("access_token")).want(200)
	n.form("/auth/revoke", "token", next.str("refresh_token")).want(200)
	n.get("/me", got.str("access_token")).want(401, "invalid_token")
	n.get("/me", next.str("access_token")).want(401, "invalid_token")
	n.refresh(next.str("refresh_token")).want(400, "invalid_grant")
}

// The claims of RFC 9068 section 2.2, and those of our own.
func TestAccessTokenClaims(t *testing.T) {
	n := start(t, nil)
	u := n.user(t.Context(), ann)
	got := n.granted(u.ID, "shop", shopSecret, "scope", "read")
	header, claims := segment(t, got.str("access_token"), 0), segment(t, got.str("access_token"), 1)
	if header["typ"] != "at+jwt" || header["alg"] != "EdDSA" || header["kid"] == "" {
		t.Errorf("header is %v", header)
	}
	now := float64(n.clock.Now().Unix())
	for name, want := range map[string]any{
		"iss": baseURL, "sub": u.ID, "aud": "https://shop.example", "exp": now + 600, "iat": now, "sid": got.str("session_id"),
		"client_id": "shop", "scope": "read", "tid": "default", "auth_time": now,
	} {
		if claims[name] != want {
			t.Errorf("%s is %v, want %v", name, claims[name], want)
		}
	}
	if amr, _ := claims["amr"].([]any); len(amr) != 1 || amr[0] != "test" {
		t.Errorf("amr is %v", claims["amr"])
	}
	if id, _ := claims["jti"].(string); id == "" || id == segment(t, n.login().str("access_token"), 1)["jti"] {
		t.Errorf("jti is %v", claims["jti"])
	}
}

// A token never outlives its session.
func TestAccessTokenEndsWithSession(t *testing.T) {
	n := start(t, func(s *setup) {
		s.core.Sessions = core.SessionLimits{APIIdle: 4 * time.Minute, APIAbsolute: 5 * time.Minute}
	})
	got := n.login()
	if got.body["expires_in"] != 240.0 {
		t.Errorf("expires_in is %v", got.body["expires_in"])
	}
	n.clock.Advance(4 * time.Minute)
	n.get("/me", got.str("access_token")).want(401, "invalid_token")
}

func TestLoginErrors(t *testing.T) {
	n := start(t, nil)
	n.user(t.Context(), ann)
	in := func(pairs ...string) map[string]string {
		m := map[string]string{"identifier": ann, "password": goodPass}
		for i := 0; i < len(pairs); i += 2 {
			m[pairs[i]] = pairs[i+1]
		}
		return m
	}
	n.json("/auth/api/login", in("password", "wrong")).want(400, "invalid_grant")
	n.json("/auth/api/login", in("identifier", "")).want(400, "invalid_request")
	n.json("/auth/api/login", in("password", "")).want(400, "invalid_request")
	n.json("/auth/api/login", in("client_id", "nobody")).want(401, "invalid_client")
	n.json("/auth/api/login", in("client_id", "phone")).want(400, "unauthorized_client")
	n.json("/auth/api/login", in("client_id", "shop", "client_secret", shopSecret)).want(400, "unauthorized_client")
	n.json("/auth/api/login", in("client_secret", "x")).want(401, "invalid_client")
	n.json("/auth/api/login", in("scope", "admin")).want(400, "invalid_scope")
	n.json("/auth/api/login", in("scope", `"`)).want(400, "invalid_scope")
	if got := n.json("/auth/api/login", in("scope", "admin read")).want(200); got.str("scope") != "read" {
		t.Errorf("scope is %q", got.str("scope"))
	}
	n.do("POST", "/auth/api/login", strings.NewReader("x"), "Content-Type", "text/plain").want(415)
	n.do("GET", "/auth/api/login", nil).want(405)
}

// Unknown, disabled and wrong are the same bytes.
func TestLoginTellsNobodyApart(t *testing.T) {
	n := start(t, nil)
	u := n.user(t.Context(), bob)
	n.user(t.Context(), ann)
	n.must(n.auth.Users().Disable(t.Context(), u.ID, "test"))
	var texts []string
	for _, in := range [][2]string{{ann, "wrong"}, {bob, goodPass}, {"nobody@example.com", goodPass}} {
		texts = append(texts, n.json("/auth/api/login", map[string]string{"identifier": in[0], "password": in[1]}).want(400).text)
	}
	if texts[0] != texts[1] || texts[1] != texts[2] {
		t.Errorf("the answers differ: %q", texts)
	}
}

func TestLoginAsksForFactors(t *testing.T) {
	n := start(t, nil)
	u := n.user(t.Context(), ann)
	n.must(n.auth.Users().RequireFactors(t.Context(), u.ID, []string{"otp"}))
	got := n.json("/auth/api/login", map[string]string{"identifier": ann, "password": goodPass}).want(400, "factor_required")
	attempt, _ := got.body["attempt"].(map[string]any)
	if attempt["id"] == "" || attempt["expires_at"] == nil || len(attempt["factors"].([]any)) != 1 {
		t.Errorf("attempt is %v", got.body)
	}
	if got.str("access_token") != "" {
		t.Error("a token was issued without the factor")
	}
}

func TestSignUp(t *testing.T) {
	n := start(t, nil)
	in := map[string]any{"email": ann, "password": goodPass, "name": "Ann", "scope": "read", "device_name": "phone"}
	got := n.json("/auth/api/signup", in).want(201)
	user, _ := got.body["user"].(map[string]any)
	if user["name"] != "Ann" || user["tenant"] != "default" || len(user["identities"].([]any)) != 1 || got.str("scope") != "read" {
		t.Errorf("sign-up gave %s", got.text)
	}
	n.get("/me", got.str("access_token")).want(200)
	n.json("/auth/api/signup", in).want(409, "identity_taken")
	n.json("/auth/api/signup", map[string]any{"email": "x", "password": goodPass}).want(422)
	n.json("/auth/api/signup", map[string]any{"email": bob, "password": "short"}).want(422, "weak_password")
	n.json("/auth/api/signup", map[string]any{"email": bob, "password": goodPass, "scope": "admin"}).want(400, "invalid_scope")
	n.json("/auth/api/login", map[string]string{"identifier": bob, "password": goodPass}).want(400, "invalid_grant")
}

func TestSignUpVerifyFirst(t *testing.T) {
	n := start(t, func(s *setup) { s.core.SignUp = core.VerifyFirst })
	n.user(t.Context(), ann)
	taken := n.json("/auth/api/signup", map[string]any{"email": ann, "password": goodPass}).want(202)
	free := n.json("/auth/api/signup", map[string]any{"email": bob, "password": goodPass}).want(202)
	if taken.text != free.text || free.str("status") != "pending" {
		t.Errorf("answers are %s and %s", taken.text, free.text)
	}
}

func TestTokenEndpointErrors(t *testing.T) {
	n := start(t, nil)
	got := n.login()
	refresh := got.str("refresh_token")
	n.form("/auth/token").want(400, "invalid_request")
	n.form("/auth/token", "grant_type", "password", "username", ann, "password", goodPass).want(400, "unsupported_grant_type")
	n.form("/auth/token", "grant_type", "implicit").want(400, "unsupported_grant_type")
	n.form("/auth/token", "grant_type", testGrant).want(400, "unauthorized_client")
	n.form("/auth/token", "grant_type", "refresh_token").want(400, "invalid_request")
	n.refresh(refresh, "grant_type", "refresh_token").want(400, "invalid_request") // twice
	n.refresh(refresh, "scope", "read", "scope", "write").want(400, "invalid_request")
	n.refresh(refresh, "extension", "1", "extension", "2").want(400, "invalid_request")
	n.do("POST", "/auth/token", strings.NewReader(`{"grant_type":"refresh_token","grant_type":"x"}`),
		"Content-Type", "application/json").want(400, "invalid_request")
	n.do("POST", "/auth/token", strings.NewReader(`{"grant_type":7}`), "Content-Type", "application/json").want(400, "invalid_request")
	n.do("POST", "/auth/token?"+encode([]string{"grant_type", "refresh_token", "refresh_token", refresh}), nil).want(400, "invalid_request")
	n.refresh(refresh, "scope", "admin").want(400, "invalid_scope")
	n.refresh("ort_"+strings.Repeat("A", 70)).want(400, "invalid_grant")
	n.json("/auth/token", map[string]string{"grant_type": "refresh_token", "refresh_token": refresh}).want(200)
}

// The client is authenticated before a token is touched.
func TestClientAuthentication(t *testing.T) {
	n := start(t, nil)
	u := n.user(t.Context(), ann)
	got := n.granted(u.ID, "shop", shopSecret)
	grant := []string{"grant_type", "refresh_token", "refresh_token", got.str("refresh_token")}
	with := func(more ...string) []string { return append(append([]string{}, grant...), more...) }

	refused := n.formWith(basic("shop", "wrong"), "/auth/token", grant...).want(401, "invalid_client")
	if !strings.HasPrefix(refused.header.Get("WWW-Authenticate"), "Basic ") {
		t.Errorf("WWW-Authenticate is %q", refused.header.Get("WWW-Authenticate"))
	}
	n.form("/auth/token", with("client_id", "shop")...).want(401, "invalid_client")
	n.form("/auth/token", with("client_id", "shop", "client_secret", "wrong")...).want(401, "invalid_client")
	n.form("/auth/token", with("client_id", "nobody")...).want(401, "invalid_client")
	n.form("/auth/token", with("client_id", "phone", "client_secret", "x")...).want(401, "invalid_client")
	n.formWith(basic("phone", ""), "/auth/token", grant...).want(401, "invalid_client")
	n.formWith(basic("first-party", ""), "/auth/token", grant...).want(401, "invalid_client")
	n.formWith([]string{"Authorization", "Basic !"}, "/auth/token", grant...).want(401, "invalid_client")
	n.formWith(bearer("garbage"), "/auth/token", grant...).want(401, "invalid_client")
	n.formWith([]string{"X-API-Key", "garbage"}, "/auth/token", with("client_id", "phone")...).want(401, "invalid_client")
	n.formWith(basic("shop", shopSecret), "/auth/token", with("client_secret", shopSecret)...).want(400, "invalid_request")
	n.formWith(basic("shop", shopSecret), "/auth/token", with("client_id", "other")...).want(400, "invalid_request")
	n.formWith(basic("other", otherKey), "/auth/token", grant...).want(400, "invalid_grant")
	n.form("/auth/token", grant...).want(400, "invalid_grant") // first-party's it is not

	// Nothing of that rotated or ended anything: the token is still the current one.
	next := n.formWith(basic("shop", shopSecret), "/auth/token", with("client_id", "shop")...).want(200)
	s, err := n.auth.Session(t.Context(), next.str("session_id"))
	if err != nil || s.Generation != 2 {
		t.Errorf("the session is at generation %v, %v", s, err)
	}
}

func TestRefreshNarrowsOneToken(t *testing.T) {
	n := start(t, nil)
	got := n.login()
	narrow := n.refresh(got.str("refresh_token"), "scope", "read").want(200)
	if narrow.str("scope") != "read" {
		t.Errorf("scope is %q", narrow.str("scope"))
	}
	n.get("/write", narrow.str("access_token")).want(403, "insufficient_scope")
	wide := n.refresh(narrow.str("refresh_token")).want(200)
	n.get("/write", wide.str("access_token")).want(200)
}

// A grant's session that is not the client's is a bug of the handler, and gives nothing.
func TestGrantOfAnotherClientsSession(t *testing.T) {
	var n *node
	n = start(t, func(s *setup) {
		s.core.Clients = append(s.core.Clients, core.ClientConfig{ID: "mix", Grants: []string{"urn:test:mix", "urn:test:nothing"}})
		s.api.Grants["urn:test:mix"] = func(ctx context.Context, g apiauth.GrantRequest) (*core.SignedIn, error) {
			g.Client = &core.Client{ID: "phone"}
			return n.trust(ctx, g)
		}
		s.api.Grants["urn:test:nothing"] = func(context.Context, apiauth.GrantRequest) (*core.SignedIn, error) { return nil, nil }
	})
	u := n.user(t.Context(), ann)
	for _, grant := range []string{"urn:test:mix", "urn:test:nothing"} {
		n.form("/auth/token", "grant_type", grant, "user", u.ID, "client_id", "mix").want(500, "server_error")
	}
	if _, err := n.api.Issue(t.Context(), &core.SignedIn{Session: &core.Session{Kind: core.BrowserSession}}); err == nil {
		t.Error("a token was issued for a browser's session")
	}
	if _, err := n.api.Issue(t.Context(), nil); err == nil {
		t.Error("a token was issued for nothing")
	}
}

func TestMetadata(t *testing.T) {
	n := start(t, nil)
	got := n.do("GET", "/.well-known/oauth-authorization-server", nil).want(200)
	if got.str("issuer") != baseURL || got.str("token_endpoint") != baseURL+"/auth/token" || got.str("jwks_uri") != baseURL+"/auth/jwks.json" {
		t.Errorf("metadata is %s", got.text)
	}
	if got.body["authorization_endpoint"] != nil || len(got.body["response_types_supported"].([]any)) != 0 {
		t.Error("metadata promises an authorization endpoint")
	}
	a, b := n.do("GET", "/auth/jwks.json", nil).want(200), n.do("GET", "/.well-known/jwks.json", nil).want(200)
	if a.text != b.text || !strings.HasPrefix(a.header.Get("Cache-Control"), "public, max-age=") {
		t.Errorf("key sets are %s and %s", a.text, b.text)
	}
	n.do("POST", "/auth/jwks.json", nil).want(405)
}
