package apiauth_test

import (
	"testing"
	"time"

	"github.com/oneauth-go/oneauth/core"
)

func TestIntrospection(t *testing.T) {
	n := start(t, func(s *setup) {
		s.core.Clients = append(s.core.Clients, core.ClientConfig{ID: "api", Secrets: []string{otherKey}, Audiences: []string{baseURL}})
	})
	u := n.user(t.Context(), ann)
	shop, first := n.granted(u.ID, "shop", shopSecret, "scope", "read"), n.login()
	_, key := n.key(t.Context(), u.ID, "read", "introspect")
	_, weak := n.key(t.Context(), u.ID, "read")
	ask := func(headers []string, token string) answer {
		return n.formWith(headers, "/auth/introspect", "token", token)
	}
	active := func(headers []string, token string, want bool) answer {
		t.Helper()
		a := ask(headers, token).want(200)
		if a.body["active"] != want {
			t.Errorf("introspection says %s, want active %v", a.text, want)
		}
		if !want && a.text != "{\"active\":false}\n" {
			t.Errorf("of an inactive token it tells %s", a.text)
		}
		return a
	}
	own := active(basic("shop", shopSecret), shop.str("access_token"), true)
	if own.str("sub") != u.ID || own.str("client_id") != "shop" || own.str("scope") != "read" || own.str("aud") != "https://shop.example" ||
		own.str("sid") != shop.str("session_id") || own.str("token_type") != "Bearer" || own.body["exp"] == nil || own.body["iat"] == nil {
		t.Errorf("introspection tells %s", own.text)
	}
	active(basic("shop", shopSecret), shop.str("refresh_token"), true)
	active(basic("api", otherKey), first.str("access_token"), true) // for its audience
	active(basic("api", otherKey), key, true)
	active(bearer(key), first.str("access_token"), true)
	active([]string{"X-API-Key", key}, key, true)
	active(basic("shop", shopSecret), "nonsense", false)
	active(basic("shop", shopSecret), key, false)

	ask(nil, shop.str("access_token")).want(401, "invalid_client")
	ask(basic("shop", "wrong"), shop.str("access_token")).want(401, "invalid_client")
	ask(bearer(weak), shop.str("access_token")).want(403, "insufficient_scope")
	ask(bearer(weak+"x"), shop.str("access_token")).want(401, "invalid_client")
	ask(bearer(first.str("access_token")), first.str("access_token")).want(401, "invalid_client")
	ask(append(basic("shop", shopSecret), "X-API-Key", key), key).want(400, "invalid_request")
	n.formWith(bearer(key), "/auth/introspect", "token", key, "client_id", "shop").want(400, "invalid_request")
	n.formWith(basic("shop", shopSecret), "/auth/introspect").want(400, "invalid_request")

	n.form("/auth/revoke", "token", shop.str("access_token"), "client_id", "shop", "client_secret", shopSecret).want(200)
	active(basic("shop", shopSecret), shop.str("access_token"), false)
	n.form("/auth/revoke", "token", shop.str("refresh_token"), "client_id", "shop", "client_secret", shopSecret).want(200)
	active(basic("shop", shopSecret), shop.str("refresh_token"), false)
	n.clock.Advance(10 * time.Minute)
	active(basic("api", otherKey), first.str("access_token"), false)
}

// A27: introspecting another client's token tells nothing.
func TestA27IntrospectingAnothersToken(t *testing.T) {
	n := start(t, func(s *setup) { // anybody can say that he is a public client: it owns no audience
		s.core.Clients = append(s.core.Clients, core.ClientConfig{ID: "spa", Audiences: []string{"https://shop.example"}})
	})
	u := n.user(t.Context(), ann)
	shop := n.granted(u.ID, "shop", shopSecret)
	for _, token := range []string{shop.str("access_token"), shop.str("refresh_token")} {
		for name, a := range map[string]answer{
			"confidential": n.formWith(basic("other", otherKey), "/auth/introspect", "token", token),
			"audience":     n.form("/auth/introspect", "token", token, "client_id", "spa"),
			"public":       n.form("/auth/introspect", "token", token, "client_id", "phone"),
			"first party":  n.form("/auth/introspect", "token", token, "client_id", "first-party"),
		} {
			if a.want(200).text != "{\"active\":false}\n" {
				t.Errorf("%s is told %s", name, a.text)
			}
		}
	}
}
