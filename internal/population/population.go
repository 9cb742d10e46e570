// Package population makes an installation with as many users as one likes, and measures what each operation of core costs
// in it. Benchmarks of several stores share it, so that their figures mean the same.
package population

import (
	"context"
	"crypto/rand"
	"fmt"
	"math"
	mrand "math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/core/identifier"
	"github.com/oneauth-go/oneauth/core/password"
	"github.com/oneauth-go/oneauth/core/record"
	"github.com/oneauth-go/oneauth/core/seal"
)

const pass = "purple otters sing at dawn"

// person is a user whom core has made, with what signs in.
type person struct {
	id, email, token, cookie, key string
	records                       []record.Record
}

// People are the users of an installation: some whom core has made, who can sign in, and any number of others who have rows
// of the same shape under ids, addresses and expiries of their own.
type People struct {
	auth  *core.Auth
	made  []person
	count int
}

// Make opens core over an empty store and makes n people: users with a password, an address, an API key and a session of
// each kind. Hashing is cheap, and no mail tells of sign-ins: the store is what costs.
func Make(t testing.TB, store record.Backend, n int) *People {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	keyring, err := seal.New(rand.Reader, []byte("a secret of thirty-two bytes, or more"))
	must(err)
	var age time.Duration // of what is being made
	tapped := &tap{Backend: store}
	auth, err := core.New(t.Context(), tapped, core.Config{
		Secrets: keyring, BaseURL: "https://app.example", Scopes: []string{"read", "write"},
		Env:     core.Env{Now: func() time.Time { return time.Now().Add(-age) }},
		Hashing: password.CheapParams(), Mute: []string{core.NoticeNewSignIn},
	})
	must(err)
	t.Cleanup(func() { _ = auth.Close() })
	hasher, err := password.NewHasher(password.CheapParams(), password.Limits{}, rand.Reader)
	must(err)
	hash, err := hasher.Hash(t.Context(), pass)
	must(err)
	ctx := core.WithOrigin(t.Context(), core.Origin{IP: "203.0.113.7", UserAgent: "Mozilla/5.0 (X11; Linux x86_64) Chrome/130.0.0.0"})
	p := &People{auth: auth, count: n}
	for i := range n {
		one := person{email: fmt.Sprintf("person%d@example.com", i)}
		tapped.put = map[record.Key]record.Record{}
		age = time.Duration(mrand.Int64N(int64(year)))
		u, _, err := auth.Users().Ensure(ctx, core.Seed{
			Identities:   []core.SeedIdentity{{Kind: identifier.Email, Value: one.email, Verified: true}},
			PasswordHash: hash, Name: "Ann Example",
		})
		must(err)
		age = 0
		_, key, err := auth.CreateKey(ctx, u.ID, core.NewKey{Name: "deploy", Scopes: []string{"read"}})
		must(err)
		api, err := auth.StartSession(ctx, u.ID, core.Wish{Kind: core.APISession, DeviceName: "Ann's phone"})
		must(err)
		web, err := auth.StartSession(ctx, u.ID, core.Wish{Kind: core.BrowserSession})
		must(err)
		one.id, one.key, one.token, one.cookie = u.ID, key, api.RefreshToken, web.Cookie
		for k, r := range tapped.put {
			if k.Tenant == core.DefaultTenant {
				one.records = append(one.records, r)
			}
		}
		p.made = append(p.made, one)
	}
	tapped.put = nil
	return p
}

const year = 365 * 24 * time.Hour

// tap remembers what is put into a store, while put is not nil.
type tap struct {
	record.Backend
	put map[record.Key]record.Record
}

func (s *tap) Commit(ctx context.Context, ops []record.Op) error {
	err := s.Backend.Commit(ctx, ops)
	for _, op := range ops {
		if err == nil && s.put != nil && op.Verb == record.Put {
			s.put[op.Key] = op.Record
		}
	}
	return err
}

// Load calls add with the records of others, some thousands at a time and sorted by key, until there are n people.
func (p *People) Load(t testing.TB, n int, add func([]record.Record) error) {
	t.Helper()
	var batch []record.Record
	for p.count < n {
		batch = append(batch, p.other()...)
		if len(batch) < 20_000 && p.count < n {
			continue
		}
		slices.SortFunc(batch, func(a, b record.Record) int { return a.Key.Compare(b.Key) })
		if err := add(batch); err != nil {
			t.Fatal(err)
		}
		batch = batch[:0]
	}
}

// other returns the records of one who was made, as another user's.
func (p *People) other() []record.Record {
	from := p.made[p.count%len(p.made)]
	p.count++
	email := fmt.Sprintf("other%d@example.com", p.count)
	renamed := strings.NewReplacer(from.email, email, from.id, newID("usr", year))
	later := time.Duration(mrand.Int64N(int64(time.Hour)))
	out := make([]record.Record, len(from.records))
	for i, r := range from.records {
		if id := renamed.Replace(r.ID); id != r.ID {
			r.ID = id
		} else if prefix, _, ok := strings.Cut(r.ID, "_"); ok && prefix != r.ID {
			r.ID = newID(prefix, time.Hour)
		} else {
			r.ID = newID("", time.Hour)[1:]
		}
		r.Rev = mrand.Int64N(math.MaxInt64) + 1
		if !r.Expires.IsZero() {
			r.Expires = r.Expires.Add(later)
		}
		r.Row = slices.Clone(r.Row)
		for j, v := range r.Row {
			switch v.Type() {
			case record.String:
				r.Row[j] = record.StringValue(renamed.Replace(v.Text()))
			case record.Text:
				r.Row[j] = record.TextValue(renamed.Replace(v.Text()))
			}
		}
		out[i] = r
	}
	return out
}

// newID is an id in the form of core's, made at a random moment of the time before now.
func newID(prefix string, before time.Duration) string {
	const alphabet = "0123456789abcdefghjkmnpqrstvwxyz"
	var out [26]byte
	at := uint64(time.Now().Add(-time.Duration(mrand.Int64N(int64(before)))).UnixMilli())
	for i := 9; i >= 0; i-- {
		out[i] = alphabet[at&31]
		at >>= 5
	}
	for i := 10; i < len(out); i++ {
		out[i] = alphabet[mrand.IntN(32)]
	}
	return prefix + "_" + string(out[:])
}
