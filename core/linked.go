package core

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"slices"
	"time"

	"github.com/oneauth-go/oneauth/core/record"
)

// MethodFederated is the AMR value of a session that began with a sign-in at an identity provider. RFC 8176 has no value
// for that and leaves further ones to the parties.
const MethodFederated = "fed"

// maxLinked is how many accounts at providers a user may have connected.
const maxLinked = 20

// linkedKind names the records, and what their tokens are sealed for.
const linkedKind = "linked_account"

// LinkedAccount connects a user with an account at an identity provider. Its ID is made of issuer and subject, which alone
// say who somebody is there: addresses and names change hands.
type LinkedAccount struct {
	ID         string    `record:"id"`
	UserID     string    `record:"user_id,term"`
	Provider   string    `record:"provider"` // the configured name under which it was connected
	Issuer     string    `record:"issuer,text"`
	Subject    string    `record:"subject,text"`
	Email      string    `record:"email,text"`     // as the provider says it now; the user's own identities are Identity
	Verified   bool      `record:"email_verified"` // says the provider
	Name       string    `record:"name,text"`
	Picture    string    `record:"picture,text"`
	Locale     string    `record:"locale"`
	Claims     []byte    `record:"claims"` // JSON, where the application keeps them
	Tokens     []byte    `record:"tokens"` // the provider's, sealed, where the application keeps them
	CreatedAt  time.Time `record:"created_at"`
	LastUsedAt time.Time `record:"last_used_at"`
}

// linkedID is the key of an account at a provider: a hash over both parts and their lengths.
func linkedID(issuer, subject string) string {
	var n [8]byte
	binary.BigEndian.PutUint64(n[:], uint64(len(issuer)))
	h := sha256.New()
	h.Write(n[:])
	h.Write([]byte(issuer))
	h.Write([]byte(subject))
	return "lnk_" + b64.EncodeToString(h.Sum(nil)[:24])
}

// LinkExternal connects an account at a provider for somebody who is signed in. One that is theirs already is brought up
// to date.
//
// Errors: ErrIdentityTaken on field provider when it is somebody else's; ErrReauthRequired when the sign-in is older than
// Config.RecentSignIn; ErrForbidden when there is no such session; ErrLimitReached.
func (a *Auth) LinkExternal(ctx context.Context, userID, sessionID string, as Assertion) (*LinkedAccount, error) {
	r := &resolution{auth: a}
	var err error
	if r.as, err = as.checked(); err != nil {
		return nil, err
	}
	r.id = linkedID(as.Issuer, as.Subject)
	if r.sealed, err = a.sealTokens(r.id, as.Tokens); err != nil {
		return nil, err
	}
	err = a.Update(ctx, func(tx *Tx) error {
		acct, err := tx.recentSession(userID, sessionID)
		if err != nil {
			return err
		}
		known, ok, err := found(tx.LinkedAccounts().Get(r.id))
		switch {
		case err != nil:
			return err
		case ok && known.UserID != userID:
			return FieldE(CodeIdentityTaken, "provider", "It is connected to another account.")
		case ok:
			r.fill(known)
			r.out = known
			return tx.LinkedAccounts().Put(known)
		}
		return r.insert(tx, acct)
	})
	return r.out, err
}

// UnlinkExternal disconnects an account at a provider. The last way in stays: another connected account, or a password
// together with an identity to type, must be there, else the error is ErrForbidden.
//
// Other errors: ErrNotFound; ErrReauthRequired; ErrForbidden when there is no such session.
func (a *Auth) UnlinkExternal(ctx context.Context, userID, sessionID, id string) error {
	return a.Update(ctx, func(tx *Tx) error {
		acct, err := tx.recentSession(userID, sessionID)
		if err != nil {
			return err
		}
		l, ok, err := found(tx.LinkedAccounts().Get(id))
		switch {
		case err != nil:
			return err
		case !ok || l.UserID != userID:
			return ErrNotFound
		}
		others, err := tx.otherWaysIn(userID, id)
		switch {
		case err != nil:
			return err
		case !others:
			return FieldE(CodeForbidden, "id", "It is the last way to sign in: set a password or connect another account first.")
		}
		return errors.Join(
			tx.LinkedAccounts().Delete(id),
			tx.Accounts().Put(acct),
			tx.tellOfLink(changeRemoved, l),
			tx.Emit(linkedEvent(EventAccountUnlinked, l)),
		)
	})
}

// otherWaysIn reports whether somebody could sign in without a connected account.
func (tx *Tx) otherWaysIn(userID, without string) (bool, error) {
	links, err := tx.LinkedAccounts().Find("user_id", userID, record.Page{})
	if err != nil {
		return false, err
	}
	if slices.ContainsFunc(links, func(l *LinkedAccount) bool { return l.ID != without }) {
		return true, nil
	}
	_, password, err := found(tx.Passwords().Get(userID))
	if err != nil || !password {
		return false, err
	}
	all, err := tx.Identities().Find("user_id", userID, record.Page{})
	return slices.ContainsFunc(all, func(i *Identity) bool { return i.Expires.IsZero() }), err
}

// LinkedAccounts returns the connected accounts of a user, in the order of their ids, without the tokens.
func (a *Auth) LinkedAccounts(ctx context.Context, userID string) ([]*LinkedAccount, error) {
	var all []*LinkedAccount
	err := a.View(ctx, func(tx *Tx) (err error) {
		all, err = tx.LinkedAccounts().PeekFind("user_id", userID, record.Page{})
		return err
	})
	for _, l := range all {
		l.Tokens = nil
	}
	return all, err
}

func (a *Auth) sealTokens(id string, tokens []byte) ([]byte, error) {
	if tokens == nil {
		return nil, nil
	}
	return a.cfg.Secrets.Seal(tokens, linkedKind, id)
}

// ProviderTokens returns the kept tokens of a connected account, or ErrNotFound when none are kept.
func (a *Auth) ProviderTokens(ctx context.Context, id string) ([]byte, error) {
	var sealed []byte
	err := a.View(ctx, func(tx *Tx) error {
		l, err := tx.LinkedAccounts().Get(id)
		if err == nil {
			sealed = l.Tokens
		}
		return err
	})
	switch {
	case err != nil:
		return nil, err
	case len(sealed) == 0:
		return nil, ErrNotFound
	}
	tokens, err := a.cfg.Secrets.Open(sealed, linkedKind, id)
	if err != nil {
		return nil, E(CodeInternal, "").Wrap(err)
	}
	return tokens, nil
}

// KeepProviderTokens replaces the kept tokens of a connected account if they are still the ones that were read (was, as
// ProviderTokens returned them), else the error is ErrConflict. Nil tokens forget them: the provider took its word back.
func (a *Auth) KeepProviderTokens(ctx context.Context, id string, was, tokens []byte) error {
	sealed, err := a.sealTokens(id, tokens)
	if err != nil {
		return err
	}
	return a.Update(ctx, func(tx *Tx) error {
		l, err := tx.LinkedAccounts().Get(id)
		if err != nil {
			return err
		}
		if len(l.Tokens) == 0 {
			return ErrConflict
		}
		now, err := a.cfg.Secrets.Open(l.Tokens, linkedKind, id)
		if err != nil {
			return E(CodeInternal, "").Wrap(err)
		}
		if !slices.Equal(now, was) {
			return ErrConflict
		}
		l.Tokens = sealed
		if err := tx.LinkedAccounts().Put(l); err != nil || tokens != nil {
			return err
		}
		return tx.Emit(linkedEvent(EventProviderRevoked, l))
	})
}

// purgeLinked disconnects whatever is connected to an account.
func (tx *Tx) purgeLinked(userID string) error {
	all, err := tx.LinkedAccounts().PeekFind("user_id", userID, record.Page{})
	if err != nil {
		return err
	}
	for _, l := range all {
		if err := errors.Join(tx.LinkedAccounts().Delete(l.ID), tx.Emit(linkedEvent(EventAccountUnlinked, l))); err != nil {
			return err
		}
	}
	return nil
}

// tellOfLink tells the user's verified address what was connected or disconnected.
func (tx *Tx) tellOfLink(change string, l *LinkedAccount) error {
	all, err := tx.Identities().PeekFind("user_id", l.UserID, record.Page{})
	if err != nil {
		return err
	}
	return tx.tell(all, Notice{
		Template: NoticeIdentityChanged, Data: map[string]string{"change": change, "value": l.Provider},
	})
}

func linkedEvent(typ EventType, l *LinkedAccount) Event {
	return Event{Type: typ, UserID: l.UserID, Reason: l.Provider, Detail: l.ID}
}
