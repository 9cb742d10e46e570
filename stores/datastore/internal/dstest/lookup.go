package dstest

import (
	"context"
	"runtime"

	pb "cloud.google.com/go/datastore/apiv1/datastorepb"
	"google.golang.org/protobuf/proto"
)

const (
	maxLookup   = 1000    // keys in a lookup
	maxResponse = 1 << 20 // bytes after which keys are deferred
)

// Lookup reads keys one after the other, each at a moment of its own unless it is in a transaction, and now and then leaves
// the rest for another call.
func (s *Server) Lookup(_ context.Context, r *pb.LookupRequest) (*pb.LookupResponse, error) {
	if len(r.Keys) > maxLookup {
		return nil, invalid("a lookup of %d keys", len(r.Keys))
	}
	seen := map[string]bool{}
	for _, k := range r.Keys {
		if err := checkKey(k); err != nil {
			return nil, err
		}
		if seen[id(k)] {
			return nil, invalid("a key is named twice")
		}
		seen[id(k)] = true
	}
	begun, t, err := s.reading(r.ReadOptions)
	if err != nil {
		return nil, err
	}
	out := &pb.LookupResponse{Transaction: begun}
	size := 0
	for i, k := range r.Keys {
		if i > 0 && (size > maxResponse || s.dice(16)) {
			out.Deferred = r.Keys[i:]
			break
		}
		s.mu.Lock()
		v := s.look(s.cell(k), t)
		s.mu.Unlock()
		if v.entity != nil {
			out.Found = append(out.Found, v.result())
			size += proto.Size(v.entity)
		} else {
			out.Missing = append(out.Missing, &pb.EntityResult{Entity: &pb.Entity{Key: k}, Version: v.at})
		}
		runtime.Gosched() // others come between
	}
	return out, nil
}

// dice is true once in n times.
func (s *Server) dice(n int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rand.IntN(n) == 0
}
