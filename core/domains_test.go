package core_test

import (
	"testing"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/core/identifier"
)

func allowed(domains ...string) func(*core.Config) {
	return func(c *core.Config) { c.AllowedDomains = domains }
}

// Only addresses of the domains themselves pass, whatever looks like one of them (A6).
func TestA6AllowedDomains(t *testing.T) {
	w := newWorld(t, allowed("Corp.Example", ".lab.example", "bücher.example"))
	for email, want := range map[string]core.Code{
		"ann@corp.example": "", "ANN@CORP.EXAMPLE": "", "ann@a.lab.example": "", "ann@a.b.lab.example": "", "ann@xn--bcher-kva.example": "",
		"ann@bücher.example": "", "ann@Ｃorp.example": "", // full-width letters are those of the domain

		"ann@lab.example": core.CodeSignUpRefused, "ann@x.corp.example": core.CodeSignUpRefused,
		"ann@evilcorp.example": core.CodeSignUpRefused, "ann@evillab.example": core.CodeSignUpRefused,
		"ann@corp.example.evil.example": core.CodeSignUpRefused, "corp.example@evil.example": core.CodeSignUpRefused,
		"ann%corp.example@evil.example": core.CodeSignUpRefused, "ann@cоrp.example": core.CodeInvalidEmail,
		"ann@corp.example@evil.example": core.CodeInvalidEmail, "ann@evil.example@corp.example": core.CodeInvalidEmail,
		"ann@corp.example.": core.CodeInvalidEmail, "ann@evil.example,b@corp.example": core.CodeInvalidEmail,
		"ann@evil.example\n@corp.example": core.CodeInvalidEmail, "Ann <ann@corp.example>": core.CodeInvalidEmail,
		"ann@evil.example\x00corp.example": core.CodeInvalidEmail, "": core.CodeIdentifierRequired,
	} {
		in, err := w.SignUp(t.Context(), core.SignUp{Email: email, Username: "ann.lee", Password: goodPassword, Wish: browser})
		switch {
		case want == "" && (in != nil || err != nil): // it is pending
			t.Errorf("%q: %v", email, err)
		case want != "" && (err == nil || core.AsError(err).Code != want || core.AsError(err).Field != "email"):
			t.Errorf("%q: %v, want %s", email, err, want)
		}
	}
	if w.count("account") != 0 {
		t.Error("there is an account before any address was proved")
	}
	if len(w.events.of(core.EventSignUpRefused)) == 0 {
		t.Error("nobody heard of a refusal")
	}
}

// An address that anybody can type proves nothing: the account comes with the link.
func TestAllowedDomainsNeedProof(t *testing.T) {
	w := newWorld(t, allowed("corp.example"))
	if w.Config().SignUp != core.VerifyFirst {
		t.Fatalf("mode %d", w.Config().SignUp)
	}
	in, err := w.SignUp(t.Context(), core.SignUp{Email: "ann@corp.example", Username: "ann", Password: goodPassword, Wish: browser})
	if in != nil || err != nil {
		t.Fatalf("%v, %v", in, err)
	}
	if _, err := w.signIn("ann", goodPassword, browser); err == nil {
		t.Fatal("signed in before the address was proved")
	}
	must(w.Verify(t.Context(), w.link(core.NoticeVerify, "ann@corp.example")))(t)
	must(w.signIn("ann", goodPassword, browser))(t)

	pending := newWorld(t, verifyFirst) // a link that was mailed before the domains were limited
	must(pending.SignUp(t.Context(), core.SignUp{Email: "eve@evil.example", Password: goodPassword, Wish: browser}))(t)
	token := pending.link(core.NoticeVerify, "eve@evil.example")
	wantCode(t, second(pending.again(allowed("corp.example")).Verify(t.Context(), token)), core.CodeSignUpRefused)
}

// The domains hold for invitations and for addresses that are added; the administrator may do everything.
func TestAllowedDomainsOnOtherPaths(t *testing.T) {
	w := newWorld(t, allowed("corp.example"), inviteOnly)
	if e := wantCode(t, w.Users().Invite(t.Context(), "eve@evil.example"), core.CodeSignUpRefused); e.Field != "email" {
		t.Errorf("%+v", e)
	}
	open := w.again(func(c *core.Config) { c.AllowedDomains = nil })
	wantCode(t, second(w.signUpWith(open.invite("eve@evil.example"), "")), core.CodeSignUpRefused)
	in := must(w.signUpWith(w.invite("ann@corp.example"), ""))(t)
	add := func(email string) error {
		return second(w.AddIdentity(t.Context(), in.User.ID, in.Session.ID, identifier.Email, email))
	}
	if e := wantCode(t, add("ann@evil.example"), core.CodeForbidden); e.Field != "value" {
		t.Errorf("%+v", e)
	}
	noError(t, add("lee@corp.example"))
	must(w.AddIdentity(t.Context(), in.User.ID, in.Session.ID, identifier.Username, "ann"))(t)
	w.verified("guest@elsewhere.example")
}

func TestAllowedDomainsAreChecked(t *testing.T) {
	w := newWorld(t)
	for _, bad := range []string{"", ".", "corp", ".example", "@corp.example", "ann@corp.example", "*.corp.example", "corp.example.", "..corp.example", "10.0.0.1"} {
		cfg := w.cfg
		cfg.AllowedDomains = []string{bad}
		if _, err := core.New(t.Context(), w.data.Again(), cfg); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}
