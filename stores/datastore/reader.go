package datastore

import (
	"context"
	"errors"

	"cloud.google.com/go/datastore"
	"google.golang.org/api/iterator"
)

// entity is what is stored under a key.
type entity struct {
	key   *datastore.Key
	props datastore.PropertyList
}

// reader reads the present state, or the snapshot of a transaction.
//
// A transaction is never one that begins with its first read (datastore.BeginLater): when the server defers some of the
// keys, client 1.28 asks for those in a second transaction, which nobody validates.
type reader struct {
	ctx    context.Context
	client *datastore.Client
	tx     *datastore.Transaction // nil: each call reads what is committed when it is made
}

// get returns the properties under keys, in their order, and nil where nothing is.
func (r reader) get(keys []*datastore.Key) ([]datastore.PropertyList, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	found := make([]datastore.PropertyList, len(keys))
	var err error
	if r.tx == nil {
		err = r.client.GetMulti(r.ctx, keys, found)
	} else {
		err = r.tx.GetMulti(keys, found)
	}
	if err != nil && !onlyMissing(err) {
		return nil, err
	}
	return found, nil
}

// onlyMissing reports whether some entities were not found, and nothing else went wrong.
func onlyMissing(err error) bool {
	var multi datastore.MultiError
	if !errors.As(err, &multi) {
		return false
	}
	for _, e := range multi {
		if e != nil && !errors.Is(e, datastore.ErrNoSuchEntity) {
			return false
		}
	}
	return true
}

// run returns what q finds.
func (r reader) run(q *datastore.Query) ([]entity, error) {
	if r.tx != nil {
		q = q.Transaction(r.tx)
	}
	var out []entity
	for it := r.client.Run(r.ctx, q); ; {
		var e entity
		var err error
		if e.key, err = it.Next(&e.props); errors.Is(err, iterator.Done) {
			return out, nil
		} else if err != nil {
			return nil, err
		}
		out = append(out, e)
	}
}

// read returns the entities that f reads, with their parts. If some have parts, all are read once more in a transaction, so
// that entities and parts are of one moment.
func (s *Store) read(ctx context.Context, f func(reader) ([]entity, error)) ([]entity, error) {
	found, err := f(s.reader(ctx))
	whole := true
	for _, e := range found {
		whole = whole && s.names.allParts(e.props) == nil
	}
	if err != nil || whole {
		return found, err
	}
	_, err = s.client.RunInTransaction(ctx, func(tx *datastore.Transaction) error {
		r := reader{ctx, s.client, tx}
		if found, err = f(r); err != nil {
			return err
		}
		for _, e := range found {
			if err := s.names.join(r, e.props); err != nil {
				return err
			}
		}
		return nil
	}, datastore.ReadOnly)
	return found, err
}

// reader reads the present state.
func (s *Store) reader(ctx context.Context) reader { return reader{ctx: ctx, client: s.client} }
