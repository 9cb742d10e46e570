package core

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/oneauth-go/oneauth/core/record"
)

// Job is one piece of background work.
type Job struct {
	Name   string        // unique; names its lease
	Every  time.Duration // from the end of one run to the begin of the next
	Leased bool          // one node at a time
	Run    func(ctx context.Context) error
	Wake   <-chan struct{} // optional: run at once when something arrives

	// Lasting jobs run until ctx ends, and again if they should stop before: listening, say. RunJobs leaves them out.
	Lasting bool
}

// lease says which node does a job at present.
type lease struct {
	ID      string    `record:"id"`
	Holder  string    `record:"holder"`
	Expires time.Time `record:"expires"`
}

// runner runs jobs, each in its own goroutine.
type runner struct {
	auth   *Auth
	jobs   []Job
	holder string
	stop   context.CancelFunc
	ctx    context.Context
	mu     sync.Mutex
	closed bool
	active sync.WaitGroup
}

func newRunner(a *Auth, jobs []Job) (*runner, error) {
	seen := map[string]bool{}
	for _, j := range jobs {
		if j.Name == "" || seen[j.Name] || j.Every <= 0 || j.Run == nil {
			return nil, fmt.Errorf("core: job %q needs a name of its own, Every and Run", j.Name)
		}
		seen[j.Name] = true
	}
	holder, err := a.NewID("node")
	if err != nil {
		return nil, err
	}
	r := &runner{auth: a, jobs: jobs, holder: holder}
	r.ctx, r.stop = context.WithCancel(context.Background())
	return r, nil
}

var errRunClosed = errors.New("core: Run after Close")

func (r *runner) run(ctx context.Context) error {
	r.mu.Lock()
	if r.closed {
		r.mu.Unlock()
		return errRunClosed
	}
	r.active.Add(1)
	r.mu.Unlock()
	defer r.active.Done()

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(r.ctx, cancel)()
	var all sync.WaitGroup
	for _, j := range r.jobs {
		all.Go(func() { r.loop(ctx, j) })
	}
	all.Wait()
	return nil
}

func (r *runner) close() {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.stop()
	r.active.Wait()
}

func (r *runner) loop(ctx context.Context, j Job) {
	for {
		if err := r.once(ctx, j); err != nil && ctx.Err() == nil {
			r.auth.env.Log.ErrorContext(ctx, "background job failed", "job", j.Name, "error", err)
		}
		t := time.NewTimer(j.Every)
		select {
		case <-ctx.Done():
			t.Stop()
			return
		case <-t.C:
		case <-j.Wake:
			t.Stop()
		}
	}
}

// once runs j, if this node has or gets its lease.
func (r *runner) once(ctx context.Context, j Job) error {
	if !j.Leased {
		return j.Run(ctx)
	}
	mine := false
	err := r.auth.db.Update(system(ctx), func(rec *record.Tx) error {
		rows := leases.In(rec)
		l, ok, err := found(rows.Get(j.Name))
		if err != nil {
			return err
		}
		if mine = !ok || l.Holder == r.holder; !mine {
			return nil
		}
		return rows.Set(&lease{ID: j.Name, Holder: r.holder, Expires: r.auth.now().Add(2*j.Every + time.Minute)})
	})
	if err != nil || !mine {
		return err
	}
	return j.Run(ctx)
}

// RunJobs runs every background job that ends once, now, on this goroutine: for tests with a held clock, and for programs that
// are started by a scheduler instead of calling Run.
func (a *Auth) RunJobs(ctx context.Context) error {
	var errs []error
	for _, j := range a.runner.jobs {
		if !j.Lasting {
			errs = append(errs, a.runner.once(ctx, j))
		}
	}
	return errors.Join(errs...)
}

func (a *Auth) ownJobs() []Job {
	a.wakeOutbox, a.delivering = make(chan struct{}, 1), make(chan struct{}, 1)
	return []Job{
		{Name: "sweep", Every: time.Minute, Leased: true, Run: a.sweep},
		{Name: "outbox", Every: 5 * time.Second, Run: a.DeliverPending, Wake: a.wakeOutbox},
	}
}

// sweep removes expired records, in small commits so that it never holds up a sign-in for long.
func (a *Auth) sweep(ctx context.Context) error {
	const batch = 500
	for ctx.Err() == nil {
		n, err := a.db.Sweep(ctx, batch)
		if err != nil || n < batch {
			return err
		}
	}
	return nil
}
