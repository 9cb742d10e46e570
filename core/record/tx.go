package record

import (
	"cmp"
	"context"
	"fmt"
	"slices"
)

// Tx is one transaction. It is used by one goroutine and not kept after its function returned.
type Tx struct {
	ctx      context.Context
	db       *DB
	tenant   string
	readOnly bool
	rev      int64
	try      int
	suspects []suspect
	tainted  bool
	reads    int  // answers of the backend so far
	torn     bool // two of them contradict each other
	failed   bool // the backend gave none, once
	blind    bool // an insert did not look
	entries  map[Key]*entry
	after    []func()
	parts    []any
}

// entry is what a transaction knows of one key.
type entry struct {
	base    Record // as stored, when found
	found   bool   // stored, expired or not
	known   bool   // base was read; a blind insert has not
	checked bool   // validate what was read at the end; a commit validates no absence
	verb    Verb   // 0 when only read
	next    Record // what Put will write
}

// Context returns the transaction's context. A transaction begun with it is refused: they do not nest.
func (tx *Tx) Context() context.Context { return tx.ctx }

// Tenant returns the tenant in which the transaction works.
func (tx *Tx) Tenant() string { return tx.tenant }

// After registers f to run once, in order of registration, after this transaction has committed.
func (tx *Tx) After(f func()) { tx.after = append(tx.after, f) }

// Enlist hands the backend something of its own to do inside the commit of this transaction: all or nothing with it. A
// store in a SQL database takes statements of the application. A backend that does not know what part is refuses it.
func (tx *Tx) Enlist(part any) error {
	e, ok := tx.db.backend.(Enlister)
	switch {
	case tx.readOnly:
		return ErrReadOnly
	case !ok || !e.Enlists(part):
		return fmt.Errorf("record: this store cannot make a %T part of its commit", part)
	}
	tx.parts = append(tx.parts, part)
	return nil
}

func (tx *Tx) key(kind, id string) Key { return Key{Tenant: tx.tenant, Kind: kind, ID: id} }

// live reports whether r exists for readers: it is not expired.
func (tx *Tx) live(r Record) bool { return r.Expires.IsZero() || r.Expires.After(tx.db.now()) }

// fetch reads one key from the backend into the transaction, once.
func (tx *Tx) fetch(k Key) (*entry, error) {
	if e := tx.entries[k]; e != nil && (e.known || e.verb != 0) {
		return e, nil
	}
	if why := idFault(k.ID); why != "" {
		return &entry{known: true}, nil // nothing is stored under such an id
	}
	found, err := tx.db.backend.Get(tx.ctx, k)
	if err != nil {
		tx.failed = true
		return nil, err
	}
	tx.reads++
	e := &entry{known: true}
	for _, r := range found {
		if r.Key == k {
			if e, err = tx.stored(r); err != nil {
				return nil, err
			}
		}
	}
	tx.remember(k, e)
	return e, nil
}

// stored makes the entry of a record as the backend returned it.
func (tx *Tx) stored(r Record) (*entry, error) {
	if tx.suspected(r.Rev) {
		tx.tainted = true
		return nil, ErrUnknown
	}
	return &entry{base: tx.upgraded(r), found: true, known: true}, nil
}

func (tx *Tx) remember(k Key, e *entry) {
	if tx.entries == nil {
		tx.entries = map[Key]*entry{}
	}
	tx.entries[k] = e
}

// get returns the record under k as this transaction sees it.
func (tx *Tx) get(k Key, validate bool) (Record, error) {
	if tx.readOnly {
		return tx.look(k)
	}
	e, err := tx.fetch(k)
	if err != nil {
		return Record{}, err
	}
	e.checked = e.checked || validate
	if r, ok := e.seen(); ok && tx.live(r) {
		return r, nil
	}
	return Record{}, ErrNotFound
}

// look is get for a transaction that only reads, and so has nothing to remember.
func (tx *Tx) look(k Key) (Record, error) {
	if idFault(k.ID) != "" {
		return Record{}, ErrNotFound // nothing is stored under such an id
	}
	found, err := tx.db.backend.Get(tx.ctx, k)
	if err != nil {
		return Record{}, err
	}
	for _, r := range found {
		if r.Key == k && tx.live(r) {
			return tx.upgraded(r), nil
		}
	}
	return Record{}, ErrNotFound
}

// upgraded brings a stored row to the version of its kind.
func (tx *Tx) upgraded(r Record) Record {
	if k := tx.db.kinds[r.Kind]; r.Version < k.Version && k.Upgrade != nil {
		r.Row = k.Upgrade(r.Version, r.Row)
	}
	return r
}

// seen is the record as it stands after the transaction's own writes.
func (e *entry) seen() (Record, bool) {
	switch e.verb {
	case Put:
		return e.next, true
	case Delete:
		return Record{}, false
	}
	return e.base, e.found
}

// insert writes r where nothing live is stored. On the first try it does not look: the commit refuses if somebody was
// there, and then the next try finds out who.
func (tx *Tx) insert(r Record) error {
	if tx.readOnly {
		return ErrReadOnly
	}
	e := tx.entries[r.Key]
	if e == nil && tx.try == 0 {
		e, tx.blind = &entry{}, true
		tx.remember(r.Key, e)
	} else if e == nil || !e.known && e.verb == 0 {
		var err error
		if e, err = tx.fetch(r.Key); err != nil {
			return err
		}
	}
	if old, ok := e.seen(); ok && tx.live(old) {
		e.checked = true
		return ErrExists
	}
	tx.write(e, r)
	return nil
}

// put replaces what is stored under r's key.
func (tx *Tx) put(r Record) error {
	if tx.readOnly {
		return ErrReadOnly
	}
	e, err := tx.fetch(r.Key)
	if err != nil {
		return err
	}
	if old, ok := e.seen(); !ok || !tx.live(old) {
		e.checked = true
		return ErrNotFound
	}
	tx.write(e, r)
	return nil
}

// write makes r what the commit puts, keeping fields that a newer release stored.
func (tx *Tx) write(e *entry, r Record) {
	k := tx.db.kinds[r.Kind]
	r.Rev, r.Version = tx.rev, k.Version
	if old, ok := e.seen(); ok && tx.live(old) && len(old.Row) > len(k.Fields) {
		r.Row = append(r.Row[:len(k.Fields):len(k.Fields)], old.Row[len(k.Fields):]...)
		r.Version = max(r.Version, old.Version)
	}
	e.verb, e.next = Put, r
}

// remove deletes what is stored under k; what is absent already is no error.
func (tx *Tx) remove(k Key) error {
	if tx.readOnly {
		return ErrReadOnly
	}
	e, err := tx.fetch(k)
	if err != nil {
		return err
	}
	if !e.known { // our own insert, which did not look: undone, and whoever was there before makes us run again
		e.verb = 0
		if e, err = tx.fetch(k); err != nil {
			return err
		}
		if e.found && tx.live(e.base) {
			return ErrConflict
		}
	}
	if !e.found {
		e.verb = 0 // at most our own insert, undone
		return nil
	}
	e.verb, e.next = Delete, Record{}
	return nil
}

// find lists what matches q as this transaction sees it: stored records, less those it deleted or moved away, and its
// own writes in their places.
func (tx *Tx) find(q Query, validate bool) ([]Record, error) {
	k := tx.db.kinds[q.Kind]
	term := -1
	if q.Term != "" {
		if term = k.FieldIndex(q.Term); term < 0 || !k.Fields[term].Term {
			return nil, fmt.Errorf("record: kind %s has no term %q", q.Kind, q.Term)
		}
		if q.Value == "" || textFault(q.Value) != "" || len(q.Value) > MaxID {
			return nil, nil // no record is found by such a value
		}
	}
	for _, bound := range [...]struct{ name, id string }{{"from", q.From}, {"to", q.To}, {"after", q.After}} {
		if why := textFault(bound.id); why != "" {
			return nil, &ValueError{q.Kind, bound.name, why}
		}
	}
	var out []Record
	for page := q; ; {
		rows, err := tx.db.backend.Find(tx.ctx, page)
		if err != nil {
			tx.failed = true
			return nil, err
		}
		tx.reads++
		for _, r := range rows {
			e := tx.entries[r.Key]
			if e == nil || !e.found && e.verb == 0 { // not known, or not there when it was looked for
				tx.torn = tx.torn || e != nil && e.known && e.checked
				if e, err = tx.stored(r); err != nil {
					return nil, err
				}
				if !tx.readOnly {
					tx.remember(r.Key, e)
				}
			}
			if e.verb == 0 && tx.live(e.base) && len(out) < q.Limit {
				e.checked = e.checked || validate
				out = append(out, e.base)
			}
		}
		if len(rows) < page.Limit || len(out) >= q.Limit {
			break
		}
		page.After = rows[len(rows)-1].ID
		page.Limit = min(2*page.Limit, MaxPage) // many rows may be expired
	}
	out = append(out, tx.ownMatches(q, k, term)...)
	slices.SortFunc(out, func(a, b Record) int { return cmp.Compare(a.ID, b.ID) })
	return out[:min(len(out), q.Limit)], nil
}

// ownMatches returns this transaction's writes that match q.
func (tx *Tx) ownMatches(q Query, k *Kind, term int) []Record {
	var out []Record
	for key, e := range tx.entries {
		switch {
		case e.verb != Put || key.Kind != q.Kind || !tx.live(e.next):
		case key.ID < q.From || q.To != "" && key.ID >= q.To || key.ID <= q.After && q.After != "":
		case term >= 0 && k.TermValue(term, e.next.Row) != q.Value:
		default:
			out = append(out, e.next)
		}
	}
	return out
}

// keys returns the keys that the commit touches, for queueing after a conflict.
func (tx *Tx) keys() []Key {
	var keys []Key
	for k, e := range tx.entries {
		if e.verb != 0 || e.checked {
			keys = append(keys, k)
		}
	}
	return keys
}

// ops makes the batch to commit, sorted by key.
func (tx *Tx) ops() ([]Op, error) {
	ops := make([]Op, 0, len(tx.entries))
	size := 0
	for k, e := range tx.entries {
		op := Op{Verb: e.verb, Want: e.base.Rev}
		op.Key = k
		switch {
		case e.verb == Put:
			if err := tx.db.kinds[k.Kind].validateRecord(e.next); err != nil {
				return nil, err
			}
			op.Record = e.next
			for _, v := range e.next.Row {
				size += v.size()
			}
		case e.verb == 0 && e.checked && e.found:
			op.Verb = Check
		case e.verb == 0:
			continue
		}
		ops = append(ops, op)
	}
	if len(ops) > MaxOps || size > MaxBytes {
		return nil, fmt.Errorf("%w: %d operations, %d bytes", ErrTooLarge, len(ops), size)
	}
	slices.SortFunc(ops, func(a, b Op) int { return a.Key.Compare(b.Key) })
	return ops, nil
}
