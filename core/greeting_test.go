package core_test

import (
	"testing"

	"github.com/oneauth-go/oneauth/core"
)

// A mail greets by name only where the address is proved: else whoever typed a stranger's address would speak to the
// stranger by it.
func TestMailsGreetOnlyProvedAddresses(t *testing.T) {
	const shout = "ACCOUNT LOCKED - reply with password"
	w := newWorld(t, func(c *core.Config) { c.ForgotPage = "/auth/password/forgot" })
	in, err := w.SignUp(t.Context(), core.SignUp{Email: "ann@example.com", Password: goodPassword, Name: shout, Wish: browser})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.ForgotPassword(t.Context(), "ann@example.com"); err != nil {
		t.Fatal(err)
	}
	sent := w.notices()
	if len(sent) != 2 {
		t.Fatalf("%d mails", len(sent))
	}
	for _, n := range sent {
		if n.Name != "" {
			t.Errorf("%s greets %q", n.Template, n.Name)
		}
	}
	if _, err := w.Verify(t.Context(), w.link(core.NoticeVerify, "ann@example.com")); err != nil {
		t.Fatal(err)
	}
	if _, err := w.ChangePassword(t.Context(), in.User.ID, in.Session.ID, goodPassword, "seventeen purple elephants dancing"); err != nil {
		t.Fatal(err)
	}
	last := w.notices()
	if n := last[len(last)-1]; n.Template != core.NoticePasswordChanged || n.Name != shout || n.Link != "https://app.example/auth/password/forgot" {
		t.Errorf("%+v", n)
	}
	if _, err := w.AddIdentity(t.Context(), in.User.ID, in.Session.ID, "username", "annie"); err != nil {
		t.Fatal(err)
	}
	last = w.notices()
	if n := last[len(last)-1]; n.Template != core.NoticeIdentityChanged || n.Link != "https://app.example/auth/password/forgot" {
		t.Errorf("%+v", n)
	}

	later := newWorld(t, func(c *core.Config) { c.SignUp = core.VerifyFirst })
	if _, err := later.SignUp(t.Context(), core.SignUp{Email: "bob@example.com", Password: goodPassword, Name: shout, Wish: browser}); err != nil {
		t.Fatal(err)
	}
	if n := later.notices()[0]; n.Name != "" {
		t.Errorf("%s greets %q", n.Template, n.Name)
	}
}

// The page behind a link can say what it confirms, and uses nothing up.
func TestLinkAddress(t *testing.T) {
	for mode, email := range map[core.SignUpMode]string{core.OpenSignUp: "ann@example.com", core.VerifyFirst: "bob@example.com"} {
		w := newWorld(t, func(c *core.Config) { c.SignUp = mode })
		if _, err := w.SignUp(t.Context(), core.SignUp{Email: email, Password: goodPassword, Wish: browser}); err != nil {
			t.Fatal(err)
		}
		token := tokenOf(t, w.notices()[0])
		for range 2 {
			if got, err := w.LinkAddress(t.Context(), token, core.PurposeVerify); err != nil || got != email {
				t.Errorf("%q, %v", got, err)
			}
		}
		if _, err := w.LinkAddress(t.Context(), token, core.PurposeReset); core.AsError(err).Code != core.CodeInvalidToken {
			t.Errorf("for another purpose: %v", err)
		}
		if _, err := w.Verify(t.Context(), token); err != nil {
			t.Fatal(err)
		}
		if _, err := w.LinkAddress(t.Context(), token, core.PurposeVerify); core.AsError(err).Code != core.CodeInvalidToken {
			t.Errorf("used up: %v", err)
		}
	}
}

// Characters that turn text around are refused in a name and dropped from a device's; joiners, which scripts and emoji
// need, stay.
func TestFormatCharactersInNames(t *testing.T) {
	w := newWorld(t, func(c *core.Config) { c.Fields = []core.Field{{Name: "motto", Type: core.TextField}} })
	id := w.person("ann@example.com").User.ID
	for _, bad := range []string{"Ann\u202egpj.exe", "\u2066Ann", "An\u200bn", "Ann\u2028", "\ufeffAnn"} {
		_, err := w.UpdateProfile(t.Context(), id, core.ProfileChange{Name: &bad})
		if e := core.AsError(err); e.Code != core.CodeInvalidField || e.Field != "name" {
			t.Errorf("name %q: %v", bad, err)
		}
		_, err = w.UpdateProfile(t.Context(), id, core.ProfileChange{Data: map[string]any{"motto": bad}})
		if e := core.AsError(err); e.Code != core.CodeInvalidField || e.Field != "data.motto" {
			t.Errorf("motto %q: %v", bad, err)
		}
	}
	for _, good := range []string{"می\u200cخواهم", "👩\u200d👧", "Zoë"} {
		if _, err := w.UpdateProfile(t.Context(), id, core.ProfileChange{Name: &good}); err != nil {
			t.Errorf("name %q: %v", good, err)
		}
	}
	in, err := w.signIn("ann@example.com", goodPassword, core.Wish{Kind: core.APISession, DeviceName: "Ann\u202e's phone"})
	if err != nil || in.Session.DeviceName != "Ann's phone" {
		t.Errorf("device %q, %v", in.Session.DeviceName, err)
	}
}
