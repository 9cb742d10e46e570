package mongofake

import (
	"errors"
	"slices"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// command is a request to run.
type command struct {
	name, db  string
	body      bson.Raw
	documents map[string][]bson.Raw // the sequences, whether in the body or beside it
	lsid      string                // empty without a session
	txnNumber int64                 // -1 without
	multi     bool                  // belongs to a transaction: autocommit is false
	starts    bool                  // begins the transaction
	deadline  time.Time             // of maxTimeMS; zero is none
}

// fields are what a command may have beside what every command may have. Others are refused, as a server does.
var fields = map[string][]string{
	"hello": {"helloOk", "client", "compression", "loadBalanced", "speculativeAuthenticate", "saslSupportedMechs", "topologyVersion",
		"maxAwaitTimeMS", "backpressure"},
	"ping":              {},
	"insert":            {"documents", "ordered", "writeConcern"},
	"update":            {"updates", "ordered", "writeConcern"},
	"delete":            {"deletes", "ordered", "writeConcern"},
	"find":              {"filter", "sort", "projection", "limit", "batchSize", "singleBatch", "hint"},
	"getMore":           {"collection", "batchSize"},
	"killCursors":       {"cursors"},
	"create":            {"collation", "writeConcern"},
	"createIndexes":     {"indexes", "writeConcern"},
	"listIndexes":       {"cursor"},
	"listCollections":   {"filter", "cursor", "nameOnly", "authorizedCollections"},
	"dropDatabase":      {"writeConcern"},
	"commitTransaction": {"writeConcern"},
	"abortTransaction":  {"writeConcern"},
	"endSessions":       {},
}

// common are the fields that every command may have.
var common = []string{"$db", "lsid", "txnNumber", "autocommit", "startTransaction", "$clusterTime", "$readPreference", "maxTimeMS", "readConcern"}

// sequences are the fields of which a driver sends the documents beside the body.
var sequences = map[string]string{"insert": "documents", "update": "updates", "delete": "deletes"}

// answer runs what a message asks for.
func (s *Server) answer(m *message) (bson.D, error) {
	c, err := parseCommand(m)
	if err != nil {
		return asFailed(err).reply(&command{}), nil
	}
	if c.name == "hello" {
		return s.hello(), nil
	}
	if f := s.due(c); f != nil {
		return s.runFaulty(c, f)
	}
	return s.run(c), nil
}

func asFailed(err error) *failed {
	var f *failed
	if errors.As(err, &f) {
		return f
	}
	return fail(BadValue, "%v", err)
}

func parseCommand(m *message) (*command, error) {
	elements, err := m.body.Elements()
	if err != nil || len(elements) == 0 {
		return nil, fail(BadValue, "no command")
	}
	c := &command{name: elements[0].Key(), body: m.body, txnNumber: -1, documents: m.sequences}
	if c.name == "isMaster" || c.name == "ismaster" {
		c.name = "hello"
	}
	allowed, ok := fields[c.name]
	if !ok {
		return nil, fail(CommandNotSupported, "mongofake does not know the command %s", c.name)
	}
	for _, e := range elements[1:] {
		if name := e.Key(); !slices.Contains(allowed, name) && !slices.Contains(common, name) {
			return nil, fail(unknownField, "BSON field '%s.%s' is an unknown field.", c.name, name)
		}
		if err := c.set(e.Key(), e.Value()); err != nil {
			return nil, err
		}
	}
	if c.multi != (c.txnNumber >= 0 && c.has("autocommit")) || c.starts && !c.multi {
		return nil, fail(InvalidOptions, "txnNumber, autocommit and startTransaction do not fit each other")
	}
	return c, nil
}

// set takes over a field that all commands have, or a sequence in the body.
func (c *command) set(name string, v bson.RawValue) error {
	ok := true
	switch name {
	case "$db":
		c.db, ok = v.StringValueOK()
	case "lsid":
		var doc bson.Raw
		if doc, ok = v.DocumentOK(); ok {
			c.lsid = string(doc)
		}
	case "txnNumber":
		c.txnNumber, ok = v.Int64OK()
	case "autocommit":
		var auto bool
		auto, ok = v.BooleanOK()
		c.multi = !auto
	case "startTransaction":
		c.starts, ok = v.BooleanOK()
	case "maxTimeMS":
		var ms int64
		if ms, ok = v.AsInt64OK(); ok && ms > 0 {
			c.deadline = time.Now().Add(time.Duration(ms) * time.Millisecond)
		}
	case sequences[c.name]:
		return c.inline(name, v)
	}
	if !ok {
		return fail(BadValue, "field %s of %s is of type %s", name, c.name, v.Type)
	}
	return nil
}

// inline takes over a sequence that came in the body.
func (c *command) inline(name string, v bson.RawValue) error {
	array, ok := v.ArrayOK()
	if !ok {
		return fail(BadValue, "field %s of %s is no array", name, c.name)
	}
	values, err := array.Values()
	if err != nil {
		return err
	}
	if c.documents == nil {
		c.documents = map[string][]bson.Raw{}
	}
	for _, v := range values {
		doc, ok := v.DocumentOK()
		if !ok {
			return fail(BadValue, "field %s of %s holds what is no document", name, c.name)
		}
		c.documents[name] = append(c.documents[name], doc)
	}
	return nil
}

func (c *command) has(name string) bool { _, err := c.body.LookupErr(name); return err == nil }

func (c *command) inTransaction() bool { return c.multi }

// retryable reports whether c is a single write that the client may send again.
func (c *command) retryable() bool { return c.txnNumber >= 0 && !c.multi }

// collection is the name of the collection that the command names first, or "".
func (c *command) collection() string {
	name, _ := c.body.Lookup(c.name).StringValueOK()
	if c.name == "getMore" {
		name, _ = c.body.Lookup("collection").StringValueOK()
	}
	return name
}

// namespace is database and collection.
func (c *command) namespace() string { return c.db + "." + c.collection() }

func (c *command) document(name string) bson.Raw {
	doc, _ := c.body.Lookup(name).DocumentOK()
	return doc
}

func (c *command) integer(name string) int {
	n, _ := c.body.Lookup(name).AsInt64OK()
	return int(n)
}

// run runs c within its session and returns the answer.
func (s *Server) run(c *command) bson.D {
	reply, err := s.inSession(c)
	if err != nil {
		return asFailed(err).reply(c)
	}
	return append(reply, bson.E{Key: "ok", Value: 1.0})
}

// execute runs c in t, or on its own when t is nil. done remembers the statements of a write that may come again.
func (s *Server) execute(c *command, t *transaction, done statements) (bson.D, error) {
	switch c.name {
	case "ping":
		return bson.D{}, nil
	case "insert", "update", "delete":
		return s.engine.write(c, t, done)
	case "find":
		return s.find(c, t)
	case "getMore":
		return s.getMore(c, t)
	case "killCursors":
		return s.killCursors(c)
	case "endSessions":
		return s.endSessions(c)
	}
	if t != nil {
		return nil, fail(InvalidOptions, "mongofake does not run %s in a transaction", c.name)
	}
	switch c.name {
	case "create":
		return bson.D{}, s.engine.create(c)
	case "createIndexes":
		return s.engine.createIndexes(c)
	case "listIndexes":
		return s.engine.listIndexes(c)
	case "listCollections":
		return s.engine.listCollections(c)
	case "dropDatabase":
		s.engine.dropDatabase(c.db)
		return bson.D{}, nil
	}
	return nil, fail(CommandNotSupported, "mongofake does not run %s", c.name)
}

// oneBatch is the answer of commands that list something, as a cursor that is exhausted.
func oneBatch(ns string, docs bson.A) bson.D {
	return bson.D{{Key: "cursor", Value: bson.D{{Key: "id", Value: int64(0)}, {Key: "ns", Value: ns}, {Key: "firstBatch", Value: docs}}}}
}

// inDatabase reports whether a namespace belongs to a database.
func inDatabase(ns, db string) (collection string, ok bool) { return strings.CutPrefix(ns, db+".") }
