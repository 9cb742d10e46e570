package population

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/core/record"
)

// Operations are what Measure measures, in this order.
var Operations = []string{"check", "key", "list", "refresh", "signin", "signup", "revoke", "page"}

// Measure runs each operation once for each of n people whom nobody has measured yet, and reports the medians in
// nanoseconds, as "ns-check-1000", "ns-refresh-1000" and so on, the number being that of users:
//
//	check    a browser's session      signin  password to session, less the hashing
//	key      an API key               signup  a new user with a session
//	list     one user's sessions      revoke  all of a user's sessions, there are three
//	refresh  a pair of tokens         page    fifty users in the order of their ids, from one on
func (p *People) Measure(t testing.TB, n int, report func(value float64, unit string)) {
	t.Helper()
	if p.fresh+n > len(p.made) {
		t.Fatalf("%d people are left to measure", len(p.made)-p.fresh)
	}
	some := p.made[p.fresh : p.fresh+n]
	p.fresh += n
	for _, operation := range Operations {
		times := make([]time.Duration, n)
		for i, one := range some {
			begun := time.Now()
			p.do(t, operation, one)
			times[i] = time.Since(begun)
		}
		slices.Sort(times)
		report(float64(times[n/2].Nanoseconds()), fmt.Sprintf("ns-%s-%d", operation, p.count))
	}
}

// Costs does each operation for two people whom nobody has measured yet, and returns what count says the second took:
// statements, or round trips.
func (p *People) Costs(t testing.TB, count func() int) map[string]int {
	t.Helper()
	costs := map[string]int{}
	for _, operation := range Operations {
		p.do(t, operation, p.made[p.fresh])
		before := count()
		p.do(t, operation, p.made[p.fresh+1])
		costs[operation] = count() - before
	}
	p.fresh += 2
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
