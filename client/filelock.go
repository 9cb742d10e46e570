package client

import (
	"context"
	"fmt"
	"os"
	"time"
)

const (
	firstLockWait = 2 * time.Millisecond
	maxLockWait   = 25 * time.Millisecond
)

// LockFile waits until it alone holds the lock on a file, which it makes with mode 0600 if it is not there, against all
// goroutines and processes of this machine that ask by LockFile. The lock ends with unlock, or with the process. It is for
// stores whose place has no lock of its own. When ctx ends first, the error is that of ctx.
func LockFile(ctx context.Context, path string) (unlock func() error, err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|noFollow, 0o600)
	if err != nil {
		return nil, err
	}
	for wait := firstLockWait; ; wait = min(2*wait, maxLockWait) {
		locked, err := tryLock(f)
		if locked {
			return f.Close, nil // closing unlocks
		}
		if err != nil {
			_ = f.Close()
			return nil, fmt.Errorf("lock %s: %w", path, err)
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			_ = f.Close()
			return nil, ctx.Err()
		}
	}
}
