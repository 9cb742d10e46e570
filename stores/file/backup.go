package file

import (
	"context"
	"fmt"
	"io"

	bolt "go.etcd.io/bbolt"
)

// Backup writes a copy of the file to w and returns its length in bytes. The copy is a store that Open opens: it contains
// every commit that was acknowledged before the call, and of each other commit all or nothing. Reads and writes go on
// meanwhile; pages that they overwrite are kept until the backup is done, so a slow w makes the file grow, at most to
// twice its size. A backup and a compaction wait for each other. After an error w holds an incomplete copy.
func (s *Store) Backup(ctx context.Context, w io.Writer) (int64, error) {
	release, err := s.hold(ctx)
	if err != nil {
		return 0, err
	}
	defer release()
	var n int64
	guarded := &guardedWriter{w: w, check: func() error { return s.interrupted(ctx) }}
	err = s.view(ctx, func(tx *bolt.Tx) (err error) {
		n, err = tx.WriteTo(guarded)
		return err
	})
	if guarded.err != nil {
		err = guarded.err // bbolt keeps only its text
	}
	if err != nil {
		return n, fmt.Errorf("back up file store %s: %w", s.path, err)
	}
	return n, nil
}

// guardedWriter asks before each write whether to go on, and keeps the error that ended it.
type guardedWriter struct {
	w     io.Writer
	check func() error
	err   error
}

func (g *guardedWriter) Write(p []byte) (n int, err error) {
	if g.err = g.check(); g.err == nil {
		n, g.err = g.w.Write(p)
	}
	return n, g.err
}
