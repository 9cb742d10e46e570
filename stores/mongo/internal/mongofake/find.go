package mongofake

import (
	"slices"
	"sync"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// cursors are the queries that have more to give.
type cursors struct {
	mu   sync.Mutex
	last int64
	byID map[int64]*cursor
}

// cursor is the rest of a query. Outside a transaction it is no snapshot: documents are read again when they are fetched.
type cursor struct {
	ns      string
	query   query
	pending []match
	t       *transaction
}

// query is a find.
type query struct {
	filter     filter
	sort       bson.D
	projection bson.D
}

const defaultBatch = 101

func (s *Server) find(c *command, t *transaction) (bson.D, error) {
	q, err := parseQuery(c)
	if err != nil {
		return nil, err
	}
	e := s.engine
	e.mu.Lock()
	defer e.mu.Unlock()
	in := e.collections[c.namespace()]
	if hint := c.document("hint"); hint != nil && in != nil && !in.hinted(hint) {
		return nil, fail(BadValue, "error processing query: hint provided does not correspond to an existing index")
	}
	found, err := in.matches(q.filter, t)
	if err != nil {
		return nil, err
	}
	if found, err = q.sorted(found); err != nil {
		return nil, err
	}
	if limit := c.integer("limit"); limit > 0 {
		found = found[:min(limit, len(found))]
	}
	size := defaultBatch
	if c.has("batchSize") {
		size = c.integer("batchSize")
	}
	rest := &cursor{ns: c.namespace(), query: q, pending: found, t: t}
	docs, err := rest.batch(size)
	if err != nil {
		return nil, err
	}
	return bson.D{{Key: "cursor", Value: bson.D{
		{Key: "id", Value: s.cursors.keep(rest)}, {Key: "ns", Value: rest.ns}, {Key: "firstBatch", Value: docs},
	}}}, nil
}

func parseQuery(c *command) (q query, err error) {
	if level, ok := c.document("readConcern").Lookup("level").StringValueOK(); ok {
		if !slices.Contains([]string{"local", "majority", "snapshot"}, level) {
			return q, fail(InvalidOptions, "mongofake does not know the read concern %s", level)
		}
	}
	if q.filter, err = parseFilter(c.document("filter")); err != nil {
		return q, err
	}
	for name, into := range map[string]*bson.D{"sort": &q.sort, "projection": &q.projection} {
		if doc := c.document(name); doc != nil {
			if err := bson.Unmarshal(doc, into); err != nil {
				return q, err
			}
		}
	}
	for _, e := range q.projection {
		if !same(e.Value, int32(1)) {
			return q, fail(BadValue, "mongofake projects by inclusion only")
		}
	}
	return q, nil
}

// sorted returns what was found in the order of the query; without one in no particular order.
func (q query) sorted(found []match) ([]match, error) {
	var failure error
	slices.SortStableFunc(found, func(a, b match) int {
		for _, key := range q.sort {
			n, err := compare(fieldOf(a.doc, key.Key), fieldOf(b.doc, key.Key))
			if err != nil {
				failure = err
			}
			if !same(key.Value, int32(1)) {
				n = -n
			}
			if n != 0 {
				return n
			}
		}
		return 0
	})
	return found, failure
}

func fieldOf(doc bson.Raw, name string) bson.RawValue {
	if v, err := doc.LookupErr(name); err == nil {
		return v
	}
	return bson.RawValue{Type: bson.TypeNull}
}

// batch takes the next documents of a cursor, at most n and at most 16 MB. The engine's lock is held.
func (cu *cursor) batch(n int) (bson.A, error) {
	docs, size := bson.A{}, 0
	for len(cu.pending) > 0 && len(docs) < n && size < 16<<20 {
		m := cu.pending[0]
		cu.pending = cu.pending[1:]
		doc := m.ch.read(cu.t)
		if doc == nil {
			continue
		}
		if ok, err := cu.query.filter.holds(doc); err != nil {
			return nil, err
		} else if !ok {
			continue
		}
		size += len(doc)
		docs = append(docs, cu.query.project(doc))
	}
	return docs, nil
}

func (q query) project(doc bson.Raw) any {
	if q.projection == nil {
		return doc
	}
	out := bson.D{{Key: "_id", Value: doc.Lookup("_id")}}
	for _, e := range q.projection {
		if v, err := doc.LookupErr(e.Key); err == nil && e.Key != "_id" {
			out = append(out, bson.E{Key: e.Key, Value: v})
		}
	}
	return out
}

// keep remembers a cursor that has more to give, and returns its id; 0 is none.
func (cs *cursors) keep(cu *cursor) int64 {
	if len(cu.pending) == 0 {
		return 0
	}
	cs.mu.Lock()
	defer cs.mu.Unlock()
	cs.last++
	cs.byID[cs.last] = cu
	return cs.last
}

func (s *Server) getMore(c *command, t *transaction) (bson.D, error) {
	id, ok := c.body.Lookup("getMore").Int64OK()
	s.cursors.mu.Lock()
	cu := s.cursors.byID[id]
	s.cursors.mu.Unlock()
	if !ok || cu == nil || cu.ns != c.namespace() || cu.t != t {
		return nil, fail(43, "cursor id %d not found", id)
	}
	size := defaultBatch
	if c.has("batchSize") {
		size = c.integer("batchSize")
	}
	s.engine.mu.Lock()
	docs, err := cu.batch(size)
	s.engine.mu.Unlock()
	if err != nil {
		return nil, err
	}
	if len(cu.pending) == 0 {
		s.cursors.drop(id)
		id = 0
	}
	return bson.D{{Key: "cursor", Value: bson.D{{Key: "id", Value: id}, {Key: "ns", Value: cu.ns}, {Key: "nextBatch", Value: docs}}}}, nil
}

func (cs *cursors) drop(id int64) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	delete(cs.byID, id)
}

func (s *Server) killCursors(c *command) (bson.D, error) {
	array, ok := c.body.Lookup("cursors").ArrayOK()
	if !ok {
		return nil, fail(BadValue, "killCursors names no cursors")
	}
	ids, err := array.Values()
	if err != nil {
		return nil, err
	}
	killed := bson.A{}
	for _, v := range ids {
		if id, ok := v.Int64OK(); ok {
			s.cursors.drop(id)
			killed = append(killed, id)
		}
	}
	return bson.D{{Key: "cursorsKilled", Value: killed}, {Key: "cursorsNotFound", Value: bson.A{}}, {Key: "cursorsAlive", Value: bson.A{}},
		{Key: "cursorsUnknown", Value: bson.A{}}}, nil
}
