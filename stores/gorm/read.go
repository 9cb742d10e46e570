package gormstore

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/oneauth-go/oneauth/core/record"
	"gorm.io/gorm"
)

// reader is how a keeper reads: on which connection, and with what at the end of its queries.
type reader struct {
	db   *gorm.DB
	lock string // for a transaction whose plain reads would see the past
}

// Get returns the records that exist among keys, by one query for each kind.
func (s *Store) Get(ctx context.Context, keys ...record.Key) ([]record.Record, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	if len(keys) == 1 {
		return s.read(ctx, keys[0].Kind, func(k keeper, r reader) ([]record.Record, error) {
			return k.get(r, keys[0].Tenant, []string{keys[0].ID})
		})
	}
	type group struct{ tenant, kind string }
	ids := map[group][]string{}
	seen := map[record.Key]bool{}
	for _, k := range keys {
		if g := (group{k.Tenant, k.Kind}); !seen[k] {
			seen[k], ids[g] = true, append(ids[g], k.ID)
		}
	}
	var out []record.Record
	for g, list := range ids {
		found, err := s.read(ctx, g.kind, func(k keeper, r reader) ([]record.Record, error) { return k.get(r, g.tenant, list) })
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	return out, nil
}

// Find returns the records that match q, ascending by id.
func (s *Store) Find(ctx context.Context, q record.Query) ([]record.Record, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	return s.read(ctx, q.Kind, func(k keeper, r reader) ([]record.Record, error) { return k.find(r, q) })
}

// rereads is how often a query is tried. After a restart of the server each try may meet another dead connection.
const rereads = 12

// read runs a query until the database has an answer to it: a lock, a deadlock and a broken connection are none.
func (s *Store) read(ctx context.Context, kind string, ask func(keeper, reader) ([]record.Record, error)) ([]record.Record, error) {
	r, join, err := s.reader(ctx)
	if err != nil {
		return nil, err
	}
	for try := 1; ; try++ {
		k, err := s.keeper(ctx, r.db, kind)
		if err != nil {
			return nil, err
		}
		found, err := ask(k, r)
		switch {
		case err == nil:
			return found, nil
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case errors.Is(err, errBehind):
			if err := s.catchUp(ctx, r.db); err != nil {
				return nil, err
			}
		case join != nil:
			return nil, join.failed(err)
		case try == rereads || classOf(err) != busy && classOf(err) != lost:
			return nil, err
		default:
			pause(ctx, time.Duration(try)*time.Millisecond)
		}
	}
}

// reader returns the transaction that ctx brings, or the pool.
func (s *Store) reader(ctx context.Context) (reader, *join, error) {
	j, err := s.joined(ctx)
	if err != nil || j == nil {
		return reader{db: own(ctx, s.db)}, nil, err
	}
	r := reader{db: own(ctx, j.tx)}
	if j.outer {
		r.lock = s.dialect.share
	}
	return r, j, nil
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// get reads rows by their ids. The list is filled up to a power of two, so that there are few different statements.
func (t *table) get(r reader, tenant string, ids []string) ([]record.Record, error) {
	if len(ids) == 1 {
		return t.rows(r.db, tenant, t.selectOne+r.lock, []any{tenant, ids[0]}, 1)
	}
	n := 2
	for n < len(ids) {
		n *= 2
	}
	args := append(make([]any, 0, 1+n), tenant)
	for i := range n {
		args = append(args, ids[min(i, len(ids)-1)])
	}
	where := " WHERE tenant = ? AND id IN (?" + strings.Repeat(", ?", n-1) + ")"
	return t.rows(r.db, tenant, t.dialect.text(t.selectRow+where+r.lock), args, len(ids))
}

func (t *table) find(r reader, q record.Query) ([]record.Record, error) {
	var b strings.Builder
	b.WriteString(t.selectRow)
	b.WriteString(" WHERE tenant = ?")
	args := []any{q.Tenant}
	and := func(condition string, arg string) {
		b.WriteString(" AND ")
		b.WriteString(condition)
		args = append(args, arg)
	}
	if q.Term != "" {
		i := termIndex(t.fields, q.Term)
		if i < 0 {
			return nil, fmt.Errorf("gormstore: kind %s has no term %q", q.Kind, q.Term)
		}
		and(t.quoted[i]+" = ?", q.Value)
	}
	if q.From != "" {
		and("id >= ?", q.From)
	}
	if q.To != "" {
		and("id < ?", q.To)
	}
	if q.After != "" {
		and("id > ?", q.After)
	}
	b.WriteString(" ORDER BY id LIMIT ?")
	b.WriteString(r.lock)
	return t.rows(r.db, q.Tenant, t.dialect.text(b.String()), append(args, q.Limit), min(q.Limit, 16))
}

func termIndex(fields []record.Field, name string) int {
	for i, f := range fields {
		if f.Name == name && f.Term {
			return i
		}
	}
	return -1
}

// rows runs a query that begins like selectRow.
func (t *table) rows(db *gorm.DB, tenant, text string, args []any, expect int) ([]record.Record, error) {
	rows, err := query(db, text, args)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var known int
	rec := record.Record{Key: record.Key{Tenant: tenant, Kind: t.kind}}
	purge, more := cell{typ: record.Time}, cell{typ: record.JSON}
	cells := make([]cell, len(t.fields))
	dest := append(make([]any, 0, 6+len(cells)), &rec.ID, &rec.Rev, &rec.Version, &purge, &known, &more)
	for i, f := range t.fields {
		cells[i].typ = f.Type
		dest = append(dest, &cells[i])
	}
	out := make([]record.Record, 0, expect)
	for rows.Next() {
		if err := rows.Scan(dest...); err != nil {
			return nil, fmt.Errorf("gormstore: read a %s: %w", t.kind, err)
		}
		if known > len(t.fields) {
			return nil, errBehind
		}
		rec.Expires = purge.value.Time()
		rec.Row = make(record.Row, known)
		for i := range rec.Row {
			rec.Row[i] = cells[i].value
		}
		if text := more.value.Text(); text != "" {
			row, err := unpackExtra(text)
			if err != nil {
				return nil, err
			}
			rec.Row = append(rec.Row, row...)
		}
		out = append(out, rec)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	return out, rows.Close()
}
