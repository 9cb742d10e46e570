package transfer

import (
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/oneauth-go/oneauth/core/record"
)

// Verify compares two stores record by record. A *DifferenceError says what differs; any other error, that it could not be
// found out. Nobody writes to either meanwhile. What has expired on one side and is gone on the other, which may have removed
// it by itself, is no difference and does not count.
func Verify(ctx context.Context, from, to record.Backend, schema record.Schema, o Options) (*Report, error) {
	j, err := prepare(ctx, from, to, schema, o)
	if err != nil {
		return nil, err
	}
	err = j.verifyAll(ctx, nil)
	return j.report(), err
}

// Sum is a number of records and the XOR of their SHA-256 sums, each over tenant, kind, id and record.AppendRecord.
type Sum struct {
	Records int64
	Hash    [sha256.Size]byte
}

func (s *Sum) add(r *record.Record, n int64) {
	b := record.AppendKey(nil, r.Tenant, r.Kind, r.ID)
	h := sha256.Sum256(record.AppendRecord(b, *r))
	for i := range h {
		s.Hash[i] ^= h[i]
	}
	s.Records += n
}

// String returns the number and the first bytes of the sum.
func (s Sum) String() string { return fmt.Sprintf("%d %x", s.Records, s.Hash[:8]) }

// Difference is one record that is not the same on both sides. What says how, without any value.
type Difference struct{ Tenant, Kind, ID, What string }

func (d Difference) String() string {
	return fmt.Sprintf("tenant %s, %s %q: %s", d.Tenant, d.Kind, d.ID, d.What)
}

// DifferenceError says that the stores are not the same.
type DifferenceError struct {
	Differences []Difference // the first hundred
	More        int          // beyond those
}

func (e *DifferenceError) Error() string {
	return fmt.Sprintf("transfer: the stores differ in %d records, the first is %v", len(e.Differences)+e.More, e.Differences[0])
}

// Report is what a transfer did and found. Kinds without records are left out.
type Report struct {
	Changes
	Kinds       []KindReport // by tenant and kind; empty when nothing was verified
	Differences []Difference // the first hundred
}

// KindReport is what was verified of one kind of records in a tenant.
type KindReport struct {
	Tenant, Kind string
	From, To     Sum
}

// Totals returns the sums over all tenants and kinds.
func (r *Report) Totals() (from, to Sum) {
	for _, k := range r.Kinds {
		from.join(k.From)
		to.join(k.To)
	}
	return from, to
}

func (s *Sum) join(o Sum) {
	s.Records += o.Records
	for i := range s.Hash {
		s.Hash[i] ^= o.Hash[i]
	}
}

// String returns the report as a table to read.
func (r *Report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d inserted, %d replaced, %d deleted\n", r.Inserted, r.Replaced, r.Deleted)
	if len(r.Kinds) > 0 {
		w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "tenant\tkind\tsource\ttarget\t")
		from, to := r.Totals()
		for _, k := range append(slices.Clone(r.Kinds), KindReport{"all", "", from, to}) {
			same := "same"
			if k.From != k.To {
				same = "DIFFERENT"
			}
			fmt.Fprintf(w, "%s\t%s\t%v\t%v\t%s\n", k.Tenant, k.Kind, k.From, k.To, same)
		}
		_ = w.Flush() // into memory
	}
	for _, d := range r.Differences {
		fmt.Fprintf(&b, "differs: %v\n", d)
	}
	return b.String()
}

const maxDifferences = 100

type place struct{ tenant, kind string }

type sums struct{ from, to Sum }

func (j *job) sumsOf(k record.Key) *sums {
	at := place{k.Tenant, k.Kind}
	if j.sums[at] == nil {
		j.sums[at] = &sums{}
	}
	return j.sums[at]
}

// verifyAll compares everything. skip is told of every key, and may say that it is left out.
func (j *job) verifyAll(ctx context.Context, skip func(record.Key) bool) error {
	j.sums, j.differ, j.more = map[place]*sums{}, nil, 0
	tenants, err := j.tenants(ctx)
	if err != nil {
		return err
	}
	j.progress = Progress{Phase: "verify", Changes: j.progress.Changes}
	for _, t := range tenants {
		for _, kind := range j.kinds {
			j.progress.Tenant, j.progress.Kind = t, kind
			err := j.pairs(ctx, t, kind, func(p pair) error {
				if skip == nil || !skip(p.key()) {
					j.compare(p)
				}
				if j.progress.Read++; j.progress.Read%maxPage == 0 {
					j.o.Progress(j.progress)
				}
				return nil
			})
			if err != nil {
				return fmt.Errorf("transfer: verify %s of tenant %s: %w", kind, t, err)
			}
			j.o.Progress(j.progress)
		}
	}
	return j.verdict()
}

func (j *job) verdict() error {
	if len(j.differ) > 0 {
		return &DifferenceError{j.differ, j.more}
	}
	return nil
}

// compare counts a pair and notes a difference.
func (j *job) compare(p pair) {
	if p.from == nil || p.to == nil {
		r := cmp.Or(p.from, p.to)
		if !r.Expires.IsZero() && !r.Expires.After(j.o.Now()) {
			if j.skipped != nil {
				j.skipped[r.Key] = true
			}
			return
		}
	}
	j.count(p, 1)
	if what := j.difference(p); what != "" {
		if len(j.differ) < maxDifferences {
			k := p.key()
			j.differ = append(j.differ, Difference{k.Tenant, k.Kind, k.ID, what})
		} else {
			j.more++
		}
	}
}

// count adds a pair to the sums, or takes it out with n -1.
func (j *job) count(p pair, n int64) {
	s := j.sumsOf(p.key())
	if p.from != nil {
		s.from.add(p.from, n)
	}
	if p.to != nil {
		s.to.add(p.to, n)
	}
}

// difference says how the sides differ, or "".
func (j *job) difference(p pair) string {
	a, b := p.from, p.to
	switch {
	case p.same():
		return ""
	case b == nil:
		return "missing at the target"
	case a == nil:
		return "not at the source"
	case a.Rev != b.Rev:
		return fmt.Sprintf("revision %d at the source, %d at the target", a.Rev, b.Rev)
	case a.Version != b.Version:
		return fmt.Sprintf("version %d at the source, %d at the target", a.Version, b.Version)
	case !a.Expires.Equal(b.Expires):
		return fmt.Sprintf("expires at %v at the source, %v at the target", a.Expires, b.Expires)
	case len(a.Row) != len(b.Row):
		return fmt.Sprintf("%d values at the source, %d at the target", len(a.Row), len(b.Row))
	}
	var fields []string
	for i := range a.Row {
		if a.Row[i] == b.Row[i] {
			continue
		}
		if known := j.schema.Kind(a.Kind).Fields; i < len(known) {
			fields = append(fields, known[i].Name)
		} else {
			fields = append(fields, fmt.Sprintf("number %d, of a newer release", i+1))
		}
	}
	return "other values of " + strings.Join(fields, ", ")
}

// report returns what was done and found so far.
func (j *job) report() *Report {
	r := &Report{Changes: j.progress.Changes, Differences: j.differ}
	for at, s := range j.sums {
		if s.from.Records != 0 || s.to.Records != 0 {
			r.Kinds = append(r.Kinds, KindReport{at.tenant, at.kind, s.from, s.to})
		}
	}
	slices.SortFunc(r.Kinds, func(a, b KindReport) int {
		return cmp.Or(cmp.Compare(a.Tenant, b.Tenant), cmp.Compare(a.Kind, b.Kind))
	})
	return r
}
