package dstest

import (
	pb "cloud.google.com/go/datastore/apiv1/datastorepb"
	"google.golang.org/protobuf/proto"
)

// cell is all that was ever stored under a key.
type cell struct {
	versions []version
	readers  map[*transaction]bool // that hold it locked, in the pessimistic mode
}

// version is an entity from a commit on; nil where it was deleted.
type version struct {
	at     int64
	entity *pb.Entity
}

// cell returns the cell of a key, made when there is none. The mutex is held.
func (s *Server) cell(k *pb.Key) *cell {
	t := s.tables[tableOf(k)]
	if t == nil {
		t = map[string]*cell{}
		s.tables[tableOf(k)] = t
	}
	c := t[id(k)]
	if c == nil {
		c = &cell{readers: map[*transaction]bool{}}
		t[id(k)] = c
	}
	return c
}

// at returns what was stored at a moment, and since when.
func (c *cell) at(moment int64) version {
	for i := len(c.versions) - 1; i >= 0; i-- {
		if c.versions[i].at <= moment {
			return c.versions[i]
		}
	}
	return version{}
}

// changed returns when the cell was last written.
func (c *cell) changed() int64 {
	if len(c.versions) == 0 {
		return 0
	}
	return c.versions[len(c.versions)-1].at
}

// result is a stored entity as an answer has it.
func (v version) result() *pb.EntityResult {
	return &pb.EntityResult{Entity: proto.Clone(v.entity).(*pb.Entity), Version: v.at}
}

// Count returns how many entities of a kind there are, in all namespaces.
func (s *Server) Count(kind string) int {
	n := 0
	for _, e := range s.Entities() {
		if e.Key.Path[0].Kind == kind {
			n++
		}
	}
	return n
}

// Entities returns a copy of everything that is stored: a dump.
func (s *Server) Entities() []*pb.Entity {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []*pb.Entity
	for _, table := range s.tables {
		for _, c := range table {
			if v := c.at(s.now); v.entity != nil {
				out = append(out, v.result().Entity)
			}
		}
	}
	return out
}
