package apiauth

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/core/record"
	"github.com/oneauth-go/oneauth/internal/jwt"
)

// All signing keys of the installation are one record, so that nodes which start or rotate at once end with one
// consistent set: the second one's commit conflicts, looks again, and finds nothing left to do.
var keySets = record.Define[keySet]("signing_keys", 1)

const keySetID = "set"

type keySet struct {
	ID   string      `record:"id"`
	Keys []storedKey `record:"keys"` // oldest first
}

// storedKey is one signing key. Times are Unix milliseconds.
type storedKey struct {
	ID            string  `json:"id"` // kid: the thumbprint of the public key (RFC 7638), or drawn for HS256
	Alg           jwt.Alg `json:"alg"`
	Sealed        []byte  `json:"sealed"` // the private half, bound to the kind and the id
	CreatedAt     int64   `json:"created_at"`
	SignsFrom     int64   `json:"signs_from"`
	VerifiesUntil int64   `json:"verifies_until,omitempty"` // 0 until a successor is made
}

// gone reports whether the last token that the key may have signed has expired.
func (k storedKey) gone(now time.Time) bool {
	return k.VerifiesUntil != 0 && now.UnixMilli() >= k.VerifiesUntil
}

const (
	publishAhead    = 10 * time.Minute // between the publication of a key and its first signature
	reloadKeysAfter = 3 * maxFeedEvery // no node's copy of the set that signs is older
	jwksMaxAge      = 5 * time.Minute  // how long others may keep the JWKS
	retryUnknownKey = 5 * time.Second  // at most so often the set is read because of an unknown kid
	retireSlack     = 10 * time.Minute // for slow nodes and clocks that differ
)

// add makes fresh the key that signs next, and says until when the others verify.
func (set *keySet) add(fresh storedKey, now time.Time, lifetime time.Duration) {
	fresh.CreatedAt, fresh.SignsFrom = now.UnixMilli(), now.UnixMilli()
	if len(set.Keys) > 0 {
		fresh.SignsFrom = now.Add(publishAhead).UnixMilli()
	}
	until := fresh.SignsFrom + (reloadKeysAfter + lifetime + retireSlack).Milliseconds()
	for i := range set.Keys {
		if set.Keys[i].VerifiesUntil == 0 {
			set.Keys[i].VerifiesUntil = until
		}
	}
	set.Keys = append(set.Keys, fresh)
}

// has reports whether a key of alg is in use or about to be.
func (set *keySet) has(alg jwt.Alg) bool {
	return slices.ContainsFunc(set.Keys, func(k storedKey) bool { return k.Alg == alg && k.VerifiesUntil == 0 })
}

// pending reports whether a key of alg waits for its time to sign.
func (set *keySet) pending(alg jwt.Alg, now time.Time) bool {
	return slices.ContainsFunc(set.Keys, func(k storedKey) bool { return k.Alg == alg && k.SignsFrom > now.UnixMilli() })
}

// keyring is this node's copy of the key set.
type keyring struct {
	state   atomic.Pointer[keyState]
	readAt  atomic.Int64 // Unix nanoseconds of the last successful read
	triedAt atomic.Int64 // of the last read because of an unknown kid
	reads   atomic.Int64 // that have ended
	reading sync.Mutex
	failure error // of the last read; guarded by reading
}

// keyState is immutable.
type keyState struct {
	stored []storedKey
	set    *jwt.KeySet
	jwks   []byte
}

func (r *keyring) set() *jwt.KeySet {
	if st := r.state.Load(); st != nil {
		return st.set
	}
	return nil
}

// fresh reports whether the last successful read began at most three intervals ago: the bound of revocations is that of
// keys, too.
func (r *keyring) fresh(now time.Time, every time.Duration) bool {
	age := time.Duration(now.UnixNano() - r.readAt.Load())
	return age <= 3*every && age >= -3*every
}

// signer returns the key that signs now: the newest one whose time has come.
func (st *keyState) signer(now time.Time) (*jwt.Key, bool) {
	var id string
	from := int64(-1)
	for _, k := range st.stored {
		if k.SignsFrom <= now.UnixMilli() && k.SignsFrom >= from && !k.gone(now) {
			id, from = k.ID, k.SignsFrom
		}
	}
	return st.set.Lookup(id)
}

func systemContext(ctx context.Context) context.Context { return core.WithTenant(ctx, record.System) }

// storedKeys reads the set; an absent one is empty.
func (s *Service) storedKeys(ctx context.Context) (*keySet, error) {
	set := &keySet{ID: keySetID}
	err := s.auth.View(systemContext(ctx), func(tx *core.Tx) error {
		found, err := keySets.In(tx.Record()).Get(keySetID)
		switch {
		case errors.Is(err, record.ErrNotFound):
			return nil
		case err != nil:
			return err
		}
		set = found
		return nil
	})
	return set, err
}

// reloadKeys reads the set and makes it this node's. Keys that are known already are kept as they are.
func (s *Service) reloadKeys(ctx context.Context) error {
	s.keys.reading.Lock()
	defer s.keys.reading.Unlock()
	return s.readKeys(ctx)
}

// readKeys is reloadKeys for who holds the lock.
func (s *Service) readKeys(ctx context.Context) (err error) {
	defer func() {
		s.keys.failure = err
		s.keys.reads.Add(1)
	}()
	begun := s.now()
	set, err := s.storedKeys(ctx)
	if err != nil {
		return err
	}
	set.Keys = slices.DeleteFunc(set.Keys, func(k storedKey) bool { return k.gone(begun) })
	old := s.keys.state.Load()
	if old == nil || !sameKeys(old.stored, set.Keys) {
		next, err := s.openKeys(old, set.Keys)
		if err != nil {
			return err
		}
		s.keys.state.Store(next)
	}
	s.keys.readAt.Store(begun.UnixNano())
	return nil
}

func sameKeys(x, y []storedKey) bool {
	return slices.EqualFunc(x, y, func(a, b storedKey) bool {
		return a.ID == b.ID && a.SignsFrom == b.SignsFrom && a.VerifiesUntil == b.VerifiesUntil
	})
}

func (s *Service) openKeys(old *keyState, stored []storedKey) (*keyState, error) {
	var keys []*jwt.Key
	for _, sk := range stored {
		if old != nil {
			if known, ok := old.set.Lookup(sk.ID); ok {
				keys = append(keys, known)
				continue
			}
		}
		secret, err := s.auth.Config().Secrets.Open(sk.Sealed, "signing_keys", sk.ID)
		if err != nil {
			return nil, fmt.Errorf("apiauth: none of the master secrets opens signing key %s: %w", sk.ID, err)
		}
		k, err := jwt.ParseSecret(sk.ID, sk.Alg, secret)
		if err != nil {
			return nil, err
		}
		keys = append(keys, k)
	}
	set, err := jwt.NewKeySet(keys...)
	if err != nil {
		return nil, err
	}
	jwks, err := set.JWKS()
	return &keyState{stored: stored, set: set, jwks: jwks}, err
}

// recentKeys returns a fresh copy of the set. All who wait for one share a read, and its failure.
func (s *Service) recentKeys(ctx context.Context, now time.Time) (*keyState, error) {
	if s.auth == nil {
		return nil, core.ErrUnavailable.Wrap(errNotStarted)
	}
	if !s.keys.fresh(now, s.opt.FeedEvery) {
		if err := s.refreshKeys(ctx); err != nil {
			return nil, core.ErrUnavailable.Wrap(err)
		}
	}
	return s.keys.state.Load(), nil
}

func (s *Service) refreshKeys(ctx context.Context) error {
	seen := s.keys.reads.Load()
	s.keys.reading.Lock()
	defer s.keys.reading.Unlock()
	if s.keys.reads.Load() != seen && (s.keys.failure != nil || s.keys.fresh(s.now(), s.opt.FeedEvery)) {
		return s.keys.failure
	}
	return s.readKeys(ctx)
}

// lookAgain reads the set because of a kid that is not in it, and reports whether it did: not more often than every
// few seconds, since anybody can send tokens with invented kids.
func (s *Service) lookAgain(ctx context.Context) (bool, error) {
	now, last := s.now().UnixNano(), s.keys.triedAt.Load()
	if since := time.Duration(now - last); last != 0 && since >= 0 && since < retryUnknownKey {
		return false, nil
	}
	if !s.keys.triedAt.CompareAndSwap(last, now) {
		return false, nil
	}
	return true, s.reloadKeys(ctx)
}

// newKey draws a key and seals it.
func (s *Service) newKey() (storedKey, error) {
	env, alg := s.auth.Env(), jwt.Alg(s.opt.Alg)
	raw := make([]byte, 32)
	if _, err := io.ReadFull(env.Rand, raw); err != nil {
		return storedKey{}, fmt.Errorf("draw a key id: %w", err)
	}
	id := base64.RawURLEncoding.EncodeToString(raw)
	k, err := jwt.GenerateKey(env.Rand, id, alg)
	if err != nil {
		return storedKey{}, err
	}
	if thumb, ok := k.Thumbprint(); ok {
		id = thumb
	}
	secret, err := k.MarshalSecret()
	if err != nil {
		return storedKey{}, err
	}
	sealed, err := s.auth.Config().Secrets.Seal(secret, "signing_keys", id)
	return storedKey{ID: id, Alg: alg, Sealed: sealed}, err
}
