package dstest

import (
	pb "cloud.google.com/go/datastore/apiv1/datastorepb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

const keyProperty = "__key__"

var equal, less, lessEq, greater, greaterEq = pb.PropertyFilter_EQUAL, pb.PropertyFilter_LESS_THAN,
	pb.PropertyFilter_LESS_THAN_OR_EQUAL, pb.PropertyFilter_GREATER_THAN, pb.PropertyFilter_GREATER_THAN_OR_EQUAL

var (
	errUnimplemented = status.Error(codes.Unimplemented, "a query of this form")
	errNoIndex       = status.Error(codes.FailedPrecondition, "no matching index found. a composite index is needed for this query")
)

// plan is a query that the built-in indexes serve.
type plan struct {
	table    tableKey
	filters  []*pb.PropertyFilter
	order    string // a property, keyProperty or "" for no order
	keysOnly bool
}

// planOf refuses a query that needs a composite index. According to the documentation the built-in ones are enough for
// equality filters together with inequality filters on keys, for inequality filters on one property, and for one sort
// order without filters. The ascending order of keys comes with the first and the second for nothing.
func planOf(r *pb.RunQueryRequest) (*plan, error) {
	q := r.GetQuery()
	if q == nil || len(q.Kind) != 1 || len(q.DistinctOn) > 0 || q.Offset != 0 || len(q.EndCursor) > 0 || len(q.Order) > 1 {
		return nil, errUnimplemented
	}
	p := &plan{table: tableKey{r.GetPartitionId().GetNamespaceId(), q.Kind[0].Name}}
	switch {
	case len(q.Projection) == 1 && q.Projection[0].Property.Name == keyProperty:
		p.keysOnly = true
	case len(q.Projection) > 0:
		return nil, errUnimplemented
	}
	if err := p.addFilter(q.Filter); err != nil {
		return nil, err
	}
	for _, o := range q.Order {
		if o.Direction == pb.PropertyOrder_DESCENDING {
			return nil, errUnimplemented
		}
		p.order = o.Property.Name
	}
	return p, p.check()
}

func (p *plan) addFilter(f *pb.Filter) error {
	switch f := f.GetFilterType().(type) {
	case nil:
		return nil
	case *pb.Filter_PropertyFilter:
		switch f.PropertyFilter.Op {
		case equal, less, lessEq, greater, greaterEq:
			p.filters = append(p.filters, f.PropertyFilter)
			return nil
		}
	case *pb.Filter_CompositeFilter:
		if f.CompositeFilter.Op != pb.CompositeFilter_AND {
			return errUnimplemented
		}
		for _, part := range f.CompositeFilter.Filters {
			if err := p.addFilter(part); err != nil {
				return err
			}
		}
		return nil
	}
	return errUnimplemented
}

func (p *plan) check() error {
	equalities, unequal := 0, map[string]bool{}
	for _, f := range p.filters {
		if name := f.Property.Name; f.Op != equal {
			unequal[name] = true
		} else if name != keyProperty {
			equalities++
		}
		if key := f.Value.GetKeyValue(); f.Property.Name == keyProperty {
			if key == nil || tableOf(key) != p.table && p.table.kind != namespaceKind {
				return invalid("a filter on keys by something else than a key of the same kind and namespace")
			}
			if p.table.kind != namespaceKind {
				if err := checkKey(key); err != nil {
					return err
				}
			}
		}
	}
	byKey := p.order == "" || p.order == keyProperty
	switch {
	case len(unequal) > 1:
		return errNoIndex
	case len(unequal) == 0 && len(p.filters) == 0:
		return nil // by whatever order
	case len(unequal) == 0 || unequal[keyProperty]:
		if !byKey {
			return errNoIndex
		}
		return nil
	case equalities > 0 || !unequal[p.order] && p.order != "":
		return errNoIndex
	}
	return nil
}
