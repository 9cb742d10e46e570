package jwt_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/oneauth-go/oneauth/internal/jwt"
)

// Construction says what is missing, and names it.
func TestNewVerifierValidates(t *testing.T) {
	for field, change := range map[string]func(*jwt.Options){
		"Issuer": func(o *jwt.Options) { o.Issuer = "" }, "Audiences": func(o *jwt.Options) { o.Audiences = nil },
		"Audiences ": func(o *jwt.Options) { o.Audiences = []string{audience, ""} }, "Leeway": func(o *jwt.Options) { o.Leeway = -1 },
		"Leeway ": func(o *jwt.Options) { o.Leeway = time.Hour }, "MaxBytes": func(o *jwt.Options) { o.MaxBytes = -1 },
		"MaxBytes ": func(o *jwt.Options) { o.MaxBytes = 1 << 20 }, "Now": func(o *jwt.Options) { o.Now = nil },
		"Keys": func(o *jwt.Options) { o.Keys = nil },
	} {
		opt := options(t)
		change(&opt)
		want := "Options." + strings.TrimSpace(field)
		if v, err := jwt.NewVerifier(opt); v != nil || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, %v", field, v, err)
		}
	}
}

// The options belong to the verifier once it is made.
func TestVerifierCopiesItsOptions(t *testing.T) {
	opt := options(t)
	v := newVerifier(t, opt)
	opt.Audiences[0] = "changed"
	if _, err := v.Verify(sign(t, testKeys()[jwt.EdDSA], claims(), nil)); err != nil {
		t.Error(err)
	}
}

func TestMaxBytes(t *testing.T) {
	token := sign(t, testKeys()[jwt.EdDSA], claims(), nil)
	opt := options(t)
	opt.MaxBytes = len(token)
	if _, err := newVerifier(t, opt).Verify(token); err != nil {
		t.Errorf("at the limit: %v", err)
	}
	opt.MaxBytes--
	refused(t, newVerifier(t, opt), token, jwt.ErrTooLarge)
}

// A key that leaves the set is gone at the next token, although the header of its tokens is remembered; so is a key whose
// id is given to another.
func TestKeysAreAskedForEachToken(t *testing.T) {
	opt := options(t)
	set, none := testKeySet(t), (*jwt.KeySet)(nil)
	opt.Keys = func() *jwt.KeySet { return set }
	v := newVerifier(t, opt)
	token := sign(t, testKeys()[jwt.HS256], claims(), nil)
	for range 3 {
		if _, err := v.Verify(token); err != nil {
			t.Fatal(err)
		}
	}
	set = none
	refused(t, v, token, jwt.ErrUnknownKey)
	other, err := jwt.NewHMACKey("HS256", make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	if set, err = jwt.NewKeySet(other); err != nil {
		t.Fatal(err)
	}
	refused(t, v, token, jwt.ErrSignature)
	public, err := jwt.NewVerificationKey("HS256", jwt.EdDSA, testKeys()[jwt.EdDSA].Public())
	if err != nil {
		t.Fatal(err)
	}
	if set, err = jwt.NewKeySet(public); err != nil {
		t.Fatal(err)
	}
	refused(t, v, token, jwt.ErrAlgorithm)
}

// More headers than are remembered do no harm, and neither does a flood of headers with a bad signature.
func TestManyHeaders(t *testing.T) {
	v := newVerifier(t, options(t))
	most := 0
	for round := range 2 {
		for i := range 200 {
			header := fmt.Sprintf(`{"alg":"HS256","kid":"HS256","typ":"at+jwt","n":%d}`, i)
			token := raw(t, testKeys()[jwt.HS256], header, goodPayload)
			before := v.CachedHeaders()
			refused(t, v, token[:len(token)-43]+strings.Repeat("A", 43), jwt.ErrSignature)
			if after := v.CachedHeaders(); after != before {
				t.Fatalf("a header without a good signature is remembered")
			}
			if _, err := v.Verify(token); err != nil {
				t.Fatalf("round %d, header %d: %v", round, i, err)
			}
			most = max(most, v.CachedHeaders())
		}
	}
	if most != 64 {
		t.Errorf("up to %d headers are remembered, want 64", most)
	}
}

// Many goroutines share one verifier, and each gets the claims of its own token.
func TestVerifyConcurrently(t *testing.T) {
	v := newVerifier(t, options(t))
	var wg sync.WaitGroup
	for i := range 16 {
		key := testKeys()[[]jwt.Alg{jwt.HS256, jwt.EdDSA}[i%2]]
		c := claims()
		c.Subject = fmt.Sprintf("usr_%d", i)
		good := sign(t, key, c, nil)
		bad := good[:len(good)-10] + "AAAAAAAAAA"
		wg.Go(func() {
			for range 200 {
				if got, err := v.Verify(good); err != nil || got.Subject != c.Subject {
					t.Errorf("%d: %v, %v", i, got, err)
				}
				if got, err := v.Verify(bad); err == nil {
					t.Errorf("%d: a bad signature gave %v", i, got)
				}
			}
		})
	}
	wg.Wait()
}

// Claims stay as they are while the verifier goes on with other tokens in the same buffers.
func TestClaimsShareNoBuffer(t *testing.T) {
	v := newVerifier(t, options(t))
	first, err := v.Verify(sign(t, testKeys()[jwt.HS256], claims(), nil))
	if err != nil {
		t.Fatal(err)
	}
	before := *first
	payload := strings.Clone(first.Payload())
	for i := range 50 {
		c := claims()
		c.Subject = strings.Repeat("x", i+1)
		if _, err := v.Verify(sign(t, testKeys()[jwt.HS256], c, nil)); err != nil {
			t.Fatal(err)
		}
	}
	if first.Subject != "usr_4fGh" || first.Scope != before.Scope || first.Payload() != payload {
		t.Errorf("the claims changed to %+v", first)
	}
}

// A verification allocates the claims and little else; a refusal costs an attacker's victim nothing to speak of.
func TestAllocations(t *testing.T) {
	v := newVerifier(t, options(t))
	good := sign(t, testKeys()[jwt.HS256], claims(), nil)
	for name, test := range map[string]struct {
		token string
		most  float64
	}{
		// The race detector makes pools forget now and then, so there is room for that.
		"a good token": {good, 14}, "a bad signature": {good[:len(good)-2] + "AA", 8}, "too many dots": {strings.Repeat(".", 8000), 6},
		"too long": {strings.Repeat("a", 1<<20), 1},
	} {
		if got := testing.AllocsPerRun(100, func() { _, _ = v.Verify(test.token) }); got > test.most {
			t.Errorf("%s: %v allocations, at most %v are allowed", name, got, test.most)
		}
	}
}
