package population_test

import (
	"testing"

	"github.com/oneauth-go/oneauth/core/record"
	"github.com/oneauth-go/oneauth/internal/population"
	"github.com/oneauth-go/oneauth/stores/mem"
)

// The others have as many rows of each kind as those whom core has made, and those can do everything that is measured.
func TestPeople(t *testing.T) {
	store := mem.New()
	people := population.Make(t, store, 12)
	kinds := map[string]int{}
	people.Load(t, 100, func(records []record.Record) error {
		for _, r := range records {
			kinds[r.Kind]++
			if err := store.Commit(t.Context(), []record.Op{{Record: r, Verb: record.Put}}); err != nil {
				return err
			}
		}
		return nil
	})
	want := map[string]int{"account": 88, "user": 88, "identity": 88, "password": 88, "session": 176, "api_key": 88}
	for kind, n := range kinds {
		if n != want[kind] {
			t.Errorf("%d rows of %s, want %d", n, kind, want[kind])
		}
	}
	if len(kinds) != len(want) {
		t.Errorf("kinds are %v", kinds)
	}
	costs := people.Costs(t, func() int { return 0 })
	small, reported := population.Make(t, mem.New(), 12), 0
	population.Measure(t, []*population.People{small, population.Make(t, mem.New(), 12)}, func(ns float64, unit string) {
		if reported++; ns <= 0 {
			t.Errorf("%s is %v", unit, ns)
		}
	})
	if n := len(population.Operations); reported != 2*n || len(costs) != n {
		t.Errorf("%d figures, %d costs, want %d of each", reported, len(costs), n)
	}
}
