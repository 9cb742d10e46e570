package file

import (
	"context"
	"errors"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/oneauth-go/oneauth/core/record"
)

// A commit that is cancelled while it waits for the writer is not applied; nor does it hold up the others.
func TestCommitCancelledInQueue(t *testing.T) {
	ctx := record.WithTenant(context.Background(), "acme")
	store, err := Open(filepath.Join(t.TempDir(), "auth.db"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if err := store.Prepare(ctx, record.Schema{Kinds: []*record.Kind{notes.Kind()}}); err != nil {
		t.Fatal(err)
	}
	held, release := make(chan struct{}), make(chan struct{})
	go store.exclusive(ctx, func() error { close(held); <-release; return nil })
	<-held
	put := func(id string) []record.Op {
		key := record.Key{Tenant: "acme", Kind: "note", ID: id}
		return []record.Op{{Verb: record.Put, Record: record.Record{Key: key, Rev: 1, Version: 1, Row: record.Row{record.StringValue("x")}}}}
	}
	cancelled, cancel := context.WithCancel(ctx)
	outcome := make(chan error, 1)
	go func() { outcome <- store.Commit(cancelled, put("a")) }()
	for queued := 0; queued == 0; runtime.Gosched() {
		store.queue.mu.Lock()
		queued = len(store.queue.list)
		store.queue.mu.Unlock()
	}
	cancel()
	if err := <-outcome; !errors.Is(err, context.Canceled) {
		t.Errorf("the cancelled commit: %v", err)
	}
	close(release)
	if err := store.Commit(ctx, put("b")); err != nil {
		t.Error(err)
	}
	found, err := store.Get(ctx, put("a")[0].Key, put("b")[0].Key)
	if err != nil || len(found) != 1 || found[0].ID != "b" {
		t.Errorf("found %v, %v, want b alone", found, err)
	}
}

// Whoever waits for the lock while the file is replaced does not end up with the old one.
func TestWaiterOutlivesCompaction(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "auth.db")
	store, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	waiter := make(chan error, 1)
	go func() {
		s, err := Open(path, Options{LockTimeout: 400e6})
		if err == nil {
			s.Close()
		}
		waiter <- err
	}()
	for {
		select {
		case err := <-waiter:
			if !errors.Is(err, ErrLocked) {
				t.Errorf("the one who waited: %v, want ErrLocked", err)
			}
			return
		default:
			if err := store.Compact(ctx); err != nil {
				t.Fatal(err)
			}
		}
	}
}
