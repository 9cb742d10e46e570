package file_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/oneauth-go/oneauth/core/record"
	"github.com/oneauth-go/oneauth/stores/file"
)

// Kinds like those of an application: what a sign-in reads and writes.
type user struct {
	ID    string    `record:"id"`
	Name  string    `record:"name"`
	Email string    `record:"email"`
	Since time.Time `record:"since"`
}

type account struct {
	ID     string `record:"id"`
	Status string `record:"status"`
	Hash   string `record:"hash,text"`
	N      int64  `record:"n"`
}

type identity struct {
	ID       string `record:"id"` // "email:" and the address
	UserID   string `record:"user_id,term"`
	Verified bool   `record:"verified"`
}

type session struct {
	ID     string    `record:"id"`
	UserID string    `record:"user_id,term"`
	Client string    `record:"client"`
	Agent  string    `record:"agent,text"`
	Salt   []byte    `record:"salt"`
	N      int64     `record:"n"`
	Until  time.Time `record:"expires"`
}

var (
	users      = record.Define[user]("user", 1)
	accounts   = record.Define[account]("account", 1)
	identities = record.Define[identity]("identity", 1)
	sessions   = record.Define[session]("session", 1)
	kinds      = []*record.Kind{users.Kind(), accounts.Kind(), identities.Kind(), sessions.Kind()}
)

var inTenant = record.WithTenant(context.Background(), "acme")

// open opens the store at path and a DB over it; the test closes them.
func open(t testing.TB, path string, o file.Options) (*file.Store, *record.DB) {
	t.Helper()
	store, err := file.Open(path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	db, err := record.Open(inTenant, store, record.Options{}, kinds...)
	if err != nil {
		t.Fatal(err)
	}
	return store, db
}

// temporary opens a store in a folder of its own.
func temporary(t testing.TB, o file.Options) (*file.Store, *record.DB) {
	t.Helper()
	return open(t, filepath.Join(t.TempDir(), "auth.db"), o)
}

func update(t testing.TB, db *record.DB, fn func(*record.Tx) error) {
	t.Helper()
	if err := db.Update(inTenant, fn); err != nil {
		t.Fatal(err)
	}
}

// person is user number i: ids are spread over the key space, as random ones are.
type person struct{ id, email string }

func personOf(i int) person {
	return person{id: scattered("u", uint64(i)), email: fmt.Sprintf("email:%x.user%d@example.com", mix(uint64(i))>>48, i)}
}

func scattered(prefix string, i uint64) string { return fmt.Sprintf("%s_%016x%06x", prefix, mix(i), i) }

// mix is the finaliser of SplitMix64.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

const userAgent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36"

// insertPerson writes user, account, identity and two sessions.
func insertPerson(tx *record.Tx, i int) error {
	p := personOf(i)
	since := time.UnixMilli(1_700_000_000_000 + int64(i))
	err := users.In(tx).Insert(&user{ID: p.id, Name: fmt.Sprint("User ", i), Email: p.email, Since: since})
	if err == nil {
		hash := "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$RdescudvJCsgt3ub+b0dWRWJTmaaJObG1z5HV4Yq8fM"
		err = accounts.In(tx).Insert(&account{ID: p.id, Status: "enabled", Hash: hash})
	}
	if err == nil {
		err = identities.In(tx).Insert(&identity{ID: p.email, UserID: p.id, Verified: true})
	}
	for k := uint64(0); err == nil && k < 2; k++ {
		err = sessions.In(tx).Insert(&session{
			ID: scattered("s", uint64(i)*2+k+1<<40), UserID: p.id, Client: "first-party", Agent: userAgent,
			Salt: []byte("0123456789abcdef"), Until: time.Now().Add(time.Hour * time.Duration(24+rand.IntN(720))),
		})
	}
	return err
}
