package core_test

import (
	"context"
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/core/record"
)

// A30: operators and separators of other languages come back as they were given, or are refused by name.
func TestHostileValuesAreLiteral(t *testing.T) {
	w := newWorld(t, func(c *core.Config) { c.Fields = []core.Field{{Name: "note", Type: core.TextField}} })
	values := []string{
		`{"$ne":""}`, "a' OR '1'='1", "%", "_", "../../etc/passwd", `..\..\x`, "CON", "con", "nul.txt", "key\r\nDEL *", "a\x00b",
		"a\x00", "\xff\xfe", "*", "[a-z]", "\u202eevil", "{{.}}", "<script>alert(1)</script>", "${jndi:ldap://x}", "a\tb", "\ufeffx",
	}
	u := w.verified("ann@example.com")
	for _, v := range values {
		got, err := w.UpdateProfile(t.Context(), u.ID, core.ProfileChange{Name: &v, Data: map[string]any{"note": v}})
		if err != nil {
			if e := core.AsError(err); e.Code != core.CodeInvalidField || e.Field == "" {
				t.Errorf("%q: %v", v, err)
			}
			continue
		}
		read, _, err := w.again().User(t.Context(), u.ID)
		noError(t, err)
		if got.Name != v || read.Name != v || read.Data["note"] != v {
			t.Errorf("%q came back as %q and %q", v, read.Name, read.Data["note"])
		}
	}
	names := map[string]string{}
	for _, v := range values {
		in, err := w.SignUp(t.Context(), core.SignUp{Username: v, Password: goodPassword, Wish: browser})
		if err != nil {
			if e := core.AsError(err); e.Field != "username" {
				t.Errorf("username %q: %v", v, err)
			}
			continue
		}
		if other := names[in.User.ID]; other != "" {
			t.Errorf("%q and %q are one account", v, other)
		}
		names[in.User.ID] = v
	}
	for _, v := range values { // as ids: nothing is found, and nothing breaks
		for name, err := range map[string]error{
			"user": third(w.User(t.Context(), v)), "session": second(w.Session(t.Context(), v)),
			"end": w.EndSession(t.Context(), u.ID, v, v), "key": w.RevokeKey(t.Context(), u.ID, v), "disable": w.Users().Disable(t.Context(), v, v),
		} {
			if core.AsError(err).Code != core.CodeNotFound {
				t.Errorf("%s %q: %v", name, v, err)
			}
		}
		if all, err := w.ListSessions(t.Context(), v); err != nil || len(all) != 0 {
			t.Errorf("sessions of %q: %v, %v", v, all, err)
		}
	}
}

func third[A, B any](_ A, _ B, err error) error { return err }

// A32: nothing in a dump of the store signs anybody in, and no secret is in it.
func TestDumpOfTheStoreIsNoCredential(t *testing.T) {
	w := newWorld(t, func(c *core.Config) {
		c.Clients = []core.ClientConfig{{ID: "conf", Secrets: []string{secretOne}}}
		c.RefreshGrace = -1
	})
	u := w.many()
	secrets := map[string]string{"password": goodPassword, "address link": "", "master secret": string(masterOne())}
	b := must(w.signIn("ann", goodPassword, core.Wish{Kind: core.BrowserSession, Remember: true}))(t)
	a := w.apiLogin("ann")
	a = must(w.refresh(a.RefreshToken))(t)
	_, key, err := w.CreateKey(t.Context(), u.ID, core.NewKey{Name: "k", Scopes: []string{"read"}})
	noError(t, err)
	_, clientSecret, err := w.Clients().Register(t.Context(), core.ClientConfig{ID: "partner"}, core.Confidential)
	noError(t, err)
	secrets["address link"] = w.link(core.NoticeVerify, "ann@example.com")
	secrets["reset link"] = w.resetLink("ann@example.com")
	noError(t, w.ForgotPassword(t.Context(), "ann@example.com")) // one more waits in the outbox
	noError(t, w.Users().RequireFactors(t.Context(), u.ID, []string{"otp"}))
	attempt := w.suspended("ann", browser)
	noError(t, w.Users().RequireFactors(t.Context(), u.ID, nil))
	_, err = w.signIn("otherPassword typed as a name", otherPassword, browser)
	wantCode(t, err, core.CodeInvalidCredentials)
	secrets["cookie"], secrets["refresh token"], secrets["API key"] = b.Cookie, a.RefreshToken, key
	secrets["client secret"], secrets["attempt's cookie"] = clientSecret, attempt.Secret
	secrets["cookie's secret"] = b.Cookie[strings.IndexByte(b.Cookie, '.')+1:]
	secrets["key's secret"] = key[len(key)-50:]
	secrets["typed by mistake"] = "otherPassword typed as a name"

	dump := w.dump(core.DefaultTenant)
	kinds := map[string]bool{}
	var values []string
	for _, r := range dump {
		kinds[r.Kind] = true
		values = append(values, r.ID)
		for _, v := range r.Row {
			if v.Text() != "" {
				values = append(values, v.Text())
			}
		}
	}
	for _, kind := range []string{"session", "attempt", "one_time_token", "api_key", "client", "outbox", "password", "root_secret", "guess"} {
		if !kinds[kind] {
			t.Errorf("the flow left no %s: the test sees too little", kind)
		}
	}
	for name, secret := range secrets {
		raw, _ := base64.RawURLEncoding.DecodeString(secret)
		for _, v := range values {
			if strings.Contains(v, secret) || len(raw) >= 16 && strings.Contains(v, string(raw)) {
				t.Errorf("the store shows the %s", name)
			}
		}
	}
	w.replay(t, dump, values)
}

func masterOne() []byte {
	b := make([]byte, 32)
	for i := range b {
		b[i] = 1 + byte(i)
	}
	return b
}

// replay tries every value of a dump, as it is and encoded, as each kind of credential.
func (w *world) replay(t *testing.T, dump []record.Record, values []string) {
	t.Helper()
	ctx, known := t.Context(), map[string]bool{}
	for _, v := range values {
		known[v] = true
		known[base64.RawURLEncoding.EncodeToString([]byte(v))] = true
	}
	var sessions []string
	for _, r := range dump {
		if r.Kind == "session" {
			sessions = append(sessions, r.ID)
		}
	}
	type use func(ctx context.Context, v string) error
	uses := map[string]use{
		"refresh token": func(ctx context.Context, v string) error { return second(w.Refresh(ctx, v, core.FirstParty, nil)) },
		"API key":       func(ctx context.Context, v string) error { return second(w.CheckKey(ctx, v)) },
		"verify link":   func(ctx context.Context, v string) error { return second(w.Verify(ctx, v)) },
		"reset link":    func(ctx context.Context, v string) error { return w.ResetPassword(ctx, v, otherPassword) },
		"cookie":        func(ctx context.Context, v string) error { return second(w.CheckSession(ctx, v)) },
		"client secret": func(ctx context.Context, v string) error { return second(w.Clients().Authenticate(ctx, "partner", v)) },
		"fixed secret":  func(ctx context.Context, v string) error { return second(w.Clients().Authenticate(ctx, "conf", v)) },
		"password": func(ctx context.Context, v string) error {
			return second(w.SignIn(ctx, core.PasswordSignIn{Identifier: "ann", Password: v, Wish: browser}))
		},
	}
	for v := range known {
		for name, try := range uses {
			for _, form := range []string{v, "ort_" + v, "oak_" + v} {
				err := try(ctx, form)
				if err == nil {
					t.Errorf("%q of the store works as %s", form, name)
				}
				if errors.Is(err, core.ErrUnavailable) || core.AsError(err).Code == core.CodeInternal {
					t.Errorf("%q as %s: %v", form, name, err)
				}
				if name == "password" {
					break
				}
			}
		}
		for _, id := range sessions {
			if _, err := w.CheckSession(ctx, id+"."+v); err == nil {
				t.Errorf("%q of the store works as the secret of a cookie", v)
			}
		}
	}
}
