package file

import (
	"errors"
	"io/fs"
	"log/slog"
	"time"
)

// Options of a Store. The zero value is the safe one.
type Options struct {
	// LockTimeout is how long Open waits for another process to let go of the file. 0 is one second; a negative value
	// tries once.
	LockTimeout time.Duration

	// CompactAt is the number of free pages (4 KiB each) from which the store compacts itself. 0 is 16,384, which is 64 MiB
	// and costs about 0.3 ms in every commit; a negative value leaves compaction to the caller. Automatic compactions
	// take at most a twentieth of the time.
	CompactAt int

	// NoSync leaves out every fsync until Close. It is for loads that can be begun again: a crash of the machine may
	// lose acknowledged commits or the whole file.
	NoSync bool

	// Now paces automatic compaction and measures how long a commit takes; default time.Now.
	Now func() time.Time

	// Log receives automatic compactions and failures of the disk; default none.
	Log *slog.Logger

	step func(name string) // told of each step of a compaction, for tests that crash there
}

const (
	defaultLockTimeout = time.Second
	defaultCompactAt   = 16 << 10
	pageSize           = 4 << 10
	fileMode           = fs.FileMode(0o600)
)

func (o Options) withDefaults() Options {
	if o.LockTimeout == 0 {
		o.LockTimeout = defaultLockTimeout
	}
	if o.LockTimeout < 0 {
		o.LockTimeout = time.Nanosecond
	}
	if o.CompactAt == 0 {
		o.CompactAt = defaultCompactAt
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.step == nil {
		o.step = func(string) {}
	}
	return o
}

// Errors of this package, for errors.Is. Their texts name the file.
var (
	// ErrLocked: another process, or another Store of this one, has the file open.
	ErrLocked = errors.New("file store is open elsewhere")

	// ErrFormat: the file is not a store, is cut short, or was written by a newer release. It is left as it is.
	ErrFormat = errors.New("not a usable file store")

	// ErrSchema: a kind is declared in a way that does not fit the records in the file. Nothing is changed.
	ErrSchema = errors.New("schema does not fit the file store")

	// ErrFailed: the disk failed earlier, and the store refuses to go on until it is closed and opened again.
	ErrFailed = errors.New("file store has failed and must be reopened")
)
