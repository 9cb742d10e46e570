package storeproof

import (
	"context"
	"testing"

	"github.com/oneauth-go/oneauth/core/record"
)

// Records is a backend that can list what it keeps, for a dump of a store whose own form is not easily taken apart.
type Records struct {
	record.Backend
	schema record.Schema
}

// Prepare notes the kinds.
func (r *Records) Prepare(ctx context.Context, s record.Schema) error {
	r.schema = s
	return r.Backend.Prepare(ctx, s)
}

// Dump returns the ids and the text and bytes in all records.
func (r *Records) Dump(t testing.TB) (all []string) {
	t.Helper()
	for _, tenant := range []string{record.System, "default"} {
		for _, k := range r.schema.Kinds {
			found, err := r.Find(t.Context(), record.Query{Tenant: tenant, Kind: k.Name, Limit: record.MaxPage})
			if err != nil {
				t.Fatal(err)
			}
			for _, one := range found {
				all = append(all, one.ID)
				for _, v := range one.Row {
					all = append(all, v.Text())
				}
			}
		}
	}
	return all
}
