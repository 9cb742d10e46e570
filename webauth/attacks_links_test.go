package webauth_test

import (
	"fmt"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/oneauth-go/oneauth/core"
)

func TestA16LinksUseTheConfiguredBaseURL(t *testing.T) {
	a := newApp(t)
	a.signUp(ann)
	a.do(call{
		method: "POST", path: "/password/forgot", json: obj{"identifier": ann}, host: "evil.example",
		header: header("X-Forwarded-Host", "evil.example", "Forwarded", "host=evil.example", "X-Forwarded-Proto", "http",
			"X-Forwarded-Prefix", "/evil", "X-Original-Url", "https://evil.example/"),
	}).want(202)
	a.link(core.NoticeReset) // fails unless it is a link of app.example
	page := a.do(call{method: "GET", path: "/password/reset?token=" + a.link(core.NoticeReset), header: wantsPage, host: "evil.example"})
	if strings.Contains(page.Body.String(), "evil") {
		t.Error("the page names the request's host")
	}
}

func TestA17OpenRedirects(t *testing.T) {
	a := newApp(t)
	a.signUp(ann)
	for _, returnTo := range []string{
		"//evil.example", `/\evil.example`, `\/evil.example`, "https:evil.example", "https://evil.example", "/%09/evil.example",
		"/%2f/evil.example", "/%5cevil.example", "/\t/evil.example", "/x\r\nSet-Cookie: a=b", "/%0d%0aLocation:%20x",
		"good@evil.example", "javascript:alert(1)", "/..//evil.example", "/./evil", "evil.example", " /x", "///evil.example",
		"/%252f%252fevil.example", "", "?x", "#x", "/" + strings.Repeat("a", 5000),
	} {
		form := url.Values{"identifier": {ann}, "password": {goodPass}, "return_to": {returnTo}}
		r := a.do(call{method: "POST", path: "/login", form: form, header: plus(wantsPage, "Referer", "https://evil.example/")}).want(303)
		if got := r.Header().Get("Location"); got != "/" {
			t.Errorf("%q leads to %q", returnTo, got)
		}
	}
	// The query is never read.
	r := a.do(call{method: "POST", path: "/login?return_to=/x", form: url.Values{"identifier": {ann}, "password": {goodPass}}, header: wantsPage})
	if got := r.want(303).Header().Get("Location"); got != "/" {
		t.Errorf("%q", got)
	}
}

func TestA19OneRedemptionOfManyWins(t *testing.T) {
	a := newApp(t)
	a.signUp(ann)
	links := map[string]string{"/verify": a.link(core.NoticeVerify), "/password/reset": a.forgot(ann)}
	for _, path := range []string{"/verify", "/password/reset"} { // in this order: a reset lets other links die
		link := links[path]
		var won atomic.Int32
		var all sync.WaitGroup
		for i := range 16 {
			all.Go(func() {
				r := a.do(call{method: "POST", path: path, json: obj{"token": link, "password": fmt.Sprintf("%s number %d", newPass, i)}})
				switch r.Code {
				case 200, 204:
					won.Add(1)
				case 400:
				default:
					t.Errorf("%s: %d %s", path, r.Code, r.Body)
				}
			})
		}
		all.Wait()
		if won.Load() != 1 {
			t.Errorf("%s: %d winners", path, won.Load())
		}
	}
}

func TestA19LinksDieWhenThePasswordChanges(t *testing.T) {
	a := newApp(t)
	value, _ := a.signUp(ann)
	link := a.forgot(ann)
	a.do(call{method: "POST", path: "/password/change", json: obj{"current": goodPass, "password": newPass}, cookies: with(value)}).want(204)
	a.do(call{method: "GET", path: "/password/reset?token=" + link, header: wantsPage}).want(400)
	if v := a.do(call{method: "GET", path: "/password/reset?token=" + link}).json(); v["valid"] != false {
		t.Errorf("%v", v)
	}
	a.do(call{method: "POST", path: "/password/reset", json: obj{"token": link, "password": goodPass}}).want(400)
	a.login(ann, newPass).want(200)
}
