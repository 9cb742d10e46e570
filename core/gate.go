package core

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/oneauth-go/oneauth/core/record"
)

// Proof is what somebody has just proved, outside any transaction.
type Proof struct {
	UserID string // the subject
	Method string // RFC 8176 value for the session's AMR: "pwd", "otp", "hwk" ...

	// Verify runs inside the minting transaction and checks that the credential which was used is still the account's: a
	// password that was reset between its verification and the mint must not count. Required.
	Verify func(tx *Tx) error

	// Attempt continues a sign-in that the gate answered with factors to prove. Zero for a new one.
	Attempt AttemptRef
}

// AttemptRef names an attempt together with what binds it to its browser or client.
type AttemptRef struct {
	ID     string
	Secret string // browser: of the attempt's cookie; API clients have none, they are bound by client id
}

// Wish is the session that is asked for.
type Wish struct {
	Kind       SessionKind
	ClientID   string   // API sessions; empty is FirstParty
	Scopes     []string // API sessions; empty asks for the default
	Remember   bool     // browser sessions
	DeviceName string   // API sessions
	SessionID  string   // drawn by NewID("ses") beforehand, for who must know it inside the transaction; empty draws one
}

// Admission is what a policy judges.
type Admission struct {
	Account *Account
	User    *User    // nil for a service
	Proved  []string // methods, the one just proved included
	Wish    Wish
}

// Decision is a policy's answer. The zero Decision allows.
type Decision struct {
	Deny    *Error   // refuse, with this error
	Require []string // methods that must be proved as well; those proved already are ignored
}

// Policy judges every mint of a session inside its transaction; it has no outside effect.
type Policy interface {
	Judge(tx *Tx, a Admission) (Decision, error)
}

// PolicyFunc makes a Policy of a function.
type PolicyFunc func(tx *Tx, a Admission) (Decision, error)

// Judge calls f.
func (f PolicyFunc) Judge(tx *Tx, a Admission) (Decision, error) { return f(tx, a) }

// SignedIn is a session that was just minted or refreshed, with its secrets, which exist nowhere else.
type SignedIn struct {
	Session      *Session
	User         *User    // nil for a service
	Scopes       []string // of the access token to issue
	Cookie       string   // browser: the cookie's value
	RefreshToken string   // api
}

// Admit is the gate: the only way to a session. It mints one when the account is active, the proof holds, every policy
// allows and every required factor is proved. Otherwise the error is ErrInvalidCredentials (disabled, or the proof no
// longer holds), a policy's own, or ErrFactorRequired with the Attempt so far, whose AttemptRef.Secret comes in
// SignedIn.Cookie.
func (a *Auth) Admit(ctx context.Context, p Proof, w Wish) (*SignedIn, error) {
	m, err := a.newMint(ctx, p, w, nil)
	if err != nil {
		return nil, err
	}
	var verdict *Error
	err = a.Update(ctx, func(tx *Tx) (err error) {
		verdict, err = m.admit(tx)
		return err
	})
	if err != nil {
		return nil, err
	}
	if verdict != nil {
		if verdict.Attempt == nil {
			return nil, a.failed(ctx, Event{Type: EventSignInFailed, UserID: p.UserID, ClientID: w.ClientID}, verdict)
		}
		return &SignedIn{Cookie: m.binding}, verdict
	}
	a.afterSignIn(ctx, m.result)
	return m.result, nil
}

// mint is one passage through the gate: what is drawn and asked outside the transaction, so that it can run again.
type mint struct {
	auth    *Auth
	proof   Proof
	wish    Wish
	client  *Client
	allowed []string // scopes that the subject may have
	session Session  // all that does not depend on the transaction
	secret  []byte
	attempt string // id for an Attempt
	binding string // secret for an Attempt
	result  *SignedIn
}

func (a *Auth) newMint(ctx context.Context, p Proof, w Wish, u *User) (*mint, error) {
	m := &mint{auth: a, proof: p, wish: w}
	switch {
	case p.Verify == nil || p.UserID == "" || p.Method == "":
		return nil, E(CodeInternal, "").Wrap(errors.New("a Proof needs UserID, Method and Verify"))
	case w.Kind != BrowserSession && w.Kind != APISession:
		return nil, E(CodeInternal, "").Wrap(fmt.Errorf("a Wish cannot be of kind %q", w.Kind))
	}
	if w.Kind == APISession {
		if m.wish.ClientID == "" {
			m.wish.ClientID = FirstParty
		}
		c, err := a.Clients().Get(ctx, m.wish.ClientID)
		if err != nil {
			return nil, err
		}
		m.client = c
	}
	var err error
	if m.secret, err = a.newSecret(32); err != nil {
		return nil, err
	}
	if m.session.ID = w.SessionID; m.session.ID == "" {
		if m.session.ID, err = a.NewID(sessionPrefix); err != nil {
			return nil, err
		}
	}
	if m.attempt, err = a.NewID(attemptPrefix); err != nil {
		return nil, err
	}
	if m.wish.Kind == BrowserSession {
		b, err := a.newSecret(32)
		if err != nil {
			return nil, err
		}
		m.binding = b64.EncodeToString(b)
	}
	if m.allowed, err = a.scopesOf(ctx, p.UserID, u); err != nil {
		return nil, err
	}
	info := SignInInfo{UserID: p.UserID, Method: p.Method, Wish: m.wish, SignUp: u != nil}
	if err := a.beforeSignIn(ctx, info); err != nil {
		return nil, err
	}
	return m, nil
}

// admit runs inside the transaction. A verdict is an outcome to commit and then to return; an error undoes everything.
func (m *mint) admit(tx *Tx) (verdict *Error, err error) {
	m.result = nil
	acct, ok, err := found(tx.Accounts().Get(m.proof.UserID))
	if err != nil {
		return nil, err
	}
	if !ok || acct.Status != Active {
		return ErrInvalidCredentials, nil
	}
	switch err := m.proof.Verify(tx); {
	case errors.Is(err, ErrInvalidCredentials):
		return ErrInvalidCredentials, nil
	case err != nil:
		return nil, err
	}
	adm := Admission{Account: acct, Wish: m.wish, Proved: []string{m.proof.Method}}
	if acct.Kind == UserAccount {
		adm.User, ok, err = found(tx.Users().Peek(acct.ID))
		if err != nil {
			return nil, err
		}
		if !ok {
			return ErrInvalidCredentials, nil // the application deleted its row
		}
	}
	authTime := m.auth.now()
	if ref := m.proof.Attempt; ref.ID != "" {
		att, err := m.resume(tx, acct, ref)
		if err != nil || att == nil {
			return ErrInvalidCredentials, err
		}
		adm.Proved = att.Proved
		if !slices.Contains(adm.Proved, m.proof.Method) {
			adm.Proved = append(adm.Proved, m.proof.Method)
		}
		authTime = att.AuthTime
		if err := tx.Attempts().Delete(att.ID); err != nil {
			return nil, err
		}
	}
	missing, deny, err := m.judge(tx, adm)
	switch {
	case err != nil:
		return nil, err
	case deny != nil:
		return deny, nil
	case len(missing) > 0:
		return m.suspend(tx, acct, adm, missing, authTime)
	}
	return m.open(tx, acct, adm, authTime)
}

// judge asks the account and every policy.
func (m *mint) judge(tx *Tx, adm Admission) (missing []string, deny *Error, err error) {
	required := slices.Clone(adm.Account.Factors)
	for _, p := range m.auth.policies {
		d, err := p.Judge(tx, adm)
		if err != nil {
			return nil, nil, err
		}
		if d.Deny != nil {
			return nil, d.Deny, nil
		}
		required = append(required, d.Require...)
	}
	for _, f := range required {
		if !slices.Contains(adm.Proved, f) && !slices.Contains(missing, f) {
			missing = append(missing, f)
		}
	}
	return missing, nil, nil
}

// resume finds the attempt that a proof continues: same subject, same browser or client, same kind of session, and
// nothing about the account changed since it began.
func (m *mint) resume(tx *Tx, acct *Account, ref AttemptRef) (*Attempt, error) {
	att, ok, err := found(tx.Attempts().Get(ref.ID))
	if err != nil || !ok {
		return nil, err
	}
	bound := att.Kind == m.wish.Kind && att.ClientID == m.wish.ClientID && att.UserID == acct.ID && att.Epoch == acct.Epoch
	if att.Kind == BrowserSession {
		bound = bound && sameSecret(att.Binding, digest([]byte(ref.Secret)))
	}
	if !bound {
		return nil, nil
	}
	return att, nil
}

// suspend keeps what is proved until the missing factors are.
func (m *mint) suspend(tx *Tx, acct *Account, adm Admission, missing []string, authTime time.Time) (*Error, error) {
	att := &Attempt{
		ID: m.attempt, UserID: acct.ID, Kind: m.wish.Kind, ClientID: m.wish.ClientID, Proved: adm.Proved, Missing: missing,
		Epoch: acct.Epoch, AuthTime: authTime, Expires: m.auth.now().Add(m.auth.cfg.Lifetimes.Attempt),
	}
	if m.binding != "" {
		att.Binding = digest([]byte(m.binding))
	}
	if err := tx.Attempts().Insert(att); err != nil {
		return nil, err
	}
	err := tx.Emit(Event{Type: EventFactorRequired, UserID: acct.ID, ClientID: m.wish.ClientID})
	return &Error{Code: CodeFactorRequired, Attempt: att}, err
}

// open writes the session. The account is written too, so that a commit which disables it, or resets its password, and
// this one cannot both pass unseen.
func (m *mint) open(tx *Tx, acct *Account, adm Admission, authTime time.Time) (*Error, error) {
	a, now := m.auth, m.auth.now()
	scopes, err := grantScopes(m.wish.Scopes, m.client, m.allowed)
	if err != nil {
		return AsError(err), nil
	}
	origin := OriginOf(tx.ctx)
	s := m.session
	s.UserID, s.Kind, s.ClientID, s.DeviceName = acct.ID, m.wish.Kind, m.wish.ClientID, clip(m.wish.DeviceName, 100)
	s.IP, s.UserAgent = origin.IP, origin.UserAgent
	s.Scopes, s.AMR, s.ACR, s.AuthTime = scopes, adm.Proved, assurance(adm.Proved), authTime
	s.CreatedAt, s.LastSeenAt, s.Remember = now, now, m.wish.Remember
	m.result = &SignedIn{Session: &s, User: adm.User, Scopes: scopes}
	idle, most := a.limitsOf(&s)
	if acct.Kind == ServiceAccount {
		idle, most = a.cfg.Lifetimes.AccessToken, a.cfg.Lifetimes.AccessToken
	}
	s.Idle, s.EndsAt = int64(idle/time.Second), now.Add(most)
	s.touch(now)
	switch s.Kind {
	case BrowserSession:
		s.SecretHash = digest(m.secret)
		m.result.Cookie = cookieValue(s.ID, m.secret)
	case APISession:
		s.Audience = m.client.Audiences
		s.Salt, s.Generation, s.RotatedAt = m.secret, 1, now
		if acct.Kind != ServiceAccount {
			m.result.RefreshToken = a.refreshToken(tx.rec.Tenant(), &s, 1)
		}
	}
	if acct.meet(&s) {
		if err := tx.notifyNewSignIn(adm.User, &s); err != nil {
			return nil, err
		}
	}
	acct.MintedAt = now
	if err := errors.Join(tx.Accounts().Put(acct), a.makeRoom(tx, acct.ID), tx.Sessions().Insert(&s)); err != nil {
		return nil, err
	}
	return nil, tx.Emit(Event{Type: EventSignedIn, UserID: acct.ID, SessionID: s.ID, ClientID: s.ClientID, Reason: m.proof.Method})
}

// assurance is the ACR value of what was proved: aal1 for one method, aal2 for several (after the levels of NIST SP
// 800-63B).
func assurance(methods []string) string {
	if len(methods) > 1 {
		return "aal2"
	}
	return "aal1"
}

// makeRoom ends the oldest sessions until one more fits. The account is written by the same commit, so no other mint
// for it can happen at once and the unvalidated list is good enough.
func (a *Auth) makeRoom(tx *Tx, userID string) error {
	all, err := tx.Sessions().PeekFind("user_id", userID, record.Page{})
	if err != nil {
		return err
	}
	most := a.cfg.Sessions.PerUser
	if isService(userID) {
		most = maxServiceSessions
	}
	surplus := len(all) - most + 1
	if surplus <= 0 {
		return nil
	}
	slices.SortFunc(all, func(x, y *Session) int { return x.LastSeenAt.Compare(y.LastSeenAt) })
	return tx.endSessions(all[:surplus], "too_many_sessions")
}
