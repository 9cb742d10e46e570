package credtest

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/oneauth-go/oneauth/client"
)

const (
	writers = 8
	updates = 5
)

// What was kept comes back as it was, to another opening of the place too; what is not to be changed stays.
func (s Suite) keeps(t *testing.T) {
	place := s.Place(t)
	store := s.open(t, place)
	if got := load(t, store); got != nil {
		t.Fatalf("a new store has %s", text(got))
	}
	full := &client.Credential{
		Server: "https://app.example", ClientID: "Ö's \"client\"", AccessToken: strings.Repeat("a.", 700), RefreshToken: "rt/+~_-=",
		Scopes: []string{"read", "write:'all'"}, SessionID: "ses_%s\\n", ObtainedAt: time.UnixMilli(1e12 + 1).UTC(),
		ExpiresAt: time.UnixMilli(2e12 + 999).UTC(),
	}
	for _, c := range []*client.Credential{full, {AccessToken: "oak_1"}} {
		set(t, store, c)
		if got := text(load(t, s.open(t, place))); got != text(c) {
			t.Errorf("%s came back as %s", text(c), got)
		}
	}
	set(t, store, full)
	failed := errors.New("failed")
	err := store.Update(t.Context(), func(_ context.Context, current *client.Credential) (*client.Credential, error) {
		if text(current) != text(full) {
			t.Errorf("Update got %s", text(current))
		}
		return nil, failed
	})
	if err != failed || text(load(t, store)) != text(full) { // not wrapped
		t.Errorf("an error of change came as %v", err)
	}
	err = store.Update(t.Context(), func(_ context.Context, current *client.Credential) (*client.Credential, error) { return current, nil })
	if err != nil || text(load(t, store)) != text(full) {
		t.Errorf("leaving it as it is: %v", err)
	}
	set(t, store, nil)
	set(t, store, nil) // what is not there can be removed
	if got := load(t, s.open(t, place)); got != nil {
		t.Errorf("after removal: %s", text(got))
	}
}

// A credential that the store cannot keep is refused when it is saved, not when it is read, and changes nothing.
func (s Suite) refusesTooLarge(t *testing.T) {
	if s.OneProcess {
		return // a pointer has no size
	}
	store := s.open(t, s.Place(t))
	set(t, store, number(1))
	size := s.TooLarge
	if size == 0 {
		size = 1 << 20
	}
	large := number(2)
	large.AccessToken = strings.Repeat("a", size)
	err := store.Update(t.Context(), func(context.Context, *client.Credential) (*client.Credential, error) { return large, nil })
	if err == nil || strings.Contains(err.Error(), "aaaa") {
		t.Errorf("saving %d bytes: %v", size, err)
	}
	if got := text(load(t, store)); got != text(number(1)) {
		t.Errorf("after that the store has %.100s", got)
	}
}

// Of updates at the same time none is lost, through one opening of the place and through many.
func (s Suite) turns(t *testing.T) {
	place := s.Place(t)
	store := s.open(t, place)
	set(t, store, number(0))
	var all sync.WaitGroup
	for i := range writers {
		mine := store
		if i%2 == 1 {
			mine = s.open(t, place)
		}
		all.Go(func() {
			for range updates {
				if _, err := count(t.Context(), mine); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if got := text(load(t, store)); got != text(number(writers*updates)) {
		t.Errorf("%d updates counted to %s", writers*updates, got)
	}
}

// Whoever waits for the lock goes when the context ends, and has changed nothing.
func (s Suite) waitingEnds(t *testing.T) {
	store := s.open(t, s.Place(t))
	set(t, store, number(1))
	ctx, cancel := context.WithCancel(t.Context())
	err := store.Update(t.Context(), func(_ context.Context, current *client.Credential) (*client.Credential, error) {
		cancel()
		err := store.Update(ctx, func(context.Context, *client.Credential) (*client.Credential, error) {
			t.Error("two updates at once")
			return nil, nil
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("while locked: %v", err)
		}
		return current, nil
	})
	if err != nil || load(t, store) == nil {
		t.Errorf("the update that had the lock: %v", err)
	}
}

// Load gives what was saved last while an update is under way.
func (s Suite) loadDoesNotWait(t *testing.T) {
	place := s.Place(t)
	store := s.open(t, place)
	set(t, store, number(1))
	err := store.Update(t.Context(), func(context.Context, *client.Credential) (*client.Credential, error) {
		for _, reader := range []client.Store{store, s.open(t, place)} {
			if got := text(load(t, reader)); got != text(number(1)) {
				t.Errorf("during an update: %s", got)
			}
		}
		return number(2), nil
	})
	if err != nil || text(load(t, store)) != text(number(2)) {
		t.Errorf("afterwards: %v", err)
	}
}
