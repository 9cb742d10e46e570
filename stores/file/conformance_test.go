package file_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/oneauth-go/oneauth/core/record"
	"github.com/oneauth-go/oneauth/stores/file"
	"github.com/oneauth-go/oneauth/stores/storetest"
)

func TestConformance(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Harness {
		path := filepath.Join(t.TempDir(), "auth.db")
		return storetest.Harness{
			Open:   func() (record.Backend, error) { return file.Open(path, file.Options{LockTimeout: -time.Nanosecond}) },
			Single: true,
		}
	})
}
