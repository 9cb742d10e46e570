package core_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/internal/clock"
	"github.com/oneauth-go/oneauth/stores/mem"
)

func (w *world) refresh(token string) (*core.SignedIn, error) {
	return w.Refresh(w.t.Context(), token, core.FirstParty, nil)
}

func TestRefreshRotates(t *testing.T) {
	w := newWorld(t)
	w.verified("ann@example.com")
	in := w.apiLogin("ann@example.com")
	if !strings.HasPrefix(in.RefreshToken, "ort_") || !core.IsRefreshToken(in.RefreshToken) {
		t.Errorf("token %q", in.RefreshToken)
	}
	w.clock.Advance(time.Hour)
	next := must(w.refresh(in.RefreshToken))(t)
	if next.RefreshToken == in.RefreshToken || next.Session.ID != in.Session.ID || next.Session.Generation != 2 {
		t.Errorf("next %+v", next.Session)
	}
	if !next.Session.LastSeenAt.Equal(w.clock.Now()) {
		t.Error("a refresh is a use")
	}
	s, ends, err := w.InspectRefreshToken(t.Context(), next.RefreshToken)
	noError(t, err)
	if s.ID != in.Session.ID || !ends.Equal(w.clock.Now().Add(30*24*time.Hour)) {
		t.Errorf("inspected %s until %v", s.ID, ends)
	}
	_, _, err = w.InspectRefreshToken(t.Context(), in.RefreshToken)
	wantCode(t, err, core.CodeNotFound)
}

func TestRefreshWithinTheGraceYieldsTheSameSuccessor(t *testing.T) {
	w := newWorld(t)
	w.verified("ann@example.com")
	in := w.apiLogin("ann@example.com")
	next := must(w.refresh(in.RefreshToken))(t)
	w.clock.Advance(10*time.Second - time.Millisecond)
	again := must(w.refresh(in.RefreshToken))(t)
	if again.RefreshToken != next.RefreshToken || again.Session.Generation != 2 {
		t.Error("another successor")
	}
	must(w.refresh(next.RefreshToken))(t)
}

func TestRefreshReuseEndsTheSession(t *testing.T) { // A23
	for name, change := range map[string]struct {
		grace time.Duration
		wait  time.Duration
	}{
		"after the grace": {10 * time.Second, 10 * time.Second},
		"without a grace": {-1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, func(c *core.Config) { c.RefreshGrace = change.grace })
			u := w.verified("ann@example.com")
			in, bystander := w.apiLogin("ann@example.com"), w.apiLogin("ann@example.com")
			next := must(w.refresh(in.RefreshToken))(t)
			w.clock.Advance(change.wait)
			_, err := w.refresh(in.RefreshToken)
			wantCode(t, err, core.CodeInvalidGrant)
			_, err = w.again().refresh(next.RefreshToken) // after a restart as well
			wantCode(t, err, core.CodeInvalidGrant)
			must(w.refresh(bystander.RefreshToken))(t)
			if e := w.events.of(core.EventRefreshReused); len(e) != 1 || e[0].UserID != u.ID || e[0].Outcome != core.Failure {
				t.Errorf("events %+v", e)
			}
			ended := w.events.of(core.EventSessionsEnded)
			if len(ended) != 1 || !slices.Equal(ended[0].Sessions, []string{in.Session.ID}) {
				t.Errorf("events %+v", ended)
			}
		})
	}
}

func TestRefreshTwoGenerationsBackIsReuseEvenWithinTheGrace(t *testing.T) {
	w := newWorld(t)
	w.verified("ann@example.com")
	in := w.apiLogin("ann@example.com")
	next := must(w.refresh(in.RefreshToken))(t)
	must(w.refresh(next.RefreshToken))(t)
	_, err := w.refresh(in.RefreshToken)
	wantCode(t, err, core.CodeInvalidGrant)
	if w.count("session") != 0 {
		t.Error("the session lives")
	}
}

// A node whose clock is behind sees a rotation from its future: without a grace that is no grace.
func TestRefreshWithoutGraceDoesNotDependOnClocks(t *testing.T) {
	data := mem.New()
	noGrace := func(c *core.Config) { c.RefreshGrace = -1 }
	ahead := worldOver(t, data, clock.Noon(), noGrace)
	ahead.clock.Advance(time.Minute)
	behind := worldOver(t, data, clock.Noon(), noGrace)
	ahead.verified("ann@example.com")
	in := ahead.apiLogin("ann@example.com")
	must(ahead.refresh(in.RefreshToken))(t)
	_, err := behind.refresh(in.RefreshToken)
	wantCode(t, err, core.CodeInvalidGrant)
}

func TestForgedRefreshTokenChangesNothing(t *testing.T) {
	w := newWorld(t)
	w.verified("ann@example.com")
	in := w.apiLogin("ann@example.com")
	flip := func(i int) string {
		b := []byte(in.RefreshToken)
		if b[i] = 'A'; b[i] == in.RefreshToken[i] {
			b[i] = 'B'
		}
		return string(b)
	}
	n := len(in.RefreshToken)
	forged := map[string]string{
		"empty": "", "prefix": "ort_", "truncated": in.RefreshToken[:n-1], "padded": in.RefreshToken + "=",
		"upper case": strings.ToUpper(in.RefreshToken), "no prefix": in.RefreshToken[4:], "line": in.RefreshToken + "\n",
		"another session": flip(6), "another generation": flip(4 + 24), "another MAC": flip(4 + 40), "last byte": flip(n - 2),
	}
	for i := 4; i < n; i++ {
		forged["byte "+string(rune('0'+i/10))+string(rune('0'+i%10))] = flip(i)
	}
	for name, token := range forged {
		_, err := w.refresh(token)
		if e := core.AsError(err); err == nil || e.Code != core.CodeInvalidGrant {
			t.Errorf("%s: %v", name, err)
		}
		noError(t, w.EndByRefreshToken(t.Context(), token, core.FirstParty))
	}
	if got := must(w.refresh(in.RefreshToken))(t); got.Session.Generation != 2 {
		t.Errorf("generation %d: something had changed", got.Session.Generation)
	}
}

func FuzzRefreshToken(f *testing.F) {
	f.Add("ort_" + strings.Repeat("A", 70))
	f.Add("ort_")
	w := newWorld(f)
	w.verified("ann@example.com")
	f.Fuzz(func(t *testing.T, token string) {
		if _, err := w.Refresh(t.Context(), token, core.FirstParty, nil); core.AsError(err).Code != core.CodeInvalidGrant {
			t.Errorf("%q: %v", token, err)
		}
	})
}

func TestRefreshTokenIsItsClients(t *testing.T) {
	w := newWorld(t, func(c *core.Config) { c.Clients = []core.ClientConfig{{ID: "app"}} })
	w.verified("ann@example.com")
	in := w.apiLogin("ann@example.com")
	_, err := w.Refresh(t.Context(), in.RefreshToken, "app", nil)
	wantCode(t, err, core.CodeInvalidGrant)
	noError(t, w.EndByRefreshToken(t.Context(), in.RefreshToken, "app"))
	must(w.refresh(in.RefreshToken))(t)
}

func TestRefreshAfterARestart(t *testing.T) {
	w := newWorld(t)
	w.verified("ann@example.com")
	in := w.apiLogin("ann@example.com")
	noError(t, w.Close())
	w = w.again()
	next := must(w.refresh(in.RefreshToken))(t)
	noError(t, w.EndByRefreshToken(t.Context(), in.RefreshToken, core.FirstParty)) // of whatever generation
	_, err := w.again().refresh(next.RefreshToken)
	wantCode(t, err, core.CodeInvalidGrant)
}

func TestRefreshNarrowsAndNeverWidens(t *testing.T) {
	allowed := []string{"read", "write", "admin"}
	w := newWorld(t, func(c *core.Config) { c.Scopes = allowed })
	w.verified("ann@example.com")
	in := must(w.signIn("ann@example.com", goodPassword, core.Wish{Kind: core.APISession, Scopes: []string{"read", "write"}}))(t)
	token := in.RefreshToken
	for _, tt := range []struct{ asked, want []string }{
		{[]string{"write"}, []string{"write"}},
		{nil, []string{"read", "write"}}, // the grant is not narrowed
		{[]string{"admin", "read"}, []string{"read"}},
	} {
		out := must(w.Refresh(t.Context(), token, core.FirstParty, tt.asked))(t)
		if !slices.Equal(out.Scopes, tt.want) || !slices.Equal(out.Session.Scopes, []string{"read", "write"}) {
			t.Errorf("asked %v: got %v of grant %v", tt.asked, out.Scopes, out.Session.Scopes)
		}
		token = out.RefreshToken
	}
	_, err := w.Refresh(t.Context(), token, core.FirstParty, []string{"admin"})
	wantCode(t, err, core.CodeInvalidScope)

	poorer := w.again(func(c *core.Config) { c.Scopes = []string{"read"} })
	if out := must(poorer.refresh(token))(t); !slices.Equal(out.Scopes, []string{"read"}) {
		t.Errorf("scopes %v: what the user lost is still granted", out.Scopes)
	}
}

func TestRefreshEndsWithTheSession(t *testing.T) {
	w := newWorld(t)
	w.verified("ann@example.com")
	in := w.apiLogin("ann@example.com")
	token := in.RefreshToken
	for range 3 {
		w.clock.Advance(29 * 24 * time.Hour)
		token = must(w.refresh(token))(t).RefreshToken
	}
	w.clock.Advance(3 * 24 * time.Hour) // 90 days
	_, err := w.refresh(token)
	wantCode(t, err, core.CodeInvalidGrant)

	idle := w.apiLogin("ann@example.com")
	w.clock.Advance(30 * 24 * time.Hour)
	_, err = w.refresh(idle.RefreshToken)
	wantCode(t, err, core.CodeInvalidGrant)
}

func TestBrowserSessionHasNoRefreshToken(t *testing.T) {
	w := newWorld(t)
	in := w.person("ann@example.com")
	if in.RefreshToken != "" || in.Session.Salt != nil {
		t.Errorf("%+v", in)
	}
}
