package bbolt

import "io"

// Disk sees every call with which a database reaches its file, before it is carried out. An error of it is the error of
// the call, which is then not carried out.
type Disk interface {
	WriteAt(path string, b []byte, off int64) error
	Truncate(path string, size int64) error
	Sync(path string) error
}

// Faults is the Disk of every database opened from now on.
var Faults Disk

func faultyWriteAt(db *DB) func([]byte, int64) (int, error) {
	return func(b []byte, off int64) (int, error) {
		if Faults != nil {
			if err := Faults.WriteAt(db.path, b, off); err != nil {
				return 0, err
			}
		}
		if db.file == nil {
			return 0, io.ErrClosedPipe
		}
		return db.file.WriteAt(b, off)
	}
}

func faultyTruncate(db *DB, size int64) error {
	if Faults != nil {
		if err := Faults.Truncate(db.path, size); err != nil {
			return err
		}
	}
	return db.file.Truncate(size)
}

func faultySync(db *DB) error {
	if Faults != nil {
		if err := Faults.Sync(db.path); err != nil {
			return err
		}
	}
	return fdatasync(db)
}
