package core_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/core/record"
	"github.com/oneauth-go/oneauth/stores/storetest"
)

func TestNoticeIsDeliveredOnce(t *testing.T) {
	w := newWorld(t)
	ctx := core.WithOrigin(t.Context(), core.Origin{Locale: "de-AT"})
	must(w.SignUp(ctx, core.SignUp{Email: "ann@example.com", Password: goodPassword, Name: "Ann", Wish: browser}))(t)
	for range 3 {
		noError(t, w.DeliverPending(t.Context()))
		noError(t, w.again().DeliverPending(t.Context()))
	}
	all := w.mail.all()
	if len(all) != 1 {
		t.Fatalf("%d deliveries", len(all))
	}
	if n := all[0]; n.To != "ann@example.com" || n.Channel != core.Email || n.Locale != "de-AT" || n.Name != "" ||
		!n.Expires.Equal(w.clock.Now().Add(24*time.Hour)) {
		t.Errorf("%+v", n)
	}
	if w.count("outbox") != 0 {
		t.Error("the notice is still there")
	}
}

func TestTwoNodesDeliverOnce(t *testing.T) {
	for range rounds(t, 10) {
		w := newWorld(t)
		other := w.again()
		for i := range 5 {
			w.person(fmt.Sprintf("ann%d@example.com", i))
		}
		together(8, func(i int) {
			on := w
			if i%2 == 1 {
				on = other
			}
			noError(t, on.DeliverPending(t.Context()))
		})
		if n := len(w.mail.all()); n != 5 {
			t.Fatalf("%d deliveries of 5 notices", n)
		}
	}
}

func TestFailedDeliveryIsTriedAgainLater(t *testing.T) {
	w := newWorld(t, func(c *core.Config) { c.Lifetimes.VerifyLink = 30 * 24 * time.Hour })
	w.mail.refuseWith(errors.New("greylisted"))
	w.person("ann@example.com")
	start := w.clock.Now()
	var at []time.Duration
	for w.clock.Now().Before(start.Add(6 * 24 * time.Hour)) {
		before := len(w.mail.all())
		noError(t, w.DeliverPending(t.Context()))
		if len(w.mail.all()) > before {
			at = append(at, w.clock.Now().Sub(start))
		}
		if len(at) < 5 {
			w.clock.Advance(time.Second)
		} else {
			w.clock.Advance(time.Minute)
		}
	}
	if len(at) != 16 {
		t.Fatalf("%d tries, at %v", len(at), at)
	}
	for i := 2; i < len(at); i++ {
		if at[i]-at[i-1] < at[i-1]-at[i-2] {
			t.Errorf("try %d came sooner than the one before: %v", i+1, at)
		}
	}
	if last := at[15]; last < 15*time.Hour || last > 16*time.Hour {
		t.Errorf("the last try was after %v", last)
	}
	w.mail.refuseWith(nil)
	w.clock.Advance(24 * time.Hour)
	noError(t, w.DeliverPending(t.Context()))
	if len(w.mail.all()) != 16 {
		t.Error("it was tried again after it was given up")
	}
}

// A crash after the delivery and before it is recorded: the notice comes again, under the same id.
func TestCrashRepeatsTheSameNotice(t *testing.T) {
	w := newWorld(t)
	w.person("ann@example.com")
	w.store.Clear()
	commits := 0
	w.store.FailWhen(func(c storetest.Call) bool {
		if c.Method == storetest.Commit {
			commits++
		}
		return commits >= 2
	}, storetest.Fail)
	wantCode(t, w.DeliverPending(t.Context()), core.CodeUnavailable)
	if n := len(w.mail.all()); n != 1 {
		t.Fatalf("%d deliveries", n)
	}
	other := w.again()
	noError(t, other.DeliverPending(t.Context()))
	if n := len(w.mail.all()); n != 1 {
		t.Fatalf("delivered again at once, while the first node may still be at it: %d", n)
	}
	w.clock.Advance(2 * time.Minute)
	noError(t, other.DeliverPending(t.Context()))
	all := w.mail.all()
	if len(all) != 2 || all[0].ID != all[1].ID || all[0].Link != all[1].Link {
		t.Errorf("%+v", all)
	}
}

func TestDecoyIsNeverDelivered(t *testing.T) {
	w := newWorld(t)
	noError(t, w.ForgotPassword(t.Context(), "nobody@example.com"))
	noError(t, w.RequestVerify(t.Context(), "", "nobody@example.com"))
	if w.count("outbox") != 2 {
		t.Fatalf("%d notices wait", w.count("outbox"))
	}
	if got := w.notices(); len(got) != 0 || w.count("outbox") != 0 {
		t.Errorf("delivered %+v, %d left", got, w.count("outbox"))
	}
}

func TestNoticeWithADeadLinkIsNotDelivered(t *testing.T) {
	w := newWorld(t)
	w.verified("ann@example.com")
	noError(t, w.ForgotPassword(t.Context(), "ann@example.com"))
	w.clock.Advance(time.Hour)
	if got := w.notices(); len(got) != 0 {
		t.Errorf("delivered %+v", got)
	}
}

func TestNoticesAreSealedAtRest(t *testing.T) {
	w := newWorld(t)
	w.person("ann@example.com")
	var waiting []record.Record
	for _, r := range w.dump(core.DefaultTenant) {
		if r.Kind == "outbox" {
			waiting = append(waiting, r)
		}
	}
	token := w.link(core.NoticeVerify, "ann@example.com")
	if len(waiting) != 1 {
		t.Fatalf("%d notices waited", len(waiting))
	}
	for _, v := range waiting[0].Row {
		for _, secret := range []string{token, "ann@example.com", "https://", "verify"} {
			if strings.Contains(v.Text(), secret) {
				t.Errorf("the stored notice shows %q", secret)
			}
		}
	}
}

func TestWithoutACourierNoticesWait(t *testing.T) {
	w := newWorld(t, func(c *core.Config) { c.Courier = nil })
	w.person("ann@example.com")
	noError(t, w.DeliverPending(t.Context()))
	if w.count("outbox") != 1 {
		t.Error("the notice is gone")
	}
}
