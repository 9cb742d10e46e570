package file

import "time"

// Stats tells how the file is doing.
type Stats struct {
	FileSize      int64 // bytes, as the file system shows it
	PageSize      int   // bytes
	FreePages     int   // to be reused, those kept for running reads included
	FreelistBytes int   // written with every commit; compaction makes it short

	Commits int64 // applied since Open
	Batches int64 // transactions that they shared

	Compactions       int64 // that succeeded since Open
	CompactionTook    time.Duration
	CompactionFailure error // of the last one; nil when it succeeded
}

// Stats returns the present figures. It reads no records and is cheap.
func (s *Store) Stats() (Stats, error) {
	if s.closing.Err() != nil {
		return Stats{}, s.readable()
	}
	h := s.db.Load()
	info, err := h.file.Stat()
	if err != nil {
		return Stats{}, err
	}
	b := h.bolt.Stats()
	st := Stats{
		FileSize:      info.Size(),
		PageSize:      pageSize,
		FreePages:     b.FreePageN + b.PendingPageN,
		FreelistBytes: b.FreelistInuse,
		Commits:       s.progress.commits.Load(),
		Batches:       s.progress.batches.Load(),
		Compactions:   s.progress.compactions.Load(),
	}
	if c := s.progress.lastCompaction.Load(); c != nil {
		st.CompactionTook, st.CompactionFailure = c.ended.Sub(c.began), c.err
	}
	return st, nil
}
