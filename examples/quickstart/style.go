package main

import (
	"crypto/sha256"
	"encoding/base64"
	"strings"
)

// styleHash lets the page's own style element through its Content-Security-Policy, and no other.
var styleHash = func() string {
	_, rest, _ := strings.Cut(homeHTML, "<style>")
	style, _, _ := strings.Cut(rest, "</style>")
	sum := sha256.Sum256([]byte(style))
	return base64.StdEncoding.EncodeToString(sum[:])
}()
