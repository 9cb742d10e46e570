package datastore_test

import (
	"testing"

	"github.com/oneauth-go/oneauth/core/record"
	"github.com/oneauth-go/oneauth/stores/storetest"
)

func TestConformance(t *testing.T) {
	for name, begin := range places(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Run(t, func(t *testing.T) storetest.Harness {
				p := begin(t)
				return storetest.Harness{Open: func() (record.Backend, error) { return p.open(t), nil }}
			})
		})
	}
}
