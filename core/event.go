package core

import (
	"context"
	"errors"
	"time"
)

// EventType names what happened. Names are stable.
type EventType string

const (
	EventSignedUp            EventType = "signed_up"
	EventSignUpRefused       EventType = "sign_up_refused"
	EventInvited             EventType = "invited" // Detail is the address; as of the next one
	EventInvitationWithdrawn EventType = "invitation_withdrawn"
	EventSignedIn            EventType = "signed_in"
	EventSignInFailed        EventType = "sign_in_failed"
	EventFactorRequired      EventType = "factor_required"
	EventSessionsEnded       EventType = "sessions_ended" // Sessions names them
	EventRefreshed           EventType = "refreshed"
	EventRefreshReused       EventType = "refresh_reused" // an authentic old refresh token: theft, or a client gone wrong
	EventIdentityVerified    EventType = "identity_verified"
	EventIdentityAdded       EventType = "identity_added" // Reason is the kind, Detail the value; as of the next two
	EventIdentityRemoved     EventType = "identity_removed"
	EventIdentityPrimary     EventType = "identity_primary"
	EventAccountLinked       EventType = "account_linked" // to an account at a provider: Reason is its name, Detail the link's id
	EventAccountUnlinked     EventType = "account_unlinked"
	EventProviderRevoked     EventType = "provider_revoked" // the provider no longer honours the tokens that were kept
	EventReauthenticated     EventType = "reauthenticated"  // a signed-in person proved the password again
	EventVerifyRequested     EventType = "verify_requested"
	EventResetRequested      EventType = "reset_requested"
	EventPasswordReset       EventType = "password_reset"
	EventPasswordChanged     EventType = "password_changed"
	EventProfileChanged      EventType = "profile_changed"
	EventAccountPurged       EventType = "account_purged" // first proof of a never-verified address from outside
	EventKeyCreated          EventType = "key_created"
	EventKeyRevoked          EventType = "key_revoked" // Keys names them
	EventAccountDisabled     EventType = "account_disabled"
	EventAccountEnabled      EventType = "account_enabled"
	EventClientRegistered    EventType = "client_registered"
	EventTokenRevoked        EventType = "token_revoked"
)

// Outcome says whether what was tried was done.
type Outcome string

const (
	Success Outcome = "success"
	Failure Outcome = "failure"
)

// Event is one security-relevant thing that happened: who, what, when, from where, with which outcome, and why. It
// carries no secret.
type Event struct {
	ID        string
	Type      EventType
	At        time.Time
	Tenant    string
	UserID    string // the subject; empty when unknown
	SessionID string
	ClientID  string
	Origin    Origin
	Outcome   Outcome
	Reason    string   // stable word for why, such as a Code
	Sessions  []string // ids, for EventSessionsEnded; API sessions alone are named, since only they have tokens
	Keys      []string // ids, for EventKeyRevoked
	Detail    string   // free, for people
}

// TxListener hears of an event inside the transaction that causes it: what it writes is committed or undone with it. It
// has no outside effect, since it may run again. Its error undoes the whole.
type TxListener func(tx *Tx, e Event) error

// Listener hears of an event after its transaction has committed, once, in the same process. It must be quick and must
// not block: it runs on the caller's goroutine.
type Listener func(ctx context.Context, e Event)

// Emit tells the listeners of an event: those inside the transaction now, the others after the commit.
func (tx *Tx) Emit(e Event) error {
	a := tx.auth
	if err := a.complete(tx.ctx, &e); err != nil {
		return err
	}
	for _, l := range a.txListeners {
		if err := l(tx, e); err != nil {
			return err
		}
	}
	ctx := context.WithoutCancel(tx.ctx)
	tx.rec.After(func() { a.announce(ctx, e) })
	return nil
}

// emit tells the listeners of something that changed nothing else, such as a failure. Failing to record it is an error
// for the caller, since an audit entry must not be lost.
func (a *Auth) emit(ctx context.Context, e Event) error {
	if len(a.txListeners) > 0 {
		return a.Update(ctx, func(tx *Tx) error { return tx.Emit(e) })
	}
	ctx, err := a.scoped(ctx)
	if err != nil {
		return err
	}
	if err := a.complete(ctx, &e); err != nil {
		return err
	}
	a.announce(context.WithoutCancel(ctx), e)
	return nil
}

// failed emits e as a failure because of cause and returns cause, joined with the error of recording it.
func (a *Auth) failed(ctx context.Context, e Event, cause *Error) error {
	e.Outcome = Failure
	if e.Reason == "" {
		e.Reason = string(cause.Code)
	}
	if err := a.emit(ctx, e); err != nil {
		return AsError(errors.Join(err, cause))
	}
	return cause
}

func (a *Auth) complete(ctx context.Context, e *Event) (err error) {
	e.At, e.Tenant, e.Origin = a.now(), TenantOf(ctx), OriginOf(ctx)
	if e.Outcome == "" {
		e.Outcome = Success
	}
	e.ID, err = a.NewID(eventPrefix)
	return err
}

func (a *Auth) announce(ctx context.Context, e Event) {
	for _, l := range a.listeners {
		l(ctx, e)
	}
}
