package gormstore_test

import (
	"testing"

	"github.com/oneauth-go/oneauth/core/record"
	"github.com/oneauth-go/oneauth/stores/storetest"
)

// Every law holds on each of the databases. Instances have pools of their own, like processes.
func TestConformance(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		storetest.Run(t, func(t *testing.T) storetest.Harness {
			d, _ := place(t, d.name)
			return storetest.Harness{Open: func() (record.Backend, error) { return d.store(t, d.open(t)), nil }}
		})
	})
}
