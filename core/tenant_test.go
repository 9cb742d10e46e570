package core_test

import (
	"context"
	"slices"
	"testing"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/core/identifier"
)

func multiTenant(c *core.Config) { c.MultiTenant = true }

func TestMissingTenantIsAnError(t *testing.T) {
	w := newWorld(t, multiTenant)
	for name, ctx := range map[string]context.Context{
		"none": t.Context(), "empty": core.WithTenant(t.Context(), ""), "case": core.WithTenant(t.Context(), "Acme"),
		"path": core.WithTenant(t.Context(), "../acme"), "NUL": core.WithTenant(t.Context(), "a\x00"),
	} {
		for call, err := range map[string]error{
			"sign up":  second(w.SignUp(ctx, core.SignUp{Username: "ann", Password: goodPassword, Wish: browser})),
			"sign in":  second(w.SignIn(ctx, core.PasswordSignIn{Identifier: "ann", Password: goodPassword, Wish: browser})),
			"session":  second(w.CheckSession(ctx, "ses_01kaw2r5h0f8n3t6y9d2c7b4vz.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")),
			"sessions": second(w.ListSessions(ctx, "usr_1")),
			"forgot":   w.ForgotPassword(ctx, "ann"),
			"disable":  w.Users().Disable(ctx, "usr_1", ""),
		} {
			if core.AsError(err).Code != core.CodeTenantRequired {
				t.Errorf("tenant %s: %s: %v", name, call, err)
			}
		}
	}
	if len(w.dump()) != 1 { // the root secret
		t.Errorf("something was written: %v", w.dump())
	}
}

func second[T any](_ T, err error) error { return err }

func TestWithoutTenantsThereIsOne(t *testing.T) {
	w := newWorld(t)
	w.person("ann@example.com")
	_, err := w.Users().Find(core.WithTenant(t.Context(), "other"), "ann@example.com")
	wantCode(t, err, core.CodeTenantRequired)
	must(w.Users().Find(core.WithTenant(t.Context(), core.DefaultTenant), "ann@example.com"))(t)
}

// A29: what belongs to one tenant is nothing in another.
func TestTenantsAreApart(t *testing.T) {
	w := newWorld(t, multiTenant)
	acme, evil := core.WithTenant(t.Context(), "acme"), core.WithTenant(t.Context(), "evil")
	signUp := func(ctx context.Context) *core.SignedIn {
		return must(w.SignUp(ctx, core.SignUp{Email: "ann@example.com", Password: goodPassword, Wish: browser}))(t)
	}
	ann, twin := signUp(acme), signUp(evil) // one address in both: two accounts
	if ann.User.ID == twin.User.ID {
		t.Fatal("one account for two tenants")
	}
	a := must(w.SignIn(acme, core.PasswordSignIn{Identifier: "ann@example.com", Password: goodPassword, Wish: api}))(t)
	k, key, err := w.CreateKey(acme, ann.User.ID, core.NewKey{Name: "k", Scopes: []string{"read"}})
	noError(t, err)
	var verify string
	for _, n := range w.notices() {
		if verify == "" && n.Template == core.NoticeVerify {
			verify = tokenOf(t, n) // acme comes first
		}
	}
	noError(t, w.ForgotPassword(acme, "ann@example.com"))
	reset := w.link(core.NoticeReset, "ann@example.com")
	if p := must(w.CheckKey(acme, key))(t); p.Tenant != "acme" {
		t.Errorf("tenant %s", p.Tenant)
	}

	for name, tt := range map[string]struct {
		err  error
		want core.Code
	}{
		"cookie":        {second(w.CheckSession(evil, ann.Cookie)), core.CodeUnauthenticated},
		"refresh token": {second(w.Refresh(evil, a.RefreshToken, core.FirstParty, nil)), core.CodeInvalidGrant},
		"API key":       {second(w.CheckKey(evil, key)), core.CodeInvalidToken},
		"verify link":   {second(w.Verify(evil, verify)), core.CodeInvalidToken},
		"reset link":    {w.ResetPassword(evil, reset, otherPassword), core.CodeInvalidToken},
		"user id":       {second(w.UpdateProfile(evil, ann.User.ID, core.ProfileChange{})), core.CodeNotFound},
		"session id":    {w.EndSession(evil, ann.User.ID, ann.Session.ID, ""), core.CodeNotFound},
		"session":       {second(w.Session(evil, ann.Session.ID)), core.CodeNotFound},
		"key id":        {w.RevokeKey(evil, ann.User.ID, k.ID), core.CodeNotFound},
		"disable":       {w.Users().Disable(evil, ann.User.ID, ""), core.CodeNotFound},
		"revoke":        {w.Users().RevokeAll(evil, ann.User.ID), core.CodeNotFound},
	} {
		if core.AsError(tt.err).Code != tt.want {
			t.Errorf("%s in another tenant: %v", name, tt.err)
		}
	}
	noError(t, w.EndByRefreshToken(evil, a.RefreshToken, core.FirstParty))
	noError(t, w.SignOut(evil, ann.Cookie))

	must(w.CheckSession(acme, ann.Cookie))(t)
	must(w.Refresh(acme, a.RefreshToken, core.FirstParty, nil))(t)
	must(w.CheckKey(acme, key))(t)
	must(w.Verify(acme, verify))(t)
	noError(t, w.ResetPassword(acme, reset, otherPassword))
}

// A refresh token names its tenant in its MAC: the same session record copied into another tenant makes no other token.
func TestRefreshTokenIsItsTenants(t *testing.T) {
	w := newWorld(t, multiTenant)
	acme, evil := core.WithTenant(t.Context(), "acme"), core.WithTenant(t.Context(), "evil")
	must(w.SignUp(acme, core.SignUp{Username: "ann", Password: goodPassword, Wish: browser}))(t)
	in := must(w.SignIn(acme, core.PasswordSignIn{Identifier: "ann", Password: goodPassword, Wish: api}))(t)
	noError(t, w.Update(evil, func(tx *core.Tx) error { return tx.Sessions().Insert(in.Session) }))
	_, err := w.Refresh(evil, in.RefreshToken, core.FirstParty, nil)
	wantCode(t, err, core.CodeInvalidGrant)
}

func TestEachTenantIsRegistered(t *testing.T) {
	w := newWorld(t, multiTenant)
	for _, tenant := range []string{"b", "a", "c"} {
		_, _, err := w.Users().Ensure(core.WithTenant(t.Context(), tenant), core.Seed{
			Identities: []core.SeedIdentity{{Kind: identifier.Username, Value: "ann"}},
		})
		noError(t, err)
	}
	_, err := w.ListSessions(core.WithTenant(t.Context(), "read-only"), "usr_1")
	noError(t, err)
	var seen []string
	noError(t, w.again().EachTenant(t.Context(), func(ctx context.Context) error {
		seen = append(seen, core.TenantOf(ctx))
		return nil
	}))
	if !slices.Equal(seen, []string{"a", "b", "c"}) {
		t.Errorf("tenants %v", seen)
	}
}

func TestNoticesOfEveryTenantAreDelivered(t *testing.T) {
	w := newWorld(t, multiTenant)
	for _, tenant := range []string{"a", "b"} {
		must(w.SignUp(core.WithTenant(t.Context(), tenant), core.SignUp{
			Email: tenant + "@example.com", Password: goodPassword, Wish: browser,
		}))(t)
	}
	if n := len(w.notices()); n != 2 {
		t.Errorf("%d deliveries", n)
	}
}
