package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/glebarez/sqlite"
	"github.com/oneauth-go/oneauth"
	"github.com/oneauth-go/oneauth/internal/parts"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"
)

// shop is the program on a server.
type shop struct {
	t   *testing.T
	db  *gorm.DB
	url string
}

func newShop(t *testing.T) *shop {
	t.Helper()
	path := filepath.Join(t.TempDir(), "shop.db")
	return shopOn(t, sqlite.Open("file:"+path+"?_pragma=journal_mode(WAL)&_pragma=busy_timeout(5000)&_txlock=immediate"))
}

func shopOn(t *testing.T, dialector gorm.Dialector) *shop {
	t.Helper()
	db, err := gorm.Open(dialector, &gorm.Config{Logger: logger.Discard})
	if err != nil {
		t.Fatal(err)
	}
	pool, err := db.DB()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = pool.Close() })
	if err := before(db); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(nil)
	auth, err := now(db, oneauth.WithDevelopment(), oneauth.WithSecrets([]byte("32 known bytes for a test, and more")),
		oneauth.WithBaseURL("http://"+server.Listener.Addr().String()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = auth.Close() })
	server.Config.Handler = app(auth, db)
	server.Start()
	t.Cleanup(server.Close)
	return &shop{t, db, server.URL}
}

// browser is somebody's, with cookies.
type browser struct {
	*shop
	http.Client
}

func (s *shop) browser() *browser {
	s.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return &browser{s, http.Client{Jar: jar}}
}

// send sends JSON and returns status and body.
func (b *browser) send(path, body string) (int, string) {
	b.t.Helper()
	return b.read(b.Post(b.url+path, "application/json", strings.NewReader(body)))
}

func (b *browser) home() (int, string) { b.t.Helper(); return b.read(b.Get(b.url + "/")) }

func (b *browser) read(resp *http.Response, err error) (int, string) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

var formToken = regexp.MustCompile(`name="form_token" value="([^"]*)"`)

// press presses a button of the home page.
func (b *browser) press(path string, values url.Values) (int, string) {
	b.t.Helper()
	_, body := b.home()
	token := formToken.FindStringSubmatch(body)
	if token == nil {
		b.t.Fatalf("no form in %s", body)
	}
	values.Set("form_token", token[1])
	r, err := http.NewRequestWithContext(b.t.Context(), "POST", b.url+path, strings.NewReader(values.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", b.url)
	return b.read(b.Do(r))
}

func person(email, password string) string {
	return fmt.Sprintf(`{"identifier":%q,"email":%q,"password":%q,"name":"Carl"}`, email, email, password)
}

// Who had an account before signs in with the old password, and finds everything as it was.
func TestOldUsers(t *testing.T) { oldUsers(t, newShop(t)) }

func TestOnPostgreSQL(t *testing.T) {
	server := parts.Postgres(t, parts.Fast)
	if server == nil {
		return
	}
	s := shopOn(t, postgres.Open(server.PostgresDSN()))
	newUser(t, s) // first: a sign-up that is refused takes an id of the sequence, too
	oldUsers(t, s)
}

func oldUsers(t *testing.T, s *shop) {
	t.Helper()
	ann := s.browser()
	if status, body := ann.send("/auth/login", person("ann@example.com", bobsPassword)); status != http.StatusUnauthorized {
		t.Errorf("with another's password: %d %s", status, body)
	}
	if status, body := ann.send("/auth/login", person("Ann@Example.com", annsPassword)); status != http.StatusOK {
		t.Fatalf("%d %s", status, body)
	}
	if status, body := ann.home(); status != http.StatusOK || !strings.Contains(body, "Member 1, on the gold plan, signed in as ann@example.com") || !strings.Contains(body, "A lamp") {
		t.Errorf("%d %s", status, body)
	}
	if status, body := s.browser().send("/auth/signup", person("bob@example.com", "purple otters sing at dawn")); status != http.StatusConflict {
		t.Errorf("sign-up with Bob's address: %d %s", status, body)
	}
}

// Who is new gets a row, with an id that follows those from before.
func TestNewUser(t *testing.T) { newUser(t, newShop(t)) }

func newUser(t *testing.T, s *shop) {
	t.Helper()
	carl := s.browser()
	if status, body := carl.send("/auth/signup", person("carl@example.com", "purple otters sing at dawn")); status != http.StatusCreated {
		t.Fatalf("%d %s", status, body)
	}
	if _, body := carl.home(); !strings.Contains(body, "<h1>Carl</h1>") || !strings.Contains(body, "Member 3, on the free plan") {
		t.Errorf("%s", body)
	}
	if _, body := carl.press("/plan", url.Values{"plan": {"gold"}}); !strings.Contains(body, "on the gold plan") {
		t.Errorf("%s", body)
	}
}

// Who leaves is out, and stays out.
func TestLeave(t *testing.T) {
	s := newShop(t)
	ann := s.browser()
	if status, body := ann.send("/auth/login", person("ann@example.com", annsPassword)); status != http.StatusOK {
		t.Fatalf("%d %s", status, body)
	}
	if _, body := ann.press("/leave", url.Values{}); strings.Contains(body, "<h1>Ann</h1>") {
		t.Errorf("still in: %s", body)
	}
	if status, _ := ann.send("/auth/login", person("ann@example.com", annsPassword)); status != http.StatusUnauthorized {
		t.Errorf("signed in again: %d", status)
	}
	var rows int64
	if err := s.db.Unscoped().Model(&User{}).Where("deleted_at IS NOT NULL").Count(&rows).Error; err != nil || rows != 1 {
		t.Errorf("%d rows are marked, %v", rows, err)
	}
}
