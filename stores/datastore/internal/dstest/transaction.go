package dstest

import (
	"context"
	"fmt"

	pb "cloud.google.com/go/datastore/apiv1/datastorepb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// transaction is open until it is committed, aborted or rolled back.
type transaction struct {
	number   int // later transactions have greater ones
	readOnly bool
	snapshot int64
	reads    map[*cell]bool
	answer   *pb.CommitResponse // once it is committed
	ended    bool
}

// begin opens a transaction. The mutex is held.
func (s *Server) begin(o *pb.TransactionOptions) (string, *transaction) {
	t := &transaction{number: len(s.txs) + 1, readOnly: o.GetReadOnly() != nil, snapshot: s.now, reads: map[*cell]bool{}}
	name := fmt.Sprint("tx", t.number)
	s.txs[name] = t
	return name, t
}

// end closes a transaction and lets go what it holds. The mutex is held.
func (s *Server) end(t *transaction) {
	t.ended = true
	for c := range t.reads {
		delete(c.readers, t)
	}
	s.released.Broadcast()
}

// BeginTransaction opens a transaction.
func (s *Server) BeginTransaction(_ context.Context, r *pb.BeginTransactionRequest) (*pb.BeginTransactionResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	name, _ := s.begin(r.GetTransactionOptions())
	return &pb.BeginTransactionResponse{Transaction: []byte(name)}, nil
}

// Rollback gives up a transaction.
func (s *Server) Rollback(_ context.Context, r *pb.RollbackRequest) (*pb.RollbackResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.txs[string(r.Transaction)]
	if t == nil || t.answer != nil {
		return nil, invalid("the transaction was committed or never begun")
	}
	s.end(t) // one that was aborted is let go once more
	return &pb.RollbackResponse{}, nil
}

// reading returns the transaction in which a call reads, or nil, and its name where the call begins it.
func (s *Server) reading(o *pb.ReadOptions) (begun []byte, t *transaction, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch c := o.GetConsistencyType().(type) {
	case nil:
	case *pb.ReadOptions_Transaction:
		if t = s.txs[string(c.Transaction)]; t == nil || t.ended {
			return nil, nil, invalid("the transaction is over or was never begun")
		}
	case *pb.ReadOptions_NewTransaction:
		name, tx := s.begin(c.NewTransaction)
		return []byte(name), tx, nil
	default:
		return nil, nil, status.Error(codes.Unimplemented, "read options")
	}
	return nil, t, nil
}

// look is a read of one cell, in a transaction unless t is nil. The mutex is held.
func (s *Server) look(c *cell, t *transaction) version {
	switch {
	case t == nil:
		return c.at(s.now)
	case t.readOnly:
		return c.at(t.snapshot)
	}
	t.reads[c] = true
	if s.options.Mode == Pessimistic {
		c.readers[t] = true
		return c.at(s.now)
	}
	return c.at(t.snapshot)
}
