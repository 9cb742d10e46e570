package file

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"

	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"github.com/oneauth-go/oneauth/core/record"
)

// handle is an open file: bbolt over it, and the descriptor that bbolt keeps to itself and that holds the lock.
type handle struct {
	bolt *bolt.DB
	file *os.File
}

// Open opens the store at path, or creates it with mode 0600 when there is nothing. The directory must exist. A symbolic
// link is followed. Errors: ErrLocked, ErrFormat, or those of the operating system.
func Open(path string, o Options) (*Store, error) {
	defer guardFaults()()
	o = o.withDefaults()
	real, err := resolve(path)
	if err != nil {
		return nil, fmt.Errorf("open file store: %w", err)
	}
	h, err := openOrCreate(real, o)
	if err != nil {
		return nil, fmt.Errorf("open file store %s: %w", path, err)
	}
	s := &Store{path: path, real: real, opts: o, queue: newQueue(), maintenance: make(chan struct{}, 1)}
	s.closing, s.cancel = context.WithCancel(context.Background())
	s.db.Store(h)
	kinds, err := loadKinds(h)
	if err == nil {
		err = s.prime(h)
	}
	if err != nil {
		h.close(err)
		return nil, fmt.Errorf("open file store %s: %w", path, err)
	}
	s.kinds.Store(&kinds)
	os.Remove(s.compactPath()) // left by a crash; nobody else uses it while we hold the lock
	s.work.Go(s.write)
	return s, nil
}

// prime makes bbolt count the free pages, which it does at the end of each write transaction.
func (s *Store) prime(h *handle) (err error) {
	defer contain(&err)
	tx, err := h.bolt.Begin(true)
	if err != nil {
		return err
	}
	return tx.Rollback()
}

// resolve returns the absolute path of the file itself, since a compaction replaces it.
func resolve(path string) (string, error) {
	if path == "" {
		return "", errors.New("the path is empty")
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	if _, err := os.Lstat(abs); err == nil {
		return filepath.EvalSymlinks(abs)
	}
	dir, err := filepath.EvalSymlinks(filepath.Dir(abs))
	return filepath.Join(dir, filepath.Base(abs)), err
}

func openOrCreate(path string, o Options) (*handle, error) {
	for {
		h, err := openExisting(path, o)
		if !errors.Is(err, fs.ErrNotExist) {
			return h, err
		}
		if h, err = create(path, o); !errors.Is(err, fs.ErrExist) {
			return h, err
		}
	}
}

// replacements bounds how often Open follows a file that is replaced while it waits for the lock.
const replacements = 5

// openExisting opens a file and makes sure that it is ours before anything is written to it.
func openExisting(path string, o Options) (*handle, error) {
	for range replacements {
		h, err := openBolt(path, o, func() (*os.File, error) {
			f, err := os.OpenFile(path, os.O_RDWR, fileMode)
			if err != nil {
				return nil, err
			}
			if err := checkHeader(f); err != nil {
				f.Close()
				return nil, err
			}
			return f, nil
		})
		if err != nil {
			return nil, err
		}
		current, err := isCurrent(path, h.file)
		if err == nil && !current {
			h.close(nil) // while we waited for the lock, its holder put a compacted file in its place
			continue
		}
		if err == nil {
			err = checkFormat(h)
		}
		if err != nil {
			h.close(err)
			return nil, err
		}
		return h, nil
	}
	return nil, fmt.Errorf("%w: its holder keeps compacting it", ErrLocked)
}

// isCurrent reports whether path still names f.
func isCurrent(path string, f *os.File) (bool, error) {
	named, err := os.Stat(path)
	if err != nil {
		return false, err
	}
	ours, err := f.Stat()
	return err == nil && os.SameFile(named, ours), err
}

// create makes an empty store under another name and gives it its own when it is complete, so that a file at path is
// never half a store. It returns fs.ErrExist when somebody else was faster.
func create(path string, o Options) (*handle, error) {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".new-*") // mode 0600
	if err != nil {
		return nil, err
	}
	temporary := f.Name()
	defer os.Remove(temporary)
	if err := f.Close(); err != nil {
		return nil, err
	}
	h, err := openBolt(temporary, o, func() (*os.File, error) { return os.OpenFile(temporary, os.O_RDWR, fileMode) })
	if err != nil {
		return nil, err
	}
	if err = h.bolt.Update(writeFormat); err == nil {
		err = publish(temporary, path)
	}
	if err == nil {
		err = syncDir(filepath.Dir(path))
	}
	if err != nil {
		h.close(err)
		return nil, err
	}
	return h, nil
}

// publish gives the file at from the name to, unless that exists.
func publish(from, to string) error {
	err := os.Link(from, to)
	if err == nil || errors.Is(err, fs.ErrExist) {
		return err
	}
	// A file system without hard links.
	if _, err := os.Lstat(to); err == nil {
		return fs.ErrExist
	}
	return os.Rename(from, to)
}

// openBolt opens what open returns with bbolt and takes the lock.
func openBolt(path string, o Options, open func() (*os.File, error)) (_ *handle, err error) {
	h := &handle{}
	defer func() {
		if err != nil && h.file != nil {
			h.file.Close()
		}
	}()
	defer contain(&err)
	options := &bolt.Options{
		Timeout:         o.LockTimeout,
		NoSync:          o.NoSync,
		PageSize:        pageSize,
		FreelistType:    bolt.FreelistArrayType, // the faster one while compaction keeps the list short
		InitialMmapSize: addressSpace,
		OpenFile: func(string, int, os.FileMode) (*os.File, error) {
			f, err := open()
			h.file = f
			return f, err
		},
	}
	h.bolt, err = bolt.Open(path, fileMode, options)
	if errors.Is(err, syscall.ENOMEM) { // a limit on address space: remap as the file grows
		options.InitialMmapSize = 0
		h.bolt, err = bolt.Open(path, fileMode, options)
	}
	if errors.Is(err, berrors.ErrTimeout) {
		return nil, fmt.Errorf("%w: another process, or another store in this one, holds its lock", ErrLocked)
	}
	if err != nil {
		return nil, err
	}
	return h, nil
}

// addressSpace is how much is mapped from the start. It costs no memory, and it saves the remapping of a growing file,
// which waits for all readers, long backups included. 32-bit machines have no room, and Windows would make the file
// this long.
var addressSpace = func() int {
	if strconv.IntSize < 64 || runtime.GOOS == "windows" {
		return 0
	}
	return int(int64(64) << 30)
}()

// close closes the file after err. When bbolt panicked it may hold its own locks, and only the descriptor can be closed:
// that frees the file for others, and leaves the mapping to the end of the process.
func (h *handle) close(err error) error {
	if d := (*damage)(nil); errors.As(err, &d) {
		return h.file.Close()
	}
	return h.bolt.Close()
}

const formatPrefix, formatVersion = "oneauth/", 1

var (
	metaBucket = []byte("meta")
	formatKey  = []byte("format")
	schemaKey  = []byte("schema")
)

func writeFormat(tx *bolt.Tx) error {
	meta, err := tx.CreateBucket(metaBucket)
	if err != nil {
		return err
	}
	if _, err := tx.CreateBucket(expiryBucket); err != nil {
		return err
	}
	return meta.Put(formatKey, []byte(formatPrefix+strconv.Itoa(formatVersion)))
}

// checkFormat says why this release cannot use the file.
func checkFormat(h *handle) (err error) {
	defer contain(&err)
	return h.bolt.View(func(tx *bolt.Tx) error {
		meta := tx.Bucket(metaBucket)
		if meta == nil {
			return fmt.Errorf("%w: it belongs to another program", ErrFormat)
		}
		format, ours := strings.CutPrefix(string(meta.Get(formatKey)), formatPrefix)
		version, err := strconv.Atoi(format)
		switch {
		case !ours || err != nil:
			return fmt.Errorf("%w: it belongs to another program", ErrFormat)
		case version > formatVersion:
			return fmt.Errorf("%w: its format is %d, of a newer release; this one reads up to %d",
				ErrFormat, version, formatVersion)
		}
		return nil
	})
}

// contain turns a panic of bbolt over a damaged page, and a fault in the mapped file (an I/O error, a file cut short by
// somebody), into an error. Defer it directly.
func contain(err *error) {
	if p := recover(); p != nil {
		*err = &damage{cause: p}
	}
}

// damage is a panic below us. The B+tree in memory cannot be trusted after it.
type damage struct{ cause any }

func (d *damage) Error() string { return fmt.Sprintf("the file is damaged: %v", d.cause) }

func (d *damage) Unwrap() error { return record.ErrCorrupt }

// guardFaults makes a fault of this goroutine in mapped memory a panic instead of the end of the process, until the
// function that it returns runs.
func guardFaults() (restore func()) {
	old := debug.SetPanicOnFault(true)
	return func() { debug.SetPanicOnFault(old) }
}

func syncDir(path string) error {
	if runtime.GOOS == "windows" {
		return nil // directories cannot be synced there; the file system keeps a journal of names
	}
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
