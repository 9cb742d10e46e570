package mongo_test

import (
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/oneauth-go/oneauth/core/record"
	"github.com/oneauth-go/oneauth/internal/population"
	"github.com/oneauth-go/oneauth/stores/mongo/internal/mongofake"
)

// tape remembers the commands that a server gets.
type tape struct {
	mu    sync.Mutex
	names []string
}

func listen(server *mongofake.Server) *tape {
	tape := &tape{}
	server.Watch(func(c mongofake.Command) {
		if c.Name == "endSessions" || c.Name == "killCursors" {
			return
		}
		tape.mu.Lock()
		defer tape.mu.Unlock()
		tape.names = append(tape.names, c.Name)
	})
	return tape
}

// cut returns what was recorded since the last cut.
func (tape *tape) cut() string {
	tape.mu.Lock()
	defer tape.mu.Unlock()
	names := tape.names
	tape.names = nil
	return strings.Join(names, " ")
}

// Each command is a round trip: how many a call to the store takes.
func TestStatementsOfTheStore(t *testing.T) {
	server := fake(t)
	store, _ := prepared(t, server.URI())
	tape := listen(server)
	commit := func(ops ...record.Op) func() error { return func() error { return store.Commit(t.Context(), ops) } }
	for _, c := range []struct {
		name string
		call func() error
		want string
	}{
		{"insert", commit(put(0, 1, "a", "x", 1)), "insert"},
		{"replace", commit(put(1, 2, "a", "x", 1)), "update"},
		{"inserts", commit(put(0, 1, "b", "x", 1), put(0, 1, "c", "x", 1), put(0, 1, "d", "x", 1)), "insert commitTransaction"},
		{"everything", commit(put(2, 3, "a", "x", 1), on(record.Delete, 1, "b"), on(record.Check, 1, "c"), put(0, 1, "e", "x", 1)),
			"insert update delete commitTransaction"},
		{"delete", commit(on(record.Delete, 1, "d")), "delete"},
		{"Get", func() error { _, err := store.Get(t.Context(), key("a"), key("b"), key("c")); return err }, "find"},
		{"Find", func() error {
			_, err := store.Find(t.Context(), record.Query{Tenant: "main", Kind: "thing", Term: "owner", Value: "x", Limit: record.MaxPage})
			return err
		}, "find"},
		{"Sweep", func() error { _, err := store.Sweep(t.Context(), time.Now(), 100); return err }, "find"},
	} {
		tape.cut()
		if err := c.call(); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if got := tape.cut(); got != c.want {
			t.Errorf("%s takes %q, want %q", c.name, got, c.want)
		}
	}
}

// How many an application's operations take.
func TestStatementsOfOperations(t *testing.T) {
	server := fake(t)
	a := start(t, server.URI(), "db")
	a.want(201, "POST", "/auth/signup", signUp(annMail))
	a.want(200, "POST", "/auth/api/login", login(annPassword))
	a.want(200, "POST", "/auth/login", login(annPassword))
	tape := listen(server)
	browser := a.want(200, "POST", "/auth/login", login(annPassword))["cookie"]
	signIn := tape.cut()
	api := a.want(200, "POST", "/auth/api/login", login(annPassword))
	apiLogin := tape.cut()
	a.want(200, "GET", "/auth/session", "", cookie(browser))
	check := tape.cut()
	a.want(200, "POST", "/auth/token", refreshBody(api["refresh_token"]))
	refresh := tape.cut()
	a.want(204, "DELETE", "/auth/sessions", "", cookie(browser))
	revokeAll := tape.cut()
	for _, c := range []struct {
		name, got string
		most      int
	}{
		{"sign-in", signIn, 18}, {"sign-in for the API", apiLogin, 18}, {"session check", check, 3}, {"refresh", refresh, 2},
		{"end other sessions", revokeAll, 8},
	} {
		if n := len(strings.Fields(c.got)); n > c.most {
			t.Errorf("%s takes %d statements, want at most %d: %s", c.name, n, c.most, c.got)
		}
	}
}

// The same through core alone, as for the other stores. docs/stores.md has them.
func TestRoundTripsPerOperation(t *testing.T) {
	server := fake(t)
	store, err := open(t, server.URI(), freshName(t, server.URI()))
	if err != nil {
		t.Fatal(err)
	}
	people := population.Make(t, store, 2)
	tape, n := listen(server), 0
	count := func() int { n += len(strings.Fields(tape.cut())); return n }
	want := map[string]int{"check": 1, "key": 2, "list": 1, "refresh": 2, "signin": 17, "signup": 10, "revoke": 7, "page": 1}
	if got := people.Costs(t, count); !maps.Equal(got, want) {
		t.Errorf("round trips are %v, written down are %v", got, want)
	}
}
