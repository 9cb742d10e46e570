package storeproof_test

import (
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

func TestFailsClosed(t *testing.T) { storeproof.FailsClosed(t, harness()) }

func TestDumpSignsNobodyIn(t *testing.T) {
	records := &storeproof.Records{Backend: mem.New()}
	h := storetest.Harness{Open: func() (record.Backend, error) { return records, nil }}
	storeproof.DumpSignsNobodyIn(t, h, records.Dump)
}

func TestHostileValues(t *testing.T) { storeproof.HostileValues(t, harness()) }
