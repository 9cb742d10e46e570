package core

import (
	"context"
	"errors"
	"fmt"

	"github.com/oneauth-go/oneauth/core/identifier"
	"github.com/oneauth-go/oneauth/core/password"
	"github.com/oneauth-go/oneauth/core/record"
)

// NewUserID draws the id of a new user, where the application's own table of users says what ids are like. It is asked
// outside any transaction; an id that is not used is lost, and one that is taken is drawn again. An id is 1 to 64 of
// A-Z a-z 0-9 . _ - and unique in its tenant.
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

// maxDraws is how often an id is drawn before the application's ids count as broken.
const maxDraws = 8

// errTaken marks the failure of writing a user whose id somebody else has.
var errTaken = errors.New("core: the user's id is taken")

// drawing runs write, which draws a user's id and writes the user. Where somebody else got the id first, it runs again.
func (a *Auth) drawing(write func() error) error {
	for draw := 1; ; draw++ {
		if err := write(); draw == maxDraws || !errors.Is(err, errTaken) {
			return err
		}
	}
}

// insertUser writes a new account and its user.
func (tx *Tx) insertUser(u *User) (*Account, error) {
	acct := &Account{ID: u.ID, Kind: UserAccount, Status: Active, Epoch: 1, CreatedAt: tx.auth.now()}
	err := errors.Join(tx.Accounts().Insert(acct), tx.Users().Insert(u))
	if errors.Is(err, record.ErrExists) {
		err = ErrConflict.Wrap(errors.Join(errTaken, err))
	}
	return acct, err
}

func validUserID(id string) bool { return seedIDRE.MatchString(id) && !isService(id) }

// Adopt returns what the application knows from before of the person whom an identifier names, or nil when it knows
// nobody. It is asked when no identity has that name, outside any transaction, and the answer is adopted (Users.Adopt): at
// a sign-in, where the password hash that comes along lets the person in as ever; at a request for a reset; and at a
// sign-up, through a provider too, and when an identity is added, so that nobody takes the name of a person who is known.
type Adopt func(ctx context.Context, id identifier.Identifier) (*Seed, error)

// AdoptByEmail makes an Adopt of a look-up by address, such as Store.FindByEmail of stores/gorm. find returns the id of the
// person's row, empty for nobody, the address as the row has it, whether that was verified, and the password hash. A hash
// that password.Importable does not take is left out: that person sets a new password by a reset. Identifiers other than
// addresses name nobody.
func AdoptByEmail(find func(ctx context.Context, address string) (id, value string, verified bool, hash string, err error)) Adopt {
	return func(ctx context.Context, who identifier.Identifier) (*Seed, error) {
		if who.Kind != identifier.Email {
			return nil, nil
		}
		id, value, verified, hash, err := find(ctx, who.Value)
		if err != nil || id == "" {
			return nil, err
		}
		seed := &Seed{ID: id, Identities: []SeedIdentity{{Kind: identifier.Email, Value: value, Verified: verified}}}
		if password.Importable(hash) == nil {
			seed.PasswordHash = hash
		}
		return seed, nil
	}
}

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
	if err != nil {
		return nil, false, err
	}
	return out, adopted, nil
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
	err = a.ask(ctx, id)
	if err == nil || errors.Is(err, ErrUnavailable) {
		return err
	}
	a.env.Log.ErrorContext(ctx, "cannot adopt a user", "error", err)
	return nil // who cannot be taken in is nobody to a sign-in
}

// adoptOwners asks the application about the identities that somebody wants. Who has them before and cannot be taken in is
// the application's fault, not a free name.
func (a *Auth) adoptOwners(ctx context.Context, wanted ...Identity) error {
	if a.cfg.Adopt == nil {
		return nil
	}
	for _, w := range wanted {
		known := false
		err := a.View(ctx, func(tx *Tx) (err error) {
			_, known, err = found(tx.Identities().Get(w.ID))
			return err
		})
		if err == nil && !known {
			err = a.ask(ctx, identifier.Identifier{Kind: w.Kind, Value: w.Value, Key: w.ID})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// ask adopts whom the application knows by an identifier.
func (a *Auth) ask(ctx context.Context, id identifier.Identifier) error {
	seed, err := a.cfg.Adopt(ctx, id)
	if err != nil {
		return ErrUnavailable.Wrap(fmt.Errorf("Config.Adopt: %w", err))
	}
	if seed == nil {
		return nil
	}
	_, _, err = a.Users().Adopt(ctx, *seed)
	if err != nil && !errors.Is(err, ErrUnavailable) {
		return E(CodeInternal, "").Wrap(fmt.Errorf("Config.Adopt: user %q cannot be adopted: %w", seed.ID, err))
	}
	return err
}
