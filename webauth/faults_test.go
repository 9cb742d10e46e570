package webauth_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/core/record"
	"github.com/oneauth-go/oneauth/stores/mem"
	"github.com/oneauth-go/oneauth/stores/storetest"
)

// Each call to the store of each flow fails in each way. Whatever fails, nothing is granted that should not be: the
// answer is 5xx and gives no cookie, or it is a success and the store holds what it says. Only a stale read, which is
// the state of a moment ago, may also give the refusal that was right then.
func TestFailingStores(t *testing.T) {
	for name, flow := range flows {
		t.Run(name, func(t *testing.T) { failEachCall(t, flow) })
	}
}

// flow sets the stage and returns the request that meets the faults, and what must hold after its success.
type flow func(a *app) (c call, holds func(r reply) error)

// mailing lists what answers the same for an address that is not there, so for one that was not there a moment ago.
var mailing = map[string]bool{"/verify/request": true, "/password/forgot": true}

func failEachCall(t *testing.T, flow flow) {
	open := func(*testing.T) record.Backend { return mem.New() }
	storetest.EachFault(t, open, func(t *testing.T, f *storetest.Faults) storetest.Flow {
		a := newAppOn(t, f)
		c, holds := flow(a)
		var r reply
		act := func(ctx context.Context) error {
			if r = a.doCtx(ctx, c); r.Code >= 400 {
				return errors.New(r.Body.String())
			}
			return nil
		}
		check := func(in storetest.Injection, err error) {
			switch {
			case err == nil && (in.Fault != storetest.StaleRead || !mailing[c.path]):
				if err := holds(r); err != nil {
					t.Errorf("%d, but %v", r.Code, err)
				}
			case err == nil:
			case in.Fault == 0:
				t.Errorf("%d without a fault: %s", r.Code, r.Body)
			case r.Code < 500 && in.Fault != storetest.StaleRead:
				t.Errorf("%d: %s", r.Code, r.Body)
			}
			if set := r.cookie(cookie); r.Code >= 400 && set != nil {
				t.Errorf("%d with a cookie: %v", r.Code, set)
			}
			if r.Code == 503 && r.Header().Get("Retry-After") == "" {
				t.Error("503 without Retry-After")
			}
		}
		return storetest.Flow{Act: act, Check: check}
	})
}

// settle uses sessions once more, so that a read of a moment ago finds them as they were, and not that they are missing.
// No backend can tell a session that is missing from one that is too new for a stale replica.
func (a *app) settle(values ...string) {
	a.t.Helper()
	a.clock.Advance(time.Minute)
	for _, value := range values {
		if !a.alive(value) {
			a.t.Fatal("a session of the stage is not alive")
		}
	}
}

// own is a request of one of our own pages.
func own(method, path, value string, body any) call {
	return call{method: method, path: path, json: body, cookies: with(value), header: header("Origin", baseURL)}
}

func must(ok bool, what string) error {
	if ok {
		return nil
	}
	return fmt.Errorf("%s", what)
}

func wantCode(r reply, code int) error { return must(r.Code == code, fmt.Sprint("then ", r.Code)) }

var flows = map[string]flow{
	"sign-up": func(a *app) (call, func(reply) error) {
		old, _ := a.signUp("before@example.com")
		a.settle(old)
		return own("POST", "/signup", old, obj{"email": ann, "password": goodPass}), func(r reply) error {
			return must(a.alive(r.signedIn()) && !a.alive(old), "no session, or the one from before lives")
		}
	},
	"login": func(a *app) (call, func(reply) error) {
		old, _ := a.signUp(ann)
		a.settle(old)
		return own("POST", "/login", old, obj{"identifier": ann, "password": goodPass}), func(r reply) error {
			return must(a.alive(r.signedIn()) && !a.alive(old), "no session, or the one from before lives")
		}
	},
	"logout": func(a *app) (call, func(reply) error) {
		value, _ := a.signUp(ann)
		a.settle(value)
		return own("POST", "/logout", value, nil), func(r reply) error {
			return must(!a.alive(value), "the session lives")
		}
	},
	"session": func(a *app) (call, func(reply) error) {
		value, id := a.signUp(ann)
		return own("GET", "/session", value, nil), func(r reply) error {
			return must(at(r.json(), "user", "id") == id, "another user")
		}
	},
	"verify": func(a *app) (call, func(reply) error) {
		a.signUp(ann)
		link := a.link(core.NoticeVerify)
		return own("POST", "/verify", "", obj{"token": link}), func(r reply) error {
			_, all, err := a.auth.User(a.t.Context(), at(r.json(), "user", "id").(string))
			return must(err == nil && all[0].Verified, "the address is not verified")
		}
	},
	"verify page": func(a *app) (call, func(reply) error) {
		a.signUp(ann)
		c := call{method: "GET", path: "/verify?token=" + a.link(core.NoticeVerify), header: wantsPage}
		return c, func(r reply) error { return wantCode(r, http.StatusOK) }
	},
	"request verify": func(a *app) (call, func(reply) error) {
		value, _ := a.signUp(ann)
		before := len(a.mails(core.NoticeVerify))
		return own("POST", "/verify/request", value, nil), func(_ reply) error {
			return must(len(a.mails(core.NoticeVerify)) > before, "no mail")
		}
	},
	"forgot": func(a *app) (call, func(reply) error) {
		a.signUp(ann)
		return own("POST", "/password/forgot", "", obj{"identifier": ann}), func(_ reply) error {
			return must(len(a.mails(core.NoticeReset)) == 1, "no mail")
		}
	},
	"reset": func(a *app) (call, func(reply) error) {
		value, _ := a.signUp(ann)
		link := a.forgot(ann)
		return own("POST", "/password/reset", "", obj{"token": link, "password": newPass}), func(_ reply) error {
			if a.alive(value) {
				return fmt.Errorf("a session lives")
			}
			return wantCode(a.login(ann, newPass), http.StatusOK)
		}
	},
	"change password": func(a *app) (call, func(reply) error) {
		value, _ := a.signUp(ann)
		c := own("POST", "/password/change", value, obj{"current": goodPass, "password": newPass})
		return c, func(r reply) error {
			if a.alive(value) || !a.alive(r.signedIn()) {
				return fmt.Errorf("the old cookie lives or the new one does not")
			}
			return wantCode(a.login(ann, newPass), http.StatusOK)
		}
	},
	"change account": func(a *app) (call, func(reply) error) {
		value, id := a.signUp(ann)
		return own("PATCH", "/account", value, obj{"name": "Ann"}), func(_ reply) error {
			u, _, err := a.auth.User(a.t.Context(), id)
			return must(err == nil && u.Name == "Ann", "the name is the old one")
		}
	},
	"list sessions": func(a *app) (call, func(reply) error) {
		value, _ := a.signUp(ann)
		a.settle(value)
		return own("GET", "/sessions", value, nil), func(r reply) error {
			return must(at(r.json(), "sessions", 0, "current") == true, "the session is missing")
		}
	},
	"end session": func(a *app) (call, func(reply) error) {
		value, _ := a.signUp(ann)
		other := a.login(ann, goodPass)
		id := at(other.json(), "session", "id").(string)
		return own("DELETE", "/sessions/"+id, value, nil), func(_ reply) error {
			return must(!a.alive(other.signedIn()), "the session lives")
		}
	},
	"end others": func(a *app) (call, func(reply) error) {
		value, _ := a.signUp(ann)
		other := a.login(ann, goodPass).signedIn()
		a.settle(value, other)
		return own("DELETE", "/sessions", value, nil), func(_ reply) error {
			return must(!a.alive(other) && a.alive(value), "another lives, or this one does not")
		}
	},
	"create key": func(a *app) (call, func(reply) error) {
		value, _ := a.signUp(ann)
		return own("POST", "/keys", value, obj{"name": "CI", "scopes": "read"}), func(r reply) error {
			_, err := a.auth.CheckKey(a.t.Context(), r.json()["key"].(string))
			return err
		}
	},
	"revoke key": func(a *app) (call, func(reply) error) {
		value, id := a.signUp(ann)
		k, text, err := a.auth.CreateKey(a.t.Context(), id, core.NewKey{Name: "CI", Scopes: []string{"read"}})
		if err != nil {
			a.t.Fatal(err)
		}
		return own("DELETE", "/keys/"+k.ID, value, nil), func(_ reply) error {
			_, err := a.auth.CheckKey(a.t.Context(), text)
			return must(err != nil, "the key is good")
		}
	},
}
