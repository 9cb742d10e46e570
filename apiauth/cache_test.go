package apiauth

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/internal/jwt"
)

// keysOf returns a state with one key, a new one each time.
func keysOf(t *testing.T, id string) *keyState {
	t.Helper()
	k, err := jwt.NewHMACKey(id, []byte(strings.Repeat("s", jwt.MinSecretBytes)))
	if err != nil {
		t.Fatal(err)
	}
	set, err := jwt.NewKeySet(k)
	if err != nil {
		t.Fatal(err)
	}
	return &keyState{set: set}
}

func TestTokenCacheCompares(t *testing.T) {
	now := time.Unix(1000, 0)
	c, keys := newTokenCache(64), keysOf(t, "k")
	p := &core.Principal{Subject: "usr", Expires: now.Add(time.Minute)}
	token := "header.payload." + strings.Repeat("s", 43)
	c.put("red", token, "k", p, keys)
	hit := func(tenant, token string, at time.Time, keys *keyState) bool {
		got, ok := c.get(tenant, token, at, keys)
		return ok && got == p
	}
	if !hit("red", token, now, keys) {
		t.Error("the token is not found")
	}
	if hit("blue", token, now, keys) || hit("red", "HEADER"+token[6:], now, keys) || hit("red", "s", now, keys) || hit("red", "", now, keys) {
		t.Error("another token, or another tenant's, is found")
	}
	if hit("red", token, now, keysOf(t, "other")) || hit("red", token, now, keys) {
		t.Error("a token of a key that left the set is found")
	}
	c.put("red", token, "k", p, keys)
	if hit("red", token, now, keysOf(t, "k")) {
		t.Error("a token of another key with the same id is found")
	}
	c.put("red", token, "k", p, keys)
	if !hit("red", token, now.Add(time.Minute-time.Nanosecond), keys) || hit("red", token, now.Add(time.Minute), keys) {
		t.Error("an entry does not end with its token")
	}
}

func TestTokenCacheIsBounded(t *testing.T) {
	const entries = 640
	now := time.Unix(1000, 0)
	c, keys := newTokenCache(entries), keysOf(t, "k")
	for i := range 20_000 {
		size := 100 + i%7000
		p := &core.Principal{Expires: now.Add(time.Minute), Claims: make([]byte, size)}
		c.put("red", fmt.Sprintf("%s.%043d", strings.Repeat("p", size), i*7919), "k", p, keys)
	}
	n, bytes := 0, 0
	for i := range c.shards {
		n += len(c.shards[i].entries)
		sum := 0
		for _, e := range c.shards[i].entries {
			sum += e.size()
		}
		if sum != c.shards[i].bytes {
			t.Errorf("shard %d counts %d bytes of %d", i, c.shards[i].bytes, sum)
		}
		bytes += sum
	}
	if n == 0 || n > entries || bytes > entries*bytesPerToken {
		t.Errorf("%d entries of %d bytes", n, bytes)
	}
	none := newTokenCache(-1)
	none.put("red", strings.Repeat("x", 60), "k", &core.Principal{}, keys)
	if _, ok := none.get("red", strings.Repeat("x", 60), now, keys); ok {
		t.Error("no cache remembers")
	}
}

// A key that was revoked while the store was being asked is not remembered as good.
func TestKeyCacheRace(t *testing.T) {
	now := time.Unix(1000, 0)
	c, id := newKeyCache(5*time.Second), keyCacheID{tenant: "red"}
	p := &core.Principal{KeyID: "k"}
	_, changes := c.get(id, now)
	c.forget(func(string, *core.Principal) bool { return true })
	c.put(id, keyEntry{p, now}, changes)
	if got, _ := c.get(id, now); got != nil {
		t.Error("the revoked key is remembered")
	}
	_, changes = c.get(id, now)
	c.put(id, keyEntry{p, now}, changes)
	if got, _ := c.get(id, now.Add(4*time.Second)); got != p {
		t.Error("the key is not remembered")
	}
	if got, _ := c.get(id, now.Add(5*time.Second)); got != nil {
		t.Error("the key is remembered for too long")
	}
	for i := range 2 * maxCachedKeys {
		c.put(keyCacheID{tenant: fmt.Sprint(i)}, keyEntry{p, now}, changes)
	}
	if len(c.entries) > maxCachedKeys {
		t.Errorf("%d entries", len(c.entries))
	}
}
