package apiauth

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/core/record"
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

const (
	announceWithin = 2 * time.Second       // all that there is to tell
	wakePause      = 50 * time.Millisecond // after telling or looking: what comes meanwhile waits and is done in one go
	maxHints       = 1000                  // tenants that are told apart
)

// hints are tenants that something is to be done about, each once however often it was named.
type hints struct {
	mu      sync.Mutex
	tenants map[string]bool // "" stands for all
	some    chan struct{}
}

func newHints() *hints { return &hints{tenants: map[string]bool{}, some: make(chan struct{}, 1)} }

// add never blocks. Where there are too many tenants it adds all of them.
func (h *hints) add(tenant string) {
	h.mu.Lock()
	if len(h.tenants) >= maxHints {
		tenant = ""
	}
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
	case core.EventSessionsEnded, core.EventTokenRevoked, core.EventKeyRevoked, core.EventAccountDisabled, core.EventAccountPurged:
		s.toTell.add(e.Tenant)
	}
}

// announce tells once of whatever happened since it told last. What it cannot tell is left to the polls.
func (s *Service) announce(ctx context.Context) error {
	tenants := s.toTell.take()
	if len(tenants) == 0 {
		return nil
	}
	within, cancel := context.WithTimeout(ctx, announceWithin)
	defer cancel()
	for tenant := range tenants {
		if tenant == "" {
			continue
		}
		if err := s.opt.Wake.Announce(within, tenant); err != nil {
			return err
		}
	}
	pause(ctx)
	return nil
}

// look reads at once what was revoked in the tenants that were heard of, and forgets which of their API keys were good.
func (s *Service) look(ctx context.Context) error {
	tenants := s.toRead.take()
	if len(tenants) == 0 {
		return nil
	}
	heard := func(tenant string) bool { return tenants[tenant] || tenants[""] }
	s.apiKeys.forget(func(tenant string, _ *core.Principal) bool { return heard(tenant) })
	if s.opt.Forget != nil {
		s.opt.Forget(heard)
	}
	var errs []error
	if heard(record.System) {
		errs = append(errs, s.reloadKeys(ctx))
	}
	for tenant, set := range s.feed.inUse(s.now()) {
		if heard(tenant) {
			errs = append(errs, s.catchUp(core.WithTenant(ctx, tenant), set))
		}
	}
	pause(ctx)
	return errors.Join(errs...)
}

// pause makes one of what comes within a short time.
func pause(ctx context.Context) {
	t := time.NewTimer(wakePause)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
