package browsertest_test

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/oneauth-go/oneauth"
)

// The people of these tests. Their addresses are equally long, so that pages that repeat them are too.
const (
	ann = "ann@mail.example"
	dan = "dan@mail.example" // disabled
	lou = "lou@mail.example" // has had too many wrong passwords
	mal = "mal@mail.example" // the attacker, with an account of his own
	zoe = "zoe@mail.example" // has no account

	poisonHost = "poison.example"
)

// A login page tells unknown, disabled and locked accounts and wrong passwords apart by no byte, status or header, and
// neither does the page behind a forgotten password.
func TestA11LoginPagesCannotBeToldApart(t *testing.T) {
	d, ok := newDriver(t)
	if !ok {
		return
	}
	t.Parallel()
	s := open(t, oneauth.WithGuessLimit(3))
	s.user(t.Context(), ann)
	s.user(t.Context(), lou)
	if err := s.auth.Users().Disable(t.Context(), s.user(t.Context(), dan).ID, "fraud"); err != nil {
		t.Fatal(err)
	}
	d.drive(t, s, order{Scenario: "a11", Facts: map[string]string{"wrong": ann, "disabled": dan, "locked": lou, "unknown": zoe}}, 2)
}

// No header that names another host gets into a link, be it sent by a program or by the browser, and the link that is
// mailed works.
func TestA16PoisonedHosts(t *testing.T) {
	d, ok := newDriver(t)
	if !ok {
		return
	}
	t.Parallel()
	s := open(t)
	s.user(t.Context(), ann)
	for name, edit := range map[string]func(r *http.Request){
		"Host":             func(r *http.Request) { r.Host = poisonHost },
		"Host and port":    func(r *http.Request) { r.Host = appHost + "." + poisonHost + ":8443" },
		"X-Forwarded-Host": func(r *http.Request) { r.Header.Set("X-Forwarded-Host", poisonHost) },
		"X-Forwarded-Proto": func(r *http.Request) {
			r.Header.Set("X-Forwarded-Proto", "http")
			r.Header.Set("X-Forwarded-Server", poisonHost)
		},
		"Forwarded": func(r *http.Request) { r.Header.Set("Forwarded", "host="+poisonHost+";proto=http") },
		"Origin": func(r *http.Request) {
			r.Header.Set("X-Original-Host", poisonHost)
			r.Header.Set("Referer", "https://"+poisonHost+"/")
		},
	} {
		t.Run(name, func(t *testing.T) { s.forgot(t, edit) })
	}
	d.drive(t, s, order{Scenario: "a16", Facts: map[string]string{"poison": poisonHost}}, 1)
}

// forgot asks for a link over TLS, and follows what the mail says.
func (s *site) forgot(t *testing.T, edit func(r *http.Request)) {
	t.Helper()
	form := url.Values{"identifier": {ann}}.Encode()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, baseURL+"/auth/password/forgot", strings.NewReader(form))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", "text/html")
	edit(r)
	sent := len(s.auth.Mailbox().Messages())
	answer, err := s.client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	page, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	if answer.StatusCode != 200 || strings.Contains(string(page), poisonHost) {
		t.Errorf("answered %d %s", answer.StatusCode, page)
	}
	if err := s.auth.Core().DeliverPending(t.Context()); err != nil {
		t.Fatal(err)
	}
	mails := s.auth.Mailbox().Messages()
	if len(mails) != sent+1 {
		t.Fatalf("%d mails after %d", len(mails), sent)
	}
	for _, text := range []string{mails[0].Text, mails[0].HTML} {
		if strings.Contains(text, poisonHost) || !strings.Contains(text, baseURL+"/auth/password/reset?token=") || strings.Contains(text, "http://") {
			t.Errorf("the mail says %s", text)
		}
	}
}

// Wherever a return_to points, the browser ends on the application's own origin, and asks for nothing elsewhere.
func TestA17OpenRedirects(t *testing.T) {
	d, ok := newDriver(t)
	if !ok {
		return
	}
	t.Parallel()
	s := open(t)
	s.user(t.Context(), ann)
	d.drive(t, s, order{Scenario: "a17"}, 4)
}

// A session that was there before a sign-in is not the one after it, a session that has ended stays dead, and what a
// sibling plants opens nothing.
func TestA21PlantedAndOldSessions(t *testing.T) {
	d, ok := newDriver(t)
	if !ok {
		return
	}
	t.Parallel()
	s := open(t)
	s.user(t.Context(), ann)
	s.user(t.Context(), mal)
	d.drive(t, s, order{Scenario: "a21"}, 5)
}

// Pages of other origins, of another site and of the same, post, fetch, frame and navigate as they like: whoever is
// signed in stays so and as they were, and nobody else gets signed in.
func TestA28HostilePages(t *testing.T) {
	d, ok := newDriver(t)
	if !ok {
		return
	}
	t.Parallel()
	s := open(t)
	s.user(t.Context(), ann)
	s.user(t.Context(), mal)
	d.drive(t, s, order{Scenario: "a28"}, 10)
}

// What one tenant gave out is nothing at another.
func TestA29OtherTenants(t *testing.T) {
	d, ok := newDriver(t)
	if !ok {
		return
	}
	t.Parallel()
	s := open(t, oneauth.WithTenants(bySubdomain), oneauth.WithBaseURLOf(func(tenant string) string {
		return "https://" + tenant + ".shop.example"
	}))
	d.drive(t, s, order{Scenario: "a29"}, 6)
}

func bySubdomain(r *http.Request) (string, error) {
	tenant, found := strings.CutSuffix(r.Host, ".shop.example")
	if !found || tenant != "acme" && tenant != "globex" {
		return "", http.ErrNotSupported
	}
	return tenant, nil
}
