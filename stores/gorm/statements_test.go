package gormstore_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/oneauth-go/oneauth"
	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/core/password"
	gormstore "github.com/oneauth-go/oneauth/stores/gorm"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"
)

// counting is a logger of GORM that counts statements; BEGIN and COMMIT are none.
type counting struct {
	logger.Interface
	n *atomic.Int64
}

func (c counting) LogMode(logger.LogLevel) logger.Interface { return c }

func (c counting) Trace(context.Context, time.Time, func() (string, int64), error) { c.n.Add(1) }

// statements are what each operation sends, warm, on every database. docs/stores.md has them.
var statements = map[string]int64{
	"session check": 1, "sign-in": 15, "refresh": 2, "API key": 2, "revoke all": 9,
}

// The cost of each operation in statements is written down, and no more.
func TestStatementsPerOperation(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		var n atomic.Int64
		db, err := d.connect(&gorm.Config{Logger: counting{logger.Discard, &n}})
		if err != nil {
			t.Fatal(err)
		}
		store, err := gormstore.Open(db, gormstore.Options{Migrate: true})
		if err != nil {
			t.Fatal(err)
		}
		auth, err := oneauth.New(store, oneauth.WithSecrets([]byte("a secret of thirty-two bytes, or more")),
			oneauth.WithBaseURL("https://app.example"), oneauth.WithScopes("read"), oneauth.WithoutNotice(core.NoticeNewSignIn),
			oneauth.WithHashing(password.CheapParams(), password.Limits{}), oneauth.WithEnv(core.Env{Log: slog.New(slog.DiscardHandler)}))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = auth.Close() })
		guarded := auth.RequireAuth(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		send := func(h http.Handler, method, path, body string, edit func(*http.Request)) *httptest.ResponseRecorder {
			t.Helper()
			r := httptest.NewRequest(method, "https://app.example"+path, strings.NewReader(body))
			r.Header.Set("Content-Type", "application/json")
			if edit != nil {
				edit(r)
			}
			w := httptest.NewRecorder()
			if h.ServeHTTP(w, r); w.Code >= 400 {
				t.Fatalf("%s %s: %d %s", method, path, w.Code, w.Body)
			}
			return w
		}
		const person = `{"email":"ann@example.com","identifier":"ann@example.com","password":"purple otters sing at dawn"}`
		cookie := send(auth, "POST", "/auth/signup", person, nil).Result().Cookies()[0]
		login := func() string {
			body := send(auth, "POST", "/auth/api/login", person, nil).Body.String()
			_, rest, _ := strings.Cut(body, `"refresh_token":"`)
			token, _, _ := strings.Cut(rest, `"`)
			return token
		}
		token := login()
		u, _, err := auth.Core().User(t.Context(), oneUser(t, db))
		if err != nil {
			t.Fatal(err)
		}
		_, key, err := auth.Core().CreateKey(t.Context(), u.ID, core.NewKey{Name: "k", Scopes: []string{"read"}})
		if err != nil {
			t.Fatal(err)
		}
		for _, step := range []struct {
			name string
			do   func()
		}{
			{"session check", func() { send(guarded, "GET", "/", "", func(r *http.Request) { r.AddCookie(cookie) }) }},
			{"sign-in", func() { token = login() }},
			{"refresh", func() {
				send(auth, "POST", "/auth/token", fmt.Sprintf(`{"grant_type":"refresh_token","refresh_token":%q}`, token), nil)
			}},
			{"API key", func() { send(guarded, "GET", "/", "", func(r *http.Request) { r.Header.Set("X-API-Key", key) }) }},
			{"revoke all", func() {
				if err := auth.Users().RevokeAll(t.Context(), u.ID); err != nil {
					t.Fatal(err)
				}
			}},
		} {
			n.Store(0)
			step.do()
			if got := n.Load(); got != statements[step.name] {
				t.Errorf("%s sends %d statements, %d are written down", step.name, got, statements[step.name])
			}
		}
	})
}

func oneUser(t *testing.T, db *gorm.DB) (id string) {
	t.Helper()
	if err := db.Raw("SELECT id FROM oneauth_users").Scan(&id).Error; err != nil {
		t.Fatal(err)
	}
	return id
}
