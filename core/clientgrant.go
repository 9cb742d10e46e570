package core

import (
	"context"
	"crypto/sha256"
	"errors"
	"slices"

	"github.com/oneauth-go/oneauth/core/record"
)

// MethodClient is the AMR value of a session that a program got with its own credentials.
const MethodClient = "client"

// maxServiceSessions is how many live sessions a service may have: each ends with its access token.
const maxServiceSessions = 900

// ServiceOf returns the id of the service account that a client acts as under the client credentials grant. It is always
// the same, so that it can be disabled and be given API keys.
func ServiceOf(clientID string) string {
	sum := sha256.Sum256([]byte("client\x00" + clientID))
	return servicePrefix + "_" + encodeID([16]byte(sum[:16]))
}

// SignInClient is the client credentials grant (RFC 6749 section 4.4) for a confidential client that has authenticated
// itself: a program acts as itself. It may have the scopes of its registration, of which scopes asks for some; without
// any asked for it gets the default. The session ends with its access token, and there is no refresh token.
//
// Errors: CodeUnauthorizedClient for a public client; ErrInvalidScope; ErrInvalidCredentials when the service account is
// disabled; those of policies and hooks.
func (a *Auth) SignInClient(ctx context.Context, c *Client, scopes []string, deviceName string) (*SignedIn, error) {
	if c.Type != Confidential {
		return nil, E(CodeUnauthorizedClient, "")
	}
	id := ServiceOf(c.ID)
	if err := a.ensureService(ctx, id, c); err != nil {
		return nil, err
	}
	return a.Admit(ctx, Proof{
		UserID: id, Method: MethodClient,
		Verify: func(tx *Tx) error {
			if a.fixed[c.ID] != nil {
				return nil
			}
			_, ok, err := found(tx.Clients().Get(c.ID))
			if err == nil && !ok { // removed meanwhile
				err = ErrInvalidCredentials
			}
			return err
		},
	}, Wish{Kind: APISession, ClientID: c.ID, Scopes: scopes, DeviceName: deviceName})
}

// ensureService makes the account that a client acts as, and lets its scopes follow the registration.
func (a *Auth) ensureService(ctx context.Context, id string, c *Client) error {
	name := clip(c.Name, 100)
	if name == "" {
		name = c.ID
	}
	var acct *Account
	err := a.View(ctx, func(tx *Tx) (err error) {
		acct, _, err = found(tx.Accounts().Get(id))
		return err
	})
	if err != nil || acct != nil && slices.Equal(acct.Scopes, c.Scopes) && acct.Name == name {
		return err
	}
	return a.Update(ctx, func(tx *Tx) error {
		acct, ok, err := found(tx.Accounts().Get(id))
		switch {
		case err != nil:
			return err
		case ok:
			acct.Name, acct.Scopes = name, c.Scopes
			return tx.Accounts().Put(acct)
		}
		err = tx.Accounts().Insert(&Account{
			ID: id, Kind: ServiceAccount, Status: Active, Epoch: 1, CreatedAt: a.now(), Name: name, Scopes: c.Scopes,
		})
		if errors.Is(err, record.ErrExists) { // by another request at the same time: look again
			return record.ErrConflict
		}
		return errors.Join(err, tx.Emit(Event{Type: EventSignedUp, UserID: id, ClientID: c.ID, Reason: "service"}))
	})
}
