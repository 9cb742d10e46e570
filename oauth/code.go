package oauth

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"time"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/core/record"
)

// code is an authorization code of ours (RFC 6749 section 4.1.2). It is kept longer than it is good, so that its reuse is
// seen and ends what it gave.
type code struct {
	ID          string    `record:"id"` // SHA-256 of the code
	ClientID    string    `record:"client_id"`
	RedirectURI string    `record:"redirect_uri,text"`
	Challenge   string    `record:"challenge"`
	Scope       string    `record:"scope,text"`
	DeviceName  string    `record:"device_name,text"`
	LinkID      string    `record:"link_id"` // the connected account that was proved
	UserID      string    `record:"user_id"`
	SessionID   string    `record:"session_id"` // of the session that the code gives
	Used        bool      `record:"used"`
	GoodUntil   time.Time `record:"good_until"`
	Expires     time.Time `record:"expires"`
}

const (
	codeLifetime = time.Minute
	codeKept     = time.Hour
)

// newCode keeps a code for a program and returns it.
func (s *Service) newCode(ctx context.Context, a app, l *core.LinkedAccount) (string, error) {
	secret, err := s.newSecret()
	if err != nil {
		return "", err
	}
	session, err := s.auth.NewID("ses")
	if err != nil {
		return "", err
	}
	now := s.now()
	c := &code{
		ID: hashed(secret), ClientID: a.ClientID, RedirectURI: a.RedirectURI, Challenge: a.Challenge, Scope: a.Scope,
		DeviceName: a.DeviceName, LinkID: l.ID, UserID: l.UserID, SessionID: session,
		GoodUntil: now.Add(codeLifetime), Expires: now.Add(codeKept),
	}
	return secret, s.auth.Update(ctx, func(tx *core.Tx) error { return codes.In(tx.Record()).Insert(c) })
}

// Redeem is the authorization_code grant (RFC 6749 section 4.1.3) with PKCE (RFC 7636 section 4.6), for the token
// endpoint, which has authenticated the client. param returns the value of a parameter.
//
// A code is good once, within a minute, for the client, the redirect URI and the verifier that it was asked for with. Who
// has all of these and comes again ends the session that the code gave: one of the two is a thief. Errors are
// core.CodeInvalidGrant, without telling which of these is wrong, and those of the gate.
func (s *Service) Redeem(ctx context.Context, client *core.Client, param func(name string) string) (*core.SignedIn, error) {
	c, err := s.codeFor(ctx, client, param)
	if err != nil {
		return nil, s.tell(ctx, core.Event{ClientID: client.ID, Detail: core.GrantCode}, err)
	}
	state := fresh
	in, err := s.auth.AdmitLinked(ctx, &core.LinkedAccount{ID: c.LinkID, UserID: c.UserID}, core.Wish{
		Kind: core.APISession, ClientID: c.ClientID, Scopes: core.ParseScope(c.Scope), DeviceName: c.DeviceName,
		SessionID: c.SessionID,
	}, func(tx *core.Tx) (err error) {
		state, err = c.use(tx, s.now())
		if err == nil && state != fresh {
			err = core.ErrInvalidCredentials
		}
		return err
	})
	if state == fresh && errors.Is(err, record.ErrExists) {
		state = used // while this ran, another one got the session
	}
	if state == used {
		err := s.auth.EndSession(ctx, c.UserID, c.SessionID, "code_reused")
		if err != nil && !errors.Is(err, core.ErrNotFound) {
			return nil, err
		}
	}
	if state != fresh {
		return nil, core.ErrInvalidGrant.Wrap(err)
	}
	return in, err
}

// codeFor returns the code that a client presents, if it is whom the code was given to.
func (s *Service) codeFor(ctx context.Context, client *core.Client, param func(name string) string) (*code, error) {
	for _, name := range []string{"code", "redirect_uri", "code_verifier"} {
		if param(name) == "" {
			return nil, core.FieldE(core.CodeInvalidRequest, name, "The "+name+" is missing.")
		}
	}
	var c *code
	err := s.auth.View(ctx, func(tx *core.Tx) (err error) {
		c, err = codes.In(tx.Record()).Get(hashed(param("code")))
		return err
	})
	switch {
	case errors.Is(err, core.ErrNotFound):
		return nil, core.ErrInvalidGrant
	case err != nil:
		return nil, err
	case !c.isFor(client.ID, param("redirect_uri"), param("code_verifier")):
		return nil, core.ErrInvalidGrant
	}
	return c, nil
}

// codeState is what is left of a code.
type codeState int

const (
	fresh codeState = iota
	stale
	used
)

// use takes the code inside the transaction that gives the session, so that of two that come at once one is too late.
func (c *code) use(tx *core.Tx, now time.Time) (codeState, error) {
	rows := codes.In(tx.Record())
	stored, err := rows.Get(c.ID)
	switch {
	case errors.Is(err, record.ErrNotFound):
		return stale, nil
	case err != nil:
		return fresh, err // nobody knows: not the code's fault
	case stored.Used:
		return used, nil
	case !now.Before(stored.GoodUntil):
		return stale, nil
	}
	stored.Used = true
	return fresh, rows.Put(stored)
}

// isFor reports whether who asks is who the code was given to.
func (c *code) isFor(clientID, redirectURI, verifier string) bool {
	sum := sha256.Sum256([]byte(verifier))
	proved := subtle.ConstantTimeCompare([]byte(b64.EncodeToString(sum[:])), []byte(c.Challenge)) == 1
	return proved && len(verifier) >= 43 && len(verifier) <= 128 && unreserved(verifier) &&
		c.ClientID == clientID && c.RedirectURI == redirectURI
}
