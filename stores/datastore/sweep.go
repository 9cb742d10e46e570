package datastore

import (
	"context"
	"errors"
	"slices"
	"time"

	"cloud.google.com/go/datastore"
	"github.com/oneauth-go/oneauth/core/record"
)

// purgeBatch is how many records a sweep deletes in one transaction.
const purgeBatch = 50

// Sweep removes at most limit records whose expiry is before the given time: of each kind the oldest first, beginning with
// another kind each time. What a commit is writing at that moment is left for the next sweep.
func (s *Store) Sweep(ctx context.Context, before time.Time, limit int) (int, error) {
	if err := s.enter(ctx); err != nil {
		return 0, err
	}
	spaces, err := s.namespaces(ctx)
	if err != nil {
		return 0, failed(ctx, err)
	}
	swept := 0
	for _, kind := range s.kindsInTurn() {
		for _, space := range spaces {
			if swept >= limit {
				return swept, nil
			}
			n, err := s.sweepKind(ctx, space, kind, before, limit-swept)
			if swept += n; err != nil {
				return swept, failed(ctx, err)
			}
		}
	}
	return swept, nil
}

// kindsInTurn returns the prepared kinds, each time beginning with the next one.
func (s *Store) kindsInTurn() []string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var kinds []string
	for kind := range s.layouts {
		kinds = append(kinds, kind)
	}
	if len(kinds) == 0 {
		return nil
	}
	slices.Sort(kinds)
	first := int(s.turn.Add(1) % uint64(len(kinds)))
	return append(kinds[first:], kinds[:first]...)
}

// namespaces returns those in which there are records.
func (s *Store) namespaces(ctx context.Context) ([]string, error) {
	if s.names.tenancy == Shared {
		return []string{s.names.space}, nil
	}
	const kind = "__namespace__"
	q := datastore.NewQuery(kind).KeysOnly().
		FilterField("__key__", ">=", datastore.NameKey(kind, s.names.space, nil)).
		FilterField("__key__", "<", datastore.NameKey(kind, s.names.space+"~", nil)) // after all that a namespace may contain
	found, err := s.reader(ctx).run(q)
	var spaces []string
	for _, e := range found {
		spaces = append(spaces, e.key.Name)
	}
	return spaces, err
}

// sweepKind removes at most limit expired records of one kind in one namespace.
func (s *Store) sweepKind(ctx context.Context, space, kind string, before time.Time, limit int) (int, error) {
	q := datastore.NewQuery(s.names.prefix+kind).Namespace(space).KeysOnly().
		FilterField(purgeProperty, "<", before).Order(purgeProperty).Limit(limit)
	found, err := s.reader(ctx).run(q)
	if err != nil {
		return 0, err
	}
	swept := 0
	for batch := range slices.Chunk(found, purgeBatch) {
		n, err := s.purge(ctx, batch, before)
		if swept += n; err != nil {
			return swept, err
		}
	}
	return swept, nil
}

// purge deletes the entities that are still expired. Where a commit is in the way, it goes on with ever smaller batches, and
// leaves alone what cannot even be deleted by itself.
func (s *Store) purge(ctx context.Context, found []entity, before time.Time) (int, error) {
	n, err := s.purgeAtOnce(ctx, found, before)
	switch {
	case err == nil:
		return n, nil
	case !errors.Is(failed(ctx, err), record.ErrBusy):
		return 0, err
	case len(found) == 1:
		return 0, nil
	}
	half := len(found) / 2
	first, err := s.purge(ctx, found[:half], before)
	if err != nil {
		return first, err
	}
	second, err := s.purge(ctx, found[half:], before)
	return first + second, err
}

// purgeAtOnce deletes in one transaction, which judges each expiry anew.
func (s *Store) purgeAtOnce(ctx context.Context, found []entity, before time.Time) (int, error) {
	keys := make([]*datastore.Key, len(found))
	for i, e := range found {
		keys[i] = e.key
	}
	n := 0
	_, err := s.client.RunInTransaction(ctx, func(tx *datastore.Transaction) error {
		stored, err := (reader{ctx, s.client, tx}).get(keys)
		if err != nil {
			return err
		}
		n = 0
		for i, props := range stored {
			if at := purgeAt(props); at.IsZero() || !at.Before(before) {
				continue
			}
			n++
			if err := tx.DeleteMulti(append(s.names.allParts(props), keys[i])); err != nil {
				return err
			}
		}
		return nil
	}, datastore.MaxAttempts(1))
	return n, err
}
