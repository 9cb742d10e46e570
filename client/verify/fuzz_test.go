package verify_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	reference "github.com/golang-jwt/jwt/v5"

	"github.com/oneauth-go/oneauth/client/verify"
)

// Whatever the introspection endpoint answers, nothing is let in but what it plainly calls an active access token of this
// service.
func FuzzIntrospection(f *testing.F) {
	i := newIssuer(f)
	yes := fmt.Sprintf(`{"active":true,"token_type":"Bearer","sub":"usr_1","aud":%q,"iss":%q,"exp":%d}`, audience, i.URL, i.now.Load()+60)
	for _, seed := range []string{
		yes, `{"active":false}`, strings.Replace(yes, "active", "Active", 1), strings.Replace(yes, "true", `"true"`, 1), "[" + yes + "]",
		strings.Replace(yes, "{", `{"active":false,`, 1), strings.Replace(yes, `"aud"`, `"\u0061ud"`, 1), `{"active":true}`, `{`, "",
	} {
		f.Add([]byte(seed))
	}
	v := i.verifier(func(c *verify.Config) {
		c.Introspection = &verify.Introspection{APIKey: "oak_1_2", CacheFor: -1, Endpoint: i.URL + "/introspect"}
	})
	f.Fuzz(func(t *testing.T, body []byte) {
		i.answer("introspect", text(body))
		c, err := v.Verify(t.Context(), "a-token-of-some-length")
		if err != nil {
			judged(t, c, err)
			return
		}
		var members map[string]any
		if json.Unmarshal(body, &members) != nil || members["active"] != true || c.Subject == "" || !slices.Contains(c.Audience, audience) ||
			members["token_type"] == "refresh_token" || c.Issuer != "" && c.Issuer != i.URL {
			t.Errorf("%s was let in as %+v", body, c)
		}
	})
}

func judged(t *testing.T, c *verify.Claims, err error) {
	t.Helper()
	if c != nil || errors.Is(err, verify.ErrInvalidToken) == errors.Is(err, verify.ErrUnavailable) {
		t.Errorf("claims %v with the error %v", c, err)
	}
}

// Whatever the key server answers is never a secret with which anybody can sign, and never harms a verifier.
func FuzzKeys(f *testing.F) {
	i := newIssuer(f)
	set := string(i.jwks())
	for _, seed := range []string{
		set, `{"keys":[]}`, strings.Replace(set, "EdDSA", "HS256", 1), `{"keys":[{"kty":"oct","kid":"k1","alg":"HS256","k":"AAAA"}]}`,
		strings.Replace(set, `"kty"`, `"d":"","kty"`, 1), "[" + set + "]", set + set, "",
	} {
		f.Add([]byte(seed))
	}
	good := i.token(i.keys[0])
	f.Fuzz(func(t *testing.T, body []byte) {
		i.t = t // whose Helper may be called in here
		i.answer("jwks.json", text(body))
		v := i.verifier()
		if c, err := v.Verify(t.Context(), good); err != nil {
			judged(t, c, err)
		}
		for _, secret := range [][]byte{body, nil, []byte("AAAA")} {
			c, err := v.Verify(t.Context(), i.forged(reference.SigningMethodHS256, secret, nil))
			judged(t, c, err)
		}
	})
}

// Whatever stands in the headers is answered with one of the documented statuses, and lets in nothing but the token.
func FuzzMiddleware(f *testing.F) {
	i := newIssuer(f)
	good := i.token(i.keys[0])
	for _, seed := range []string{"Bearer " + good, "bearer  " + good, "Bearer", "Basic YTpi", "Bearer a b", "\x00", "", good, "Bearer " + good + "=", "Bearer oak_1_2"} {
		f.Add(seed)
	}
	v := must(verify.New(verify.Config{
		Issuer: i.URL, Audiences: []string{audience}, Now: i.clock, Log: slog.New(slog.DiscardHandler),
	}))(f)
	accepted(f, v, good) // so that the keys are there
	h := v.RequireToken(greet)
	f.Fuzz(func(t *testing.T, value string) {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header["Authorization"] = []string{value}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		scheme, token, _ := strings.Cut(value, " ")
		is := strings.EqualFold(scheme, "bearer") && strings.TrimLeft(token, " ") == good
		if (w.Code == 200) != is || !slices.Contains([]int{200, 400, 401}, w.Code) ||
			(w.Code == 401) != (w.Header().Get("WWW-Authenticate") != "") {
			t.Errorf("%q: %d %v", value, w.Code, w.Header())
		}
	})
}
