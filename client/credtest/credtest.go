package credtest

import (
	"context"
	"encoding/json"
	"os"
	"strconv"
	"testing"

	"github.com/oneauth-go/oneauth/client"
)

// Suite is what the tests need to know of a kind of store.
type Suite struct {
	// Place makes an empty place for one credential, and returns a name by which Open finds it.
	Place func(t testing.TB) string
	// Open opens the store of a place. Each call is as from another program.
	Open func(place string) (client.Store, error)
	// TooLarge is how many bytes a credential has that the store refuses; default 1 MiB.
	TooLarge int
	// OneProcess is for stores that no other process can share: only the first half of the tests is run.
	OneProcess bool
}

// Run runs the suite.
func Run(t *testing.T, s Suite) {
	t.Run("keeps what it is given", s.keeps)
	t.Run("refuses what is too large", s.refusesTooLarge)
	t.Run("updates take turns", s.turns)
	t.Run("waiting ends with the context", s.waitingEnds)
	t.Run("load does not wait", s.loadDoesNotWait)
	t.Run("clients refresh once", s.clientsRefreshOnce)
	if s.OneProcess {
		return
	}
	t.Run("processes take turns", s.processesTakeTurns)
	t.Run("processes refresh once", s.processesRefreshOnce)
	t.Run("a killed process loses nothing", s.killed)
	t.Run("killed between commit and save", s.killedBeforeSave)
}

func (s Suite) open(t testing.TB, place string) client.Store {
	t.Helper()
	return must(s.Open(place))(t)
}

// must returns a function that fails the test when there is an error, and else gives the value.
func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func load(t testing.TB, s client.Store) *client.Credential {
	t.Helper()
	return must(s.Load(t.Context()))(t)
}

// set replaces what a store has.
func set(t testing.TB, s client.Store, c *client.Credential) {
	t.Helper()
	err := s.Update(t.Context(), func(context.Context, *client.Credential) (*client.Credential, error) { return c, nil })
	if err != nil {
		t.Fatal(err)
	}
}

// text is a credential with its secrets.
func text(c *client.Credential) string {
	data, _ := json.Marshal(c)
	return string(data)
}

// number is a credential that counts.
func number(n int) *client.Credential {
	return &client.Credential{AccessToken: "at", RefreshToken: "rt", SessionID: strconv.Itoa(n)}
}

// count adds one to the number in a store, and returns the new one.
func count(ctx context.Context, s client.Store) (n int, err error) {
	err = s.Update(ctx, func(_ context.Context, current *client.Credential) (*client.Credential, error) {
		n, err = strconv.Atoi(current.SessionID)
		n++
		return number(n), err
	})
	return n, err
}

// kills is how often processes are killed.
func kills() int {
	if n, err := strconv.Atoi(os.Getenv("STORETEST_KILLS")); err == nil && n > 0 {
		return n
	}
	return 3
}
