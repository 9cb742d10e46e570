package jwt_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math"
	"slices"
	"testing"
	"time"

	golangjwt "github.com/golang-jwt/jwt/v5"

	"github.com/oneauth-go/oneauth/internal/jwt"
)

// FuzzVerifyTwin says that Verify accepts exactly what golang-jwt accepts under the same options, less the tokens that
// break one of the rules in the package comment, and that both then read the same claims. The rules are written a second
// time, in rules_test.go, over encoding/json, so that a mistake in the scanner cannot hide itself.
//
// The fuzzer chooses the inside of the token; how says which key signs it and whether header and payload are still to
// be encoded, since a random signature would never get past the first check.
func FuzzVerifyTwin(f *testing.F) {
	for _, s := range twinSeeds(f) {
		f.Add(s.header, s.payload, s.how)
	}
	keys := newTwinKeys(f)
	plain, arrays := newTwin(f, keys, false), newTwin(f, keys, true)
	f.Fuzz(func(t *testing.T, header, payload string, how uint8) {
		token := keys.assemble(t, header, payload, how)
		plain.compare(t, token)
		arrays.compare(t, token)
	})
}

// TestTwinSeedsTellTheTwinsApart shows that the comparison is about something: some seeds both accept, some only one.
func TestTwinSeedsTellTheTwinsApart(t *testing.T) {
	keys := newTwinKeys(t)
	tw := newTwin(t, keys, false)
	var both, stricter int
	for _, s := range twinSeeds(t) {
		token := keys.assemble(t, s.header, s.payload, s.how)
		tw.compare(t, token)
		if _, err := tw.reference(token); err == nil {
			if _, err := tw.ours.Verify(token); err == nil {
				both++
			} else {
				stricter++
			}
		}
	}
	if both < 5 || stricter < 20 {
		t.Errorf("of the seeds both twins accept %d and only golang-jwt %d: too few to compare them", both, stricter)
	}
}

// The bits of how.
const (
	withEdDSA     uint8 = 1 << iota // sign with Ed25519, not with HMAC
	asIs                            // header and payload are segments already
	whole                           // header is the whole token, signature and all
	withPublicKey                   // sign with HMAC, the Ed25519 public key being the secret
)

// twinKeys are the same keys for both, fixed so that what the fuzzer found stays found.
type twinKeys struct {
	secret  []byte
	private ed25519.PrivateKey
	set     *jwt.KeySet
}

func newTwinKeys(tb testing.TB) twinKeys {
	k := twinKeys{secret: []byte("a secret of more than 32 bytes, for tests"), private: ed25519.NewKeyFromSeed(make([]byte, 32))}
	hs, err1 := jwt.NewHMACKey("HS256", k.secret)
	ed, err2 := jwt.NewSigningKey("EdDSA", jwt.EdDSA, k.private)
	set, err3 := jwt.NewKeySet(hs, ed)
	if err := errors.Join(err1, err2, err3); err != nil {
		tb.Fatal(err)
	}
	k.set = set
	return k
}

func (k twinKeys) assemble(tb testing.TB, header, payload string, how uint8) string {
	if how&whole != 0 {
		return header
	}
	input := header + "." + payload
	if how&asIs == 0 {
		input = encode(header) + "." + encode(payload)
	}
	var method golangjwt.SigningMethod = golangjwt.SigningMethodHS256
	var key any = k.secret
	switch {
	case how&withPublicKey != 0:
		key = []byte(k.private.Public().(ed25519.PublicKey))
	case how&withEdDSA != 0:
		method, key = golangjwt.SigningMethodEdDSA, k.private
	}
	signature, err := method.Sign(input, key)
	if err != nil {
		tb.Fatal(err)
	}
	return input + "." + base64.RawURLEncoding.EncodeToString(signature)
}

// keyFunc chooses by kid and holds the algorithm against the key's, as our key set does.
func (k twinKeys) keyFunc(t *golangjwt.Token) (any, error) {
	switch kid := t.Header["kid"]; {
	case kid == "HS256" && t.Method.Alg() == "HS256":
		return k.secret, nil
	case kid == "EdDSA" && t.Method.Alg() == "EdDSA":
		return k.private.Public(), nil
	}
	return nil, errors.New("no such key")
}

// A twin is our verifier and golang-jwt's with the same options.
type twin struct {
	keys   twinKeys
	arrays bool
	ours   *jwt.Verifier
	theirs *golangjwt.Parser
}

func newTwin(tb testing.TB, keys twinKeys, arrays bool) *twin {
	const leeway = 1500 * time.Millisecond
	clock := func() time.Time { return now }
	return &twin{
		keys: keys, arrays: arrays,
		ours: newVerifier(tb, jwt.Options{Issuer: issuer, Audiences: []string{audience, "second"}, Leeway: leeway,
			Now: clock, Keys: func() *jwt.KeySet { return keys.set }, AudienceArrays: arrays}),
		theirs: golangjwt.NewParser(golangjwt.WithValidMethods([]string{"HS256", "EdDSA"}), golangjwt.WithIssuer(issuer),
			golangjwt.WithAudience(audience, "second"), golangjwt.WithExpirationRequired(), golangjwt.WithIssuedAt(),
			golangjwt.WithLeeway(leeway), golangjwt.WithStrictDecoding(), golangjwt.WithTimeFunc(clock)),
	}
}

func (tw *twin) reference(token string) (golangjwt.MapClaims, error) {
	theirs := golangjwt.MapClaims{}
	_, err := tw.theirs.ParseWithClaims(token, theirs, tw.keys.keyFunc)
	return theirs, err
}

func (tw *twin) compare(t *testing.T, token string) {
	t.Helper()
	theirs, theirErr := tw.reference(token)
	ours, ourErr := tw.ours.Verify(token)
	if ourErr != nil && !errors.Is(ourErr, jwt.ErrInvalid) {
		t.Fatalf("Verify(%q) fails with %v, which is not an ErrInvalid", token, ourErr)
	}
	if theirErr != nil {
		if ourErr == nil {
			t.Fatalf("golang-jwt refuses %q with %v, Verify accepts it", token, theirErr)
		}
		return
	}
	switch rule := brokenRule(token, tw.arrays); {
	case rule != "" && ourErr == nil:
		t.Fatalf("Verify accepts %q, which breaks a rule: %s", token, rule)
	case rule == "" && ourErr != nil:
		t.Fatalf("golang-jwt accepts %q, which breaks no rule; Verify refuses it with %v", token, ourErr)
	case ourErr == nil:
		sameClaims(t, ours, theirs)
	}
}

// sameClaims compares every registered claim, and the payload as a whole.
func sameClaims(t *testing.T, ours *jwt.Claims, theirs golangjwt.MapClaims) {
	t.Helper()
	for name, got := range map[string]string{
		"iss": ours.Issuer, "sub": ours.Subject, "jti": ours.ID, "sid": ours.SessionID, "client_id": ours.ClientID,
		"scope": ours.Scope, "tid": ours.Tenant, "acr": ours.ACR,
	} {
		if want, _ := theirs[name].(string); got != want {
			t.Errorf("%s is %q, golang-jwt says %q", name, got, want)
		}
	}
	date := func(d *golangjwt.NumericDate, err error) int64 {
		if d == nil || err != nil {
			return 0
		}
		return d.Unix()
	}
	authTime, _ := theirs["auth_time"].(float64)
	for name, pair := range map[string][2]int64{
		"exp": {ours.Expires, date(theirs.GetExpirationTime())}, "nbf": {ours.NotBefore, date(theirs.GetNotBefore())},
		"iat": {ours.IssuedAt, date(theirs.GetIssuedAt())}, "auth_time": {ours.AuthTime, int64(math.Floor(authTime))},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s is %d, golang-jwt says %d", name, pair[0], pair[1])
		}
	}
	if aud, _ := theirs.GetAudience(); !slices.Equal(ours.Audience, aud) {
		t.Errorf("aud is %q, golang-jwt says %q", ours.Audience, aud)
	}
	var amr []string
	list, _ := theirs["amr"].([]any)
	for _, m := range list {
		amr = append(amr, m.(string))
	}
	if !slices.Equal(ours.AMR, amr) {
		t.Errorf("amr is %q, golang-jwt says %q", ours.AMR, amr)
	}
	all := map[string]any{}
	if err := ours.DecodeCustom(&all); err != nil {
		t.Errorf("DecodeCustom: %v", err)
	}
	a, _ := json.Marshal(all)
	b, _ := json.Marshal(theirs)
	if string(a) != string(b) {
		t.Errorf("the payload is %s, golang-jwt says %s", a, b)
	}
}
