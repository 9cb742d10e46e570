package client_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/oneauth-go/oneauth"
	"github.com/oneauth-go/oneauth/client"
	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/oneauthtest"
)

const workerEnv = "ONEAUTH_CLIENT_TEST_WORKER"

// TestMain runs the worker of TestTwoProcesses where this program was started as one.
func TestMain(m *testing.M) {
	if os.Getenv(workerEnv) != "" {
		if err := work(os.Args[1], os.Args[2]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

const (
	loadTime   = 3 * time.Second
	shortLife  = time.Second
	processes  = 2
	goroutines = 8
)

// work calls the application from many goroutines with the credential in a file.
func work(url, path string) error {
	store, err := client.NewFileStore(path)
	if err != nil {
		return err
	}
	c, err := client.New(url, client.WithStore(store))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), loadTime)
	defer cancel()
	h := c.HTTPClient()
	failures := make(chan error, goroutines)
	var all sync.WaitGroup
	for range goroutines {
		all.Go(func() {
			for ctx.Err() == nil {
				answer, err := h.Get(url + "/api/me")
				if err != nil {
					failures <- err
					return
				}
				_, _ = io.Copy(io.Discard, answer.Body)
				answer.Body.Close()
				if answer.StatusCode != 200 {
					failures <- fmt.Errorf("status %d", answer.StatusCode)
					return
				}
				select {
				case <-time.After(5 * time.Millisecond):
				case <-ctx.Done():
				}
			}
		})
	}
	all.Wait()
	close(failures)
	return <-failures
}

// Two processes under load share one credential file, and tokens live for a second: no request fails, each expiry is one
// refresh, and the last pair is in the file.
func TestTwoProcesses(t *testing.T) {
	w := &world{t: t}
	server := httptest.NewUnstartedServer(nil)
	url := "http://" + server.Listener.Addr().String()
	w.Server = &oneauthtest.Server{URL: url, App: oneauthtest.New(t, oneauth.WithBaseURL(url), oneauth.WithScopes("read"),
		oneauth.WithEnv(core.Env{Now: time.Now}), oneauth.WithLifetimes(core.Lifetimes{AccessToken: shortLife}))}
	server.Config.Handler = w.routes(w.Auth)
	server.Start()
	defer server.Close()
	w.User(t, ann)

	path := filepath.Join(t.TempDir(), "credential.json")
	store := must(client.NewFileStore(path))(t)
	first := must(client.New(url, client.WithStore(store)))(t)
	session := must(first.LoginWithPassword(t.Context(), ann, oneauthtest.Password))(t)
	began := time.Now()
	var all sync.WaitGroup
	for range processes {
		all.Go(func() {
			worker := exec.CommandContext(t.Context(), os.Args[0], url, path)
			worker.Env = append(os.Environ(), workerEnv+"=1")
			if out, err := worker.CombinedOutput(); err != nil {
				t.Errorf("a process: %v\n%s", err, out)
			}
		})
	}
	all.Wait()
	took := time.Since(began)

	refreshes := w.refreshes.Load()
	if most := int64(took/(shortLife/2)) + 1; refreshes < 2 || refreshes > most {
		t.Errorf("%d refreshes in %v, want at most %d", refreshes, took, most)
	}
	s := must(w.Core().Session(t.Context(), session.ID))(t)
	if s.Generation != refreshes+1 {
		t.Errorf("the session has generation %d after %d refreshes", s.Generation, refreshes)
	}
	answer := must(http.PostForm(url+"/auth/token", map[string][]string{
		"grant_type": {"refresh_token"}, "refresh_token": {stored(t, store).RefreshToken}, "client_id": {client.FirstParty},
	}))(t)
	if answer.Body.Close(); answer.StatusCode != 200 {
		t.Errorf("the refresh token in the file: %d", answer.StatusCode)
	}
}
