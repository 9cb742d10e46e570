package core_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/core/identifier"
)

func TestSignUpMakesAnAccountAndSignsIn(t *testing.T) {
	w := newWorld(t)
	in := must(w.SignUp(t.Context(), core.SignUp{
		Email: "Ann@Example.com", Username: "ann", Phone: "+4915112345678", Password: goodPassword, Name: "Ann", Wish: browser,
	}))(t)
	s := must(w.CheckSession(t.Context(), in.Cookie))(t)
	if s.UserID != in.User.ID || in.User.Name != "Ann" || !strings.HasPrefix(in.User.ID, "usr_") {
		t.Errorf("session of %s, user %+v", s.UserID, in.User)
	}
	_, idents, err := w.User(t.Context(), in.User.ID)
	noError(t, err)
	if len(idents) != 3 {
		t.Fatalf("%d identities, want 3", len(idents))
	}
	for _, i := range idents {
		if i.Verified || !i.Primary {
			t.Errorf("%s: verified %v, primary %v", i.Kind, i.Verified, i.Primary)
		}
	}
	var to []string
	for _, n := range w.notices() {
		to = append(to, string(n.Channel)+" "+n.Template)
	}
	if len(to) != 2 { // both addresses get a link; the username has nowhere to send it
		t.Errorf("mails: %v", to)
	}
}

func TestSignUpNamesEveryFaultAtOnce(t *testing.T) {
	w := newWorld(t, func(c *core.Config) {
		c.Fields = []core.Field{{Name: "company", Type: core.TextField, Required: true}}
	})
	_, err := w.SignUp(t.Context(), core.SignUp{
		Email: "no address", Phone: "12", Username: "a@b", Password: "short", Name: "A\x00B",
		Data: map[string]any{"verified": true, "roles": "admin"}, Wish: browser,
	})
	e := wantCode(t, err, core.CodeInvalidEmail)
	got := map[string]core.Code{}
	for _, f := range e.Fields {
		got[f.Field] = f.Code
		if f.Detail == "" {
			t.Errorf("%s: no sentence for the person", f.Field)
		}
	}
	want := map[string]core.Code{
		"email": core.CodeInvalidEmail, "phone": core.CodeInvalidPhone, "username": core.CodeInvalidUsername,
		"password": core.CodeWeakPassword, "name": core.CodeInvalidField, "data.company": core.CodeInvalidField,
		"data.verified": core.CodeInvalidField, "data.roles": core.CodeInvalidField,
	}
	for field, code := range want {
		if got[field] != code {
			t.Errorf("%s: %q, want %q", field, got[field], code)
		}
	}
	if len(got) != len(want) {
		t.Errorf("faults: %v", got)
	}
	if w.count("account") != 0 {
		t.Error("a refused sign-up left an account")
	}
}

func TestSignUpNamesOneFault(t *testing.T) {
	w := newWorld(t)
	for _, tt := range []struct {
		name, field string
		code        core.Code
		in          core.SignUp
	}{
		{"no identifier", "email", core.CodeIdentifierRequired, core.SignUp{Password: goodPassword}},
		{"no password", "password", core.CodeWeakPassword, core.SignUp{Email: "a@b.example"}},
		{"14 characters", "password", core.CodeWeakPassword, core.SignUp{Email: "a@b.example", Password: "k7-Umbra.Vex9q"}},
		{"its own name", "password", core.CodeWeakPassword, core.SignUp{Email: "marigold-falconer@b.example", Password: "marigold-falconer"}},
		{"1025 bytes", "password", core.CodeWeakPassword, core.SignUp{Email: "a@b.example", Password: strings.Repeat("Xk4", 342)}},
		{"not UTF-8", "password", core.CodeWeakPassword, core.SignUp{Email: "a@b.example", Password: goodPassword + "\xff"}},
		{"two addresses in one", "email", core.CodeInvalidEmail, core.SignUp{Email: "a@x.example,b@y.example", Password: goodPassword}},
		{"header injection", "email", core.CodeInvalidEmail, core.SignUp{Email: "a@x.example\nBcc: b@y.example", Password: goodPassword}},
		{"name too long", "name", core.CodeInvalidField, core.SignUp{Email: "a@b.example", Password: goodPassword, Name: strings.Repeat("n", 201)}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.in.Wish = browser
			_, err := w.SignUp(t.Context(), tt.in)
			if e := wantCode(t, err, tt.code); e.Field != tt.field || len(e.Fields) != 0 {
				t.Errorf("field %q with %d more, want %q alone", e.Field, len(e.Fields), tt.field)
			}
		})
	}
}

func TestSignUpOfATakenIdentifierNamesTheField(t *testing.T) {
	w := newWorld(t)
	must(w.SignUp(t.Context(), core.SignUp{
		Email: "ann@example.com", Username: "ann", Phone: "+4915112345678", Password: goodPassword, Wish: browser,
	}))(t)
	for _, tt := range []struct {
		field string
		in    core.SignUp
	}{
		{"email", core.SignUp{Email: "ANN@EXAMPLE.COM"}},
		{"email", core.SignUp{Email: "ann@example.com", Username: "fresh"}},
		{"username", core.SignUp{Email: "fresh@example.com", Username: "ＡＮＮ"}}, // full-width letters
		{"phone", core.SignUp{Email: "fresh@example.com", Phone: "+49 151 1234-5678"}},
	} {
		tt.in.Password, tt.in.Wish = otherPassword, browser
		_, err := w.SignUp(t.Context(), tt.in)
		if e := wantCode(t, err, core.CodeIdentityTaken); e.Field != tt.field {
			t.Errorf("field %q, want %q", e.Field, tt.field)
		}
	}
	if w.count("account") != 1 || w.count("identity") != 3 {
		t.Error("a refused sign-up left something behind")
	}
}

func TestCustomFields(t *testing.T) {
	w := newWorld(t, func(c *core.Config) {
		c.Fields = []core.Field{
			{Name: "company", Type: core.TextField, Required: true, MaxLength: 5},
			{Name: "seats", Type: core.NumberField},
			{Name: "news", Type: core.BoolField},
			{Name: "plan", Type: core.TextField, ReadOnly: true},
			{Name: "code", Type: core.TextField, Validate: func(v any) string {
				if v != "ok" {
					return "It must be ok."
				}
				return ""
			}},
		}
	})
	try := func(data map[string]any) error {
		_, err := w.SignUp(t.Context(), core.SignUp{Email: "x@example.com", Password: goodPassword, Data: data, Wish: browser})
		return err
	}
	for field, data := range map[string]map[string]any{
		"data.company": {"company": "sixsix"},
		"data.seats":   {"company": "a", "seats": "3"},
		"data.news":    {"company": "a", "news": 1.0},
		"data.plan":    {"company": "a", "plan": "gold"},
		"data.code":    {"company": "a", "code": "no"},
		"data.id":      {"company": "a", "id": "usr_1"},
	} {
		if e := wantCode(t, try(data), core.CodeInvalidField); e.Field != field {
			t.Errorf("field %s, want %s", e.Field, field)
		}
	}
	noError(t, try(map[string]any{"company": "müñße", "seats": 3.0, "news": true, "code": "ok"}))
	u := must(w.Users().Find(t.Context(), "x@example.com"))(t)
	if u.Data["company"] != "müñße" || u.Data["seats"] != 3.0 || u.Data["news"] != true {
		t.Errorf("data %v", u.Data)
	}

	u = must(w.UpdateProfile(t.Context(), u.ID, core.ProfileChange{Data: map[string]any{"seats": nil, "news": false}}))(t)
	if _, there := u.Data["seats"]; there || u.Data["news"] != false || u.Data["company"] != "müñße" {
		t.Errorf("after the change: %v", u.Data)
	}
	for _, gone := range []any{nil, ""} {
		_, err := w.UpdateProfile(t.Context(), u.ID, core.ProfileChange{Data: map[string]any{"company": gone}})
		wantCode(t, err, core.CodeInvalidField)
	}
}

func TestBadFieldDeclarations(t *testing.T) {
	for name, fields := range map[string][]core.Field{
		"name":              {{Name: "No-Good", Type: core.TextField}},
		"type":              {{Name: "a", Type: "date"}},
		"twice":             {{Name: "a", Type: core.TextField}, {Name: "a", Type: core.TextField}},
		"required readonly": {{Name: "a", Type: core.TextField, Required: true, ReadOnly: true}},
	} {
		if err := newError(t, func(c *core.Config) { c.Fields = fields }); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestBeforeSignUpRefuses(t *testing.T) {
	var heard core.SignUpInfo
	refuse := errors.New("not in this country")
	for _, mode := range []core.SignUpMode{core.OpenSignUp, core.VerifyFirst} {
		w := newWorld(t, func(c *core.Config) {
			c.SignUp = mode
			c.Hooks.BeforeSignUp = func(_ context.Context, s core.SignUpInfo) error { heard = s; return refuse }
		})
		_, err := w.SignUp(t.Context(), core.SignUp{Email: "Ann@example.com", Password: goodPassword, Name: "Ann", Wish: browser})
		if e := wantCode(t, err, core.CodeSignUpRefused); !errors.Is(e, refuse) || strings.Contains(e.Public(), "country") {
			t.Errorf("the hook's error is the private cause: %v, public %q", e, e.Public())
		}
		if heard.Name != "Ann" || heard.Method != core.MethodPassword || heard.Identities[0].Kind != identifier.Email {
			t.Errorf("the hook was told %+v", heard)
		}
		if w.count("account")+w.count("one_time_token")+w.count("outbox") != 0 {
			t.Error("a refused sign-up left something behind")
		}
		if got := w.events.of(core.EventSignUpRefused); len(got) != 1 || got[0].Outcome != core.Failure {
			t.Errorf("events: %+v", got)
		}
	}
}

func TestBeforeSignUpAnswersWithItsOwnError(t *testing.T) {
	w := newWorld(t, func(c *core.Config) {
		c.Hooks.BeforeSignUp = func(context.Context, core.SignUpInfo) error {
			return core.FieldE(core.CodeInvalidField, "data.invite", "The invitation is used up.")
		}
	})
	_, err := w.SignUp(t.Context(), core.SignUp{Email: "a@example.com", Password: goodPassword, Wish: browser})
	if e := wantCode(t, err, core.CodeInvalidField); e.Field != "data.invite" {
		t.Errorf("%+v", e)
	}
}

func TestInSignUpTxJoinsTheTransaction(t *testing.T) {
	fail := false
	w := newWorld(t, func(c *core.Config) {
		c.Hooks.InSignUpTx = func(tx *core.Tx, u *core.User) error {
			if err := tx.APIKeys().Insert(&core.APIKey{ID: "hook", UserID: u.ID}); err != nil {
				return err
			}
			if fail {
				return core.E(core.CodeLimitReached, "The trial is full.")
			}
			return nil
		}
	})
	fail = true
	_, err := w.SignUp(t.Context(), core.SignUp{Email: "a@example.com", Password: goodPassword, Wish: browser})
	wantCode(t, err, core.CodeLimitReached)
	if w.count("api_key")+w.count("account")+w.count("identity")+w.count("session")+w.count("outbox") != 0 {
		t.Error("the hook's error did not undo everything")
	}
	fail = false
	w.person("a@example.com")
	if w.count("api_key") != 1 {
		t.Error("what the hook wrote is not there")
	}
}

// With VerifyFirst the hook runs when the link makes the account, and its refusal leaves nothing, the link unused.
func TestInSignUpTxAtTheLink(t *testing.T) {
	var answer error
	var tenant string
	w := newWorld(t, verifyFirst, func(c *core.Config) {
		c.Hooks.InSignUpTx = func(tx *core.Tx, u *core.User) error {
			tenant = core.TenantOf(tx.Context())
			if err := tx.APIKeys().Insert(&core.APIKey{ID: "hook", UserID: u.ID}); err != nil {
				return err
			}
			return answer
		}
	})
	must(w.SignUp(t.Context(), core.SignUp{Email: "a@example.com", Password: goodPassword, Wish: browser}))(t)
	token := w.link(core.NoticeVerify, "a@example.com")
	if w.count("api_key") != 0 || tenant != "" {
		t.Error("the hook ran before the address was proved")
	}
	answer = core.E(core.CodeLimitReached, "The trial is full.")
	wantCode(t, second(w.Verify(t.Context(), token)), core.CodeLimitReached)
	if w.count("api_key")+w.count("account")+w.count("identity") != 0 {
		t.Error("the hook's error did not undo everything")
	}
	answer = nil
	u := must(w.Verify(t.Context(), token))(t)
	if w.count("api_key") != 1 || u.ID == "" || tenant != core.DefaultTenant {
		t.Error("what the hook wrote is not there")
	}
}

func TestClosedSignUp(t *testing.T) {
	w := newWorld(t, func(c *core.Config) { c.SignUp = core.ClosedSignUp })
	_, err := w.SignUp(t.Context(), core.SignUp{Email: "a@example.com", Password: goodPassword, Wish: browser})
	wantCode(t, err, core.CodeSignUpRefused)
	if w.count("account") != 0 {
		t.Error("there is an account")
	}
	w.verified("a@example.com") // the administrator's door is open
	must(w.signIn("a@example.com", goodPassword, browser))(t)
}
