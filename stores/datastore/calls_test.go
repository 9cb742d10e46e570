package datastore_test

import (
	"maps"
	"testing"

	"github.com/oneauth-go/oneauth/internal/population"
	"github.com/oneauth-go/oneauth/stores/datastore"
	"github.com/oneauth-go/oneauth/stores/datastore/internal/dstest"
)

// Calls of each operation of core, one after the other. docs/stores.md has them.
func TestCallsPerOperation(t *testing.T) {
	p := fake(t, dstest.Options{}, datastore.Shared)
	count := func() (n int) {
		for _, calls := range p.server.Calls() {
			n += calls
		}
		return n
	}
	want := map[string]int{"check": 1, "key": 2, "list": 1, "refresh": 4, "signin": 15, "signup": 4, "revoke": 7, "page": 1}
	if got := population.Make(t, p.open(t), 2).Costs(t, count); !maps.Equal(got, want) {
		t.Errorf("calls are %v, written down are %v", got, want)
	}
}
