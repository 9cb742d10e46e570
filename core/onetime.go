package core

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/oneauth-go/oneauth/core/record"
)

// link is a one-time token that is about to be stored and mailed: drawn outside the transaction.
type link struct {
	token string // the secret, exists only in the mail
	id    string
}

const linkBytes = 32

func (a *Auth) newLink() (link, error) {
	raw, err := a.newSecret(linkBytes)
	if err != nil {
		return link{}, err
	}
	return link{token: b64.EncodeToString(raw), id: linkID(raw)}, nil
}

func linkID(raw []byte) string { return b64.EncodeToString(digest(raw)) }

// parseLink returns the id of a presented token, if it has the exact form of one.
func parseLink(token string) (id string, ok bool) {
	if len(token) != b64.EncodedLen(linkBytes) {
		return "", false
	}
	raw, err := b64.DecodeString(token)
	if err != nil {
		return "", false
	}
	return linkID(raw), true
}

// URL paths of the links, under BaseURL and Prefix.
const (
	verifyPath = "/verify"
	resetPath  = "/password/reset"
)

func (a *Auth) linkURL(ctx context.Context, path string, l link) string {
	return a.cfg.BaseURLFor(TenantOf(ctx)) + a.cfg.Prefix + path + "?token=" + l.token
}

// sendLink stores l for the identity and mails it there. At most five links of a purpose live at once, the oldest goes.
func (tx *Tx) sendLink(l link, p Purpose, template, path string, acct *Account, ident *Identity, name string) error {
	a := tx.auth
	lifetime := a.cfg.Lifetimes.VerifyLink
	if p == PurposeReset {
		lifetime = a.cfg.Lifetimes.ResetLink
	}
	live, err := tx.liveLinks(acct.ID, p)
	if err != nil {
		return err
	}
	for len(live) >= maxTokens {
		if err := tx.OneTimeTokens().Delete(live[0].ID); err != nil {
			return err
		}
		live = live[1:]
	}
	if !ident.Verified {
		name = "" // whoever typed a stranger's address chose the name, and speaks to nobody by it
	}
	expires := a.now().Add(lifetime)
	if lapses := ident.Expires; !lapses.IsZero() && lapses.Before(expires) {
		expires = lapses
	}
	t := &OneTimeToken{
		ID: l.id, UserID: acct.ID, Purpose: p, IdentityID: ident.ID, Epoch: acct.Epoch,
		CreatedAt: a.now(), Expires: expires,
	}
	if err := tx.OneTimeTokens().Insert(t); err != nil {
		return err
	}
	return tx.Notify(Notice{
		Channel: channelOf(ident), To: ident.Value, Template: template, Name: name,
		Link: a.linkURL(tx.Context(), path, l), Expires: t.Expires,
	})
}

// liveLinks lists the unused links of a purpose, the oldest first.
func (tx *Tx) liveLinks(userID string, p Purpose) ([]*OneTimeToken, error) {
	all, err := tx.OneTimeTokens().PeekFind("user_id", userID, record.Page{})
	all = slices.DeleteFunc(all, func(t *OneTimeToken) bool { return t.Purpose != p || !t.UsedAt.IsZero() })
	slices.SortFunc(all, func(x, y *OneTimeToken) int { return x.CreatedAt.Compare(y.CreatedAt) })
	return all, err
}

// redeem returns the unused token of the purpose and marks it used, or nil. Using it up is a write, so that of two
// redemptions one sees the other, and a commit of unknown fate can be told from somebody else's.
func (tx *Tx) redeem(id string, p Purpose) (*OneTimeToken, error) {
	t, ok, err := found(tx.OneTimeTokens().Get(id))
	if err != nil || !ok || t.Purpose != p || !t.UsedAt.IsZero() {
		return nil, err
	}
	t.UsedAt = tx.auth.now()
	return t, tx.OneTimeTokens().Put(t)
}

// request is a link that anybody can ask for, for any address.
type request struct {
	purpose        Purpose
	template, path string
	event          EventType
}

var (
	requestedVerify = request{PurposeVerify, NoticeVerify, verifyPath, EventVerifyRequested}
	requestedReset  = request{PurposeReset, NoticeReset, resetPath, EventResetRequested}
)

// answerRequest mails a link to an address of owner. When there is none to mail to, or the account is not there or not
// active, it makes the same calls to the store, and leaves a token that nobody holds and a notice to nobody.
func (tx *Tx) answerRequest(l link, r request, owner string, to *Identity) error {
	acct, ok, err := found(tx.Accounts().Get(owner))
	if err != nil {
		return err
	}
	u, known, err := found(tx.Users().Peek(owner))
	if err != nil {
		return err
	}
	if to == nil || !ok || !known || acct.Status != Active {
		return errors.Join(tx.decoy(l, owner), tx.Emit(Event{Type: r.event, Outcome: Failure}))
	}
	if err := tx.sendLink(l, r.purpose, r.template, r.path, acct, to, u.Name); err != nil {
		return err
	}
	return tx.Emit(Event{Type: r.event, UserID: acct.ID})
}

// decoy reads and writes what sendLink does, for nobody.
func (tx *Tx) decoy(l link, owner string) error {
	a := tx.auth
	if _, err := tx.liveLinks(owner, ""); err != nil {
		return err
	}
	t := &OneTimeToken{ID: l.id, CreatedAt: a.now(), Expires: a.now().Add(time.Minute)}
	if err := tx.OneTimeTokens().Insert(t); err != nil {
		return err
	}
	return tx.Notify(Notice{Link: a.linkURL(tx.Context(), resetPath, l)})
}
