package core_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/oneauth-go/oneauth/core"
)

// Where sign-up is by invitation, whoever proves the invited address at a trusted provider is invited. The invitation is
// used up.
func TestFederatedSignUpByInvitation(t *testing.T) {
	w := newWorld(t, inviteOnly)
	token := w.invite(annMail)
	for name, c := range map[string]struct {
		as    core.Assertion
		rules core.LinkRules
	}{
		"nobody invited":   {acme("1", "bob@example.com", true), trusted},
		"not verified":     {acme("1", annMail, false), trusted},
		"not trusted":      {acme("1", annMail, true), core.LinkRules{}},
		"no address":       {acme("1", "", false), trusted},
		"no sign-up there": {acme("1", annMail, true), core.LinkRules{TrustEmail: true, NoSignUp: true}},
	} {
		if e := wantCode(t, second(w.federate(c.as, c.rules)), core.CodeSignUpRefused); e == nil {
			t.Error(name)
		}
	}
	if n := len(w.events.of(core.EventSignUpRefused)); n != 5 {
		t.Errorf("%d refusals were told", n)
	}
	in := must(w.federate(acme("1", annMail, true), trusted))(t)
	if i := w.identity(in.User.ID, annMail); i == nil || !i.Verified || !i.Owned {
		t.Errorf("identity %+v", i)
	}
	wantCode(t, second(w.Invitation(t.Context(), token)), core.CodeInvalidToken)
	must(w.federate(acme("1", annMail, true), trusted))(t)
}

// One invitation makes one account, however many come with its address at once.
func TestFederatedInvitationIsUsedOnce(t *testing.T) {
	w := newWorld(t, inviteOnly)
	w.invite(annMail)
	var made atomic.Int64
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			l, err := w.ResolveExternal(t.Context(), acme(fmt.Sprint(i), annMail, true), trusted)
			if err != nil {
				t.Error(err)
				return
			}
			if l.UserID != "" {
				made.Add(1)
			}
		})
	}
	all.Wait()
	if n := len(w.events.of(core.EventSignedUp)); n != 1 || made.Load() != 16 {
		t.Errorf("%d accounts for %d sign-ins", n, made.Load())
	}
}
