package record

import (
	"encoding/json"
	"slices"
	"testing"
)

// FuzzStrings: the short way of storing lists agrees with encoding/json in both directions.
func FuzzStrings(f *testing.F) {
	f.Add("read", "write", `["a","b"]`)
	f.Add("", `"`, `[""]`)
	f.Add("\\", "\u2028", `["a" , "b"]`)
	f.Add("a\",\"b", "<", `["a\",\"b"]`)
	f.Fuzz(func(t *testing.T, x, y, text string) {
		list := []string{x, y}
		encoded, fault := encodeStrings(list)
		if fault == "" {
			var want []string
			if err := json.Unmarshal([]byte(encoded), &want); err != nil || !slices.Equal(want, list) {
				t.Fatalf("%q became %s (%v)", list, encoded, err)
			}
			got, err := decodeStrings(encoded)
			if err != nil || !slices.Equal(got, list) {
				t.Fatalf("%s became %q (%v)", encoded, got, err)
			}
		}
		var want []string
		wantErr := json.Unmarshal([]byte(text), &want)
		got, err := decodeStrings(text)
		if (err == nil) != (wantErr == nil) || err == nil && !slices.Equal(got, want) {
			t.Fatalf("%q became %q (%v), encoding/json says %q (%v)", text, got, err, want, wantErr)
		}
	})
}
