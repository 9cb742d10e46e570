package verify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/oneauth-go/oneauth/internal/jwt"
)

const (
	retryUnknownKey = 5 * time.Second  // at most so often keys are fetched because a token names another one
	retryOutage     = 10 * time.Second // after a fetch that failed
)

// keyring is the issuer's keys as this verifier knows them.
type keyring struct {
	issuer     *issuer
	algorithms []string
	keysFor    time.Duration
	staleFor   time.Duration
	now        func() time.Time
	log        *slog.Logger

	state atomic.Pointer[keys] // nil before the first fetch that succeeded

	mu     sync.Mutex
	flight *fetch // under way
	tried  time.Time
	failed error // of the last try
}

// keys are what a fetch has found. They are immutable but for fetched.
type keys struct {
	set     *jwt.KeySet
	text    []byte
	fetched atomic.Int64 // Unix nanoseconds of the last fetch that found the same
}

// fetch is one that any number of goroutines wait for.
type fetch struct {
	done chan struct{}
	err  error
}

// set is the key set for a jwt.Verifier.
func (r *keyring) set() *jwt.KeySet {
	if k := r.state.Load(); k != nil {
		return k.set
	}
	return nil
}

// current returns keys that are good to use now. Old ones are replaced in the background; the first, and those that are
// too old, are waited for. Errors are ErrUnavailable, or that of ctx.
func (r *keyring) current(ctx context.Context) (*keys, error) {
	k := r.state.Load()
	if k != nil {
		age := r.now().Sub(time.Unix(0, k.fetched.Load()))
		if age < r.keysFor && age >= 0 {
			return k, nil
		}
		if age < r.staleFor && age >= 0 {
			r.background()
			return k, nil
		}
	}
	if err := r.wait(ctx, outage); err != nil {
		return nil, err
	}
	return r.state.Load(), nil
}

// unknown fetches the keys because a token names one that is not there, unless that was done just now. It returns an error
// when nobody can say whether the issuer has the key.
func (r *keyring) unknown(ctx context.Context) error { return r.wait(ctx, unknownKey) }

// A cause of a fetch says after which time one may be tried again.
type cause func(r *keyring) time.Duration

func asked(*keyring) time.Duration      { return 0 }
func unknownKey(*keyring) time.Duration { return retryUnknownKey }

// outage holds off after a failure, and otherwise as long as keys are fresh: they may have come since the caller looked.
func outage(r *keyring) time.Duration {
	if r.failed == nil {
		return r.keysFor
	}
	return retryOutage
}

// background starts a fetch that nobody waits for, unless one failed just now.
func (r *keyring) background() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.flight == nil && !r.within(outage(r)) {
		r.start()
	}
}

// wait waits for the fetch under way, or for a new one if the cause allows it, and says how the last one went.
func (r *keyring) wait(ctx context.Context, why cause) error {
	r.mu.Lock()
	if r.flight == nil && r.within(why(r)) {
		defer r.mu.Unlock()
		return r.failed
	}
	if r.flight == nil {
		r.start()
	}
	f := r.flight
	r.mu.Unlock()
	select {
	case <-f.done:
		return f.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// within reports whether the last try is not longer ago than pause. A clock that was put back does not stop the tries.
func (r *keyring) within(pause time.Duration) bool {
	ago := r.now().Sub(r.tried)
	return !r.tried.IsZero() && ago >= 0 && ago < pause
}

// start begins a fetch. r.mu is held. The fetch is nobody's request in particular, and ends by its own timeout.
func (r *keyring) start() {
	f := &fetch{done: make(chan struct{})}
	r.flight, r.tried = f, r.now().Round(0) // by the clock on the wall, for the other one stands still while a machine sleeps
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), 2*r.issuer.http.Timeout)
		defer cancel()
		if err := r.fetch(ctx); err != nil {
			f.err = fmt.Errorf("%w: %w", ErrUnavailable, err)
			r.log.Warn("verify: the issuer's keys could not be fetched", "issuer", r.issuer.name, "error", err)
		}
		r.mu.Lock()
		r.flight, r.failed = nil, f.err
		r.mu.Unlock()
		close(f.done)
	}()
}

// fetch reads the key set. One without a usable key is a mistake of the issuer's, and replaces nothing.
func (r *keyring) fetch(ctx context.Context) error {
	at := r.now().UnixNano() // before: the keys are at least as fresh
	text, err := r.issuer.keys(ctx)
	if err != nil {
		return err
	}
	if k := r.state.Load(); k != nil && bytes.Equal(k.text, text) {
		k.fetched.Store(at)
		return nil
	}
	all, err := jwt.ParseJWKS(text)
	if err != nil {
		return err
	}
	usable := slices.DeleteFunc(all.Keys(), func(k *jwt.Key) bool { return !slices.Contains(r.algorithms, string(k.Alg())) })
	if len(usable) == 0 {
		return errors.New("the key set has no usable key")
	}
	set, err := jwt.NewKeySet(usable...)
	if err != nil {
		return err
	}
	k := &keys{set: set, text: text}
	k.fetched.Store(at)
	r.state.Store(k)
	return nil
}
