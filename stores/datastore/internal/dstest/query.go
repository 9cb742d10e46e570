package dstest

import (
	"cmp"
	"context"
	"hash/fnv"
	"reflect"
	"slices"

	pb "cloud.google.com/go/datastore/apiv1/datastorepb"
	"google.golang.org/protobuf/proto"
)

const (
	namespaceKind = "__namespace__"
	maxBatch      = 40 // results in one answer
)

// position is where a result stands in its query, and what a cursor says.
type position struct {
	value *pb.Value // of the property that orders
	key   *pb.Key
}

type result struct {
	position
	version version
}

// RunQuery returns the next batch of a query's results.
func (s *Server) RunQuery(_ context.Context, r *pb.RunQueryRequest) (*pb.RunQueryResponse, error) {
	p, err := planOf(r)
	if err != nil {
		return nil, err
	}
	begun, t, err := s.reading(r.ReadOptions)
	if err != nil {
		return nil, err
	}
	results := s.results(p, t)
	if cursor := r.GetQuery().StartCursor; len(cursor) > 0 {
		from, err := decodeCursor(cursor)
		if err != nil {
			return nil, err
		}
		results = slices.DeleteFunc(results, func(r result) bool { return p.compare(r.position, from) <= 0 })
	}
	b := &pb.QueryResultBatch{EntityResultType: pb.EntityResult_FULL, MoreResults: pb.QueryResultBatch_NO_MORE_RESULTS}
	if p.keysOnly {
		b.EntityResultType = pb.EntityResult_KEY_ONLY
	}
	if limit := r.GetQuery().Limit; limit != nil && int(limit.Value) < len(results) {
		results = results[:limit.Value]
		b.MoreResults = pb.QueryResultBatch_MORE_RESULTS_AFTER_LIMIT
	}
	if len(results) > maxBatch {
		results = results[:maxBatch]
		b.MoreResults = pb.QueryResultBatch_NOT_FINISHED
	}
	b.EndCursor = r.GetQuery().StartCursor
	for _, r := range results {
		e := r.version.result()
		if p.keysOnly {
			e.Entity.Properties = nil
		}
		e.Cursor = r.encode()
		b.EntityResults, b.EndCursor = append(b.EntityResults, e), e.Cursor
	}
	return &pb.RunQueryResponse{Batch: b, Transaction: begun}, nil
}

// results returns all that a plan finds, in order. In a transaction that writes, what it finds is read.
func (s *Server) results(p *plan, t *transaction) []result {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []result
	if p.table.kind == namespaceKind {
		out = s.namespaces(p)
	}
	moment := s.now
	if t != nil && (t.readOnly || s.options.Mode == Optimistic) {
		moment = t.snapshot
	}
	for _, c := range s.tables[p.table] {
		v := c.at(moment)
		if v.entity == nil || !p.matches(v.entity) {
			continue
		}
		s.look(c, t)
		out = append(out, result{position{indexed(v.entity, p.order), v.entity.Key}, v})
	}
	slices.SortFunc(out, func(a, b result) int { return p.compare(a.position, b.position) })
	return out
}

// namespaces returns those that have entities, as entities of their own kind. The mutex is held.
func (s *Server) namespaces(p *plan) []result {
	seen := map[string]bool{}
	var out []result
	for at, cells := range s.tables {
		for _, c := range cells {
			if seen[at.namespace] || at.namespace == "" || c.at(s.now).entity == nil {
				continue
			}
			seen[at.namespace] = true
			e := &pb.Entity{Key: &pb.Key{PartitionId: &pb.PartitionId{}, Path: []*pb.Key_PathElement{
				{Kind: namespaceKind, IdType: &pb.Key_PathElement_Name{Name: at.namespace}}}}}
			if p.matches(e) {
				out = append(out, result{position{nil, e.Key}, version{s.now, e}})
			}
		}
	}
	return out
}

// matches reports whether e is in every index that the plan reads, and passes the filters.
func (p *plan) matches(e *pb.Entity) bool {
	if p.order != "" && p.order != keyProperty && indexed(e, p.order) == nil {
		return false
	}
	for _, f := range p.filters {
		c, comparable := 0, true
		if f.Property.Name == keyProperty {
			c = compareKeys(e.Key, f.Value.GetKeyValue())
		} else {
			c, comparable = compareValues(indexed(e, f.Property.Name), f.Value)
		}
		ok := f.Op == equal && c == 0 || f.Op == less && c < 0 || f.Op == lessEq && c <= 0 ||
			f.Op == greater && c > 0 || f.Op == greaterEq && c >= 0
		if !comparable || !ok {
			return false
		}
	}
	return true
}

// compare orders results as the plan says. Without an order they come as a hash has them, which is no order but the
// same one from batch to batch.
func (p *plan) compare(a, b position) int {
	switch p.order {
	case keyProperty:
		return compareKeys(a.key, b.key)
	case "":
		return cmp.Or(cmp.Compare(hash(a.key), hash(b.key)), compareKeys(a.key, b.key))
	}
	c, _ := compareValues(a.value, b.value)
	return cmp.Or(c, compareKeys(a.key, b.key))
}

func hash(k *pb.Key) uint32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(id(k)))
	return h.Sum32()
}

// indexed returns the value of a property, or nil where it is not in the index.
func indexed(e *pb.Entity, name string) *pb.Value {
	if v := e.Properties[name]; v != nil && !v.ExcludeFromIndexes {
		return v
	}
	return nil
}

// compareValues compares values of one type.
func compareValues(a, b *pb.Value) (c int, comparable bool) {
	if reflect.TypeOf(a.GetValueType()) != reflect.TypeOf(b.GetValueType()) {
		return 0, false
	}
	switch a.GetValueType().(type) {
	case *pb.Value_StringValue:
		return cmp.Compare(a.GetStringValue(), b.GetStringValue()), true
	case *pb.Value_IntegerValue:
		return cmp.Compare(a.GetIntegerValue(), b.GetIntegerValue()), true
	case *pb.Value_TimestampValue:
		return a.GetTimestampValue().AsTime().Compare(b.GetTimestampValue().AsTime()), true
	}
	return 0, false
}

func (at position) encode() []byte {
	list := &pb.ArrayValue{Values: []*pb.Value{{ValueType: &pb.Value_KeyValue{KeyValue: at.key}}}}
	if at.value != nil {
		list.Values = append(list.Values, at.value)
	}
	b, err := proto.Marshal(list)
	if err != nil {
		panic(err) // it was unmarshalled before
	}
	return b
}

func decodeCursor(b []byte) (position, error) {
	var list pb.ArrayValue
	if err := proto.Unmarshal(b, &list); err != nil || len(list.Values) == 0 || list.Values[0].GetKeyValue() == nil {
		return position{}, invalid("the cursor is not one")
	}
	at := position{key: list.Values[0].GetKeyValue()}
	if len(list.Values) > 1 {
		at.value = list.Values[1]
	}
	return at, nil
}
