package core

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/oneauth-go/oneauth/core/record"
)

// RequestVerify mails a link that verifies an address. With userID it goes to that user's unverified addresses, or the
// one that typed names; without, typed names an address of anybody, and whether it exists and needs it shows in nothing.
func (a *Auth) RequestVerify(ctx context.Context, userID, typed string) error {
	if typed != "" || userID == "" {
		return a.sendVerify(ctx, userID, typed)
	}
	all, err := a.IdentitiesOf(ctx, userID)
	if err != nil {
		return err
	}
	for _, i := range all {
		if i.Verified || !addressed(i) {
			continue
		}
		if err := a.sendVerify(ctx, userID, i.Value); err != nil {
			return err
		}
	}
	return nil
}

// sendVerify mails a link to the address that was typed, if it is one, needs it, and is userID's where that is given.
func (a *Auth) sendVerify(ctx context.Context, userID, typed string) error {
	l, err := a.newLink()
	if err != nil {
		return err
	}
	return a.Update(ctx, func(tx *Tx) error {
		to, err := tx.lookup(typed)
		if err != nil {
			return err
		}
		owner := nobody
		if to != nil {
			owner = to.UserID
			if to.Verified || !addressed(to) || userID != "" && userID != owner {
				to = nil
			}
		}
		return tx.answerRequest(l, requestedVerify, owner, to)
	})
}

// Verify redeems a mailed verification link: the address that it was sent to is proved, and no other. With VerifyFirst
// it also makes the account. The error is ErrInvalidToken for a link that is not, or no longer, good.
//
// The account may have been made by a squatter whose mail the owner of the address has confirmed: so the address counts
// as the account's own only after VerifyAs, or after a reset, which then purges the account.
func (a *Auth) Verify(ctx context.Context, token string) (*User, error) {
	return a.VerifyAs(ctx, "", token)
}

// VerifyAs is Verify by somebody who is signed in as userID.
func (a *Auth) VerifyAs(ctx context.Context, userID, token string) (*User, error) {
	id, ok := parseLink(token)
	if !ok {
		return nil, ErrInvalidToken
	}
	var t *OneTimeToken
	err := a.View(ctx, func(tx *Tx) (err error) {
		t, _, err = found(tx.OneTimeTokens().Get(id))
		return err
	})
	switch {
	case err != nil:
		return nil, err
	case t == nil || !t.UsedAt.IsZero():
		return nil, ErrInvalidToken
	case t.Purpose == PurposeSignUp:
		return a.completeSignUp(ctx, id, t)
	}
	var u *User
	err = a.Update(ctx, func(tx *Tx) error {
		t, err := tx.redeem(id, PurposeVerify)
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
		if u, err = tx.Users().Get(acct.ID); err != nil {
			return err
		}
		if err := tx.confirm(ident); err != nil {
			return err
		}
		ident.Owned = ident.Owned || userID == acct.ID
		if err := errors.Join(tx.Identities().Put(ident), tx.Accounts().Put(acct)); err != nil {
			return err
		}
		return tx.Emit(Event{Type: EventIdentityVerified, UserID: acct.ID})
	})
	return u, err
}

// ownerOf returns the active account and the identity for which a link was made, or ErrInvalidToken when the address is
// no longer that account's, or when the password was changed or everything revoked since.
func (tx *Tx) ownerOf(t *OneTimeToken) (*Account, *Identity, error) {
	ident, ok, err := found(tx.Identities().Get(t.IdentityID))
	if err != nil {
		return nil, nil, err
	}
	if !ok || ident.UserID != t.UserID {
		return nil, nil, ErrInvalidToken
	}
	acct, err := tx.Accounts().Get(t.UserID)
	if err != nil {
		return nil, nil, err
	}
	if acct.Status != Active || acct.Epoch != t.Epoch {
		return nil, nil, ErrInvalidToken
	}
	return acct, ident, nil
}

// ProveAddress records that somebody proved an address from outside the account's own session: by a reset link, a magic
// link or a provider. If nobody ever proved any address of the account, whoever made it may be a squatter: every other
// credential, identity, API key and session goes. So they do, but for usernames, which receive nothing,
// and required factors, if the owner of the address has only ever clicked a link that confirms it. The caller writes the account.
func (tx *Tx) ProveAddress(acct *Account, ident *Identity) error {
	all, err := tx.Identities().PeekFind("user_id", acct.ID, record.Page{})
	if err != nil {
		return err
	}
	switch {
	case !slices.ContainsFunc(all, func(i *Identity) bool { return i.Verified }):
		if err := tx.purge(acct, all, func(i *Identity) bool { return i.ID == ident.ID }); err != nil {
			return err
		}
		ident.Primary, acct.Factors = true, nil // it is the only one now
	case !ident.Owned: // its owner has clicked a link, and may never have been in the account
		kept := func(i *Identity) bool { return i.ID == ident.ID || i.Owned || !addressed(i) }
		if err := tx.purge(acct, all, kept); err != nil {
			return err
		}
	}
	ident.Owned = true
	if ident.Verified {
		return tx.Identities().Put(ident)
	}
	if err := tx.confirm(ident); err != nil {
		return err
	}
	return errors.Join(tx.Identities().Put(ident), tx.Emit(Event{Type: EventIdentityVerified, UserID: acct.ID}))
}

func (tx *Tx) purge(acct *Account, all []*Identity, kept func(*Identity) bool) error {
	for _, i := range all {
		if !kept(i) {
			if err := tx.Identities().Delete(i.ID); err != nil {
				return err
			}
		}
	}
	keys, err := tx.APIKeys().PeekFind("user_id", acct.ID, record.Page{})
	if err != nil {
		return err
	}
	acct.Epoch++
	return errors.Join(
		tx.Passwords().Delete(acct.ID),
		tx.purgeLinked(acct.ID),
		tx.revokeKeys(keys),
		tx.endAll(acct.ID, "", "purged"),
		tx.Emit(Event{Type: EventAccountPurged, UserID: acct.ID}),
	)
}

// LinkLives reports until when a mailed link is good, without using it up, for the page that it opens.
func (a *Auth) LinkLives(ctx context.Context, token string, p Purpose) (time.Time, error) {
	id, ok := parseLink(token)
	if !ok {
		return time.Time{}, ErrInvalidToken
	}
	var until time.Time
	err := a.View(ctx, func(tx *Tx) error {
		t, ok, err := found(tx.OneTimeTokens().Get(id))
		switch {
		case err != nil:
			return err
		case !ok || !t.UsedAt.IsZero() || t.Purpose != p && (p != PurposeVerify || t.Purpose != PurposeSignUp):
			return ErrInvalidToken
		}
		until = t.Expires
		if t.Purpose == PurposeSignUp {
			return nil
		}
		_, _, err = tx.ownerOf(t)
		return err
	})
	if err != nil {
		return time.Time{}, err
	}
	return until, nil
}
