package apiauth

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/internal/jwt"
)

// Service issues, verifies and revokes tokens. It is safe for concurrent use once core.New has started its Feature.
type Service struct {
	opt      Options
	auth     *core.Auth
	issuer   string
	audience string
	lifetime time.Duration // of an access token
	tenants  bool          // the application has tenants
	now      func() time.Time
	verifier *jwt.Verifier
	grants   map[string]GrantHandler
	keys     keyring
	tokens   *tokenCache
	apiKeys  *keyCache
	feed     feed
	toTell   *hints // of Wake: tenants to announce
	toRead   *hints // and those that were heard of
}

// clockSkew is how far in the future an iat may lie, for nodes whose clocks differ. An exp is never stretched.
const clockSkew = 5 * time.Second

// New checks the options and makes a Service. It works once its Feature was given to core.New.
func New(o Options) (*Service, error) {
	if err := o.complete(); err != nil {
		return nil, err
	}
	s := &Service{opt: o, grants: maps.Clone(o.Grants), toTell: newHints(), toRead: newHints()}
	if s.grants == nil {
		s.grants = map[string]GrantHandler{}
	}
	s.grants[core.GrantRefresh] = s.refreshGrant
	s.grants[core.GrantClient] = s.clientGrant
	s.tokens = newTokenCache(o.TokenCache)
	s.apiKeys = newKeyCache(o.KeyCacheFor)
	s.feed.tenants = map[string]*revokedSet{}
	return s, nil
}

// Feature is what core.New needs of the Service: its kinds, listeners and jobs.
func (s *Service) Feature() core.Feature {
	listeners := []core.Listener{s.noteRevocation, s.forgetKeys}
	if s.opt.Wake != nil {
		listeners = append(listeners, s.noteWake)
	}
	return core.Feature{
		Name:        "apiauth",
		Kinds:       []core.Kind{keySets.Kind(), revocations.Kind()},
		TxListeners: []core.TxListener{s.recordRevocation},
		Listeners:   listeners,
		Jobs: append(s.wakeJobs(),
			core.Job{Name: "revocation-feed", Every: s.opt.FeedEvery, Run: s.poll},
			core.Job{Name: "signing-keys", Every: s.opt.FeedEvery, Run: s.reloadKeys},
			core.Job{Name: "rotate-signing-keys", Every: 10 * time.Minute, Leased: true, Run: s.rotateWhenDue},
		),
		Start: s.start,
	}
}

func (s *Service) start(ctx context.Context, a *core.Auth) error {
	if s.auth != nil {
		return errors.New("apiauth: a Service belongs to one core.Auth")
	}
	cfg := a.Config()
	s.auth, s.now, s.tenants = a, a.Env().Now, cfg.MultiTenant
	s.issuer, s.audience, s.lifetime = cfg.BaseURL, s.opt.Audience, cfg.Lifetimes.AccessToken
	if s.audience == "" {
		s.audience = s.issuer
	}
	rules := s.rules()
	rules.Audiences = []string{s.audience}
	var err error
	if s.verifier, err = jwt.NewVerifier(rules); err != nil {
		return err
	}
	if err := s.ensureKeys(ctx); err != nil {
		return fmt.Errorf("signing keys: %w", err)
	}
	return nil
}

// rules are what every access token must meet. Audiences are the caller's to add.
func (s *Service) rules() jwt.Options {
	return jwt.Options{Issuer: s.issuer, Leeway: clockSkew, Now: s.now, Keys: s.keys.set}
}

// tenant returns the tenant in ctx: the default one where the application has none of its own.
func (s *Service) tenant(ctx context.Context) (string, error) {
	if s.auth == nil {
		return "", core.ErrUnavailable.Wrap(errNotStarted)
	}
	switch t := core.TenantOf(ctx); {
	case t == "" && !s.tenants:
		return core.DefaultTenant, nil
	case !core.ValidTenant(t), t != core.DefaultTenant && !s.tenants:
		return "", core.ErrTenantRequired
	default:
		return t, nil
	}
}

var errNotStarted = errors.New("apiauth: the feature was not given to core.New")
