package file_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/oneauth-go/oneauth/core/record"
	"github.com/oneauth-go/oneauth/internal/storeproof"
	"github.com/oneauth-go/oneauth/stores/file"
	"github.com/oneauth-go/oneauth/stores/storetest"
)

// application is a file for an application, and the harness of it.
func application(t *testing.T) (path string, h storetest.Harness) {
	path = filepath.Join(t.TempDir(), "auth.db")
	return path, storetest.Harness{
		Open:   func() (record.Backend, error) { return file.Open(path, file.Options{}) },
		Single: true,
	}
}

func TestOneWinner(t *testing.T) {
	_, h := application(t)
	storeproof.OneWinner(t, h)
}

func TestA30HostileValues(t *testing.T) {
	_, h := application(t)
	storeproof.HostileValues(t, h)
}

func TestA24FailsClosed(t *testing.T) {
	_, h := application(t)
	storeproof.FailsClosed(t, h)
}

// The dump is every record, and the whole file, free pages and all.
func TestA32Dump(t *testing.T) {
	path, h := application(t)
	records := &storeproof.Records{}
	h.Open = func() (b record.Backend, err error) {
		records.Backend, err = file.Open(path, file.Options{})
		return records, err
	}
	storeproof.DumpSignsNobodyIn(t, h, func(t testing.TB) []string {
		whole, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return append(records.Dump(t), string(whole))
	})
}
