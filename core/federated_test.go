package core_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/core/identifier"
)

// acme is a provider that says who somebody is there, by subject, and which address it knows.
func acme(subject, email string, verified bool) core.Assertion {
	return core.Assertion{Provider: "acme", Issuer: "https://acme.example", Subject: subject, Email: email, EmailVerified: verified, Name: "Ann of Acme"}
}

var trusted = core.LinkRules{TrustEmail: true}

// federate signs in with what a provider says.
func (w *world) federate(as core.Assertion, rules core.LinkRules) (*core.SignedIn, error) {
	w.t.Helper()
	l, err := w.ResolveExternal(w.t.Context(), as, rules)
	if err != nil {
		return nil, err
	}
	return w.AdmitLinked(w.t.Context(), l, browser, nil)
}

// The first sign-in makes an account with the address that the provider verified; the next finds it, whatever the address
// is by then.
func TestFederatedSignUpAndIn(t *testing.T) {
	w := newWorld(t)
	in := must(w.federate(acme("1", annMail, true), trusted))(t)
	if in.User.Name != "Ann of Acme" || !slices.Equal(in.Session.AMR, []string{core.MethodFederated}) {
		t.Errorf("signed in %+v, session %+v", in.User, in.Session)
	}
	if i := w.identity(in.User.ID, annMail); i == nil || !i.Verified || !i.Owned || !i.Primary {
		t.Errorf("identity %+v", i)
	}
	again := must(w.federate(acme("1", "new@example.com", true), trusted))(t)
	if again.User.ID != in.User.ID {
		t.Errorf("the same subject is another user")
	}
	all, err := w.LinkedAccounts(t.Context(), in.User.ID)
	noError(t, err)
	if len(all) != 1 || all[0].Email != "new@example.com" || len(w.identities(in.User.ID)) != 1 {
		t.Errorf("linked %+v, identities %v", all[0], w.identities(in.User.ID))
	}
	other := must(w.federate(acme("2", "", false), trusted))(t)
	if other.User.ID == in.User.ID {
		t.Error("two subjects are one user")
	}
}

// A2: issuer and subject say who it is, and never the address; equal subjects of two issuers are two people.
func TestA2IssuerAndSubjectAreTheKey(t *testing.T) {
	w := newWorld(t)
	ann := must(w.federate(acme("1", annMail, true), trusted))(t)
	foreign := acme("1", "", false)
	foreign.Issuer = "https://evil.example"
	if in := must(w.federate(foreign, trusted))(t); in.User.ID == ann.User.ID {
		t.Error("another issuer's subject signed in as Ann")
	}
	// The border between issuer and subject is part of the key.
	x, y := acme("bc", "", false), acme("c", "", false)
	x.Issuer, y.Issuer = "https://a", "https://ab"
	if must(w.federate(x, trusted))(t).User.ID == must(w.federate(y, trusted))(t).User.ID {
		t.Error("issuer and subject run together")
	}
	for name, as := range map[string]core.Assertion{
		"subject": {Provider: "acme", Issuer: "https://acme.example"},
		"issuer":  {Provider: "acme", Subject: "1"},
	} {
		_, err := w.federate(as, trusted)
		if e := wantCode(t, err, core.CodeInvalidField); e.Field != name { // A3: an empty subject is nobody
			t.Errorf("field %q, want %q", e.Field, name)
		}
	}
}

// An address that the provider did not verify, or of a provider that is not trusted, opens nobody's account.
func TestA2UnverifiedAddressDoesNotLink(t *testing.T) {
	for name, tt := range map[string]struct {
		verified bool
		rules    core.LinkRules
	}{
		"not verified": {false, trusted},
		"not trusted":  {true, core.LinkRules{}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.verified(annMail)
			_, err := w.federate(acme("1", annMail, tt.verified), tt.rules)
			if e := wantCode(t, err, core.CodeIdentityTaken); e.Field != "email" {
				t.Errorf("field %q", e.Field)
			}
			if n := w.count("linked_account"); n != 0 {
				t.Errorf("%d links", n)
			}
			fresh := must(w.federate(acme("2", "bob@example.com", tt.verified), tt.rules))(t)
			if i := w.identity(fresh.User.ID, "bob@example.com"); i == nil || i.Verified || i.Owned {
				t.Errorf("identity %+v", i)
			}
			w.link(core.NoticeVerify, "bob@example.com")
		})
	}
}

// Where answers do not tell who has an account, an unverified address of a provider tells nothing either.
func TestFederatedUnverifiedAddressWithVerifyFirst(t *testing.T) {
	w := newWorld(t, func(c *core.Config) { c.SignUp = core.VerifyFirst })
	w.verified(annMail)
	in := must(w.federate(acme("1", annMail, false), trusted))(t)
	if got := w.identities(in.User.ID); len(got) != 0 {
		t.Errorf("identities %v", got)
	}
}

// A1: who planted an account on somebody's address is out when its owner comes through a provider.
func TestA1SquattedAddressIsPurgedByFederation(t *testing.T) {
	w := newWorld(t)
	squatter := w.person(annMail)
	must(w.LinkExternal(t.Context(), squatter.User.ID, squatter.Session.ID, acme("evil", "", false)))(t)

	ann := must(w.federate(acme("1", annMail, true), trusted))(t)
	if ann.User.ID != squatter.User.ID {
		t.Fatal("the claim on the address was not taken over")
	}
	if _, err := w.signIn(annMail, goodPassword, browser); err == nil {
		t.Error("the squatter's password works")
	}
	if _, err := w.Session(t.Context(), squatter.Session.ID); err == nil {
		t.Error("the squatter's session lives")
	}
	if in, err := w.federate(acme("evil", "", false), trusted); err == nil && in.User.ID == ann.User.ID {
		t.Error("the squatter's connected account works")
	}
	if len(w.events.of(core.EventAccountPurged)) != 1 {
		t.Error("no event of the purge")
	}
}

// An address that somebody else typed by mistake, beside an own one, is taken from that account, which stays as it was.
func TestFederationTakesAStrangersClaim(t *testing.T) {
	w := newWorld(t)
	bob := w.signedIn("bob@example.com")
	noError(t, w.add(bob, identifier.Email, annMail))
	ann := must(w.federate(acme("1", annMail, true), trusted))(t)
	if ann.User.ID == bob.User.ID {
		t.Fatal("Ann is in Bob's account")
	}
	if got := w.identities(bob.User.ID); !slices.Equal(got, []string{"bob@example.com*"}) {
		t.Errorf("Bob has %v", got)
	}
	must(w.signIn("bob@example.com", goodPassword, browser))(t)
}

// An account whose owner has proved the address is connected, keeps its password, and hears of it.
func TestFederationLinksAnOwnAddress(t *testing.T) {
	w := newWorld(t)
	u := w.verified(annMail)
	in := must(w.federate(acme("1", annMail, true), trusted))(t)
	if in.User.ID != u.ID {
		t.Fatal("another account")
	}
	must(w.signIn(annMail, goodPassword, browser))(t)
	told := slices.ContainsFunc(w.notices(), func(n core.Notice) bool {
		return n.Template == core.NoticeIdentityChanged && n.To == annMail && n.Data["value"] == "acme"
	})
	if !told {
		t.Error("its owner was not told")
	}
}

// A5: a disabled account stays so on every path.
func TestA5DisabledAccountByFederation(t *testing.T) {
	w := newWorld(t)
	linked := must(w.federate(acme("1", annMail, true), trusted))(t)
	other := w.verified("bob@example.com")
	for _, id := range []string{linked.User.ID, other.ID} {
		noError(t, w.Users().Disable(t.Context(), id, "test"))
	}
	_, err := w.federate(acme("1", annMail, true), trusted)
	wantCode(t, err, core.CodeInvalidCredentials)
	_, err = w.federate(acme("2", "bob@example.com", true), trusted)
	wantCode(t, err, core.CodeInvalidCredentials)
	if n := w.count("linked_account"); n != 1 {
		t.Errorf("%d links", n)
	}
}

// The sign-up rules and hooks judge accounts from providers as any other.
func TestFederatedSignUpRefused(t *testing.T) {
	refuse := func(c *core.Config) {
		c.Hooks.BeforeSignUp = func(_ context.Context, s core.SignUpInfo) error {
			if s.Method != "acme" {
				t.Errorf("method %q", s.Method)
			}
			return errors.New("no")
		}
	}
	for name, tt := range map[string]struct {
		change func(*core.Config)
		rules  core.LinkRules
	}{
		"closed":   {func(c *core.Config) { c.SignUp = core.ClosedSignUp }, trusted},
		"invited":  {func(c *core.Config) { c.SignUp = core.InviteOnly }, trusted},
		"hook":     {refuse, trusted},
		"rules":    {func(*core.Config) {}, core.LinkRules{TrustEmail: true, NoSignUp: true}},
		"domain":   {allowed("corp.example"), trusted},
		"unproved": {allowed("example.com"), core.LinkRules{}},
		"in the tx": {func(c *core.Config) {
			c.Hooks.InSignUpTx = func(*core.Tx, *core.User) error { return core.ErrSignUpRefused }
		}, trusted},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, tt.change)
			_, err := w.federate(acme("1", annMail, true), tt.rules)
			if code := core.AsError(err).Code; code != core.CodeSignUpRefused && (name != "unproved" || code != core.CodeIdentifierRequired) {
				t.Errorf("got %v", err)
			}
			if n := w.count("account") + w.count("user") + w.count("identity") + w.count("linked_account"); n != 0 {
				t.Errorf("%d records", n)
			}
		})
	}
}

// One person who comes 64 times at once for the first time is one account.
func TestFederatedFirstSignInAtOnce(t *testing.T) {
	for range rounds(t, 5) {
		w := newWorld(t)
		nodes := []*world{w, w.again()}
		var mu sync.Mutex
		seen := map[string]bool{}
		together(64, func(i int) {
			in, err := nodes[i%2].federate(acme("1", annMail, true), trusted)
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			seen[in.User.ID] = true
			mu.Unlock()
		})
		if len(seen) != 1 || w.count("account") != 1 {
			t.Fatalf("%d users, %d accounts", len(seen), w.count("account"))
		}
	}
}

func TestLinkAndUnlink(t *testing.T) {
	w := newWorld(t)
	ann := w.signedIn(annMail)
	link := func(in *core.SignedIn, as core.Assertion) (*core.LinkedAccount, error) {
		return w.LinkExternal(t.Context(), in.User.ID, in.Session.ID, as)
	}
	l := must(link(ann, acme("1", "", false)))(t)
	if in := must(w.federate(acme("1", "", false), trusted))(t); in.User.ID != ann.User.ID {
		t.Error("the connected account is another user's")
	}
	must(link(ann, acme("1", annMail, true)))(t) // again
	bob := w.signedIn("bob@example.com")
	_, err := link(bob, acme("1", "", false))
	if e := wantCode(t, err, core.CodeIdentityTaken); e.Field != "provider" {
		t.Errorf("field %q", e.Field)
	}
	wantCode(t, w.UnlinkExternal(t.Context(), bob.User.ID, bob.Session.ID, l.ID), core.CodeNotFound) // A29
	noError(t, w.UnlinkExternal(t.Context(), ann.User.ID, ann.Session.ID, l.ID))
	if n := w.count("linked_account"); n != 0 {
		t.Errorf("%d links", n)
	}

	w.clock.Advance(16 * time.Minute)
	_, err = link(ann, acme("1", "", false))
	wantCode(t, err, core.CodeReauthRequired)
	for i := range 21 {
		_, err = link(bobAgain(w), acme(fmt.Sprint(i), "", false))
	}
	wantCode(t, err, core.CodeLimitReached)
}

func bobAgain(w *world) *core.SignedIn {
	in, err := w.signIn("bob@example.com", goodPassword, browser)
	noError(w.t, err)
	return in
}

// The last way in stays, also when two are removed at once.
func TestLastLinkStays(t *testing.T) {
	w := newWorld(t)
	in := must(w.federate(acme("1", annMail, true), trusted))(t)
	first, err := w.LinkedAccounts(t.Context(), in.User.ID)
	noError(t, err)
	remove := func(id string) error { return w.UnlinkExternal(t.Context(), in.User.ID, in.Session.ID, id) }
	if e := wantCode(t, remove(first[0].ID), core.CodeForbidden); !strings.Contains(e.Detail, "last way") {
		t.Errorf("detail %q", e.Detail)
	}
	second := must(w.LinkExternal(t.Context(), in.User.ID, in.Session.ID, acme("2", "", false)))(t)
	ids := []string{first[0].ID, second.ID}
	errs := make([]error, 2)
	together(2, func(i int) { errs[i] = remove(ids[i]) })
	if (errs[0] == nil) == (errs[1] == nil) {
		t.Errorf("removed at once: %v, %v", errs[0], errs[1])
	}
}

// A link that is removed while its sign-in is under way opens nothing.
func TestUnlinkedMeanwhile(t *testing.T) {
	w := newWorld(t)
	ann := w.signedIn(annMail)
	must(w.LinkExternal(t.Context(), ann.User.ID, ann.Session.ID, acme("1", "", false)))(t)
	l := must(w.ResolveExternal(t.Context(), acme("1", "", false), trusted))(t)
	noError(t, w.UnlinkExternal(t.Context(), ann.User.ID, ann.Session.ID, l.ID))
	_, err := w.AdmitLinked(t.Context(), l, browser, nil)
	wantCode(t, err, core.CodeInvalidCredentials)
}

func TestProfileSync(t *testing.T) {
	fields := func(c *core.Config) {
		c.Fields = []core.Field{{Name: "picture", Type: core.TextField, ReadOnly: true}}
	}
	as := acme("1", annMail, true)
	as.Picture, as.Locale = "https://acme.example/1.png", "de"
	then := as
	then.Name, then.Picture = "Renamed", "https://acme.example/2.png"
	for name, tt := range map[string]struct {
		sync                   core.ProfileSync
		name, pic, now, nowPic string
	}{
		"first":  {core.ProfileSync{}, "Ann of Acme", as.Picture, "Ann of Acme", as.Picture},
		"always": {core.ProfileSync{Name: core.SyncAlways, Picture: core.SyncAlways}, "Ann of Acme", as.Picture, "Renamed", then.Picture},
		"never":  {core.ProfileSync{Name: core.SyncNever, Picture: core.SyncNever}, "", "", "", ""},
		"mixed":  {core.ProfileSync{Picture: core.SyncAlways}, "Ann of Acme", as.Picture, "Ann of Acme", then.Picture},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, fields)
			rules := core.LinkRules{TrustEmail: true, Sync: tt.sync}
			in := must(w.federate(as, rules))(t)
			check := func(name, pic string) {
				t.Helper()
				u, _, err := w.User(t.Context(), in.User.ID)
				noError(t, err)
				got, _ := u.Data["picture"].(string)
				if u.Name != name || got != pic || u.Data["locale"] != nil {
					t.Errorf("profile %+v, want %q %q", u, name, pic)
				}
			}
			check(tt.name, tt.pic)
			must(w.federate(then, rules))(t)
			check(tt.now, tt.nowPic)
		})
	}
}

// What only decorates is cut to size, and a picture is an https address or none.
func TestAssertionIsCleaned(t *testing.T) {
	w := newWorld(t)
	as := acme("1", "a@x,b@y", true) // A6: no address
	as.Name, as.Picture = strings.Repeat("x", 500)+"\r\nBcc: b@y", "javascript:alert(1)"
	in := must(w.federate(as, trusted))(t)
	all, err := w.LinkedAccounts(t.Context(), in.User.ID)
	noError(t, err)
	if l := all[0]; len(l.Name) != 200 || l.Picture != "" || len(w.identities(in.User.ID)) != 0 {
		t.Errorf("kept %+v with %v", l, w.identities(in.User.ID))
	}
}

func TestProviderTokensAreSealed(t *testing.T) {
	w := newWorld(t)
	as := acme("1", annMail, true)
	as.Tokens = []byte(`{"access_token":"acme-secret"}`)
	l := must(w.ResolveExternal(t.Context(), as, trusted))(t)
	for _, r := range w.dump(core.DefaultTenant) {
		for _, v := range r.Row {
			if strings.Contains(v.Text(), "acme-secret") {
				t.Errorf("%s %s holds the token", r.Kind, r.ID)
			}
		}
	}
	got := must(w.ProviderTokens(t.Context(), l.ID))(t)
	if string(got) != string(as.Tokens) {
		t.Errorf("tokens %s", got)
	}
	all, err := w.LinkedAccounts(t.Context(), l.UserID)
	noError(t, err)
	if all[0].Tokens != nil {
		t.Error("a list shows tokens")
	}
	wantCode(t, w.KeepProviderTokens(t.Context(), l.ID, []byte("other"), []byte("next")), core.CodeConflict)
	noError(t, w.KeepProviderTokens(t.Context(), l.ID, got, []byte("next")))
	as.Tokens = nil
	must(w.ResolveExternal(t.Context(), as, trusted))(t) // a sign-in without tokens leaves them
	noError(t, w.KeepProviderTokens(t.Context(), l.ID, []byte("next"), nil))
	_, err = w.ProviderTokens(t.Context(), l.ID)
	wantCode(t, err, core.CodeNotFound)
	if len(w.events.of(core.EventProviderRevoked)) != 1 {
		t.Error("no event")
	}
}
