package core

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"github.com/oneauth-go/oneauth/core/record"
)

// outboxEntry is a notice that waits for its delivery. It is sealed, since links are secrets: a dump of the store
// redeems none.
type outboxEntry struct {
	ID       string    `record:"id"`
	State    string    `record:"state,term"` // pending, or empty when given up
	Sealed   []byte    `record:"sealed"`
	Tries    int64     `record:"tries"`
	NextAt   time.Time `record:"next_at"`
	LastFail string    `record:"last_failure,text"`
	Expires  time.Time `record:"expires"`
}

const (
	outboxPending  = "pending"
	outboxLease    = 2 * time.Minute // how long a delivery may take before another node tries
	outboxTries    = 16              // the last about 15 hours after the first
	outboxKeep     = 7 * 24 * time.Hour
	outboxMost     = time.Hour * 6 // between two tries
	outboxParallel = 8
)

// Notify puts a notice into the outbox, to be delivered at least once after this transaction has committed.
func (tx *Tx) Notify(n Notice) error {
	a := tx.auth
	var err error
	if n.ID, err = a.NewID(noticePrefix); err != nil {
		return err
	}
	n.At = a.now()
	if n.Locale == "" {
		n.Locale = OriginOf(tx.ctx).Locale
	}
	changed := n.Template == NoticePasswordChanged || n.Template == NoticeIdentityChanged
	if changed && n.Link == "" && a.cfg.ForgotPage != "" {
		n.Link = a.cfg.BaseURLFor(TenantOf(tx.ctx)) + a.cfg.ForgotPage
	}
	plain, err := json.Marshal(n)
	if err != nil {
		return err
	}
	sealed, err := a.cfg.Secrets.Seal(plain, "outbox", n.ID)
	if err != nil {
		return err
	}
	tx.rec.After(func() {
		select {
		case a.wakeOutbox <- struct{}{}:
		default:
		}
	})
	return outbox.In(tx.rec).Insert(&outboxEntry{
		ID: n.ID, State: outboxPending, Sealed: sealed, NextAt: n.At, Expires: n.At.Add(outboxKeep),
	})
}

// DeliverPending delivers every notice that is due, in all tenants, and returns when that is done. Run does it as they
// come; call it to have them delivered now: it waits for a delivery of this process that is under way. Without a Courier
// it does nothing.
func (a *Auth) DeliverPending(ctx context.Context) error {
	if a.cfg.Courier == nil {
		return nil
	}
	select {
	case a.delivering <- struct{}{}:
		defer func() { <-a.delivering }()
	case <-ctx.Done():
		return ctx.Err()
	}
	return a.EachTenant(ctx, func(ctx context.Context) error {
		var after string
		for ctx.Err() == nil {
			var page []*outboxEntry
			err := a.View(ctx, func(tx *Tx) (err error) {
				page, err = outbox.In(tx.rec).PeekFind("state", outboxPending, record.Page{After: after, Limit: 100})
				return err
			})
			if err != nil || len(page) == 0 {
				return err
			}
			after = page[len(page)-1].ID
			if err := a.deliverPage(ctx, page); err != nil {
				return err
			}
		}
		return ctx.Err()
	})
}

// deliverPage delivers several entries at once, since a mail server may be slow.
func (a *Auth) deliverPage(ctx context.Context, page []*outboxEntry) error {
	var all sync.WaitGroup
	errs := make([]error, len(page))
	slots := make(chan struct{}, outboxParallel)
	for i, e := range page {
		slots <- struct{}{}
		all.Go(func() {
			errs[i] = a.deliver(ctx, e.ID)
			<-slots
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

// deliver takes one entry for itself, delivers it, and records how that went. Only a failing store is an error.
func (a *Auth) deliver(ctx context.Context, id string) error {
	var taken *outboxEntry
	err := a.Update(ctx, func(tx *Tx) error {
		taken = nil
		e, ok, err := found(outbox.In(tx.rec).Get(id))
		if err != nil || !ok || e.State != outboxPending || e.NextAt.After(a.now()) {
			return err
		}
		e.Tries++
		e.NextAt = a.now().Add(outboxLease)
		taken = e
		return outbox.In(tx.rec).Put(e)
	})
	if err != nil || taken == nil {
		return err
	}
	failure := a.deliverOne(ctx, taken)
	if failure != nil {
		a.env.Log.WarnContext(ctx, "notice not delivered", "notice", id, "try", taken.Tries, "error", failure)
	}
	return a.Update(context.WithoutCancel(ctx), func(tx *Tx) error {
		rows := outbox.In(tx.rec)
		if failure == nil {
			return rows.Delete(id)
		}
		e, ok, err := found(rows.Get(id))
		if err != nil || !ok {
			return err
		}
		e.LastFail = clip(failure.Error(), 500)
		e.NextAt = a.now().Add(min(time.Second<<min(e.Tries, 20), outboxMost))
		if e.Tries >= outboxTries {
			e.State = ""
		}
		return rows.Put(e)
	})
}

func (a *Auth) deliverOne(ctx context.Context, e *outboxEntry) error {
	plain, err := a.cfg.Secrets.Open(e.Sealed, "outbox", e.ID)
	if err != nil {
		return err
	}
	var n Notice
	if err := json.Unmarshal(plain, &n); err != nil {
		return err
	}
	if n.Template == "" { // the decoy of a request that must not tell whether an account exists
		return nil
	}
	if !n.Expires.IsZero() && !n.Expires.After(a.now()) {
		return nil // a link that no longer works helps nobody
	}
	ctx, cancel := context.WithTimeout(ctx, outboxLease/2)
	defer cancel()
	err = a.cfg.Courier.Deliver(ctx, n)
	if err != nil && ctx.Err() != nil {
		return errors.Join(err, ctx.Err())
	}
	return err
}
