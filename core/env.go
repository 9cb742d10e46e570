package core

import (
	"crypto/rand"
	"io"
	"log/slog"
	"time"
)

// Env is where time, randomness and logging come from, so that a test can hold the clock. The zero value is filled
// with the real ones by New.
type Env struct {
	Now  func() time.Time // wall clock; default time.Now
	Rand io.Reader        // cryptographically secure; default crypto/rand.Reader
	Log  *slog.Logger     // default slog.Default()
}

func (e Env) withDefaults() Env {
	if e.Now == nil {
		e.Now = time.Now
	}
	if e.Rand == nil {
		e.Rand = rand.Reader
	}
	if e.Log == nil {
		e.Log = slog.Default()
	}
	return e
}
