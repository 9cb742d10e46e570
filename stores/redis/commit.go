package redis

import (
	"context"
	"fmt"
	"strconv"

	"github.com/oneauth-go/oneauth/core/record"
)

// commitTries bounds how often a commit is put together anew, for a schema that others are raising.
const commitTries = 10

// Commit applies all ops or none, in one script. What the server answered is certain; when the answer is lost, or ctx
// ends first, the error is record.ErrUnknown, and the script is never sent again.
func (s *Store) Commit(ctx context.Context, ops []record.Op) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	if len(ops) == 0 {
		return nil
	}
	listed := ""
	for range commitTries {
		var b *batch
		err := s.withSchema(ctx, func(c *catalogue) (err error) {
			b, err = newBatch(s.space(ops[0].Tenant), c, listed, ops)
			return err
		})
		if err != nil {
			return err
		}
		answer, err := s.apply(ctx, b)
		if err != nil {
			return fmt.Errorf("redis store: commit: %w", err)
		}
		switch answer {
		case "ok":
			return nil
		case "conflict":
			return record.ErrConflict
		case "unlisted":
			listed = ops[0].Tenant
			err = s.list(ctx, listed)
		case "schema":
			err = s.reload(ctx)
		default:
			return fmt.Errorf("%w: %w: %v", record.ErrUnknown, errAnswer, answer)
		}
		if err != nil {
			return err
		}
	}
	return record.ErrBusy
}

// list makes a tenant known to sweeps, before anything is in it.
func (s *Store) list(ctx context.Context, tenant string) error {
	_, err := within(ctx, func() (int64, error) { return s.client.SAdd(ctx, s.tenantsKey(), tenant).Result() })
	if err != nil {
		return fmt.Errorf("redis store: list tenant: %w", refused(err))
	}
	return nil
}

// batch is the keys and arguments of the commit script.
type batch struct {
	space
	keys, args []string
}

// newBatch puts the ops together, which belong to one tenant. listed is its name, once it is known to sweeps.
func newBatch(sp space, c *catalogue, listed string, ops []record.Op) (*batch, error) {
	b := &batch{space: sp, keys: []string{sp.meta(), sp.due()}}
	numbers := map[string]int{}
	var kinds []string
	for _, op := range ops {
		if numbers[op.Kind] == 0 {
			kinds = append(kinds, op.Kind)
			numbers[op.Kind] = len(kinds)
		}
	}
	b.arg(c.generation(), listed, strconv.Itoa(len(kinds)))
	for _, name := range kinds {
		k, err := c.kind(name)
		if err != nil {
			return nil, err
		}
		b.addKind(name, k.terms())
	}
	for _, op := range ops {
		if err := b.addOp(op, numbers[op.Kind], c.Kinds[op.Kind]); err != nil {
			return nil, err
		}
	}
	return b, nil
}

func (b *batch) addKind(name string, terms []field) {
	b.keys = append(b.keys, b.all(name))
	b.arg(name, strconv.Itoa(len(terms)))
	for _, f := range terms {
		b.keys = append(b.keys, b.by(name, f.Name))
		b.arg(f.Name)
	}
}

func (b *batch) addOp(op record.Op, number int, k *kind) error {
	b.keys = append(b.keys, b.record(op.Key))
	b.arg(verbs[op.Verb], strconv.Itoa(number), op.ID, revision(op.Want))
	if op.Verb != record.Put {
		return nil
	}
	hash, err := k.hash(op.Record)
	if err != nil {
		return err
	}
	b.arg(strconv.Itoa(len(hash) / 2))
	b.arg(hash...)
	return nil
}

func (b *batch) arg(args ...string) { b.args = append(b.args, args...) }

var verbs = map[record.Verb]string{record.Put: "put", record.Delete: "delete", record.Check: "check"}
