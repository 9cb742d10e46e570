package core_test

import (
	"errors"
	"testing"

	"github.com/oneauth-go/oneauth/core"
)

func TestTxListenerErrorUndoesTheWhole(t *testing.T) {
	full := errors.New("the journal is full")
	w := newWorld(t, func(c *core.Config) {
		c.TxListeners = []core.TxListener{func(_ *core.Tx, e core.Event) error {
			if e.Type == core.EventSignedIn {
				return full
			}
			return nil
		}}
	})
	_, err := w.SignUp(t.Context(), core.SignUp{Email: "ann@example.com", Password: goodPassword, Wish: browser})
	if e := wantCode(t, err, core.CodeUnavailable); !errors.Is(e, full) {
		t.Errorf("cause %v", err)
	}
	if w.count("account")+w.count("session")+w.count("outbox") != 0 {
		t.Error("something is left")
	}
	if len(w.events.all) != 0 {
		t.Errorf("a listener heard of what did not happen: %+v", w.events.all)
	}
}

func TestListenersHearOnceAfterTheCommit(t *testing.T) {
	w := newWorld(t)
	ctx := core.WithOrigin(t.Context(), core.Origin{IP: "192.0.2.1", UserAgent: "Test/1"})
	in := must(w.SignUp(ctx, core.SignUp{Email: "ann@example.com", Password: goodPassword, Wish: browser}))(t)
	for _, typ := range []core.EventType{core.EventSignedUp, core.EventSignedIn} {
		got := w.events.of(typ)
		if len(got) != 1 {
			t.Fatalf("%s was heard %d times", typ, len(got))
		}
		e := got[0]
		if e.UserID != in.User.ID || e.Outcome != core.Success || e.Tenant != core.DefaultTenant || e.Origin.IP != "192.0.2.1" ||
			!e.At.Equal(w.clock.Now()) || e.ID == "" {
			t.Errorf("%+v", e)
		}
	}
}

func TestFailuresAreRecorded(t *testing.T) {
	var journal []core.Event
	down := false
	w := newWorld(t, func(c *core.Config) {
		c.TxListeners = []core.TxListener{func(_ *core.Tx, e core.Event) error {
			if down {
				return errors.New("the journal cannot be written")
			}
			journal = append(journal, e)
			return nil
		}}
	})
	u := w.verified("ann@example.com")
	_, err := w.signIn("ann@example.com", wrongPassword, browser)
	wantCode(t, err, core.CodeInvalidCredentials)
	last := journal[len(journal)-1]
	if last.Type != core.EventSignInFailed || last.Outcome != core.Failure || last.UserID != u.ID || last.Reason != string(core.CodeInvalidCredentials) {
		t.Errorf("%+v", last)
	}
	down = true // an entry that is lost is an error, for right and wrong passwords alike
	for _, pw := range []string{wrongPassword, goodPassword} {
		_, err = w.signIn("ann@example.com", pw, browser)
		wantCode(t, err, core.CodeUnavailable)
	}
	if w.count("session") != 0 {
		t.Error("there is a session that the journal does not know")
	}
}
