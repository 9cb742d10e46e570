package oauth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/core/record"
	"github.com/oneauth-go/oneauth/internal/wire"
)

// Options are what New needs.
type Options struct {
	Providers []Provider
	// Client talks to the providers; default one with a timeout of 10 seconds. It follows no redirects in any case, and
	// reads 1 MiB of an answer at most.
	Client *http.Client
	Edge   Edge
}

// Edge is what the other rooms at the HTTP edge do for this one. Whoever wires them together sets all of it.
type Edge struct {
	// Principal returns the person a request comes from, by cookie or access token, past the cross-origin check.
	Principal func(r *http.Request) (*core.Principal, error)
	// Arrive answers a browser with what the gate said: the session's cookie and a 303 to returnTo, a path of this
	// origin; or what is still missing.
	Arrive func(w http.ResponseWriter, r *http.Request, in *core.SignedIn, returnTo string, err error) error
	// SendOn answers a form of a signed-in person by sending the browser on to url, of the provider that people know as
	// title; a program is told the address.
	SendOn func(w http.ResponseWriter, r *http.Request, title, url string) error
	// Fail shows a person why it did not work. What it returns is answered as a problem.
	Fail func(w http.ResponseWriter, r *http.Request, err error) error
	// Tokens answers with the first tokens of a session, as the token endpoint does.
	Tokens func(w http.ResponseWriter, r *http.Request, in *core.SignedIn) error
	// Cookie makes a cookie of ours, whose name is the session cookie's with a dash and suffix. Once until has passed it
	// clears the cookie.
	Cookie func(suffix, value string, until time.Time) *http.Cookie
}

// Service signs people in through providers. It is safe for concurrent use once core.New has started its Feature.
type Service struct {
	auth      *core.Auth
	providers map[string]*provider
	order     []*provider
	client    *http.Client
	edge      Edge
}

// New checks the providers and makes a Service. It asks no provider for anything: that happens when somebody comes, so
// that one that is down keeps nobody from starting.
func New(o Options) (*Service, error) {
	if len(o.Providers) == 0 {
		return nil, errors.New("oauth: Options.Providers is empty")
	}
	e := o.Edge
	if e.Principal == nil || e.Arrive == nil || e.SendOn == nil || e.Fail == nil || e.Tokens == nil || e.Cookie == nil {
		return nil, errors.New("oauth: Options.Edge: a function is missing")
	}
	s := &Service{providers: map[string]*provider{}, client: guarded(o.Client), edge: e}
	for _, declared := range o.Providers {
		if err := declared.complete(); err != nil {
			return nil, err
		}
		if s.providers[declared.Name] != nil {
			return nil, fmt.Errorf("oauth: provider %s is declared twice", declared.Name)
		}
		p := &provider{Provider: declared, client: s.client}
		s.providers[p.Name] = p
		s.order = append(s.order, p)
	}
	return s, nil
}

// The kinds of records that this room keeps.
var (
	usedStates = record.Define[usedState]("oauth_state", 1)
	codes      = record.Define[code]("oauth_code", 1)
	usedTokens = record.Define[usedToken]("oauth_id_token", 1)
	refreshes  = record.Define[refreshing]("oauth_refresh", 1)
)

// Feature is what core.New needs of the Service.
func (s *Service) Feature() core.Feature {
	return core.Feature{
		Name:  "oauth",
		Kinds: []core.Kind{usedStates.Kind(), codes.Kind(), usedTokens.Kind(), refreshes.Kind()},
		Start: func(_ context.Context, a *core.Auth) error {
			if s.auth != nil {
				return errors.New("oauth: a Service belongs to one core.Auth")
			}
			s.auth = a
			for _, p := range s.order {
				p.now = a.Env().Now
			}
			return nil
		},
	}
}

// Providers returns what is configured, in that order, with the defaults filled in.
func (s *Service) Providers() []Provider {
	all := make([]Provider, len(s.order))
	for i, p := range s.order {
		all[i] = p.Provider
	}
	return all
}

// Routes are the endpoints, for a wire.Router.
func (s *Service) Routes() []wire.Route {
	const get, post = http.MethodGet, http.MethodPost
	return []wire.Route{
		{Method: get, Path: "/oauth/{provider}", Handle: s.at(s.start)},
		{Method: get, Path: "/oauth/{provider}/callback", Handle: s.at(s.callback)},
		{Method: post, Path: "/oauth/{provider}/callback", Handle: s.at(s.formCallback)},
		{Method: post, Path: "/oauth/{provider}/link", Handle: s.at(s.link)},
		{Method: post, Path: "/oauth/{provider}/token", OAuth: true, Handle: s.at(s.native)},
	}
}

// at finds the provider that a path names.
func (s *Service) at(h func(w http.ResponseWriter, r *http.Request, p *provider) error) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		if s.auth == nil {
			return core.ErrUnavailable.Wrap(errors.New("oauth: the feature was not given to core.New"))
		}
		p := s.providers[r.PathValue("provider")]
		if p == nil {
			return core.ErrNotFound
		}
		return h(w, r, p)
	}
}

// note records a sign-in that failed before the gate, and returns cause.
func (s *Service) note(ctx context.Context, p *provider, cause error) error {
	return s.tell(ctx, core.Event{Detail: p.Name}, cause)
}

// tell records, with what e has of it, that a sign-in failed because of cause, and returns cause.
func (s *Service) tell(ctx context.Context, e core.Event, cause error) error {
	e.Type, e.Outcome, e.Reason = core.EventSignInFailed, core.Failure, string(core.AsError(cause).Code)
	if err := s.auth.Update(ctx, func(tx *core.Tx) error { return tx.Emit(e) }); err != nil {
		return errors.Join(err, cause)
	}
	return cause
}

func loopback(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}
