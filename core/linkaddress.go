package core

import (
	"context"
	"encoding/json"
)

// LinkAddress returns the address that a mailed link of LinkLives was sent to, for the page that it opens: who has the
// link has the mail. It uses nothing up. The error is ErrInvalidToken for a link that is not good.
func (a *Auth) LinkAddress(ctx context.Context, token string, p Purpose) (string, error) {
	if _, err := a.LinkLives(ctx, token, p); err != nil {
		return "", err
	}
	id, _ := parseLink(token)
	var address string
	err := a.View(ctx, func(tx *Tx) error {
		t, ok, err := found(tx.OneTimeTokens().Get(id))
		switch {
		case err != nil:
			return err
		case !ok:
			return ErrInvalidToken
		case t.Purpose == PurposeSignUp:
			address, err = a.pendingAddress(t)
			return err
		}
		i, ok, err := found(tx.Identities().Get(t.IdentityID))
		if err == nil && !ok {
			err = ErrInvalidToken
		}
		if err == nil {
			address = i.Value
		}
		return err
	})
	return address, err
}

// pendingAddress is the address of a sign-up that waits for its link.
func (a *Auth) pendingAddress(t *OneTimeToken) (string, error) {
	plain, err := a.cfg.Secrets.Open(t.Payload, "one_time_token", t.ID)
	if err != nil {
		return "", ErrInvalidToken.Wrap(err)
	}
	var p pendingSignUp
	if err := json.Unmarshal(plain, &p); err != nil {
		return "", ErrInvalidToken.Wrap(err)
	}
	for _, i := range p.Identities {
		if i.ID == t.IdentityID {
			return i.Value, nil
		}
	}
	return "", ErrInvalidToken
}
