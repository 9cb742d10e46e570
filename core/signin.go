package core

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"strings"
	"time"

	"github.com/oneauth-go/oneauth/core/password"
)

// PasswordSignIn is a sign-in with identifier and password.
type PasswordSignIn struct {
	Identifier string // e-mail address, phone number or username
	Password   string
	Wish       Wish
}

// SignIn verifies a password and goes to the gate. Unknown, locked, disabled and wrong all are ErrInvalidCredentials
// after the same work. See Admit for the other errors.
func (a *Auth) SignIn(ctx context.Context, in PasswordSignIn) (*SignedIn, error) {
	if len(in.Password) > password.MaxBytes || len(in.Identifier) > 1024 {
		return nil, ErrInvalidCredentials // cannot be anybody's; hash nothing
	}
	if err := a.adopt(ctx, in.Identifier); err != nil {
		return nil, err
	}
	counter, userID, err := a.reserveGuess(ctx, in.Identifier)
	if err != nil {
		return nil, err
	}
	stored, rehash, err := a.verifyPassword(ctx, userID, in.Password)
	if errors.Is(err, ErrInvalidCredentials) {
		return nil, a.failed(ctx, Event{Type: EventSignInFailed, UserID: userID, ClientID: in.Wish.ClientID}, ErrInvalidCredentials)
	}
	if err != nil {
		return nil, err
	}
	return a.Admit(ctx, Proof{
		UserID: userID,
		Method: MethodPassword,
		Verify: func(tx *Tx) error {
			pw, ok, err := found(tx.Passwords().Get(userID))
			switch {
			case err != nil:
				return err
			case !ok || pw.Hash != stored:
				return ErrInvalidCredentials
			}
			if rehash != "" {
				pw.Hash = rehash
				if err := tx.Passwords().Put(pw); err != nil {
					return err
				}
			}
			return guesses.In(tx.rec).Delete(counter)
		},
	}, in.Wish)
}

// unknownGuesses is how long tries at an identifier that nobody has are remembered.
const unknownGuesses = 24 * time.Hour

// reserveGuess counts a try before it is evaluated, so that parallel ones cannot slip past the limit, and returns whose
// password to evaluate: nobody's when the identifier is unknown or the limit is reached. The counter belongs to the
// account, however it was named; identifiers that nobody has are counted too, so that both do the same work.
func (a *Auth) reserveGuess(ctx context.Context, typed string) (counter, userID string, err error) {
	err = a.Update(ctx, func(tx *Tx) error {
		ident, err := tx.lookup(typed)
		if err != nil {
			return err
		}
		g := &guess{}
		if ident != nil {
			g.ID, userID = userGuesses(ident.UserID), ident.UserID
		} else {
			g.ID, userID = a.unknownGuesses(typed), ""
			g.Expires = a.now().Add(unknownGuesses)
		}
		counter = g.ID
		limited, err := tx.countGuess(g)
		if limited {
			userID = ""
		}
		return err
	})
	return counter, userID, err
}

// countGuess adds one try to g's counter and reports whether the limit was reached before it.
func (tx *Tx) countGuess(g *guess) (limited bool, err error) {
	rows := guesses.In(tx.rec)
	old, ok, err := found(rows.Get(g.ID))
	if err != nil {
		return false, err
	}
	if ok {
		g.Failures = old.Failures
	}
	limited = g.Failures >= int64(tx.auth.cfg.GuessLimit)
	if !limited {
		g.Failures++
	}
	return limited, rows.Set(g)
}

func userGuesses(userID string) string { return "user:" + userID + ":" + MethodPassword }

// unknownGuesses keys the counter of an identifier that nobody has: keyed, so that a dump tells no mistyped password.
func (a *Auth) unknownGuesses(typed string) string {
	m := hmac.New(sha256.New, a.guessKey)
	m.Write([]byte(strings.ToLower(strings.TrimSpace(typed))))
	return "unknown:" + b64.EncodeToString(m.Sum(nil))
}

// verifyPassword verifies a user's password outside any transaction and returns the stored hash that it matched, and a
// new hash when the stored one is of weaker parameters. For nobody, for a disabled account and for one without a
// password it does the same work and fails.
func (a *Auth) verifyPassword(ctx context.Context, userID, typed string) (stored, rehash string, err error) {
	err = a.View(ctx, func(tx *Tx) error {
		whose := cmp.Or(userID, nobody)
		acct, known, err := found(tx.Accounts().Get(whose))
		if err != nil {
			return err
		}
		pw, ok, err := found(tx.Passwords().Get(whose))
		if known && ok && acct.Status == Active {
			stored = pw.Hash
		}
		return err
	})
	if err != nil {
		return "", "", err
	}
	if stored == "" {
		if err := a.hasher.VerifyDummy(ctx, typed); err != nil {
			return "", "", hashError(err)
		}
		return "", "", ErrInvalidCredentials
	}
	ok, weaker, err := a.hasher.Verify(ctx, stored, typed)
	switch {
	case err != nil:
		return "", "", hashError(err)
	case !ok:
		return "", "", ErrInvalidCredentials
	}
	if weaker {
		if rehash, err = a.hasher.Hash(ctx, typed); err != nil {
			a.env.Log.WarnContext(ctx, "password not rehashed", "user", userID, "error", err)
			rehash = ""
		}
	}
	return stored, rehash, nil
}

// hashError says what a failed hash computation means: a password that cannot be one is wrong, everything else is ours.
func hashError(err error) error {
	switch {
	case errors.Is(err, password.ErrTooLong), errors.Is(err, password.ErrNotUTF8), errors.Is(err, password.ErrEmpty):
		return ErrInvalidCredentials
	case errors.Is(err, password.ErrUnknownScheme), errors.Is(err, password.ErrBadHash):
		return E(CodeInternal, "").Wrap(err)
	}
	return overloaded(err)
}
