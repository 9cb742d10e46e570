package core

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/oneauth-go/oneauth/core/identifier"
	"github.com/oneauth-go/oneauth/core/password"
)

// SignUp asks for an account. At least one identifier is required.
type SignUp struct {
	Email, Username, Phone string
	Password               string
	Name                   string
	Data                   map[string]any // declared fields alone
	Invite                 string         // the token of a mailed invitation (Users.Invite); Email may be left out then
	Wish                   Wish           // the session to begin with
}

// MethodPassword is the AMR value of a password (RFC 8176).
const MethodPassword = "pwd"

// pendingSignUp is what a VerifyFirst token carries, sealed.
type pendingSignUp struct {
	Identities []Identity     `json:"identities"`
	Hash       string         `json:"hash"`
	Name       string         `json:"name"`
	Data       map[string]any `json:"data"`
	invite     string         // id of the invitation that it uses up
}

// SignUp makes an account and signs it in. With VerifyFirst, and without an invitation, it only mails a link, the same
// for a taken address, and returns nil, nil.
//
// Errors: CodeIdentityTaken with the field; CodeInvalidEmail and so on, CodeWeakPassword, CodeIdentifierRequired,
// CodeInvalidField, several at once in Error.Fields; CodeSignUpRefused, on field invite for want of a good invitation, on
// email for an address that may not; what Admit returns.
func (a *Auth) SignUp(ctx context.Context, in SignUp) (*SignedIn, error) {
	if a.cfg.SignUp == ClosedSignUp {
		return nil, a.failed(ctx, Event{Type: EventSignUpRefused}, ErrSignUpRefused)
	}
	invitation, err := a.invited(ctx, &in)
	if err != nil {
		return nil, err
	}
	p, err := a.parseSignUp(in)
	if err != nil {
		return nil, err
	}
	if err := p.bring(invitation, a.now()); err != nil {
		return nil, err
	}
	if err := a.beforeSignUp(ctx, SignUpInfo{Identities: p.Identities, Name: p.Name, Data: p.Data, Method: MethodPassword}); err != nil {
		return nil, err
	}
	if err := a.adoptOwners(ctx, p.Identities...); err != nil {
		return nil, err
	}
	if p.Hash, err = a.hash(ctx, in.Password); err != nil {
		return nil, err
	}
	if a.cfg.SignUp == VerifyFirst && p.invite == "" {
		return nil, a.signUpLater(ctx, p)
	}
	var out *SignedIn
	err = a.drawing(func() (err error) {
		out, err = a.signUpNow(ctx, p, in.Wish)
		return err
	})
	return out, err
}

// parseSignUp judges the whole input and names every fault in it.
func (a *Auth) parseSignUp(in SignUp) (p pendingSignUp, err error) {
	var faults []FieldError
	for _, given := range []struct {
		kind  identifier.Kind
		value string
	}{{identifier.Email, in.Email}, {identifier.Phone, in.Phone}, {identifier.Username, in.Username}} {
		if given.value == "" {
			continue
		}
		ident, fault := parseIdentity(given.kind, given.value)
		if fault != nil {
			faults = append(faults, *fault)
			continue
		}
		ident.Primary = true
		p.Identities = append(p.Identities, ident)
	}
	if len(p.Identities) == 0 && len(faults) == 0 {
		faults = append(faults, FieldError{"email", CodeIdentifierRequired, CodeIdentifierRequired.Title() + "."})
	}
	if a.cfg.SignUp == VerifyFirst && len(faults) == 0 && !slices.ContainsFunc(p.Identities, func(i Identity) bool { return addressed(&i) }) {
		faults = append(faults, FieldError{"email", CodeIdentifierRequired, "An address to verify is required."})
	}
	p.Name, p.Data = in.Name, merge(nil, in.Data)
	faults = append(faults, checkName(in.Name)...)
	faults = append(faults, a.checkData(in.Data, true)...)
	if why := a.judgePassword(in.Password, password.Alone, contextWords(in.Name, p.Identities)); why != "" {
		faults = append(faults, FieldError{"password", CodeWeakPassword, why})
	}
	return p, faultsError(faults)
}

// judgePassword returns why a new password is refused, or "".
func (a *Auth) judgePassword(pw string, use password.Use, words []string) string {
	var bad *password.PolicyError
	err := a.cfg.Password.Check(pw, use, append(words, a.cfg.AppName)...)
	if errors.As(err, &bad) {
		return bad.Detail
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

// hash hashes a password that the policy accepted.
func (a *Auth) hash(ctx context.Context, pw string) (string, error) {
	phc, err := a.hasher.Hash(ctx, pw)
	switch {
	case errors.Is(err, password.ErrTooLong), errors.Is(err, password.ErrNotUTF8), errors.Is(err, password.ErrEmpty):
		return "", FieldE(CodeWeakPassword, "password", "The password cannot be used.").Wrap(err)
	case err != nil:
		return "", overloaded(err)
	}
	return phc, nil
}

func overloaded(err error) error {
	e := ErrUnavailable.Wrap(err)
	e.RetryAfter = 2 * time.Second
	return e
}

// beforeSignUp asks the allowed domains, and then the application's hook, outside any transaction.
func (a *Auth) beforeSignUp(ctx context.Context, info SignUpInfo) error {
	if err := a.cfg.domains.refuse(info.Identities); err != nil {
		return a.failed(ctx, Event{Type: EventSignUpRefused}, err)
	}
	if a.cfg.Hooks.BeforeSignUp == nil {
		return nil
	}
	err := a.cfg.Hooks.BeforeSignUp(ctx, info)
	if err == nil {
		return nil
	}
	var own *Error
	if !errors.As(err, &own) {
		own = ErrSignUpRefused.Wrap(err)
	}
	return a.failed(ctx, Event{Type: EventSignUpRefused}, own)
}

// signUpNow makes the account and passes the gate in one transaction.
func (a *Auth) signUpNow(ctx context.Context, p pendingSignUp, w Wish) (*SignedIn, error) {
	u, err := a.newUser(ctx, p)
	if err != nil {
		return nil, err
	}
	links := make([]link, len(p.Identities))
	for i := range links {
		if links[i], err = a.newLink(); err != nil {
			return nil, err
		}
	}
	m, err := a.newMint(ctx, Proof{
		UserID: u.ID, Method: MethodPassword, Verify: func(*Tx) error { return nil }, // made by this very transaction
	}, w, u)
	if err != nil {
		return nil, err
	}
	var verdict *Error
	err = a.Update(ctx, func(tx *Tx) (err error) {
		acct, err := tx.createAccount(u, p, links)
		if err != nil {
			return err
		}
		if err := tx.Emit(Event{Type: EventSignedUp, UserID: acct.ID, Reason: MethodPassword}); err != nil {
			return err
		}
		if verdict, err = m.admit(tx); err == nil && verdict != nil && verdict.Attempt == nil {
			return verdict // refused: no account either
		}
		return err
	})
	switch {
	case err != nil:
		return nil, err
	case verdict != nil:
		return &SignedIn{User: u, Cookie: m.binding}, verdict
	}
	m.result.User = u
	a.afterSignIn(ctx, m.result)
	return m.result, nil
}

func (a *Auth) newUser(ctx context.Context, p pendingSignUp) (*User, error) {
	id, err := a.newUserID(ctx)
	if err != nil {
		return nil, err
	}
	return &User{ID: id, Name: p.Name, Data: p.Data, CreatedAt: a.now(), UpdatedAt: a.now()}, nil
}

// createAccount writes account, user, identities and password, if the sign-up may be. Each unverified address gets its
// link, if there is one.
func (tx *Tx) createAccount(u *User, p pendingSignUp, links []link) (*Account, error) {
	if err := tx.admitSignUp(p); err != nil {
		return nil, err
	}
	acct, err := tx.insertUser(u)
	if err != nil {
		return nil, err
	}
	for i := range p.Identities {
		ident := p.Identities[i]
		ident.UserID, ident.CreatedAt = u.ID, tx.auth.now()
		if err := tx.claim(&ident); err != nil {
			return nil, err
		}
		if !ident.Verified && addressed(&ident) && links != nil {
			if err := tx.sendLink(links[i], PurposeVerify, NoticeVerify, verifyPath, acct, &ident, u.Name); err != nil {
				return nil, err
			}
		}
	}
	if p.Hash != "" {
		if err := tx.Passwords().Insert(&Password{ID: u.ID, Hash: p.Hash, UpdatedAt: tx.auth.now()}); err != nil {
			return nil, err
		}
	}
	if hook := tx.auth.cfg.Hooks.InSignUpTx; hook != nil {
		return acct, hook(tx, u)
	}
	return acct, nil
}

// signUpLater keeps a sign-up until its address is proved. If that is taken its owner gets a word instead, at the same cost;
// if another name is, whoever has the address hears which.
func (a *Auth) signUpLater(ctx context.Context, p pendingSignUp) error {
	l, err := a.newLink()
	if err != nil {
		return err
	}
	plain, err := json.Marshal(p)
	if err != nil {
		return err
	}
	payload, err := a.cfg.Secrets.Seal(plain, "one_time_token", l.id)
	if err != nil {
		return err
	}
	first := slices.IndexFunc(p.Identities, func(i Identity) bool { return addressed(&i) })
	return a.Update(ctx, func(tx *Tx) error {
		to := p.Identities[first]
		var taken []Identity
		for _, i := range p.Identities {
			held, ok, err := found(tx.Identities().Get(i.ID))
			if err != nil {
				return err
			}
			if !ok {
				held = &Identity{UserID: nobody} // whom to look at costs the same
			}
			strangers, err := tx.isStrangers(held)
			switch {
			case err != nil:
				return err
			case !ok || strangers:
				continue
			case i.ID == to.ID:
				to.Value = held.Value
			}
			taken = append(taken, i)
		}
		t := &OneTimeToken{
			ID: l.id, Purpose: PurposeSignUp, IdentityID: to.ID, CreatedAt: a.now(),
			Expires: a.now().Add(a.cfg.Lifetimes.VerifyLink), Payload: payload,
		}
		n := Notice{
			Channel: channelOf(&to), To: to.Value, Template: NoticeVerify,
			Link: a.linkURL(tx.Context(), verifyPath, l), Expires: t.Expires,
		}
		if len(taken) > 0 {
			t.UsedAt = t.CreatedAt
			n.Template, n.Link, n.Expires = NoticeSignUpTaken, "", time.Time{}
			if !slices.ContainsFunc(taken, func(i Identity) bool { return i.ID == to.ID }) {
				n.Link = a.cfg.BaseURLFor(TenantOf(tx.Context())) + "/"
				n.Template, n.Data = NoticeSignUpOtherTaken, map[string]string{"taken": taken[0].Value}
			}
		}
		return errors.Join(tx.OneTimeTokens().Insert(t), tx.Notify(n))
	})
}

// completeSignUp makes the account of a VerifyFirst link that was just proved.
func (a *Auth) completeSignUp(ctx context.Context, linkID string, t *OneTimeToken) (*User, error) {
	plain, err := a.cfg.Secrets.Open(t.Payload, "one_time_token", linkID)
	if err != nil {
		return nil, ErrInvalidToken.Wrap(err)
	}
	var p pendingSignUp
	if err := json.Unmarshal(plain, &p); err != nil {
		return nil, ErrInvalidToken.Wrap(err)
	}
	for i := range p.Identities {
		if p.Identities[i].ID == t.IdentityID {
			p.Identities[i].Verified, p.Identities[i].VerifiedAt = true, a.now()
		}
	}
	var u *User
	err = a.drawing(func() (err error) {
		if u, err = a.newUser(ctx, p); err != nil {
			return err
		}
		return a.Update(ctx, func(tx *Tx) error {
			used, err := tx.redeem(linkID, PurposeSignUp)
			if err != nil {
				return err
			}
			if used == nil {
				return ErrInvalidToken
			}
			acct, err := tx.createAccount(u, p, nil)
			if err != nil {
				return err
			}
			return tx.Emit(Event{Type: EventSignedUp, UserID: acct.ID, Reason: MethodPassword})
		})
	})
	return u, err
}
