package record

import (
	"encoding/base64"
	"errors"
	"fmt"
	"reflect"
)

// Table is a kind of record together with the Go struct that carries it. Define one per kind, in a package variable.
type Table[T any] struct {
	kind *Kind
	plan *plan
}

// Define declares a kind from the `record` tags of T: `record:"name[,term][,text]"`, with "id" for the key and
// "expires" for the expiry. Strings, byte slices, integers, booleans and times are stored as such, everything else as
// JSON. It panics on a declaration that cannot work, since that is a programming error found at start.
func Define[T any](name string, version int) *Table[T] {
	k := &Kind{Name: name, Version: version}
	p, err := planOf(reflect.TypeFor[T](), k)
	if err == nil {
		err = k.validate()
	}
	if err != nil {
		panic(err)
	}
	return &Table[T]{kind: k, plan: p}
}

// Upgrading sets how rows of earlier versions become rows of the present one, and returns the table.
func (t *Table[T]) Upgrading(f func(from int, row Row) Row) *Table[T] {
	t.kind.Upgrade = f
	return t
}

// Kind returns the declaration, for Open.
func (t *Table[T]) Kind() *Kind { return t.kind }

// In returns the table's records as tx sees them.
func (t *Table[T]) In(tx *Tx) Rows[T] { return Rows[T]{t, tx} }

// Rows reads and writes the records of one kind inside a transaction. Structs go in and come out as fresh copies.
type Rows[T any] struct {
	table *Table[T]
	tx    *Tx
}

// Page asks for a part of a list, in ascending byte order of ids. The zero Page is the first MaxPage records.
type Page struct {
	After    string // ids greater than this
	From, To string // From <= id < To; an empty To is no bound
	Limit    int    // 1..MaxPage; 0 means MaxPage
}

// Get returns the record, or ErrNotFound. It is validated at commit.
func (r Rows[T]) Get(id string) (*T, error) { return r.get(id, true) }

// Peek is Get without validation: the commit does not depend on it.
func (r Rows[T]) Peek(id string) (*T, error) { return r.get(id, false) }

func (r Rows[T]) get(id string, validate bool) (*T, error) {
	if err := r.opened(); err != nil {
		return nil, err
	}
	rec, err := r.tx.get(r.tx.key(r.table.kind.Name, id), validate)
	if err != nil {
		return nil, err
	}
	return r.table.decode(rec)
}

// Find returns the records whose term has the value; all of them are validated at commit, but not that there are no
// others.
func (r Rows[T]) Find(term, value string, p Page) ([]*T, error) { return r.find(term, value, p, true) }

// PeekFind is Find without validation.
func (r Rows[T]) PeekFind(term, value string, p Page) ([]*T, error) {
	return r.find(term, value, p, false)
}

// All lists the kind's records in this tenant, without validation.
func (r Rows[T]) All(p Page) ([]*T, error) { return r.find("", "", p, false) }

func (r Rows[T]) find(term, value string, p Page, validate bool) ([]*T, error) {
	if err := r.opened(); err != nil {
		return nil, err
	}
	if p.Limit < 0 || p.Limit > MaxPage {
		return nil, fmt.Errorf("record: page limit %d is not between 1 and %d", p.Limit, MaxPage)
	}
	if p.Limit == 0 {
		p.Limit = MaxPage
	}
	recs, err := r.tx.find(Query{
		Tenant: r.tx.tenant, Kind: r.table.kind.Name, Term: term, Value: value,
		From: p.From, To: p.To, After: p.After, Limit: p.Limit,
	}, validate)
	if err != nil {
		return nil, err
	}
	out := make([]*T, len(recs))
	for i, rec := range recs {
		if out[i], err = r.table.decode(rec); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Insert writes a record that must not exist yet. ErrExists may come from here or, since the first try does not look,
// make the function run again; Update then returns what the function makes of it.
func (r Rows[T]) Insert(v *T) error {
	rec, err := r.encode(v)
	if err != nil {
		return err
	}
	return r.tx.insert(rec)
}

// Put replaces a record that exists, or returns ErrNotFound. If this transaction read it, it must not have changed
// since.
func (r Rows[T]) Put(v *T) error {
	rec, err := r.encode(v)
	if err != nil {
		return err
	}
	return r.tx.put(rec)
}

// Set writes a record whether it exists or not.
func (r Rows[T]) Set(v *T) error {
	rec, err := r.encode(v)
	if err != nil {
		return err
	}
	if err := r.tx.put(rec); !errors.Is(err, ErrNotFound) {
		return err
	}
	return r.tx.insert(rec)
}

// Delete removes a record. One that does not exist is no error.
func (r Rows[T]) Delete(id string) error {
	if err := r.opened(); err != nil {
		return err
	}
	return r.tx.remove(r.tx.key(r.table.kind.Name, id))
}

// opened refuses a kind that was not given to Open: the backend does not know it.
func (r Rows[T]) opened() error {
	if r.tx.db.kinds[r.table.kind.Name] != r.table.kind {
		return fmt.Errorf("record: kind %s was not given to Open", r.table.kind.Name)
	}
	return nil
}

func (r Rows[T]) encode(v *T) (Record, error) {
	if err := r.opened(); err != nil {
		return Record{}, err
	}
	rec, err := r.table.plan.encode(reflect.ValueOf(v).Elem(), r.table.kind.Name)
	if err != nil {
		return rec, err
	}
	rec.Tenant, rec.Kind = r.tx.tenant, r.table.kind.Name
	return rec, r.table.kind.validateRecord(rec)
}

func (t *Table[T]) decode(rec Record) (*T, error) {
	v := new(T)
	return v, t.plan.decode(rec, reflect.ValueOf(v).Elem())
}

// ErrCursor reports a cursor that Cursor did not make.
var ErrCursor = errors.New("record: not a cursor")

// Cursor makes an opaque text from the last id of a page, for the client to ask for the next one.
func Cursor(lastID string) string { return base64.RawURLEncoding.EncodeToString([]byte("1" + lastID)) }

// ParseCursor returns the id from which to go on (Page.After). An empty cursor is the beginning.
func ParseCursor(cursor string) (after string, err error) {
	if cursor == "" {
		return "", nil
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	if err != nil || len(b) < 2 || b[0] != '1' || idFault(string(b[1:])) != "" {
		return "", ErrCursor
	}
	if after = string(b[1:]); Cursor(after) != cursor { // encoding/base64 skips line breaks
		return "", ErrCursor
	}
	return after, nil
}
