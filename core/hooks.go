package core

import (
	"context"
	"errors"
)

// MethodExternal is the AMR value of a session that the application began in a way of its own (StartSession). RFC 8176
// has no value for that and leaves further ones to the parties, who know what the application does.
const MethodExternal = "ext"

// SignInInfo is what Hooks.BeforeSignIn may judge. The request's origin is in ctx (OriginOf).
type SignInInfo struct {
	UserID string // the subject
	Method string // what was proved just now, as in a session's AMR
	Wish   Wish   // ClientID is filled in
	SignUp bool   // the account is being made, and is not there yet
}

// beforeSignIn asks the application's hook, outside any transaction.
func (a *Auth) beforeSignIn(ctx context.Context, info SignInInfo) error {
	if a.cfg.Hooks.BeforeSignIn == nil {
		return nil
	}
	err := a.cfg.Hooks.BeforeSignIn(ctx, info)
	if err == nil {
		return nil
	}
	var own *Error
	if !errors.As(err, &own) {
		own = ErrForbidden.Wrap(err)
	}
	return a.failed(ctx, Event{Type: EventSignInFailed, UserID: info.UserID, ClientID: info.Wish.ClientID}, own)
}

// afterSignIn tells the application's hook of a session that was committed. It runs even if the person is gone.
func (a *Auth) afterSignIn(ctx context.Context, in *SignedIn) {
	if a.cfg.Hooks.AfterSignIn != nil {
		a.cfg.Hooks.AfterSignIn(context.WithoutCancel(ctx), in)
	}
}

// StartSession signs a user in by the application's word, for ways in that OneAuth does not know. It passes the gate
// like any other: a disabled account, a policy, a hook or a missing factor stops it, with the errors of Admit. The
// session's AMR is MethodExternal. Call it only for somebody who has just proved to be that user.
func (a *Auth) StartSession(ctx context.Context, userID string, w Wish) (*SignedIn, error) {
	return a.Admit(ctx, Proof{
		UserID: userID,
		Method: MethodExternal,
		Verify: func(tx *Tx) error {
			_, ok, err := found(tx.Users().Peek(userID))
			if err == nil && !ok {
				return ErrInvalidCredentials // a program that is a subject of its own has no such way in
			}
			return err
		},
	}, w)
}
