// Package record is the storage kernel: transactions, revisions, unique claims, paging and expiry, written once over a
// [Backend] that only has to get by key, find by one equality term in key order, commit a batch of conditional
// operations all-or-nothing, and sweep what expired.
//
// A kind of record is declared once from a Go struct and is the same on every backend:
//
//	type Session struct {
//		ID     string    `record:"id"`           // the key within tenant and kind
//		UserID string    `record:"user_id,term"` // can be found by equality
//		Agent  string    `record:"agent,text"`   // long text, never found by
//		Until  time.Time `record:"expires"`      // the record is gone from then on
//	}
//
//	var sessions = record.Define[Session]("session", 1)
//
//	err := db.Update(ctx, func(tx *record.Tx) error {
//		s, err := sessions.In(tx).Get(id)
//		...
//		return sessions.In(tx).Put(s)
//	})
//
// # Laws
//
// Each is a test in stores/storetest, and holds on every backend.
//
//   - What Get and Find of a transaction returned is validated when it commits: if any of it changed, nothing is
//     written and the function runs again. Peek and PeekFind opt out. A validated read is as strong as a write, so two
//     transactions that each read what the other writes cannot both commit (no write skew).
//   - Reads inside a transaction see its own writes and deletes, lists included.
//   - That a record is absent is not validated, and phantoms are not excluded. To make something unique, insert a
//     record whose id is the unique value (a claim); a rule over a set of records writes their common parent.
//   - The function has no outside effect, since it may run again: hash passwords, draw secrets and send mail outside,
//     and use Tx.After for what follows a commit. It must not begin another transaction.
//   - An error from the function undoes everything. An outcome that must be recorded (a failed try counted) is
//     therefore committed first and returned afterwards.
//   - An error is an answer, too: if a record that Get or Find returned has changed, or one that Get missed or Insert took
//     for absent is there, the function runs again instead. That a list is complete is not looked at, nor what was peeked.
//   - A commit whose fate is unknown ([ErrUnknown]) is never repeated blindly: the kernel reads again and looks for
//     its own revision. So using up a one-time token is a write of used_at, not a delete.
//   - Conflicts are retried until ctx ends or Options.RetryFor is over; contenders for one key then queue within the
//     process. Exhaustion is [ErrContention], never a wrong answer.
//   - All keys of a transaction belong to the tenant in ctx. A missing tenant is [ErrNoTenant], never a default.
//   - Strings are valid UTF-8 without U+0000, ids and terms at most [MaxID] bytes and compared as bytes, times are UTC
//     milliseconds. A violation is a [*ValueError] that names the field, and changes nothing.
//   - A commit has at most [MaxOps] operations and [MaxBytes] bytes.
//   - Expiry is judged here against the DB's clock: an expired record is absent, swept or not.
//   - Kinds are versioned: an older row is upgraded when it is read, and the fields that a newer release added to a row
//     survive being written by an older one.
package record
