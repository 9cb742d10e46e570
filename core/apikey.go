package core

import (
	"context"
	"time"

	"github.com/oneauth-go/oneauth/core/record"
)

// NewKey asks for an API key.
type NewKey struct {
	Name    string
	Scopes  []string      // what it may do, of what its subject may; required
	Expires time.Duration // from now; zero: never

	// SessionID is the session of the person who asks: no key comes of one that has ended meanwhile. "" for a program of the
	// installation's own.
	SessionID string
}

// CreateKey makes an API key of a subject, a user or a service. The key text exists nowhere else: it is shown once.
//
// Errors: CodeInvalidField (name, scopes, expires_in), ErrInvalidScope, ErrLimitReached (50 keys), ErrForbidden when the account
// is not active, or there is no such session.
func (a *Auth) CreateKey(ctx context.Context, subject string, in NewKey) (*APIKey, string, error) {
	switch {
	case in.Name == "" || len(in.Name) > 100 || clip(in.Name, 100) != in.Name:
		return nil, "", FieldE(CodeInvalidField, "name", "A name of 1 to 100 characters is required.")
	case len(in.Scopes) == 0:
		return nil, "", FieldE(CodeInvalidField, "scopes", "At least one scope is required.")
	case in.Expires < 0:
		return nil, "", FieldE(CodeInvalidField, "expires_in", "A key cannot expire in the past.")
	}
	allowed, err := a.scopesOf(ctx, subject, nil)
	if err != nil {
		return nil, "", err
	}
	if len(both(in.Scopes, allowed)) != len(in.Scopes) {
		return nil, "", &Error{Code: CodeInvalidScope, Field: "scopes", Detail: "A key cannot have scopes that its owner lacks."}
	}
	rawID, err := a.newSecret(keyIDBytes)
	if err != nil {
		return nil, "", err
	}
	secret, err := a.newSecret(keySecretBytes)
	if err != nil {
		return nil, "", err
	}
	k := &APIKey{
		ID: encode58(rawID, keyIDDigits), UserID: subject, Name: in.Name, Scopes: in.Scopes,
		Hash: digest(secret), CreatedAt: a.now(),
	}
	if in.Expires > 0 {
		k.Expires = k.CreatedAt.Add(in.Expires)
	}
	err = a.Update(ctx, func(tx *Tx) error {
		acct, err := tx.keyOwner(subject, in.SessionID)
		if err != nil {
			return err
		}
		all, err := tx.APIKeys().PeekFind("user_id", subject, record.Page{})
		if err != nil {
			return err
		}
		if len(all) >= maxKeys {
			return E(CodeLimitReached, "There are 50 API keys already: revoke one first.")
		}
		if err := tx.Accounts().Put(acct); err != nil { // so that two creations cannot pass the limit together
			return err
		}
		if err := tx.APIKeys().Insert(k); err != nil {
			return err
		}
		return tx.Emit(Event{Type: EventKeyCreated, UserID: subject, Detail: k.ID})
	})
	if err != nil {
		return nil, "", err
	}
	return k, keyText(k.ID, secret), nil
}

// keyOwner returns the active account of a subject, whose session is live where there is to be one.
func (tx *Tx) keyOwner(subject, sessionID string) (*Account, error) {
	if sessionID != "" {
		acct, _, err := tx.ownSession(subject, sessionID)
		return acct, err
	}
	return tx.activeAccount(subject)
}

// ListKeys returns the live API keys of a subject.
func (a *Auth) ListKeys(ctx context.Context, subject string) ([]*APIKey, error) {
	var all []*APIKey
	err := a.View(ctx, func(tx *Tx) (err error) {
		all, err = tx.APIKeys().PeekFind("user_id", subject, record.Page{})
		return err
	})
	return all, err
}

// RevokeKey ends one API key of a subject. ErrNotFound if the subject has no such key.
func (a *Auth) RevokeKey(ctx context.Context, subject, id string) error {
	return a.Update(ctx, func(tx *Tx) error {
		k, ok, err := found(tx.APIKeys().Get(id))
		switch {
		case err != nil:
			return err
		case !ok || k.UserID != subject:
			return ErrNotFound
		}
		return tx.revokeKeys([]*APIKey{k})
	})
}

func (tx *Tx) revokeKeys(all []*APIKey) error {
	if len(all) == 0 {
		return nil
	}
	e := Event{Type: EventKeyRevoked, UserID: all[0].UserID}
	for _, k := range all {
		if err := tx.APIKeys().Delete(k.ID); err != nil {
			return err
		}
		e.Keys = append(e.Keys, k.ID)
	}
	return tx.Emit(e)
}

// IsAPIKey reports whether s has the form and checksum of an API key, without a look at the store.
func IsAPIKey(s string) bool {
	_, _, ok := parseKey(s)
	return ok
}

// CheckKey returns who an API key acts as, with the scopes that both the key and its subject have at present, or
// ErrInvalidToken.
func (a *Auth) CheckKey(ctx context.Context, key string) (*Principal, error) {
	id, secret, ok := parseKey(key)
	if !ok {
		return nil, ErrInvalidToken
	}
	var k *APIKey
	var acct *Account
	tenant := ""
	err := a.View(ctx, func(tx *Tx) (err error) {
		tenant = tx.rec.Tenant()
		if k, ok, err = found(tx.APIKeys().Get(id)); err != nil || !ok {
			return err
		}
		if acct, ok, err = found(tx.Accounts().Get(k.UserID)); err != nil || !ok {
			return err
		}
		if there, err := tx.userThere(acct.ID); err != nil || !there {
			acct = nil
			return err
		}
		return nil
	})
	switch {
	case err != nil:
		return nil, err
	case k == nil || !sameSecret(k.Hash, digest(secret)) || acct == nil || acct.Status != Active:
		return nil, ErrInvalidToken
	}
	allowed := acct.Scopes
	if acct.Kind == UserAccount {
		if allowed, err = a.scopesOf(ctx, k.UserID, nil); err != nil {
			return nil, err
		}
	}
	return &Principal{
		Subject: k.UserID, Kind: acct.Kind, Tenant: tenant, Via: ViaAPIKey, KeyID: k.ID,
		Scopes: both(k.Scopes, allowed), Expires: k.Expires,
	}, nil
}
