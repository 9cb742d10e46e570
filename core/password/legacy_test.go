package password_test

import (
	"context"
	"encoding/base64"
	"strings"
	"testing"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/bcrypt"

	"github.com/oneauth-go/oneauth/core/password"
)

// Published vectors and hashes made by other systems.
//
// RFC 9106 section 5.3 has a secret and associated data, which golang.org/x/crypto/argon2 does not offer and OneAuth does
// not use; the vectors of the reference implementation without them stand in for it.
var vectors = []struct{ name, phc, password string }{
	{"argon2 reference, m=65536", "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc", "password"},
	{"argon2 reference, m=256", "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4", "password"},
	{"argon2 reference, p=2", "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc", "password"},
	{"bcrypt 2a", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*U"},
	{"bcrypt 2b", "$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*U"},
	{"bcrypt 2y", "$2y$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*U"},
	{"bcrypt, longer", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK", "U*U*"},
	{"RFC 7914 section 12, N=1024, p=16", "$scrypt$ln=10,r=8,p=16$TmFDbA$/bq+HJ00cgB4VucZDQHp/nxq18vII3gw53N2Y0s3MWIurzDZLiKjiG/xCSedmDDaxyevuUqD7m2DYMvfoswGQA", "password"},
	{"RFC 7914 section 12, N=16384", "$scrypt$ln=14,r=8,p=1$U29kaXVtQ2hsb3JpZGU$cCO9yzr9c0hGHAbNgf046/2o+7qQT44+qbVD9lRdofLVQylVYT8Pz2LUlwUkKpr55h6F3A1lHkDfzwF7RVdYhw", "pleaseletmein"},
	{"scrypt of passlib", "$scrypt$ln=16,r=8,p=1$aM15713r3Xsvxbi31lqr1Q$nFNh2CVHVjNldFVKDHDlm4CbdRSCdEBsjjJxD+iCs5E", "password"},
	{"RFC 7914 section 11, c=1", "$pbkdf2-sha256$i=1$c2FsdA$VawEblbjCJ/sFpHCJUS2BflBhSFt3gRl5oudV8INrLxJypzM8Xm2RZkWZLOdd+8xfHG4RbHjC9UJESBB06GXgw", "passwd"},
	{"RFC 7914 section 11, c=80000", "$pbkdf2-sha256$i=80000,l=64$TmFDbA$TdzY9guYviGDDO5e8icB+WQaRBjQTAQUrv8Ih2s0q1ah1CWhIlgzVJrbhBtRybMXaicr3ruh0HhHj2Kzl/M8jQ", "Password"},
	{"PBKDF2-HMAC-SHA512", "$pbkdf2-sha512$i=1$c2FsdA$hn9wzxreAs/zdSWZo6U9xK80x6ZpgVrl1RNVThyM8lLALUcKKFoFAbrZmb/pQ8CPBQI119aLHaVeY/c7YKV/zg", "password"},
	{"PBKDF2 of passlib", "$pbkdf2-sha256$8000$XAuBMIYQQogxRg$tRRlz8hYn63B9LYiCd6PRo6FMiunY9ozmMMI3srxeRE", "password"},
	{"PBKDF2 of passlib, dots for plus", "$pbkdf2-sha512$1$c2FsdA$hn9wzxreAs/zdSWZo6U9xK80x6ZpgVrl1RNVThyM8lLALUcKKFoFAbrZmb/pQ8CPBQI119aLHaVeY/c7YKV/zg", "password"},
	{"PBKDF2 of Django, SHA-256", "pbkdf2_sha256$1000$seasalt$JgZryXe2Ga8ysg6XbzkLpTdyPQrHqsinbL9BnnhgX4A=", "lètmein"},
	{"PBKDF2 of Django, SHA-512", "pbkdf2_sha512$1000$seasalt$MvpYzRb9t8IHUO1U7cCcGPfI+JLcFRBOUbkty+vHmXzMoGO3EGn5ZDxFwkkOHVT55Elz3Qczs2+FNpDKUjv/RA==", "lètmein"},
}

func TestVectors(t *testing.T) {
	h := cheap(t, password.Limits{})
	for _, v := range vectors {
		if err := password.Importable(v.phc); err != nil {
			t.Errorf("%s: not importable: %v", v.name, err)
		}
		if ok, rehash := verify(t, h, v.phc, v.password); !ok || !rehash {
			t.Errorf("%s: ok %v, rehash %v", v.name, ok, rehash)
		}
		for _, wrong := range []string{"", v.password + "x", v.password + "\x00", strings.ToUpper(v.password) + "?"} {
			if ok, rehash := verify(t, h, v.phc, wrong); ok || rehash {
				t.Errorf("%s: %q was accepted", v.name, wrong)
			}
		}
	}
}

func TestBase64OfPasslibHasDotsForPlus(t *testing.T) {
	dotted := strings.ReplaceAll("$pbkdf2-sha256$i=1$c2FsdA$VawEblbjCJ/sFpHCJUS2BflBhSFt3gRl5oudV8INrLxJypzM8Xm2RZkWZLOdd+8xfHG4RbHjC9UJESBB06GXgw", "+", ".")
	dotted = strings.Replace(dotted, "i=", "", 1)
	if ok, _ := verify(t, cheap(t, password.Limits{}), dotted, "passwd"); !ok || !strings.Contains(dotted, ".") {
		t.Errorf("not accepted: %s", dotted)
	}
}

// Another system hashed the bytes as they came: those are tried first, then the NFKC form.
func TestImportedHashesOfEitherForm(t *testing.T) {
	const (
		fromNFD = "$pbkdf2-sha256$i=10$c2FsdHNhbHQ$9Qgswcq3g/q9IlDBY2mLabaAANWSoqtSi1SmBx6/y78"
		fromNFC = "$pbkdf2-sha256$i=10$c2FsdHNhbHQ$MfBKAUHJU95oY5O+8xscJbDuCnkwr5SeZlZ4Dr9sU9U"
		nfd     = "pa\u0308sswort-lang"
		nfc     = "p\u00e4sswort-lang"
	)
	h := cheap(t, password.Limits{})
	for _, c := range []struct {
		made, typed string
		want        bool
	}{{fromNFD, nfd, true}, {fromNFC, nfd, true}, {fromNFC, nfc, true}, {fromNFD, nfc, false}} {
		if ok, rehash := verify(t, h, c.made, c.typed); ok != c.want || rehash != c.want {
			t.Errorf("%s, typed %+q: ok %v, rehash %v", c.made, c.typed, ok, rehash)
		}
	}
}

// An imported hash of the very parameters of new ones, but made from bytes that are not NFKC, is due for rehashing too.
func TestImportedArgon2idOfRawBytesIsRehashed(t *testing.T) {
	const nfd = "pa\u0308sswort-lang"
	salt := []byte("sixteen bytes ok")
	key := argon2.IDKey([]byte(nfd), salt, 1, 64, 1, 32)
	b64 := base64.RawStdEncoding.EncodeToString
	phc := "$argon2id$v=19$m=64,t=1,p=1$" + b64(salt) + "$" + b64(key)
	if ok, rehash := verify(t, cheap(t, password.Limits{}), phc, nfd); !ok || !rehash {
		t.Errorf("ok %v, rehash %v", ok, rehash)
	}
}

// bcrypt reads 72 bytes. A longer password never matches, so that no byte of it is ignored.
func TestBcryptTruncatesNothingSilently(t *testing.T) {
	h := cheap(t, password.Limits{})
	full := strings.Repeat("a", 72)
	phc, err := bcrypt.GenerateFromPassword([]byte(full), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	if ok, _ := verify(t, h, string(phc), full); !ok {
		t.Error("72 bytes are not accepted")
	}
	for _, n := range []int{73, 74, 1000} {
		if bcrypt.CompareHashAndPassword(phc, []byte(strings.Repeat("a", n))) != nil {
			t.Fatal("the library tells the passwords apart: this defence can go")
		}
		if ok, _ := verify(t, h, string(phc), strings.Repeat("a", n)); ok {
			t.Errorf("%d bytes were accepted for 72", n)
		}
	}
}

// bcrypt repeats the password and its closing NUL to fill a key: "a", "a\x00a" and so on are one key.
func TestBcryptDoesNotRepeatOverNUL(t *testing.T) {
	h := cheap(t, password.Limits{})
	phc, err := bcrypt.GenerateFromPassword([]byte("secret"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	alias := "secret\x00secret"
	if bcrypt.CompareHashAndPassword(phc, []byte(alias)) != nil {
		t.Fatal("the library tells the passwords apart: this defence can go")
	}
	if ok, _ := verify(t, h, string(phc), alias); ok {
		t.Error("another password was accepted")
	}
}

func TestLegacyHashesObeyTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	h := cheap(t, password.Limits{})
	for _, v := range vectors {
		_, _, err := h.Verify(ctx, v.phc, v.password)
		wantErr(t, v.name, err, context.Canceled)
	}
}
