package datastore

import (
	"context"
	"errors"
	"fmt"

	"cloud.google.com/go/datastore"
	"github.com/oneauth-go/oneauth/core/record"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Commit applies all ops or none.
//
// In one transaction it looks up the keys whose revision matters, and then inserts, updates and deletes. Absent keys are not
// looked up, since an insert fails where something is. Everything that was looked up is validated by Datastore when the
// transaction commits, so Check needs no write.
func (s *Store) Commit(ctx context.Context, ops []record.Op) error {
	if err := s.enter(ctx); err != nil || len(ops) == 0 {
		return err
	}
	b, err := s.batch(ctx, ops)
	if err != nil {
		return err
	}
	if !b.writes {
		return s.check(ctx, b)
	}
	sent := false
	_, err = s.client.RunInTransaction(ctx, func(tx *datastore.Transaction) error {
		mutations, err := s.mutations(b, reader{ctx, s.client, tx})
		if err != nil {
			return err
		}
		_, err = tx.Mutate(mutations...)
		sent = err == nil
		return err
	}, datastore.MaxAttempts(1))
	switch {
	case err == nil:
		return nil
	case errors.Is(err, record.ErrConflict):
		return err
	case !sent:
		return failed(ctx, err)
	}
	return s.outcome(ctx, b, err)
}

// check is a commit that writes nothing: all revisions held at the moment of the snapshot.
func (s *Store) check(ctx context.Context, b *batch) error {
	_, err := s.client.RunInTransaction(ctx, func(tx *datastore.Transaction) error {
		_, err := s.mutations(b, reader{ctx, s.client, tx})
		return err
	}, datastore.ReadOnly, datastore.MaxAttempts(1))
	if err == nil || errors.Is(err, record.ErrConflict) {
		return err
	}
	return failed(ctx, err)
}

// batch is what a commit is to do.
type batch struct {
	steps  []step
	writes bool
}

// step is an op with its entity.
type step struct {
	record.Op
	key    *datastore.Key
	layout *layout
	props  datastore.PropertyList // of a Put
	parts  []part
}

// inserts reports whether there must be nothing, which the mutation itself makes sure of.
func (st step) inserts() bool { return st.Verb == record.Put && st.Want == 0 }

// batch encodes ops, so that what cannot be stored is refused before anything is sent.
func (s *Store) batch(ctx context.Context, ops []record.Op) (*batch, error) {
	b := &batch{}
	for _, op := range ops {
		st := step{Op: op, key: s.names.entity(op.Key)}
		b.writes = b.writes || op.Verb != record.Check
		var err error
		if st.layout, err = s.layout(ctx, op.Kind, len(op.Row)); err != nil {
			return nil, err
		}
		if op.Verb == record.Put {
			if st.props, err = st.layout.encode(op.Record); err != nil {
				return nil, err
			}
			if st.parts, err = s.names.split(st.key, op.Rev, st.props); err != nil {
				return nil, err
			}
		}
		b.steps = append(b.steps, st)
	}
	return b, nil
}

// mutations looks up what the ops depend on, and returns what is to be done, or record.ErrConflict.
func (s *Store) mutations(b *batch, r reader) ([]*datastore.Mutation, error) {
	var keys []*datastore.Key
	for _, st := range b.steps {
		if !st.inserts() {
			keys = append(keys, st.key)
		}
	}
	stored, err := r.get(keys)
	if err != nil {
		return nil, err
	}
	var out []*datastore.Mutation
	for _, st := range b.steps {
		if st.inserts() {
			out = append(out, st.mutations(s.names, nil)...)
			continue
		}
		old := stored[0]
		stored = stored[1:]
		if integer(old, revProperty) != st.Want {
			return nil, record.ErrConflict
		}
		// A newer release may have written fields that are not known here: they are not the application's properties.
		if st.layout, err = s.layout(r.ctx, st.Kind, int(integer(old, fieldsProperty))); err != nil {
			return nil, err
		}
		out = append(out, st.mutations(s.names, old)...)
	}
	return out, nil
}

// mutations carries out one op on the entity with the old properties, of which nil are none.
func (st step) mutations(n names, old datastore.PropertyList) []*datastore.Mutation {
	var out []*datastore.Mutation
	switch {
	case st.Verb == record.Check:
		return nil
	case st.Verb == record.Delete:
		out = append(out, datastore.NewDelete(st.key))
	case st.inserts():
		out = append(out, datastore.NewInsert(st.key, &st.props))
	default:
		props := append(st.props[:len(st.props):len(st.props)], st.layout.foreign(old)...)
		out = append(out, datastore.NewUpdate(st.key, &props))
	}
	for _, p := range st.parts {
		out = append(out, datastore.NewUpsert(p.key, &p.data))
	}
	for _, key := range n.allParts(old) {
		out = append(out, datastore.NewDelete(key))
	}
	return out
}

// outcome says what became of a commit that was sent and answered by err.
//
// The client's connection sends a commit again, on its own, when it was answered by UNAVAILABLE. If the first one was
// applied, the second is refused, since its transaction is over: so a refusal alone does not prove that nothing happened.
// One lookup tells: the record that the batch writes has our revision, or it has not. (It would take a lost answer, a
// refused repetition and somebody else's write over ours, all within milliseconds, to be told wrong.)
func (s *Store) outcome(ctx context.Context, b *batch, err error) error {
	code := status.Code(err)
	if errors.Is(err, datastore.ErrConcurrentTransaction) {
		code = codes.Aborted
	}
	switch code {
	case codes.Aborted, codes.AlreadyExists, codes.NotFound, codes.InvalidArgument, codes.FailedPrecondition,
		codes.PermissionDenied, codes.Unauthenticated, codes.ResourceExhausted:
	default:
		return fmt.Errorf("%w (%v)", record.ErrUnknown, err)
	}
	st := b.witness()
	stored, lost := s.reader(ctx).get([]*datastore.Key{st.key})
	if lost != nil {
		return fmt.Errorf("%w (%v; %v)", record.ErrUnknown, err, lost)
	}
	rev := integer(stored[0], revProperty)
	switch {
	case st.Verb == record.Put && rev == st.Rev:
		return nil
	case code == codes.Aborted:
		return fmt.Errorf("%w (%v)", record.ErrBusy, err)
	case code == codes.AlreadyExists || code == codes.NotFound:
		return fmt.Errorf("%w (%v)", record.ErrConflict, err)
	case rev == st.Want:
		return fmt.Errorf("datastore: %w", err)
	}
	return fmt.Errorf("%w (%v)", record.ErrUnknown, err)
}

// witness is the step by whose entity one sees whether the batch was applied: a Put, if there is one.
func (b *batch) witness() step {
	var w step
	for _, st := range b.steps {
		if st.Verb == record.Put {
			return st
		}
		if st.Verb == record.Delete {
			w = st
		}
	}
	return w
}
