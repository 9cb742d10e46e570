package transfer

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/oneauth-go/oneauth/core/record"
)

// Copy makes the target equal to the source, by inserting, replacing and deleting what differs, and reports how many. It
// prepares both for the schema, and does not verify (see Finish and Verify): the application may write to the source
// meanwhile, and what it wrote behind the copy's back is left to the next run. Nobody else writes to the target.
func Copy(ctx context.Context, from, to record.Backend, schema record.Schema, o Options) (*Report, error) {
	j, err := prepare(ctx, from, to, schema, o)
	if err != nil {
		return nil, err
	}
	err = j.copyAll(ctx)
	return j.report(), err
}

// Finish copies what is left, verifies everything, and marks the target as the truth. The application is stopped before, and
// started on the target afterwards; without Finish a later Copy would undo what it writes there. After an error the source
// is still the truth, and Finish can be called again; after record.ErrUnknown alone it may be the target, and then Finish
// says ErrMoved. At last the source is marked, so that no transfer takes its stale data anywhere else (ErrLeft).
func Finish(ctx context.Context, from, to record.Backend, schema record.Schema, o Options) (*Report, error) {
	j, err := prepare(ctx, from, to, schema, o)
	if err != nil {
		return nil, err
	}
	if err := j.copyAll(ctx); err != nil {
		return j.report(), err
	}
	if err := j.verifyAll(ctx, nil); err != nil {
		return j.report(), err
	}
	if err := j.marks.commit(ctx, record.System, markMoved, nil); err != nil {
		return j.report(), fmt.Errorf("transfer: mark the target as the truth: %w", err)
	}
	return j.report(), leave(ctx, from, j.o)
}

// job is one copy.
type job struct {
	from, to record.Backend
	schema   record.Schema
	kinds    []string // of the schema, ascending
	o        Options
	marks    *marks
	progress Progress
	sums     map[place]*sums
	skipped  map[record.Key]bool // what Move left out of the sums, to add it later; else nil
	differ   []Difference
	more     int // differences beyond those
}

func newJob(from, to record.Backend, schema record.Schema, o Options) *job {
	o = o.withDefaults()
	j := &job{from: from, to: to, schema: schema, o: o, marks: newMarks(to, o), sums: map[place]*sums{}}
	for _, k := range schema.Kinds {
		j.kinds = append(j.kinds, k.Name)
	}
	slices.Sort(j.kinds)
	return j
}

func prepare(ctx context.Context, from, to record.Backend, schema record.Schema, o Options) (*job, error) {
	if err := prepareBoth(ctx, from, to, schema); err != nil {
		return nil, err
	}
	j := newJob(from, to, schema, o)
	return j, j.kindsKnown(ctx)
}

// kindsKnown refuses a source that has more than the schema.
func (j *job) kindsKnown(ctx context.Context) error {
	l, ok := j.from.(record.Lister)
	if !ok {
		return nil
	}
	have, err := l.Kinds(ctx)
	if err != nil {
		return fmt.Errorf("transfer: list the kinds of the source: %w", err)
	}
	var left []string
	for _, k := range have {
		if k.Name != markKind && !slices.Contains(j.kinds, k.Name) && !slices.Contains(j.o.Leave, k.Name) {
			left = append(left, k.Name)
		}
	}
	if len(left) > 0 {
		return fmt.Errorf("%w: %q; Options.Leave may name what stays behind", ErrKinds, left)
	}
	return nil
}

// tenants returns whose records are looked at, ascending.
func (j *job) tenants(ctx context.Context) ([]string, error) {
	all := append([]string{record.System}, j.o.Tenants...)
	if len(j.o.Tenants) == 0 {
		for _, b := range []record.Backend{j.from, j.to} {
			l, ok := b.(record.Lister)
			if !ok && b == j.from {
				return nil, ErrTenants
			}
			if !ok {
				continue
			}
			names, err := l.Tenants(ctx)
			if err != nil {
				return nil, fmt.Errorf("transfer: list tenants: %w", err)
			}
			all = append(all, names...)
		}
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}

// begin takes a tenant at the target, unless that was done.
func (j *job) begin(ctx context.Context, tenant string) error {
	if _, ours := j.marks.known[tenant]; ours {
		return nil
	}
	rev, _, err := j.marks.read(ctx, tenant)
	if err != nil {
		return fmt.Errorf("transfer: read the mark of the target: %w", err)
	}
	if rev == 0 && !j.o.Replace {
		for _, kind := range j.kinds {
			if r, err := j.side(j.to, tenant, kind).head(ctx); err != nil {
				return err
			} else if r != nil {
				return fmt.Errorf("%w: tenant %s has a %s %q; Options.Replace removes them", ErrForeign, tenant, kind, r.ID)
			}
		}
	}
	return j.marks.take(ctx, tenant)
}

// copyAll goes once through everything. The tenant of the installation, whose mark says whether the target is the truth,
// comes first; no record is changed before every tenant is known to be ours.
func (j *job) copyAll(ctx context.Context) error {
	if err := j.begin(ctx, record.System); err != nil {
		return err
	}
	if err := stays(ctx, j.from, j.o); err != nil {
		return err
	}
	tenants, err := j.tenants(ctx)
	if err != nil {
		return err
	}
	for _, t := range tenants {
		if err := j.begin(ctx, t); err != nil {
			return err
		}
	}
	j.progress = Progress{Phase: "copy", Changes: j.progress.Changes}
	for _, t := range tenants {
		for _, kind := range j.kinds {
			if err := j.copyKind(ctx, t, kind); err != nil {
				return fmt.Errorf("transfer: copy %s of tenant %s: %w", kind, t, err)
			}
		}
	}
	return nil
}

func (j *job) copyKind(ctx context.Context, tenant, kind string) error {
	j.progress.Tenant, j.progress.Kind = tenant, kind
	var b batch
	err := j.pairs(ctx, tenant, kind, func(p pair) error {
		if p.from != nil {
			j.progress.Read++
		}
		if p.same() {
			return nil
		}
		if !b.fits(p) {
			if err := j.apply(ctx, tenant, &b); err != nil {
				return err
			}
		}
		b.add(p)
		return nil
	})
	if err != nil {
		return err
	}
	defer func() { j.o.Progress(j.progress) }()
	return j.apply(ctx, tenant, &b)
}

// apply commits a batch and empties it. What is not as it was read is read again.
func (j *job) apply(ctx context.Context, tenant string, b *batch) error {
	if len(b.ops) == 0 {
		return nil
	}
	err := j.marks.commit(ctx, tenant, "", b.ops)
	if errors.Is(err, errStale) {
		keys := make([]record.Key, len(b.ops))
		for i, op := range b.ops {
			keys[i] = op.Key
		}
		err = j.settle(ctx, tenant, keys)
	} else if err == nil {
		b.count(&j.progress.Changes)
	}
	*b = batch{}
	j.o.Progress(j.progress)
	return err
}

const (
	settleKeys  = 64 // that are read at once
	settleTries = 20
)

// settle makes keys of one tenant, which need not differ, equal on both sides.
func (j *job) settle(ctx context.Context, tenant string, keys []record.Key) error {
	if err := j.begin(ctx, tenant); err != nil {
		return err
	}
	for keys := range slices.Chunk(keys, settleKeys) {
		for try := 0; ; try++ {
			err := j.settleOnce(ctx, tenant, keys)
			if err == nil {
				break
			}
			if !errors.Is(err, errStale) || try == settleTries {
				return err
			}
			if err := pause(ctx, try); err != nil {
				return err
			}
		}
	}
	return nil
}

func (j *job) settleOnce(ctx context.Context, tenant string, keys []record.Key) error {
	found, err := j.both(ctx, keys)
	if err != nil {
		return err
	}
	var b batch
	commit := func() error {
		err := j.marks.commit(ctx, tenant, "", b.ops)
		if err == nil {
			b.count(&j.progress.Changes)
		}
		b = batch{}
		return err
	}
	for _, p := range found {
		if p.same() {
			continue
		}
		if !b.fits(p) {
			if err := commit(); err != nil {
				return err
			}
		}
		b.add(p)
	}
	if len(b.ops) == 0 {
		return nil
	}
	return commit()
}

// both reads keys of one tenant on both sides, the source first. Keys that neither side has are left out.
func (j *job) both(ctx context.Context, keys []record.Key) ([]pair, error) {
	at := map[record.Key]*pair{}
	get := func(b record.Backend, put func(*pair, *record.Record)) error {
		return j.marks.retry(ctx, func() error {
			found, err := b.Get(ctx, keys...)
			if err != nil {
				return err
			}
			for i := range found {
				r := &found[i]
				if at[r.Key] == nil {
					at[r.Key] = &pair{}
				}
				put(at[r.Key], r)
			}
			return nil
		})
	}
	if err := get(j.from, func(p *pair, r *record.Record) { p.from = r }); err != nil {
		return nil, err
	}
	if err := get(j.to, func(p *pair, r *record.Record) { p.to = r }); err != nil {
		return nil, err
	}
	out := make([]pair, 0, len(at))
	for _, p := range at {
		out = append(out, *p)
	}
	slices.SortFunc(out, func(a, b pair) int { return a.key().Compare(b.key()) })
	return out, nil
}

// batch is what one commit does. There is room for the mark.
type batch struct {
	ops  []record.Op
	size int
}

func (b *batch) fits(p pair) bool {
	size := 0
	if p.from != nil {
		size = sizeOf(p.from.Row)
	}
	return len(b.ops) == 0 || len(b.ops) < record.MaxOps-1 && b.size+size <= record.MaxBytes
}

// add makes the target's record of p what the source's is.
func (b *batch) add(p pair) {
	op := record.Op{Verb: record.Put}
	if p.to != nil {
		op.Want = p.to.Rev
	}
	if p.from != nil {
		op.Record = *p.from
		b.size += sizeOf(p.from.Row)
	} else {
		op.Verb, op.Key = record.Delete, p.to.Key
	}
	b.ops = append(b.ops, op)
}

func (b *batch) count(c *Changes) {
	for _, op := range b.ops {
		switch {
		case op.Verb == record.Delete:
			c.Deleted++
		case op.Want == 0:
			c.Inserted++
		default:
			c.Replaced++
		}
	}
}

// same reports whether both sides have the same record.
func (p pair) same() bool {
	return p.from != nil && p.to != nil && p.from.Rev == p.to.Rev && p.from.Version == p.to.Version &&
		p.from.Expires.Equal(p.to.Expires) && slices.Equal(p.from.Row, p.to.Row)
}
