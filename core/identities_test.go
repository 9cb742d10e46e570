package core_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/core/identifier"
	"github.com/oneauth-go/oneauth/core/record"
	"github.com/oneauth-go/oneauth/stores/mem"
	"github.com/oneauth-go/oneauth/stores/storetest"
)

const (
	annMail  = "ann@example.com"
	workMail = "ann@work.example"
	thirdOne = "ann@third.example"
)

// signedIn is a person with a verified address and a browser session.
func (w *world) signedIn(email string) *core.SignedIn {
	w.t.Helper()
	w.verified(email)
	in, err := w.signIn(email, goodPassword, browser)
	noError(w.t, err)
	return in
}

func (w *world) add(in *core.SignedIn, kind core.IdentityKind, value string) error {
	return second(w.AddIdentity(w.t.Context(), in.User.ID, in.Session.ID, kind, value))
}

func (w *world) primary(in *core.SignedIn, kind core.IdentityKind, value string) error {
	return w.MakePrimary(w.t.Context(), in.User.ID, in.Session.ID, kind, value)
}

func (w *world) remove(in *core.SignedIn, kind core.IdentityKind, value string) error {
	return w.RemoveIdentity(w.t.Context(), in.User.ID, in.Session.ID, kind, value)
}

// addVerified adds an address and uses its link.
func (w *world) addVerified(in *core.SignedIn, email string) {
	w.t.Helper()
	noError(w.t, w.add(in, identifier.Email, email))
	noError(w.t, second(w.Verify(w.t.Context(), w.link(core.NoticeVerify, email))))
}

// identity returns one identity of a user, or nil.
func (w *world) identity(userID, value string) *core.Identity {
	w.t.Helper()
	all, err := w.IdentitiesOf(w.t.Context(), userID)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, i := range all {
		if i.Value == value {
			return i
		}
	}
	return nil
}

// told returns which addresses heard that an identity was changed so, sorted: notices are delivered side by side.
func (w *world) told(template, change string) (to []string) {
	for _, n := range w.notices() {
		if n.Template == template && n.Data["change"] == change {
			to = append(to, n.To)
		}
	}
	slices.Sort(to)
	return to
}

func TestAddVerifyAndMakePrimary(t *testing.T) {
	w := newWorld(t)
	in := w.signedIn(annMail)
	noError(t, w.add(in, identifier.Email, workMail))
	added := w.identity(in.User.ID, workMail)
	if added == nil || added.Verified || added.Primary {
		t.Fatalf("added: %+v", added)
	}
	wantCode(t, w.primary(in, identifier.Email, workMail), core.CodeVerificationRequired)
	noError(t, second(w.Verify(t.Context(), w.link(core.NoticeVerify, workMail))))
	noError(t, w.primary(in, identifier.Email, workMail))
	noError(t, w.primary(in, identifier.Email, workMail)) // it is already
	if !w.identity(in.User.ID, workMail).Primary || w.identity(in.User.ID, annMail).Primary {
		t.Error("the primary one is not the new one alone")
	}
	if got := fmt.Sprint(w.told(core.NoticeIdentityChanged, "added"), w.told(core.NoticeIdentityChanged, "primary")); got !=
		"[ann@example.com] [ann@example.com ann@work.example]" {
		t.Errorf("told: %s", got)
	}
	noError(t, w.remove(in, identifier.Email, annMail))
	if got := fmt.Sprint(w.told(core.NoticeIdentityChanged, "removed")); got != "[ann@example.com ann@work.example]" {
		t.Errorf("of the removal: %s", got)
	}
	if _, err := w.signIn(annMail, goodPassword, api); !errors.Is(err, core.ErrInvalidCredentials) {
		t.Errorf("the removed address signs in: %v", err)
	}
	noError(t, second(w.signIn(workMail, goodPassword, api)))
	for _, typ := range []core.EventType{core.EventIdentityAdded, core.EventIdentityPrimary, core.EventIdentityRemoved} {
		if all := w.events.of(typ); len(all) != 1 || all[0].UserID != in.User.ID || all[0].Reason != "email" {
			t.Errorf("%s: %+v", typ, all)
		}
	}
	if w.verified(annMail).ID == in.User.ID {
		t.Error("a removed address is not free")
	}
}

// The first of a kind is primary as soon as it can be.
func TestFirstOfItsKindIsPrimary(t *testing.T) {
	w := newWorld(t)
	in := w.signedIn(annMail)
	noError(t, w.add(in, identifier.Username, "ann"))
	noError(t, w.add(in, identifier.Username, "annie"))
	noError(t, w.add(in, identifier.Phone, "+4915123456789"))
	if !w.identity(in.User.ID, "ann").Primary || w.identity(in.User.ID, "annie").Primary {
		t.Error("the first username is not the primary one")
	}
	if w.identity(in.User.ID, "+4915123456789").Primary {
		t.Error("an unverified number is primary")
	}
	noError(t, second(w.Verify(t.Context(), w.link(core.NoticeVerify, "+4915123456789"))))
	if !w.identity(in.User.ID, "+4915123456789").Primary {
		t.Error("the only number is not primary")
	}
	noError(t, w.remove(in, identifier.Username, "ann"))
	if !w.identity(in.User.ID, "annie").Primary {
		t.Error("nobody took the place of the primary username")
	}
}

func TestIdentityChangesRefused(t *testing.T) {
	w := newWorld(t)
	in := w.signedIn(annMail)
	other := w.signedIn("bob@example.com")
	for _, c := range []struct {
		what  string
		err   error
		code  core.Code
		field string
	}{
		{"no kind", w.add(in, "fax", "1"), core.CodeInvalidField, "kind"},
		{"no address", w.add(in, identifier.Email, "nobody"), core.CodeInvalidEmail, "value"},
		{"no number", w.add(in, identifier.Phone, "12"), core.CodeInvalidPhone, "value"},
		{"taken", w.add(in, identifier.Email, "BOB@example.com"), core.CodeIdentityTaken, "value"},
		{"own", w.add(in, identifier.Email, annMail), core.CodeIdentityTaken, "value"},
		{"primary of another", w.primary(in, identifier.Email, "bob@example.com"), core.CodeNotFound, ""},
		{"remove another's", w.remove(in, identifier.Email, "bob@example.com"), core.CodeNotFound, ""},
		{"last", w.remove(in, identifier.Email, annMail), core.CodeForbidden, "value"},
		{"another's session", second(w.AddIdentity(t.Context(), in.User.ID, other.Session.ID, identifier.Email, workMail)), core.CodeForbidden, ""},
		{"no session", second(w.AddIdentity(t.Context(), in.User.ID, "ses_x", identifier.Email, workMail)), core.CodeForbidden, ""},
		{"another's account", w.RemoveIdentity(t.Context(), other.User.ID, in.Session.ID, identifier.Email, "bob@example.com"), core.CodeForbidden, ""},
	} {
		t.Run(c.what, func(t *testing.T) {
			if e := wantCode(t, c.err, c.code); e.Field != c.field {
				t.Errorf("field %q", e.Field)
			}
		})
	}
	if w.count("identity") != 2 || w.count("one_time_token") != 0 {
		t.Error("a refusal changed something")
	}
	for i := range 9 {
		noError(t, w.add(in, identifier.Username, fmt.Sprintf("ann-%d", i)))
	}
	wantCode(t, w.add(in, identifier.Username, "ann-x"), core.CodeLimitReached)
	noError(t, w.Users().Disable(t.Context(), in.User.ID, ""))
	wantCode(t, w.remove(in, identifier.Username, "ann-1"), core.CodeForbidden)
}

// What remains must be a way in, and a way back.
func TestLastWayInStays(t *testing.T) {
	w := newWorld(t)
	in := w.signedIn(annMail)
	noError(t, w.add(in, identifier.Email, workMail))
	wantCode(t, w.remove(in, identifier.Email, annMail), core.CodeForbidden) // the other is a mere claim
	noError(t, w.add(in, identifier.Username, "ann"))
	wantCode(t, w.remove(in, identifier.Email, annMail), core.CodeForbidden) // nobody could recover the account
	noError(t, w.remove(in, identifier.Username, "ann"))
	noError(t, w.remove(in, identifier.Email, workMail))
	w.notices() // the mail with the link that is dead now goes before the next
	w.addVerified(in, workMail)
	noError(t, w.remove(in, identifier.Email, annMail))

	fresh := w.person("cleo@example.com") // nothing is verified
	wantCode(t, w.remove(fresh, identifier.Email, "cleo@example.com"), core.CodeForbidden)
	noError(t, w.add(fresh, identifier.Username, "cleo"))
	noError(t, w.remove(fresh, identifier.Email, "cleo@example.com"))
	wantCode(t, w.remove(fresh, identifier.Username, "cleo"), core.CodeForbidden)
	if got := w.told(core.NoticeIdentityChanged, "removed"); fmt.Sprint(got) != fmt.Sprint([]string{annMail, annMail, annMail, workMail}) {
		t.Errorf("told: %v", got)
	}
}

// An address that was added and never verified is not kept from its owner.
func TestUnverifiedClaimLapses(t *testing.T) {
	w := newWorld(t)
	in := w.signedIn(annMail)
	noError(t, w.add(in, identifier.Email, workMail))
	w.notices()
	w.clock.Advance(time.Hour)
	noError(t, w.RequestVerify(t.Context(), in.User.ID, workMail))
	late := w.link(core.NoticeVerify, workMail)
	if n := w.mail.all(); !n[len(n)-1].Expires.Equal(w.identity(in.User.ID, workMail).Expires) {
		t.Errorf("the second link says that it is good until %v", n[len(n)-1].Expires)
	}
	w.clock.Advance(23 * time.Hour)
	wantCode(t, second(w.Verify(t.Context(), late)), core.CodeInvalidToken)
	if w.identity(in.User.ID, workMail) != nil {
		t.Error("the claim is still there")
	}
	owner := w.person(workMail)
	if owner.User.ID == in.User.ID || w.identity(owner.User.ID, workMail) == nil {
		t.Error("the owner did not get the address")
	}
	w.clock.Advance(48 * time.Hour)
	if w.identity(owner.User.ID, workMail) == nil {
		t.Error("the address of a sign-up lapsed")
	}
	again, err := w.signIn(annMail, goodPassword, browser)
	noError(t, err)
	w.addVerified(again, thirdOne)
	w.clock.Advance(100 * time.Hour)
	if w.identity(in.User.ID, thirdOne) == nil {
		t.Error("a verified address lapsed")
	}
}

// A20: a link proves the address that it was sent to, for the account that asked, while it has it.
func TestA20TwoAddressChangesLeaveNoOtherToken(t *testing.T) {
	w := newWorld(t)
	in := w.signedIn(annMail)
	noError(t, w.add(in, identifier.Email, workMail))
	first := w.link(core.NoticeVerify, workMail)
	noError(t, w.remove(in, identifier.Email, workMail))
	noError(t, w.add(in, identifier.Email, thirdOne))
	wantCode(t, second(w.Verify(t.Context(), first)), core.CodeInvalidToken)
	noError(t, w.add(in, identifier.Email, workMail)) // once more: the old link is still dead
	wantCode(t, second(w.Verify(t.Context(), first)), core.CodeInvalidToken)
	noError(t, second(w.VerifyAs(t.Context(), in.User.ID, w.link(core.NoticeVerify, thirdOne))))
	if w.identity(in.User.ID, workMail).Verified || !w.identity(in.User.ID, thirdOne).Verified {
		t.Error("a link verified another address than its own")
	}
	second1 := w.link(core.NoticeVerify, workMail)
	noError(t, w.remove(in, identifier.Email, workMail))
	w.verified(workMail) // somebody else's now
	wantCode(t, second(w.Verify(t.Context(), second1)), core.CodeInvalidToken)
	reset := w.resetLink(thirdOne)
	noError(t, w.remove(in, identifier.Email, thirdOne))
	wantCode(t, w.ResetPassword(t.Context(), reset, otherPassword), core.CodeInvalidToken)
}

// With VerifyFirst nobody learns here either which addresses have an account.
func TestVerifyFirstAddTellsNothing(t *testing.T) {
	w := newWorld(t, verifyFirst)
	in := w.signedIn(annMail)
	bob := w.verified("bob@example.com")
	noError(t, w.add(in, identifier.Email, "bob@example.com"))
	noError(t, w.add(in, identifier.Email, workMail))
	taken, free := w.identity(in.User.ID, "bob@example.com"), w.identity(in.User.ID, workMail)
	if taken == nil || free == nil || taken.Verified || taken.Primary || !taken.Expires.Equal(free.Expires) {
		t.Fatalf("taken %+v, free %+v", taken, free)
	}
	for _, value := range []string{"bob@example.com", workMail} {
		wantCode(t, w.add(in, identifier.Email, value), core.CodeIdentityTaken)
		wantCode(t, w.primary(in, identifier.Email, value), core.CodeVerificationRequired)
		noError(t, w.RequestVerify(t.Context(), in.User.ID, value))
	}
	if got := must(w.Users().Find(t.Context(), "bob@example.com"))(t); got.ID != bob.ID {
		t.Error("the address changed hands")
	}
	for _, n := range w.notices() {
		if n.To == "bob@example.com" && (n.Template != core.NoticeSignUpTaken || n.Link != "") {
			t.Errorf("the owner got %s %s", n.Template, n.Link)
		}
	}
	noError(t, w.remove(in, identifier.Email, "bob@example.com"))
	if w.identity(in.User.ID, "bob@example.com") != nil || w.identity(bob.ID, "bob@example.com") == nil {
		t.Error("the wrong one was removed")
	}
}

func TestIdentityChangesNeedARecentSignIn(t *testing.T) {
	w := newWorld(t)
	in := w.signedIn(annMail)
	w.clock.Advance(15 * time.Minute)
	noError(t, w.add(in, identifier.Username, "ann"))
	w.clock.Advance(time.Second)
	wantCode(t, w.add(in, identifier.Email, workMail), core.CodeReauthRequired)
	wantCode(t, w.primary(in, identifier.Username, "ann"), core.CodeReauthRequired)
	wantCode(t, w.remove(in, identifier.Username, "ann"), core.CodeReauthRequired)

	e := wantCode(t, second(w.Reauthenticate(t.Context(), in.User.ID, in.Session.ID, wrongPassword)), core.CodeInvalidCredentials)
	if e.Field != "password" {
		t.Errorf("field %q", e.Field)
	}
	wantCode(t, second(w.Reauthenticate(t.Context(), in.User.ID, "ses_x", goodPassword)), core.CodeForbidden)
	cookie := must(w.Reauthenticate(t.Context(), in.User.ID, in.Session.ID, goodPassword))(t)
	wantCode(t, second(w.CheckSession(t.Context(), in.Cookie)), core.CodeUnauthenticated)
	s := must(w.CheckSession(t.Context(), cookie))(t)
	if s.ID != in.Session.ID || !s.AuthTime.Equal(w.clock.Now()) || len(w.events.of(core.EventReauthenticated)) != 1 {
		t.Errorf("session %+v", s)
	}
	noError(t, w.remove(in, identifier.Username, "ann"))

	phone := w.apiLogin(annMail)
	w.clock.Advance(time.Hour)
	wantCode(t, w.add(phone, identifier.Username, "ann"), core.CodeReauthRequired)
	noError(t, second(w.refresh(phone.RefreshToken))) // refreshing proves nothing
	wantCode(t, w.add(phone, identifier.Username, "ann"), core.CodeReauthRequired)
	if got := must(w.Reauthenticate(t.Context(), phone.User.ID, phone.Session.ID, goodPassword))(t); got != "" {
		t.Error("an API session got a cookie")
	}
	noError(t, w.add(phone, identifier.Username, "ann"))
}

// Proving the password again is no way around the limit of guesses.
func TestReauthenticateCountsGuesses(t *testing.T) {
	w := newWorld(t, func(c *core.Config) { c.GuessLimit = 3 })
	in := w.signedIn(annMail)
	try := func(pw string) error { return second(w.Reauthenticate(t.Context(), in.User.ID, in.Session.ID, pw)) }
	wantCode(t, try(wrongPassword), core.CodeInvalidCredentials)
	noError(t, try(goodPassword)) // begins to count anew
	for range 3 {
		wantCode(t, try(wrongPassword), core.CodeInvalidCredentials)
	}
	wantCode(t, try(goodPassword), core.CodeInvalidCredentials)
}

// A29: another tenant's session and account are nobody's.
func TestA29IdentitiesOfAnotherTenant(t *testing.T) {
	w := newWorld(t, func(c *core.Config) { c.MultiTenant = true })
	red, blue := core.WithTenant(t.Context(), "red"), core.WithTenant(t.Context(), "blue")
	join := func(ctx context.Context) *core.SignedIn {
		return must(w.SignUp(ctx, core.SignUp{Email: annMail, Password: goodPassword, Wish: browser}))(t)
	}
	r, b := join(red), join(blue)
	wantCode(t, second(w.AddIdentity(blue, r.User.ID, r.Session.ID, identifier.Email, workMail)), core.CodeForbidden)
	wantCode(t, second(w.AddIdentity(blue, b.User.ID, r.Session.ID, identifier.Email, workMail)), core.CodeForbidden)
	wantCode(t, w.MakePrimary(blue, r.User.ID, r.Session.ID, identifier.Email, annMail), core.CodeForbidden)
	wantCode(t, w.RemoveIdentity(blue, r.User.ID, r.Session.ID, identifier.Email, annMail), core.CodeForbidden)
	if _, err := w.Reauthenticate(blue, r.User.ID, r.Session.ID, goodPassword); err == nil {
		t.Error("renewed in another tenant")
	}
	noError(t, second(w.AddIdentity(red, r.User.ID, r.Session.ID, identifier.Email, workMail)))
	noError(t, second(w.AddIdentity(blue, b.User.ID, b.Session.ID, identifier.Email, workMail))) // each has its own
}

func TestRaceOneIdentifierForTwoAccounts(t *testing.T) {
	w := newWorld(t)
	other := w.again()
	ins := []*core.SignedIn{w.signedIn(annMail), w.signedIn("bob@example.com")}
	for round := range rounds(t, 5) {
		name := fmt.Sprintf("name-%d", round)
		if won := race(t, w, other, func(on *world, i int) error {
			return on.add(ins[i/2%2], identifier.Username, name)
		}, core.CodeIdentityTaken); won != 1 {
			t.Fatalf("%d won", won)
		}
	}
}

func TestRaceForTheTenthIdentity(t *testing.T) {
	w := newWorld(t)
	other := w.again()
	in := w.signedIn(annMail)
	if won := race(t, w, other, func(on *world, i int) error {
		return on.add(in, identifier.Username, fmt.Sprintf("name-%d", i))
	}, core.CodeLimitReached); won != 9 {
		t.Fatalf("%d were added to the one", won)
	}
	primaries := 0
	for _, i := range must(w.IdentitiesOf(t.Context(), in.User.ID))(t) {
		if i.Kind == identifier.Username && i.Primary {
			primaries++
		}
	}
	if primaries != 1 {
		t.Errorf("%d primary usernames", primaries)
	}
}

// Of the two last ways in, removed at once, one stays; and of two that become primary at once, one is.
func TestRaceRemoveAndPrimary(t *testing.T) {
	w := newWorld(t)
	other := w.again()
	for round := range rounds(t, 10) {
		first, next := fmt.Sprintf("a%d@example.com", round), fmt.Sprintf("b%d@example.com", round)
		in := w.signedIn(first)
		w.addVerified(in, next)
		pair := []string{first, next}
		race(t, w, other, func(on *world, i int) error { return on.primary(in, identifier.Email, pair[i/2%2]) })
		if w.identity(in.User.ID, first).Primary == w.identity(in.User.ID, next).Primary {
			t.Fatal("not one of them is primary")
		}
		if won := race(t, w, other, func(on *world, i int) error {
			return on.remove(in, identifier.Email, pair[i/2%2])
		}, core.CodeForbidden, core.CodeNotFound); won != 1 {
			t.Fatalf("%d removals", won)
		}
		left := must(w.IdentitiesOf(t.Context(), in.User.ID))(t)
		if len(left) != 1 || !left[0].Primary {
			t.Fatalf("left: %+v", left)
		}
	}
}

// Every call to the store that account changes make fails in every way.
func TestFailingStoreAndAccountChanges(t *testing.T) {
	type stage = func(w *world) (func(context.Context) error, func(*world) bool)
	settled := func(w *world) *core.SignedIn { // nothing of the stage is so new that a stale read misses it
		in := w.signedIn(annMail)
		w.addVerified(in, workMail)
		w.clock.Advance(time.Minute)
		noError(w.t, second(w.CheckSession(w.t.Context(), in.Cookie)))
		return in
	}
	for name, f := range map[string]stage{
		"add": func(w *world) (func(context.Context) error, func(*world) bool) {
			in := settled(w)
			return func(ctx context.Context) error {
				return second(w.AddIdentity(ctx, in.User.ID, in.Session.ID, identifier.Email, thirdOne))
			}, func(on *world) bool { return on.identity(in.User.ID, thirdOne) != nil }
		},
		"primary": func(w *world) (func(context.Context) error, func(*world) bool) {
			in := settled(w)
			return func(ctx context.Context) error {
					return w.MakePrimary(ctx, in.User.ID, in.Session.ID, identifier.Email, workMail)
				}, func(on *world) bool {
					if on.identity(in.User.ID, workMail).Primary == on.identity(in.User.ID, annMail).Primary {
						on.t.Error("half a change")
					}
					return on.identity(in.User.ID, workMail).Primary
				}
		},
		"remove": func(w *world) (func(context.Context) error, func(*world) bool) {
			in := settled(w)
			return func(ctx context.Context) error {
					return w.RemoveIdentity(ctx, in.User.ID, in.Session.ID, identifier.Email, annMail)
				}, func(on *world) bool {
					gone := on.identity(in.User.ID, annMail) == nil
					if gone != on.identity(in.User.ID, workMail).Primary {
						on.t.Error("half a change")
					}
					return gone
				}
		},
		"reauthenticate": func(w *world) (func(context.Context) error, func(*world) bool) {
			in := settled(w)
			return func(ctx context.Context) error {
					return second(w.Reauthenticate(ctx, in.User.ID, in.Session.ID, goodPassword))
				}, func(on *world) bool {
					s, err := on.Session(on.t.Context(), in.Session.ID)
					return err == nil && s.AuthTime.Equal(w.clock.Now())
				}
		},
	} {
		t.Run(name, func(t *testing.T) {
			data := map[*testing.T]*mem.Store{}
			open := func(t *testing.T) record.Backend {
				data[t] = mem.New()
				return data[t].Again()
			}
			storetest.EachFault(t, open, func(t *testing.T, faults *storetest.Faults) storetest.Flow {
				w := faultyWorld(t, data[t], faults, nil)
				do, done := f(w)
				check := func(in storetest.Injection, err error) {
					happened, code := done(w.again()), core.AsError(err).Code
					switch {
					case err == nil && !happened:
						t.Error("success was reported, and its effect is lost")
					case err == nil:
					case in.Fault == 0:
						t.Errorf("without a fault: %v", err)
					case in.Fault == storetest.StaleRead && code.Class() != core.Internal:
					case code != core.CodeUnavailable:
						t.Errorf("the error is %v", err)
					}
				}
				return storetest.Flow{Act: do, Check: check}
			})
		})
	}
}
