package oneauth_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/oneauth-go/oneauth"
	"github.com/oneauth-go/oneauth/apiauth"
	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/core/password"
	"github.com/oneauth-go/oneauth/stores/file"
	"github.com/oneauth-go/oneauth/stores/mem"
)

const (
	annMail     = "ann@example.com"
	annPassword = "purple otters sing at dawn"
)

func cheap() oneauth.Option { return oneauth.WithHashing(password.CheapParams(), password.Limits{}) }

func quiet() oneauth.Option { return oneauth.WithEnv(core.Env{Log: slog.New(slog.DiscardHandler)}) }

func secret(b byte) []byte {
	s := make([]byte, 32)
	for i := range s {
		s[i] = b + byte(i)
	}
	return s
}

// newAuth is a production-like Auth over a store in memory.
func newAuth(t *testing.T, options ...oneauth.Option) *oneauth.Auth {
	t.Helper()
	auth, err := oneauth.New(mem.New(), append([]oneauth.Option{
		oneauth.WithSecrets(secret(1)), oneauth.WithBaseURL("https://app.example"), oneauth.WithScopes("read", "write"), cheap(), quiet(),
	}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = auth.Close() })
	return auth
}

// send is one request to h, as from a machine elsewhere.
func send(h http.Handler, method, path, body string, edit ...func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "https://app.example"+path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, e := range edit {
		e(r)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func decode(t testing.TB, w *httptest.ResponseRecorder) map[string]any {
	t.Helper()
	out := map[string]any{}
	if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil {
		t.Fatalf("%d %s: %v", w.Code, w.Body, err)
	}
	return out
}

func signUpBody(email string) string {
	return fmt.Sprintf(`{"email":%q,"password":%q}`, email, annPassword)
}

func TestNewSaysWhatIsMissing(t *testing.T) {
	for name, c := range map[string]struct {
		options []oneauth.Option
		says    string
	}{
		"no secrets":         {nil, "WithSecrets"},
		"no base URL":        {[]oneauth.Option{oneauth.WithSecrets(secret(1))}, "WithBaseURL"},
		"short secret":       {[]oneauth.Option{oneauth.WithSecrets([]byte("short")), oneauth.WithBaseURL("https://a.example")}, "32"},
		"base URL with path": {[]oneauth.Option{oneauth.WithSecrets(secret(1)), oneauth.WithBaseURL("https://a.example/x")}, "BaseURL"},
		"plain http":         {[]oneauth.Option{oneauth.WithSecrets(secret(1)), oneauth.WithBaseURL("http://a.example")}, "https"},
		"unknown algorithm":  {[]oneauth.Option{oneauth.WithDevelopment(), oneauth.WithSigning("none")}, "none"},
		"bad prefix":         {[]oneauth.Option{oneauth.WithDevelopment(), oneauth.WithPrefix("auth/")}, "Prefix"},
		"bad proxy":          {[]oneauth.Option{oneauth.WithDevelopment(), oneauth.WithTrustedProxies("everyone")}, "everyone"},
		"nil policy":         {[]oneauth.Option{oneauth.WithDevelopment(), oneauth.WithPolicy(nil)}, "Policies[0] is nil"},
		"nil listener":       {[]oneauth.Option{oneauth.WithDevelopment(), oneauth.WithListener(nil)}, "Listeners[0] is nil"},
		"nil tx listener":    {[]oneauth.Option{oneauth.WithDevelopment(), oneauth.WithTxListener(nil)}, "TxListeners[0] is nil"},
		"nil claims":         {[]oneauth.Option{oneauth.WithDevelopment(), oneauth.WithClaims[plan](nil)}, "WithClaims"},
		"nil grant":          {[]oneauth.Option{oneauth.WithDevelopment(), oneauth.WithGrant("own", nil)}, "WithGrant(own)"},
		"nil tenants":        {[]oneauth.Option{oneauth.WithDevelopment(), oneauth.WithTenants(nil)}, "WithTenants"},
		"allowed domain":     {[]oneauth.Option{oneauth.WithDevelopment(), oneauth.WithAllowedDomains("*.corp.example")}, "AllowedDomains"},
		"nil sender":         {[]oneauth.Option{oneauth.WithDevelopment(), oneauth.WithSender(core.Email, nil)}, "nil"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := oneauth.New(mem.New(), c.options...)
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("New said %v, nothing of %q", err, c.says)
			}
		})
	}
	if _, err := oneauth.New(nil, oneauth.WithDevelopment()); err == nil {
		t.Error("a nil store was accepted")
	}
}

// The endpoints work under the full path, with the prefix taken off, and the well-known documents at the root.
func TestMount(t *testing.T) {
	auth := newAuth(t)
	std := http.NewServeMux()
	auth.Mount(std)
	stripped := http.NewServeMux()
	stripped.Handle("/auth/", http.StripPrefix("/auth", auth))
	for i, h := range []http.Handler{std, stripped, auth} {
		if w := send(h, "POST", "/auth/signup", signUpBody(fmt.Sprintf("u%d@example.com", i))); w.Code != 201 {
			t.Errorf("handler %d: %d %s", i, w.Code, w.Body)
		}
		if w := send(h, "GET", "/auth/jwks.json", ""); w.Code != 200 {
			t.Errorf("handler %d: jwks %d", i, w.Code)
		}
	}
	for _, path := range []string{"/.well-known/jwks.json", "/.well-known/oauth-authorization-server"} {
		if w := send(std, "GET", path, ""); w.Code != 200 || !strings.HasPrefix(w.Header().Get("Content-Type"), "application/") {
			t.Errorf("%s: %d %v", path, w.Code, w.Header())
		}
	}
	w := send(std, "GET", "/auth/nowhere", "")
	if w.Code != 404 || decode(t, w)["code"] != "not_found" {
		t.Errorf("an unknown path: %d %s", w.Code, w.Body)
	}
	w = send(std, "PUT", "/auth/login", "")
	if w.Code != 405 || w.Header().Get("Allow") == "" {
		t.Errorf("a wrong method: %d %v", w.Code, w.Header())
	}
}

// Development mode answers this machine alone, keeps its secret beside the file, and remembers people across restarts.
func TestDevelopment(t *testing.T) {
	path := filepath.Join(t.TempDir(), "app.db")
	open := func() *oneauth.Auth {
		store, err := file.Open(path, file.Options{})
		if err != nil {
			t.Fatal(err)
		}
		auth, err := oneauth.New(store, oneauth.WithDevelopment(), cheap())
		if err != nil {
			t.Fatal(err)
		}
		return auth
	}
	auth := open()
	loopback := func(r *http.Request) { r.RemoteAddr = "127.0.0.1:4321" }
	if w := send(auth, "POST", "/auth/signup", signUpBody(annMail)); w.Code != 403 || decode(t, w)["code"] != "development_only" {
		t.Errorf("from elsewhere: %d %s", w.Code, w.Body)
	}
	w := send(auth, "POST", "/auth/signup", signUpBody(annMail), loopback)
	if w.Code != 201 {
		t.Fatalf("from loopback: %d %s", w.Code, w.Body)
	}
	cookie := w.Result().Cookies()[0]
	if cookie.Name != "oneauth_dev_8080" || cookie.Secure || !cookie.HttpOnly {
		t.Errorf("cookie %v", cookie)
	}
	info, err := os.Stat(path + ".secret")
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("secret file: %v %v", info, err)
	}
	mails := send(auth.MailboxHandler(), "GET", "/dev/mail", "", loopback, func(r *http.Request) { r.Host = "localhost" })
	if !strings.Contains(mails.Body.String(), "http://127.0.0.1:8080/auth/verify?token=") {
		t.Errorf("the mailbox says %s", mails.Body)
	}
	if err := auth.Close(); err != nil {
		t.Fatal(err)
	}
	again := open()
	defer again.Close()
	if w := send(again, "GET", "/auth/session", "", loopback, func(r *http.Request) { r.AddCookie(cookie) }); w.Code != 200 {
		t.Errorf("after a restart: %d %s", w.Code, w.Body)
	}
	if newAuth(t).Mailbox() != nil {
		t.Error("there is a mailbox outside development")
	}
}

// A wrong master secret fails at start. A rotation keeps everybody signed in: the new secret first, the old one behind
// it, Reseal, and then the old one can go.
func TestSecretRotation(t *testing.T) {
	store := mem.New()
	start := func(secrets ...[]byte) (*oneauth.Auth, error) {
		return oneauth.New(store.Again(), oneauth.WithSecrets(secrets[0], secrets[1:]...),
			oneauth.WithBaseURL("https://app.example"), oneauth.WithScopes("read"), cheap(), quiet())
	}
	first, err := start(secret(1))
	if err != nil {
		t.Fatal(err)
	}
	send(first, "POST", "/auth/signup", signUpBody(annMail))
	login := decode(t, send(first, "POST", "/auth/api/login", fmt.Sprintf(`{"identifier":%q,"password":%q}`, annMail, annPassword)))
	if _, err := start(secret(2)); err == nil {
		t.Fatal("a wrong secret was accepted")
	}
	both, err := start(secret(2), secret(1))
	if err != nil {
		t.Fatal(err)
	}
	if err := both.Reseal(t.Context()); err != nil {
		t.Fatal(err)
	}
	only, err := start(secret(2))
	if err != nil {
		t.Fatalf("after Reseal the old secret is still needed: %v", err)
	}
	for i, auth := range []*oneauth.Auth{first, both, only} {
		w := send(auth.RequireScopes("read")(http.NotFoundHandler()), "GET", "/api", "", bearer(login["access_token"]))
		if w.Code != 404 {
			t.Errorf("node %d: %d %s", i, w.Code, w.Body)
		}
	}
	w := send(only, "POST", "/auth/token", fmt.Sprintf(`{"grant_type":"refresh_token","refresh_token":%q}`, login["refresh_token"]))
	if w.Code != 200 {
		t.Errorf("refresh: %d %s", w.Code, w.Body)
	}
}

func bearer(token any) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("Authorization", fmt.Sprint("Bearer ", token)) }
}

type plan struct {
	Plan string `json:"plan"`
}

// Custom claims go into access tokens by a typed function, and come out by another.
func TestClaims(t *testing.T) {
	auth := newAuth(t, oneauth.WithClaims(func(_ context.Context, in apiauth.ClaimsInput) (plan, error) {
		return plan{"gold for " + in.User.Name}, nil
	}))
	in := decode(t, send(auth, "POST", "/auth/api/signup", `{"email":"ann@example.com","password":"`+annPassword+`","name":"Ann"}`))
	var got plan
	h := auth.API().ValidateToken(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		got, _ = oneauth.ClaimsOf[plan](r.Context())
	}))
	if w := send(h, "GET", "/", "", bearer(in["access_token"])); w.Code != 200 || got.Plan != "gold for Ann" {
		t.Errorf("%d, claims %+v", w.Code, got)
	}
}

// Tenants do not see each other: the same address is two people, and no credential of one is any in the other.
func TestA29Tenants(t *testing.T) {
	auth := newAuth(t, oneauth.WithTenants(func(r *http.Request) (string, error) {
		tenant, _, _ := strings.Cut(r.Host, ".")
		return tenant, nil
	}))
	at := func(tenant string) func(*http.Request) {
		return func(r *http.Request) { r.Host = tenant + ".app.example" }
	}
	api := auth.RequireAuth(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, oneauth.From(r.Context()).Tenant)
	}))
	w := send(auth, "POST", "/auth/signup", signUpBody(annMail), at("acme"))
	if w.Code != 201 || send(auth, "POST", "/auth/signup", signUpBody(annMail), at("globex")).Code != 201 {
		t.Fatalf("sign-up: %d %s", w.Code, w.Body)
	}
	cookie := w.Result().Cookies()[0]
	withCookie := func(r *http.Request) { r.AddCookie(cookie) }
	login := decode(t, send(auth, "POST", "/auth/api/login", fmt.Sprintf(`{"identifier":%q,"password":%q}`, annMail, annPassword), at("acme")))
	key := decode(t, send(auth, "POST", "/auth/keys", `{"name":"ci","scopes":["read"]}`, at("acme"), bearer(login["access_token"])))
	for name, credential := range map[string]func(*http.Request){
		"cookie": withCookie, "token": bearer(login["access_token"]), "key": bearer(key["key"]),
	} {
		if w := send(api, "GET", "/", "", at("acme"), credential); w.Code != 200 || w.Body.String() != "acme" {
			t.Errorf("%s at home: %d %s", name, w.Code, w.Body)
		}
		if w := send(api, "GET", "/", "", at("globex"), credential); w.Code != 401 {
			t.Errorf("%s elsewhere: %d %s", name, w.Code, w.Body)
		}
	}
	refresh := fmt.Sprintf(`{"grant_type":"refresh_token","refresh_token":%q}`, login["refresh_token"])
	if w := send(auth, "POST", "/auth/token", refresh, at("globex")); w.Code != 400 {
		t.Errorf("refresh elsewhere: %d", w.Code)
	}
	if w := send(auth, "POST", "/auth/token", refresh, at("acme")); w.Code != 200 {
		t.Errorf("refresh at home: %d %s", w.Code, w.Body)
	}
	for _, path := range []string{"/.well-known/oauth-authorization-server", "/.well-known/jwks.json", "/auth/jwks.json"} {
		if w := send(auth, "GET", path, "", at("No Tenant")); w.Code != 200 { // the issuer's host is no tenant's
			t.Errorf("%s: %d", path, w.Code)
		}
	}
	if w := send(auth, "POST", "/auth/signup", signUpBody(annMail), at("No Tenant")); w.Code != 404 {
		t.Errorf("no tenant: %d", w.Code)
	}
}

// A whole application: sign-up and sign-in, a page for people, an API for programs.
func Example() {
	auth := oneauth.Must(oneauth.New(mem.New(), oneauth.WithDevelopment(), oneauth.WithScopes("read")))
	defer auth.Close()
	hello := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, "hello", oneauth.From(r.Context()).Subject)
	})
	mux := http.NewServeMux()
	auth.Mount(mux)
	mux.Handle("/app", auth.RequireSession(hello))
	mux.Handle("/api", auth.RequireScopes("read")(hello))

	r := httptest.NewRequest("GET", "http://127.0.0.1:8080/api", nil)
	r.RemoteAddr = "127.0.0.1:4321"
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	fmt.Println(w.Code, w.Header().Get("WWW-Authenticate"))
	// Output: 401 Bearer realm="oneauth"
}
