package file_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"

	bolt "go.etcd.io/bbolt"

	"github.com/oneauth-go/oneauth/core/record"
	"github.com/oneauth-go/oneauth/stores/file"
)

// underLoad runs fn while persons from 1000 on are inserted, and returns how many have been.
func underLoad(t *testing.T, db *record.DB, fn func()) (inserted int) {
	stop, started := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := 1000; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			if err := db.Update(inTenant, func(tx *record.Tx) error { return insertPerson(tx, i) }); err != nil {
				t.Error(err)
				return
			}
			if inserted++; inserted == 1 {
				close(started)
			}
		}
	})
	<-started
	fn()
	close(stop)
	wg.Wait()
	return inserted
}

func TestBackupUnderLoad(t *testing.T) {
	store, db := temporary(t, file.Options{})
	fill(t, db, 0, 500)
	path := filepath.Join(t.TempDir(), "backup.db")
	underLoad(t, db, func() {
		f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		n, err := store.Backup(inTenant, f)
		if err != nil {
			t.Fatal(err)
		}
		if info, err := f.Stat(); err != nil || info.Size() != n {
			t.Errorf("Backup = %d, the copy has %d bytes, %v", n, info.Size(), err)
		}
		f.Close()
	})
	verify(t, store)
	restored, db := open(t, path, file.Options{})
	verify(t, restored)
	wantPeople(t, db, 0, 500)
	wantPeople(t, db, 1000, 1001)
}

func TestBackupStops(t *testing.T) {
	store, db := temporary(t, file.Options{})
	fill(t, db, 0, 100)
	ctx, cancel := context.WithCancel(inTenant)
	if _, err := store.Backup(ctx, writerFunc(func(p []byte) (int, error) { cancel(); return len(p), nil })); !errors.Is(err, context.Canceled) {
		t.Errorf("Backup: %v, want context.Canceled", err)
	}
	full := errors.New("no room")
	if _, err := store.Backup(inTenant, writerFunc(func([]byte) (int, error) { return 0, full })); !errors.Is(err, full) {
		t.Errorf("Backup to a writer that fails: %v, want its error", err)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func TestCompactUnderLoad(t *testing.T) {
	store, db := temporary(t, file.Options{CompactAt: -1})
	fill(t, db, 0, 1000)
	empty(t, db, 200, 1000)
	before, err := store.Stats()
	if err != nil {
		t.Fatal(err)
	}
	n := underLoad(t, db, func() {
		for range 3 {
			if err := store.Compact(inTenant); err != nil {
				t.Error(err)
			}
		}
	})
	after, err := store.Stats()
	if err != nil {
		t.Fatal(err)
	}
	if before.FreePages < 100 || after.FreePages > before.FreePages || after.Compactions != 3 {
		t.Errorf("free pages: %d before, %d after %d compactions", before.FreePages, after.FreePages, after.Compactions)
	}
	for range 2 {
		verify(t, store)
		wantPeople(t, db, 0, 200)
		wantPeople(t, db, 1000, 1000+n)
		store.Close()
		store, db = open(t, store.Path(), file.Options{})
	}
}

// empty deletes the sessions and users of persons.
func empty(t *testing.T, db *record.DB, from, to int) {
	t.Helper()
	for i := from; i < to; i += 20 {
		update(t, db, func(tx *record.Tx) error {
			for j := i; j < i+20; j++ {
				p := personOf(j)
				own, err := sessions.In(tx).Find("user_id", p.id, record.Page{})
				for _, s := range own {
					err = errors.Join(err, sessions.In(tx).Delete(s.ID))
				}
				err = errors.Join(err, users.In(tx).Delete(p.id), accounts.In(tx).Delete(p.id), identities.In(tx).Delete(p.email))
				if err != nil {
					return err
				}
			}
			return nil
		})
	}
}

func TestCompactsItself(t *testing.T) {
	store, db := temporary(t, file.Options{CompactAt: 100})
	fill(t, db, 0, 1000)
	empty(t, db, 0, 1000)
	for i := 2000; i < 4000; i++ {
		if st, err := store.Stats(); err != nil || st.Compactions > 0 {
			verify(t, store)
			return
		}
		fill(t, db, i, i+1)
	}
	t.Error("the store did not compact itself")
}

func TestCompactCancelled(t *testing.T) {
	store, db := temporary(t, file.Options{})
	fill(t, db, 0, 100)
	ctx, cancel := context.WithCancel(inTenant)
	cancel()
	if err := store.Compact(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Compact: %v", err)
	}
	wantPeople(t, db, 0, 100)
	if left, _ := filepath.Glob(store.Path() + ".*"); len(left) != 0 {
		t.Errorf("left %v", left)
	}
}

func TestVerifyFindsDamage(t *testing.T) {
	for name, bucket := range map[string]string{"missing": "t/session/user_id", "expiry": "expiry", "record": "r/session"} {
		t.Run(name, func(t *testing.T) {
			store, db := temporary(t, file.Options{})
			fill(t, db, 0, 10)
			store.Close()
			dropFirst(t, store.Path(), bucket)
			store, _ = open(t, store.Path(), file.Options{})
			if err := store.Verify(inTenant); !errors.Is(err, record.ErrCorrupt) {
				t.Errorf("Verify: %v, want ErrCorrupt", err)
			}
		})
	}
}

// dropFirst removes the first entry of a bucket behind the store's back.
func dropFirst(t *testing.T, path, bucket string) {
	t.Helper()
	db, err := bolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	err = db.Update(func(tx *bolt.Tx) error {
		c := tx.Bucket([]byte(bucket)).Cursor()
		c.First()
		return c.Delete()
	})
	if err != nil {
		t.Fatal(err)
	}
}
