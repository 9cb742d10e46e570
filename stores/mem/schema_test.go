package mem_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/oneauth-go/oneauth/core/record"
	"github.com/oneauth-go/oneauth/stores/mem"
)

func thing(fields ...record.Field) record.Schema {
	return record.Schema{Kinds: []*record.Kind{{Name: "thing", Version: 1, Fields: fields}}}
}

func TestPrepareRefusesAnotherTypeInTheSamePlace(t *testing.T) {
	s := mem.New()
	if err := s.Prepare(t.Context(), thing(record.Field{Name: "n", Type: record.Int})); err != nil {
		t.Fatal(err)
	}
	for _, f := range []record.Field{{Name: "n", Type: record.String}, {Name: "m", Type: record.Int}} {
		err := s.Again().Prepare(t.Context(), thing(f))
		if err == nil || !strings.Contains(err.Error(), "kind thing: field 1") {
			t.Errorf("%v in the place of an int n: %v", f, err)
		}
	}
}

func TestUnpreparedKindsAndTermsAreErrors(t *testing.T) {
	s := mem.New()
	op := record.Op{Record: record.Record{Key: record.Key{Tenant: "t", Kind: "thing", ID: "a"}, Rev: 1}, Verb: record.Put}
	if err := s.Commit(t.Context(), []record.Op{op}); err == nil {
		t.Error("commit of an unknown kind is not refused")
	}
	if _, err := s.Find(t.Context(), record.Query{Tenant: "t", Kind: "thing", Limit: 1}); err == nil {
		t.Error("find in an unknown kind is not refused")
	}
	if err := s.Prepare(t.Context(), thing(record.Field{Name: "n", Type: record.Int})); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Find(t.Context(), record.Query{Tenant: "t", Kind: "thing", Term: "n", Value: "1", Limit: 1}); err == nil {
		t.Error("find by what is no term is not refused")
	}
}

func TestClosedHandle(t *testing.T) {
	s := mem.New()
	other := s.Again()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Get(context.Background()); !errors.Is(err, record.ErrClosed) {
		t.Errorf("Get after Close: %v", err)
	}
	if err := s.Close(); !errors.Is(err, record.ErrClosed) {
		t.Errorf("Close after Close: %v", err)
	}
	if _, err := other.Sweep(t.Context(), time.Now(), 1); err != nil {
		t.Errorf("the other handle: %v", err)
	}
}
