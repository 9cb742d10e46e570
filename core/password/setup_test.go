package password_test

import (
	"context"
	"crypto/rand"
	"errors"
	"testing"

	"github.com/oneauth-go/oneauth/core/password"
)

// cheap returns a Hasher that costs next to nothing.
func cheap(t testing.TB, limits password.Limits) *password.Hasher {
	t.Helper()
	h, err := password.NewHasher(password.CheapParams(), limits, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func hash(t testing.TB, h *password.Hasher, pw string) string {
	t.Helper()
	phc, err := h.Hash(context.Background(), pw)
	if err != nil {
		t.Fatal(err)
	}
	return phc
}

// verify fails the test on an error.
func verify(t testing.TB, h *password.Hasher, phc, pw string) (ok, rehash bool) {
	t.Helper()
	ok, rehash, err := h.Verify(context.Background(), phc, pw)
	if err != nil {
		t.Fatalf("%.40s: %v", phc, err)
	}
	return ok, rehash
}

func wantErr(t testing.TB, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: got %v, want %v", what, err, want)
	}
}
