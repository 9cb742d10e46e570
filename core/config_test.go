package core_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/core/password"
	"github.com/oneauth-go/oneauth/stores/mem"
)

// newError returns what New says to a configuration.
func newError(t *testing.T, change func(*core.Config)) error {
	t.Helper()
	cfg := core.Config{Secrets: keyring(t, 1), BaseURL: "https://app.example", Hashing: password.CheapParams()}
	change(&cfg)
	a, err := core.New(t.Context(), mem.New(), cfg)
	if err == nil {
		noError(t, a.Close())
	}
	return err
}

func TestNewSaysWhatIsWrong(t *testing.T) {
	for want, change := range map[string]func(*core.Config){
		"Secrets":        func(c *core.Config) { c.Secrets = nil },
		"BaseURL":        func(c *core.Config) { c.BaseURL = "" },
		"origin":         func(c *core.Config) { c.BaseURL = "https://app.example/path" },
		"http or https":  func(c *core.Config) { c.BaseURL = "javascript:alert(1)" },
		"Prefix":         func(c *core.Config) { c.Prefix = "auth/" },
		"Scopes":         func(c *core.Config) { c.Scopes = []string{"two words"} },
		"Sessions.Idle":  func(c *core.Config) { c.Sessions.Idle = time.Millisecond },
		"PerUser":        func(c *core.Config) { c.Sessions.PerUser = 101 },
		"GuessLimit":     func(c *core.Config) { c.GuessLimit = -1 },
		"RefreshGrace":   func(c *core.Config) { c.RefreshGrace = time.Hour },
		"Hashing":        func(c *core.Config) { c.Hashing = password.Params{MemoryKiB: 64, Passes: 1, Parallelism: 1} },
		"MinLength":      func(c *core.Config) { c.Password = password.DefaultPolicy(); c.Password.MinLength = 4 },
		"SignUp is 9":    func(c *core.Config) { c.SignUp = 9 },
		"AllowedDomains": func(c *core.Config) { c.AllowedDomains = []string{"corp"} },
		"Invitation":     func(c *core.Config) { c.Lifetimes.Invitation = -1 },
		"Config: Policies[1]": func(c *core.Config) {
			c.Policies = []core.Policy{core.PolicyFunc(func(*core.Tx, core.Admission) (core.Decision, error) { return core.Decision{}, nil }), nil}
		},
		"a nil PolicyFunc":     func(c *core.Config) { c.Policies = []core.Policy{core.PolicyFunc(nil)} },
		"Config: Listeners[0]": func(c *core.Config) { c.Listeners = []core.Listener{nil} },
		"TxListeners[0]":       func(c *core.Config) { c.TxListeners = []core.TxListener{nil} },
		"audit: Listeners[0]":  func(c *core.Config) { c.Features = []core.Feature{{Name: "audit", Listeners: []core.Listener{nil}}} },
		`job "sweep"`:          func(c *core.Config) { c.Features = []core.Feature{{Jobs: []core.Job{job("sweep")}}} },
		`job "restless"`:       func(c *core.Config) { c.Features = []core.Feature{{Jobs: []core.Job{{Name: "restless"}}}} },
		"start broken": func(c *core.Config) {
			c.Features = []core.Feature{{Name: "broken", Start: func(context.Context, *core.Auth) error { return core.ErrConflict }}}
		},
	} {
		if err := newError(t, change); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

func job(name string) core.Job {
	return core.Job{Name: name, Every: time.Hour, Run: func(context.Context) error { return nil }}
}

func TestDefaultsAreFilledIn(t *testing.T) {
	w := newWorld(t, func(c *core.Config) { c.BaseURL = "https://App.Example/" })
	c := w.Config()
	if c.BaseURL != "https://app.example" || c.Prefix != "/auth" || c.AppName != "App.Example" ||
		c.Password.MinLength != 15 || c.GuessLimit != 100 || c.Sessions.PerUser != 100 || c.RefreshGrace != 10*time.Second {
		t.Errorf("%+v", c)
	}
}

// Links follow the configured base URL and prefix alone.
func TestLinksUseTheConfiguredOrigin(t *testing.T) {
	w := newWorld(t, func(c *core.Config) { c.Prefix = "/id" })
	w.person("ann@example.com")
	if n := w.notices()[0]; !strings.HasPrefix(n.Link, "https://app.example/id/verify?token=") {
		t.Errorf("link %q", n.Link)
	}
}
