package mongofake

import (
	"bytes"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// index is an index as far as it can be seen: by its name, and by what it forbids.
type index struct {
	name   string
	key    bson.D
	unique bool
	ttl    *int32 // seconds
}

func (x index) spec() bson.D {
	d := bson.D{{Key: "v", Value: int32(2)}, {Key: "key", Value: x.key}, {Key: "name", Value: x.name}}
	if x.unique {
		d = append(d, bson.E{Key: "unique", Value: true})
	}
	if x.ttl != nil {
		d = append(d, bson.E{Key: "expireAfterSeconds", Value: *x.ttl})
	}
	return d
}

// same reports whether two values have the same BSON.
func same(a, b any) bool {
	x, errX := bson.Marshal(bson.D{{Key: "", Value: a}})
	y, errY := bson.Marshal(bson.D{{Key: "", Value: b}})
	return errX == nil && errY == nil && bytes.Equal(x, y)
}

// unique refuses doc when another document has its value in a unique index.
func (e *engine) unique(in *collection, own *chain, t *transaction, doc bson.Raw) error {
	for _, x := range in.indexes {
		if !x.unique {
			continue
		}
		value := keyOf(x.key, doc)
		for _, other := range in.chains {
			if other == own {
				continue
			}
			if other.writer != nil && other.writer != t && other.pending != nil && same(keyOf(x.key, other.pending), value) {
				if t != nil {
					return errConflict
				}
				return errLocked
			}
			now := other.read(nil)
			if other.writer == t && t != nil {
				now = other.pending
			}
			if now == nil || !same(keyOf(x.key, now), value) {
				continue
			}
			if t != nil && other.writer != t && other.changed() > t.snapshot {
				return errConflict
			}
			return duplicate(x, value)
		}
	}
	return nil
}

func keyOf(key bson.D, doc bson.Raw) bson.D {
	out := bson.D{}
	for _, e := range key {
		var v any // null where it is missing, as in an index
		if found, err := doc.LookupErr(e.Key); err == nil {
			v = found
		}
		out = append(out, bson.E{Key: e.Key, Value: v})
	}
	return out
}

func duplicate(x index, value bson.D) *failed {
	f := fail(DuplicateKey, "E11000 duplicate key error collection index: %s dup key: %v", x.name, value)
	f.details = bson.D{{Key: "keyPattern", Value: x.key}, {Key: "keyValue", Value: value}}
	return f
}

// create makes a collection.
func (e *engine) create(c *command) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.collections[c.namespace()] != nil {
		return fail(48, "collection %s exists", c.namespace())
	}
	options := bson.D{}
	if collation := c.document("collation"); collation != nil {
		options = append(options, bson.E{Key: "collation", Value: collation})
	}
	e.collection(c.namespace()).options = options
	return nil
}

func (e *engine) createIndexes(c *command) (bson.D, error) {
	array, ok := c.body.Lookup("indexes").ArrayOK()
	if !ok {
		return nil, fail(BadValue, "createIndexes names no indexes")
	}
	specs, err := array.Values()
	if err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	created := e.collections[c.namespace()] == nil
	in := e.collection(c.namespace())
	before := len(in.indexes)
	for _, v := range specs {
		doc, _ := v.DocumentOK()
		x, err := parseIndex(doc)
		if err != nil {
			return nil, err
		}
		if err := in.addIndex(x); err != nil {
			return nil, err
		}
	}
	return bson.D{
		{Key: "numIndexesBefore", Value: int32(before)},
		{Key: "numIndexesAfter", Value: int32(len(in.indexes))},
		{Key: "createdCollectionAutomatically", Value: created},
	}, nil
}

func parseIndex(spec bson.Raw) (index, error) {
	var x index
	elements, err := spec.Elements()
	if err != nil {
		return x, err
	}
	for _, e := range elements {
		ok := true
		switch e.Key() {
		case "key":
			if err := bson.Unmarshal(e.Value().Value, &x.key); err != nil {
				return x, err
			}
		case "name":
			x.name, ok = e.Value().StringValueOK()
		case "unique":
			x.unique, ok = e.Value().BooleanOK()
		case "expireAfterSeconds":
			var n int64
			n, ok = e.Value().AsInt64OK()
			seconds := int32(n)
			x.ttl, ok = &seconds, ok && n >= 0 && n < 1<<31
		default:
			return x, fail(197, "mongofake does not know the index option %s", e.Key())
		}
		if !ok {
			return x, fail(BadValue, "index option %s is of type %s", e.Key(), e.Value().Type)
		}
	}
	if x.name == "" || len(x.key) == 0 || x.ttl != nil && len(x.key) != 1 {
		return x, fail(67, "cannot create index %v", spec)
	}
	return x, nil
}

// addIndex adds x, unless it is there. One with the same key or name and other options is refused.
func (in *collection) addIndex(x index) error {
	for _, have := range in.indexes {
		switch {
		case same(have.spec(), x.spec()):
			return nil
		case have.name == x.name || same(have.key, x.key):
			return fail(IndexConflict, "An equivalent index already exists with a different name or options: %s", have.name)
		}
	}
	if x.unique && len(in.chains) > 0 {
		return fail(BadValue, "mongofake makes unique indexes in empty collections only")
	}
	in.indexes = append(in.indexes, x)
	return nil
}

// hinted reports whether there is the index that a hint names by its key.
func (in *collection) hinted(key bson.Raw) bool {
	return slices.ContainsFunc(in.indexes, func(x index) bool { return same(x.key, key) })
}

func (e *engine) listIndexes(c *command) (bson.D, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	in := e.collections[c.namespace()]
	if in == nil {
		return nil, fail(NamespaceNotFound, "ns does not exist: %s", c.namespace())
	}
	docs := bson.A{}
	for _, x := range in.indexes {
		docs = append(docs, x.spec())
	}
	return oneBatch(c.namespace(), docs), nil
}

func (e *engine) listCollections(c *command) (bson.D, error) {
	match, err := parseFilter(c.document("filter"))
	if err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	docs := bson.A{}
	for ns, in := range e.collections {
		name, ok := inDatabase(ns, c.db)
		if !ok {
			continue
		}
		doc, err := bson.Marshal(bson.D{
			{Key: "name", Value: name}, {Key: "type", Value: "collection"}, {Key: "options", Value: append(bson.D{}, in.options...)},
			{Key: "info", Value: bson.D{{Key: "readOnly", Value: false}}}, {Key: "idIndex", Value: in.indexes[0].spec()},
		})
		if err != nil {
			return nil, err
		}
		if ok, err := match.holds(doc); err != nil {
			return nil, err
		} else if ok {
			docs = append(docs, bson.Raw(doc))
		}
	}
	return oneBatch(c.db+".$cmd.listCollections", docs), nil
}

func (e *engine) dropDatabase(db string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for ns := range e.collections {
		if _, ok := inDatabase(ns, db); ok {
			delete(e.collections, ns)
		}
	}
}
