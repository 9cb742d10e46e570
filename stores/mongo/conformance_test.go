package mongo_test

import (
	"testing"

	"github.com/oneauth-go/oneauth/core/record"
	"github.com/oneauth-go/oneauth/stores/storetest"
)

func TestConformance(t *testing.T) {
	onEach(t, func(t *testing.T, uri string) {
		storetest.Run(t, func(t *testing.T) storetest.Harness {
			name := freshName(t, uri)
			return storetest.Harness{Open: func() (record.Backend, error) { return open(t, uri, name) }}
		})
	})
}
