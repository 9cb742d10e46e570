// Package file keeps records in one file on local disk, without a server: a [record.Backend] over bbolt, a B+tree with
// copy-on-write pages.
//
//	store, err := file.Open("/var/lib/app/auth.db", file.Options{})
//	if err != nil {
//		return err // file.ErrLocked: another process has it open
//	}
//	defer store.Close()
//
// # Durability
//
// Commit returns nil only after fsync. One goroutine writes; commits that arrive while it waits for the disk share the
// next transaction and its fsync, each validated in turn against what the ones before it wrote, and a refused one leaves
// no trace. A lone writer never waits for company. A commit that only checks goes the same way, though it writes nothing:
// so it is judged against a definite place in the order of commits, and is acknowledged only when everything it saw is on
// disk. Get and Find may see a commit for the fraction of a millisecond between its write and the end of its fsync.
//
// When writing fails before the file's head page was written, the commit is certainly not applied and its error says so.
// A full disk (ENOSPC, EDQUOT) then leaves the store open. Any other failure closes it for writing, since after a failed
// fsync nobody knows what the disk holds. When the last fsync fails, the commit is [record.ErrUnknown], and the store
// refuses reads too: what it would read may be gone after the next power cut. Calls return [ErrFailed] until the store is
// closed and opened again.
//
// # One process
//
// The file is locked while it is open. A second Open, in this process or another, returns [ErrLocked] after a short wait.
// Use a local disk: network file systems do not keep the promises of flock, mmap and fsync.
//
// # Growth
//
// Deleted and overwritten pages are reused, so a file in steady use stays as large as it is. The list of free pages is
// written with every commit, and becomes a burden when it is long: after a mass deletion, or after a backup during which
// much was written. The store then compacts itself (see [Options.CompactAt]); [Store.Compact] does so on demand. Both copy
// into a new file while reads and writes go on, and stop the writer only for the last few records and the change-over,
// some milliseconds. A crash at any moment leaves the old file or the new one, each whole and up to date.
//
// # Layout
//
// All buckets are at the top of the file; keys are made by [record.AppendKey]:
//
//	meta                format -> "oneauth/1", schema -> JSON of kinds, fields and terms
//	r/<kind>            tenant, id        -> record.AppendRecord
//	t/<kind>/<term>     tenant, value, id -> nothing
//	expiry              8 bytes Unix ms (sign bit flipped, big endian), kind, tenant, id -> nothing
//
// Indexes follow the schema in the file, not the one of the running program, so that an older release may write a file
// that a newer one has extended.
package file
