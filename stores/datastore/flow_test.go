package datastore_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/oneauth-go/oneauth"
	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/core/password"
	"github.com/oneauth-go/oneauth/stores/datastore"
	"github.com/oneauth-go/oneauth/stores/datastore/internal/dstest"
	"google.golang.org/grpc/codes"
)

const annPassword = "purple otters sing at dawn"

// node is one process of an application, with OneAuth over a store of its own.
type node struct {
	t    *testing.T
	auth *oneauth.Auth
}

func startNode(t *testing.T, p place) *node {
	t.Helper()
	n := &node{t: t}
	secret := []byte(strings.Repeat("master secret 42", 2))
	auth, err := oneauth.New(p.open(t), oneauth.WithSecrets(secret), oneauth.WithBaseURL("https://app.example"),
		oneauth.WithScopes("read"), oneauth.WithHashing(password.CheapParams(), password.Limits{}),
		oneauth.WithEnv(core.Env{Log: slog.New(slog.DiscardHandler)}))
	noError(t, err)
	t.Cleanup(func() { _ = auth.Close() })
	n.auth = auth
	return n
}

// answer is what an endpoint said.
type answer struct {
	code    int
	text    string
	cookies []*http.Cookie
}

// field returns a member of the JSON answer.
func (a answer) field(name string) string {
	var body map[string]any
	_ = json.Unmarshal([]byte(a.text), &body) // not JSON: no fields
	text, _ := body[name].(string)
	return text
}

func (n *node) send(h http.Handler, method, path, body string, edit ...func(*http.Request)) answer {
	r := httptest.NewRequest(method, "https://app.example"+path, strings.NewReader(body)).WithContext(n.t.Context())
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, e := range edit {
		e(r)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return answer{w.Code, w.Body.String(), w.Result().Cookies()}
}

func (n *node) post(path, body string, edit ...func(*http.Request)) answer {
	return n.send(n.auth, "POST", path, body, edit...)
}

// api asks a protected endpoint of the application.
func (n *node) api(edit ...func(*http.Request)) int {
	ok := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	return n.send(n.auth.RequireAuth(ok), "GET", "/api", "", edit...).code
}

// want fails the test when the answer has another status.
func (n *node) want(code int, a answer) answer {
	n.t.Helper()
	if a.code != code {
		n.t.Fatalf("status %d, want %d: %s", a.code, code, a.text)
	}
	return a
}

func bearer(token string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }
}

func cookie(c *http.Cookie) func(*http.Request) { return func(r *http.Request) { r.AddCookie(c) } }

func credentials(email string) string {
	return fmt.Sprintf(`{"email":%q,"password":%q}`, email, annPassword)
}

func login(email string) string {
	return fmt.Sprintf(`{"identifier":%q,"password":%q}`, email, annPassword)
}

func refresh(token string) string {
	return fmt.Sprintf(`{"grant_type":"refresh_token","refresh_token":%q}`, token)
}

// together runs n calls of f at once and waits for them.
func together(n int, f func(i int)) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { f(i) })
	}
	wg.Wait()
}

// Two nodes on one database: an account has one winner, a refresh one successor, and what one node ends, the other
// refuses.
func TestWholeFlow(t *testing.T) {
	for name, begin := range places(t) {
		t.Run(name, func(t *testing.T) {
			p := begin(t)
			nodes := []*node{startNode(t, p), startNode(t, p)}
			a, b := nodes[0], nodes[1]
			codes := [16]int{}
			together(len(codes), func(i int) { codes[i] = nodes[i%2].post("/auth/signup", credentials("ann@example.com")).code })
			if won := slices.DeleteFunc(slices.Clone(codes[:]), func(c int) bool { return c != 201 }); len(won) != 1 {
				t.Errorf("sign-ups were answered by %v, want 201 once", codes)
			}
			in := a.want(200, a.post("/auth/login", login("ann@example.com")))
			tokens := a.want(200, a.post("/auth/api/login", login("ann@example.com")))
			if b.api(cookie(in.cookies[0])) != 200 || b.api(bearer(tokens.field("access_token"))) != 200 {
				t.Fatal("the other node does not know who is signed in")
			}
			successors := [16]string{}
			together(len(successors), func(i int) {
				got := nodes[i%2].post("/auth/token", refresh(tokens.field("refresh_token")))
				if successors[i] = got.field("refresh_token"); got.code != 200 {
					t.Errorf("refresh: %d %s", got.code, got.text)
				}
			})
			if one := slices.Compact(successors[:]); len(one) != 1 || one[0] == tokens.field("refresh_token") {
				t.Errorf("one refresh token has %d successors", len(one))
			}
			b.want(400, b.post("/auth/token", refresh(tokens.field("refresh_token")+"x")))
			b.want(401, b.post("/auth/login", strings.Replace(login("ann@example.com"), "purple", "orange", 1)))
			if out := a.post("/auth/logout", "", cookie(in.cookies[0])); out.code >= 400 || b.api(cookie(in.cookies[0])) != 401 {
				t.Errorf("after logout (%d) the other node still accepts the cookie", out.code)
			}
		})
	}
}

// While the database fails, nobody is told that they are wrong or not signed in: what needs it is answered by 503.
func TestFlowFailsClosed(t *testing.T) {
	p := fake(t, dstest.Options{}, datastore.Shared)
	n := startNode(t, p)
	n.want(201, n.post("/auth/signup", credentials("ann@example.com")))
	in := n.want(200, n.post("/auth/login", login("ann@example.com")))
	for method, needed := range map[string][]string{
		"Lookup":           {"login", "refresh", "session"}, // a sign-up inserts without looking
		"BeginTransaction": {"sign-up", "login", "refresh"},
		"Commit":           {"sign-up", "login", "refresh"},
	} {
		tokens := n.want(200, n.post("/auth/api/login", login("ann@example.com")))
		p.server.FailAll(method, dstest.Fault{Code: codes.PermissionDenied})
		got := map[string]int{
			"sign-up": n.post("/auth/signup", credentials("bob@example.com")).code,
			"login":   n.post("/auth/login", login("ann@example.com")).code,
			"refresh": n.post("/auth/token", refresh(tokens.field("refresh_token"))).code,
			"session": n.api(cookie(in.cookies[0])),
		}
		p.server.Fail(nil)
		for flow, code := range got {
			if slices.Contains(needed, flow) && code != 503 || code >= 400 && code != 503 {
				t.Errorf("%s fails, and %s is answered by %d", method, flow, code)
			}
		}
	}
	if n.api(cookie(in.cookies[0])) != 200 {
		t.Error("the session is lost")
	}
}
