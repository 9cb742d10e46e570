package file_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/oneauth-go/oneauth/core/record"
	"github.com/oneauth-go/oneauth/stores/file"
)

func Example() {
	type note struct {
		ID   string `record:"id"`
		Text string `record:"text,text"`
	}
	notes := record.Define[note]("note", 1)

	dir, _ := os.MkdirTemp("", "example")
	defer os.RemoveAll(dir)
	store, err := file.Open(filepath.Join(dir, "notes.db"), file.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer store.Close()
	ctx := record.WithTenant(context.Background(), "acme")
	db, err := record.Open(ctx, store, record.Options{}, notes.Kind())
	if err != nil {
		fmt.Println(err)
		return
	}
	err = db.Update(ctx, func(tx *record.Tx) error { return notes.In(tx).Insert(&note{ID: "1", Text: "durable"}) })
	fmt.Println(err)
	err = db.View(ctx, func(tx *record.Tx) error {
		n, err := notes.In(tx).Get("1")
		if err == nil {
			fmt.Println(n.Text)
		}
		return err
	})
	fmt.Println(err)
	// Output:
	// <nil>
	// durable
	// <nil>
}

func fill(t testing.TB, db *record.DB, from, to int) {
	t.Helper()
	for i := from; i < to; i += 50 {
		update(t, db, func(tx *record.Tx) error {
			for j := i; j < min(i+50, to); j++ {
				if err := insertPerson(tx, j); err != nil {
					return err
				}
			}
			return nil
		})
	}
}

// wantPeople checks that persons from..to are whole.
func wantPeople(t testing.TB, db *record.DB, from, to int) {
	t.Helper()
	err := db.View(inTenant, func(tx *record.Tx) error {
		for i := from; i < to; i++ {
			id, err := identities.In(tx).Get(personOf(i).email)
			if err != nil {
				return fmt.Errorf("person %d: %w", i, err)
			}
			own, err := sessions.In(tx).Find("user_id", id.UserID, record.Page{})
			if err != nil || len(own) != 2 {
				return fmt.Errorf("person %d has %d sessions: %v", i, len(own), err)
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func verify(t testing.TB, s *file.Store) {
	t.Helper()
	if err := s.Verify(context.Background()); err != nil {
		t.Error(err)
	}
}

func TestFileIsPrivate(t *testing.T) {
	store, _ := temporary(t, file.Options{})
	info, err := os.Stat(store.Path())
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode is %v, want 0600", info.Mode().Perm())
	}
	left, _ := filepath.Glob(store.Path() + ".*")
	if len(left) != 0 {
		t.Errorf("creating left %v", left)
	}
}

func TestSecondOpenIsRefused(t *testing.T) {
	store, db := temporary(t, file.Options{})
	start := time.Now()
	_, err := file.Open(store.Path(), file.Options{LockTimeout: -1})
	if !errors.Is(err, file.ErrLocked) || !strings.Contains(err.Error(), store.Path()) {
		t.Errorf("in the same process: %v, want ErrLocked with the path", err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+store.Path())
	if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), file.ErrLocked.Error()) {
		t.Errorf("in another process: %v %s", err, out)
	}
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("it took %v", took)
	}
	if err := store.Compact(context.Background()); err != nil { // another file has the name now
		t.Fatal(err)
	}
	if _, err := file.Open(store.Path(), file.Options{LockTimeout: -1}); !errors.Is(err, file.ErrLocked) {
		t.Errorf("after a compaction: %v, want ErrLocked", err)
	}
	fill(t, db, 0, 1)
}

func TestTwoCreateAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "auth.db")
	var wg sync.WaitGroup
	opened := make(chan *file.Store, 8)
	for range cap(opened) {
		wg.Go(func() {
			s, err := file.Open(path, file.Options{LockTimeout: -1})
			if err == nil {
				opened <- s
			} else if !errors.Is(err, file.ErrLocked) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	close(opened)
	if len(opened) != 1 {
		t.Errorf("%d opened the file, want 1", len(opened))
	}
	for s := range opened {
		s.Close()
	}
}

func TestUnusableFilesAreLeftAlone(t *testing.T) {
	dir := t.TempDir()
	good := filepath.Join(dir, "good.db")
	store, db := open(t, good, file.Options{})
	fill(t, db, 0, 200)
	store.Close()
	whole := read(t, good)
	edited := func(fn func(*bolt.Tx) error) []byte {
		path := filepath.Join(dir, "edited.db")
		put(t, path, whole)
		b, err := bolt.Open(path, 0o600, nil)
		if err == nil {
			err = errors.Join(b.Update(fn), b.Close())
		}
		if err != nil {
			t.Fatal(err)
		}
		return read(t, path)
	}
	torn := bytes.Clone(whole)
	copy(torn[0:], make([]byte, 8192))
	for name, c := range map[string]struct {
		content []byte
		says    string
	}{
		"empty":     {nil, "empty"},
		"garbage":   {bytes.Repeat([]byte("garbage "), 4096), "head page"},
		"short":     {[]byte("x"), "head page"},
		"cut short": {whole[:32<<10], "cut short"},
		"headless":  {torn, "head page"},
		"newer": {edited(func(tx *bolt.Tx) error {
			return tx.Bucket([]byte("meta")).Put([]byte("format"), []byte("oneauth/2"))
		}), "newer"},
		"foreign": {edited(func(tx *bolt.Tx) error { return tx.DeleteBucket([]byte("meta")) }), "another program"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "auth.db")
			put(t, path, c.content)
			_, err := file.Open(path, file.Options{})
			if !errors.Is(err, file.ErrFormat) || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), path) {
				t.Errorf("Open: %v, want ErrFormat with %q and the path", err, c.says)
			}
			if !bytes.Equal(read(t, path), c.content) {
				t.Error("the file was changed")
			}
		})
	}
}

// One torn head page is what a power cut may leave: the other one counts.
func TestTornHeadPage(t *testing.T) {
	for page := range 2 {
		store, db := temporary(t, file.Options{})
		fill(t, db, 0, 10)
		store.Close()
		b := read(t, store.Path())
		copy(b[page*4096+16:], make([]byte, 40))
		put(t, store.Path(), b)
		again, db := open(t, store.Path(), file.Options{})
		verify(t, again)
		fill(t, db, 100, 101)
	}
}

func TestFileCutShortWhileOpen(t *testing.T) {
	store, db := temporary(t, file.Options{})
	fill(t, db, 0, 300)
	if err := os.Truncate(store.Path(), 8192); err != nil {
		t.Fatal(err)
	}
	err := db.View(inTenant, func(tx *record.Tx) error { _, err := users.In(tx).Get(personOf(1).id); return err })
	if !errors.Is(err, record.ErrCorrupt) {
		t.Errorf("read: %v, want ErrCorrupt", err)
	}
	err = db.Update(inTenant, func(tx *record.Tx) error { return insertPerson(tx, 400) })
	if !errors.Is(err, file.ErrFailed) {
		t.Errorf("write: %v, want ErrFailed", err)
	}
}

func TestClose(t *testing.T) {
	store, db := temporary(t, file.Options{})
	acked := make(chan int, 1000)
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := g * 100; ; i++ {
				err := db.Update(inTenant, func(tx *record.Tx) error { return insertPerson(tx, i) })
				if errors.Is(err, record.ErrClosed) {
					return
				}
				if err != nil {
					t.Error(err)
					return
				}
				acked <- i
			}
		})
	}
	done := []int{<-acked, <-acked, <-acked}
	for range 2 {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	}
	wg.Wait()
	close(acked)
	for i := range acked {
		done = append(done, i)
	}
	if err := store.Compact(inTenant); !errors.Is(err, record.ErrClosed) {
		t.Errorf("Compact: %v", err)
	}
	if _, err := store.Backup(inTenant, io.Discard); !errors.Is(err, record.ErrClosed) {
		t.Errorf("Backup: %v", err)
	}
	again, db := open(t, store.Path(), file.Options{})
	verify(t, again)
	for _, i := range done {
		wantPeople(t, db, i, i+1)
	}
}
