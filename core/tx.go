package core

import (
	"context"
	"errors"

	"github.com/oneauth-go/oneauth/core/record"
)

// Tx is one transaction over everything that core keeps. What record.Tx says of reads, writes and running again holds.
type Tx struct {
	auth *Auth
	rec  *record.Tx
	ctx  context.Context
}

// Record returns the kernel's transaction, for a feature's own kinds: table.In(tx.Record()).
func (tx *Tx) Record() *record.Tx { return tx.rec }

// Context returns the transaction's context, with tenant and origin.
func (tx *Tx) Context() context.Context { return tx.ctx }

func (tx *Tx) Accounts() record.Rows[Account]             { return accounts.In(tx.rec) }
func (tx *Tx) Users() record.Rows[User]                   { return users.In(tx.rec) }
func (tx *Tx) Identities() record.Rows[Identity]          { return identities.In(tx.rec) }
func (tx *Tx) Passwords() record.Rows[Password]           { return passwords.In(tx.rec) }
func (tx *Tx) Sessions() record.Rows[Session]             { return sessions.In(tx.rec) }
func (tx *Tx) Attempts() record.Rows[Attempt]             { return attempts.In(tx.rec) }
func (tx *Tx) OneTimeTokens() record.Rows[OneTimeToken]   { return oneTime.In(tx.rec) }
func (tx *Tx) LinkedAccounts() record.Rows[LinkedAccount] { return linked.In(tx.rec) }
func (tx *Tx) APIKeys() record.Rows[APIKey]               { return apiKeys.In(tx.rec) }
func (tx *Tx) Clients() record.Rows[Client]               { return clients.In(tx.rec) }

// Update runs fn in a transaction of the tenant in ctx; see record.DB.Update for its laws. Kernel errors come back as
// *Error: contention and unknown outcomes are CodeUnavailable.
func (a *Auth) Update(ctx context.Context, fn func(*Tx) error) error {
	ctx, err := a.scoped(ctx)
	if err != nil {
		return err
	}
	if err := a.register(ctx); err != nil {
		return err
	}
	return storeError(a.db.Update(ctx, func(rec *record.Tx) error {
		return fn(&Tx{auth: a, rec: rec, ctx: rec.Context()})
	}))
}

// View runs fn with a read-only transaction of the tenant in ctx.
func (a *Auth) View(ctx context.Context, fn func(*Tx) error) error {
	ctx, err := a.scoped(ctx)
	if err != nil {
		return err
	}
	return storeError(a.db.View(ctx, func(rec *record.Tx) error {
		return fn(&Tx{auth: a, rec: rec, ctx: ctx})
	}))
}

// scoped returns ctx with its tenant: the default one where the application has none, an error where it has.
func (a *Auth) scoped(ctx context.Context) (context.Context, error) {
	tenant := TenantOf(ctx)
	switch {
	case tenant == "" && !a.cfg.MultiTenant:
		return WithTenant(ctx, DefaultTenant), nil
	case tenant == record.System:
		return ctx, nil
	case !ValidTenant(tenant):
		return nil, ErrTenantRequired
	case !a.cfg.MultiTenant && tenant != DefaultTenant:
		return nil, ErrTenantRequired
	}
	return ctx, nil
}

func system(ctx context.Context) context.Context { return record.WithTenant(ctx, record.System) }

// register notes a tenant on its first write, so that background work finds it.
func (a *Auth) register(ctx context.Context) error {
	tenant := TenantOf(ctx)
	if tenant == record.System {
		return nil
	}
	if _, known := a.known.Load(tenant); known {
		return nil
	}
	err := a.db.Update(system(ctx), func(rec *record.Tx) error {
		err := tenants.In(rec).Insert(&tenantEntry{ID: tenant, CreatedAt: a.now()})
		if errors.Is(err, record.ErrExists) {
			return nil
		}
		return err
	})
	if err != nil {
		return storeError(err)
	}
	a.known.Store(tenant, true)
	return nil
}

// EachTenant calls fn with a context of every tenant that ever wrote something, until an error.
func (a *Auth) EachTenant(ctx context.Context, fn func(ctx context.Context) error) error {
	for after := ""; ; {
		var page []*tenantEntry
		err := a.db.View(system(ctx), func(rec *record.Tx) (err error) {
			page, err = tenants.In(rec).All(record.Page{After: after})
			return err
		})
		if err != nil {
			return storeError(err)
		}
		for _, t := range page {
			if err := fn(WithTenant(ctx, t.ID)); err != nil {
				return err
			}
			after = t.ID
		}
		if len(page) < record.MaxPage {
			return nil
		}
	}
}
