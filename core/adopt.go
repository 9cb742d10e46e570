package core

import (
	"context"
	"errors"
	"fmt"

	"github.com/oneauth-go/oneauth/core/identifier"
)

// NewUserID draws the id of a new user, where the application's own table of users says what ids are like. It is asked
// outside any transaction; an id that is not used is lost. An id is 1 to 64 of A-Z a-z 0-9 . _ - and unique in its tenant.
type NewUserID func(ctx context.Context) (string, error)

// newUserID draws an id and judges what the application drew.
func (a *Auth) newUserID(ctx context.Context) (string, error) {
	if a.cfg.NewUserID == nil {
		return a.NewID(userPrefix)
	}
	id, err := a.cfg.NewUserID(ctx)
	if err != nil {
		return "", ErrUnavailable.Wrap(fmt.Errorf("draw a user's id: %w", err))
	}
	if !validUserID(id) {
		return "", E(CodeInternal, "").Wrap(fmt.Errorf("Config.NewUserID drew %q: an id is 1 to 64 of A-Z a-z 0-9 . _ -", id))
	}
	return id, nil
}

func validUserID(id string) bool { return seedIDRE.MatchString(id) && !isService(id) }

// Adopt returns what the application knows from before of the person whom an identifier names, or nil when it knows
// nobody. It is asked at a sign-in and at a request for a reset, when no identity has that name, outside any transaction,
// and the answer is adopted (Users.Adopt). The password hash comes along: the person signs in as ever.
type Adopt func(ctx context.Context, id identifier.Identifier) (*Seed, error)

// Adopt completes an account whose user may be there already, such as a row of a table that the application had before:
// it adds account, identities and password where the user has no account yet, and the user where that is missing too. The
// seed's id is required. Reports whether it adopted; an account that exists is left as it is. No mail is sent and no hook
// is asked. If an identity belongs to somebody else the error is ErrIdentityTaken.
func (u Users) Adopt(ctx context.Context, s Seed) (_ *User, adopted bool, err error) {
	a := u.auth
	if s.ID == "" {
		return nil, false, FieldE(CodeInvalidField, "id", "An id is required.")
	}
	p, err := a.parseSeed(ctx, s)
	if err != nil {
		return nil, false, err
	}
	var out *User
	err = a.Update(ctx, func(tx *Tx) error {
		out, adopted = nil, false
		_, has, err := found(tx.Accounts().Get(s.ID))
		if err != nil {
			return err
		}
		user, known, err := found(tx.Users().Get(s.ID))
		if err != nil {
			return err
		}
		if has && known {
			out = user
			return nil
		}
		if has {
			return ErrNotFound // an account without its user: deleted by the application
		}
		if !known {
			user = &User{ID: s.ID, Name: p.Name, Data: p.Data, CreatedAt: a.now(), UpdatedAt: a.now()}
			if err := tx.Users().Insert(user); err != nil {
				return err
			}
		}
		acct := &Account{ID: s.ID, Kind: UserAccount, Status: Active, Epoch: 1, CreatedAt: a.now()}
		if err := errors.Join(tx.Accounts().Insert(acct), tx.seedCredentials(user, p)); err != nil {
			return err
		}
		out, adopted = user, true
		return tx.Emit(Event{Type: EventSignedUp, UserID: s.ID, Reason: "adopted"})
	})
	return out, adopted, err
}

// adopt asks the application about an identifier that names nobody. A person whom it knows is there afterwards.
func (a *Auth) adopt(ctx context.Context, typed string) error {
	if a.cfg.Adopt == nil {
		return nil
	}
	id, err := identifier.Guess(typed)
	if err != nil {
		return nil // nobody has it
	}
	known := false
	err = a.View(ctx, func(tx *Tx) error {
		ident, err := tx.lookup(typed)
		known = ident != nil
		return err
	})
	if err != nil || known {
		return err
	}
	seed, err := a.cfg.Adopt(ctx, id)
	if err != nil {
		return ErrUnavailable.Wrap(fmt.Errorf("Config.Adopt: %w", err))
	}
	if seed == nil {
		return nil
	}
	_, _, err = a.Users().Adopt(ctx, *seed)
	if errors.Is(err, ErrUnavailable) {
		return err
	}
	if err != nil {
		a.env.Log.ErrorContext(ctx, "cannot adopt a user", "user", seed.ID, "error", err)
	}
	return nil
}
