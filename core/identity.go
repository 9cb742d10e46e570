package core

import (
	"context"
	"errors"

	"github.com/oneauth-go/oneauth/core/identifier"
	"github.com/oneauth-go/oneauth/core/record"
)

var identifierCodes = map[identifier.Kind]Code{
	identifier.Email:    CodeInvalidEmail,
	identifier.Phone:    CodeInvalidPhone,
	identifier.Username: CodeInvalidUsername,
}

// parseIdentity parses one identifier of a request; the fault names the field, which is the kind.
func parseIdentity(kind identifier.Kind, value string) (Identity, *FieldError) {
	id, err := identifier.Parse(kind, value)
	if err != nil {
		why := err.Error()
		var bad *identifier.Error
		if errors.As(err, &bad) {
			why = "It " + bad.Reason + "."
		}
		return Identity{}, &FieldError{Field: string(kind), Code: identifierCodes[kind], Detail: why}
	}
	return Identity{ID: id.Key, Kind: id.Kind, Value: id.Value}, nil
}

// nobody is an id that no account has, for doing the same work whether there is an account or not.
const nobody = "-"

// lookup finds the identity that a person typed. What cannot be an identifier is nobody's.
func (tx *Tx) lookup(typed string) (*Identity, error) {
	id, err := identifier.Guess(typed)
	if err != nil {
		return nil, nil
	}
	ident, _, err := found(tx.Identities().Get(id.Key))
	return ident, err
}

// IdentitiesOf returns the identities of a user, in the order of their keys.
func (a *Auth) IdentitiesOf(ctx context.Context, userID string) ([]*Identity, error) {
	var all []*Identity
	err := a.View(ctx, func(tx *Tx) (err error) {
		all, err = tx.Identities().PeekFind("user_id", userID, record.Page{})
		return err
	})
	return all, err
}

// addressed reports whether notices can be sent to an identity.
func addressed(i *Identity) bool { return i.Kind == identifier.Email || i.Kind == identifier.Phone }

func channelOf(i *Identity) Channel {
	if i.Kind == identifier.Phone {
		return SMS
	}
	return Email
}

// notifyUser tells a user of something at every primary address that is verified, or at the primary ones when none is.
func (tx *Tx) notifyUser(userID string, n Notice) error {
	all, err := tx.Identities().PeekFind("user_id", userID, record.Page{})
	if err != nil {
		return err
	}
	var verified, unverified []*Identity
	for _, i := range all {
		switch {
		case i.Kind != identifier.Email || !i.Primary:
		case i.Verified:
			verified = append(verified, i)
		default:
			unverified = append(unverified, i)
		}
	}
	if len(verified) == 0 {
		verified = unverified
	} else {
		u, err := tx.Users().Peek(userID)
		if err != nil {
			return err
		}
		n.Name = u.Name
	}
	for _, i := range verified {
		n.Channel, n.To = channelOf(i), i.Value
		if err := tx.Notify(n); err != nil {
			return err
		}
	}
	return nil
}

// contextWords are what an attacker would try first for a person.
func contextWords(name string, all []Identity) []string {
	words := []string{name}
	for _, i := range all {
		words = append(words, i.Value)
	}
	return words
}
