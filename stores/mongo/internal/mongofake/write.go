package mongofake

import (
	"bytes"
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// result counts the documents that a statement found, and those it changed.
type result struct{ n, modified int }

// write runs the statements of an insert, update or delete in order, until one fails.
func (e *engine) write(c *command, t *transaction, done statements) (bson.D, error) {
	if ordered, err := c.body.LookupErr("ordered"); err == nil && !ordered.Boolean() {
		return nil, fail(BadValue, "mongofake runs ordered writes only")
	}
	run := map[string]func(*command, *transaction, bson.Raw) (result, error){"insert": e.insert, "update": e.update, "delete": e.remove}[c.name]
	var total result
	for i, statement := range c.documents[sequences[c.name]] {
		r, before := done[i]
		if !before {
			var err error
			if r, err = run(c, t, statement); err != nil {
				return total.reply(c, i, err)
			}
			if done != nil && r.n > 0 {
				done[i] = r
			}
		}
		total.n += r.n
		total.modified += r.modified
	}
	return total.reply(c, 0, nil)
}

// reply answers a write whose i-th statement failed with err, if that is not nil. Errors that concern the whole command, as
// a conflict does in a transaction, are returned instead.
func (r result) reply(c *command, i int, err error) (bson.D, error) {
	d := bson.D{{Key: "n", Value: int32(r.n)}}
	if c.name == "update" {
		d = append(d, bson.E{Key: "nModified", Value: int32(r.modified)})
	}
	if err == nil {
		return d, nil
	}
	f := asFailed(err)
	if f.code != DuplicateKey && f.code != 66 {
		return nil, f
	}
	failure := append(bson.D{{Key: "index", Value: int32(i)}, {Key: "code", Value: f.code}, {Key: "errmsg", Value: f.message}}, f.details...)
	return append(d, bson.E{Key: "writeErrors", Value: bson.A{failure}}), nil
}

func (e *engine) insert(c *command, t *transaction, doc bson.Raw) (result, error) {
	id, err := doc.LookupErr("_id")
	if err != nil {
		return result{}, fail(BadValue, "mongofake makes no _id: the driver does")
	}
	return result{n: 1}, e.step(c, func() error {
		w := wrote{e.collection(c.namespace()), idKey(id)}
		ch := w.in.chains[w.id]
		if ch == nil {
			ch = &chain{}
		}
		if err := e.hold(ch, t); err != nil {
			return err
		}
		if ch.read(t) != nil {
			return duplicate(w.in.indexes[0], bson.D{{Key: "_id", Value: id}})
		}
		return e.put(w, ch, t, bytes.Clone(doc))
	})
}

// update changes the first document that matches. One that it leaves as it is, is not written.
func (e *engine) update(c *command, t *transaction, statement bson.Raw) (r result, err error) {
	query, change, err := parseUpdate(statement)
	if err != nil {
		return r, err
	}
	err = e.step(c, func() error {
		r = result{}
		found, err := e.collections[c.namespace()].matches(query, t)
		if err != nil || len(found) == 0 {
			return err
		}
		m := slices.MinFunc(found, func(a, b match) int { return strings.Compare(a.w.id, b.w.id) })
		next, err := change.apply(m.doc)
		if err != nil {
			return err
		}
		r.n = 1
		if bytes.Equal(next, m.doc) {
			return nil
		}
		r.modified = 1
		return e.put(m.w, m.ch, t, next)
	})
	return r, err
}

// remove deletes the first document that matches, or with limit 0 each one. Between two of them others may write.
func (e *engine) remove(c *command, t *transaction, statement bson.Raw) (r result, err error) {
	if err := onlyFields(statement, "delete", "q", "limit"); err != nil {
		return r, err
	}
	doc, _ := statement.Lookup("q").DocumentOK()
	query, err := parseFilter(doc)
	if err != nil {
		return r, err
	}
	many := statement.Lookup("limit").AsInt64() == 0
	if many && c.retryable() {
		return r, fail(InvalidOptions, "Cannot use (or request) retryable writes with multi=true or limit=0")
	}
	var found []match
	err = e.step(c, func() error {
		found, err = e.collections[c.namespace()].matches(query, t)
		return err
	})
	for _, m := range found {
		if err != nil || r.n == 1 && !many {
			break
		}
		err = e.step(c, func() error {
			now := m.ch.read(t)
			if now == nil || m.w.in.chains[m.w.id] != m.ch {
				return nil
			}
			if ok, err := query.holds(now); !ok || err != nil {
				return err
			}
			err := e.put(m.w, m.ch, t, nil)
			if err == nil {
				r.n++
			}
			return err
		})
	}
	return r, err
}

// change is the u of an update: a replacement, or fields to set and to add to.
type change struct {
	replacement bson.Raw
	set, inc    bson.D
}

func parseUpdate(statement bson.Raw) (filter, change, error) {
	var ch change
	if err := onlyFields(statement, "update", "q", "u"); err != nil {
		return nil, ch, err
	}
	q, _ := statement.Lookup("q").DocumentOK()
	query, err := parseFilter(q)
	if err != nil {
		return nil, ch, err
	}
	u, ok := statement.Lookup("u").DocumentOK()
	if !ok {
		return nil, ch, fail(BadValue, "mongofake does not run pipelines in updates")
	}
	elements, err := u.Elements()
	if err != nil {
		return nil, ch, err
	}
	if len(elements) == 0 || !strings.HasPrefix(elements[0].Key(), "$") {
		ch.replacement = u
		return query, ch, nil
	}
	for _, e := range elements {
		var into *bson.D
		switch e.Key() {
		case "$set":
			into = &ch.set
		case "$inc":
			into = &ch.inc
		default:
			return nil, ch, fail(9, "mongofake does not know the update operator %s", e.Key())
		}
		if err := e.Value().Unmarshal(into); err != nil {
			return nil, ch, err
		}
	}
	return query, ch, nil
}

// apply returns doc changed.
func (u change) apply(doc bson.Raw) (bson.Raw, error) {
	id := doc.Lookup("_id")
	if u.replacement != nil {
		rest := bson.D{}
		if err := bson.Unmarshal(u.replacement, &rest); err != nil {
			return nil, err
		}
		if given, err := u.replacement.LookupErr("_id"); err == nil && idKey(given) != idKey(id) {
			return nil, fail(66, "the (immutable) field '_id' was found to have been altered")
		}
		rest = slices.DeleteFunc(rest, func(e bson.E) bool { return e.Key == "_id" })
		return bson.Marshal(append(bson.D{{Key: "_id", Value: id}}, rest...))
	}
	next := bson.D{}
	if err := bson.Unmarshal(doc, &next); err != nil {
		return nil, err
	}
	for _, e := range u.set {
		next = setField(next, e.Key, e.Value)
	}
	for _, e := range u.inc {
		by, ok := e.Value.(int64)
		have, err := doc.LookupErr(e.Key)
		if err == nil {
			n, isLong := have.Int64OK()
			by, ok = by+n, ok && isLong
		}
		if !ok {
			return nil, fail(BadValue, "mongofake adds longs only")
		}
		next = setField(next, e.Key, by)
	}
	return bson.Marshal(next)
}

func setField(d bson.D, name string, v any) bson.D {
	for i := range d {
		if d[i].Key == name {
			d[i].Value = v
			return d
		}
	}
	return append(d, bson.E{Key: name, Value: v})
}

// onlyFields refuses statements with options that mongofake does not know. false stands for an option that is not used.
func onlyFields(statement bson.Raw, command string, names ...string) error {
	elements, err := statement.Elements()
	if err != nil {
		return err
	}
	for _, e := range elements {
		off, isBool := e.Value().BooleanOK()
		if !slices.Contains(names, e.Key()) && (!isBool || off) {
			return fail(unknownField, "mongofake does not know the option %s of %s", e.Key(), command)
		}
	}
	return nil
}
