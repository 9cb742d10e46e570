package main

import (
	"context"
	"fmt"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/oneauth-go/oneauth"
	"github.com/oneauth-go/oneauth/core/password"
	"github.com/oneauth-go/oneauth/examples/internal/flow"
)

// served is the application over a store, with hashing that takes no time.
func served(t *testing.T, store oneauth.Store) (*oneauth.Auth, *flow.Process) {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	auth, err := oneauth.New(store,
		oneauth.WithDevelopment(), oneauth.WithSecrets([]byte("a secret of thirty-two bytes, or more")),
		oneauth.WithBaseURL("http://"+server.Listener.Addr().String()), oneauth.WithScopes("read", "write"),
		oneauth.WithHashing(password.CheapParams(), password.Limits{}))
	must(t, err)
	server.Config.Handler = app(auth)
	server.Start()
	t.Cleanup(func() { server.Close(); _ = auth.Close() })
	return auth, flow.At(t, server.URL)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// people use an application: each signs up, signs in with a program, refreshes, and signs the program out again, on and on.
type people [16]struct {
	key     string
	refresh any   // the token that was given out last
	ended   []any // tokens of sessions that were ended
	steps   atomic.Int64
}

const secretOfAll = "purple otters sing at dawn"

// use goes on until ctx ends. Everything must be answered as if nothing else were going on.
func (all *people) use(ctx context.Context, p *flow.Process) {
	var wg sync.WaitGroup
	for i := range all {
		wg.Go(func() {
			one, email := &all[i], fmt.Sprintf("person%d@example.com", i)
			browser, program := p.Browser(), p.Program("")
			browser.Do("POST", "/auth/signup", map[string]any{"email": email, "password": secretOfAll}, 201)
			made := browser.Do("POST", "/auth/keys", map[string]any{"name": "ci", "scopes": []string{"read"}}, 201)
			one.key = made["key"].(string)
			for round := 0; ctx.Err() == nil; round++ {
				if one.refresh != nil && round%3 == 0 {
					program.Do("POST", "/auth/revoke", map[string]any{"token": one.refresh}, 200)
					one.ended = append(one.ended, one.refresh)
					one.refresh = nil
				}
				if one.refresh == nil {
					login := map[string]any{"identifier": email, "password": secretOfAll}
					one.refresh = program.Do("POST", "/auth/api/login", login, 200)["refresh_token"]
				}
				one.refresh = program.Refresh(one.refresh, 200)["refresh_token"]
				one.steps.Add(1)
			}
		})
	}
	wg.Wait()
}

func (all *people) steps() (n int64) {
	for i := range all {
		n += all[i].steps.Load()
	}
	return n
}

// check finds everybody as they were left: signed in where they were, by key and refresh token, and out where they had
// signed out.
func (all *people) check(t *testing.T, p *flow.Process) {
	t.Helper()
	for i := range all {
		one := &all[i]
		p.Program(one.key).Do("GET", "/api/read", nil, 200)
		program := p.Program("")
		for _, token := range one.ended {
			program.Refresh(token, 400)
		}
		pair := program.Refresh(one.refresh, 200)
		one.refresh = pair["refresh_token"]
		p.Program(pair["access_token"].(string)).Do("GET", "/api/me", nil, 200)
		browser := p.Browser()
		browser.Do("POST", "/auth/login", map[string]any{"identifier": fmt.Sprintf("person%d@example.com", i), "password": secretOfAll}, 200)
	}
}
