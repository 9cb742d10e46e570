package credtest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/oneauth-go/oneauth"
	"github.com/oneauth-go/oneauth/client"
	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/oneauthtest"
)

const (
	person    = "ann@example.com"
	shortLife = time.Second // of access tokens, in the tests with several processes
)

// application is one with OneAuth on loopback, with the real clock and access tokens that live shortly.
type application struct {
	*oneauthtest.App
	url       string
	refreshes atomic.Int64                              // answers of the token endpoint with 200
	answer    atomic.Pointer[func(http.ResponseWriter)] // what happens with the next of them, instead of sending it
}

func serve(t testing.TB, lifetime time.Duration) *application {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	a := &application{url: "http://" + server.Listener.Addr().String()}
	a.App = oneauthtest.New(t, oneauth.WithBaseURL(a.url), oneauth.WithScopes("read"),
		oneauth.WithEnv(core.Env{Now: time.Now}), oneauth.WithLifetimes(core.Lifetimes{AccessToken: lifetime}))
	mux := http.NewServeMux()
	a.Mount(mux)
	mux.Handle("/api/me", a.RequireScopes("read")(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, oneauth.From(r.Context()).Subject)
	})))
	server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/auth/token" {
			mux.ServeHTTP(w, r)
			return
		}
		record := httptest.NewRecorder()
		mux.ServeHTTP(record, r)
		if record.Code == http.StatusOK {
			a.refreshes.Add(1)
			if instead := a.answer.Swap(nil); instead != nil {
				(*instead)(w)
				return
			}
		}
		for name, values := range record.Header() {
			w.Header()[name] = values
		}
		w.WriteHeader(record.Code)
		_, _ = w.Write(record.Body.Bytes())
	})
	server.Start()
	t.Cleanup(server.Close)
	a.User(t, person)
	return a
}

// signIn puts a credential into a store, and returns its session.
func (a *application) signIn(t testing.TB, store client.Store) client.Session {
	t.Helper()
	c := must(client.New(a.url, client.WithStore(store)))(t)
	return must(c.LoginWithPassword(t.Context(), person, oneauthtest.Password))(t)
}

// wantLast fails the test unless the store has the session's last refresh token, after so many refreshes.
func (a *application) wantLast(t testing.TB, store client.Store, session string, refreshes int64) {
	t.Helper()
	if s := must(a.Core().Session(t.Context(), session))(t); s.Generation != refreshes+1 {
		t.Errorf("the session has generation %d after %d refreshes", s.Generation, refreshes)
	}
	answer := must(http.PostForm(a.url+"/auth/token", map[string][]string{
		"grant_type": {"refresh_token"}, "refresh_token": {load(t, store).RefreshToken}, "client_id": {client.FirstParty},
	}))(t)
	if answer.Body.Close(); answer.StatusCode != http.StatusOK {
		t.Errorf("the refresh token in the store: %d", answer.StatusCode)
	}
	if s := must(a.Core().Session(t.Context(), session))(t); s.Generation != refreshes+2 {
		t.Errorf("the refresh token in the store was not the last one: generation %d", s.Generation)
	}
}
