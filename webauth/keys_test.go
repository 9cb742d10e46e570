package webauth_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/oneauth-go/oneauth/core"
)

func TestKeys(t *testing.T) {
	a := newApp(t)
	value, id := a.signUp(ann)
	create := func(body any) reply {
		t.Helper()
		return a.do(call{method: "POST", path: "/keys", json: body, cookies: with(value)}, sameOrigin)
	}
	r := create(obj{"name": "CI", "scopes": []string{"read", "write", "read"}, "expires_in": 3600}).want(201)
	v := r.json()
	text := v["key"].(string)
	if v["name"] != "CI" || at(v, "scopes", 1) != "write" || at(v, "scopes", 2) != nil ||
		v["created_at"] != "2030-01-02T03:04:05Z" || v["expires_at"] != "2030-01-02T04:04:05Z" {
		t.Errorf("%v", v)
	}
	if r.Header().Get("Cache-Control") != "no-store" {
		t.Error("the answer with the key may be stored")
	}
	p, err := a.auth.CheckKey(t.Context(), text)
	if err != nil || p.Subject != id || !p.HasScope("write") {
		t.Fatalf("%v %v", p, err)
	}
	a.clock.Advance(time.Second)
	forever := create(`{"name":"Cron","scopes":"read profile"}`).want(201).json()
	if _, ends := forever["expires_at"]; ends || at(forever, "scopes", 1) != "profile" {
		t.Errorf("%v", forever)
	}
	list := a.do(call{method: "GET", path: "/keys", cookies: with(value)}).want(200)
	if at(list.json(), "keys", 0, "id") != forever["id"] || at(list.json(), "keys", 1, "id") != v["id"] {
		t.Errorf("not newest first: %s", list.Body)
	}
	if strings.Contains(list.Body.String(), "oak_") || at(list.json(), "keys", 0, "key") != nil {
		t.Errorf("the list has secrets: %s", list.Body)
	}
	a.do(call{method: "DELETE", path: "/keys/" + v["id"].(string), cookies: with(value)}, sameOrigin).want(204)
	if _, err := a.auth.CheckKey(t.Context(), text); err == nil {
		t.Error("a revoked key is still good")
	}
	a.do(call{method: "DELETE", path: "/keys/" + v["id"].(string), cookies: with(value)}, sameOrigin).wantProblem(404, "not_found", "")
	a.do(call{method: "POST", path: "/keys/" + forever["id"].(string) + "/revoke", cookies: with(value)}, sameOrigin).want(204)
	list = a.do(call{method: "GET", path: "/keys", cookies: with(value)})
	if got := strings.TrimSpace(list.Body.String()); got != `{"keys":[]}` {
		t.Errorf("%s", got)
	}
	form := url.Values{"name": {"Form"}, "scopes": {"read write"}, "expires_in": {"60"}}
	v = a.do(call{method: "POST", path: "/keys", form: form, cookies: with(value), header: wantsPage}, sameOrigin).want(201).json()
	if v["key"] == nil || at(v, "scopes", 1) != "write" {
		t.Errorf("a form's key is not shown: %v", v)
	}
}

func TestKeyRefusals(t *testing.T) {
	a := newApp(t)
	value, id := a.signUp(ann)
	for body, want := range map[string]struct {
		status      int
		code, field string
	}{
		`{"scopes":["read"]}`:                                         {422, "invalid_field", "name"},
		`{"name":"a\u0000b","scopes":["read"]}`:                       {422, "invalid_field", "name"},
		`{"name":"CI"}`:                                               {422, "invalid_field", "scopes"},
		`{"name":"CI","scopes":[]}`:                                   {422, "invalid_field", "scopes"},
		`{"name":"CI","scopes":["admin"]}`:                            {400, "invalid_scope", "scopes"},
		`{"name":"CI","scopes":"read admin"}`:                         {400, "invalid_scope", "scopes"},
		`{"name":"CI","scopes":[1]}`:                                  {400, "invalid_request", "scopes"},
		`{"name":"CI","scopes":{"$ne":""}}`:                           {400, "invalid_request", "scopes"},
		`{"name":"CI","scopes":7}`:                                    {400, "invalid_request", "scopes"},
		`{"name":"CI","scopes":["read"],"expires_in":0}`:              {422, "invalid_field", "expires_in"},
		`{"name":"CI","scopes":["read"],"expires_in":-1}`:             {422, "invalid_field", "expires_in"},
		`{"name":"CI","scopes":["read"],"expires_in":99999999999}`:    {422, "invalid_field", "expires_in"},
		`{"name":"CI","scopes":["read"],"expires_in":1.5}`:            {400, "invalid_request", "expires_in"},
		`{"name":"CI","scopes":["read"],"expires_in":"soon"}`:         {400, "invalid_request", "expires_in"},
		`{"name":"CI","scopes":["` + manyScopes(101) + `"]}`:          {422, "invalid_field", "scopes"},
		`{"name":"CI","scopes":["read"],"name":"twice"}`:              {400, "invalid_request", "name"},
		`{"name":"CI","Scopes":["read"]}`:                             {400, "invalid_request", "Scopes"},
		`{"name":"CI","scopes":["read"],"user_id":"usr_x","id":"mine`: {400, "invalid_request", ""},
	} {
		r := a.do(call{method: "POST", path: "/keys", json: body, cookies: with(value)}, sameOrigin)
		if code, field := r.problem(want.status); code != want.code || field != want.field {
			t.Errorf("%s: %s (%s)", body, code, field)
		}
	}
	if all, err := a.auth.ListKeys(t.Context(), id); err != nil || len(all) != 0 {
		t.Errorf("a refused key was made: %v %v", all, err)
	}
	for range 50 {
		if _, _, err := a.auth.CreateKey(t.Context(), id, core.NewKey{Name: "k", Scopes: []string{"read"}}); err != nil {
			t.Fatal(err)
		}
	}
	r := a.do(call{method: "POST", path: "/keys", json: obj{"name": "CI", "scopes": "read"}, cookies: with(value)}, sameOrigin)
	r.wantProblem(409, "limit_reached", "")
}

func manyScopes(n int) string {
	names := make([]string, n)
	for i := range names {
		names[i] = "s" + strings.Repeat("x", i)
	}
	return strings.Join(names, `","`)
}

// A token that was narrowed cannot make itself a key with more.
func TestKeyCannotWidenAToken(t *testing.T) {
	a := newApp(t)
	a.signUp(ann)
	narrow := header("Authorization", "Bearer session."+a.apiSession(ann)+"~read")
	r := a.do(call{method: "POST", path: "/keys", json: obj{"name": "CI", "scopes": "read write"}, header: narrow})
	r.wantProblem(403, "insufficient_scope", "scopes")
	if got := r.Header().Get("WWW-Authenticate"); got != `Bearer realm="oneauth", error="insufficient_scope", scope="read write"` {
		t.Errorf("WWW-Authenticate %q", got)
	}
	a.do(call{method: "POST", path: "/keys", json: obj{"name": "CI", "scopes": "read"}, header: narrow}).want(201)
}
