package keyring

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode"

	system "github.com/zalando/go-keyring"

	"github.com/oneauth-go/oneauth/client"
)

var (
	// ErrUnavailable means that there is no keyring, that it is locked and was not unlocked, or that it does not answer.
	ErrUnavailable = errors.New("keyring: the keyring is not available")
	// ErrTooLarge means that the credential is larger than the keyring takes: 2,560 bytes on Windows, about 2,900 on macOS,
	// 64 KiB elsewhere. Fewer scopes and claims make access tokens smaller.
	ErrTooLarge = errors.New("keyring: the credential is too large for the keyring")
)

const (
	maxName  = 200      // bytes of a name
	maxValue = 64 << 10 // bytes of a credential, where the keyring itself knows no limit

	saveTimeout = 10 * time.Second
	patience    = 2 * time.Minute // for an answer, which may be somebody's who types a password
)

// Options of a store. The zero value is ready to use.
type Options struct {
	// LockFile is by which processes take turns; its directory is made with mode 0700 if it is not there. Default: a file for
	// these names in the folder oneauth of the person's configuration folder (os.UserConfigDir).
	LockFile string
}

type store struct{ service, account, lock string }

// New returns a store that keeps the credential under the name of a program and of an account in it, such as the server's
// origin; each at most 200 bytes, without control characters. The keyring is not asked yet. Errors of the store's methods are
// [ErrUnavailable], [ErrTooLarge], and an error that names the entry where that holds no credential.
func New(service, account string, o Options) (client.Store, error) {
	for name, value := range map[string]string{"service": service, "account": account} {
		if value == "" || len(value) > maxName || strings.ContainsFunc(value, unicode.IsControl) || strings.ToValidUTF8(value, "") != value {
			return nil, fmt.Errorf("keyring: the name of the %s must have 1 to %d bytes, and no control characters", name, maxName)
		}
	}
	if o.LockFile == "" {
		dir, err := os.UserConfigDir()
		if err != nil {
			return nil, fmt.Errorf("keyring: no place for the lock file, set Options.LockFile: %w", err)
		}
		sum := sha256.Sum256([]byte(service + "\x00" + account))
		o.LockFile = filepath.Join(dir, "oneauth", "keyring-"+hex.EncodeToString(sum[:8])+".lock")
	}
	if err := os.MkdirAll(filepath.Dir(o.LockFile), 0o700); err != nil {
		return nil, fmt.Errorf("keyring: directory of the lock file: %w", err)
	}
	return &store{service, account, o.LockFile}, nil
}

// Load is client.Store's. It may wait for a person who unlocks the keyring.
func (s *store) Load(ctx context.Context) (*client.Credential, error) {
	value, err := within(ctx, patience, func() (string, error) { return system.Get(s.service, s.account) })
	switch {
	case errors.Is(err, system.ErrNotFound):
		return nil, nil
	case err != nil:
		return nil, err
	}
	c := new(client.Credential)
	if json.Unmarshal([]byte(value), c) != nil { // whose error may quote the value
		return nil, fmt.Errorf("keyring: the entry %q of %q is no credential; remove it to sign in anew", s.account, s.service)
	}
	return c, nil
}

// Update is client.Store's.
func (s *store) Update(ctx context.Context, change func(context.Context, *client.Credential) (*client.Credential, error)) error {
	unlock, err := client.LockFile(ctx, s.lock)
	if err != nil {
		return err
	}
	current, err := s.Load(ctx)
	var next *client.Credential
	if err == nil {
		next, err = change(ctx, current)
	}
	if err != nil || next == current {
		if unlocking := unlock(); err == nil {
			err = unlocking
		}
		return err
	}
	// What came of change must be saved though ctx has ended. When the keyring does not answer, the lock is kept for as long as
	// it may still do so: a late answer must not undo what another process saves.
	_, err = within(context.WithoutCancel(ctx), saveTimeout, func() (struct{}, error) {
		err := s.save(next)
		if unlocking := unlock(); err == nil {
			err = unlocking
		}
		return struct{}{}, err
	})
	return err
}

func (s *store) save(c *client.Credential) error {
	if c == nil {
		if err := system.Delete(s.service, s.account); !errors.Is(err, system.ErrNotFound) {
			return err
		}
		return nil
	}
	value, err := json.Marshal(c)
	if err != nil {
		return err
	}
	if len(value) > maxValue {
		return fmt.Errorf("%w: it has %d bytes", ErrTooLarge, len(value))
	}
	if err := system.Set(s.service, s.account, string(value)); !errors.Is(err, system.ErrSetDataTooBig) {
		return err
	}
	return fmt.Errorf("%w: it has %d bytes", ErrTooLarge, len(value))
}

// within asks the keyring, which knows no contexts. Errors of the keyring come as ErrUnavailable.
func within[T any](ctx context.Context, patience time.Duration, ask func() (T, error)) (T, error) {
	type answer struct {
		value T
		err   error
	}
	answers := make(chan answer, 1)
	go func() {
		value, err := ask()
		answers <- answer{value, err}
	}()
	var none T
	select {
	case a := <-answers:
		if a.err == nil || errors.Is(a.err, system.ErrNotFound) || errors.Is(a.err, ErrTooLarge) {
			return a.value, a.err
		}
		return none, fmt.Errorf("%w (a machine without a desktop has none, or nobody unlocked it): %w", ErrUnavailable, a.err)
	case <-ctx.Done():
		return none, fmt.Errorf("%w: it does not answer: %w", ErrUnavailable, ctx.Err())
	case <-time.After(patience):
		return none, fmt.Errorf("%w: it does not answer", ErrUnavailable)
	}
}
