package core

import (
	"bytes"
	"testing"
)

// What encodes ids and keys reads back what it wrote, and nothing else.

func FuzzBase58(f *testing.F) {
	f.Add([]byte{}, "1")
	f.Add([]byte{0, 0, 1}, "zzzzzzzzzzzzzzzzz")
	f.Add(bytes.Repeat([]byte{0xff}, keyIDBytes), "11111111111111111")
	f.Fuzz(func(t *testing.T, b []byte, s string) {
		var id [keyIDBytes]byte
		copy(id[:], b)
		text := encode58(id[:], keyIDDigits)
		if back, ok := decode58(text, keyIDBytes); !ok || !bytes.Equal(back, id[:]) || len(text) != keyIDDigits {
			t.Errorf("%x became %q and then %x", id, text, back)
		}
		if len(s) == keyIDDigits {
			if raw, ok := decode58(s, keyIDBytes); ok && encode58(raw, keyIDDigits) != s {
				t.Errorf("%q decodes, but is not what is encoded", s)
			}
		}
	})
}

func FuzzKeyText(f *testing.F) {
	f.Add(make([]byte, 44), "oak_")
	f.Fuzz(func(t *testing.T, b []byte, s string) {
		var raw [keyIDBytes + keySecretBytes]byte
		copy(raw[:], b)
		id, secret := encode58(raw[:keyIDBytes], keyIDDigits), raw[keyIDBytes:]
		gotID, got, ok := parseKey(keyText(id, secret))
		if !ok || gotID != id || !bytes.Equal(got, secret) {
			t.Errorf("key of %x is read as %s %x", raw, gotID, got)
		}
		if id, secret, ok := parseKey(s); ok && keyText(id, secret) != s {
			t.Errorf("%q is read, but is not what is written", s)
		}
	})
}

func FuzzID(f *testing.F) {
	f.Add(make([]byte, 16), "7zzzzzzzzzzzzzzzzzzzzzzzzz")
	f.Add(bytes.Repeat([]byte{0xff}, 16), "8zzzzzzzzzzzzzzzzzzzzzzzzz")
	f.Fuzz(func(t *testing.T, b []byte, s string) {
		var raw [16]byte
		copy(raw[:], b)
		if back, ok := decodeID(encodeID(raw)); !ok || back != raw {
			t.Errorf("%x became %x", raw, back)
		}
		if raw, ok := decodeID(s); ok && encodeID(raw) != s {
			t.Errorf("%q decodes, but is not what is encoded", s)
		}
	})
}

// Ids sort as their bytes do, which begin with the time.
func TestIDsSortByTime(t *testing.T) {
	if a, b := encodeID([16]byte{5: 1}), encodeID([16]byte{5: 2}); a >= b || len(a) != 26 {
		t.Errorf("%q is not before %q", a, b)
	}
}

func TestClipNeverSplitsACharacter(t *testing.T) {
	for in, want := range map[string]string{"abc": "abc", "ab\x00c": "abc", "aéé": "aé", "\xff": "\uFFFD", "日本": "日", "a\x1b[31m": "a[31"} {
		if got := clip(in, 4); got != want {
			t.Errorf("clip(%q) = %q, want %q", in, got, want)
		}
	}
}
