package password_test

import (
	"context"
	"crypto/rand"
	"errors"
	"math"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/oneauth-go/oneauth/core/password"
)

func TestHashAndVerify(t *testing.T) {
	h := cheap(t, password.Limits{})
	phc := hash(t, h, "correct horse battery staple")
	if !strings.HasPrefix(phc, "$argon2id$v=19$m=64,t=1,p=1$") {
		t.Errorf("not a PHC string: %s", phc)
	}
	if ok, rehash := verify(t, h, phc, "correct horse battery staple"); !ok || rehash {
		t.Errorf("ok %v, rehash %v", ok, rehash)
	}
	for _, wrong := range []string{"", "correct horse battery stapl", "correct horse battery staple ", "Correct horse battery staple"} {
		if ok, _ := verify(t, h, phc, wrong); ok {
			t.Errorf("%q was accepted", wrong)
		}
	}
	if phc == hash(t, h, "correct horse battery staple") {
		t.Error("two hashes share a salt")
	}
}

func TestDefaultParameters(t *testing.T) {
	h, err := password.NewHasher(password.DefaultParams(), password.Limits{}, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if phc := hash(t, h, "pw"); !strings.HasPrefix(phc, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Error(phc)
	}
}

// Every byte matters: nothing is truncated, at no length and after no NUL.
func TestNothingIsTruncated(t *testing.T) {
	h := cheap(t, password.Limits{})
	long := strings.Repeat("a", password.MaxBytes-1)
	phc := hash(t, h, long+"b")
	if ok, _ := verify(t, h, phc, long+"b"); !ok {
		t.Error("1,024 bytes are not accepted")
	}
	for _, wrong := range []string{long + "c", long, long[:72]} {
		if ok, _ := verify(t, h, phc, wrong); ok {
			t.Errorf("another password of %d bytes was accepted", len(wrong))
		}
	}
	phc = hash(t, h, "pass\x00word")
	for pw, want := range map[string]bool{"pass\x00word": true, "pass": false, "pass\x00": false, "pass\x00work": false} {
		if ok, _ := verify(t, h, phc, pw); ok != want {
			t.Errorf("%q: %v", pw, ok)
		}
	}
}

// One password typed composed, decomposed or in compatibility forms is one password (NFKC).
func TestUnicodeFormsAreOnePassword(t *testing.T) {
	h := cheap(t, password.Limits{})
	forms := []string{"p\u00e4ssw\u00f6rt fi", "pa\u0308sswo\u0308rt fi", "p\u00e4ssw\u00f6rt \ufb01", "\uff50\u00e4ssw\u00f6rt fi"}
	for _, made := range forms {
		phc := hash(t, h, made)
		for _, typed := range forms {
			if ok, rehash := verify(t, h, phc, typed); !ok || rehash {
				t.Errorf("made from %+q, typed %+q: ok %v, rehash %v", made, typed, ok, rehash)
			}
		}
		if ok, _ := verify(t, h, phc, "passwort fi"); ok {
			t.Error("the accent does not matter")
		}
	}
}

// Refusals come before any work: the hash named here is malformed, and with a full queue even parsing it is not reached.
func TestRefusedBeforeAnyWork(t *testing.T) {
	ctx := context.Background()
	h := cheap(t, password.Limits{})
	phc := hash(t, h, "pw")
	for name, c := range map[string]struct {
		pw   string
		want error
	}{
		"1,025 bytes":      {strings.Repeat("a", password.MaxBytes+1), password.ErrTooLong},
		"64 KiB":           {strings.Repeat("a", 64<<10), password.ErrTooLong},
		"64 KiB, not UTF8": {strings.Repeat("\xff", 64<<10), password.ErrTooLong},
		"invalid UTF-8":    {"pass\xffword", password.ErrNotUTF8},
		"surrogate":        {"pass\xed\xa0\x80", password.ErrNotUTF8},
	} {
		_, err := h.Hash(ctx, c.pw)
		wantErr(t, name+": Hash", err, c.want)
		_, _, err = h.Verify(ctx, phc, c.pw)
		wantErr(t, name+": Verify", err, c.want)
		_, _, err = h.Verify(ctx, "not a hash", c.pw)
		wantErr(t, name+": Verify of nonsense", err, c.want)
		wantErr(t, name+": VerifyDummy", h.VerifyDummy(ctx, c.pw), c.want)
	}
	_, err := h.Hash(ctx, "")
	wantErr(t, "empty", err, password.ErrEmpty)
}

func TestTooLongPasswordCostsNoMoreThanARefusal(t *testing.T) {
	h := cheap(t, password.Limits{})
	phc, long := hash(t, h, "pw"), strings.Repeat("a", 64<<10)
	allocs := testing.AllocsPerRun(100, func() {
		_, _, _ = h.Verify(context.Background(), phc, long)
		_, _ = h.Hash(context.Background(), long)
	})
	if allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}

func TestRehashWhenParametersDiffer(t *testing.T) {
	old := hash(t, cheap(t, password.Limits{}), "pw")
	h, err := password.NewHasher(password.DefaultParams(), password.Limits{}, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if ok, rehash := verify(t, h, old, "pw"); !ok || !rehash {
		t.Errorf("weaker than now: ok %v, rehash %v", ok, rehash)
	}
	if ok, rehash := verify(t, h, old, "wrong"); ok || rehash {
		t.Errorf("wrong password: ok %v, rehash %v", ok, rehash)
	}
	if _, rehash := verify(t, h, hash(t, h, "pw"), "pw"); rehash {
		t.Error("a fresh hash wants rehashing")
	}
	if ok, rehash := verify(t, h, "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$AAAAAAAAAAAAAAAAAAAAAA", "pw"); ok || rehash {
		t.Errorf("an all-zero hash: ok %v, rehash %v", ok, rehash)
	}
}

func TestParametersAreValidated(t *testing.T) {
	for name, p := range map[string]password.Params{
		"zero":                 {},
		"cheap without opt-in": {MemoryKiB: 64, Passes: 1, Parallelism: 1},
		"19 MiB, one pass":     {MemoryKiB: 19 * 1024, Passes: 1, Parallelism: 1},
		"no lanes":             {MemoryKiB: 19 * 1024, Passes: 2},
		"too many lanes":       {MemoryKiB: 19 * 1024, Passes: 2, Parallelism: 255},
		"4 TiB":                {MemoryKiB: math.MaxUint32, Passes: 2, Parallelism: 1},
		"forever":              {MemoryKiB: 19 * 1024, Passes: math.MaxUint32, Parallelism: 1},
		"257 MiB":              {MemoryKiB: 257 << 10, Passes: 1, Parallelism: 1},
	} {
		h, err := password.NewHasher(p, password.Limits{}, rand.Reader)
		if err == nil || h != nil || !strings.Contains(err.Error(), "Params") {
			t.Errorf("%s: %v", name, err)
		}
	}
	altered := password.CheapParams()
	altered.MemoryKiB = 128
	if altered.Validate() == nil {
		t.Error("altered CheapParams are accepted")
	}
	for _, p := range []password.Params{
		password.DefaultParams(), {MemoryKiB: 46 * 1024, Passes: 1, Parallelism: 1}, {MemoryKiB: 7 * 1024, Passes: 5, Parallelism: 1},
		{MemoryKiB: 64 * 1024, Passes: 3, Parallelism: 4},
	} {
		if err := p.Validate(); err != nil {
			t.Errorf("%+v: %v", p, err)
		}
	}
	for _, l := range []password.Limits{{Slots: -1}, {Queue: -1}} {
		if _, err := password.NewHasher(password.DefaultParams(), l, rand.Reader); err == nil {
			t.Errorf("%+v is accepted", l)
		}
	}
	if _, err := password.NewHasher(password.DefaultParams(), password.Limits{}, nil); err == nil {
		t.Error("no randomness is accepted")
	}
}

func TestFailingRandomnessFailsClosed(t *testing.T) {
	failure := errors.New("no entropy")
	h, err := password.NewHasher(password.CheapParams(), password.Limits{}, iotest.ErrReader(failure))
	if err != nil {
		t.Fatal(err)
	}
	phc, err := h.Hash(context.Background(), "pw")
	if phc != "" {
		t.Errorf("hashed without a salt: %s", phc)
	}
	wantErr(t, "Hash", err, failure)
}

// An unusable stored hash is an error, never "wrong password".
func TestUnusableStoredHashIsAnError(t *testing.T) {
	h := cheap(t, password.Limits{})
	const salt, key = "c29tZXNhbHQ", "CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	for phc, want := range map[string]error{
		"":                            password.ErrUnknownScheme,
		"$":                           password.ErrUnknownScheme,
		"secret":                      password.ErrUnknownScheme,
		"5f4dcc3b5aa765d61d8327deb88": password.ErrUnknownScheme,
		"$1$salt$hash":                password.ErrUnknownScheme,
		"$argon2i$v=19$m=64,t=1,p=1$" + salt + "$" + key:                              password.ErrUnknownScheme,
		"$2x$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW":                password.ErrUnknownScheme,
		"pbkdf2_sha1$1000$seasalt$q7Q=":                                               password.ErrUnknownScheme,
		"$argon2id$":                                                                  password.ErrBadHash,
		"$argon2id$m=64,t=1,p=1$" + salt + "$" + key:                                  password.ErrBadHash,
		"$argon2id$v=16$m=64,t=1,p=1$" + salt + "$" + key:                             password.ErrBadHash,
		"$argon2id$v=19$m=64,t=1$" + salt + "$" + key:                                 password.ErrBadHash,
		"$argon2id$v=19$t=1,m=64,p=1$" + salt + "$" + key:                             password.ErrBadHash,
		"$argon2id$v=19$m=064,t=1,p=1$" + salt + "$" + key:                            password.ErrBadHash,
		"$argon2id$v=19$m=64,t=0,p=1$" + salt + "$" + key:                             password.ErrBadHash,
		"$argon2id$v=19$m=64,t=1,p=0$" + salt + "$" + key:                             password.ErrBadHash,
		"$argon2id$v=19$m=64,t=-1,p=1$" + salt + "$" + key:                            password.ErrBadHash,
		"$argon2id$v=19$m=7,t=1,p=1$" + salt + "$" + key:                              password.ErrBadHash,
		"$argon2id$v=19$m=64,t=1,p=1,keyid=AAAA$" + salt + "$" + key:                  password.ErrBadHash,
		"$argon2id$v=19$m=64,t=1,p=1$" + salt + "=$" + key:                            password.ErrBadHash,
		"$argon2id$v=19$m=64,t=1,p=1$" + salt + "$":                                   password.ErrBadHash,
		"$argon2id$v=19$m=64,t=1,p=1$" + salt + "$" + key + "$":                       password.ErrBadHash,
		"$argon2id$v=19$m=64,t=1,p=1$" + salt + "$" + strings.Repeat("A", 400):        password.ErrBadHash,
		"$argon2id$v=19$m=64,t=1,p=1$" + salt + "$AAAA":                               password.ErrBadHash,
		"$argon2id$v=19$m=64,t=1,p=1$AAAA$" + key:                                     password.ErrBadHash,
		strings.Repeat("$argon2id", 1<<20):                                            password.ErrBadHash,
		"$2b$10$short":                                                                password.ErrBadHash,
		"$2b$03$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW":                password.ErrBadHash,
		"$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOe!":                password.ErrBadHash,
		"$scrypt$r=8,ln=10,p=1$" + salt + "$" + key:                                   password.ErrBadHash,
		"$pbkdf2-sha256$0$" + salt + "$" + key:                                        password.ErrBadHash,
		"$pbkdf2-sha256$i=10,l=31$" + salt + "$" + key:                                password.ErrBadHash,
		"pbkdf2_sha256$10$" + salt + "$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc":   password.ErrBadHash,
		"pbkdf2_sha256$10$a$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc=":             password.ErrBadHash,
		"pbkdf2_sha256$10$" + salt + "$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc=$": password.ErrBadHash,
	} {
		ok, rehash, err := h.Verify(context.Background(), phc, "password")
		if ok || rehash {
			t.Errorf("%.60q: ok %v, rehash %v", phc, ok, rehash)
		}
		wantErr(t, phc[:min(len(phc), 60)], err, want)
		wantErr(t, "Importable "+phc[:min(len(phc), 60)], password.Importable(phc), want)
		if err != nil && strings.Contains(err.Error(), key) {
			t.Error("the error repeats the hash")
		}
	}
}

// Whoever can write one row of the store cannot exhaust the memory or the time of the process.
func TestHostileStoredHashCostsNothing(t *testing.T) {
	const rest = "$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	for _, phc := range []string{
		"$argon2id$v=19$m=4294967295,t=1,p=1" + rest, "$argon2id$v=19$m=2147483647,t=1,p=1" + rest,
		"$argon2id$v=19$m=1048576,t=1,p=1" + rest, "$argon2id$v=19$m=64,t=2147483647,p=1" + rest,
		"$argon2id$v=19$m=262144,t=5,p=1" + rest, "$argon2id$v=19$m=65536,t=1,p=255" + rest, "$argon2id$v=19$m=65536,t=1,p=256" + rest,
		"$scrypt$ln=63,r=8,p=1" + rest, "$scrypt$ln=31,r=1,p=1" + rest, "$scrypt$ln=20,r=8,p=1" + rest,
		"$scrypt$ln=14,r=8,p=2147483647" + rest, "$scrypt$ln=17,r=8,p=32" + rest, "$scrypt$ln=1,r=1073741824,p=1" + rest,
		"$pbkdf2-sha256$i=2147483647" + rest, "$pbkdf2-sha512$5000001" + rest, "pbkdf2_sha256$5000001$salt$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc=",
		"$2b$31$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "$2b$16$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
	} {
		_, _, err := cheap(t, password.Limits{}).Verify(context.Background(), phc, "password")
		wantErr(t, phc, err, password.ErrBadHash)
	}
}
