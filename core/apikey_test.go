package core_test

import (
	"crypto/sha256"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/oneauth-go/oneauth/core"
)

func TestAPIKey(t *testing.T) {
	w := newWorld(t)
	u := w.verified("ann@example.com")
	k, key, err := w.CreateKey(t.Context(), u.ID, core.NewKey{Name: "deploy", Scopes: []string{"read", "write"}, Expires: time.Hour})
	noError(t, err)
	if !strings.HasPrefix(key, "oak_"+k.ID+"_") || !core.IsAPIKey(key) {
		t.Errorf("key %q of %s", key, k.ID)
	}
	p := must(w.CheckKey(t.Context(), key))(t)
	if p.Subject != u.ID || p.Via != core.ViaAPIKey || p.KeyID != k.ID || !slices.Equal(p.Scopes, []string{"read", "write"}) ||
		!p.Expires.Equal(w.clock.Now().Add(time.Hour)) || p.Tenant != core.DefaultTenant || !p.HasScope("read") || p.HasScope("admin") {
		t.Errorf("%+v", p)
	}
	w.clock.Advance(time.Hour)
	_, err = w.CheckKey(t.Context(), key)
	wantCode(t, err, core.CodeInvalidToken)
	if all := must(w.ListKeys(t.Context(), u.ID))(t); len(all) != 0 {
		t.Error("an expired key is listed")
	}
}

// A typo, and anything that is no key, is told without a look at the store.
func TestAPIKeyTyposNeverReachTheStore(t *testing.T) {
	w := newWorld(t)
	_, key, err := w.CreateKey(t.Context(), w.verified("ann@example.com").ID, core.NewKey{Name: "k", Scopes: []string{"read"}})
	noError(t, err)
	bad := []string{"", "oak_", key[:len(key)-1], key + "1", " " + key, key + "\n", strings.ToUpper(key), strings.Replace(key, "oak_", "OAK_", 1)}
	for i := 4; i < len(key); i++ {
		for _, c := range "1z0_" {
			if typo := key[:i] + string(c) + key[i+1:]; typo != key {
				bad = append(bad, typo)
			}
		}
		if i+1 < len(key) && key[i] != key[i+1] {
			bad = append(bad, key[:i]+key[i+1:i+2]+key[i:i+1]+key[i+2:]) // two digits swapped
		}
	}
	calls := w.methods(func() {
		for _, typo := range bad {
			if _, err := w.CheckKey(t.Context(), typo); core.AsError(err).Code != core.CodeInvalidToken || core.IsAPIKey(typo) {
				t.Errorf("%q: %v", typo, err)
			}
		}
	})
	if calls != "" {
		t.Errorf("store calls: %s", calls)
	}
}

// An id is no secret: a key with a known id, a secret of one's own and the right checksum is nobody's.
func TestForgedAPIKey(t *testing.T) {
	w := newWorld(t)
	k, _, err := w.CreateKey(t.Context(), w.verified("ann@example.com").ID, core.NewKey{Name: "k", Scopes: []string{"read"}})
	noError(t, err)
	secret := []byte(strings.Repeat("guess me", 4))
	sum := sha256.Sum256(append([]byte("oneauth api key "+k.ID+" "), secret...))
	x, digit := new(big.Int).SetBytes(append(secret, sum[:4]...)), new(big.Int)
	forged := make([]byte, 50)
	for i := range forged {
		x.DivMod(x, big.NewInt(58), digit)
		forged[49-i] = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"[digit.Int64()]
	}
	key := "oak_" + k.ID + "_" + string(forged)
	if !core.IsAPIKey(key) {
		t.Fatalf("%q has not the form of a key", key)
	}
	_, err = w.CheckKey(t.Context(), key)
	wantCode(t, err, core.CodeInvalidToken)
}

func TestAPIKeyScopesAreItsOwnersToo(t *testing.T) {
	w := newWorld(t)
	u := w.verified("ann@example.com")
	for _, scopes := range [][]string{{"root"}, {"read", "root"}} {
		_, _, err := w.CreateKey(t.Context(), u.ID, core.NewKey{Name: "k", Scopes: scopes})
		wantCode(t, err, core.CodeInvalidScope)
	}
	_, key, err := w.CreateKey(t.Context(), u.ID, core.NewKey{Name: "k", Scopes: []string{"read", "admin"}})
	noError(t, err)
	poorer := w.again(func(c *core.Config) { c.Scopes = []string{"read"} })
	if p := must(poorer.CheckKey(t.Context(), key))(t); !slices.Equal(p.Scopes, []string{"read"}) {
		t.Errorf("scopes %v: what the owner lost still counts", p.Scopes)
	}
}

func TestBadKeyRequestsNameTheField(t *testing.T) {
	w := newWorld(t)
	u := w.verified("ann@example.com")
	for field, in := range map[string]core.NewKey{
		"name": {Scopes: []string{"read"}}, "scopes": {Name: "k"},
		"expires_in": {Name: "k", Scopes: []string{"read"}, Expires: -1},
	} {
		_, _, err := w.CreateKey(t.Context(), u.ID, in)
		if e := wantCode(t, err, core.CodeInvalidField); e.Field != field {
			t.Errorf("field %q, want %q", e.Field, field)
		}
	}
	for _, name := range []string{strings.Repeat("n", 101), "a\nb", "\xff"} {
		_, _, err := w.CreateKey(t.Context(), u.ID, core.NewKey{Name: name, Scopes: []string{"read"}})
		wantCode(t, err, core.CodeInvalidField)
	}
	_, _, err := w.CreateKey(t.Context(), "usr_nobody", core.NewKey{Name: "k", Scopes: []string{"read"}})
	wantCode(t, err, core.CodeForbidden)
}

func TestRevokedKeyIsDead(t *testing.T) {
	w := newWorld(t)
	u, other := w.verified("ann@example.com"), w.verified("bob@example.com")
	k, key, err := w.CreateKey(t.Context(), u.ID, core.NewKey{Name: "k", Scopes: []string{"read"}})
	noError(t, err)
	wantCode(t, w.RevokeKey(t.Context(), other.ID, k.ID), core.CodeNotFound)
	must(w.CheckKey(t.Context(), key))(t)
	noError(t, w.RevokeKey(t.Context(), u.ID, k.ID))
	for _, on := range []*world{w, w.again()} {
		_, err = on.CheckKey(t.Context(), key)
		wantCode(t, err, core.CodeInvalidToken)
	}
	wantCode(t, w.RevokeKey(t.Context(), u.ID, k.ID), core.CodeNotFound)
	if e := w.events.of(core.EventKeyRevoked); len(e) != 1 || !slices.Equal(e[0].Keys, []string{k.ID}) {
		t.Errorf("%+v", e)
	}
}

func TestKeysOfADisabledOwnerSleep(t *testing.T) { // A5
	w := newWorld(t)
	u := w.verified("ann@example.com")
	_, key, err := w.CreateKey(t.Context(), u.ID, core.NewKey{Name: "k", Scopes: []string{"read"}})
	noError(t, err)
	noError(t, w.Users().Disable(t.Context(), u.ID, "left"))
	_, err = w.CheckKey(t.Context(), key)
	wantCode(t, err, core.CodeInvalidToken)
	_, _, err = w.CreateKey(t.Context(), u.ID, core.NewKey{Name: "k2", Scopes: []string{"read"}})
	wantCode(t, err, core.CodeForbidden)
	noError(t, w.Users().Enable(t.Context(), u.ID))
	must(w.CheckKey(t.Context(), key))(t)
}

func TestFiftyKeysAreTheLimit(t *testing.T) {
	w := newWorld(t)
	u := w.verified("ann@example.com")
	var last string
	for i := range 50 {
		k, _, err := w.CreateKey(t.Context(), u.ID, core.NewKey{Name: fmt.Sprint(i), Scopes: []string{"read"}})
		noError(t, err)
		last = k.ID
	}
	_, _, err := w.CreateKey(t.Context(), u.ID, core.NewKey{Name: "x", Scopes: []string{"read"}})
	wantCode(t, err, core.CodeLimitReached)
	noError(t, w.RevokeKey(t.Context(), u.ID, last))
	_, _, err = w.CreateKey(t.Context(), u.ID, core.NewKey{Name: "x", Scopes: []string{"read"}})
	noError(t, err)
}

func TestServiceAccounts(t *testing.T) {
	w := newWorld(t)
	s := must(w.Services().Create(t.Context(), "billing run", []string{"invoices"}))(t)
	if !strings.HasPrefix(s.ID, "svc_") {
		t.Errorf("id %s", s.ID)
	}
	_, _, err := w.CreateKey(t.Context(), s.ID, core.NewKey{Name: "k", Scopes: []string{"read"}})
	wantCode(t, err, core.CodeInvalidScope)
	_, key, err := w.CreateKey(t.Context(), s.ID, core.NewKey{Name: "k", Scopes: []string{"invoices"}})
	noError(t, err)
	p := must(w.CheckKey(t.Context(), key))(t)
	if p.Kind != core.ServiceAccount || p.Subject != s.ID || !slices.Equal(p.Scopes, []string{"invoices"}) {
		t.Errorf("%+v", p)
	}
	in := must(w.Admit(t.Context(), proof(s.ID, "client_secret", core.AttemptRef{}), api))(t)
	if in.User != nil || !slices.Equal(in.Scopes, []string{"invoices"}) {
		t.Errorf("%+v", in)
	}
	noError(t, w.Users().Disable(t.Context(), s.ID, "retired"))
	_, err = w.CheckKey(t.Context(), key)
	wantCode(t, err, core.CodeInvalidToken)

	for field, call := range map[string]func() error{
		"name":   func() error { _, err := w.Services().Create(t.Context(), "", nil); return err },
		"scopes": func() error { _, err := w.Services().Create(t.Context(), "x", []string{"two words"}); return err },
	} {
		if e := wantCode(t, call(), core.CodeInvalidField); e.Field != field {
			t.Errorf("field %q", e.Field)
		}
	}
}
