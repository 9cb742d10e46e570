package core

import (
	"context"

	"github.com/oneauth-go/oneauth/core/record"
)

// ProfileChange says what to change of a profile; what is nil stays.
type ProfileChange struct {
	Name *string
	Data map[string]any // declared fields; null removes one
}

// UpdateProfile changes a user's own profile. Errors: CodeInvalidField with the field, several at once in Error.Fields.
func (a *Auth) UpdateProfile(ctx context.Context, userID string, c ProfileChange) (*User, error) {
	var faults []FieldError
	if c.Name != nil {
		faults = checkName(*c.Name)
	}
	faults = append(faults, a.checkData(c.Data, false)...)
	if err := faultsError(faults); err != nil {
		return nil, err
	}
	var u *User
	err := a.Update(ctx, func(tx *Tx) (err error) {
		if u, err = tx.Users().Get(userID); err != nil {
			return err
		}
		if c.Name != nil {
			u.Name = *c.Name
		}
		u.Data = merge(u.Data, c.Data)
		u.UpdatedAt = a.now()
		if err := tx.Users().Put(u); err != nil {
			return err
		}
		return tx.Emit(Event{Type: EventProfileChanged, UserID: userID})
	})
	return u, err
}

// User returns a user with the identities, or ErrNotFound.
func (a *Auth) User(ctx context.Context, id string) (*User, []*Identity, error) {
	var u *User
	var all []*Identity
	err := a.View(ctx, func(tx *Tx) (err error) {
		if u, err = tx.Users().Get(id); err != nil {
			return err
		}
		all, err = tx.Identities().PeekFind("user_id", id, record.Page{})
		return err
	})
	return u, all, err
}
