package core

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"slices"
)

// Reauthenticate proves the password of somebody who is signed in once more, through the same counter as a sign-in, so
// that the session counts as a recent sign-in again (Config.RecentSignIn). A browser session gets a new cookie value,
// which is returned; the one before is dead. The password alone is asked for: other factors that the session has proved
// still stand.
//
// Errors: CodeInvalidCredentials on field password, also for an account without a password, whose owner signs in again
// instead; ErrForbidden when there is no such session; ErrConflict when another request has renewed it meanwhile.
func (a *Auth) Reauthenticate(ctx context.Context, userID, sessionID, password string) (cookie string, err error) {
	var before []byte
	err = a.View(ctx, func(tx *Tx) error {
		_, s, err := tx.ownSession(userID, sessionID)
		if err == nil {
			before = s.SecretHash
		}
		return err
	})
	if err != nil {
		return "", err
	}
	stored, err := a.proveAgain(ctx, userID, password, "password")
	if err != nil {
		return "", err
	}
	secret, err := a.newSecret(32)
	if err != nil {
		return "", err
	}
	err = a.Update(ctx, func(tx *Tx) error {
		cookie = ""
		_, s, err := tx.ownSession(userID, sessionID)
		if err != nil {
			return err
		}
		if !bytes.Equal(s.SecretHash, before) { // the request that renewed it has the cookie that counts
			return ErrConflict
		}
		pw, ok, err := found(tx.Passwords().Get(userID))
		switch {
		case err != nil:
			return err
		case !ok || pw.Hash != stored: // it was changed meanwhile
			return ErrConflict
		}
		s.AuthTime = a.now()
		if !slices.Contains(s.AMR, MethodPassword) {
			s.AMR = append(s.AMR, MethodPassword)
		}
		if s.Kind == BrowserSession {
			cookie, err = tx.renewSecret(s, secret)
		} else {
			err = tx.Sessions().Put(s)
		}
		return errors.Join(
			err,
			guesses.In(tx.rec).Delete(userGuesses(userID)),
			tx.Emit(Event{Type: EventReauthenticated, UserID: userID, SessionID: s.ID, ClientID: s.ClientID}),
		)
	})
	return cookie, err
}

// ownSession returns an active account and one of its live sessions, or ErrForbidden.
func (tx *Tx) ownSession(userID, sessionID string) (*Account, *Session, error) {
	acct, err := tx.activeAccount(userID)
	if err != nil {
		return nil, nil, err
	}
	s, live, err := found(tx.Sessions().Get(sessionID))
	switch {
	case err != nil:
		return nil, nil, err
	case !live || s.UserID != userID:
		return nil, nil, ErrForbidden
	}
	return acct, s, nil
}

// activeAccount returns an account that may act, or ErrForbidden.
func (tx *Tx) activeAccount(subject string) (*Account, error) {
	acct, ok, err := found(tx.Accounts().Get(subject))
	switch {
	case err != nil:
		return nil, err
	case !ok || acct.Status != Active:
		return nil, ErrForbidden
	}
	if there, err := tx.userThere(subject); err != nil || !there {
		return nil, cmp.Or(err, error(ErrForbidden))
	}
	return acct, nil
}

// recentSession is ownSession for what somebody who found an open browser must not do: the person must have been
// authenticated within Config.RecentSignIn, or else the error is ErrReauthRequired.
func (tx *Tx) recentSession(userID, sessionID string) (*Account, error) {
	acct, s, err := tx.ownSession(userID, sessionID)
	if err != nil {
		return nil, err
	}
	if tx.auth.now().Sub(s.AuthTime) > tx.auth.cfg.RecentSignIn {
		return nil, ErrReauthRequired
	}
	return acct, nil
}
