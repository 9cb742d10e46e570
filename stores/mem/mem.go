// Package mem keeps records in memory: for tests, for development and for what may be lost when the process ends.
//
// It is a full [record.Backend]: rows go in and come out as copies, ids and terms are ordered, commits are atomic, and
// sweeping touches only what expired. Open several handles over the same data with [Store.Again].
package mem

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/oneauth-go/oneauth/core/record"
)

// Store is a handle on data in memory. It is safe for concurrent use.
type Store struct {
	data   *data
	closed atomic.Bool
}

var _ record.Backend = (*Store)(nil)

// data is what all handles share.
type data struct {
	mu     sync.RWMutex
	schema map[string]*kind
	tables map[tableKey]*table
	due    dueIndex
}

// New returns a handle on new, empty data.
func New() *Store {
	return &Store{data: &data{schema: map[string]*kind{}, tables: map[tableKey]*table{}, due: newDueIndex()}}
}

// Again returns another handle on the same data, as another process would have it. Closing one leaves the others open,
// and the data stays as long as any handle is reachable, closed or not.
func (s *Store) Again() *Store { return &Store{data: s.data} }

// enter says why a call cannot go on.
func (s *Store) enter(ctx context.Context) error {
	if s.closed.Load() {
		return record.ErrClosed
	}
	return ctx.Err()
}

// Prepare adds the kinds of schema. It fails when a kind has a field in a place where another type is stored already.
func (s *Store) Prepare(ctx context.Context, schema record.Schema) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	d := s.data
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, k := range schema.Kinds {
		if known := d.schema[k.Name]; known != nil {
			if err := known.accepts(k); err != nil {
				return err
			}
		}
	}
	for _, k := range schema.Kinds {
		known := d.schema[k.Name]
		if known == nil {
			known = &kind{}
			d.schema[k.Name] = known
		}
		if known.learn(k) {
			d.reindex(k.Name, known)
		}
	}
	return nil
}

// Get returns copies of the records that exist among keys.
func (s *Store) Get(ctx context.Context, keys ...record.Key) ([]record.Record, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	d := s.data
	d.mu.RLock()
	defer d.mu.RUnlock()
	out := make([]record.Record, 0, len(keys))
	for _, k := range keys {
		if r, ok := d.get(k); ok {
			r.Row = slices.Clone(r.Row)
			out = append(out, r)
		}
	}
	return out, nil
}

// Find returns copies of the records that match q, ascending by id.
func (s *Store) Find(ctx context.Context, q record.Query) ([]record.Record, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	d := s.data
	d.mu.RLock()
	defer d.mu.RUnlock()
	known := d.schema[q.Kind]
	if known == nil {
		return nil, fmt.Errorf("mem: kind %q was not prepared", q.Kind)
	}
	if q.Term != "" && known.position(q.Term) < 0 {
		return nil, fmt.Errorf("mem: kind %s has no term %q", q.Kind, q.Term)
	}
	t := d.tables[tableKey{q.Tenant, q.Kind}]
	if t == nil {
		return nil, nil
	}
	return t.find(q, known), nil
}

// Commit applies all ops or none.
func (s *Store) Commit(ctx context.Context, ops []record.Op) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	d := s.data
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, op := range ops {
		if d.schema[op.Kind] == nil {
			return fmt.Errorf("mem: kind %q was not prepared", op.Kind)
		}
		if r, _ := d.get(op.Key); r.Rev != op.Want {
			return record.ErrConflict
		}
	}
	for _, op := range ops {
		switch op.Verb {
		case record.Put:
			r := op.Record
			r.Row = slices.Clone(r.Row)
			d.put(r)
		case record.Delete:
			d.remove(op.Key)
		}
	}
	return nil
}

// Sweep removes at most limit records whose expiry is before the given time, the oldest expiry first.
func (s *Store) Sweep(ctx context.Context, before time.Time, limit int) (int, error) {
	if err := s.enter(ctx); err != nil {
		return 0, err
	}
	d := s.data
	d.mu.Lock()
	defer d.mu.Unlock()
	keys := d.due.before(before, limit)
	for _, k := range keys {
		d.remove(k)
	}
	return len(keys), nil
}

// Forgets marks a store whose data goes with the process.
func (*Store) Forgets() {}

// Close closes this handle: calls after it return record.ErrClosed.
func (s *Store) Close() error {
	if s.closed.Swap(true) {
		return record.ErrClosed
	}
	return nil
}
