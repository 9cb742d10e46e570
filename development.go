package oneauth

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"strings"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/core/mail"
	"github.com/oneauth-go/oneauth/core/seal"
)

// developmentURL is where an application listens while it is being written.
const developmentURL = "http://127.0.0.1:8080"

// WithDevelopment is for the machine on which an application is being written: it makes a master secret of its own
// (beside the data file, with mode 0600, if the store is a file; over a server's store WithSecrets is needed), keeps mails in a mailbox that Mailbox shows, takes
// http://127.0.0.1:8080 for the base URL unless told otherwise, and answers only requests that come from loopback.
func WithDevelopment() Option {
	return func(s *settings) error { s.development = true; return nil }
}

func (s *settings) developmentDefaults(store Store) error {
	if s.core.BaseURL == "" {
		s.core.BaseURL = developmentURL
	}
	s.entry.LoopbackOnly = true
	if len(s.secrets) > 0 {
		return nil
	}
	secret, fresh, err := developmentSecret(store, s.randomness())
	if err != nil {
		return fmt.Errorf("development secret: %w", err)
	}
	s.secrets, s.freshSecret = [][]byte{secret}, fresh
	return nil
}

// disown takes back the secret file that this start has made, if the store turns out to be sealed under another one,
// whose file is missing. After any other failure the file stays: the store may be sealed under it by now.
func (s *settings) disown(err error) error {
	if s.freshSecret == "" || s.unsealed || !errors.Is(err, seal.ErrUnknownKey) {
		return err
	}
	return errors.Join(fmt.Errorf("%w (there was no secret in %s: put back the one that the store is sealed under)", err, s.freshSecret),
		os.Remove(s.freshSecret))
}

// noteUnsealed is started before all other features, when the store is ready: what fails after it is no proof that the
// store is sealed under another secret.
func (s *settings) noteUnsealed() core.Feature {
	return core.Feature{Name: "oneauth", Start: func(context.Context, *core.Auth) error { s.unsealed = true; return nil }}
}

// developmentSecret reads or makes the secret beside the store's file, and names the file that it made. A store that
// forgets its data at the end forgets the secret with it; one that does not would be locked by the next start's.
func developmentSecret(store Store, random io.Reader) (secret []byte, made string, err error) {
	fresh := make([]byte, 32)
	if _, err := io.ReadFull(random, fresh); err != nil {
		return nil, "", err
	}
	if _, forgets := store.(interface{ Forgets() }); forgets {
		return fresh, "", nil
	}
	file, ok := store.(interface{ Path() string })
	if !ok {
		return nil, "", errors.New("there is no file to keep it beside: give WithSecrets, too")
	}
	path := file.Path() + ".secret"
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		secret, err = readSecret(path)
		return secret, "", err
	}
	if err != nil {
		return nil, "", err
	}
	_, err = f.WriteString(base64.StdEncoding.EncodeToString(fresh) + "\n")
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return nil, "", errors.Join(err, os.Remove(path))
	}
	return fresh, path, nil
}

func readSecret(path string) ([]byte, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	secret, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(secret) != 32 {
		return nil, fmt.Errorf("%s does not hold a secret; remove it together with the data to start anew", path)
	}
	return secret, nil
}

// Mailbox returns the development mailbox, or nil outside development mode.
func (a *Auth) Mailbox() *mail.Mailbox { return a.mailbox }

// MailboxHandler shows the development mailbox, to loopback alone: JSON, or a page for a browser. What is still in the
// outbox is delivered first. Outside development mode it answers 404.
func (a *Auth) MailboxHandler() http.Handler {
	if a.mailbox == nil {
		return http.NotFoundHandler()
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := a.core.DeliverPending(r.Context()); err != nil {
			http.Error(w, "The outbox cannot be read.", http.StatusServiceUnavailable)
			return
		}
		a.mailbox.ServeHTTP(w, r)
	})
}
