package verify_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/oneauth-go/oneauth"
	"github.com/oneauth-go/oneauth/client/verify"
	"github.com/oneauth-go/oneauth/core"
)

const ordersSecret = "orders: 32 characters, and: some + more"

var orders = core.ClientConfig{ID: "orders", Name: "Orders", Secrets: []string{ordersSecret}, Audiences: []string{audience}}

// asking makes a verifier that asks the application, as a client that owns the audience.
func (w *world) asking(edits ...func(*verify.Introspection)) *verify.Verifier {
	return w.verifier(func(c *verify.Config) {
		c.Introspection = &verify.Introspection{ClientID: orders.ID, ClientSecret: ordersSecret}
		for _, edit := range edits {
			edit(c.Introspection)
		}
	})
}

// endSessions revokes everything that somebody holds.
func (w *world) endSessions(email string) {
	w.t.Helper()
	if err := w.Users().RevokeAll(w.t.Context(), w.User(w.t, email).ID); err != nil {
		w.t.Fatal(err)
	}
}

// A service that asks the application hears of a revocation within CacheFor, and not more often than it must.
func TestIntrospection(t *testing.T) {
	w := newWorld(t, oneauth.WithClients(orders))
	v, always := w.asking(), w.asking(func(i *verify.Introspection) { i.CacheFor = -1 })
	local := w.verifier()
	token := w.Token(t, ann, "read")
	for range 3 {
		c := accepted(t, v, token)
		if c.Subject != w.User(t, ann).ID || !slices.Equal(c.Scopes, []string{"read"}) || c.SessionID == "" ||
			!c.ExpiresAt.Equal(w.Now().Add(lifetime)) || !strings.Contains(string(c.Raw()), `"active":true`) {
			t.Errorf("claims %+v", c)
		}
	}
	accepted(t, local, token)
	if n := w.count("introspect"); n != 1 {
		t.Errorf("asked %d times", n)
	}
	accepted(t, always, token)
	w.endSessions(ann)
	refused(t, always, token, verify.ErrInvalidToken)
	accepted(t, v, token)
	w.Advance(10 * time.Second)
	refused(t, v, token, verify.ErrInvalidToken)
	accepted(t, local, token) // until it expires: this is what introspection is for
	if n := w.count("oauth-authorization-server"); n != 3 {
		t.Errorf("the metadata was read %d times by three verifiers", n)
	}
}

// It never remembers a token for longer than the token lives.
func TestIntrospectionRemembersNoLongerThanTheTokenLives(t *testing.T) {
	w := newWorld(t, oneauth.WithClients(orders))
	v := w.asking(func(i *verify.Introspection) { i.CacheFor = 5 * time.Minute })
	token := w.Token(t, ann)
	w.Advance(lifetime - time.Second)
	accepted(t, v, token)
	w.Advance(time.Second)
	refused(t, v, token, verify.ErrInvalidToken)
}

// API keys are judged by introspection alone, in either header; an inquirer may be an API key itself.
func TestIntrospectionOfKeys(t *testing.T) {
	w := newWorld(t)
	inquirer := w.Key(t, "orders@example.com", "introspect")
	v := w.verifier(func(c *verify.Config) { c.Introspection = &verify.Introspection{APIKey: inquirer} })
	key := w.Key(t, ann, "read")
	if c := accepted(t, v, key); c.Subject != w.User(t, ann).ID || c.SessionID != "" || !c.HasScopes("read") || c.HasScopes("write") {
		t.Errorf("claims %+v", c)
	}
	accepted(t, v, w.Token(t, ann))
	h := v.RequireScopes("read")(greet)
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("X-API-Key", key)
	answer := httptest.NewRecorder()
	if h.ServeHTTP(answer, r); answer.Code != 200 {
		t.Errorf("X-API-Key: %d", answer.Code)
	}
	r.Header.Set("Authorization", "Bearer "+key)
	answer = httptest.NewRecorder()
	if h.ServeHTTP(answer, r); answer.Code != 400 {
		t.Errorf("two credentials: %d", answer.Code)
	}
	refused(t, v, key+"A", verify.ErrInvalidToken)
}

// What is active and no access token opens nothing; nor does what is for another service.
func TestIntrospectionOfOthers(t *testing.T) {
	w := newWorld(t, oneauth.WithClients(orders, core.ClientConfig{
		ID: "shop", Name: "Shop", Secrets: []string{ordersSecret + "!"}, Audiences: []string{"https://shop.example"},
	}))
	token := w.Token(t, ann)
	shop := w.verifier(func(c *verify.Config) {
		c.Audiences = []string{"https://shop.example"}
		c.Introspection = &verify.Introspection{ClientID: "shop", ClientSecret: ordersSecret + "!"}
	})
	refused(t, shop, token, verify.ErrInvalidToken)
	refused(t, w.asking(), "ort_"+strings.Repeat("a", 40), verify.ErrInvalidToken)
	refused(t, w.asking(), "two words", verify.ErrInvalidToken)
	if n := w.count("introspect"); n != 2 {
		t.Errorf("asked %d times: a malformed token is no question", n)
	}
	wrong := w.asking(func(i *verify.Introspection) { i.ClientSecret = "wrong" })
	refused(t, wrong, token, verify.ErrUnavailable)
}

// An answer that is not a clear yes for this service lets nobody in, and one that cannot be had is not "no".
func TestIntrospectionFailsClosed(t *testing.T) {
	i := newIssuer(t)
	v := i.verifier(func(c *verify.Config) { c.Tenant, c.Introspection = "acme", &verify.Introspection{APIKey: "oak_1_2"} })
	yes := fmt.Sprintf(`{"active":true,"token_type":"Bearer","sub":"usr_1","aud":%q,"iss":%q,"tid":"acme"}`, audience, i.URL)
	but := func(old, new string) http.HandlerFunc {
		if !strings.Contains(yes, old) {
			t.Fatalf("no %s", old)
		}
		return text([]byte(strings.Replace(yes, old, new, 1)))
	}
	status := func(status int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status); _, _ = w.Write([]byte(yes)) }
	}
	now := i.now.Load()
	n := 0
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   error
	}{
		"yes":                  {but("", ""), nil},
		"yes, an API key":      {but("Bearer", "api_key"), nil},
		"yes, without issuer":  {but(fmt.Sprintf(`"iss":%q,`, i.URL), ""), nil},
		"no":                   {but("true", "false"), verify.ErrInvalidToken},
		"nothing said":         {but(`"active":true,`, ""), verify.ErrInvalidToken},
		"yes in other case":    {but(`"active":true,`, `"Active":true,`), verify.ErrInvalidToken},
		"yes and no":           {but(`"active":true,`, `"active":true,"active":false,`), verify.ErrUnavailable},
		"yes as a text":        {but("true", `"true"`), verify.ErrUnavailable},
		"yes as a number":      {but("true", `1`), verify.ErrUnavailable},
		"a refresh token":      {but("Bearer", "refresh_token"), verify.ErrInvalidToken},
		"no type":              {but(`"token_type":"Bearer",`, ""), verify.ErrInvalidToken},
		"another audience":     {but(audience, "https://other.example"), verify.ErrInvalidToken},
		"no audience":          {but(fmt.Sprintf(`"aud":%q,`, audience), ""), verify.ErrInvalidToken},
		"another issuer":       {but(i.URL, "https://evil.example"), verify.ErrInvalidToken},
		"no subject":           {but(`"sub":"usr_1",`, ""), verify.ErrInvalidToken},
		"another tenant":       {but("acme", "globex"), verify.ErrInvalidToken},
		"expired":              {but("{", fmt.Sprintf(`{"exp":%d,`, now-30)), verify.ErrInvalidToken},
		"not yet":              {but("{", fmt.Sprintf(`{"nbf":%d,`, now+31)), verify.ErrInvalidToken},
		"garbage":              {text([]byte("<html>")), verify.ErrUnavailable},
		"empty":                {text(nil), verify.ErrUnavailable},
		"huge":                 {text([]byte(yes + strings.Repeat(" ", 64<<10))), verify.ErrUnavailable},
		"an error":             {status(500), verify.ErrUnavailable},
		"not allowed":          {status(401), verify.ErrUnavailable},
		"too often":            {status(429), verify.ErrUnavailable},
		"not found":            {status(404), verify.ErrUnavailable},
		"moved":                {status(307), verify.ErrUnavailable},
		"the connection broke": {nil, verify.ErrUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			i.answer("introspect", c.answer)
			i.cut.Store(c.answer == nil)
			defer i.cut.Store(false)
			n++
			token := fmt.Sprintf("token-number-%08d", n)
			if c.want == nil {
				accepted(t, v, token)
				return
			}
			for range 2 { // the answer is not remembered as another
				refused(t, v, token, c.want)
			}
		})
	}
}

// An answer that was good does not outlive its time because the issuer is away.
func TestIntrospectionOutage(t *testing.T) {
	w := newWorld(t, oneauth.WithClients(orders))
	v, token := w.asking(), w.Token(t, ann)
	accepted(t, v, token)
	w.cut.Store(true)
	w.Advance(9 * time.Second)
	accepted(t, v, token)
	w.Advance(time.Second)
	refused(t, v, token, verify.ErrUnavailable)
	if answer := call(v.RequireToken(greet), "Bearer "+token); answer.Code != 503 {
		t.Errorf("status %d", answer.Code)
	}
	w.cut.Store(false)
	accepted(t, v, token)
}

// Of many requests with one token one asks; who gives up does not take the answer from the others.
func TestIntrospectionIsShared(t *testing.T) {
	i := newIssuer(t)
	asked, goOn := make(chan struct{}), make(chan struct{})
	i.answer("introspect", func(w http.ResponseWriter, r *http.Request) {
		close(asked) // once, or this panics
		<-goOn
		fmt.Fprintf(w, `{"active":true,"token_type":"Bearer","sub":"usr_1","aud":%q}`, audience)
	})
	v := i.verifier(func(c *verify.Config) { c.Introspection = &verify.Introspection{APIKey: "oak_1_2"} })
	token := "a-token-of-some-length"
	ctx, giveUp := withCancel(t)
	impatient := make(chan error)
	go func() {
		_, err := v.Verify(ctx, token)
		impatient <- err
	}()
	<-asked
	giveUp()
	if err := <-impatient; !errors.Is(err, ctx.Err()) {
		t.Errorf("who gave up: %v", err)
	}
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() { accepted(t, v, token) })
	}
	close(goOn)
	all.Wait()
	accepted(t, v, token)
}

// The credential of the inquirer goes into the header, form-encoded, and the token into the body (RFC 6749 section 2.3.1).
func TestIntrospectionRequest(t *testing.T) {
	i := newIssuer(t)
	i.answer("introspect", func(w http.ResponseWriter, r *http.Request) {
		id, secret, _ := r.BasicAuth()
		secret, _ = url.QueryUnescape(secret)
		if r.Method != "POST" || id != "orders" || secret != ordersSecret || r.PostFormValue("token") != "a+token/of~some.length==" ||
			r.URL.RawQuery != "" || r.Header.Get("Accept") != "application/json" {
			t.Errorf("%s %s %v %v", r.Method, r.URL, r.Header, r.PostForm)
		}
		fmt.Fprintf(w, `{"active":true,"token_type":"Bearer","sub":"usr_1","aud":[%q]}`, audience)
	})
	v := i.verifier(func(c *verify.Config) {
		c.Introspection = &verify.Introspection{ClientID: "orders", ClientSecret: ordersSecret, Endpoint: i.URL + "/introspect"}
	})
	accepted(t, v, "a+token/of~some.length==")
	if n := i.count("oauth-authorization-server"); n != 0 {
		t.Errorf("the metadata was read %d times, although the endpoint is configured", n)
	}
	if err := v.Refresh(t.Context()); err != nil {
		t.Errorf("Refresh: %v", err)
	}
}

// The inquirer's credential goes to no endpoint on the way to which others may read along, whatever the metadata says.
func TestIntrospectionInPlainHTTP(t *testing.T) {
	i := newIssuer(t)
	i.answer("introspect", text([]byte(fmt.Sprintf(`{"active":true,"token_type":"Bearer","sub":"usr_1","aud":%q}`, audience))))
	v := i.verifier(func(c *verify.Config) { c.Introspection = &verify.Introspection{APIKey: "oak_1_2"} })
	for _, endpoint := range []string{"http://app.example/introspect", "ftp://app.example/introspect", "//app.example/introspect", ""} {
		i.answer("oauth-authorization-server", text([]byte(fmt.Sprintf(`{"issuer":%q,"introspection_endpoint":%q}`, i.URL, endpoint))))
		refused(t, v, "a-token-of-some-length", verify.ErrUnavailable)
	}
	if n := i.count("introspect"); n != 0 {
		t.Errorf("asked %d times", n)
	}
}
