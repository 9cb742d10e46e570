package client_test

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/oneauth-go/oneauth/client"
)

// hostile is a server that answers everything below /auth as it likes.
func hostile(t *testing.T, answer http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(answer)
	t.Cleanup(s.Close)
	return s
}

// Whatever a server answers to a sign-in or a refresh, nothing of it is kept unless all of it is right; it costs bounded memory
// and time, and is not taken for the end of the session.
func TestHostileAnswers(t *testing.T) {
	says := func(body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) }
	}
	with := func(member string) http.HandlerFunc { // the later one of two counts
		return says(`{"access_token":"at2","token_type":"Bearer","expires_in":600,"refresh_token":"rt2","session_id":"ses_2",` + member + `}`)
	}
	endless := func(w http.ResponseWriter, _ *http.Request) {
		line := []byte(strings.Repeat(" ", 1<<16))
		for range 512 { // 32 MiB: more than fits into the buffers on the way
			if _, err := w.Write(line); err != nil {
				return
			}
		}
		t.Error("an endless answer was read to its end")
	}
	hang := func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}
	for name, answer := range map[string]http.HandlerFunc{
		"nothing": says(""), "a page": says("<html>"), "null": says("null"), "a list": says("[]"), "a text": says(`"at2"`),
		"half":     says(`{"access_token":"at2","token_type":"Bearer","expires_in":600,"refresh_tok`),
		"no token": says(`{"token_type":"Bearer","expires_in":600,"refresh_token":"rt2"}`), "empty token": with(`"access_token":""`),
		"line break": with(`"access_token":"at\r\nX-Evil: 1"`), "a space": with(`"access_token":"a t"`), "a number": with(`"access_token":7`),
		"long token": with(`"access_token":"` + strings.Repeat("a", 33<<10) + `"`), "odd refresh": with(`"refresh_token":"r\nt"`),
		"other type": with(`"token_type":"mac"`), "no type": with(`"token_type":""`),
		"negative": with(`"expires_in":-1`), "overflow": with(`"expires_in":9223372036854775807`), "more": with(`"expires_in":1e300`),
		"a word": with(`"expires_in":"600"`), "an age": with(`"expires_in":315360001`), "a part": with(`"expires_in":0.5`),
		"escapes": with(`"session_id":"\u001b[2J"`), "odd scope": with(`"scope":"read \u202e"`),
		"endless": endless, "hangs": hang, "too large": says(`{"access_token":"at2","token_type":"Bearer"}` + strings.Repeat(" ", 1<<17)),
		"a bomb": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			_, _ = z.Write(make([]byte, 64<<20))
			_ = z.Close()
		},
		"a redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/auth/other", http.StatusTemporaryRedirect)
		},
		"no body": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) },
		"cut off": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = io.WriteString(w, "{")
		},
		"broken": func(w http.ResponseWriter, _ *http.Request) { panic(http.ErrAbortHandler) },
		"an error": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(500)
			_, _ = io.WriteString(w, `{"error":"invalid_grant"}`)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := hostile(t, answer)
			store := client.NewMemoryStore()
			before := &client.Credential{
				Server: s.URL, ClientID: client.FirstParty, AccessToken: "at1", RefreshToken: "rt1", ExpiresAt: time.Unix(1, 0),
			}
			set(t, store, before)
			timeout := time.Minute
			if name == "hangs" {
				timeout = 50 * time.Millisecond
			}
			c := must(client.New(s.URL, client.WithStore(store), client.WithTimeout(timeout)))(t)
			_, login := c.LoginWithPassword(t.Context(), ann, "pw")
			_, refresh := c.TokenSource(t.Context()).Token()
			for _, err := range []error{login, refresh} {
				if !errors.Is(err, client.ErrUnavailable) || errors.Is(err, client.ErrSignedOut) || strings.Contains(err.Error(), "at2") {
					t.Errorf("%v", err)
				}
			}
			if stored(t, store) != before {
				t.Errorf("the store has %s", text(stored(t, store)))
			}
		})
	}
}

// The server's own endpoints follow no redirect: neither password nor refresh token reach another host that way.
func TestEndpointsFollowNoRedirect(t *testing.T) {
	var got atomic.Int64
	other := hostile(t, func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		t.Errorf("another host has got %s %s", r.URL, body)
		got.Add(1)
	})
	for _, status := range []int{301, 302, 303, 307, 308} {
		s := hostile(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other.URL+r.URL.Path, status) })
		store := client.NewMemoryStore()
		set(t, store, &client.Credential{Server: s.URL, ClientID: client.FirstParty, AccessToken: "at", RefreshToken: "rt", ExpiresAt: time.Unix(1, 0)})
		c := must(client.New(s.URL, client.WithStore(store), client.WithHTTPClient(http.DefaultClient)))(t)
		_, login := c.LoginWithPassword(t.Context(), ann, "pw")
		_, refresh := c.TokenSource(t.Context()).Token()
		for _, err := range []error{login, refresh, c.Logout(t.Context())} {
			if !errors.Is(err, client.ErrUnavailable) {
				t.Errorf("%d: %v", status, err)
			}
		}
	}
}

// A server that sends back what it was sent does not get it into errors, which end in logs.
func TestEchoedSecrets(t *testing.T) {
	s := hostile(t, func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		echo := fmt.Sprint(r.PostForm.Get("password"), " ", r.PostForm.Get("refresh_token"), " ", r.PostForm.Get("token"))
		w.WriteHeader(400)
		fmt.Fprintf(w, `{"error":"invalid_request","error_description":%q,"field":%[1]q,"errors":[{"field":%[1]q,"detail":%[1]q}]}`, echo)
	})
	store := client.NewMemoryStore()
	set(t, store, &client.Credential{Server: s.URL, ClientID: client.FirstParty, AccessToken: "at", RefreshToken: "s3cret-2", ExpiresAt: time.Unix(1, 0)})
	c := must(client.New(s.URL, client.WithStore(store)))(t)
	_, login := c.LoginWithPassword(t.Context(), ann, "s3cret-1")
	_, refresh := c.TokenSource(t.Context()).Token()
	for _, err := range []error{login, refresh, c.Logout(t.Context())} {
		var refused *client.Error
		if !errors.As(err, &refused) || strings.Contains(fmt.Sprintf("%+v", *refused), "s3cret") || !strings.Contains(refused.Description, "[hidden]") {
			t.Errorf("%+v", err)
		}
	}
}

// What somebody else has put where the file, its lock or its temporary file belong is not followed, and not written to.
func TestPlantedFiles(t *testing.T) {
	dir := t.TempDir()
	path, victim := filepath.Join(dir, "credential.json"), filepath.Join(t.TempDir(), "victim")
	s := must(client.NewFileStore(path))(t)
	if err := errors.Join(os.WriteFile(victim, []byte("precious"), 0o600), os.Symlink(victim, path+".tmp")); err != nil {
		t.Fatal(err)
	}
	set(t, s, &client.Credential{AccessToken: "at"})
	if text := string(must(os.ReadFile(victim))(t)); text != "precious" {
		t.Errorf("through the temporary file it wrote %q", text)
	}
	if info := must(os.Lstat(path))(t); !info.Mode().IsRegular() {
		t.Errorf("the file is %v", info.Mode())
	}
	elsewhere := filepath.Join(t.TempDir(), "made")
	if err := errors.Join(os.Remove(path+".lock"), os.Symlink(elsewhere, path+".lock")); err != nil {
		t.Fatal(err)
	}
	err := s.Update(t.Context(), func(_ context.Context, current *client.Credential) (*client.Credential, error) { return current, nil })
	if err == nil {
		t.Error("a link was taken for the lock")
	}
	if _, err := os.Lstat(elsewhere); !os.IsNotExist(err) {
		t.Errorf("through the lock it made a file: %v", err)
	}
	if err := errors.Join(os.Remove(path), mkfifo(path)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Load(t.Context()); !errors.Is(err, client.ErrExposed) {
		t.Errorf("a pipe: %v", err)
	}
}
