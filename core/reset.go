package core

import (
	"cmp"
	"context"
	"errors"

	"github.com/oneauth-go/oneauth/core/password"
	"github.com/oneauth-go/oneauth/core/record"
)

// ForgotPassword mails a link with which the password can be reset. Whether the identifier is known shows in nothing.
func (a *Auth) ForgotPassword(ctx context.Context, typed string) error {
	if err := a.adopt(ctx, typed); err != nil {
		return err
	}
	l, err := a.newLink()
	if err != nil {
		return err
	}
	return a.Update(ctx, func(tx *Tx) error {
		owner := nobody
		named, err := tx.lookup(typed)
		if err != nil {
			return err
		}
		if named != nil {
			owner = named.UserID
		} else {
			named = &Identity{UserID: nobody}
		}
		to, err := tx.resetAddress(named)
		if err != nil {
			return err
		}
		return tx.answerRequest(l, requestedReset, owner, to)
	})
}

// resetAddress decides where a reset link for the named identity goes: to that address; for a username to the primary
// one. An unverified address of an account that has a verified one gets none, nor one that was only confirmed by a click
// where another is the account's own: it may be a stranger's, typed by mistake.
func (tx *Tx) resetAddress(named *Identity) (*Identity, error) {
	all, err := tx.Identities().PeekFind("user_id", named.UserID, record.Page{})
	if err != nil {
		return nil, err
	}
	to, verified, owned := named, false, false
	if !addressed(named) {
		to = nil
	}
	for _, i := range all {
		verified, owned = verified || i.Verified, owned || i.Owned
		if !addressed(named) && addressed(i) && i.Primary && (to == nil || i.Verified && !to.Verified) {
			to = i
		}
	}
	if to != nil && (verified && !to.Verified || owned && !to.Owned) {
		return nil, nil
	}
	return to, nil
}

// ResetPassword redeems a mailed reset link: it sets the password, proves the address, ends every session, and lets
// every other reset link die.
//
// Errors: ErrInvalidToken, CodeWeakPassword (the link stays good).
func (a *Auth) ResetPassword(ctx context.Context, token, newPassword string) error {
	id, ok := parseLink(token)
	if !ok {
		return ErrInvalidToken
	}
	who, err := a.resetFor(ctx, id)
	if err != nil {
		return err
	}
	if why := a.judgePassword(newPassword, who.use, who.words); why != "" {
		return FieldE(CodeWeakPassword, "password", why)
	}
	hash, err := a.hash(ctx, newPassword)
	if err != nil {
		return err
	}
	return a.Update(ctx, func(tx *Tx) error {
		t, err := tx.redeem(id, PurposeReset)
		if err != nil {
			return err
		}
		if t == nil {
			return ErrInvalidToken
		}
		acct, ident, err := tx.ownerOf(t)
		if err != nil {
			return err
		}
		if to, err := tx.resetAddress(ident); err != nil || to == nil { // another address was verified since
			return cmp.Or(err, error(ErrInvalidToken))
		}
		if err := tx.ProveAddress(acct, ident); err != nil {
			return err
		}
		if err := tx.setPassword(acct, hash, "", who.use); err != nil {
			return err
		}
		return errors.Join(
			tx.notifyUser(acct.ID, Notice{Template: NoticePasswordChanged}),
			tx.Emit(Event{Type: EventPasswordReset, UserID: acct.ID}),
		)
	})
}

// person is what a new password is judged by.
type person struct {
	words []string     // what an attacker would try first
	use   password.Use // whether a second factor is required beside it
}

// resetFor returns whom a reset link belongs to, or ErrInvalidToken early.
func (a *Auth) resetFor(ctx context.Context, linkID string) (who person, err error) {
	err = a.View(ctx, func(tx *Tx) error {
		t, ok, err := found(tx.OneTimeTokens().Get(linkID))
		switch {
		case err != nil:
			return err
		case !ok || t.Purpose != PurposeReset || !t.UsedAt.IsZero():
			return ErrInvalidToken
		}
		var proved bool
		if who, proved, err = tx.personOf(t.UserID); !proved {
			who.use = password.Alone // redeeming the link will purge the account, and its factors
		}
		return err
	})
	return who, err
}

// personOf returns what a user's new password is judged by, and whether any address of the account was ever proved.
func (tx *Tx) personOf(userID string) (who person, proved bool, err error) {
	acct, ok, err := found(tx.Accounts().Peek(userID))
	if err != nil || !ok {
		return who, false, err
	}
	u, ok, err := found(tx.Users().Peek(userID))
	if err != nil || !ok {
		return who, false, err
	}
	who = person{words: []string{u.Name}, use: useOf(acct)}
	all, err := tx.Identities().PeekFind("user_id", userID, record.Page{})
	for _, i := range all {
		who.words = append(who.words, i.Value)
		proved = proved || i.Verified
	}
	return who, proved, err
}

// useOf says how the password of an account is used: eight characters are enough where a second factor is required.
func useOf(acct *Account) password.Use {
	if len(acct.Factors) > 0 {
		return password.WithFactor
	}
	return password.Alone
}

// setPassword stores a new hash, clears the failed tries, lets what was proved or mailed before die, and ends every
// session but keep. judged is the use for which the password was found good enough: if the account has lost its factors
// since, the error is ErrConflict.
func (tx *Tx) setPassword(acct *Account, hash, keep string, judged password.Use) error {
	if judged == password.WithFactor && useOf(acct) == password.Alone {
		return ErrConflict
	}
	acct.Epoch++
	return errors.Join(
		tx.Passwords().Set(&Password{ID: acct.ID, Hash: hash, UpdatedAt: tx.auth.now()}),
		guesses.In(tx.rec).Delete(userGuesses(acct.ID)),
		tx.endAll(acct.ID, keep, "password_changed"),
		tx.Accounts().Put(acct),
	)
}

// ChangePassword sets a new password for a signed-in user, who proves the current one. All other sessions end; a browser
// session gets a new cookie value, which is returned.
//
// Errors: CodeInvalidCredentials on field current, CodeWeakPassword, ErrForbidden when there is no session, ErrConflict when
// the password was changed meanwhile.
func (a *Auth) ChangePassword(ctx context.Context, userID, sessionID, current, newPassword string) (cookie string, err error) {
	var who person
	err = a.View(ctx, func(tx *Tx) (err error) {
		who, _, err = tx.personOf(userID)
		return err
	})
	if err != nil {
		return "", err
	}
	if why := a.judgePassword(newPassword, who.use, who.words); why != "" {
		return "", FieldE(CodeWeakPassword, "password", why)
	}
	stored, err := a.proveAgain(ctx, userID, current, "current")
	if err != nil {
		return "", err
	}
	hash, err := a.hash(ctx, newPassword)
	if err != nil {
		return "", err
	}
	secret, err := a.newSecret(32)
	if err != nil {
		return "", err
	}
	err = a.Update(ctx, func(tx *Tx) error {
		cookie = ""
		acct, s, err := tx.ownSession(userID, sessionID)
		if err != nil {
			return err
		}
		pw, err := tx.Passwords().Get(userID)
		if err != nil {
			return err
		}
		if pw.Hash != stored { // it was changed meanwhile
			return ErrConflict
		}
		if err := tx.setPassword(acct, hash, s.ID, who.use); err != nil {
			return err
		}
		if s.Kind == BrowserSession {
			if cookie, err = tx.renewSecret(s, secret); err != nil {
				return err
			}
		}
		return errors.Join(
			tx.notifyUser(userID, Notice{Template: NoticePasswordChanged}),
			tx.Emit(Event{Type: EventPasswordChanged, UserID: userID, SessionID: s.ID}),
		)
	})
	return cookie, err
}

// proveAgain verifies the password of somebody who is signed in already, through the same counter as a sign-in. field is
// the input that it came in.
func (a *Auth) proveAgain(ctx context.Context, userID, typed, field string) (stored string, err error) {
	wrong := FieldE(CodeInvalidCredentials, field, "The current password is wrong.")
	if len(typed) > password.MaxBytes {
		return "", wrong
	}
	limited := false
	err = a.Update(ctx, func(tx *Tx) (err error) {
		limited, err = tx.countGuess(&guess{ID: userGuesses(userID)})
		return err
	})
	if err != nil {
		return "", err
	}
	whose := userID
	if limited {
		whose = ""
	}
	stored, _, err = a.verifyPassword(ctx, whose, typed)
	if errors.Is(err, ErrInvalidCredentials) {
		return "", a.failed(ctx, Event{Type: EventSignInFailed, UserID: userID}, wrong)
	}
	return stored, err
}
