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
	users, auth, ctx := p.count, p.auth, t.Context()
	for _, operation := range Operations {
		times := make([]time.Duration, n)
		for i, one := range some {
			var err error
			begun := time.Now()
			switch operation {
			case "check":
				_, err = auth.CheckSession(ctx, one.cookie)
			case "key":
				_, err = auth.CheckKey(ctx, one.key)
			case "list":
				_, err = auth.ListSessions(ctx, one.id)
			case "refresh":
				_, err = auth.Refresh(ctx, one.token, core.FirstParty, nil)
			case "signin":
				_, err = auth.SignIn(ctx, core.PasswordSignIn{Identifier: one.email, Password: pass, Wish: core.Wish{Kind: core.BrowserSession}})
			case "signup":
				_, err = auth.SignUp(ctx, core.SignUp{
					Email: fmt.Sprintf("new%d.%s", users, one.email), Password: pass, Wish: core.Wish{Kind: core.BrowserSession},
				})
			case "revoke":
				err = auth.Users().RevokeAll(ctx, one.id)
			case "page":
				_, err = auth.Users().List(ctx, record.Page{After: one.id, Limit: 50})
			}
			times[i] = time.Since(begun)
			if err != nil {
				t.Fatalf("%s among %d users: %v", operation, users, err)
			}
		}
		slices.Sort(times)
		report(float64(times[n/2].Nanoseconds()), fmt.Sprintf("ns-%s-%d", operation, users))
	}
}
