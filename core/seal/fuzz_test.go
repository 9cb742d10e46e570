package seal_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/oneauth-go/oneauth/core/seal"
)

// Nothing but what Seal returned opens, and nothing panics.
func FuzzOpen(f *testing.F) {
	k, err := seal.New(strings.NewReader("a nonce that every worker shares"), secret('a'), secret('b'))
	if err != nil {
		f.Fatal(err)
	}
	sealed, err := k.Seal([]byte("plaintext"), "record", "field")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(sealed, "record", "field")
	f.Add(sealed[:9], "record", "field")
	f.Add([]byte{}, "", "")
	f.Add([]byte{1}, "recordf", "ield")
	f.Fuzz(func(t *testing.T, blob []byte, record, field string) {
		k.NeedsReseal(blob)
		if _, err := k.Open(blob, record, field); err == nil &&
			(!bytes.Equal(blob, sealed) || record != "record" || field != "field") {
			t.Errorf("opened %x for %q, %q", blob, record, field)
		}
	})
}
