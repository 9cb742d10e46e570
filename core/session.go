package core

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/oneauth-go/oneauth/core/record"
)

// touchEvery is how often a session's last use is written at most.
const touchEvery = time.Minute

// limitsOf returns the idle and absolute lifetime that a session gets.
func (a *Auth) limitsOf(s *Session) (idle, absolute time.Duration) {
	l := a.cfg.Sessions
	switch {
	case s.Kind == APISession:
		return l.APIIdle, l.APIAbsolute
	case s.Remember:
		return l.RememberedIdle, l.RememberedMost
	}
	return l.Idle, l.Absolute
}

// touch notes a use and moves the idle limit, never beyond the absolute one.
func (s *Session) touch(now time.Time) {
	s.LastSeenAt = now
	s.Expires = now.Add(time.Duration(s.Idle) * time.Second)
	if s.Expires.After(s.EndsAt) {
		s.Expires = s.EndsAt
	}
}

func cookieValue(sessionID string, secret []byte) string {
	return sessionID + "." + b64.EncodeToString(secret)
}

// parseCookie is the exact inverse of cookieValue.
func parseCookie(v string) (sessionID string, secret []byte, ok bool) {
	id, enc, ok := strings.Cut(v, ".")
	if !ok || len(enc) != 43 || !strings.HasPrefix(id, sessionPrefix+"_") {
		return "", nil, false
	}
	if _, ok := decodeID(id[len(sessionPrefix)+1:]); !ok {
		return "", nil, false
	}
	secret, err := b64.DecodeString(enc)
	return id, secret, err == nil && len(secret) == 32
}

// CheckSession returns the browser session of a cookie's value, or ErrUnauthenticated. It is one read; the time of last
// use is written at most once a minute.
func (a *Auth) CheckSession(ctx context.Context, cookie string) (*Session, error) {
	id, secret, ok := parseCookie(cookie)
	if !ok {
		return nil, ErrUnauthenticated
	}
	var s *Session
	err := a.View(ctx, func(tx *Tx) (err error) {
		s, _, err = found(tx.Sessions().Get(id))
		return err
	})
	switch {
	case err != nil:
		return nil, err
	case s == nil || s.Kind != BrowserSession || !sameSecret(s.SecretHash, digest(secret)):
		return nil, ErrUnauthenticated
	}
	if a.now().Sub(s.LastSeenAt) >= touchEvery {
		if err := a.touchSession(ctx, s); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// touchSession notes a use. Failing to do so is logged and otherwise harmless: the session ends sooner. Where the application
// may have removed the user, it is not harmless: then nobody knows. A session whose user is gone ends: ErrUnauthenticated.
func (a *Auth) touchSession(ctx context.Context, s *Session) error {
	now, gone := a.now(), false
	err := a.Update(ctx, func(tx *Tx) error {
		gone = false
		stored, ok, err := found(tx.Sessions().Get(s.ID))
		if err != nil || !ok || now.Sub(stored.LastSeenAt) < touchEvery {
			return err
		}
		if gone, err = tx.userGone(stored); err != nil || gone {
			return err
		}
		stored.touch(now)
		if ip := OriginOf(tx.ctx).IP; ip != "" {
			stored.IP = ip
		}
		return tx.Sessions().Put(stored)
	})
	switch {
	case err != nil && a.db.Shares(users.Kind().Name):
		return err
	case err != nil:
		a.env.Log.WarnContext(ctx, "session use not recorded", "session", s.ID, "error", err)
		return nil
	case gone:
		return ErrUnauthenticated
	}
	s.touch(now)
	return nil
}

// userThere reports whether the row of a subject's user is there. Only where the application's own hands can remove it is
// it looked at: elsewhere it is as long as the account is.
func (tx *Tx) userThere(subject string) (bool, error) {
	if isService(subject) || !tx.auth.db.Shares(users.Kind().Name) {
		return true, nil
	}
	_, ok, err := found(tx.Users().Peek(subject))
	return ok, err
}

// UserIsThere reports whether a subject has a user. Where users are rows of the application it may have removed the row,
// and a session that began before still lives; elsewhere nothing is read.
func (a *Auth) UserIsThere(ctx context.Context, subject string) (there bool, err error) {
	if !a.db.Shares(users.Kind().Name) {
		return true, nil
	}
	err = a.View(ctx, func(tx *Tx) (err error) {
		there, err = tx.userThere(subject)
		return err
	})
	return there, err
}

// userGone ends a session whose user the application has removed.
func (tx *Tx) userGone(s *Session) (gone bool, err error) {
	there, err := tx.userThere(s.UserID)
	if err != nil || there {
		return false, err
	}
	return true, tx.endSessions([]*Session{s}, "user_removed")
}

// Session returns one live session by its id, whoever it belongs to, or ErrNotFound.
func (a *Auth) Session(ctx context.Context, id string) (*Session, error) {
	var s *Session
	err := a.View(ctx, func(tx *Tx) (err error) {
		s, err = tx.Sessions().Get(id)
		return err
	})
	return s, err
}

// ListSessions returns the live sessions of a subject, newest use first. There are at most 100.
func (a *Auth) ListSessions(ctx context.Context, subject string) ([]*Session, error) {
	var all []*Session
	err := a.View(ctx, func(tx *Tx) (err error) {
		all, err = tx.Sessions().PeekFind("user_id", subject, record.Page{})
		return err
	})
	slices.SortFunc(all, func(x, y *Session) int { return y.LastSeenAt.Compare(x.LastSeenAt) })
	return all, err
}

// EndSession ends one session of a subject. ErrNotFound if the subject has no such session.
func (a *Auth) EndSession(ctx context.Context, subject, id, reason string) error {
	return a.Update(ctx, func(tx *Tx) error {
		s, ok, err := found(tx.Sessions().Get(id))
		switch {
		case err != nil:
			return err
		case !ok || s.UserID != subject:
			return ErrNotFound
		}
		return tx.endSessions([]*Session{s}, reason)
	})
}

// EndOtherSessions ends all sessions of a subject but keep, and none that begins at the same time is missed.
func (a *Auth) EndOtherSessions(ctx context.Context, subject, keep string) error {
	return a.Update(ctx, func(tx *Tx) error {
		acct, err := tx.Accounts().Get(subject)
		if err != nil {
			return err
		}
		if err := tx.endAll(subject, keep, "ended_by_user"); err != nil {
			return err
		}
		return tx.Accounts().Put(acct)
	})
}

// endAll ends every session of a subject but keep. The caller writes the account in the same transaction, so that no
// session can be minted unseen.
func (tx *Tx) endAll(subject, keep, reason string) error {
	all, err := tx.Sessions().PeekFind("user_id", subject, record.Page{})
	if err != nil {
		return err
	}
	all = slices.DeleteFunc(all, func(s *Session) bool { return s.ID == keep })
	return tx.endSessions(all, reason)
}

// endSessions deletes sessions of one subject and says so in one event, from which access tokens are revoked.
func (tx *Tx) endSessions(all []*Session, reason string) error {
	if len(all) == 0 {
		return nil
	}
	e := Event{Type: EventSessionsEnded, UserID: all[0].UserID, Reason: reason}
	for _, s := range all {
		if err := tx.Sessions().Delete(s.ID); err != nil {
			return err
		}
		if s.Kind == APISession {
			e.Sessions = append(e.Sessions, s.ID)
		}
	}
	if len(all) == 1 {
		e.SessionID, e.ClientID = all[0].ID, all[0].ClientID
	}
	return tx.Emit(e)
}

// renewSecret gives a browser session a new cookie value, as at every change of what it may do, and returns it.
func (tx *Tx) renewSecret(s *Session, secret []byte) (cookie string, err error) {
	s.SecretHash = digest(secret)
	return cookieValue(s.ID, secret), tx.Sessions().Put(s)
}

// SignOut ends the browser session of a cookie's value. A cookie that is nobody's is no error.
func (a *Auth) SignOut(ctx context.Context, cookie string) error {
	s, err := a.CheckSession(ctx, cookie)
	if errors.Is(err, ErrUnauthenticated) {
		return nil
	}
	if err != nil {
		return err
	}
	err = a.EndSession(ctx, s.UserID, s.ID, "signed_out")
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}
