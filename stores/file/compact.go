package file

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/oneauth-go/oneauth/core/record"
)

const (
	copyChunk    = 8 << 20 // bytes in one transaction of the copy
	replayChunk  = 500     // records in one transaction of the replay, and what is left for the pause
	replayRounds = 10
	copyFill     = 0.9 // of a page: some room for what comes
	compactPause = time.Minute
)

func (s *Store) compactPath() string { return s.real + ".compact" }

// Compact rewrites the file without its free pages. It needs room for a second file of the size of the data, beside the
// first. Reads and writes go on; writes pause for the change-over at the end, typically a few milliseconds. After an
// error the store goes on with the old file. On Windows, which cannot replace an open file, it is
// errors.ErrUnsupported: compact there by a Backup that is opened and copied.
func (s *Store) Compact(ctx context.Context) error {
	release, err := s.hold(ctx)
	if err != nil {
		return err
	}
	defer release()
	return s.compact(ctx)
}

// compactIfDue starts a compaction when the list of free pages has grown too long. Only the writer calls it.
func (s *Store) compactIfDue() {
	if s.opts.CompactAt < 0 || s.opts.NoSync || runtime.GOOS == "windows" {
		return
	}
	if st := s.db.Load().bolt.Stats(); st.FreePageN+st.PendingPageN < s.opts.CompactAt {
		return
	}
	if c := s.progress.lastCompaction.Load(); c != nil {
		if s.opts.Now().Sub(c.ended) < max(19*c.ended.Sub(c.began), compactPause) {
			return
		}
	}
	select {
	case s.maintenance <- struct{}{}:
	default:
		return // a backup is running; there will be another commit
	}
	s.work.Go(func() {
		defer func() { <-s.maintenance }()
		switch err := s.compact(s.closing); {
		case err == nil:
			s.opts.Log.Info("file store compacted itself", "path", s.path)
		case s.closing.Err() == nil:
			s.opts.Log.Warn("file store could not compact itself", "path", s.path, "error", err)
		}
	})
}

// compact rewrites the file and takes note of how it went. The caller holds the maintenance lock.
func (s *Store) compact(ctx context.Context) error {
	c := &compaction{began: s.opts.Now()}
	if c.err = s.rewrite(ctx); c.err != nil {
		c.err = fmt.Errorf("compact file store %s: %w", s.path, c.err)
	} else {
		s.progress.compactions.Add(1)
	}
	c.ended = s.opts.Now()
	s.progress.lastCompaction.Store(c)
	return c.err
}

// rewrite copies a snapshot of the file while the writer takes down what it changes, brings the copy up to date, and puts
// it in the place of the file. The copy is locked from its first byte on, so nobody can open it in between.
func (s *Store) rewrite(ctx context.Context) (err error) {
	if runtime.GOOS == "windows" {
		return errors.ErrUnsupported
	}
	if err := os.Remove(s.compactPath()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	o := s.opts
	o.NoSync = true // until it counts
	dst, err := openBolt(s.compactPath(), o, func() (*os.File, error) {
		return os.OpenFile(s.compactPath(), os.O_RDWR|os.O_CREATE|os.O_EXCL, fileMode)
	})
	if err != nil {
		return err
	}
	dst.bolt.AllocSize = 16 << 20
	defer func() {
		if s.db.Load() != dst {
			dst.close(err)
			os.Remove(s.compactPath())
		}
	}()
	s.opts.step("created")
	if err := s.exclusive(ctx, func() error { s.journal = newJournal(); return nil }); err != nil {
		return err
	}
	defer s.exclusive(context.WithoutCancel(ctx), func() error { s.journal = nil; return nil })
	if err := s.copyTo(ctx, dst); err != nil {
		return err
	}
	s.opts.step("copied")
	if err := s.catchUp(ctx, dst); err != nil {
		return err
	}
	s.opts.step("caught up")
	return s.exclusive(ctx, func() error { return s.changeOver(ctx, dst) })
}

// copyTo writes a snapshot to dst.
func (s *Store) copyTo(ctx context.Context, dst *handle) error {
	err := s.view(ctx, func(from *bolt.Tx) error {
		return from.ForEach(func(name []byte, b *bolt.Bucket) error {
			return s.copyBucket(ctx, dst, name, b)
		})
	})
	if err != nil {
		return err
	}
	return dst.bolt.Sync()
}

func (s *Store) copyBucket(ctx context.Context, dst *handle, name []byte, from *bolt.Bucket) error {
	cursor := from.Cursor()
	key, value := cursor.First()
	for first := true; first || key != nil; first = false {
		if err := s.interrupted(ctx); err != nil {
			return err
		}
		err := dst.bolt.Update(func(tx *bolt.Tx) error {
			b, err := tx.CreateBucketIfNotExists(name)
			if err != nil {
				return err
			}
			b.FillPercent = copyFill
			for size := 0; key != nil && size < copyChunk; key, value = cursor.Next() {
				if err := b.Put(key, value); err != nil {
					return err
				}
				size += len(key) + len(value)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// catchUp replays what was written meanwhile, until so little is left that the writer can wait for it.
func (s *Store) catchUp(ctx context.Context, dst *handle) error {
	for range replayRounds {
		var keys map[record.Key]struct{}
		err := s.exclusive(ctx, func() error {
			if len(s.journal.keys) > replayChunk {
				keys, s.journal = s.journal.keys, newJournal()
			}
			return nil
		})
		if err != nil || keys == nil {
			return err
		}
		if err := s.replay(ctx, dst, keys); err != nil {
			return err
		}
		if err := dst.bolt.Sync(); err != nil {
			return err
		}
	}
	return nil
}

// replay makes the records under keys the same in dst as they are in the file now. What changes after that is in the
// journal again.
func (s *Store) replay(ctx context.Context, dst *handle, keys map[record.Key]struct{}) error {
	kinds := *s.kinds.Load()
	todo := make([]record.Key, 0, replayChunk)
	flush := func() error {
		if err := s.interrupted(ctx); err != nil {
			return err
		}
		return s.view(ctx, func(src *bolt.Tx) error {
			return dst.bolt.Update(func(tx *bolt.Tx) error { return copyRecords(tx, src, kinds, todo) })
		})
	}
	for key := range keys {
		if todo = append(todo, key); len(todo) == replayChunk {
			if err := flush(); err != nil {
				return err
			}
			todo = todo[:0]
		}
	}
	return flush()
}

func copyRecords(dst, src *bolt.Tx, kinds kindSet, keys []record.Key) error {
	for _, key := range keys {
		k, err := kinds.of(key.Kind)
		if err != nil {
			return err
		}
		at := record.AppendKey(nil, key.Tenant, key.ID)
		encoded := src.Bucket(k.bucket).Get(at)
		var r record.Record
		if encoded != nil {
			if r, err = decode(k, at, encoded); err != nil {
				return err
			}
		}
		changes, err := appendChanges(nil, dst, k, at, encoded, r)
		if err != nil {
			return err
		}
		if err := apply(dst, changes); err != nil {
			return err
		}
	}
	return nil
}

// changeOver replays the rest and makes dst the file. It runs in the writer: nothing is written meanwhile. The copy is on
// disk before it gets the name, and the name is on disk before anything is committed to the copy.
func (s *Store) changeOver(ctx context.Context, dst *handle) error {
	if err := s.replay(ctx, dst, s.journal.keys); err != nil {
		return err
	}
	if err := dst.bolt.Sync(); err != nil {
		return err
	}
	s.opts.step("synced")
	err := os.Rename(s.compactPath(), s.real)
	if err != nil {
		if renamed, statErr := isCurrent(s.real, dst.file); statErr == nil && !renamed {
			return err
		}
	}
	s.opts.step("renamed")
	if err == nil {
		err = syncDir(filepath.Dir(s.real))
	}
	dst.bolt.NoSync = s.opts.NoSync
	old := s.db.Swap(dst)
	if err != nil { // a power cut could bring back the old file, and lose what would be committed from now on
		s.fail(err, false)
	}
	s.opts.step("done")
	return errors.Join(err, old.close(nil))
}
