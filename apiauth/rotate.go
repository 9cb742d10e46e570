package apiauth

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/core/record"
	"github.com/oneauth-go/oneauth/internal/jwt"
)

// ensureKeys sees to it that there is a key of the configured algorithm, and loads the set. Of several nodes that start
// at once over an empty store one makes the key.
func (s *Service) ensureKeys(ctx context.Context) error {
	alg := jwt.Alg(s.opt.Alg)
	return s.changeKeys(ctx, func(set *keySet, _ time.Time) bool { return !set.has(alg) && !set.pending(alg, s.now()) })
}

// RotateKeys makes a new signing key now, whatever the age of the present one. It is published at once and signs ten
// minutes later; tokens of the old one stay good until they expire. While a new key waits for its time, another call
// changes nothing.
func (s *Service) RotateKeys(ctx context.Context) error {
	if s.auth == nil {
		return core.ErrUnavailable.Wrap(errNotStarted)
	}
	return s.changeKeys(ctx, func(set *keySet, now time.Time) bool { return !set.pending(jwt.Alg(s.opt.Alg), now) })
}

// rotateWhenDue replaces a key in time, so that the new one signs when the old one reaches its age, and drops keys that
// no valid token can name.
func (s *Service) rotateWhenDue(ctx context.Context) error {
	return s.changeKeys(ctx, func(set *keySet, now time.Time) bool {
		newest := slices.MaxFunc(set.Keys, func(x, y storedKey) int { return cmp.Compare(x.SignsFrom, y.SignsFrom) })
		return !now.Before(time.UnixMilli(newest.SignsFrom).Add(s.opt.RotateEvery - publishAhead))
	})
}

// changeKeys adds a key to the stored set when it is wanted, drops those that are gone, and loads the outcome.
func (s *Service) changeKeys(ctx context.Context, wanted func(set *keySet, now time.Time) bool) error {
	set, err := s.storedKeys(ctx)
	if err != nil {
		return err
	}
	now := s.now()
	wants := func(set *keySet) bool { return len(set.Keys) == 0 || wanted(set, now) }
	gone := func(k storedKey) bool { return k.gone(now) }
	if !wants(set) && !slices.ContainsFunc(set.Keys, gone) {
		return s.reloadKeys(ctx)
	}
	fresh, err := s.newKey()
	if err != nil {
		return err
	}
	err = s.auth.Update(systemContext(ctx), func(tx *core.Tx) error {
		rows := keySets.In(tx.Record())
		set, err := rows.Get(keySetID)
		if errors.Is(err, record.ErrNotFound) {
			set = &keySet{ID: keySetID}
		} else if err != nil {
			return err
		}
		set.Keys = slices.DeleteFunc(set.Keys, gone)
		if wants(set) {
			set.add(fresh, now, s.lifetime)
		}
		return rows.Set(set)
	})
	if err != nil {
		return err
	}
	return s.reloadKeys(ctx)
}

// Reseal seals the signing keys under the current master secret, to finish a rotation of master secrets. It is
// idempotent, and safe while other nodes run that know both secrets.
func (s *Service) Reseal(ctx context.Context) error {
	if s.auth == nil {
		return core.ErrUnavailable.Wrap(errNotStarted)
	}
	secrets := s.auth.Config().Secrets
	return s.auth.Update(systemContext(ctx), func(tx *core.Tx) error {
		rows := keySets.In(tx.Record())
		set, err := rows.Get(keySetID)
		if err != nil {
			return err
		}
		for i, k := range set.Keys {
			if !secrets.NeedsReseal(k.Sealed) {
				continue
			}
			if set.Keys[i].Sealed, err = secrets.Reseal(k.Sealed, "signing_keys", k.ID); err != nil {
				return err
			}
		}
		return rows.Put(set)
	})
}
