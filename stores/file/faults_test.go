//go:build boltfaults

package file_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	bolt "go.etcd.io/bbolt"

	"github.com/oneauth-go/oneauth/core/record"
	"github.com/oneauth-go/oneauth/stores/file"
)

// platter is what a disk would hold after a power cut. Writes go to a cache, from which a sync moves them; a cut keeps
// what was synced and, of the rest, whatever the disk happened to write, sector by sector and in any order.
type platter struct {
	mu     sync.Mutex
	synced []byte
	cache  []write
	fail   func(call string) error
}

const sector = 512

// write is a write to the cache, or a change of size when b is nil.
type write struct {
	off int64
	b   []byte
}

func (p *platter) WriteAt(_ string, b []byte, off int64) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	call := "data"
	if off < 2*4096 && len(b) == 4096 {
		call = "head"
	}
	if err := p.failing(call); err != nil {
		return err
	}
	p.cache = append(p.cache, write{off, append([]byte{}, b...)})
	return nil
}

func (p *platter) Truncate(_ string, size int64) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.failing("truncate"); err != nil {
		return err
	}
	p.cache = append(p.cache, write{off: size})
	return nil
}

func (p *platter) Sync(string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.failing("sync"); err != nil {
		return err
	}
	for _, w := range p.cache {
		p.synced = w.apply(p.synced, func() bool { return true })
	}
	p.cache = nil
	return nil
}

func (p *platter) failing(call string) error {
	if p.fail == nil {
		return nil
	}
	return p.fail(call)
}

// apply writes those sectors of w to image that keep says.
func (w write) apply(image []byte, keep func() bool) []byte {
	need := int(w.off) + len(w.b)
	if len(image) < need {
		image = append(image, make([]byte, need-len(image))...)
	}
	for at := 0; at < len(w.b); at += sector {
		if keep() {
			copy(image[int(w.off)+at:], w.b[at:min(at+sector, len(w.b))])
		}
	}
	return image
}

// cut returns the disk after a power cut now.
func (p *platter) cut(keep func() bool) []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	image := append([]byte{}, p.synced...)
	for _, w := range p.cache {
		image = w.apply(image, keep)
	}
	return image
}

// watch makes a platter the disk of all stores that are opened until the end of the test.
func watch(t *testing.T) *platter {
	p := &platter{}
	bolt.Faults = p
	t.Cleanup(func() { bolt.Faults = nil })
	return p
}

// powerCut writes with several goroutines, cuts the power at a random moment, and says what is wrong with what is left.
func powerCut(t *testing.T, o file.Options, keep func() bool) error {
	p := watch(t)
	store, db := temporary(t, o)
	var acked [8]atomic.Int64 // how many commits of each goroutine were acknowledged
	stop := make(chan struct{})
	progress := make(chan struct{}, 1024)
	var wg sync.WaitGroup
	for g := range acked {
		wg.Go(func() {
			for i := int64(1); ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				if err := db.Update(inTenant, func(tx *record.Tx) error { return step(tx, g, i) }); err != nil {
					t.Error(err)
					return
				}
				acked[g].Store(i)
				select {
				case progress <- struct{}{}:
				default:
				}
			}
		})
	}
	for range 50 + rand.IntN(300) {
		<-progress
	}
	var atLeast [len(acked)]int64
	for g := range acked {
		atLeast[g] = acked[g].Load()
	}
	image := p.cut(keep)
	close(stop)
	wg.Wait()
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	bolt.Faults = nil
	return inspect(t, image, atLeast[:])
}

// step is the i-th commit of goroutine g: it raises a counter, moves a session to another user, and inserts one and
// deletes the one before.
func step(tx *record.Tx, g int, i int64) error {
	id := fmt.Sprint("g", g)
	if err := accounts.In(tx).Set(&account{ID: id, N: i}); err != nil {
		return err
	}
	if err := sessions.In(tx).Set(&session{ID: id, UserID: fmt.Sprint("u", i%3), N: i}); err != nil {
		return err
	}
	if err := identities.In(tx).Insert(&identity{ID: fmt.Sprint(id, "-", i), UserID: id}); err != nil {
		return err
	}
	return identities.In(tx).Delete(fmt.Sprint(id, "-", i-1))
}

// inspect opens a disk image as a store and looks for the commits that were acknowledged.
func inspect(t *testing.T, image []byte, atLeast []int64) error {
	path := filepath.Join(t.TempDir(), "after.db")
	if err := os.WriteFile(path, image, 0o600); err != nil {
		t.Fatal(err)
	}
	store, err := file.Open(path, file.Options{CompactAt: -1})
	if err != nil {
		return err
	}
	defer store.Close()
	db, err := record.Open(inTenant, store, record.Options{}, kinds...)
	if err != nil {
		return err
	}
	if err := store.Verify(context.Background()); err != nil {
		return err
	}
	return db.View(inTenant, func(tx *record.Tx) error {
		for g, n := range atLeast {
			if err := checkSteps(tx, g, n); err != nil {
				return err
			}
		}
		return nil
	})
}

func checkSteps(tx *record.Tx, g int, atLeast int64) error {
	id := fmt.Sprint("g", g)
	a, err := accounts.In(tx).Get(id)
	if errors.Is(err, record.ErrNotFound) && atLeast == 0 {
		return nil
	}
	if err != nil {
		return fmt.Errorf("account %s: %w", id, err)
	}
	if a.N < atLeast {
		return fmt.Errorf("account %s is at %d, %d was acknowledged", id, a.N, atLeast)
	}
	s, err := sessions.In(tx).Get(id)
	if err != nil || s.N != a.N {
		return fmt.Errorf("session %s is not of the same commit as its account: %v", id, err)
	}
	own, err := identities.In(tx).Find("user_id", id, record.Page{})
	if err != nil || len(own) != 1 || own[0].ID != fmt.Sprint(id, "-", a.N) {
		return fmt.Errorf("%s has %d identities, want the one of commit %d: a deleted one lives again, %v", id, len(own), a.N, err)
	}
	return nil
}

func some() bool { return rand.IntN(2) == 0 }

// A power cut keeps every acknowledged commit, whatever part of the rest reached the disk.
func TestFaultPowerCut(t *testing.T) {
	for name, keep := range map[string]func() bool{
		"nothing unsynced": func() bool { return false },
		"torn":             some,
	} {
		t.Run(name, func(t *testing.T) {
			for range rounds(20) {
				if err := powerCut(t, file.Options{}, keep); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// The test above can fail: it does when syncing is off. (Not always: bbolt also syncs when the file grows, and the cut may
// come just after.)
func TestFaultPowerCutIsNoticed(t *testing.T) {
	const cuts = 10
	noticed := 0
	for range cuts {
		if err := powerCut(t, file.Options{NoSync: true}, some); err != nil {
			t.Log(err)
			noticed++
		}
	}
	if noticed < cuts/2 {
		t.Fatalf("%d of %d power cuts without syncing were noticed: the test is blind", noticed, cuts)
	}
}

// A compaction has its copy on disk, with what was written meanwhile, before it takes the place of the file.
func TestFaultPowerCutInCompaction(t *testing.T) {
	store, db := temporary(t, file.Options{CompactAt: -1})
	p := &platter{}
	var acked, atLeast atomic.Int64
	var image []byte
	bolt.Faults = copyOnly{p, func() { // the first write to the copy under its new name
		if image == nil {
			image = p.cut(func() bool { return false })
			atLeast.Store(acked.Load())
		}
	}}
	defer func() { bolt.Faults = nil }()
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for i := int64(1); ; i++ {
			if err := db.Update(inTenant, func(tx *record.Tx) error { return step(tx, 0, i) }); err != nil {
				t.Error(err)
				return
			}
			acked.Store(i)
			select {
			case <-stop:
				return
			default:
			}
		}
	}()
	for acked.Load() < 100 {
		runtime.Gosched()
	}
	if err := store.Compact(context.Background()); err != nil {
		t.Fatal(err)
	}
	for seen := acked.Load(); acked.Load() < seen+2; {
		runtime.Gosched()
	}
	close(stop)
	<-done
	if err := inspect(t, image, []int64{atLeast.Load()}); err != nil {
		t.Fatal(err)
	}
}

// copyOnly watches the copy that a compaction makes, and tells of writes to it after it was renamed.
type copyOnly struct {
	*platter
	renamed func()
}

func (c copyOnly) WriteAt(path string, b []byte, off int64) error {
	if !strings.HasSuffix(path, ".compact") {
		return nil
	}
	if _, err := os.Stat(path); err != nil && path != "" {
		c.renamed()
	}
	return c.platter.WriteAt(path, b, off)
}

func (c copyOnly) Truncate(path string, size int64) error {
	if !strings.HasSuffix(path, ".compact") {
		return nil
	}
	return c.platter.Truncate(path, size)
}

func (c copyOnly) Sync(path string) error {
	if !strings.HasSuffix(path, ".compact") {
		return nil
	}
	return c.platter.Sync(path)
}

// A disk that fails while a commit is written: what the caller learns, and what the store does afterwards.
func TestFaultFailingDisk(t *testing.T) {
	for _, c := range []struct {
		name, call string
		nth        int
		err        error
		unknown    bool // the caller learns record.ErrUnknown; else the commit is certainly not applied
		writable   bool // the store goes on
		readable   bool
	}{
		{"full while data is written", "data", 1, syscall.ENOSPC, false, true, true},
		{"full while more data is written", "data", 2, syscall.ENOSPC, false, true, true},
		{"error while data is written", "data", 1, syscall.EIO, false, false, true},
		{"error while data is synced", "sync", 1, syscall.EIO, false, false, true},
		{"error while the head is written", "head", 1, syscall.EIO, false, false, true},
		{"error while the head is synced", "sync", 2, syscall.EIO, true, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := watch(t)
			path := filepath.Join(t.TempDir(), "auth.db")
			store, db := open(t, path, file.Options{CompactAt: -1})
			for i := int64(1); i <= 5; i++ {
				update(t, db, func(tx *record.Tx) error { return step(tx, 0, i) })
			}
			failOnce(p, c.call, c.nth, c.err)
			err := db.Update(inTenant, func(tx *record.Tx) error { return step(tx, 0, 6) })
			if err == nil || errors.Is(err, record.ErrUnknown) != c.unknown {
				t.Fatalf("the commit returned %v, unknown should be %v", err, c.unknown)
			}
			err = db.View(inTenant, func(tx *record.Tx) error { return checkSteps(tx, 0, 5) })
			if c.readable && err != nil || !c.readable && !errors.Is(err, file.ErrFailed) {
				t.Errorf("reading afterwards: %v", err)
			}
			err = db.Update(inTenant, func(tx *record.Tx) error { return step(tx, 1, 1) })
			if c.writable && err != nil || !c.writable && !errors.Is(err, file.ErrFailed) {
				t.Errorf("writing afterwards: %v", err)
			}
			if errors.Is(err, record.ErrUnknown) {
				t.Errorf("a refused commit is not in doubt: %v", err)
			}
			if err := store.Close(); err != nil {
				t.Error(err)
			}
			image, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := inspect(t, image, []int64{5}); err != nil {
				t.Error(err)
			}
			checkPages(t, path)
		})
	}
}

// A disk that is full at one commit after the other leaves the store right, and it goes on when there is room.
func TestFaultFullDiskAgainAndAgain(t *testing.T) {
	p := watch(t)
	path := filepath.Join(t.TempDir(), "auth.db")
	store, db := open(t, path, file.Options{CompactAt: -1})
	n := int64(0)
	for i := range 200 {
		if i%2 == 1 {
			failOnce(p, "data", 1+i%7, syscall.ENOSPC)
		}
		err := db.Update(inTenant, func(tx *record.Tx) error { return step(tx, 0, n+1) })
		if err == nil {
			n++
		} else if !errors.Is(err, syscall.ENOSPC) {
			t.Fatal(err)
		}
	}
	failOnce(p, "", 0, nil)
	if err := store.Verify(context.Background()); err != nil {
		t.Error(err)
	}
	if err := store.Close(); err != nil {
		t.Error(err)
	}
	image, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := inspect(t, image, []int64{n}); err != nil {
		t.Error(err)
	}
	checkPages(t, path)
}

// failOnce makes the nth call of a sort fail from now on, once.
func failOnce(p *platter, call string, nth int, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fail = func(c string) error {
		if c != call {
			return nil
		}
		if nth--; nth == 0 {
			return err
		}
		return nil
	}
}

// checkPages lets bbolt check that each page is used exactly once.
func checkPages(t *testing.T, path string) {
	t.Helper()
	db, err := bolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	err = db.View(func(tx *bolt.Tx) error {
		var faults []error
		for err := range tx.Check() {
			faults = append(faults, err)
		}
		return errors.Join(faults...)
	})
	if err != nil {
		t.Error(err)
	}
}
