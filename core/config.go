package core

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/oneauth-go/oneauth/core/password"
	"github.com/oneauth-go/oneauth/core/seal"
)

// Config is what New needs. Secrets and BaseURL are required; everything else has a safe default.
type Config struct {
	Env     Env
	Secrets *seal.Keyring // the master secrets: the present one first, then those being retired
	BaseURL string        // origin of the application, such as https://app.example: links and issuer follow it
	Prefix  string        // path under which the endpoints are mounted; default /auth
	AppName string        // what notices and pages call the application; default the host of BaseURL
	// ForgotPage is the path of the page on which people ask for a reset link: notices of a changed password or identity
	// lead there, so that whoever did not do it can act. Empty: there is none.
	ForgotPage string

	MultiTenant bool // every call needs a tenant in ctx
	// BaseURLOf returns the origin under which a tenant's people reach the application, where tenants have several: their
	// links follow it. The issuer of tokens stays BaseURL. Nil or an empty answer is BaseURL.
	BaseURLOf func(tenant string) string

	SignUp SignUpMode // who may sign up, and when it counts; default OpenSignUp
	// AllowedDomains lets only people sign up who have an e-mail address of one of these domains, such as corp.example; with
	// a dot in front, .corp.example, of one below it. No account comes to be before that address is proved, since anybody
	// can type one: OpenSignUp becomes VerifyFirst. Nor can an address of another domain be added later. Users().Ensure may
	// do everything.
	AllowedDomains []string
	domains        domains
	Fields         []Field  // custom fields of a user's data; undeclared ones are refused
	Scopes         []string // what every user may be granted
	ScopesOf       ScopesOf // what a particular user may be granted; instead of Scopes
	Clients        []ClientConfig
	NewUserID      NewUserID // draws the ids of new users; default usr_ and NewID's 26 characters
	Adopt          Adopt     // knows people from before; see Users.Adopt
	Hooks          Hooks
	Policies       []Policy
	Features       []Feature
	Listeners      []Listener
	TxListeners    []TxListener
	Courier        Courier // brings notices to people; without one they stay in the outbox
	Password       password.Policy
	Hashing        password.Params
	HashLimits     password.Limits
	Sessions       SessionLimits
	Lifetimes      Lifetimes
	GuessLimit     int           // consecutive wrong passwords until only a reset helps; default 100 (NIST SP 800-63B-4, 3.2.2)
	Mute           []string      // templates of notices that are not sent: NoticeNewSignIn alone may be here
	RecentSignIn   time.Duration // what changes ways in needs a sign-in, or Reauthenticate, of at most this ago; default 15 minutes
	RefreshGrace   time.Duration // how long the previous refresh token yields the same successor; default 10 s, negative: none
}

// SignUpMode says when a sign-up becomes an account.
type SignUpMode uint8

const (
	OpenSignUp   SignUpMode = iota // at once; the addresses are unverified at first
	VerifyFirst                    // when the mailed link was used; answers do not tell whether an address is taken
	ClosedSignUp                   // never: accounts come from Users().Ensure
	InviteOnly                     // at once, for who brings an invitation (Users().Invite)
)

// ScopesOf returns the scopes that a user may be granted. It is asked at every mint and every refresh, outside any
// transaction.
type ScopesOf func(ctx context.Context, u *User) ([]string, error)

// SessionLimits are the idle and absolute lifetimes of sessions. Zero values get the defaults.
type SessionLimits struct {
	Idle, Absolute                 time.Duration // browser; default 24 hours, 7 days
	RememberedIdle, RememberedMost time.Duration // browser, with remember me; default 30 days, 90 days
	APIIdle, APIAbsolute           time.Duration // refresh tokens; default 30 days, 90 days
	PerUser                        int           // at most so many at once, the oldest goes; default and limit 100
}

// Lifetimes of what is handed out once. Zero values get the defaults.
type Lifetimes struct {
	VerifyLink  time.Duration // default 24 hours
	ResetLink   time.Duration // default 30 minutes
	Invitation  time.Duration // default 7 days
	Attempt     time.Duration // default 10 minutes
	AccessToken time.Duration // default 10 minutes
}

// Hooks are the application's own words in what happens.
type Hooks struct {
	// BeforeSignUp may refuse a sign-up, on every path that makes an account: return an *Error, or any error, which
	// becomes CodeSignUpRefused. It runs outside the transaction and may have effects.
	BeforeSignUp func(ctx context.Context, s SignUpInfo) error
	// InSignUpTx joins the transaction that makes the account, on every path: its writes are committed with it, and its
	// error leaves nothing behind. Refuse with an *Error; any other error passes for the store's, CodeUnavailable. It may
	// run again, so it has no outside effect. tx.Context has the request's tenant and origin.
	InSignUpTx func(tx *Tx, u *User) error
	// BeforeSignIn may refuse a session, on every path through the gate, a sign-up's first session included: return an
	// *Error, or any error, which becomes CodeForbidden. It runs before the session is minted, outside the transaction,
	// and may have effects; whether the account is active and every factor proved is not known yet.
	BeforeSignIn func(ctx context.Context, s SignInInfo) error
	// AfterSignIn hears of every new session after its commit, before the person gets its secrets: do not keep them. It
	// runs on the caller's goroutine, so it must be quick.
	AfterSignIn func(ctx context.Context, in *SignedIn)
}

// SignUpInfo is what a hook may judge.
type SignUpInfo struct {
	Identities []Identity // parsed; without user id
	Name       string
	Data       map[string]any
	Method     string // what the account begins with: "pwd", or a provider's name
}

// Feature is one part that registers with New as a whole.
type Feature struct {
	Name        string
	Kinds       []Kind
	Policies    []Policy
	Listeners   []Listener
	TxListeners []TxListener
	Jobs        []Job
	Start       func(ctx context.Context, a *Auth) error // called once, when the store is ready
}

const (
	maxIdentities  = 10 // per user
	maxKeys        = 50 // per subject
	maxSessions    = 100
	maxTokens      = 5  // live one-time tokens per user and purpose
	minClientToken = 32 // characters
)

func (c *Config) validate() error {
	if c.Secrets == nil {
		return errors.New("core: Config.Secrets is missing: master secrets are required")
	}
	base, err := url.Parse(c.BaseURL)
	switch {
	case err != nil:
		return fmt.Errorf("core: Config.BaseURL: %w", err)
	case base.Scheme != "https" && base.Scheme != "http" || base.Host == "":
		return fmt.Errorf("core: Config.BaseURL %q is not an http or https origin", c.BaseURL)
	case base.User != nil || base.RawQuery != "" || base.Fragment != "" || strings.Trim(base.Path, "/") != "":
		return fmt.Errorf("core: Config.BaseURL %q must be an origin alone, without path, query or user", c.BaseURL)
	}
	c.BaseURL = base.Scheme + "://" + strings.ToLower(base.Host)
	if c.Prefix == "" {
		c.Prefix = "/auth"
	}
	if !strings.HasPrefix(c.Prefix, "/") || strings.HasSuffix(c.Prefix, "/") || strings.ContainsAny(c.Prefix, "?#%{} ") {
		return fmt.Errorf("core: Config.Prefix %q must begin with a slash, not end with one, and be a plain path", c.Prefix)
	}
	if c.ForgotPage != "" && (!strings.HasPrefix(c.ForgotPage, "/") || strings.ContainsAny(c.ForgotPage, "?#{} ")) {
		return fmt.Errorf("core: Config.ForgotPage %q is not a plain path", c.ForgotPage)
	}
	if c.AppName == "" {
		c.AppName = base.Hostname()
	}
	return errors.Join(c.defaults(), c.signUpRules(), c.validateFields(), c.voices(), validScopes("Config.Scopes", c.Scopes))
}

// signUpRules judges who may sign up.
func (c *Config) signUpRules() (err error) {
	if c.SignUp > InviteOnly {
		return fmt.Errorf("core: Config.SignUp is %d, which is no mode", c.SignUp)
	}
	if c.domains, err = parseDomains(c.AllowedDomains); len(c.domains) > 0 && c.SignUp == OpenSignUp {
		c.SignUp = VerifyFirst
	}
	return err
}

// voices refuses policies and listeners that are nil, which would fail at the first sign-in.
func (c *Config) voices() error {
	heard := append([]Feature{{Name: "Config", Policies: c.Policies, Listeners: c.Listeners, TxListeners: c.TxListeners}}, c.Features...)
	for _, f := range heard {
		for i, p := range f.Policies {
			if p == nil {
				return fmt.Errorf("core: %s: Policies[%d] is nil", f.Name, i)
			}
			if fn, ok := p.(PolicyFunc); ok && fn == nil {
				return fmt.Errorf("core: %s: Policies[%d] is a nil PolicyFunc", f.Name, i)
			}
		}
		for i, l := range f.Listeners {
			if l == nil {
				return fmt.Errorf("core: %s: Listeners[%d] is nil", f.Name, i)
			}
		}
		for i, l := range f.TxListeners {
			if l == nil {
				return fmt.Errorf("core: %s: TxListeners[%d] is nil", f.Name, i)
			}
		}
	}
	return nil
}

// defaults fills in what was left zero and refuses what is out of range.
func (c *Config) defaults() error {
	c.Env = c.Env.withDefaults()
	if c.Password.MinLength == 0 && c.Password.MaxBytes == 0 {
		blocked, app := c.Password.Blocked, c.Password.Application
		c.Password = password.DefaultPolicy()
		c.Password.Blocked, c.Password.Application = blocked, app
	}
	if c.Hashing == (password.Params{}) {
		c.Hashing = password.DefaultParams()
	}
	for _, d := range []struct {
		name string
		v    *time.Duration
		def  time.Duration
	}{
		{"Sessions.Idle", &c.Sessions.Idle, 24 * time.Hour},
		{"Sessions.Absolute", &c.Sessions.Absolute, 7 * 24 * time.Hour},
		{"Sessions.RememberedIdle", &c.Sessions.RememberedIdle, 30 * 24 * time.Hour},
		{"Sessions.RememberedMost", &c.Sessions.RememberedMost, 90 * 24 * time.Hour},
		{"Sessions.APIIdle", &c.Sessions.APIIdle, 30 * 24 * time.Hour},
		{"Sessions.APIAbsolute", &c.Sessions.APIAbsolute, 90 * 24 * time.Hour},
		{"RecentSignIn", &c.RecentSignIn, 15 * time.Minute},
		{"Lifetimes.VerifyLink", &c.Lifetimes.VerifyLink, 24 * time.Hour},
		{"Lifetimes.ResetLink", &c.Lifetimes.ResetLink, 30 * time.Minute},
		{"Lifetimes.Invitation", &c.Lifetimes.Invitation, 7 * 24 * time.Hour},
		{"Lifetimes.Attempt", &c.Lifetimes.Attempt, 10 * time.Minute},
		{"Lifetimes.AccessToken", &c.Lifetimes.AccessToken, 10 * time.Minute},
	} {
		if *d.v == 0 {
			*d.v = d.def
		}
		if *d.v < time.Second {
			return fmt.Errorf("core: Config.%s is %v: it must be a second or more", d.name, *d.v)
		}
	}
	if c.Sessions.PerUser == 0 {
		c.Sessions.PerUser = maxSessions
	}
	if c.Sessions.PerUser < 1 || c.Sessions.PerUser > maxSessions {
		return fmt.Errorf("core: Config.Sessions.PerUser is %d: it must be between 1 and %d", c.Sessions.PerUser, maxSessions)
	}
	for _, template := range c.Mute {
		if template != NoticeNewSignIn {
			return fmt.Errorf("core: Config.Mute: %q must be sent, only %q need not", template, NoticeNewSignIn)
		}
	}
	if c.GuessLimit == 0 {
		c.GuessLimit = 100
	}
	if c.GuessLimit < 1 {
		return fmt.Errorf("core: Config.GuessLimit is %d: it must be positive", c.GuessLimit)
	}
	if c.RefreshGrace == 0 {
		c.RefreshGrace = 10 * time.Second
	}
	if c.RefreshGrace > time.Minute {
		return fmt.Errorf("core: Config.RefreshGrace is %v: over a minute it would hide theft", c.RefreshGrace)
	}
	return c.Password.Validate()
}

// BaseURLFor returns the origin under which a tenant's people reach the application.
func (c Config) BaseURLFor(tenant string) string {
	if c.BaseURLOf != nil {
		if origin := c.BaseURLOf(tenant); origin != "" {
			return strings.TrimSuffix(origin, "/")
		}
	}
	return c.BaseURL
}
