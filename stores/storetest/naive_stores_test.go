package storetest

import (
	"cmp"
	"context"
	"errors"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/oneauth-go/oneauth/core/record"
)

// The mistakes of TestSuiteCatchesNaiveStores. Each wraps a store that works.

type ignoresCheck struct{ record.Backend }

func (b ignoresCheck) Commit(ctx context.Context, ops []record.Op) error {
	ops = slices.DeleteFunc(slices.Clone(ops), func(op record.Op) bool { return op.Verb == record.Check })
	return b.Backend.Commit(ctx, ops)
}

type piecemeal struct{ record.Backend }

func (b piecemeal) Commit(ctx context.Context, ops []record.Op) error {
	for _, op := range ops {
		if err := b.Backend.Commit(ctx, []record.Op{op}); err != nil {
			return err
		}
	}
	return nil
}

// force applies op whatever is stored.
func force(ctx context.Context, b record.Backend, op record.Op) error {
	for {
		now, err := b.Get(ctx, op.Key)
		if err != nil {
			return err
		}
		if op.Want = 0; len(now) > 0 {
			op.Want = now[0].Rev
		} else if op.Verb == record.Delete {
			return nil
		}
		if err := b.Commit(ctx, []record.Op{op}); !errors.Is(err, record.ErrConflict) {
			return err
		}
	}
}

// holds reports whether the conditions of ops hold at the moment.
func holds(ctx context.Context, b record.Backend, ops []record.Op) (bool, error) {
	for _, op := range ops {
		now, err := b.Get(ctx, op.Key)
		if err != nil {
			return false, err
		}
		rev := int64(0)
		if len(now) > 0 {
			rev = now[0].Rev
		}
		if rev != op.Want {
			return false, nil
		}
	}
	return true, nil
}

type checkThenAct struct{ record.Backend }

func (b checkThenAct) Commit(ctx context.Context, ops []record.Op) error {
	ok, err := holds(ctx, b.Backend, ops)
	if err != nil {
		return err
	}
	if !ok {
		return record.ErrConflict
	}
	runtime.Gosched() // the round trip between reading and writing
	for _, op := range ops {
		if op.Verb != record.Check {
			if err := force(ctx, b.Backend, op); err != nil {
				return err
			}
		}
	}
	return nil
}

// plainRead locks what it writes, but only reads what it checks: write skew.
type plainRead struct{ record.Backend }

func (b plainRead) Commit(ctx context.Context, ops []record.Op) error {
	isCheck := func(op record.Op) bool { return op.Verb == record.Check }
	checks := slices.DeleteFunc(slices.Clone(ops), func(op record.Op) bool { return !isCheck(op) })
	ok, err := holds(ctx, b.Backend, checks)
	if err != nil {
		return err
	}
	if !ok {
		return record.ErrConflict
	}
	time.Sleep(200 * time.Microsecond) // the round trip between reading and writing
	return b.Backend.Commit(ctx, slices.DeleteFunc(slices.Clone(ops), isCheck))
}

type caching struct {
	record.Backend
	seen sync.Map
}

func (b *caching) Get(ctx context.Context, keys ...record.Key) ([]record.Record, error) {
	var out []record.Record
	for _, k := range keys {
		if r, ok := b.seen.Load(k); ok {
			out = append(out, copyOf(r.(record.Record)))
			continue
		}
		got, err := b.Backend.Get(ctx, k)
		if err != nil {
			return nil, err
		}
		for _, r := range got {
			b.seen.Store(k, copyOf(r))
		}
		out = append(out, got...)
	}
	return out, nil
}

func (b *caching) Commit(ctx context.Context, ops []record.Op) error {
	for _, op := range ops {
		b.seen.Delete(op.Key)
	}
	return b.Backend.Commit(ctx, ops)
}

type ignoresTo struct{ record.Backend }

func (b ignoresTo) Find(ctx context.Context, q record.Query) ([]record.Record, error) {
	q.To = ""
	return b.Backend.Find(ctx, q)
}

type collates struct{ record.Backend }

func (b collates) Find(ctx context.Context, q record.Query) ([]record.Record, error) {
	out, err := b.Backend.Find(ctx, q)
	slices.SortStableFunc(out, func(x, y record.Record) int {
		return cmp.Compare(strings.ToLower(x.ID), strings.ToLower(y.ID))
	})
	return out, err
}

// rekeys changes ids on their way in, as a padding or case-insensitive collation does.
type rekeys struct {
	record.Backend
	fold func(string) string
}

func rekeyed(fold func(string) string) func() Harness {
	return wrapped(func(b record.Backend) record.Backend { return rekeys{b, fold} })
}

func (b rekeys) key(k record.Key) record.Key {
	k.ID = b.fold(k.ID)
	return k
}

func (b rekeys) Get(ctx context.Context, keys ...record.Key) ([]record.Record, error) {
	folded := make([]record.Key, len(keys))
	for i, k := range keys {
		folded[i] = b.key(k)
	}
	return b.Backend.Get(ctx, folded...)
}

func (b rekeys) Commit(ctx context.Context, ops []record.Op) error {
	ops = slices.Clone(ops)
	for i := range ops {
		ops[i].Key = b.key(ops[i].Key)
	}
	return b.Backend.Commit(ctx, ops)
}

// handsOut gives every reader the same row.
type handsOut struct {
	record.Backend
	mu   sync.Mutex
	rows map[int64]record.Row // by revision
}

func (b *handsOut) Get(ctx context.Context, keys ...record.Key) ([]record.Record, error) {
	out, err := b.Backend.Get(ctx, keys...)
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, r := range out {
		if b.rows[r.Rev] == nil {
			b.rows[r.Rev] = r.Row
		}
		out[i].Row = b.rows[r.Rev]
	}
	return out, err
}

// leavesTerms finds records by terms that they had at first.
type leavesTerms struct {
	record.Backend
	mu    sync.Mutex
	first map[record.Key]string
}

func (b *leavesTerms) Commit(ctx context.Context, ops []record.Op) error {
	err := b.Backend.Commit(ctx, ops)
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, op := range ops {
		if err == nil && op.Verb == record.Put && b.first[op.Key] == "" && len(op.Row) > 0 {
			b.first[op.Key] = op.Row[0].Text()
		}
	}
	return err
}

func (b *leavesTerms) Find(ctx context.Context, q record.Query) ([]record.Record, error) {
	out, err := b.Backend.Find(ctx, q)
	b.mu.Lock()
	defer b.mu.Unlock()
	for k, owner := range b.first {
		if q.Term == "owner" && owner == q.Value && len(out) == 0 {
			left, err := b.Backend.Get(ctx, k)
			if err != nil {
				return nil, err
			}
			out = append(out, left...)
		}
	}
	return out, err
}

type sweepsRenewed struct{ record.Backend }

// Sweep looks for what expired, and then removes it, whatever it has become.
func (b sweepsRenewed) Sweep(ctx context.Context, before time.Time, limit int) (int, error) {
	n := 0
	found, err := b.Find(ctx, itemQuery("", ""))
	if err != nil {
		return 0, err
	}
	time.Sleep(100 * time.Microsecond)
	for _, r := range found {
		if n < limit && !r.Expires.IsZero() && r.Expires.Before(before) {
			if err := force(ctx, b.Backend, record.Op{Record: record.Record{Key: r.Key}, Verb: record.Delete}); err != nil {
				return n, err
			}
			n++
		}
	}
	return n, nil
}

type sweepsAll struct{ record.Backend }

func (b sweepsAll) Sweep(ctx context.Context, before time.Time, _ int) (int, error) {
	return b.Backend.Sweep(ctx, before, 1<<30)
}

// optimist takes a commit that it could not make for one whose answer was lost, and that for success.
type optimist struct{ record.Backend }

func (b optimist) Commit(ctx context.Context, ops []record.Op) error {
	err := b.Backend.Commit(ctx, ops)
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return nil
	}
	return err
}

type dropsFields struct{ record.Backend }

func (b dropsFields) Commit(ctx context.Context, ops []record.Op) error {
	ops = slices.Clone(ops)
	for i := range ops {
		ops[i].Row = ops[i].Row[:min(len(ops[i].Row), 3)]
		if ops[i].Kind == "item" {
			ops[i].Row = ops[i].Row[:min(len(ops[i].Row), 2)]
		}
	}
	return b.Backend.Commit(ctx, ops)
}

type seconds struct{ record.Backend }

func (b seconds) Commit(ctx context.Context, ops []record.Op) error {
	ops = slices.Clone(ops)
	for i := range ops {
		ops[i].Expires = ops[i].Expires.Truncate(time.Second)
	}
	return b.Backend.Commit(ctx, ops)
}

// hidesExpired judges expiry by itself.
type hidesExpired struct{ record.Backend }

func (b hidesExpired) Get(ctx context.Context, keys ...record.Key) ([]record.Record, error) {
	out, err := b.Backend.Get(ctx, keys...)
	return slices.DeleteFunc(out, func(r record.Record) bool {
		return !r.Expires.IsZero() && r.Expires.Before(startTime.Add(10*time.Minute))
	}), err
}

type forgetsTenants struct{ record.Backend }

func (b forgetsTenants) Get(ctx context.Context, keys ...record.Key) ([]record.Record, error) {
	keys = slices.Clone(keys)
	for i := range keys {
		keys[i].Tenant = "t"
	}
	return b.Backend.Get(ctx, keys...)
}

func (b forgetsTenants) Commit(ctx context.Context, ops []record.Op) error {
	ops = slices.Clone(ops)
	for i := range ops {
		ops[i].Tenant = "t"
	}
	return b.Backend.Commit(ctx, ops)
}

type floats struct{ record.Backend }

func (b floats) Commit(ctx context.Context, ops []record.Op) error {
	ops = cloneOps(ops)
	for i := range ops {
		for j, v := range ops[i].Row {
			if v.Type() == record.Int {
				ops[i].Row[j] = record.IntValue(int64(float64(v.Int())))
			}
		}
	}
	return b.Backend.Commit(ctx, ops)
}
