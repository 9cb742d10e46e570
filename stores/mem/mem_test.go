package mem_test

import (
	"testing"

	"github.com/oneauth-go/oneauth/core/record"
	"github.com/oneauth-go/oneauth/stores/mem"
	"github.com/oneauth-go/oneauth/stores/storetest"
)

func TestConformance(t *testing.T) {
	storetest.Run(t, func(*testing.T) storetest.Harness {
		root := mem.New()
		return storetest.Harness{Open: func() (record.Backend, error) { return root.Again(), nil }}
	})
}
