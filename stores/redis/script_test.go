package redis_test

import (
	"bytes"
	"crypto/sha1"
	"encoding/hex"
	"os"
	"testing"
)

// isCommit reports whether a request runs the commit script.
func isCommit(t testing.TB) func(request []byte) bool {
	t.Helper()
	source, err := os.ReadFile("lua/commit.lua")
	if err != nil {
		t.Fatal(err)
	}
	sum := sha1.Sum(source)
	digest := []byte(hex.EncodeToString(sum[:]))
	return func(request []byte) bool { return bytes.Contains(request, digest) || bytes.Contains(request, source) }
}
