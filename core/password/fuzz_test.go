package password_test

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/oneauth-go/oneauth/core/password"
)

// Whatever is stored, parsing neither panics nor accepts what is out of bounds, and every refusal is one of two errors.
func FuzzImportable(f *testing.F) {
	for _, v := range vectors {
		f.Add(v.phc)
	}
	f.Add("$argon2id$v=19$m=4294967295,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc")
	f.Add("$$$$$")
	f.Add("$pbkdf2-sha256$i=,l=$$")
	f.Fuzz(func(t *testing.T, phc string) {
		err := password.Importable(phc)
		if err != nil && !errors.Is(err, password.ErrBadHash) && !errors.Is(err, password.ErrUnknownScheme) {
			t.Errorf("%q: %v", phc, err)
		}
		if err == nil && len(phc) > 512 {
			t.Errorf("%d bytes are accepted", len(phc))
		}
	})
}

// Whatever is typed, hashing either refuses it or verifies exactly it.
func FuzzHash(f *testing.F) {
	h := cheap(f, password.Limits{})
	f.Add("correct horse battery staple")
	f.Add("\x00")
	f.Add("pa\u0308\ufb01")
	f.Add("\xff")
	f.Fuzz(func(t *testing.T, pw string) {
		phc, err := h.Hash(context.Background(), pw)
		if refused := pw == "" || len(pw) > password.MaxBytes || !utf8.ValidString(pw); refused != (err != nil) {
			t.Fatalf("%q: %v", pw, err)
		}
		if err != nil {
			return
		}
		if ok, rehash := verify(t, h, phc, pw); !ok || rehash {
			t.Errorf("%q: ok %v, rehash %v", pw, ok, rehash)
		}
		if len(pw) < password.MaxBytes {
			if ok, _ := verify(t, h, phc, pw+"x"); ok {
				t.Errorf("%q: one character more is accepted", pw)
			}
		}
	})
}

// A policy judges any input, without panic and without showing it.
func FuzzPolicy(f *testing.F) {
	f.Add("correct horse battery staple", "alice@example.com")
	f.Add(strings.Repeat("4@8({[<3691!|017$5+7%2", 5), "")
	f.Add("пароль-пароль-ﷺ", "\xff@")
	f.Fuzz(func(t *testing.T, pw, context string) {
		var refused *password.PolicyError
		err := password.DefaultPolicy().Check(pw, password.WithFactor, context)
		if err != nil && !errors.As(err, &refused) {
			t.Errorf("%q: %v", pw, err)
		}
		if s := password.Strength(pw, context); s.Score < 0 || s.Score > 4 || math.IsNaN(s.GuessesLog10) || s.GuessesLog10 < 0 {
			t.Errorf("%q: %+v", pw, s)
		}
	})
}
