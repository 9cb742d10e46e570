package gormcreds

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode"

	"gorm.io/gorm"

	"github.com/oneauth-go/oneauth/client"
)

var (
	// ErrWrongKey means that a credential cannot be opened: it was sealed with another key, sealed where no key is given,
	// not sealed where one is, or changed. It is left as it is.
	ErrWrongKey = errors.New("gormcreds: the credential cannot be opened with these keys")
	// ErrLockLost means that the process was away for so long that another took its place. Nothing was saved.
	ErrLockLost = errors.New("gormcreds: the lock was lost to another process")
)

const (
	defaultTable = "oneauth_credentials"
	maxName      = 200      // bytes
	maxValue     = 64 << 10 // bytes of a credential

	saveTimeout = 10 * time.Second // for a database that comes back
)

// Options of a store. The zero value is ready to use on a database that has the table.
type Options struct {
	Table   string   // of the credentials, with a schema if need be; default oneauth_credentials
	Migrate bool     // make the table where it is not there
	Keys    [][]byte // seal credentials with the first, open those of all; each at least 32 random bytes
}

// row is a credential in the table.
type row struct {
	ID         string    `gorm:"primaryKey;size:64"` // SHA-256 of the name: databases compare texts in many ways
	Name       string    `gorm:"size:200;not null"`  // for people
	Credential []byte    // sealed, or JSON; NULL for none
	Holder     string    `gorm:"size:32;not null"`     // of the lock; empty for nobody
	Beat       int64     `gorm:"not null"`             // counted up by the holder
	SavedAt    time.Time `gorm:"autoUpdateTime:false"` // for people
}

type store struct {
	db    *gorm.DB
	table string
	id    string
	name  string
	keys  []key
}

var tableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)?$`)

// New returns a store that keeps a credential under a name, of at most 200 bytes without control characters. The error says
// what is wrong with the options or the database, such as a table that is not there.
func New(db *gorm.DB, name string, o Options) (client.Store, error) {
	switch {
	case db == nil:
		return nil, errors.New("gormcreds: the database is nil")
	case db.DryRun:
		return nil, errors.New("gormcreds: the database is in GORM's DryRun mode, and would keep nothing")
	case name == "" || len(name) > maxName || strings.ContainsFunc(name, unicode.IsControl) || strings.ToValidUTF8(name, "") != name:
		return nil, fmt.Errorf("gormcreds: the name must have 1 to %d bytes, and no control characters", maxName)
	}
	if _, ok := db.Statement.ConnPool.(gorm.TxCommitter); ok {
		return nil, errors.New("gormcreds: give New the database, not a transaction")
	}
	if o.Table == "" {
		o.Table = defaultTable
	}
	if !tableName.MatchString(o.Table) {
		return nil, fmt.Errorf("gormcreds: Options.Table: %q is no name of a table", o.Table)
	}
	keys, err := newKeys(o.Keys)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256([]byte(name))
	s := &store{db: own(db), table: o.Table, id: hex.EncodeToString(sum[:]), name: name, keys: keys}
	return s, s.prepare(o.Migrate)
}

// Load is client.Store's.
func (s *store) Load(ctx context.Context) (*client.Credential, error) {
	r, err := s.read(ctx)
	if err != nil {
		return nil, err
	}
	return s.open(r.Credential)
}

// Update is client.Store's.
func (s *store) Update(ctx context.Context, change func(context.Context, *client.Credential) (*client.Credential, error)) error {
	l, err := s.lock(ctx)
	if err != nil {
		return err
	}
	defer l.stop()
	r, err := s.read(ctx)
	var current, next *client.Credential
	if err == nil {
		current, err = s.open(r.Credential)
	}
	if err == nil {
		next, err = change(l.ctx, current)
	}
	if err != nil || next == current {
		l.release()
		return err
	}
	value, err := s.seal(next)
	if err != nil {
		l.release()
		return err
	}
	return s.save(ctx, l, value)
}

// save replaces the credential and gives the lock back, in one statement that does nothing if the lock was lost. What came
// of change must be saved though ctx has ended, or the database has gone for a moment.
func (s *store) save(ctx context.Context, l *lock, value []byte) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), saveTimeout)
	defer cancel()
	for wait := firstWait; ; wait = min(2*wait, beatEvery) {
		n, err := s.set(ctx, l.holder, map[string]any{"credential": value, "holder": "", "saved_at": time.Now().UTC()})
		if err == nil && n == 1 {
			return nil
		}
		r, readErr := s.read(ctx)
		if readErr == nil && r.Holder != l.holder {
			if bytes.Equal(r.Credential, value) {
				return nil // it was saved, and the answer lost
			}
			return ErrLockLost
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return fmt.Errorf("gormcreds: the credential could not be saved: %w", errors.Join(ctx.Err(), err, readErr))
		}
	}
}

// seal encodes a credential for the table.
func (s *store) seal(c *client.Credential) ([]byte, error) {
	if c == nil {
		return nil, nil
	}
	text, err := json.Marshal(c)
	switch {
	case err != nil:
		return nil, err
	case len(text) > maxValue:
		return nil, fmt.Errorf("gormcreds: the credential has %d bytes, more than %d", len(text), maxValue)
	case len(s.keys) == 0:
		return text, nil
	}
	return s.keys[0].seal(text, s.id), nil
}

// open is the opposite of seal.
func (s *store) open(value []byte) (*client.Credential, error) {
	if value == nil {
		return nil, nil
	}
	text, err := unseal(s.keys, value, s.id)
	if err != nil {
		return nil, fmt.Errorf("%w (the row of %q in %s)", err, s.name, s.table)
	}
	c := new(client.Credential)
	if json.Unmarshal(text, c) != nil { // whose error may quote the text
		return nil, fmt.Errorf("gormcreds: the row of %q in %s is no credential; delete it to sign in anew", s.name, s.table)
	}
	return c, nil
}
