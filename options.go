package oneauth

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/oneauth-go/oneauth/apiauth"
	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/core/mail"
	"github.com/oneauth-go/oneauth/core/password"
	"github.com/oneauth-go/oneauth/internal/wire"
	"github.com/oneauth-go/oneauth/oauth"
	"github.com/oneauth-go/oneauth/webauth"
	"github.com/oneauth-go/oneauth/webauth/pages"
)

// Option configures New. Options are applied in order; the same one twice is the later one.
type Option func(*settings) error

// settings is what options fill in, before anything is built.
type settings struct {
	ctx         context.Context
	secrets     [][]byte
	development bool
	core        core.Config
	api         apiauth.Options
	web         webauth.Options
	mail        mail.Options
	oauth       oauth.Options
	entry       wire.Entry
	pages       pages.Options
	noPages     bool
	freshSecret string // file that this start has made
	unsealed    bool   // the secrets open the store
}

func (s *settings) log() *slog.Logger {
	if s.core.Env.Log != nil {
		return s.core.Env.Log
	}
	return slog.Default()
}

func (s *settings) randomness() io.Reader {
	if s.core.Env.Rand != nil {
		return s.core.Env.Rand
	}
	return rand.Reader
}

// complete checks what must be there and fills in what development mode brings.
func (s *settings) complete(store Store) error {
	switch {
	case s.development:
		return s.developmentDefaults(store)
	case len(s.secrets) == 0:
		return errors.New("WithSecrets(current, old...) is required, or WithDevelopment() on your own machine")
	case s.core.BaseURL == "":
		return errors.New("WithBaseURL is required, such as https://app.example: links and tokens name it")
	}
	return nil
}

// courier decides who brings notices to people.
func (s *settings) courier(a *Auth) error {
	if s.core.Courier != nil {
		return nil
	}
	if s.development {
		a.mailbox = mail.NewMailbox(0, s.core.Env.Now)
		for _, c := range []core.Channel{core.Email, core.SMS} {
			if s.mail.Senders[c] == nil {
				WithSender(c, a.mailbox)(s)
			}
		}
	}
	if len(s.mail.Senders) == 0 {
		s.log().Warn("oneauth: no sender is configured: mails wait in the outbox", "option", "WithSender")
		return nil
	}
	if s.mail.App == "" {
		s.mail.App = s.core.AppName
	}
	if s.mail.App == "" {
		s.mail.App = "OneAuth"
	}
	s.mail.Now = s.core.Env.Now
	c, err := mail.New(s.mail)
	s.core.Courier = c
	return err
}

// WithSecrets sets the master secrets, at least 32 random bytes each: the present one, and those being retired. Keep
// them outside the store.
func WithSecrets(current []byte, old ...[]byte) Option {
	return func(s *settings) error {
		s.secrets = append([][]byte{current}, old...)
		return nil
	}
}

// WithBaseURL sets the origin under which people reach the application, such as https://app.example. Links, cookies and
// the issuer of tokens follow it, never a request's Host.
func WithBaseURL(origin string) Option {
	return func(s *settings) error { s.core.BaseURL = origin; return nil }
}

// WithPrefix sets the path under which the endpoints are mounted; default /auth.
func WithPrefix(path string) Option {
	return func(s *settings) error { s.core.Prefix = path; return nil }
}

// WithAppName sets what mails and pages call the application; default the host of the base URL.
func WithAppName(name string) Option {
	return func(s *settings) error { s.core.AppName = name; return nil }
}

// WithScopes sets what every user may be granted.
func WithScopes(scopes ...string) Option {
	return func(s *settings) error { s.core.Scopes = scopes; return nil }
}

// WithScopesOf sets a function that says what a particular user may be granted. It is asked at every sign-in and refresh.
func WithScopesOf(f core.ScopesOf) Option {
	return func(s *settings) error { s.core.ScopesOf = f; return nil }
}

// WithClaims adds custom claims to access tokens: whatever f returns is marshalled into them. ClaimsOf reads them.
func WithClaims[T any](f func(ctx context.Context, in apiauth.ClaimsInput) (T, error)) Option {
	return func(s *settings) error {
		if f == nil {
			return errors.New("WithClaims: the function is nil")
		}
		s.api.Claims = func(ctx context.Context, in apiauth.ClaimsInput) (any, error) { return f(ctx, in) }
		return nil
	}
}

// WithClients registers clients; first-party is built in.
func WithClients(clients ...core.ClientConfig) Option {
	return func(s *settings) error { s.core.Clients = append(s.core.Clients, clients...); return nil }
}

// WithNewUserID draws the ids of new users, where the application's own table of users says what ids are like.
func WithNewUserID(f core.NewUserID) Option {
	return func(s *settings) error { s.core.NewUserID = f; return nil }
}

// WithAdopt takes in people whom the application knows from before, when somebody first signs in, asks for a reset or wants
// to sign up with their name: with their password hash they need not do anything. See core.Adopt.
func WithAdopt(f core.Adopt) Option {
	return func(s *settings) error { s.core.Adopt = f; return nil }
}

// WithFields declares custom fields of users.
func WithFields(fields ...core.Field) Option {
	return func(s *settings) error { s.core.Fields = append(s.core.Fields, fields...); return nil }
}

// WithSignUp sets who may sign up, and when it counts; default core.OpenSignUp. With core.InviteOnly people sign up with
// what Users().Invite has mailed them.
func WithSignUp(mode core.SignUpMode) Option {
	return func(s *settings) error { s.core.SignUp = mode; return nil }
}

// WithAllowedDomains lets only people sign up who have proved an e-mail address of one of these domains: corp.example is
// that domain alone, .corp.example is every domain below it. Anybody can type an address, so there is no account before a
// mailed link was used: the default sign-up becomes core.VerifyFirst; core.InviteOnly stays, since its invitations prove
// the address. Nor can addresses of other domains be added later. Accounts that Users().Ensure makes are not bound.
func WithAllowedDomains(domains ...string) Option {
	return func(s *settings) error { s.core.AllowedDomains = domains; return nil }
}

// WithHooks sets the application's own words in what happens.
func WithHooks(h core.Hooks) Option {
	return func(s *settings) error { s.core.Hooks = h; return nil }
}

// WithPolicy adds policies that judge every mint of a session.
func WithPolicy(p ...core.Policy) Option {
	return func(s *settings) error { s.core.Policies = append(s.core.Policies, p...); return nil }
}

// WithListener adds listeners that hear of events after their commit.
func WithListener(l ...core.Listener) Option {
	return func(s *settings) error { s.core.Listeners = append(s.core.Listeners, l...); return nil }
}

// WithTxListener adds listeners that hear of events inside their transaction.
func WithTxListener(l ...core.TxListener) Option {
	return func(s *settings) error { s.core.TxListeners = append(s.core.TxListeners, l...); return nil }
}

// WithFeature registers features as a whole.
func WithFeature(f ...core.Feature) Option {
	return func(s *settings) error { s.core.Features = append(s.core.Features, f...); return nil }
}

// WithSender sets who brings the messages of a channel, such as mail.NewSMTP.
func WithSender(c core.Channel, sender mail.Sender) Option {
	return func(s *settings) error {
		if sender == nil {
			return fmt.Errorf("WithSender(%s): the sender is nil", c)
		}
		if s.mail.Senders == nil {
			s.mail.Senders = map[core.Channel]mail.Sender{}
		}
		s.mail.Senders[c] = sender
		return nil
	}
}

// WithMail sets templates, texts and locale of mails. Senders given by WithSender are kept.
func WithMail(o mail.Options) Option {
	return func(s *settings) error {
		for c, sender := range s.mail.Senders {
			if o.Senders == nil {
				o.Senders = map[core.Channel]mail.Sender{}
			}
			if o.Senders[c] == nil {
				o.Senders[c] = sender
			}
		}
		s.mail = o
		return nil
	}
}

// WithCourier replaces templates and senders altogether.
func WithCourier(c core.Courier) Option {
	return func(s *settings) error { s.core.Courier = c; return nil }
}

// WithPages sets what the pages for people look like and ask for. Name, prefix, custom fields and the length of passwords
// are filled in from the other options where they are left out.
func WithPages(o pages.Options) Option {
	return func(s *settings) error { s.pages, s.noPages = o, false; return nil }
}

// WithoutPages serves no pages for people: for an API, or where scripts of the application talk to the endpoints.
func WithoutPages() Option {
	return func(s *settings) error { s.noPages = true; return nil }
}

// OwnPages says how an application's own pages and the endpoints work together.
type OwnPages = webauth.OwnPages

// WithOwnPages leaves the pages to the application, which posts its own forms to the endpoints: see examples/ownpages.
func WithOwnPages(p OwnPages) Option {
	return func(s *settings) error { s.noPages, s.web.OwnPages = true, p; return nil }
}

// WithTenants makes every request belong to the tenant that f says: from host, path or a header that a proxy sets, never
// from a credential. An error, or a name that is no tenant, is answered with 404.
func WithTenants(f func(r *http.Request) (string, error)) Option {
	return func(s *settings) error {
		if f == nil {
			return errors.New("WithTenants: the function is nil")
		}
		s.entry.Tenant, s.core.MultiTenant = f, true
		return nil
	}
}

// WithBaseURLOf sets under which origin the people of a tenant reach the application, where each has its own: their links
// follow it, and its pages are the application's own. The issuer of tokens stays that of WithBaseURL.
func WithBaseURLOf(f func(tenant string) (origin string)) Option {
	return func(s *settings) error { s.core.BaseURLOf = f; return nil }
}

// WithTrustedProxies sets the networks whose X-Forwarded-For is believed, such as 10.0.0.0/8.
func WithTrustedProxies(networks ...string) Option {
	return func(s *settings) (err error) {
		s.entry.Proxies, err = wire.ParseTrustedProxies(networks...)
		return err
	}
}

// WithTrustedOrigins sets further origins, such as https://www.app.example, whose pages may send state-changing requests
// with the session cookie, and read the answers of the endpoints by CORS; Auth.CORS lets them read those of the
// application's own routes.
func WithTrustedOrigins(origins ...string) Option {
	return func(s *settings) error { s.web.TrustedOrigins = origins; return nil }
}

// WithCookieName sets the name of the session cookie; default __Host-oneauth, and on plain-http loopback
// oneauth_dev_<port>.
func WithCookieName(name string) Option {
	return func(s *settings) error { s.web.CookieName = name; return nil }
}

// WithSessionLimits sets how long sessions last.
func WithSessionLimits(l core.SessionLimits) Option {
	return func(s *settings) error { s.core.Sessions = l; return nil }
}

// WithSessionCache lets the application's own routes take a session's cookie for good for up to maxAge, at most a minute,
// without asking the store; by default they ask at every request. What ends a session on this node counts at once, on
// another node within maxAge. OneAuth's own endpoints always ask.
func WithSessionCache(maxAge time.Duration) Option {
	return func(s *settings) (err error) {
		s.web.Sessions, err = webauth.NewSessionCache(maxAge)
		return err
	}
}

// WithLifetimes sets how long links, attempts and access tokens last.
func WithLifetimes(l core.Lifetimes) Option {
	return func(s *settings) error { s.core.Lifetimes = l; return nil }
}

// WithRefreshGrace sets how long the previous refresh token yields the same successor; default 10 s, negative for none.
func WithRefreshGrace(d time.Duration) Option {
	return func(s *settings) error { s.core.RefreshGrace = d; return nil }
}

// WithGuessLimit sets after how many consecutive wrong passwords only a reset helps; default 100.
func WithGuessLimit(n int) Option {
	return func(s *settings) error { s.core.GuessLimit = n; return nil }
}

// WithRecentSignIn sets how long after a sign-in, or after proving the password again, a person may change ways in; default
// 15 minutes.
func WithRecentSignIn(d time.Duration) Option {
	return func(s *settings) error { s.core.RecentSignIn = d; return nil }
}

// WithoutNotice keeps notices from being sent: core.NoticeNewSignIn, and no other.
func WithoutNotice(templates ...string) Option {
	return func(s *settings) error { s.core.Mute = templates; return nil }
}

// WithPasswordPolicy sets what new passwords must be like. Start from password.DefaultPolicy.
func WithPasswordPolicy(p password.Policy) Option {
	return func(s *settings) error { s.core.Password = p; return nil }
}

// WithHashing sets the cost of new password hashes and how many are computed at once. Start from
// password.DefaultParams.
func WithHashing(p password.Params, l password.Limits) Option {
	return func(s *settings) error { s.core.Hashing, s.core.HashLimits = p, l; return nil }
}

// WithSigning sets the algorithm of access tokens: EdDSA (default), ES256, RS256 or HS256.
func WithSigning(alg string) Option {
	return func(s *settings) error { s.api.Alg = alg; return nil }
}

// WithAudience sets the audience of access tokens whose client has none; default the base URL.
func WithAudience(audience string) Option {
	return func(s *settings) error { s.api.Audience = audience; return nil }
}

// WithRevocationPoll sets how often a node reads what others have revoked; default 2 s, at most 30 s. Three times that is
// the longest that a revoked access token counts on another node. With WithWake it may well be long.
func WithRevocationPoll(every time.Duration) Option {
	return func(s *settings) error { s.api.FeedEvery = every; return nil }
}

// WithStrictTokens asks the store at every request with an access token whether its session lives, so that a revocation
// counts on every node at once.
func WithStrictTokens() Option {
	return func(s *settings) error { s.api.Strict = true; return nil }
}

// WithWake tells other nodes at once of what was revoked, by the Channel of stores/redis for instance, so that they look at
// the store then instead of at their next poll. Without it, or while it is down, a revoked access token counts elsewhere for
// up to 6 seconds more, an API key for 5, and a remembered session (WithSessionCache) for as long as it is remembered. Run
// tells and listens.
func WithWake(w apiauth.Wake) Option {
	return func(s *settings) error {
		if w == nil {
			return errors.New("WithWake: there is nothing to tell other nodes by: it is nil")
		}
		s.api.Wake = w
		return nil
	}
}

// WithGrant registers a further grant type at the token endpoint.
func WithGrant(grantType string, h apiauth.GrantHandler) Option {
	return func(s *settings) error {
		if h == nil {
			return fmt.Errorf("WithGrant(%s): the handler is nil", grantType)
		}
		if s.api.Grants == nil {
			s.api.Grants = map[string]apiauth.GrantHandler{}
		}
		s.api.Grants[grantType] = h
		return nil
	}
}

// WithEnv sets clock, randomness and log, for tests.
func WithEnv(e core.Env) Option {
	return func(s *settings) error { s.core.Env = e; return nil }
}
