package storetest

import (
	"cmp"
	"context"
	"slices"

	"github.com/oneauth-go/oneauth/core/record"
)

// apply commits, and remembers what the records were before.
func (f *Faults) apply(ctx context.Context, ops []record.Op) error {
	var keys []record.Key
	for _, op := range ops {
		if op.Verb != record.Check {
			keys = append(keys, op.Key)
		}
	}
	was, err := f.inner.Get(ctx, keys...)
	if err != nil {
		return err
	}
	if err := f.inner.Commit(ctx, ops); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, k := range keys {
		f.before[k] = record.Record{Key: k}
	}
	for _, r := range was {
		f.before[r.Key] = r
	}
	return nil
}

// staleGet is what Get of keys returned before the last commits to them.
func (f *Faults) staleGet(got []record.Record, keys []record.Key) []record.Record {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := slices.DeleteFunc(got, func(r record.Record) bool {
		_, changed := f.before[r.Key]
		return changed
	})
	for _, k := range keys {
		if old, changed := f.before[k]; changed && old.Rev != 0 {
			out = append(out, copyOf(old))
		}
	}
	return out
}

// staleFind is what Find of q returned before the last commits to its records.
func (f *Faults) staleFind(found []record.Record, q record.Query) []record.Record {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := slices.DeleteFunc(found, func(r record.Record) bool {
		_, changed := f.before[r.Key]
		return changed
	})
	for _, old := range f.before {
		if old.Rev != 0 && f.matches(old, q) {
			out = append(out, copyOf(old))
		}
	}
	slices.SortFunc(out, func(a, b record.Record) int { return cmp.Compare(a.ID, b.ID) })
	return out[:min(len(out), q.Limit)]
}

// matches reports whether q asks for r.
func (f *Faults) matches(r record.Record, q record.Query) bool {
	switch {
	case r.Tenant != q.Tenant || r.Kind != q.Kind || r.ID < q.From:
		return false
	case q.To != "" && r.ID >= q.To || q.After != "" && r.ID <= q.After:
		return false
	case q.Term == "":
		return true
	}
	k := f.schema.Kind(q.Kind)
	if k == nil {
		return false
	}
	i := k.FieldIndex(q.Term)
	return i >= 0 && k.TermValue(i, r.Row) == q.Value
}

func copyOf(r record.Record) record.Record {
	r.Row = slices.Clone(r.Row)
	return r
}
