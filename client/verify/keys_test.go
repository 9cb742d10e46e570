package verify_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/oneauth-go/oneauth/client/verify"
	"github.com/oneauth-go/oneauth/internal/jwt"
)

// The server's new key is known before it signs, since the keys are fetched anew every five minutes; nobody waits for that.
func TestRotation(t *testing.T) {
	w := newWorld(t)
	v := w.verifier()
	old := w.Token(t, ann)
	accepted(t, v, old)
	if err := w.RotateSigningKeys(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.Advance(5 * time.Minute)
	accepted(t, v, old)
	eventually(t, "a fetch in the background", func() bool { return w.count("jwks.json") == 2 })
	w.Advance(5*time.Minute - time.Second)
	accepted(t, v, old)
	w.Advance(time.Second)
	fresh := w.Token(t, ann)
	if header(fresh) == header(old) {
		t.Fatal("the key was not rotated")
	}
	accepted(t, v, fresh)
}

func header(token string) string { first, _, _ := strings.Cut(token, "."); return first }

// A key that is not known is asked for at once, and by then known.
func TestUnknownKeyIsFetched(t *testing.T) {
	w := newWorld(t)
	v := w.verifier(func(c *verify.Config) { c.KeysFor, c.StaleFor = time.Hour, time.Hour })
	accepted(t, v, w.Token(t, ann))
	w.rotate()
	accepted(t, v, w.Token(t, ann))
	if n := w.count("jwks.json"); n != 2 {
		t.Errorf("%d fetches", n)
	}
}

// However many tokens name whatever keys, the issuer is asked once in five seconds.
func TestUnknownKeysAreAskedForOnce(t *testing.T) {
	i := newIssuer(t)
	v := i.verifier()
	good := i.token(i.keys[0])
	accepted(t, v, good)
	i.advance(time.Minute)
	var stray []string
	for n := range 50 {
		stray = append(stray, i.token(newKey(t, fmt.Sprint("stray", n), jwt.EdDSA)))
	}
	asked, goOn := make(chan struct{}), make(chan struct{})
	i.answer("jwks.json", func(w http.ResponseWriter, _ *http.Request) {
		close(asked) // once, or this panics
		<-goOn
		_, _ = w.Write(i.jwks())
	})
	var all sync.WaitGroup
	for _, token := range stray {
		all.Go(func() {
			if _, err := v.Verify(t.Context(), token); err == nil {
				t.Error("a stray token is accepted")
			}
		})
	}
	<-asked
	accepted(t, v, good) // which does not wait for the fetch
	close(goOn)
	all.Wait()
	for _, step := range []struct {
		wait    time.Duration
		fetches int
	}{{4 * time.Second, 2}, {time.Second, 3}, {0, 3}} {
		i.answer("jwks.json", nil)
		i.advance(step.wait)
		for _, token := range stray {
			refused(t, v, token, verify.ErrInvalidToken)
		}
		if n := i.count("jwks.json"); n != step.fetches {
			t.Errorf("after %v more: %d fetches, want %d", step.wait, n, step.fetches)
		}
	}
}

// Verifications that come together at the start share the first fetch, and who gives up does not take it from the others.
func TestFirstFetchIsShared(t *testing.T) {
	i := newIssuer(t)
	v, token := i.verifier(), i.token(i.keys[0])
	asked, goOn := make(chan struct{}), make(chan struct{})
	i.answer("jwks.json", func(w http.ResponseWriter, _ *http.Request) {
		close(asked)
		<-goOn
		_, _ = w.Write(i.jwks())
	})
	ctx, giveUp := withCancel(t)
	impatient := make(chan error)
	go func() {
		_, err := v.Verify(ctx, token)
		impatient <- err
	}()
	<-asked
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() { accepted(t, v, token) })
	}
	giveUp()
	if err := <-impatient; err != ctx.Err() {
		t.Errorf("who gave up: %v", err)
	}
	close(goOn)
	all.Wait()
}

// Without the issuer the last good keys serve for an hour, known tokens or not, and then nothing is valid any more.
func TestOutage(t *testing.T) {
	i := newIssuer(t)
	var log bytes.Buffer
	v := i.verifier(func(c *verify.Config) { c.Log = slog.New(slog.NewTextHandler(&log, nil)) })
	known := i.token(i.keys[0])
	accepted(t, v, known)
	i.cut.Store(true)
	for minute := 0; minute < 60; minute++ {
		accepted(t, v, known)
		accepted(t, v, i.token(i.keys[0], func(c *jwt.Claims) { c.ID = fmt.Sprint("tok_", minute) }))
		i.advance(time.Minute)
	}
	refused(t, v, known, verify.ErrUnavailable)
	refused(t, v, i.token(i.keys[0], func(c *jwt.Claims) { c.ID = "new" }), verify.ErrUnavailable)
	if text := log.String(); !strings.Contains(text, "level=WARN") || !strings.Contains(text, i.URL) || strings.Contains(text, known) {
		t.Errorf("the log says %q", text)
	}
	i.cut.Store(false)
	i.advance(10 * time.Second)
	accepted(t, v, known)
}

// While the issuer is away it is asked every ten seconds, however many tokens come, and nobody waits for it while there
// are keys.
func TestOutageIsNotAStorm(t *testing.T) {
	i := newIssuer(t)
	v, token := i.verifier(), i.token(i.keys[0])
	i.cut.Store(true)
	const tries = 3
	for range tries {
		for range 20 {
			refused(t, v, token, verify.ErrUnavailable)
		}
		i.advance(10 * time.Second)
	}
	if n := i.count("oauth-authorization-server"); n != tries {
		t.Errorf("asked %d times, want %d", n, tries)
	}
	// A token of a key that nobody has cannot be told from one of a key that is new.
	i.cut.Store(false)
	accepted(t, v, token)
	i.cut.Store(true)
	i.advance(time.Minute)
	refused(t, v, i.token(newKey(t, "k2", jwt.EdDSA)), verify.ErrUnavailable)
	accepted(t, v, token)
}

// A key that the issuer withdraws is not accepted any more after the next fetch, remembered tokens included.
func TestWithdrawnKey(t *testing.T) {
	i := newIssuer(t)
	v := i.verifier()
	stolen := i.token(i.keys[0])
	accepted(t, v, stolen)
	i.publish(newKey(t, "k2", jwt.EdDSA))
	accepted(t, v, stolen)
	if err := v.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	i.advance(5 * time.Second)
	refused(t, v, stolen, verify.ErrInvalidToken)
	accepted(t, v, i.token(i.keys[0]))
}

// A clock that is put back makes the keys neither eternal nor worthless.
func TestClockPutBack(t *testing.T) {
	i := newIssuer(t)
	v := i.verifier()
	accepted(t, v, i.token(i.keys[0]))
	i.advance(-24 * time.Hour)
	accepted(t, v, i.token(i.keys[0]))
	if n := i.count("jwks.json"); n != 2 {
		t.Errorf("%d fetches", n)
	}
}

func text(body []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(body) }
}

// Whatever the key server answers instead of keys, the last good ones stay, and a verifier without any says unavailable.
func TestHostileKeyServer(t *testing.T) {
	i := newIssuer(t)
	elsewhere := httptest.NewServer(text(i.jwks()))
	defer elsewhere.Close()
	i.answer("elsewhere.json", text(i.jwks())) // on any host
	huge := bytes.Repeat([]byte(" "), jwt.MaxJWKSBytes)
	moved := func(status int) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, elsewhere.URL, status) }
	}
	status := func(status int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status); _, _ = w.Write(i.jwks()) }
	}
	meta := func(format string, args ...any) http.HandlerFunc { return text([]byte(fmt.Sprintf(format, args...))) }
	for name, c := range map[string]struct {
		document string
		answer   http.HandlerFunc
	}{
		"huge keys":          {"jwks.json", text(append(huge, i.jwks()...))},
		"huge metadata":      {"oauth-authorization-server", text(append(huge, `{"issuer":"`+i.URL+`","jwks_uri":"`+i.URL+`/jwks.json"}`...))},
		"garbage":            {"jwks.json", text([]byte("<html>proxy</html>"))},
		"garbage metadata":   {"oauth-authorization-server", text([]byte("\x00"))},
		"empty":              {"jwks.json", text(nil)},
		"no keys":            {"jwks.json", text([]byte(`{"keys":[]}`))},
		"cut off":            {"jwks.json", text(i.jwks()[:40])},
		"twice":              {"jwks.json", text([]byte(`{"keys":[],` + string(i.jwks()[1:])))},
		"a private key":      {"jwks.json", text([]byte(strings.Replace(string(i.jwks()), `"kty"`, `"d":"AAAA","kty"`, 1)))},
		"many keys":          {"jwks.json", text([]byte(`{"keys":[` + strings.Repeat(`{},`, 100) + `{}]}`))},
		"deep":               {"jwks.json", text([]byte(strings.Repeat("[", 100_000)))},
		"moved":              {"jwks.json", moved(302)},
		"moved for good":     {"jwks.json", moved(308)},
		"metadata moved":     {"oauth-authorization-server", moved(301)},
		"an error":           {"jwks.json", status(500)},
		"created":            {"jwks.json", status(201)},
		"not there":          {"oauth-authorization-server", status(404)},
		"another issuer":     {"oauth-authorization-server", meta(`{"issuer":"https://evil.example","jwks_uri":"%s/jwks.json"}`, i.URL)},
		"no issuer":          {"oauth-authorization-server", meta(`{"jwks_uri":"%s/jwks.json"}`, i.URL)},
		"keys in plain http": {"oauth-authorization-server", meta(`{"issuer":"%s","jwks_uri":"http://keys.example/elsewhere.json"}`, i.URL)},
		"keys in a file":     {"oauth-authorization-server", meta(`{"issuer":"%s","jwks_uri":"file:///etc/passwd"}`, i.URL)},
		"no address of keys": {"oauth-authorization-server", meta(`{"issuer":"%s"}`, i.URL)},
	} {
		t.Run(name, func(t *testing.T) {
			v, token := i.verifier(), i.token(i.keys[0])
			accepted(t, v, token)
			i.answer(c.document, c.answer)
			defer i.answer(c.document, nil)
			if err := v.Refresh(t.Context()); err == nil {
				t.Error("Refresh says nothing")
			}
			accepted(t, v, token)
			refused(t, i.verifier(), token, verify.ErrUnavailable)
		})
	}
}

// A key server that never comes to an end, by header or by body, costs no more than the timeout.
func TestSlowKeyServer(t *testing.T) {
	for name, drip := range map[string]func(w http.ResponseWriter, r *http.Request){
		"silent": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"dripping": func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				if _, err := w.Write([]byte(" ")); err != nil {
					return
				}
				_ = http.NewResponseController(w).Flush()
				select {
				case <-r.Context().Done():
				case <-time.After(5 * time.Millisecond):
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(drip))
			defer server.Close()
			v := must(verify.New(verify.Config{
				Issuer: server.URL, Audiences: []string{audience}, HTTPClient: &http.Client{Timeout: 50 * time.Millisecond},
				Log: slog.New(slog.DiscardHandler),
			}))(t)
			refused(t, v, newIssuerToken(t), verify.ErrUnavailable)
		})
	}
}
