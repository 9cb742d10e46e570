package storeproof_test

import (
	"context"
	"testing"

	"github.com/oneauth-go/oneauth/core/record"
	"github.com/oneauth-go/oneauth/internal/storeproof"
	"github.com/oneauth-go/oneauth/stores/mem"
	"github.com/oneauth-go/oneauth/stores/storetest"
)

// harness is a store in memory.
func harness() storetest.Harness {
	data := mem.New()
	return storetest.Harness{Open: func() (record.Backend, error) { return data.Again(), nil }}
}

func TestOneWinner(t *testing.T) { storeproof.OneWinner(t, harness()) }

func TestDumpSignsNobodyIn(t *testing.T) {
	h := harness()
	seen := &recorder{}
	storeproof.DumpSignsNobodyIn(t, storetest.Harness{Open: func() (record.Backend, error) {
		b, err := h.Open()
		seen.Backend = b
		return seen, err
	}}, seen.dump)
}

// recorder knows the kinds of what is kept.
type recorder struct {
	record.Backend
	schema record.Schema
}

func (r *recorder) Prepare(ctx context.Context, s record.Schema) error {
	r.schema = s
	return r.Backend.Prepare(ctx, s)
}

func (r *recorder) dump(t testing.TB) (all []string) {
	for _, tenant := range []string{record.System, "default"} {
		for _, k := range r.schema.Kinds {
			found, err := r.Find(t.Context(), record.Query{Tenant: tenant, Kind: k.Name, Limit: 1000})
			if err != nil {
				t.Fatal(err)
			}
			for _, rec := range found {
				all = append(all, rec.ID)
				for _, v := range rec.Row {
					all = append(all, v.Text())
				}
			}
		}
	}
	return all
}

func TestFailsClosed(t *testing.T) { storeproof.FailsClosed(t, harness()) }
