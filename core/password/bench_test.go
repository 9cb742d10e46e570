package password_test

import (
	"context"
	"crypto/rand"
	"strings"
	"testing"

	"github.com/oneauth-go/oneauth/core/password"
)

func BenchmarkVerify(b *testing.B) {
	h, err := password.NewHasher(password.DefaultParams(), password.Limits{}, rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	phc := hash(b, h, "correct horse battery staple")
	for b.Loop() {
		if ok, _ := verify(b, h, phc, "correct horse battery staple"); !ok {
			b.Fatal("not accepted")
		}
	}
}

// BenchmarkVerifyParallel is logins per core under load, with the collections that keep memory bounded.
func BenchmarkVerifyParallel(b *testing.B) {
	h, err := password.NewHasher(password.DefaultParams(), password.Limits{}, rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	b.SetParallelism(50)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := h.VerifyDummy(context.Background(), "pw"); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

func BenchmarkRefuse64KiB(b *testing.B) {
	h := cheap(b, password.Limits{})
	phc, long := hash(b, h, "pw"), strings.Repeat("a", 64<<10)
	for b.Loop() {
		_, _, _ = h.Verify(context.Background(), phc, long)
	}
}

func BenchmarkPolicyCheck(b *testing.B) {
	p := password.DefaultPolicy()
	for name, pw := range map[string]string{
		"passphrase":    "purple-otter-sings-at-dawn",
		"1024-leet":     strings.Repeat("4@8({[<3691!|017$5+7%2", 50)[:1024],
		"1024-keyboard": strings.Repeat("qwerty12/12/1990asdfgh", 50)[:1024],
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				_ = p.Check(pw, password.Alone, "alice@example.com")
			}
		})
	}
}
