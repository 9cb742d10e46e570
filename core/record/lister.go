package record

import (
	"cmp"
	"context"
	"slices"
)

// Lister is a Backend that can say what it holds, so that a copy of it leaves nothing out. Whoever wants to list while others
// write sees at least what was there before the call.
type Lister interface {
	Backend

	// Tenants returns every tenant that has a record of any kind, ascending, each once. There may be some among them whose
	// records are all gone.
	Tenants(ctx context.Context) ([]string, error)

	// Kinds returns every kind that any process has prepared in the store, ascending by name, with all fields that any of
	// them declared. Versions and upgrades are not known to a store, and whether a field is a term need not be.
	Kinds(ctx context.Context) ([]Kind, error)
}

// Schema returns the kinds that the DB was opened with.
func (db *DB) Schema() Schema {
	s := Schema{Kinds: make([]*Kind, 0, len(db.kinds))}
	for _, k := range db.kinds {
		s.Kinds = append(s.Kinds, k)
	}
	slices.SortFunc(s.Kinds, func(a, b *Kind) int { return cmp.Compare(a.Name, b.Name) })
	return s
}
