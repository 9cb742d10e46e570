package core_test

import (
	"context"
	"errors"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/core/record"
)

// counted is a leased job that counts its runs.
func counted(runs *atomic.Int64) func(*core.Config) {
	return func(c *core.Config) {
		c.Features = append(c.Features, core.Feature{Name: "counted", Jobs: []core.Job{{
			Name: "counted", Every: time.Minute, Leased: true,
			Run: func(context.Context) error { runs.Add(1); return nil },
		}}})
	}
}

func TestLeasedJobRunsOnOneNode(t *testing.T) {
	var runs atomic.Int64
	w := newWorld(t, counted(&runs))
	other := w.again()
	together(8, func(i int) {
		on := w
		if i%2 == 1 {
			on = other
		}
		noError(t, on.RunJobs(t.Context()))
	})
	holder, idle := w, other
	if n := runs.Load(); n != 4 { // each of the holder's four
		t.Fatalf("%d runs", n)
	}
	noError(t, holder.RunJobs(t.Context()))
	if runs.Load() == 4 {
		holder, idle = other, w
	}
	now := runs.Load()
	noError(t, idle.RunJobs(t.Context()))
	if runs.Load() != now {
		t.Error("a node without the lease ran the job")
	}
	w.clock.Advance(3*time.Minute + time.Second) // the holder is gone
	noError(t, idle.RunJobs(t.Context()))
	if runs.Load() != now+1 {
		t.Error("nobody took over")
	}
	noError(t, holder.RunJobs(t.Context()))
	if runs.Load() != now+1 {
		t.Error("both nodes run the job")
	}
}

func TestRunStopsWithItsContextAndWithClose(t *testing.T) {
	before := runtime.NumGoroutine()
	var runs atomic.Int64
	w := newWorld(t, counted(&runs))
	for _, stop := range []string{"context", "close"} {
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- w.Run(ctx) }()
		for want := runs.Load() + 1; runs.Load() < want; {
			runtime.Gosched()
		}
		if stop == "context" {
			cancel()
		} else {
			noError(t, w.Close())
		}
		if err := <-ended; err != nil {
			t.Errorf("%s: %v", stop, err)
		}
		cancel()
	}
	if err := w.Run(t.Context()); err == nil {
		t.Error("Run after Close: no error")
	}
	for range 1000 { // goroutines that have returned may still be counted
		if runtime.NumGoroutine() <= before {
			return
		}
		runtime.Gosched()
		time.Sleep(time.Millisecond)
	}
	t.Errorf("%d goroutines, before %d", runtime.NumGoroutine(), before)
}

// Run delivers a notice as soon as it is there.
func TestRunDeliversAtOnce(t *testing.T) {
	arrived := make(chan core.Notice, 1)
	w := newWorld(t, func(c *core.Config) {
		c.Courier = courierFunc(func(_ context.Context, n core.Notice) error { arrived <- n; return nil })
	})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	w.person("ann@example.com")
	if n := <-arrived; n.To != "ann@example.com" {
		t.Errorf("%+v", n)
	}
	cancel()
	noError(t, <-ended)
}

type courierFunc func(context.Context, core.Notice) error

func (f courierFunc) Deliver(ctx context.Context, n core.Notice) error { return f(ctx, n) }

func TestFailingJobIsReported(t *testing.T) {
	broken := errors.New("broken")
	w := newWorld(t, func(c *core.Config) {
		c.Features = []core.Feature{{Jobs: []core.Job{{
			Name: "broken", Every: time.Minute, Run: func(context.Context) error { return broken },
		}}}}
	})
	if err := w.RunJobs(t.Context()); !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
}

func TestSweepRemovesWhatExpired(t *testing.T) {
	w := newWorld(t)
	w.person("ann@example.com")
	w.resetLink("ann@example.com")
	noError(t, w.ForgotPassword(t.Context(), "nobody@example.com"))
	_, err := w.signIn("nobody@example.com", wrongPassword, browser)
	wantCode(t, err, core.CodeInvalidCredentials)
	w.clock.Advance(8 * 24 * time.Hour)
	noError(t, w.RunJobs(t.Context()))
	for _, kind := range []string{"session", "one_time_token", "guess", "outbox"} {
		if n := w.count(kind); n != 0 {
			t.Errorf("%d of %s are left", n, kind)
		}
	}
	for _, kind := range []string{"account", "user", "identity", "password"} {
		if n := w.count(kind); n != 1 {
			t.Errorf("%d of %s are left", n, kind)
		}
	}
}

// thing is a kind of a feature's own.
type thing struct {
	ID string `record:"id"`
}

var things = record.Define[thing]("test_thing", 1)

func TestFeatureBringsItsKinds(t *testing.T) {
	started := 0
	w := newWorld(t, func(c *core.Config) {
		c.Features = []core.Feature{{
			Name: "things", Kinds: []core.Kind{things.Kind()},
			Start: func(ctx context.Context, a *core.Auth) error {
				started++
				return a.Update(ctx, func(tx *core.Tx) error { return things.In(tx.Record()).Set(&thing{ID: "first"}) })
			},
			TxListeners: []core.TxListener{func(tx *core.Tx, e core.Event) error {
				return things.In(tx.Record()).Set(&thing{ID: string(e.Type)})
			}},
		}}
	})
	w.person("ann@example.com")
	var ids []string
	noError(t, w.View(t.Context(), func(tx *core.Tx) error {
		all, err := things.In(tx.Record()).All(record.Page{})
		for _, x := range all {
			ids = append(ids, x.ID)
		}
		return err
	}))
	if started != 1 || len(ids) != 3 {
		t.Errorf("started %d times, things %v", started, ids)
	}
}
