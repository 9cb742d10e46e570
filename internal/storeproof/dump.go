package storeproof

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"math/big"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/stores/storetest"
)

// DumpSignsNobodyIn proves A32. Ann lives through all that leaves something in a store, and then a thief has a dump of it:
// dump returns everything that is stored, each key and value, as bytes in strings; it may hold more, such as a whole file.
// No secret that was given out is in it, in no encoding; and the thief, who knows how tokens are made, signs in with
// nothing that is in it, by no way over HTTP.
func DumpSignsNobodyIn(t *testing.T, h storetest.Harness, dump func(t testing.TB) []string) {
	t.Helper()
	idp := startProvider(t)
	a := start(t, opened(t, h), idp.Issuer)
	l := a.live(idp)
	l.works(t)
	all := dump(t)
	if text := strings.Join(all, "\n"); !strings.Contains(text, annMail) || !strings.Contains(text, l.user) {
		t.Fatalf("the dump has %d values, and neither Ann's address nor her id", len(all))
	}
	for what, secret := range l.secrets {
		for _, form := range forms(secret) {
			if slices.ContainsFunc(all, func(v string) bool { return strings.Contains(v, form) }) {
				t.Errorf("the dump shows the %s", what)
			}
		}
	}
	tries := l.steal(all)
	for _, try := range tries {
		l.replay(t, try)
	}
	l.works(t)
	t.Logf("%d values, %d tries of a thief, nobody is signed in", len(all), len(tries))
}

const annMail = "ann@example.com"

// life is what Ann has, and what she was told.
type life struct {
	*app
	user    string
	cookie  string            // name=value
	secrets map[string]string // by what they are
}

// live goes through all that leaves something in a store.
func (a *app) live(p *provider) *life {
	a.t.Helper()
	ctx := a.t.Context()
	l := &life{app: a, secrets: map[string]string{"password": goodPassword, "master secret": masterSecret}}
	keep := func(what, secret string) string {
		a.t.Helper()
		if len(secret) < 16 {
			a.t.Fatalf("the %s is %q", what, secret)
		}
		l.secrets[what] = secret
		return secret
	}
	value := func(cookie string) string { _, v, _ := strings.Cut(cookie, "="); return v }
	l.user, l.cookie = a.person(annMail)
	keep("cookie", value(l.cookie))
	remembered := signInOf(annMail)
	remembered["remember"] = "on"
	keep("remembered cookie", value(a.want(200, a.post("/login", form(remembered))).cookie))
	first := a.want(200, a.post("/api/login", signInOf(annMail)))
	next := a.want(200, a.post("/token", refreshOf(first.str("refresh_token"))))
	keep("access token", next.str("access_token"))
	keep("refresh token before", first.str("refresh_token"))
	keep("refresh token", next.str("refresh_token"))
	made := a.want(201, a.post("/keys", keyOf, bearer(next.str("access_token"))))
	keep("API key", made.str("key"))
	keep("verification link", a.mailed(annMail, core.NoticeVerify))
	keep("reset link", a.resetLink(annMail))
	a.want(202, a.post("/password/forgot", object{"identifier": annMail})) // its mail waits in the outbox
	a.must(a.Users().Invite(ctx, "bob@example.com"))
	keep("invitation", a.mailed("bob@example.com", core.NoticeInvite))
	carl, _ := a.person("carl@example.com")
	keep("cookie of a sign-in under way", a.attempt(carl, "carl@example.com").Ref.Secret)
	_, secret, err := a.Core().Clients().Register(ctx, core.ClientConfig{ID: "partner"}, core.Confidential)
	a.must(err)
	keep("client secret", secret)
	keep("authorization code", a.code("1001"))
	a.want(200, a.post("/token", redeemOf(a.code("1002"))))
	p.mu.Lock()
	for _, token := range p.tokens {
		keep("provider's token "+token[:4], token)
	}
	p.mu.Unlock()
	return l
}

func form(o object) url.Values {
	v := url.Values{}
	for name, text := range o {
		v.Set(name, text)
	}
	return v
}

// works checks that what Ann has opens what it should, so that the replay below does what a thief would; and that it has
// spoilt nothing.
func (l *life) works(t *testing.T) {
	t.Helper()
	for what, with := range map[string]edit{
		"cookie": withCookie(l.cookie), "access token": bearer(l.secrets["access token"]), "API key": bearer(l.secrets["API key"]),
	} {
		if got := l.opens(with); got != 204 {
			t.Errorf("the %s is answered by %d", what, got)
		}
	}
	for what, purpose := range map[string]core.Purpose{"verification link": core.PurposeVerify, "reset link": core.PurposeReset} {
		if _, err := l.Core().LinkLives(t.Context(), l.secrets[what], purpose); err != nil {
			t.Errorf("the %s: %v", what, err)
		}
	}
	if _, err := l.Core().Invitation(t.Context(), l.secrets["invitation"]); err != nil {
		t.Errorf("the invitation: %v", err)
	}
	if _, err := l.Core().Clients().Authenticate(context.WithoutCancel(t.Context()), "partner", l.secrets["client secret"]); err != nil {
		t.Errorf("the client secret: %v", err)
	}
}

var b64 = base64.RawURLEncoding

// forms returns how a secret could be written in a store: itself, its last part, and the bytes that this stands for, each
// as they are, in hex and in base64.
func forms(secret string) []string {
	raw := []string{secret}
	if i := strings.LastIndexAny(secret, "._"); i >= 0 && len(secret)-i > 20 {
		raw = append(raw, secret[i+1:])
	}
	for _, s := range slices.Clone(raw) {
		s = strings.TrimPrefix(s, "ort_")
		if b, err := b64.DecodeString(s); err == nil && len(b) >= 16 {
			raw = append(raw, string(b), string(b[len(b)-16:]))
		}
	}
	if _, secret, ok := openKey(secret); ok {
		raw = append(raw, string(secret))
	}
	out := slices.Clone(raw)
	for _, s := range raw {
		out = append(out, hex.EncodeToString([]byte(s)), strings.ToUpper(hex.EncodeToString([]byte(s))),
			base64.StdEncoding.EncodeToString([]byte(s)), b64.EncodeToString([]byte(s)))
	}
	return out
}

// steal returns what a thief tries: every value of the dump, whole, in pieces, encoded and decoded, and tokens that are
// made of the ids and bytes in it as OneAuth makes them.
func (l *life) steal(dump []string) []string {
	words := map[string]bool{}
	add := func(w string) {
		if w != "" && len(w) <= 4000 {
			words[w] = true
		}
	}
	separators := func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune("/\"{}[](),:;=$\\|'`", r) }
	for _, v := range dump {
		add(v)
		add(b64.EncodeToString([]byte(v)))
		for _, w := range strings.FieldsFunc(v, separators) {
			add(w)
		}
	}
	secrets := map[string]bool{} // bytes of the length of a secret
	for w := range words {
		candidates := []string{w}
		for _, enc := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, b64} {
			if b, err := enc.DecodeString(w); err == nil {
				candidates = append(candidates, string(b))
			}
		}
		if b, err := hex.DecodeString(strings.TrimPrefix(w, `x`)); err == nil {
			candidates = append(candidates, string(b))
		}
		for _, c := range candidates {
			if len(c) >= 16 && len(c) <= 64 && strings.ContainsFunc(c, func(r rune) bool { return r < ' ' || r > '~' }) {
				secrets[c] = true
			}
		}
	}
	session, _, _ := strings.Cut(l.secrets["cookie"], ".")
	key, _, _ := openKey(l.secrets["API key"])
	token, _ := b64.DecodeString(strings.TrimPrefix(l.secrets["refresh token"], "ort_"))
	head := token[:20] // session id and generation
	for s := range secrets {
		add(session + "." + b64.EncodeToString([]byte(s)))
		add(b64.EncodeToString([]byte(s)))
		if len(s) == 32 {
			add(closeKey(key, []byte(s)))
			add("ort_" + b64.EncodeToString(append(slices.Clone(head), s...)))
		}
		for salt := range secrets {
			m := hmac.New(sha256.New, []byte(s))
			m.Write(head)
			m.Write([]byte(salt + "default"))
			if s == salt || len(secrets) < 40 {
				add("ort_" + b64.EncodeToString(m.Sum(slices.Clone(head))))
			}
		}
	}
	out := make([]string, 0, len(words))
	for w := range words {
		out = append(out, w)
	}
	slices.Sort(out)
	return out
}

// replay tries a string by every way in.
func (l *life) replay(t *testing.T, try string) {
	t.Helper()
	name, _, _ := strings.Cut(l.cookie, "=")
	inHeader := strings.Map(func(r rune) rune {
		if r <= ' ' || r > '~' || strings.ContainsRune("\",;\\", r) {
			return -1
		}
		return r
	}, try)
	code, signUp := redeemOf(try), object{"invite": try, "password": newPassword}
	client := object{"token": l.secrets["access token"], "client_id": "partner", "client_secret": try}
	answers := map[string]int{
		"cookie": l.opens(withCookie(name + "=" + cmp.Or(inHeader, "x"))), "bearer token": l.opens(bearer(cmp.Or(inHeader, "x"))),
		"refresh token": l.post("/token", refreshOf(try)).code, "code": l.post("/token", code).code,
		"reset link":   l.post("/password/reset", object{"token": try, "password": newPassword}).code,
		"verification": l.post("/verify", object{"token": try}).code, "invitation": l.post("/signup", signUp).code,
		"client secret": l.post("/introspect", client).code, "password": l.post("/login", object{"identifier": annMail, "password": try}).code,
	}
	for what, got := range answers {
		if got < 400 || got >= 500 {
			t.Errorf("%.100q of the dump as %s is answered by %d", try, what, got)
		}
	}
}

// openKey takes an API key apart, and closeKey makes one, as core does: base58 digits of the secret and a checksum.
func openKey(key string) (id string, secret []byte, ok bool) {
	parts := strings.Split(key, "_")
	if len(parts) != 3 || parts[0] != "oak" {
		return "", nil, false
	}
	x := new(big.Int)
	for _, digit := range []byte(parts[2]) {
		x.Mul(x, big.NewInt(58)).Add(x, big.NewInt(int64(strings.IndexByte(base58, digit))))
	}
	return parts[1], x.FillBytes(make([]byte, 36))[:32], true
}

const base58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"

func closeKey(id string, secret []byte) string {
	sum := sha256.Sum256([]byte("oneauth api key " + id + " " + string(secret)))
	x, digit := new(big.Int).SetBytes(append(slices.Clone(secret), sum[:4]...)), new(big.Int)
	out := make([]byte, 50)
	for i := len(out) - 1; i >= 0; i-- {
		x.DivMod(x, big.NewInt(58), digit)
		out[i] = base58[digit.Int64()]
	}
	return "oak_" + id + "_" + string(out)
}
