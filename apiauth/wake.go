package apiauth

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/oneauth-go/oneauth/core"
)

// Wake carries a word between the nodes of an application: that something was revoked in a tenant. It makes revocations
// count elsewhere sooner than the next poll of the store, which stays what they rest on: a word that is lost, late, doubled
// or forged does no harm. The Channel of stores/redis is one.
type Wake interface {
	// Announce tells all nodes that listen. An error means that some may not hear.
	Announce(ctx context.Context, tenant string) error
	// Listen calls heard with the tenant of each announcement, and with "" whenever some may have been missed. It returns
	// when ctx ends, and not before.
	Listen(ctx context.Context, heard func(tenant string)) error
}

// hints are tenants that something is to be done about, each once however often it was named.
type hints struct {
	mu      sync.Mutex
	tenants map[string]bool
	some    chan struct{}
}

func newHints() *hints { return &hints{tenants: map[string]bool{}, some: make(chan struct{}, 1)} }

// add never blocks.
func (h *hints) add(tenant string) {
	h.mu.Lock()
	h.tenants[tenant] = true
	h.mu.Unlock()
	select {
	case h.some <- struct{}{}:
	default:
	}
}

func (h *hints) take() map[string]bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	taken := h.tenants
	h.tenants = map[string]bool{}
	return taken
}

// wakeJobs are what a Wake needs: one job that tells, one that listens, and one that looks.
func (s *Service) wakeJobs() []core.Job {
	if s.opt.Wake == nil {
		return nil
	}
	return []core.Job{
		{Name: "revocation-announce", Every: time.Hour, Run: s.announce, Wake: s.toTell.some},
		{Name: "revocation-look", Every: time.Hour, Run: s.look, Wake: s.toRead.some},
		{Name: "revocation-listen", Every: time.Second, Lasting: true, Run: func(ctx context.Context) error {
			return s.opt.Wake.Listen(ctx, s.toRead.add)
		}},
	}
}

// noteWake tells the other nodes of a revocation after its commit.
func (s *Service) noteWake(_ context.Context, e core.Event) {
	switch e.Type {
	case core.EventSessionsEnded, core.EventTokenRevoked, core.EventKeyRevoked, core.EventAccountDisabled:
		s.toTell.add(e.Tenant)
	}
}

func (s *Service) announce(ctx context.Context) error {
	var errs []error
	for tenant := range s.toTell.take() {
		errs = append(errs, s.opt.Wake.Announce(ctx, tenant))
	}
	return errors.Join(errs...)
}

// look reads at once what was revoked in the tenants that were heard of, and forgets which of their API keys were good.
func (s *Service) look(ctx context.Context) error {
	heard := s.toRead.take()
	var errs []error
	for tenant, set := range s.feed.inUse(s.now()) {
		if heard[tenant] || heard[""] {
			errs = append(errs, s.pollTenant(core.WithTenant(ctx, tenant), set))
		}
	}
	if len(heard) > 0 {
		s.apiKeys.forget(func(tenant string, _ *core.Principal) bool { return heard[tenant] || heard[""] })
	}
	return errors.Join(errs...)
}
