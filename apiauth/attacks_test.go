package apiauth_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/core/record"
	"github.com/oneauth-go/oneauth/internal/clock"
	"github.com/oneauth-go/oneauth/internal/jwt"
	"github.com/oneauth-go/oneauth/stores/mem"
)

// A5: a disabled user gets in on no path.
func TestA5DisabledUser(t *testing.T) {
	n := start(t, nil)
	got := n.login()
	u := segment(t, got.str("access_token"), 1)["sub"].(string)
	_, key := n.key(t.Context(), u, "read")
	n.get("/me", key).want(200)
	n.must(n.auth.Users().Disable(t.Context(), u, "test"))
	n.json("/auth/api/login", map[string]string{"identifier": ann, "password": goodPass}).want(400, "invalid_grant")
	n.refresh(got.str("refresh_token")).want(400, "invalid_grant")
	n.get("/me", got.str("access_token")).want(401, "invalid_token")
	n.get("/me", key).want(401, "invalid_token")
	n.form("/auth/token", "grant_type", testGrant, "user", u, "client_id", "phone").want(400, "invalid_grant")
}

// A22: truncated, padded, re-cased and other-kind tokens are refused.
func TestA22MutilatedTokens(t *testing.T) {
	n := start(t, nil)
	got := n.login()
	token, refresh := got.str("access_token"), got.str("refresh_token")
	_, key := n.key(t.Context(), segment(t, token, 1)["sub"].(string), "read")
	n.get("/me", token).want(200)
	for _, good := range []string{token, key} {
		for _, bad := range []string{
			good[:len(good)-1], good + "=", good + "A", strings.ToUpper(good), strings.ToLower(good), good[1:], "A" + good,
			strings.Replace(good, "A", "B", 1), good + "." + good,
		} {
			if a := n.get("/me", bad); bad != good && a.status != 401 {
				t.Errorf("%.20s... mutilated is answered %d", good, a.status)
			}
		}
	}
	for _, bad := range []string{refresh[:len(refresh)-1], refresh + "=", refresh + "A", strings.ToUpper(refresh), token, key} {
		n.refresh(bad).want(400, "invalid_grant")
	}
	n.refresh(refresh).want(200)
}

// A23: an old refresh token ends the session, which stays dead after a restart; of parallel refreshes all get the same
// successor.
func TestA23RefreshReplay(t *testing.T) {
	store, c := mem.New(), clock.Noon()
	with := func(s *setup) { s.store, s.clock = store.Again(), c }
	n := start(t, with)
	first := n.login()
	second := n.refresh(first.str("refresh_token")).want(200)
	if again := n.refresh(first.str("refresh_token")).want(200); again.str("refresh_token") != second.str("refresh_token") {
		t.Error("within the grace window there are two successors")
	}
	c.Advance(11 * time.Second)
	third := n.refresh(second.str("refresh_token")).want(200)
	n.refresh(first.str("refresh_token")).want(400, "invalid_grant")
	n.get("/me", third.str("access_token")).want(401, "invalid_token")
	n.refresh(third.str("refresh_token")).want(400, "invalid_grant")

	restarted := start(t, with)
	restarted.get("/me", third.str("access_token")).want(401, "invalid_token")
	restarted.refresh(third.str("refresh_token")).want(400, "invalid_grant")

	got := n.login()
	answers := make([]answer, 16)
	var all sync.WaitGroup
	for i := range answers {
		all.Go(func() { answers[i] = n.refresh(got.str("refresh_token")) })
	}
	all.Wait()
	for _, a := range answers {
		if a.status != 200 || a.str("refresh_token") != answers[0].str("refresh_token") {
			t.Errorf("a parallel refresh is answered %d %s", a.status, a.text)
		}
	}
}

// forge encodes a token with a signature made by sign.
func forge(header, payload string, sign func(input []byte) []byte) string {
	enc := base64.RawURLEncoding.EncodeToString
	input := enc([]byte(header)) + "." + enc([]byte(payload))
	return input + "." + enc(sign([]byte(input)))
}

// A26: what has been tried against JWT verifiers is refused, and the signature that was good is good for nothing else.
func TestA26ForgedTokens(t *testing.T) {
	store := mem.New()
	n := start(t, func(s *setup) { s.store = store })
	token := n.login().str("access_token")
	key := n.signingKey(t, store, token)
	n.get("/me", token).want(200)
	parts := strings.Split(token, ".")
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	n.must(err)
	none := func([]byte) []byte { return nil }
	id := key.ID()
	jwk, _ := key.JWK()
	x, err := base64.RawURLEncoding.DecodeString(jwk.X)
	n.must(err)
	hmacKey, err := jwt.NewHMACKey(id, x)
	n.must(err)
	var claims map[string]any
	n.must(json.Unmarshal(payload, &claims))
	hmac, err := jwt.Sign(hmacKey, jwt.Claims{
		Issuer: baseURL, Subject: "usr_x", Audience: []string{baseURL}, Expires: n.clock.Now().Unix() + 60, IssuedAt: n.clock.Now().Unix(),
		ID: "tok_x", SessionID: "ses_x", ClientID: "first-party", Tenant: "default",
	}, nil)
	n.must(err)
	forged := map[string]string{
		"HS256 with the public key": hmac,
		"dots":                      strings.Repeat(".", 8000),
		"no kid":                    forge(`{"alg":"EdDSA","typ":"at+jwt"}`, string(payload), none),
		"old payload, no signature": parts[0] + "." + parts[1] + ".",
		"payload exchanged":         parts[0] + "." + base64.RawURLEncoding.EncodeToString(bytes.Replace(payload, []byte("read"), []byte("root"), 1)) + "." + parts[2],
	}
	for _, h := range []string{
		`{"alg":"none","kid":"` + id + `","typ":"at+jwt"}`, `{"alg":"EdDSA","kid":"../../etc/passwd","typ":"at+jwt"}`,
		`{"alg":"EdDSA","kid":"' OR 1=1 --","typ":"at+jwt"}`, `{"alg":"EdDSA","kid":"` + id + `","typ":"at+jwt","crit":["x"],"x":1}`,
		`{"alg":"EdDSA","kid":"` + id + `","typ":"at+jwt","jku":"https://evil.example"}`,
		`{"alg":"EdDSA","kid":"` + id + `","typ":"JWT"}`, `{"alg":"EdDSA","kid":"` + id + `","typ":"at+jwt","b64":false}`,
	} {
		forged[h] = forge(h, string(payload), none)
	}
	for name, bad := range forged {
		if a := n.get("/me", bad); a.status != 401 {
			t.Errorf("%s: answer is %d %s", name, a.status, a.text)
		}
	}
	for name, change := range map[string]func(c *jwt.Claims){
		"other audience":    func(c *jwt.Claims) { c.Audience = []string{"https://shop.example"} },
		"array of audience": func(c *jwt.Claims) { c.Audience = []string{baseURL, "https://evil.example"} },
		"other issuer":      func(c *jwt.Claims) { c.Issuer = "https://evil.example" },
		"far-future iat":    func(c *jwt.Claims) { c.IssuedAt += 60 },
		"far-future nbf":    func(c *jwt.Claims) { c.NotBefore = c.IssuedAt + 60 },
		"expired":           func(c *jwt.Claims) { c.Expires = c.IssuedAt },
		"other tenant":      func(c *jwt.Claims) { c.Tenant = "red" },
		"no tenant":         func(c *jwt.Claims) { c.Tenant = "" },
		"no session":        func(c *jwt.Claims) { c.SessionID = "" },
	} {
		c := jwt.Claims{
			Issuer: baseURL, Subject: "usr_x", Audience: []string{baseURL}, Expires: n.clock.Now().Unix() + 60,
			IssuedAt: n.clock.Now().Unix(), ID: "tok_x", SessionID: "ses_x", ClientID: "first-party", Tenant: "default",
		}
		good, err := jwt.Sign(key, c, nil)
		n.must(err)
		n.get("/me", good).want(200) // the recipe works
		change(&c)
		bad, err := jwt.Sign(key, c, nil)
		n.must(err)
		if a := n.get("/me", bad); a.status != 401 {
			t.Errorf("%s: answer is %d", name, a.status)
		}
	}
}

// A29: a credential of one tenant is nothing in another, hot in the cache or not.
func TestA29OtherTenant(t *testing.T) {
	n := start(t, tenants)
	red := core.WithTenant(t.Context(), "red")
	u := n.user(red, ann)
	n.user(core.WithTenant(t.Context(), "blue"), ann)
	got := n.json("/auth/api/login", map[string]string{"identifier": ann, "password": goodPass}, "X-Tenant", "red").want(200)
	_, key := n.key(red, u.ID, "read")
	for range 2 {
		for _, token := range []string{got.str("access_token"), key} {
			n.do("GET", "/me", nil, append(bearer(token), "X-Tenant", "red")...).want(200)
			n.do("GET", "/me", nil, append(bearer(token), "X-Tenant", "blue")...).want(401, "invalid_token")
			n.do("GET", "/me", nil, bearer(token)...).want(404, "tenant_required")
		}
	}
	inBlue := []string{"X-Tenant", "blue"}
	n.formWith(inBlue, "/auth/token", "grant_type", "refresh_token", "refresh_token", got.str("refresh_token")).want(400, "invalid_grant")
	n.formWith(inBlue, "/auth/revoke", "token", got.str("refresh_token")).want(200)
	n.formWith(inBlue, "/auth/revoke", "token", got.str("access_token")).want(200)
	a := n.formWith(inBlue, "/auth/introspect", "token", got.str("access_token"), "client_id", "first-party").want(200)
	if a.body["active"] != false {
		t.Errorf("another tenant is told %s", a.text)
	}
	n.do("GET", "/me", nil, append(bearer(got.str("access_token")), "X-Tenant", "red")...).want(200)
}

// A31: what a client sends reaches the log encoded, and A32: secrets reach neither log, error nor store.
func TestA31A32LogsErrorsAndStore(t *testing.T) {
	var log bytes.Buffer
	store := mem.New()
	n := start(t, func(s *setup) {
		s.store = store
		s.core.Env.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	got := n.login()
	_, key := n.key(t.Context(), segment(t, got.str("access_token"), 1)["sub"].(string), "read")
	private, err := n.signingKey(t, store, got.str("access_token")).MarshalSecret()
	n.must(err)
	n.form("/auth/token", "grant_type", "x\nlevel=ERROR msg=forged").want(400, "unsupported_grant_type")
	bad := n.get("/me", got.str("access_token")+"x")
	n.form("/auth/revoke", "token", got.str("access_token")).want(200)
	if strings.Contains(log.String(), "forged") {
		t.Errorf("the log is %s", log.String())
	}
	dump := dump(t, store)
	for name, secret := range map[string]string{
		"access token": got.str("access_token"), "refresh token": got.str("refresh_token"), "API key": key, "signing key": string(private),
		"signing key in base64": base64.StdEncoding.EncodeToString(private), "password": goodPass,
	} {
		for where, text := range map[string]string{"log": log.String(), "error": bad.text, "store": dump} {
			if strings.Contains(text, secret) {
				t.Errorf("the %s is in the %s", name, where)
			}
		}
	}
	for _, word := range strings.FieldsFunc(dump, func(r rune) bool { return strings.ContainsRune(" \x00\"[]{},:\n", r) }) {
		if a := n.do("GET", "/me", nil, "Authorization", "Bearer "+word); a.status == 200 {
			t.Errorf("%q of the store signs in", word)
		}
	}
}

// dump returns the values of all records.
func dump(t testing.TB, store record.Backend) string {
	t.Helper()
	var b strings.Builder
	for _, tenant := range []string{record.System, "default"} {
		for _, kind := range []string{"account", "user", "session", "api_key", "client", "signing_keys", "revocation", "root_secret", "password"} {
			rows, err := store.Find(context.Background(), record.Query{Tenant: tenant, Kind: kind, Limit: 100})
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range rows {
				b.WriteString(r.ID + "\n")
				for _, v := range r.Row {
					b.WriteString(v.Text() + "\n")
				}
			}
		}
	}
	return b.String()
}
