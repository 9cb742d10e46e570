package apiauth

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/core/record"
)

// feed is what this node knows of revocations, for each tenant that it has seen lately.
type feed struct {
	mu      sync.RWMutex
	tenants map[string]*revokedSet
}

const (
	feedOverlap  = 2 * time.Minute  // how far back a poll reads again
	feedAhead    = 30 * time.Second // and how far ahead, for clocks that differ
	maxFeedEvery = feedOverlap / 4
	feedIdle     = 15 * time.Minute // a tenant that is not asked for so long is forgotten, and must be loaded again
	fullEvery    = 30               // every so many polls read everything
)

// revokedSet holds the revoked tokens and sessions of one tenant. Nothing in it is evicted before it has expired.
type revokedSet struct {
	readAt  atomic.Int64 // Unix nanoseconds at which the last complete read began; 0: never loaded
	usedAt  atomic.Int64 // Unix seconds
	size    atomic.Int64
	mu      sync.RWMutex
	until   map[string]time.Time
	reading sync.Mutex
	polls   int // since everything was read; guarded by reading
}

// of returns the set of a tenant, which may not be loaded yet.
func (f *feed) of(tenant string, now time.Time) *revokedSet {
	f.mu.RLock()
	set := f.tenants[tenant]
	f.mu.RUnlock()
	if set == nil {
		f.mu.Lock()
		if set = f.tenants[tenant]; set == nil {
			set = &revokedSet{until: map[string]time.Time{}}
			f.tenants[tenant] = set
		}
		f.mu.Unlock()
	}
	if used := now.Unix(); set.usedAt.Load() != used {
		set.usedAt.Store(used)
	}
	return set
}

// note adds names to a tenant's set, if there is one. One that is made later reads them from the store.
func (f *feed) note(tenant string, names []string, until time.Time) {
	f.mu.RLock()
	set := f.tenants[tenant]
	f.mu.RUnlock()
	if set != nil {
		set.add(names, until)
	}
}

// inUse returns the sets of tenants that were asked for lately, and forgets the others.
func (f *feed) inUse(now time.Time) map[string]*revokedSet {
	f.mu.Lock()
	defer f.mu.Unlock()
	used := make(map[string]*revokedSet, len(f.tenants))
	for tenant, set := range f.tenants {
		if now.Sub(time.Unix(set.usedAt.Load(), 0)) > feedIdle {
			delete(f.tenants, tenant)
			continue
		}
		used[tenant] = set
	}
	return used
}

func (r *revokedSet) add(names []string, until time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, n := range names {
		if until.After(r.until[n]) {
			r.until[n] = until
		}
	}
	r.size.Store(int64(len(r.until)))
}

func (r *revokedSet) has(token, session string) bool {
	if r.size.Load() == 0 {
		return false
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	_, byToken := r.until[token]
	_, bySession := r.until[session]
	return byToken || bySession
}

// prune drops what has expired: no token that it names can be valid.
func (r *revokedSet) prune(now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for n, until := range r.until {
		if now.After(until) {
			delete(r.until, n)
		}
	}
	r.size.Store(int64(len(r.until)))
}

// fresh reports whether the last complete read began at most three intervals ago.
func (r *revokedSet) fresh(now time.Time, every time.Duration) bool {
	age := time.Duration(now.UnixNano() - r.readAt.Load())
	return age <= 3*every && age >= -3*every
}

// load reads the whole set of a tenant before its first token is accepted. Requests that come meanwhile wait.
func (s *Service) load(ctx context.Context, tenant string, set *revokedSet) error {
	set.reading.Lock()
	defer set.reading.Unlock()
	if set.readAt.Load() != 0 {
		return nil
	}
	return s.readAll(core.WithTenant(ctx, tenant), set)
}

// poll reads what was revoked lately in all tenants that are in use.
func (s *Service) poll(ctx context.Context) error {
	var errs []error
	for tenant, set := range s.feed.inUse(s.now()) {
		errs = append(errs, s.pollTenant(core.WithTenant(ctx, tenant), set))
	}
	return errors.Join(errs...)
}

func (s *Service) pollTenant(ctx context.Context, set *revokedSet) error {
	set.reading.Lock()
	defer set.reading.Unlock()
	set.polls++
	return s.readAgain(ctx, set)
}

// catchUp is a poll between two others. However many there are, everything is read no more often for them.
func (s *Service) catchUp(ctx context.Context, set *revokedSet) error {
	set.reading.Lock()
	defer set.reading.Unlock()
	return s.readAgain(ctx, set)
}

// readAgain brings a set up to date, if its first request has loaded it.
func (s *Service) readAgain(ctx context.Context, set *revokedSet) error {
	last := set.readAt.Load()
	if last == 0 {
		return nil
	}
	now := s.now()
	since := now.Sub(time.Unix(0, last))
	if set.polls >= fullEvery || since < 0 || since > feedOverlap {
		set.prune(now)
		return s.readAll(ctx, set)
	}
	for at := now.Add(-since - feedOverlap); !at.After(now.Add(feedAhead + bucketLength)); at = at.Add(bucketLength) {
		if err := s.readPages(ctx, set, "bucket", bucket(at)); err != nil {
			return err
		}
	}
	set.readAt.Store(now.UnixNano())
	return nil
}

// readAll reads every live revocation of the tenant.
func (s *Service) readAll(ctx context.Context, set *revokedSet) error {
	begun := s.now()
	if err := s.readPages(ctx, set, "", ""); err != nil {
		return err
	}
	set.polls = 0
	set.readAt.Store(begun.UnixNano())
	return nil
}

// readPages adds the revocations whose term has the value to set; an empty term stands for all.
func (s *Service) readPages(ctx context.Context, set *revokedSet, term, value string) error {
	for after := ""; ; {
		var page []*revocation
		err := s.auth.View(ctx, func(tx *core.Tx) (err error) {
			rows, p := revocations.In(tx.Record()), record.Page{After: after}
			if term == "" {
				page, err = rows.All(p)
			} else {
				page, err = rows.PeekFind(term, value, p)
			}
			return err
		})
		if err != nil {
			return err
		}
		for _, r := range page {
			set.add(r.names(), r.Expires)
			after = r.ID
		}
		if len(page) < record.MaxPage {
			return nil
		}
	}
}
