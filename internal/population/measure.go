package population

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/core/record"
)

// Operations are what Measure measures, in this order.
var Operations = []string{"check", "key", "list", "refresh", "signin", "signup", "revoke", "page"}

// Measure does each operation once for each of the people whom core has made, in all stores in turn, and reports the
// medians in nanoseconds, as "ns-check-1000", "ns-refresh-1000" and so on, the number being that of users:
//
//	check    a browser's session      signin  password to session, less the hashing
//	key      an API key               signup  a new user with a session
//	list     one user's sessions      revoke  all of a user's sessions, there are three
//	refresh  a pair of tokens         page    fifty users in the order of their ids, from one on
//
// Before that, all of them are there once.
func Measure(t testing.TB, all []*People, report func(value float64, unit string)) {
	t.Helper()
	n := len(all[0].made)
	for _, p := range all {
		for _, one := range p.made {
			for _, operation := range []string{"check", "key", "list", "page"} {
				p.do(t, operation, one)
			}
			p.lookAt(t, one)
		}
	}
	for _, operation := range Operations {
		times := make([][]time.Duration, len(all))
		for i := range n {
			for j, p := range all {
				if operation == "check" {
					p.do(t, operation, p.made[i]) // notes the use, which happens once a minute
				}
				begun := time.Now()
				p.do(t, operation, p.made[i])
				times[j] = append(times[j], time.Since(begun))
			}
		}
		for j, p := range all {
			slices.Sort(times[j])
			report(float64(times[j][n/2].Nanoseconds()), fmt.Sprintf("ns-%s-%d", operation, p.count))
		}
	}
}

// lookAt fails to sign in: what signing in reads is read, and nothing is written but the count of failures.
func (p *People) lookAt(t testing.TB, one person) {
	_, err := p.auth.SignIn(t.Context(), core.PasswordSignIn{Identifier: one.email, Password: "not " + pass, Wish: core.Wish{Kind: core.BrowserSession}})
	if !errors.Is(err, core.ErrInvalidCredentials) {
		t.Fatal(err)
	}
}

// Costs does each operation for two people, and returns what count says the second took: statements, or round trips.
func (p *People) Costs(t testing.TB, count func() int) map[string]int {
	t.Helper()
	costs := map[string]int{}
	for _, operation := range Operations {
		p.do(t, operation, p.made[0])
		before := count()
		p.do(t, operation, p.made[1])
		costs[operation] = count() - before
	}
	return costs
}

// do does an operation as one of the people.
func (p *People) do(t testing.TB, operation string, one person) {
	var err error
	ctx := t.Context()
	switch operation {
	case "check":
		_, err = p.auth.CheckSession(ctx, one.cookie)
	case "key":
		_, err = p.auth.CheckKey(ctx, one.key)
	case "list":
		_, err = p.auth.ListSessions(ctx, one.id)
	case "refresh":
		_, err = p.auth.Refresh(ctx, one.token, core.FirstParty, nil)
	case "signin":
		_, err = p.auth.SignIn(ctx, core.PasswordSignIn{Identifier: one.email, Password: pass, Wish: core.Wish{Kind: core.BrowserSession}})
	case "signup":
		_, err = p.auth.SignUp(ctx, core.SignUp{
			Email: fmt.Sprintf("new%d.%s", p.count, one.email), Password: pass, Wish: core.Wish{Kind: core.BrowserSession},
		})
	case "revoke":
		err = p.auth.Users().RevokeAll(ctx, one.id)
	case "page":
		_, err = p.auth.Users().List(ctx, record.Page{After: one.id, Limit: 50})
	}
	if err != nil {
		t.Fatalf("%s among %d users: %v", operation, p.count, err)
	}
}
