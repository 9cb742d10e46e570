package core

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"strings"
	"time"
)

// Refresh tokens are derived, not remembered: session id, generation, and a MAC over both under a subkey and the
// session's salt. The record holds salt and generation, so a dump of it makes no token.

const refreshPrefix = "ort_"

// refreshToken derives the token of one generation: ort_ and, in base64url, the id's 16 bytes, the generation's 4 and
// the MAC's 32.
func (a *Auth) refreshToken(tenant string, s *Session, generation int64) string {
	id, _ := decodeID(strings.TrimPrefix(s.ID, sessionPrefix+"_"))
	raw := make([]byte, 0, 52)
	raw = append(raw, id[:]...)
	raw = binary.BigEndian.AppendUint32(raw, uint32(generation))
	raw = append(raw, a.refreshMAC(tenant, s, raw)...)
	return refreshPrefix + b64.EncodeToString(raw)
}

func (a *Auth) refreshMAC(tenant string, s *Session, idAndGeneration []byte) []byte {
	m := hmac.New(sha256.New, a.refreshKey)
	m.Write(idAndGeneration)
	m.Write(s.Salt)
	m.Write([]byte(tenant))
	return m.Sum(nil)
}

// parseRefresh is the exact inverse of refreshToken's encoding.
func parseRefresh(token string) (sessionID string, generation int64, mac []byte, ok bool) {
	enc, ok := strings.CutPrefix(token, refreshPrefix)
	if !ok || len(enc) != b64.EncodedLen(52) {
		return "", 0, nil, false
	}
	raw, err := b64.DecodeString(enc)
	if err != nil || len(raw) != 52 {
		return "", 0, nil, false
	}
	id := sessionPrefix + "_" + encodeID([16]byte(raw[:16]))
	return id, int64(binary.BigEndian.Uint32(raw[16:20])), raw[20:], true
}

// IsRefreshToken reports whether s has the shape of a refresh token, for endpoints that take several kinds.
func IsRefreshToken(s string) bool { return strings.HasPrefix(s, refreshPrefix) }

// Refresh exchanges a refresh token of an authenticated client (RFC 6749 section 6, RFC 9700 section 4.14). The current
// token rotates; the one before yields the same successor within the grace window; an older authentic one ends the
// session, since somebody else has the newer one; a forged one changes nothing. scope narrows the access token alone.
//
// Errors: ErrInvalidGrant, ErrInvalidScope; ErrUnavailable when the store fails.
func (a *Auth) Refresh(ctx context.Context, token, clientID string, scope []string) (*SignedIn, error) {
	client, err := a.Clients().Get(ctx, clientID)
	if err != nil {
		return nil, err
	}
	asked, err := a.askScopes(ctx, token)
	if err != nil {
		return nil, err
	}
	var out *SignedIn
	var refused error
	err = a.Update(ctx, func(tx *Tx) error {
		out, refused = nil, ErrInvalidGrant
		s, generation, err := tx.refreshSession(token)
		if err != nil || s == nil || s.ClientID != clientID {
			return err
		}
		if gone, err := tx.userGone(s); err != nil || gone {
			return err
		}
		allowed, err := tx.scopesOf(s.UserID, asked)
		if err != nil {
			return err
		}
		scopes, err := narrowScopes(s, client, allowed, scope)
		if err != nil {
			refused = err
			return nil
		}
		reused, err := tx.rotate(s, generation)
		if err != nil || reused {
			return err
		}
		if generation > s.Generation {
			return nil // from the future: the store was put back to an older state
		}
		out, refused = &SignedIn{Session: s, Scopes: scopes}, nil
		out.RefreshToken = a.refreshToken(tx.rec.Tenant(), s, s.Generation)
		return tx.Emit(Event{Type: EventRefreshed, UserID: s.UserID, SessionID: s.ID, ClientID: s.ClientID})
	})
	if err != nil {
		return nil, err
	}
	return out, refused
}

// rotate moves the session to its next generation if the presented one is current, leaves it as it is within the grace
// of the one before, and ends it when an older one is reused.
func (tx *Tx) rotate(s *Session, presented int64) (reused bool, err error) {
	a, now := tx.auth, tx.auth.now()
	switch {
	case presented == s.Generation:
		s.Generation++
		s.RotatedAt = now
		s.touch(now)
		return false, tx.Sessions().Put(s)
	case presented == s.Generation-1 && a.cfg.RefreshGrace > 0 && now.Sub(s.RotatedAt) < a.cfg.RefreshGrace:
		return false, nil
	case presented > s.Generation:
		return false, nil
	}
	return true, errors.Join(
		tx.endSessions([]*Session{s}, "refresh_reuse"),
		tx.Emit(Event{Type: EventRefreshReused, Outcome: Failure, UserID: s.UserID, SessionID: s.ID, ClientID: s.ClientID}),
	)
}

// askScopes asks the application's ScopesOf for the subject of a refresh token, outside the transaction that rotates
// it. Without such a function there is nothing to ask.
func (a *Auth) askScopes(ctx context.Context, token string) ([]string, error) {
	if a.cfg.ScopesOf == nil {
		return nil, nil
	}
	s, _, err := a.refreshSession(ctx, token)
	if err != nil || s == nil {
		return nil, err
	}
	return a.scopesOf(ctx, s.UserID, nil)
}

// scopesOf returns what a subject may be granted at present; asked is what ScopesOf said, if there is one.
func (tx *Tx) scopesOf(subject string, asked []string) ([]string, error) {
	switch {
	case tx.auth.cfg.ScopesOf != nil:
		return asked, nil
	case !isService(subject):
		return tx.auth.cfg.Scopes, nil
	}
	acct, err := tx.Accounts().Peek(subject)
	if err != nil {
		return nil, err
	}
	return acct.Scopes, nil
}

// narrowScopes resolves the session's grant anew: what the subject or the client may no longer have is gone.
func narrowScopes(s *Session, c *Client, allowed, narrow []string) ([]string, error) {
	scopes := both(s.Scopes, allowed)
	if len(c.Scopes) > 0 {
		scopes = both(scopes, c.Scopes)
	}
	if len(narrow) == 0 {
		return scopes, nil
	}
	if scopes = both(narrow, scopes); len(scopes) == 0 {
		return nil, ErrInvalidScope
	}
	return scopes, nil
}

// refreshSession returns the session of an authentic refresh token and the token's generation, or nil.
func (a *Auth) refreshSession(ctx context.Context, token string) (s *Session, generation int64, err error) {
	err = a.View(ctx, func(tx *Tx) (err error) {
		s, generation, err = tx.refreshSession(token)
		return err
	})
	return s, generation, err
}

func (tx *Tx) refreshSession(token string) (*Session, int64, error) {
	id, generation, mac, ok := parseRefresh(token)
	if !ok {
		return nil, 0, nil
	}
	s, ok, err := found(tx.Sessions().Get(id))
	if err != nil || !ok || s.Kind != APISession {
		return nil, 0, err
	}
	raw, err := b64.DecodeString(token[len(refreshPrefix):])
	if err != nil || !hmac.Equal(mac, tx.auth.refreshMAC(tx.rec.Tenant(), s, raw[:20])) {
		return nil, 0, nil
	}
	return s, generation, nil
}

// EndByRefreshToken ends the session of an authentic refresh token of the client, of whatever generation (RFC 7009). A
// token that is not one is no error.
func (a *Auth) EndByRefreshToken(ctx context.Context, token, clientID string) error {
	s, _, err := a.refreshSession(ctx, token)
	if err != nil || s == nil || s.ClientID != clientID {
		return err
	}
	return a.Update(ctx, func(tx *Tx) error {
		s, ok, err := found(tx.Sessions().Get(s.ID))
		if err != nil || !ok {
			return err
		}
		return tx.endSessions([]*Session{s}, "token_revoked")
	})
}

// InspectRefreshToken returns the session and the end of an authentic, current refresh token, or ErrNotFound.
func (a *Auth) InspectRefreshToken(ctx context.Context, token string) (*Session, time.Time, error) {
	s, generation, err := a.refreshSession(ctx, token)
	switch {
	case err != nil:
		return nil, time.Time{}, err
	case s == nil || generation != s.Generation:
		return nil, time.Time{}, ErrNotFound
	}
	return s, s.Expires, nil
}
