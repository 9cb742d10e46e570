package apiauth_test

import (
	"encoding/json"
	"testing"

	"github.com/oneauth-go/oneauth/core/record"
)

// storedSecret finds the sealed secret of a signing key in its record.
func storedSecret(t testing.TB, r record.Record, kid string) []byte {
	t.Helper()
	var keys []struct {
		ID     string `json:"id"`
		Sealed []byte `json:"sealed"`
	}
	if err := json.Unmarshal([]byte(r.Row[0].Text()), &keys); err != nil {
		t.Fatal(err)
	}
	for _, k := range keys {
		if k.ID == kid {
			return k.Sealed
		}
	}
	t.Fatalf("signing key %s is not stored", kid)
	return nil
}
