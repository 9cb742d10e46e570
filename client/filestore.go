package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// ErrExposed means that other users of the machine can get at a credential file, so that it is not used.
var ErrExposed = errors.New("client: the credential file is not private")

// maxFile bounds a credential file in bytes.
const maxFile = 128 << 10

// fileStore keeps the credential in a file. Beside it are a lock file, which stays, and for moments a temporary one.
type fileStore struct{ path string }

// NewFileStore returns a store that keeps the credential in a file of mode 0600, in a directory that is made with 0700 if
// it is not there. Processes that share the file take turns by a lock on path + ".lock"; a write is a new file that is
// synced and put in the place of the old one, so a crash leaves either. A file that others may read or write, that belongs
// to somebody else or is no plain file is refused with [ErrExposed], and so is one in a directory in which others may
// write. On Windows the directory's access control list is what protects the file, and nothing is checked.
func NewFileStore(path string) (Store, error) {
	if path == "" {
		return nil, errors.New("client: the path of the credential file is empty")
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("client: credential file: %w", err)
	}
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("client: directory of the credential file: %w", err)
	}
	if err := checkDirectory(dir); err != nil {
		return nil, err
	}
	return &fileStore{path}, nil
}

func (s *fileStore) Load(context.Context) (*Credential, error) {
	f, err := openPrivate(s.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxFile {
		return nil, fmt.Errorf("%s is no credential file: it is too large", s.path)
	}
	c := new(Credential)
	if err := json.Unmarshal(data, c); err != nil {
		return nil, fmt.Errorf("%s is no credential file; remove it to sign in anew", s.path)
	}
	return c, nil
}

func (s *fileStore) Update(ctx context.Context, change func(context.Context, *Credential) (*Credential, error)) (err error) {
	unlock, err := LockFile(ctx, s.path+".lock")
	if err != nil {
		return err
	}
	defer func() {
		if unlocking := unlock(); err == nil {
			err = unlocking
		}
	}()
	current, err := s.Load(ctx)
	if err != nil {
		return err
	}
	next, err := change(ctx, current)
	switch {
	case err != nil || next == current:
		return err
	case next == nil:
		err = os.Remove(s.path)
	default:
		err = s.write(next)
	}
	if err != nil {
		return err
	}
	return syncDirectory(filepath.Dir(s.path))
}

// write replaces the file. The lock is held, so the temporary name is nobody else's; what a crash has left there goes.
func (s *fileStore) write(c *Credential) error {
	data, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return err
	}
	if len(data) >= maxFile {
		return fmt.Errorf("the credential has %d bytes, more than %d", len(data), maxFile-1)
	}
	temporary := s.path + ".tmp"
	if err := os.Remove(temporary); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(append(data, '\n'))
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(temporary, s.path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(temporary))
	}
	return nil
}
