package mongofake

import (
	"sync"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// sessions are the logical sessions of all clients.
type sessions struct {
	mu   sync.Mutex
	byID map[string]*session
}

// session is checked out by one operation at a time.
type session struct {
	mu        sync.Mutex
	txnNumber int64
	open      *transaction // of txnNumber, or nil
	committed bool         // the transaction of txnNumber was
	done      statements   // of the retryable write with txnNumber
}

// statements are the results of the statements of a retryable write that wrote, by position.
type statements map[int]result

func (ss *sessions) get(lsid string) *session {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	if ss.byID[lsid] == nil {
		ss.byID[lsid] = &session{txnNumber: -1}
	}
	return ss.byID[lsid]
}

// inSession runs c in its session, if it has one.
func (s *Server) inSession(c *command) (bson.D, error) {
	if c.lsid == "" || c.txnNumber < 0 {
		return s.execute(c, nil, nil)
	}
	if s.role == Standalone {
		return nil, fail(20, "Transaction numbers are only allowed on a replica set member or mongos")
	}
	sn := s.sessions.get(c.lsid)
	sn.mu.Lock()
	defer sn.mu.Unlock()
	if c.txnNumber < sn.txnNumber {
		return nil, fail(TransactionTooOld, "txnNumber %d is less than %d, seen in this session", c.txnNumber, sn.txnNumber)
	}
	if !c.multi {
		if c.txnNumber > sn.txnNumber {
			sn.renew(s.engine, c.txnNumber)
		}
		return s.execute(c, nil, sn.done)
	}
	return s.inTransaction(c, sn)
}

// renew begins a new number. A transaction that is still open is aborted.
func (sn *session) renew(e *engine, number int64) {
	if sn.open != nil {
		e.abort(sn.open)
	}
	sn.txnNumber, sn.open, sn.committed, sn.done = number, nil, false, statements{}
}

// inTransaction runs a statement of a transaction, or ends it. Any error aborts the transaction.
func (s *Server) inTransaction(c *command, sn *session) (bson.D, error) {
	if c.starts {
		if c.txnNumber == sn.txnNumber {
			return nil, fail(NoSuchTransaction, "transaction %d was started before", c.txnNumber)
		}
		sn.renew(s.engine, c.txnNumber)
		sn.open = s.engine.begin()
	}
	if err := c.validConcerns(); err != nil {
		return nil, err
	}
	if c.txnNumber != sn.txnNumber {
		return nil, fail(NoSuchTransaction, "Given transaction number %d does not match any in-progress transactions.", c.txnNumber)
	}
	switch c.name {
	case "commitTransaction":
		return bson.D{}, sn.commit(s.engine)
	case "abortTransaction":
		if sn.open == nil {
			return nil, fail(NoSuchTransaction, "Transaction %d has been aborted or committed.", c.txnNumber)
		}
		s.engine.abort(sn.open)
		sn.open = nil
		return bson.D{}, nil
	}
	if sn.open == nil || s.engine.over(sn.open) {
		return nil, fail(NoSuchTransaction, "Transaction %d has been aborted.", c.txnNumber)
	}
	reply, err := s.execute(c, sn.open, nil)
	if err != nil || has(reply, "writeErrors") {
		s.engine.abort(sn.open)
		sn.open = nil
	}
	return reply, err
}

// validConcerns refuses concerns in statements where a server refuses them.
func (c *command) validConcerns() error {
	ending := c.name == "commitTransaction" || c.name == "abortTransaction"
	switch {
	case c.has("writeConcern") && !ending:
		return fail(InvalidOptions, "writeConcern is not allowed within a multi-statement transaction")
	case c.has("readConcern") && !c.starts:
		return fail(InvalidOptions, "only the first command in a transaction may have a readConcern")
	}
	return nil
}

// commit commits the open transaction. One that was committed before is committed.
func (sn *session) commit(e *engine) error {
	switch {
	case sn.committed:
		return nil
	case sn.open == nil || !e.commit(sn.open):
		return fail(NoSuchTransaction, "Transaction %d has been aborted.", sn.txnNumber)
	}
	sn.open, sn.committed = nil, true
	return nil
}

// abort aborts the transaction that c belongs to, as a failover does.
func (ss *sessions) abort(e *engine, c *command) {
	sn := ss.get(c.lsid)
	sn.mu.Lock()
	defer sn.mu.Unlock()
	if c.starts {
		sn.renew(e, c.txnNumber)
	}
	if sn.open != nil && sn.txnNumber == c.txnNumber {
		e.abort(sn.open)
		sn.open = nil
	}
}

// endSessions ends sessions, and aborts what is open in them.
func (s *Server) endSessions(c *command) (bson.D, error) {
	array, ok := c.body.Lookup("endSessions").ArrayOK()
	if !ok {
		return nil, fail(BadValue, "endSessions names no sessions")
	}
	ids, err := array.Values()
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		doc, _ := id.DocumentOK()
		s.sessions.mu.Lock()
		sn := s.sessions.byID[string(doc)]
		delete(s.sessions.byID, string(doc))
		s.sessions.mu.Unlock()
		if sn != nil {
			sn.mu.Lock()
			sn.renew(s.engine, sn.txnNumber)
			sn.mu.Unlock()
		}
	}
	return bson.D{}, nil
}

func has(d bson.D, name string) bool {
	for _, e := range d {
		if e.Key == name {
			return true
		}
	}
	return false
}
