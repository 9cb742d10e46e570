package core

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/oneauth-go/oneauth/core/identifier"
	"github.com/oneauth-go/oneauth/core/record"
)

// Assertion is what an identity provider says of a person. Whoever passes it has verified that the provider says so, now,
// to this application.
type Assertion struct {
	Provider        string // the configured name
	Issuer, Subject string // who it is; at most 1,000 bytes each
	Email           string // "" when the provider tells none
	EmailVerified   bool   // by the provider
	Name            string
	Picture         string // an https address
	Locale          string
	Claims          []byte // JSON to keep; nil for none
	Tokens          []byte // of the provider, to keep sealed; nil leaves those that are kept
}

// LinkRules say what an assertion may do.
type LinkRules struct {
	// TrustEmail believes the provider where it says that it verified an address: an account that has the address is
	// connected, and a new one has it verified. Leave it out for a provider at which anybody may write any address.
	TrustEmail bool
	// NoSignUp lets only people in who have an account already.
	NoSignUp bool
	Sync     ProfileSync
}

// SyncTime says when a part of the profile follows the provider.
type SyncTime uint8

const (
	SyncFirst  SyncTime = iota // when the account is made
	SyncAlways                 // at every sign-in
	SyncNever
)

// ProfileSync says which parts of the profile follow the provider, and when. Picture and Locale go to custom fields of
// those names, where the application declares them. Addresses never follow: LinkedAccount.Email shows a new one, which its
// owner may add.
type ProfileSync struct{ Name, Picture, Locale SyncTime }

// ResolveExternal returns whose account an assertion is for. One that is connected already is found by issuer and subject.
// Else, where the rules trust the provider and it verified the address, an account that has the address as its own is
// connected; one on which nobody has proved it yet is purged of whatever was planted there first (see ProveAddress). Else a
// new account is made, past the sign-up rules and hooks. It mints no session: AdmitLinked does.
//
// Errors: ErrIdentityTaken on field email when an account has the address and cannot be connected like this (its owner
// signs in and connects it); ErrSignUpRefused; ErrInvalidCredentials for a disabled account; CodeInvalidField.
func (a *Auth) ResolveExternal(ctx context.Context, as Assertion, rules LinkRules) (*LinkedAccount, error) {
	r, err := a.newResolution(ctx, as, rules)
	if err != nil {
		return nil, err
	}
	for {
		err := a.drawing(func() (err error) {
			if r.asked { // else none is made
				if r.user, err = a.newUser(ctx, r.pending); err != nil {
					return err
				}
			}
			return a.Update(ctx, r.resolve)
		})
		if err == nil && r.verdict != nil {
			err = r.verdict
		}
		switch {
		case err != nil:
			return nil, a.refused(ctx, as.Provider, err)
		case r.out != nil:
			return r.out, nil
		}
		info := SignUpInfo{Identities: r.pending.Identities, Name: r.pending.Name, Data: r.pending.Data, Method: as.Provider}
		if err := a.beforeSignUp(ctx, info); err != nil {
			return nil, err
		}
		r.asked = true
	}
}

// refused records that a provider's word did not let somebody in, where that is for the person to hear, and returns err.
func (a *Auth) refused(ctx context.Context, provider string, err error) error {
	switch e := AsError(err); e.Code.Class() {
	case Internal, Unavailable:
		return err
	default:
		typ := EventSignInFailed
		if e.Code == CodeSignUpRefused {
			typ = EventSignUpRefused
		}
		return a.failed(ctx, Event{Type: typ, Detail: provider}, e)
	}
}

// resolution is one ResolveExternal: what is drawn and asked outside the transaction, so that it can run again.
type resolution struct {
	auth    *Auth
	as      Assertion
	rules   LinkRules
	id      string
	sealed  []byte
	email   *Identity // parsed; nil when there is none that can be used
	proved  bool      // the address counts as proved
	pending pendingSignUp
	user    *User // to be made, if one is
	link    link
	asked   bool // the hook has agreed to a sign-up
	out     *LinkedAccount
	verdict *Error // an outcome that is committed first
}

func (a *Auth) newResolution(ctx context.Context, as Assertion, rules LinkRules) (r *resolution, err error) {
	r = &resolution{auth: a, rules: rules}
	if r.as, err = as.checked(); err != nil {
		return nil, err
	}
	r.id = linkedID(as.Issuer, as.Subject)
	if r.sealed, err = a.sealTokens(r.id, as.Tokens); err != nil {
		return nil, err
	}
	r.proved = as.EmailVerified && rules.TrustEmail
	if id, fault := parseIdentity(identifier.Email, as.Email); as.Email != "" && fault == nil {
		id.Primary = true
		if r.proved {
			id.Verified, id.VerifiedAt, id.Owned = true, a.now(), true
		}
		r.email = &id
		if r.proved || a.cfg.SignUp != VerifyFirst { // else answers would tell who has an account
			r.pending.Identities = []Identity{id}
		}
	}
	if rules.Sync.Name != SyncNever {
		r.pending.Name = r.as.Name
	}
	if r.email != nil {
		if err := a.adoptOwners(ctx, *r.email); err != nil {
			return nil, err
		}
	}
	r.pending.Data = a.syncedData(nil, r.as, func(t SyncTime) bool { return t != SyncNever }, rules.Sync)
	r.link, err = a.newLink()
	return r, err
}

// checked returns the assertion with what only decorates cut to size, and refuses what cannot name anybody.
func (as Assertion) checked() (Assertion, error) {
	for _, f := range []struct{ name, value string }{{"issuer", as.Issuer}, {"subject", as.Subject}} {
		if f.value == "" || len(f.value) > 1000 {
			return as, FieldE(CodeInvalidField, f.name, "The provider names nobody: 1 to 1,000 bytes are required.")
		}
	}
	as.Name, as.Picture, as.Locale = clip(as.Name, maxName), clip(as.Picture, 2000), clip(as.Locale, 35)
	as.Email = clip(as.Email, 320)
	if !strings.HasPrefix(as.Picture, "https://") {
		as.Picture = ""
	}
	return as, nil
}

// resolve runs inside the transaction. Without an outcome the application is to be asked about a sign-up.
func (r *resolution) resolve(tx *Tx) error {
	r.out, r.verdict = nil, nil
	known, ok, err := found(tx.LinkedAccounts().Get(r.id))
	if err != nil {
		return err
	}
	if ok {
		return r.again(tx, known)
	}
	if r.email != nil {
		ident, taken, err := found(tx.Identities().Get(r.email.ID))
		switch {
		case err != nil:
			return err
		case taken && r.proved:
			return r.connect(tx, ident)
		case taken && len(r.pending.Identities) > 0:
			r.verdict = FieldE(CodeIdentityTaken, "email", "An account has this address. Sign in to it, then connect the other one.")
			return nil
		}
	}
	return r.signUp(tx)
}

// again is a sign-in with an account that is connected.
func (r *resolution) again(tx *Tx, known *LinkedAccount) error {
	acct, exists, err := found(tx.Accounts().Get(known.UserID))
	if err != nil {
		return err
	}
	u, ok, err := found(tx.Users().Get(known.UserID))
	if err != nil {
		return err
	}
	if !exists || !ok || acct.Status != Active {
		r.verdict = ErrInvalidCredentials
		return nil
	}
	r.fill(known)
	r.out = known
	return errors.Join(tx.LinkedAccounts().Put(known), r.auth.syncProfile(tx, u, r.as, r.rules.Sync))
}

// connect adds the provider's account to the one that has the address, which the provider has proved just now. A claim on
// the address by an account whose owner proved another one is a stranger's: it goes, and its account stays as it was.
func (r *resolution) connect(tx *Tx, ident *Identity) error {
	acct, err := tx.Accounts().Get(ident.UserID)
	if err != nil {
		return err
	}
	if acct.Status != Active {
		r.verdict = ErrInvalidCredentials
		return nil
	}
	to, err := tx.resetAddress(ident)
	if err != nil {
		return err
	}
	if to == nil {
		if r.rules.NoSignUp || !r.asked {
			return r.signUp(tx)
		}
		if err := tx.release(ident, acct); err != nil {
			return err
		}
		return r.signUp(tx)
	}
	if err := tx.ProveAddress(acct, ident); err != nil {
		return err
	}
	return r.insert(tx, acct)
}

// signUp makes an account for whom nobody knows.
func (r *resolution) signUp(tx *Tx) error {
	if r.rules.NoSignUp {
		r.verdict = ErrSignUpRefused
		return nil
	}
	if !r.asked {
		return nil
	}
	pending, err := r.byInvitation(tx)
	if err != nil {
		return err
	}
	acct, err := tx.createAccount(r.user, pending, []link{r.link})
	if err != nil {
		return err
	}
	if err := tx.Emit(Event{Type: EventSignedUp, UserID: acct.ID, Reason: r.as.Provider}); err != nil {
		return err
	}
	return r.insert(tx, acct)
}

// byInvitation returns the sign-up with the invitation that the proved address has, if it has one: whoever proves the
// address need not bring what was mailed to it.
func (r *resolution) byInvitation(tx *Tx) (pendingSignUp, error) {
	p := r.pending
	if !r.proved || r.email == nil {
		return p, nil
	}
	live, err := tx.liveLinks(r.email.ID, PurposeInvite)
	if err == nil && len(live) > 0 {
		p.invite = live[0].ID
	}
	return p, err
}

// insert connects. The account is written, so that rules over all ways in hold.
func (r *resolution) insert(tx *Tx, acct *Account) error {
	all, err := tx.LinkedAccounts().PeekFind("user_id", acct.ID, record.Page{})
	if err != nil {
		return err
	}
	if len(all) >= maxLinked {
		return FieldE(CodeLimitReached, "provider", fmt.Sprintf("At most %d connected accounts.", maxLinked))
	}
	r.out = &LinkedAccount{ID: r.id, UserID: acct.ID, CreatedAt: r.auth.now()}
	r.fill(r.out)
	switch err := tx.LinkedAccounts().Insert(r.out); {
	case errors.Is(err, record.ErrExists): // connected by another sign-in since we looked: look again
		return record.ErrConflict
	case err != nil:
		return err
	}
	return errors.Join(
		tx.Accounts().Put(acct),
		tx.tellOfLink(changeAdded, r.out),
		tx.Emit(linkedEvent(EventAccountLinked, r.out)),
	)
}

// fill records what the provider says now.
func (r *resolution) fill(l *LinkedAccount) {
	l.Provider, l.Issuer, l.Subject = r.as.Provider, r.as.Issuer, r.as.Subject
	l.Email, l.Verified, l.Name, l.Picture, l.Locale = r.as.Email, r.as.EmailVerified, r.as.Name, r.as.Picture, r.as.Locale
	l.LastUsedAt = r.auth.now()
	if r.as.Claims != nil {
		l.Claims = r.as.Claims
	}
	if r.sealed != nil {
		l.Tokens = r.sealed
	}
}

// syncProfile lets the user's profile follow the provider, where that is wanted at every sign-in.
func (a *Auth) syncProfile(tx *Tx, u *User, as Assertion, s ProfileSync) error {
	name := u.Name
	if s.Name == SyncAlways && as.Name != "" {
		name = as.Name
	}
	data := a.syncedData(u.Data, as, func(t SyncTime) bool { return t == SyncAlways }, s)
	if name == u.Name && sameData(data, u.Data) {
		return nil
	}
	u.Name, u.Data, u.UpdatedAt = name, data, a.now()
	return errors.Join(tx.Users().Put(u), tx.Emit(Event{Type: EventProfileChanged, UserID: u.ID, Reason: as.Provider}))
}

// syncedData returns data with picture and locale, where the application declares such fields and now is their time.
func (a *Auth) syncedData(data map[string]any, as Assertion, now func(SyncTime) bool, s ProfileSync) map[string]any {
	for _, f := range []struct {
		name, value string
		when        SyncTime
	}{{"picture", as.Picture, s.Picture}, {"locale", as.Locale, s.Locale}} {
		i := slices.IndexFunc(a.cfg.Fields, func(d Field) bool { return d.Name == f.name })
		if i >= 0 && f.value != "" && now(f.when) && a.cfg.Fields[i].fault(f.value) == "" {
			data = merge(data, map[string]any{f.name: f.value})
		}
	}
	return data
}

// sameData compares by what syncedData may have changed.
func sameData(x, y map[string]any) bool {
	return x["picture"] == y["picture"] && x["locale"] == y["locale"]
}

// AdmitLinked is the gate for whoever was resolved to a linked account just now. further is judged inside the transaction,
// too; it may be nil.
func (a *Auth) AdmitLinked(ctx context.Context, l *LinkedAccount, w Wish, further func(*Tx) error) (*SignedIn, error) {
	return a.Admit(ctx, Proof{
		UserID: l.UserID,
		Method: MethodFederated,
		Verify: func(tx *Tx) error {
			now, ok, err := found(tx.LinkedAccounts().Get(l.ID))
			switch {
			case err != nil:
				return err
			case !ok || now.UserID != l.UserID: // disconnected meanwhile
				return ErrInvalidCredentials
			case further != nil:
				return further(tx)
			}
			return nil
		},
	}, w)
}
