package core

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/oneauth-go/oneauth/core/identifier"
)

// PurposeInvite is that of an invitation: a link that makes one account for the address that it was mailed to. There is
// no account yet, so OneTimeToken.UserID is the address's key.
const PurposeInvite Purpose = "invite"

// invitePath is the page that an invitation opens.
const invitePath = "/signup"

// Invitation is what a mailed invitation is for.
type Invitation struct {
	Email   string
	Expires time.Time
}

var errInvitation = FieldE(CodeSignUpRefused, "invite", "The invitation is not good, or no longer: ask for a new one.")

// Invite mails an invitation to an address. Whoever opens it signs up with SignUp.Invite, in every mode but
// ClosedSignUp: it proves the address, so there is an account at once. It is good for one account, with that address, for
// Lifetimes.Invitation, and until Withdraw. At most five to an address live at once, the oldest goes.
//
// Errors, on field email: CodeInvalidEmail; ErrIdentityTaken when the address has an account; ErrSignUpRefused when
// its domain is not allowed, and when sign-up is closed.
func (u Users) Invite(ctx context.Context, email string) error {
	a := u.auth
	ident, fault := parseIdentity(identifier.Email, email)
	switch {
	case fault != nil:
		return FieldE(fault.Code, fault.Field, fault.Detail)
	case a.cfg.SignUp == ClosedSignUp:
		return FieldE(CodeSignUpRefused, "email", "Sign-up is closed.")
	case !a.cfg.domains.allow(&ident):
		return FieldE(CodeSignUpRefused, "email", foreignDomain)
	}
	l, err := a.newLink()
	if err != nil {
		return err
	}
	payload, err := a.cfg.Secrets.Seal([]byte(ident.Value), "one_time_token", l.id)
	if err != nil {
		return err
	}
	return a.Update(ctx, func(tx *Tx) error {
		_, taken, err := found(tx.Identities().Get(ident.ID))
		switch {
		case err != nil:
			return err
		case taken:
			return FieldE(CodeIdentityTaken, "email", "")
		}
		live, err := tx.liveLinks(ident.ID, PurposeInvite)
		if err != nil {
			return err
		}
		for ; len(live) >= maxTokens; live = live[1:] {
			if err := tx.OneTimeTokens().Delete(live[0].ID); err != nil {
				return err
			}
		}
		t := &OneTimeToken{
			ID: l.id, UserID: ident.ID, Purpose: PurposeInvite, IdentityID: ident.ID, CreatedAt: a.now(),
			Expires: a.now().Add(a.cfg.Lifetimes.Invitation), Payload: payload,
		}
		return errors.Join(
			tx.OneTimeTokens().Insert(t),
			tx.Notify(Notice{
				Channel: Email, To: ident.Value, Template: NoticeInvite, Link: a.inviteURL(tx.Context(), l), Expires: t.Expires,
			}),
			tx.Emit(Event{Type: EventInvited, Detail: ident.Value}),
		)
	})
}

func (a *Auth) inviteURL(ctx context.Context, l link) string {
	return a.cfg.BaseURLFor(TenantOf(ctx)) + a.cfg.Prefix + invitePath + "?invite=" + l.token
}

// Withdraw lets every invitation to an address die. ErrNotFound when there is none.
func (u Users) Withdraw(ctx context.Context, email string) error {
	ident, fault := parseIdentity(identifier.Email, email)
	if fault != nil {
		return FieldE(fault.Code, fault.Field, fault.Detail)
	}
	return u.auth.Update(ctx, func(tx *Tx) error {
		n, err := tx.dropInvitations(ident.ID)
		switch {
		case err != nil:
			return err
		case n == 0:
			return ErrNotFound
		}
		return tx.Emit(Event{Type: EventInvitationWithdrawn, Detail: ident.Value})
	})
}

// dropInvitations deletes the unused invitations to an address and returns how many there were.
func (tx *Tx) dropInvitations(identityID string) (int, error) {
	live, err := tx.liveLinks(identityID, PurposeInvite)
	if err != nil {
		return 0, err
	}
	for _, t := range live {
		if err := tx.OneTimeTokens().Delete(t.ID); err != nil {
			return 0, err
		}
	}
	return len(live), nil
}

// Invitation returns what an invitation is for without using it up, for the page that it opens. The error is
// ErrInvalidToken for one that is not good, or no longer.
func (a *Auth) Invitation(ctx context.Context, token string) (*Invitation, error) {
	t, email, err := a.openInvitation(ctx, token)
	if err != nil {
		return nil, err
	}
	return &Invitation{Email: email, Expires: t.Expires}, nil
}

func (a *Auth) openInvitation(ctx context.Context, token string) (t *OneTimeToken, email string, err error) {
	id, ok := parseLink(token)
	if !ok {
		return nil, "", ErrInvalidToken
	}
	err = a.View(ctx, func(tx *Tx) (err error) {
		t, ok, err = found(tx.OneTimeTokens().Get(id))
		return err
	})
	switch {
	case err != nil:
		return nil, "", err
	case !ok || t.Purpose != PurposeInvite || !t.UsedAt.IsZero():
		return nil, "", ErrInvalidToken
	}
	plain, err := a.cfg.Secrets.Open(t.Payload, "one_time_token", t.ID)
	if err != nil {
		return nil, "", ErrInvalidToken.Wrap(err)
	}
	return t, string(plain), nil
}

// invited looks at the invitation that a sign-up brings, if it does, and fills in the address that it is for.
func (a *Auth) invited(ctx context.Context, in *SignUp) (*OneTimeToken, error) {
	if in.Invite == "" {
		if a.cfg.SignUp == InviteOnly {
			return nil, a.failed(ctx, Event{Type: EventSignUpRefused}, FieldE(CodeSignUpRefused, "invite", "An invitation is required."))
		}
		return nil, nil
	}
	t, email, err := a.openInvitation(ctx, in.Invite)
	if errors.Is(err, ErrInvalidToken) {
		return nil, a.failed(ctx, Event{Type: EventSignUpRefused}, errInvitation.Wrap(err))
	}
	if err != nil {
		return nil, err
	}
	if in.Email == "" {
		in.Email = email
	}
	return t, nil
}

// bring notes that a sign-up is by invitation: the address is proved, by the person who makes the account.
func (p *pendingSignUp) bring(t *OneTimeToken, now time.Time) error {
	if t == nil {
		return nil
	}
	for i := range p.Identities {
		if ident := &p.Identities[i]; ident.ID == t.IdentityID {
			ident.Verified, ident.VerifiedAt, ident.Owned = true, now, true
			p.invite = t.ID
			return nil
		}
	}
	return FieldE(CodeSignUpRefused, "email", "The invitation is for another address.")
}

// admitSignUp judges a sign-up inside its transaction by the mode, the invitation, which it uses up, and the domains:
// whatever path led here, and whatever was judged before.
func (tx *Tx) admitSignUp(p pendingSignUp) error {
	cfg := &tx.auth.cfg
	switch {
	case cfg.SignUp == ClosedSignUp:
		return ErrSignUpRefused
	case p.invite != "":
		t, err := tx.redeem(p.invite, PurposeInvite)
		if err != nil {
			return err
		}
		if t == nil {
			return errInvitation
		}
		if _, err := tx.dropInvitations(t.IdentityID); err != nil {
			return err
		}
	case cfg.SignUp == InviteOnly:
		return FieldE(CodeSignUpRefused, "invite", "An invitation is required.")
	}
	if err := cfg.domains.refuse(p.Identities); err != nil {
		return err
	}
	proved := func(i Identity) bool { return i.Kind == identifier.Email && i.Verified }
	if len(cfg.domains) > 0 && !slices.ContainsFunc(p.Identities, proved) {
		return FieldE(CodeSignUpRefused, "email", "The e-mail address must be verified first.")
	}
	return nil
}
