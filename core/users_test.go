package core_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/core/identifier"
	"github.com/oneauth-go/oneauth/core/record"
)

func email(value string, verified bool) core.SeedIdentity {
	return core.SeedIdentity{Kind: identifier.Email, Value: value, Verified: verified}
}

func TestEnsureMakesAnAccountOnce(t *testing.T) {
	w := newWorld(t, func(c *core.Config) { c.SignUp = core.ClosedSignUp })
	seed := core.Seed{
		ID: "admin-1", Name: "Admin", Password: goodPassword,
		Identities: []core.SeedIdentity{email("admin@example.com", true), {Kind: identifier.Username, Value: "root.admin"}},
	}
	u, created, err := w.Users().Ensure(t.Context(), seed)
	noError(t, err)
	if !created || u.ID != "admin-1" {
		t.Errorf("created %v, %+v", created, u)
	}
	if got := w.identities(u.ID); !slices.Equal(got, []string{"admin@example.com*", "root.admin"}) {
		t.Errorf("identities %v", got)
	}
	must(w.signIn("root.admin", goodPassword, browser))(t)

	seed.Name, seed.Password = "Changed", otherPassword
	again, created, err := w.again().Users().Ensure(t.Context(), seed)
	noError(t, err)
	if created || again.Name != "Admin" {
		t.Errorf("the second time: created %v, %+v", created, again)
	}
	must(w.signIn("root.admin", goodPassword, browser))(t)

	seed.ID = "" // found by its first identity
	again, created, err = w.Users().Ensure(t.Context(), seed)
	if err != nil || created || again.ID != "admin-1" {
		t.Errorf("by identity: %v, created %v, %+v", err, created, again)
	}
	if got := w.notices(); len(got) != 0 {
		t.Errorf("mails %+v", got)
	}
}

func TestEnsureRefuses(t *testing.T) {
	w := newWorld(t)
	w.verified("taken@example.com")
	for name, tt := range map[string]struct {
		code  core.Code
		field string
		seed  core.Seed
	}{
		"taken":          {core.CodeIdentityTaken, "email", core.Seed{ID: "u1", Identities: []core.SeedIdentity{email("taken@example.com", true)}}},
		"second taken":   {core.CodeIdentityTaken, "email", core.Seed{Identities: []core.SeedIdentity{email("new@example.com", true), email("taken@example.com", true)}}},
		"no identity":    {core.CodeIdentifierRequired, "identities", core.Seed{ID: "u1"}},
		"bad id":         {core.CodeInvalidField, "id", core.Seed{ID: "../u1", Identities: []core.SeedIdentity{email("a@example.com", true)}}},
		"bad address":    {core.CodeInvalidEmail, "email", core.Seed{Identities: []core.SeedIdentity{email("a", true)}}},
		"unknown hash":   {core.CodeInvalidField, "password_hash", core.Seed{PasswordHash: "$md5$x", Identities: []core.SeedIdentity{email("a@example.com", true)}}},
		"hash and word":  {core.CodeInvalidField, "password_hash", core.Seed{Password: goodPassword, PasswordHash: "x", Identities: []core.SeedIdentity{email("a@example.com", true)}}},
		"long name":      {core.CodeInvalidField, "name", core.Seed{Name: strings.Repeat("n", 201), Identities: []core.SeedIdentity{email("a@example.com", true)}}},
		"many":           {core.CodeLimitReached, "identities", core.Seed{Identities: make([]core.SeedIdentity, 11)}},
		"bytes for word": {core.CodeWeakPassword, "password", core.Seed{Password: "\xff\xff", Identities: []core.SeedIdentity{email("a@example.com", true)}}},
	} {
		_, created, err := w.Users().Ensure(t.Context(), tt.seed)
		if e := core.AsError(err); err == nil || e.Code != tt.code || e.Field != tt.field || created {
			t.Errorf("%s: %v", name, err)
		}
	}
	if w.count("account") != 1 || w.count("identity") != 1 {
		t.Error("a refused seed left something behind")
	}
}

func TestRevokeAllEndsWhateverIsOpen(t *testing.T) {
	w := newWorld(t)
	u := w.verified("ann@example.com")
	b, a := must(w.signIn("ann@example.com", goodPassword, browser))(t), w.apiLogin("ann@example.com")
	_, key, err := w.CreateKey(t.Context(), u.ID, core.NewKey{Name: "k", Scopes: []string{"read"}})
	noError(t, err)
	reset := w.resetLink("ann@example.com")
	noError(t, w.Users().RevokeAll(t.Context(), u.ID))
	other := w.again()
	_, err = other.CheckSession(t.Context(), b.Cookie)
	wantCode(t, err, core.CodeUnauthenticated)
	_, err = other.refresh(a.RefreshToken)
	wantCode(t, err, core.CodeInvalidGrant)
	_, err = other.CheckKey(t.Context(), key)
	wantCode(t, err, core.CodeInvalidToken)
	wantCode(t, w.ResetPassword(t.Context(), reset, otherPassword), core.CodeInvalidToken)
	must(w.signIn("ann@example.com", goodPassword, browser))(t) // passwords stay
	wantCode(t, w.Users().RevokeAll(t.Context(), "usr_nobody"), core.CodeNotFound)
}

// A5: a disabled account has no way in.
func TestDisabledAccountIsOut(t *testing.T) {
	w := newWorld(t)
	u := w.verified("ann@example.com")
	b := must(w.signIn("ann@example.com", goodPassword, core.Wish{Kind: core.BrowserSession, Remember: true}))(t)
	a := w.apiLogin("ann@example.com")
	reset := w.resetLink("ann@example.com")
	noError(t, w.Users().Disable(t.Context(), u.ID, "fraud"))
	other := w.again()
	for name, try := range map[string]func() error{
		"password": func() error { _, err := other.signIn("ann@example.com", goodPassword, browser); return err },
		"remembered": func() error {
			_, err := other.CheckSession(t.Context(), b.Cookie)
			return err
		},
		"refresh": func() error { _, err := other.refresh(a.RefreshToken); return err },
		"reset":   func() error { return other.ResetPassword(t.Context(), reset, otherPassword) },
		"other factor": func() error {
			_, err := other.Admit(t.Context(), proof(u.ID, "hwk", core.AttemptRef{}), browser)
			return err
		},
	} {
		if try() == nil {
			t.Errorf("in by %s", name)
		}
	}
	before := len(w.notices())
	noError(t, w.ForgotPassword(t.Context(), "ann@example.com"))
	if len(w.notices()) != before {
		t.Error("a disabled account was mailed a link")
	}
	if e := w.events.of(core.EventAccountDisabled); len(e) != 1 || e[0].Reason != "fraud" {
		t.Errorf("%+v", e)
	}
	noError(t, w.Users().Enable(t.Context(), u.ID))
	must(w.signIn("ann@example.com", goodPassword, browser))(t)
	_, err := w.CheckSession(t.Context(), b.Cookie)
	wantCode(t, err, core.CodeUnauthenticated) // what was ended stays ended
	wantCode(t, w.Users().Disable(t.Context(), "usr_nobody", ""), core.CodeNotFound)
	wantCode(t, w.Users().Enable(t.Context(), "usr_nobody"), core.CodeNotFound)
	wantCode(t, w.Users().RequireFactors(t.Context(), "usr_nobody", nil), core.CodeNotFound)
}

func TestFindAndListUsers(t *testing.T) {
	w := newWorld(t)
	var ids []string
	for _, v := range []string{"a@example.com", "b@example.com", "c@example.com"} {
		ids = append(ids, w.verified(v).ID)
	}
	slices.Sort(ids)
	if u := must(w.Users().Find(t.Context(), "B@example.com"))(t); !slices.Contains(ids, u.ID) {
		t.Errorf("%+v", u)
	}
	for _, typed := range []string{"", "nobody@example.com", "\x00"} {
		_, err := w.Users().Find(t.Context(), typed)
		wantCode(t, err, core.CodeNotFound)
	}
	var paged []string
	for after := ""; ; {
		page := must(w.Users().List(t.Context(), record.Page{After: after, Limit: 2}))(t)
		for _, u := range page {
			paged = append(paged, u.ID)
			after = u.ID
		}
		if len(page) < 2 {
			break
		}
	}
	if !slices.Equal(paged, ids) {
		t.Errorf("listed %v, want %v", paged, ids)
	}
}

func TestUpdateProfile(t *testing.T) {
	w := newWorld(t)
	u := w.verified("ann@example.com")
	name := "Änn"
	got := must(w.UpdateProfile(t.Context(), u.ID, core.ProfileChange{Name: &name}))(t)
	if got.Name != name {
		t.Errorf("%+v", got)
	}
	bad := "two\nlines"
	_, err := w.UpdateProfile(t.Context(), u.ID, core.ProfileChange{Name: &bad, Data: map[string]any{"roles": "admin"}}) // A4
	if e := wantCode(t, err, core.CodeInvalidField); len(e.Fields) != 2 {
		t.Errorf("%+v", e)
	}
	_, err = w.UpdateProfile(t.Context(), "usr_nobody", core.ProfileChange{Name: &name})
	wantCode(t, err, core.CodeNotFound)
	_, _, err = w.User(t.Context(), "usr_nobody")
	wantCode(t, err, core.CodeNotFound)
}
