package dstest

import (
	"context"
	"time"

	pb "cloud.google.com/go/datastore/apiv1/datastorepb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// patience bounds how long a commit waits for the locks of others.
const patience = 2 * time.Second

var errContention = status.Error(codes.Aborted, "too much contention on these datastore entities. please try again.")

// write is a mutation that was checked.
type write struct {
	key     *pb.Key
	entity  *pb.Entity // nil deletes
	absent  bool       // there must be nothing
	present bool       // there must be something
}

// Commit applies the mutations of a transaction, all or none.
func (s *Server) Commit(_ context.Context, r *pb.CommitRequest) (*pb.CommitResponse, error) {
	if proto.Size(r) > maxRequest {
		return nil, invalid("the request has %d bytes, at most %d are allowed", proto.Size(r), maxRequest)
	}
	if r.Mode != pb.CommitRequest_TRANSACTIONAL || r.GetTransaction() == nil {
		return nil, status.Error(codes.Unimplemented, "commits without a transaction")
	}
	writes, err := checkMutations(r.Mutations)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.txs[string(r.GetTransaction())]
	switch {
	case t == nil:
		return nil, invalid("the transaction was never begun")
	case t.answer != nil:
		return s.recommit(t)
	case t.ended:
		return nil, invalid("the transaction is over")
	case t.readOnly && len(writes) > 0:
		return nil, invalid("the transaction is read-only")
	}
	defer s.end(t)
	if err := s.validate(t, writes); err != nil {
		return nil, err
	}
	return s.apply(t, writes)
}

// recommit answers a commit that was made before.
func (s *Server) recommit(t *transaction) (*pb.CommitResponse, error) {
	code := codes.InvalidArgument
	if s.options.Recommit != nil {
		code = s.options.Recommit()
	}
	if code == codes.OK {
		return t.answer, nil
	}
	return nil, status.Error(code, "the transaction was committed already")
}

// checkMutations also refuses two mutations of one entity, of which the service allows some.
func checkMutations(mutations []*pb.Mutation) ([]write, error) {
	var out []write
	seen := map[string]bool{}
	for _, m := range mutations {
		var w write
		var err error
		switch op := m.Operation.(type) {
		case *pb.Mutation_Insert:
			w.absent = true
			w.entity, err = checkEntity(op.Insert)
		case *pb.Mutation_Update:
			w.present = true
			w.entity, err = checkEntity(op.Update)
		case *pb.Mutation_Upsert:
			w.entity, err = checkEntity(op.Upsert)
		case *pb.Mutation_Delete:
			w.key, err = op.Delete, checkKey(op.Delete)
		default:
			err = status.Error(codes.Unimplemented, "mutation")
		}
		if err != nil {
			return nil, err
		}
		if w.entity != nil {
			w.key = w.entity.Key
		}
		if seen[id(w.key)] {
			return nil, invalid("two mutations of one entity")
		}
		seen[id(w.key)] = true
		out = append(out, w)
	}
	return out, nil
}

// validate makes sure that what t read is still so, or waits until nobody else has read what it writes. The mutex is held.
func (s *Server) validate(t *transaction, writes []write) error {
	if t.readOnly {
		return nil
	}
	if s.options.Mode == Pessimistic {
		return s.lock(t, writes)
	}
	for c := range t.reads {
		if c.changed() > t.snapshot {
			return errContention
		}
	}
	return nil
}

// lock waits for transactions that hold what t writes. Of two that wait for each other the later one is aborted. The mutex
// is held, and let go while waiting.
func (s *Server) lock(t *transaction, writes []write) error {
	expired := false
	timer := time.AfterFunc(patience, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		expired = true
		s.released.Broadcast()
	})
	defer timer.Stop()
	for {
		held := false
		for _, w := range writes {
			for other := range s.cell(w.key).readers {
				if other == t {
					continue
				}
				if held = true; other.number < t.number {
					return errContention
				}
			}
		}
		if !held {
			return nil
		}
		if expired {
			return errContention
		}
		s.released.Wait()
	}
}

// apply writes, or says which condition does not hold. The mutex is held.
func (s *Server) apply(t *transaction, writes []write) (*pb.CommitResponse, error) {
	for _, w := range writes {
		there := s.cell(w.key).at(s.now).entity != nil
		if w.absent && there {
			return nil, status.Errorf(codes.AlreadyExists, "entity already exists: %v", w.key)
		}
		if w.present && !there {
			return nil, status.Errorf(codes.NotFound, "no entity to update: %v", w.key)
		}
	}
	s.now++
	t.answer = &pb.CommitResponse{}
	for _, w := range writes {
		c := s.cell(w.key)
		c.versions = append(c.versions, version{s.now, w.entity})
		t.answer.MutationResults = append(t.answer.MutationResults, &pb.MutationResult{Version: s.now})
	}
	return t.answer, nil
}
