package core

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/oneauth-go/oneauth/core/identifier"
	"github.com/oneauth-go/oneauth/core/record"
)

// IdentityKind is the kind of an identity: identifier.Email, identifier.Phone or identifier.Username.
type IdentityKind = identifier.Kind

// What NoticeIdentityChanged says in Data["change"].
const (
	changeAdded   = "added"
	changeRemoved = "removed"
	changePrimary = "primary"
)

// AddIdentity claims a further identifier for a signed-in user, who has at most 10. A username counts at once. An address
// gets a link that verifies it; if it is not verified while the link is good the claim lapses, and it gives way to whoever
// signs up with the address, so that nobody keeps an address from its owner. The user's verified primary address hears of
// it. With VerifyFirst an address that is somebody else's is answered like a free one, and its owner gets a word instead of
// the link.
//
// Errors: ErrIdentityTaken, CodeInvalidEmail and so on, ErrLimitReached, all on field value, CodeInvalidField on field
// kind; ErrForbidden on value when its domain is not allowed; ErrReauthRequired when the sign-in is older than Config.RecentSignIn; ErrForbidden when there is no such session.
func (a *Auth) AddIdentity(ctx context.Context, userID, sessionID string, kind IdentityKind, value string) (*Identity, error) {
	parsed, err := parseOwn(kind, value)
	if err != nil {
		return nil, err
	}
	if !a.cfg.domains.allow(&parsed) {
		return nil, FieldE(CodeForbidden, "value", foreignDomain)
	}
	if err := a.adoptOwners(ctx, parsed); err != nil {
		return nil, err
	}
	l, err := a.newLink()
	if err != nil {
		return nil, err
	}
	var added *Identity
	err = a.Update(ctx, func(tx *Tx) error {
		acct, all, err := tx.ownIdentities(userID, sessionID)
		if err != nil {
			return err
		}
		fresh := parsed
		added = &fresh
		switch {
		case indexOf(all, parsed.ID) >= 0:
			return FieldE(CodeIdentityTaken, "value", "It is yours already.")
		case len(all) >= maxIdentities:
			return FieldE(CodeLimitReached, "value", fmt.Sprintf("At most %d identities.", maxIdentities))
		}
		return tx.addIdentity(acct, all, added, l)
	})
	if err != nil {
		return nil, err
	}
	return added, nil
}

func (tx *Tx) addIdentity(acct *Account, all []*Identity, added *Identity, l link) error {
	a := tx.auth
	added.UserID, added.CreatedAt = acct.ID, a.now()
	if addressed(added) {
		added.Expires = a.now().Add(a.cfg.Lifetimes.VerifyLink)
	} else {
		added.Primary = !hasPrimary(all, added.Kind)
	}
	switch err := tx.Identities().Insert(added); {
	case errors.Is(err, record.ErrExists) && a.cfg.SignUp == VerifyFirst && addressed(added):
		return tx.pretendToAdd(acct, all, added, l)
	case errors.Is(err, record.ErrExists):
		return FieldE(CodeIdentityTaken, "value", "").Wrap(err)
	case err != nil:
		return err
	}
	if addressed(added) {
		u, err := tx.Users().Peek(acct.ID)
		if err != nil {
			return err
		}
		if err := tx.sendLink(l, PurposeVerify, NoticeVerify, verifyPath, acct, added, u.Name); err != nil {
			return err
		}
	}
	return errors.Join(
		tx.Accounts().Put(acct),
		tx.tellOfIdentity(changeAdded, added, all),
		tx.Emit(identityEvent(EventIdentityAdded, added)),
	)
}

// pretendToAdd does what addIdentity does for a free address, with a claim to nothing: whether an address has an account
// shows in nothing but its mailbox. The claim lapses like any other that is not verified.
func (tx *Tx) pretendToAdd(acct *Account, all []*Identity, added *Identity, l link) error {
	owner, err := tx.Identities().Get(added.ID)
	if err != nil {
		return err
	}
	added.ID = pretendedID(acct.ID, added.ID)
	return errors.Join(
		tx.Identities().Insert(added),
		tx.decoy(l, acct.ID),
		tx.Notify(Notice{Channel: channelOf(owner), To: owner.Value, Template: NoticeSignUpTaken}),
		tx.Accounts().Put(acct),
		tx.tellOfIdentity(changeAdded, added, all),
		tx.Emit(identityEvent(EventIdentityAdded, added)),
	)
}

// pretendedID is no identifier's key, so that nobody is found by it.
func pretendedID(userID, key string) string {
	return "pretended:" + b64.EncodeToString(digest([]byte(userID+"\x00"+key)))
}

// MakePrimary makes one of a signed-in user's identities the primary one of its kind, to which notices go: a verified
// address, or a username. The one before stops being it, and both addresses hear of it. What is primary already stays so.
//
// Errors: ErrNotFound when the user has no such identity; ErrVerificationRequired; and those of AddIdentity for a value
// that is none, and for the session.
func (a *Auth) MakePrimary(ctx context.Context, userID, sessionID string, kind IdentityKind, value string) error {
	parsed, err := parseOwn(kind, value)
	if err != nil {
		return err
	}
	return a.Update(ctx, func(tx *Tx) error {
		acct, all, err := tx.ownIdentities(userID, sessionID)
		if err != nil {
			return err
		}
		i := indexOf(all, parsed.ID)
		switch {
		case i < 0:
			return ErrNotFound
		case all[i].Primary:
			return nil
		case !confirmed(all[i]):
			return FieldE(CodeVerificationRequired, "value", "")
		}
		var former []*Identity
		for _, other := range all {
			if other.Kind == kind && other.Primary {
				other.Primary = false
				former = append(former, other)
				if err := tx.Identities().Put(other); err != nil {
					return err
				}
			}
		}
		all[i].Primary = true
		return errors.Join(
			tx.Identities().Put(all[i]),
			tx.Accounts().Put(acct),
			tx.tellOfIdentity(changePrimary, all[i], all, former...),
			tx.Emit(identityEvent(EventIdentityPrimary, all[i])),
		)
	})
}

// RemoveIdentity takes one of a signed-in user's identities away, together with every link that was mailed to it. If it
// was primary, the oldest confirmed one of its kind takes its place. The address that is removed hears of it if it was
// verified, and so does the primary one.
//
// What must stay: one identity to sign in with, not counting an address that was added and is not verified yet; and the
// last verified address, without which nobody could recover the account. The error is then ErrForbidden on field value.
// Other errors are those of MakePrimary.
func (a *Auth) RemoveIdentity(ctx context.Context, userID, sessionID string, kind IdentityKind, value string) error {
	parsed, err := parseOwn(kind, value)
	if err != nil {
		return err
	}
	return a.Update(ctx, func(tx *Tx) error {
		acct, all, err := tx.ownIdentities(userID, sessionID)
		if err != nil {
			return err
		}
		i := indexOf(all, parsed.ID)
		if i < 0 {
			return ErrNotFound
		}
		gone, rest := all[i], slices.Delete(slices.Clone(all), i, i+1)
		if why := mustStay(gone, rest); why != "" {
			return FieldE(CodeForbidden, "value", why)
		}
		return errors.Join(
			tx.Identities().Delete(gone.ID),
			tx.dropLinks(userID, gone.ID),
			tx.succeed(gone, rest),
			tx.Accounts().Put(acct),
			tx.tellOfIdentity(changeRemoved, gone, rest, gone),
			tx.Emit(identityEvent(EventIdentityRemoved, gone)),
		)
	})
}

// mustStay returns why an identity cannot be removed, or "".
func mustStay(gone *Identity, rest []*Identity) string {
	way := func(i *Identity) bool { return i.Expires.IsZero() }
	recovers := func(i *Identity) bool { return addressed(i) && i.Verified }
	switch {
	case way(gone) && !slices.ContainsFunc(rest, way):
		return "It is the last way to sign in: add another one first."
	case recovers(gone) && !slices.ContainsFunc(rest, recovers):
		return "It is the last verified address: add and verify another one first."
	}
	return ""
}

// succeed makes the oldest confirmed identity primary in place of one that goes.
func (tx *Tx) succeed(gone *Identity, rest []*Identity) error {
	if !gone.Primary || hasPrimary(rest, gone.Kind) {
		return nil
	}
	var heir *Identity
	for _, i := range rest {
		if i.Kind == gone.Kind && confirmed(i) && (heir == nil || i.CreatedAt.Before(heir.CreatedAt)) {
			heir = i
		}
	}
	if heir == nil {
		return nil
	}
	heir.Primary = true
	return tx.Identities().Put(heir)
}

// dropLinks deletes every one-time token that was mailed to an identity.
func (tx *Tx) dropLinks(userID, identityID string) error {
	all, err := tx.OneTimeTokens().Find("user_id", userID, record.Page{})
	if err != nil {
		return err
	}
	for _, t := range all {
		if t.IdentityID != identityID {
			continue
		}
		if err := tx.OneTimeTokens().Delete(t.ID); err != nil {
			return err
		}
	}
	return nil
}

// confirm records that an address is proved: the claim no longer lapses, and the first proved one of its kind is primary.
// The caller writes the identity and the account, and has read the account before.
func (tx *Tx) confirm(ident *Identity) error {
	ident.Verified, ident.VerifiedAt, ident.Expires = true, tx.auth.now(), time.Time{}
	if ident.Primary {
		return nil
	}
	all, err := tx.Identities().Find("user_id", ident.UserID, record.Page{})
	if err != nil {
		return err
	}
	ident.Primary = true
	for _, other := range all {
		switch {
		case other.ID == ident.ID || other.Kind != ident.Kind || !other.Primary:
		case other.Verified:
			ident.Primary = false
		default: // it was the first that was claimed; nobody has proved it
			other.Primary = false
			if err := tx.Identities().Put(other); err != nil {
				return err
			}
		}
	}
	return nil
}

// isStrangers reports whether an account claims an address without having proved it, and has proved another one: it does
// without, and whoever wants the address now may well be its owner.
func (tx *Tx) isStrangers(claim *Identity) (bool, error) {
	all, err := tx.Identities().PeekFind("user_id", claim.UserID, record.Page{})
	proved := slices.ContainsFunc(all, func(i *Identity) bool { return i.Verified })
	return proved && !claim.Verified && addressed(claim), err
}

// release takes a claim away from the account that has it, and from its links.
func (tx *Tx) release(claim *Identity, holder *Account) error {
	return errors.Join(
		tx.Identities().Delete(claim.ID),
		tx.dropLinks(holder.ID, claim.ID),
		tx.Accounts().Put(holder),
		tx.Emit(identityEvent(EventIdentityRemoved, claim)),
	)
}

// claim inserts an identity of a new account. A stranger's claim to the address gives way.
func (tx *Tx) claim(ident *Identity) error {
	err := tx.Identities().Insert(ident)
	if !errors.Is(err, record.ErrExists) {
		return err
	}
	taken := FieldE(CodeIdentityTaken, string(ident.Kind), "").Wrap(err)
	held, err := tx.Identities().Get(ident.ID)
	if err != nil {
		return err
	}
	holder, err := tx.Accounts().Get(held.UserID)
	if err != nil {
		return err
	}
	strangers, err := tx.isStrangers(held)
	if err != nil {
		return err
	}
	if !strangers {
		return taken
	}
	if err := tx.release(held, holder); err != nil {
		return err
	}
	return tx.Identities().Insert(ident)
}

// ownIdentities returns the account and identities of somebody who signed in recently. Rules over all identities hold
// since whoever changes them writes the account, which was read first.
func (tx *Tx) ownIdentities(userID, sessionID string) (*Account, []*Identity, error) {
	acct, err := tx.recentSession(userID, sessionID)
	if err != nil {
		return nil, nil, err
	}
	all, err := tx.Identities().Find("user_id", userID, record.Page{})
	return acct, all, err
}

// parseOwn is parseIdentity for requests whose inputs are called kind and value.
func parseOwn(kind identifier.Kind, value string) (Identity, error) {
	if _, known := identifierCodes[kind]; !known {
		return Identity{}, FieldE(CodeInvalidField, "kind", "One of email, phone and username.")
	}
	ident, fault := parseIdentity(kind, value)
	if fault != nil {
		return Identity{}, FieldE(fault.Code, "value", fault.Detail)
	}
	return ident, nil
}

// indexOf finds the identity of a key, the pretended one included.
func indexOf(all []*Identity, id string) int {
	return slices.IndexFunc(all, func(i *Identity) bool { return i.ID == id || i.ID == pretendedID(i.UserID, id) })
}

func hasPrimary(all []*Identity, kind identifier.Kind) bool {
	return slices.ContainsFunc(all, func(i *Identity) bool { return i.Kind == kind && i.Primary })
}

// confirmed reports whether an identity may be primary: there is nothing to verify about a username.
func confirmed(i *Identity) bool { return i.Verified || !addressed(i) }

func identityEvent(typ EventType, i *Identity) Event {
	return Event{Type: typ, UserID: i.UserID, Reason: string(i.Kind), Detail: i.Value}
}

// tellOfIdentity tells the verified primary addresses, and those that are concerned, what changed.
func (tx *Tx) tellOfIdentity(change string, changed *Identity, all []*Identity, concerned ...*Identity) error {
	return tx.tell(all, Notice{
		Template: NoticeIdentityChanged, Data: map[string]string{"change": change, "value": changed.Value},
	}, concerned...)
}

// tell mails a notice to the primary address, or texts it where there is none, and to the others that are given; to
// verified addresses alone, since another may be a stranger's, and to each once.
func (tx *Tx) tell(all []*Identity, n Notice, others ...*Identity) error {
	var to []*Identity
	for _, kind := range []identifier.Kind{identifier.Email, identifier.Phone} {
		for _, i := range all {
			if len(to) == 0 && i.Kind == kind && i.Primary && i.Verified {
				to = append(to, i)
			}
		}
	}
	for _, i := range others {
		if addressed(i) && i.Verified && indexOf(to, i.ID) < 0 {
			to = append(to, i)
		}
	}
	if len(to) == 0 {
		return nil
	}
	u, err := tx.Users().Peek(to[0].UserID)
	if err != nil {
		return err
	}
	for _, i := range to {
		n.Channel, n.To, n.Name = channelOf(i), i.Value, u.Name
		if err := tx.Notify(n); err != nil {
			return err
		}
	}
	return nil
}
