package mongofake

import (
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// Action is what goes wrong with a command.
type Action uint8

const (
	DropBefore  Action = iota + 1 // the connection breaks, and the command is not run
	DropAfter                     // the command is run, and the connection breaks before the answer
	Refuse                        // the answer is the error Code; the command is not run, and its transaction is aborted
	Unconfirmed                   // the command is run, and the answer has the write concern error Code
	Hang                          // the answer comes when Release is closed; the command is run after that
)

// Fault makes commands fail.
type Fault struct {
	Command string        // its name
	In      string        // the collection it names; empty is any
	Action  Action        //
	Code    int32         // of Refuse and Unconfirmed
	Times   int           // how many commands fail; 0 is one
	Release chan struct{} // of Hang
}

// Inject makes the next commands fail that f is about. Faults are used in the order in which they were injected.
func (s *Server) Inject(f Fault) {
	f.Times = max(f.Times, 1)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &f)
}

// Pending says how many faults have not happened yet.
func (s *Server) Pending() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.faults {
		n += f.Times
	}
	return n
}

// due returns the fault for c, or nil, and tells the watcher.
func (s *Server) due(c *command) *Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.watch != nil {
		s.watch(Command{Name: c.name, DB: c.db, Body: c.body})
	}
	for i, f := range s.faults {
		if f.Command != c.name || f.In != "" && f.In != c.collection() {
			continue
		}
		if f.Times--; f.Times == 0 {
			s.faults = slices.Delete(s.faults, i, i+1)
		}
		return f
	}
	return nil
}

// runFaulty runs c as f has it.
func (s *Server) runFaulty(c *command, f *Fault) (bson.D, error) {
	switch f.Action {
	case DropBefore:
		return nil, errDrop
	case DropAfter:
		_ = s.run(c)
		return nil, errDrop
	case Refuse:
		if c.inTransaction() && f.Code != MaxTimeMSExpired {
			s.sessions.abort(s.engine, c)
		}
		return fail(f.Code, "injected").reply(c), nil
	case Unconfirmed:
		reply := append(s.run(c), bson.E{Key: "writeConcernError", Value: bson.D{
			{Key: "code", Value: f.Code}, {Key: "codeName", Value: codeNames[f.Code]}, {Key: "errmsg", Value: "injected"},
		}})
		if slices.Contains(retryable, f.Code) && f.Code != WriteConcernTimeout {
			reply = append(reply, bson.E{Key: "errorLabels", Value: bson.A{"RetryableWriteError"}})
		}
		return reply, nil
	case Hang:
		select {
		case <-f.Release:
		case <-s.engine.stop:
			return nil, errDrop
		}
	}
	return s.run(c), nil
}
