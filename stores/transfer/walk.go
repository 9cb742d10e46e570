package transfer

import (
	"context"

	"github.com/oneauth-go/oneauth/core/record"
)

// Pages grow from minPage records to maxPage as long as they stay small, so that a page of the largest records, of a
// mebibyte each, does not fill the memory.
const (
	minPage   = 8
	maxPage   = 512
	pageBytes = 1 << 20
)

// side reads one tenant and kind of one store in key order.
type side struct {
	find func(ctx context.Context, q record.Query) ([]record.Record, error)
	q    record.Query
	page []record.Record
	done bool
}

func (j *job) side(b record.Backend, tenant, kind string) *side {
	find := func(ctx context.Context, q record.Query) (found []record.Record, err error) {
		err = j.marks.retry(ctx, func() error {
			found, err = b.Find(ctx, q)
			return err
		})
		return found, err
	}
	return &side{find: find, q: record.Query{Tenant: tenant, Kind: kind, Limit: minPage}}
}

// head returns the next record without taking it, nil at the end.
func (s *side) head(ctx context.Context) (*record.Record, error) {
	if len(s.page) > 0 {
		return &s.page[0], nil
	}
	if s.done {
		return nil, nil
	}
	var err error
	if s.page, err = s.find(ctx, s.q); err != nil {
		return nil, err
	}
	if s.done = len(s.page) < s.q.Limit; len(s.page) == 0 {
		return nil, nil
	}
	s.q.After = s.page[len(s.page)-1].ID
	size := 0
	for _, r := range s.page {
		size += sizeOf(r.Row)
	}
	if size < pageBytes/2 {
		s.q.Limit = min(2*s.q.Limit, maxPage)
	} else if size > pageBytes {
		s.q.Limit = max(s.q.Limit/2, minPage)
	}
	return &s.page[0], nil
}

func (s *side) take() { s.page = s.page[1:] }

// sizeOf is what a row counts towards record.MaxBytes.
func sizeOf(row record.Row) int {
	n := 0
	for _, v := range row {
		n += 8 + len(v.Text())
	}
	return n
}

// pair is what both sides have under a key; nil is nothing.
type pair struct{ from, to *record.Record }

func (p pair) key() record.Key {
	if p.from != nil {
		return p.from.Key
	}
	return p.to.Key
}

// pairs calls f for every id that either side has in a tenant and kind, in ascending order.
func (j *job) pairs(ctx context.Context, tenant, kind string, f func(pair) error) error {
	a, b := j.side(j.from, tenant, kind), j.side(j.to, tenant, kind)
	for {
		from, err := a.head(ctx)
		if err != nil {
			return err
		}
		to, err := b.head(ctx)
		if err != nil {
			return err
		}
		switch {
		case from == nil && to == nil:
			return nil
		case to == nil || from != nil && from.ID < to.ID:
			to = nil
		case from == nil || to.ID < from.ID:
			from = nil
		}
		if from != nil {
			a.take()
		}
		if to != nil {
			b.take()
		}
		if err := f(pair{from, to}); err != nil {
			return err
		}
	}
}
