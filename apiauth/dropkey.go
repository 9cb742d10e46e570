package apiauth

import (
	"context"
	"slices"
	"time"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/core/record"
)

// DropKey takes a signing key away at once, because somebody else may have it. What it has signed is refused: on this node
// when DropKey returns, on the others within the bound of revocations (see the package comment), by those who verify with
// the JWKS alone when they read it again, which they should after five minutes. If it was the key that signs, the one that
// waits for its turn signs from now on, or a fresh one. Sessions and refresh tokens are not touched: clients that are
// refused get a new access token. kid is what the header of the key's tokens says.
//
// Errors: core.ErrNotFound when there is no such key (any more); core.ErrUnavailable when the store fails. Then call it
// again: it may have been dropped.
func (s *Service) DropKey(ctx context.Context, kid string) error {
	if s.auth == nil {
		return core.ErrUnavailable.Wrap(errNotStarted)
	}
	fresh, err := s.newKey()
	if err != nil {
		return err
	}
	err = s.auth.Update(systemContext(ctx), func(tx *core.Tx) error {
		rows := keySets.In(tx.Record())
		set, err := rows.Get(keySetID)
		if err != nil {
			return err
		}
		if !set.drop(kid, fresh, s.now(), s.lifetime) {
			return core.ErrNotFound
		}
		return rows.Set(set)
	})
	if err != nil {
		return err
	}
	s.auth.Env().Log.WarnContext(ctx, "a signing key was dropped", "kid", kid)
	s.toTell.add(record.System)
	s.keys.readAt.Store(0) // no request is judged by the old set, should reading the new one fail
	return s.reloadKeys(ctx)
}

// drop deletes a key and reports whether it was there. Some key that is to stay signs afterwards: the one that waits for
// its time, whose time is now, or else fresh.
func (set *keySet) drop(kid string, fresh storedKey, now time.Time, lifetime time.Duration) bool {
	before := len(set.Keys)
	set.Keys = slices.DeleteFunc(set.Keys, func(k storedKey) bool { return k.ID == kid })
	if len(set.Keys) == before {
		return false
	}
	if !slices.ContainsFunc(set.Keys, func(k storedKey) bool { return k.VerifiesUntil == 0 }) {
		set.add(fresh, now, lifetime)
	}
	last := &set.Keys[len(set.Keys)-1]
	last.SignsFrom = min(last.SignsFrom, now.UnixMilli())
	return true
}
