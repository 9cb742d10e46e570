package core

import (
	"context"
	"errors"
	"fmt"
	"regexp"

	"github.com/oneauth-go/oneauth/core/identifier"
	"github.com/oneauth-go/oneauth/core/password"
	"github.com/oneauth-go/oneauth/core/record"
)

// Users is the administrator's door: what an application does to accounts by its own authority.
type Users struct{ auth *Auth }

// Users returns the administrator's door.
func (a *Auth) Users() Users { return Users{a} }

// Seed describes an account that must exist.
type Seed struct {
	ID           string // own id: 1 to 64 of A-Z a-z 0-9 . _ - ; empty draws one
	Identities   []SeedIdentity
	Name         string
	Data         map[string]any
	Password     string // judged only for length, since it is the application's own choice; empty for none
	PasswordHash string // instead: an imported hash, see password.Importable
}

// SeedIdentity is one identity of a Seed.
type SeedIdentity struct {
	Kind     identifier.Kind
	Value    string
	Verified bool
}

var seedIDRE = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// Ensure makes the account if it is not there and reports whether it did. No mail is sent and no hook is asked. An
// account that exists already, by id or by first identity, Config.Adopt's included, is returned as it is. If the
// identities belong to other accounts the error is ErrIdentityTaken.
func (u Users) Ensure(ctx context.Context, s Seed) (_ *User, created bool, err error) {
	var out *User
	err = u.auth.drawing(func() error {
		p, err := u.Prepare(ctx, s)
		if err != nil {
			return err
		}
		return u.auth.Update(ctx, func(tx *Tx) (err error) {
			out, created, err = tx.Ensure(p)
			return err
		})
	})
	return out, created, err
}

// Prepared is a seed that was judged, with its password hashed and its id drawn.
type Prepared struct {
	user    User
	pending pendingSignUp
	named   bool // the id is the seed's own
}

// Prepare does what is slow about Ensure, and asks Config.Adopt, for Tx.Ensure: a user and the application's own rows in
// one transaction.
func (u Users) Prepare(ctx context.Context, s Seed) (*Prepared, error) {
	p, err := u.auth.parseSeed(ctx, s)
	if err != nil {
		return nil, err
	}
	if s.ID == "" {
		if err := u.auth.adoptOwners(ctx, p.Identities[0]); err != nil {
			return nil, err
		}
	}
	fresh, err := u.auth.newUser(ctx, p)
	if err != nil {
		return nil, err
	}
	if s.ID != "" {
		fresh.ID = s.ID
	}
	return &Prepared{user: *fresh, pending: p, named: s.ID != ""}, nil
}

// Ensure is Users.Ensure within a transaction.
func (tx *Tx) Ensure(p *Prepared) (_ *User, created bool, err error) {
	id := p.user.ID
	if !p.named {
		ident, ok, err := found(tx.Identities().Get(p.pending.Identities[0].ID))
		if err != nil {
			return nil, false, err
		}
		if ok {
			id = ident.UserID
		}
	}
	if p.named || id != p.user.ID {
		if old, ok, err := found(tx.Users().Get(id)); err != nil || ok {
			return old, false, err
		}
	}
	u := p.user
	if _, err := tx.insertUser(&u); err != nil {
		return nil, false, err
	}
	if err := tx.seedCredentials(&u, p.pending); err != nil {
		return nil, false, err
	}
	return &u, true, tx.Emit(Event{Type: EventSignedUp, UserID: u.ID, Reason: "ensured"})
}

func (tx *Tx) seedCredentials(u *User, p pendingSignUp) error {
	for i := range p.Identities {
		ident := p.Identities[i]
		ident.UserID, ident.CreatedAt = u.ID, tx.auth.now()
		switch err := tx.Identities().Insert(&ident); {
		case errors.Is(err, record.ErrExists):
			return FieldE(CodeIdentityTaken, string(ident.Kind), "")
		case err != nil:
			return err
		}
	}
	if p.Hash == "" {
		return nil
	}
	return tx.Passwords().Insert(&Password{ID: u.ID, Hash: p.Hash, UpdatedAt: tx.auth.now()})
}

func (a *Auth) parseSeed(ctx context.Context, s Seed) (p pendingSignUp, err error) {
	switch {
	case s.ID != "" && !validUserID(s.ID):
		return p, FieldE(CodeInvalidField, "id", "An id is 1 to 64 of A-Z a-z 0-9 . _ - and does not begin with svc_")
	case len(s.Identities) == 0:
		return p, FieldE(CodeIdentifierRequired, "identities", "")
	case len(s.Identities) > maxIdentities:
		return p, FieldE(CodeLimitReached, "identities", fmt.Sprintf("At most %d identities.", maxIdentities))
	case s.Password != "" && s.PasswordHash != "":
		return p, FieldE(CodeInvalidField, "password_hash", "Give a password or a hash, not both.")
	}
	seen := map[identifier.Kind]bool{}
	for _, given := range s.Identities {
		ident, fault := parseIdentity(given.Kind, given.Value)
		if fault != nil {
			return p, FieldE(fault.Code, fault.Field, fault.Detail)
		}
		ident.Verified, ident.Owned, ident.Primary = given.Verified, given.Verified, !seen[given.Kind]
		if ident.Verified {
			ident.VerifiedAt = a.now()
		}
		seen[given.Kind] = true
		p.Identities = append(p.Identities, ident)
	}
	p.Name, p.Data = s.Name, s.Data
	if err := faultsError(checkName(s.Name)); err != nil {
		return p, err
	}
	if s.PasswordHash != "" {
		if err := password.Importable(s.PasswordHash); err != nil {
			return p, FieldE(CodeInvalidField, "password_hash", err.Error())
		}
		p.Hash = s.PasswordHash
	}
	if s.Password != "" {
		p.Hash, err = a.hash(ctx, s.Password)
	}
	return p, err
}

// HasPassword reports whether a user has a password: who signed up through an identity provider has none until a reset
// link has set one.
func (a *Auth) HasPassword(ctx context.Context, userID string) (has bool, err error) {
	err = a.View(ctx, func(tx *Tx) (err error) {
		_, has, err = found(tx.Passwords().Get(userID))
		return err
	})
	return has, err
}

// RevokeAll ends whatever is open for a subject: sessions, API keys, sign-ins under way and mailed links. Passwords
// stay.
func (u Users) RevokeAll(ctx context.Context, subject string) error {
	return u.auth.Update(ctx, func(tx *Tx) error {
		acct, err := tx.Accounts().Get(subject)
		if err != nil {
			return err
		}
		return tx.revokeAll(acct, "revoked_by_admin")
	})
}

func (tx *Tx) revokeAll(acct *Account, reason string) error {
	keys, err := tx.APIKeys().PeekFind("user_id", acct.ID, record.Page{})
	if err != nil {
		return err
	}
	acct.Epoch++
	return errors.Join(tx.endAll(acct.ID, "", reason), tx.revokeKeys(keys), tx.Accounts().Put(acct))
}

// Disable stops every way in and ends every session. API keys stop working, and work again after Enable.
func (u Users) Disable(ctx context.Context, subject, reason string) error {
	return u.auth.Update(ctx, func(tx *Tx) error {
		acct, err := tx.Accounts().Get(subject)
		if err != nil {
			return err
		}
		acct.Status = Disabled
		acct.Epoch++
		return errors.Join(
			tx.endAll(subject, "", "account_disabled"),
			tx.Accounts().Put(acct),
			tx.Emit(Event{Type: EventAccountDisabled, UserID: subject, Reason: clip(reason, 200)}),
		)
	})
}

// Enable lets a disabled account sign in again.
func (u Users) Enable(ctx context.Context, subject string) error {
	return u.auth.Update(ctx, func(tx *Tx) error {
		acct, err := tx.Accounts().Get(subject)
		if err != nil {
			return err
		}
		acct.Status = Active
		return errors.Join(tx.Accounts().Put(acct), tx.Emit(Event{Type: EventAccountEnabled, UserID: subject}))
	})
}

// RequireFactors sets which methods every sign-in of a subject must prove beside the first.
func (u Users) RequireFactors(ctx context.Context, subject string, methods []string) error {
	return u.auth.Update(ctx, func(tx *Tx) error {
		acct, err := tx.Accounts().Get(subject)
		if err != nil {
			return err
		}
		acct.Factors = methods
		return tx.Accounts().Put(acct)
	})
}

// Find returns the user that an identifier names, or ErrNotFound.
func (u Users) Find(ctx context.Context, typed string) (*User, error) {
	var out *User
	err := u.auth.View(ctx, func(tx *Tx) error {
		ident, err := tx.lookup(typed)
		if err != nil {
			return err
		}
		if ident == nil {
			return ErrNotFound
		}
		out, err = tx.Users().Get(ident.UserID)
		return err
	})
	return out, err
}

// List returns users in the order of their ids.
func (u Users) List(ctx context.Context, p record.Page) ([]*User, error) {
	var all []*User
	err := u.auth.View(ctx, func(tx *Tx) (err error) {
		all, err = tx.Users().All(p)
		return err
	})
	return all, err
}

// Services is the door to service accounts: programs that are subjects of their own.
type Services struct{ auth *Auth }

// Services returns the door to service accounts.
func (a *Auth) Services() Services { return Services{a} }

// Create makes a service account with what it may be granted.
func (s Services) Create(ctx context.Context, name string, scopes []string) (*Account, error) {
	if name == "" || clip(name, 100) != name {
		return nil, FieldE(CodeInvalidField, "name", "A name of 1 to 100 characters is required.")
	}
	if err := validScopes("scopes", scopes); err != nil {
		return nil, FieldE(CodeInvalidField, "scopes", err.Error())
	}
	id, err := s.auth.NewID(servicePrefix)
	if err != nil {
		return nil, err
	}
	acct := &Account{
		ID: id, Kind: ServiceAccount, Status: Active, Epoch: 1, CreatedAt: s.auth.now(), Name: name, Scopes: scopes,
	}
	err = s.auth.Update(ctx, func(tx *Tx) error {
		if err := tx.Accounts().Insert(acct); err != nil {
			return err
		}
		return tx.Emit(Event{Type: EventSignedUp, UserID: id, Reason: "service"})
	})
	return acct, err
}
