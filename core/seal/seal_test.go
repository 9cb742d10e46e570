package seal_test

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/oneauth-go/oneauth/core/seal"
)

// secret returns a master secret that is not uniform, different for each letter.
func secret(letter byte) []byte {
	s := bytes.Repeat([]byte{letter}, seal.MinSecretBytes)
	s[0] = 'x'
	return s
}

func keyring(t testing.TB, current []byte, old ...[]byte) *seal.Keyring {
	t.Helper()
	k, err := seal.New(rand.Reader, current, old...)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestSealOpen(t *testing.T) {
	k := keyring(t, secret('a'))
	for _, plaintext := range [][]byte{nil, []byte("x"), bytes.Repeat([]byte("long"), 1<<16)} {
		blob, err := k.Seal(plaintext, "key", "1", "private")
		if err != nil {
			t.Fatal(err)
		}
		if len(blob) != len(plaintext)+seal.Overhead {
			t.Errorf("%d bytes became %d", len(plaintext), len(blob))
		}
		if len(plaintext) > 8 && bytes.Contains(blob, plaintext[:8]) {
			t.Error("the blob shows its plaintext")
		}
		got, err := k.Open(blob, "key", "1", "private")
		if err != nil || !bytes.Equal(got, plaintext) {
			t.Errorf("opened %d bytes, %v", len(got), err)
		}
	}
}

func TestSealingTwiceGivesDifferentBlobs(t *testing.T) {
	k := keyring(t, secret('a'))
	seen := make(map[string]bool)
	for range 1000 {
		blob, err := k.Seal([]byte("same"), "field")
		if err != nil || seen[string(blob)] {
			t.Fatalf("seen before, or %v", err)
		}
		seen[string(blob)] = true
	}
}

func TestEveryFlippedBitIsRefused(t *testing.T) {
	k := keyring(t, secret('a'), secret('b'))
	blob, _ := k.Seal([]byte("plaintext"), "field")
	for i := range blob {
		for bit := range 8 {
			bad := bytes.Clone(blob)
			bad[i] ^= 1 << bit
			if _, err := k.Open(bad, "field"); !errors.Is(err, seal.ErrCorrupt) && !errors.Is(err, seal.ErrUnknownKey) {
				t.Fatalf("byte %d, bit %d flipped: %v", i, bit, err)
			}
		}
	}
	for n := range blob {
		if _, err := k.Open(blob[:n], "field"); !errors.Is(err, seal.ErrCorrupt) {
			t.Fatalf("cut to %d bytes: %v", n, err)
		}
	}
	if _, err := k.Open(append(bytes.Clone(blob), 0), "field"); !errors.Is(err, seal.ErrCorrupt) {
		t.Fatalf("one byte more: %v", err)
	}
}

// The key id in the header is authenticated: naming another key of the ring does not open a blob.
func TestKeyIDSwapIsRefused(t *testing.T) {
	k := keyring(t, secret('a'), secret('b'))
	of := func(k *seal.Keyring) []byte { b, _ := k.Seal([]byte("p")); return b }
	blob, other := of(k), of(keyring(t, secret('b')))
	copy(blob[1:9], other[1:9])
	if _, err := k.Open(blob); !errors.Is(err, seal.ErrCorrupt) {
		t.Fatal(err)
	}
}

func TestBlobOpensOnlyWhereItBelongs(t *testing.T) {
	k := keyring(t, secret('a'))
	blob, _ := k.Seal([]byte("plaintext"), "ab", "c")
	for _, bind := range [][]string{
		nil, {""}, {"ab"}, {"a", "bc"}, {"abc"}, {"ab", "c", ""}, {"", "ab", "c"}, {"c", "ab"}, {"ab", "C"}, {"ab\x00c"},
		{"ab\x00\x00\x00\x00\x00\x00\x00\x01c"},
	} {
		if _, err := k.Open(blob, bind...); !errors.Is(err, seal.ErrCorrupt) {
			t.Errorf("opened with %q: %v", bind, err)
		}
	}
}

func TestRotation(t *testing.T) {
	before := keyring(t, secret('a'))
	during := keyring(t, secret('b'), secret('a'))
	after := keyring(t, secret('b'))

	blob, _ := before.Seal([]byte("plaintext"), "field")
	if before.NeedsReseal(blob) || !during.NeedsReseal(blob) {
		t.Error("NeedsReseal does not tell the current key from the old one")
	}
	if got, err := during.Open(blob, "field"); err != nil || string(got) != "plaintext" {
		t.Errorf("an old secret does not open: %v", err)
	}
	if _, err := after.Open(blob, "field"); !errors.Is(err, seal.ErrUnknownKey) {
		t.Errorf("a dropped secret: %v", err)
	}
	if _, err := during.Reseal(blob, "other field"); !errors.Is(err, seal.ErrCorrupt) {
		t.Errorf("resealed for another field: %v", err)
	}
	resealed, err := during.Reseal(blob, "field")
	if err != nil || during.NeedsReseal(resealed) {
		t.Fatalf("Reseal: %v", err)
	}
	if got, err := after.Open(resealed, "field"); err != nil || string(got) != "plaintext" {
		t.Errorf("resealed blob: %q, %v", got, err)
	}
	if _, err := after.Reseal(blob, "field"); !errors.Is(err, seal.ErrUnknownKey) {
		t.Errorf("resealed without the old secret: %v", err)
	}
}

func TestSubkeys(t *testing.T) {
	during := keyring(t, secret('b'), secret('a'))
	before := keyring(t, secret('a'))
	a, b := during.Subkey("refresh"), during.Subkey("codes")
	if a == b || a == ([seal.SubkeyBytes]byte{}) {
		t.Error("two uses share a key")
	}
	if a != during.Subkey("refresh") {
		t.Error("a subkey changes from call to call")
	}
	all := during.Subkeys("refresh")
	if len(all) != 2 || all[0] != a || all[1] != before.Subkey("refresh") {
		t.Error("Subkeys is not current, then old")
	}
}

// Derivation is part of the stored format: were it to change, nothing stored could be opened again.
func TestDerivationIsStable(t *testing.T) {
	k := keyring(t, secret('a'))
	subkey := k.Subkey("use")
	blob, _ := hex.DecodeString(goldenBlob)
	opened, err := k.Open(blob, "record", "field")
	if k.KeyID() != goldenKeyID || hex.EncodeToString(subkey[:]) != goldenSubkey || err != nil || string(opened) != "plaintext" {
		t.Errorf("key id %s, subkey %x, opened %q, %v", k.KeyID(), subkey, opened, err)
	}
}

func TestKeyIDIsNotDerivedBySubkey(t *testing.T) {
	k := keyring(t, secret('a'))
	for _, use := range []string{"", "oneauth seal v1", "oneauth key id v1"} {
		subkey := k.Subkey(use)
		if strings.HasPrefix(hex.EncodeToString(subkey[:]), k.KeyID()) {
			t.Errorf("the subkey %q begins with the key id", use)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	good := secret('a')
	for name, make := range map[string]func() (*seal.Keyring, error){
		"no randomness":       func() (*seal.Keyring, error) { return seal.New(nil, good) },
		"no secret":           func() (*seal.Keyring, error) { return seal.New(rand.Reader, nil) },
		"31 bytes":            func() (*seal.Keyring, error) { return seal.New(rand.Reader, good[:31]) },
		"old secret short":    func() (*seal.Keyring, error) { return seal.New(rand.Reader, good, []byte("short")) },
		"same secret twice":   func() (*seal.Keyring, error) { return seal.New(rand.Reader, good, secret('b'), good) },
		"buffer never filled": func() (*seal.Keyring, error) { return seal.New(rand.Reader, bytes.Repeat([]byte{0}, 32)) },
	} {
		k, err := make()
		if err == nil || k != nil {
			t.Errorf("%s: accepted", name)
		} else if strings.Contains(err.Error(), string(good[:8])) {
			t.Errorf("%s: the error shows the secret", name)
		}
	}
}

func TestNewCopiesSecrets(t *testing.T) {
	s := secret('a')
	k := keyring(t, s)
	before := k.Subkey("use")
	clear(s)
	if k.Subkey("use") != before {
		t.Error("the keyring shares memory with its caller")
	}
}

func TestFailingRandomnessFailsClosed(t *testing.T) {
	k, err := seal.New(iotest.ErrReader(errors.New("no entropy")), secret('a'))
	if err != nil {
		t.Fatal(err)
	}
	if blob, err := k.Seal([]byte("plaintext")); err == nil || blob != nil {
		t.Errorf("sealed without randomness: %x, %v", blob, err)
	}
	if _, err := seal.New(strings.NewReader("short"), secret('a')); err != nil {
		t.Fatal(err)
	}
}
