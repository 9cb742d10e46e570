// Package transfer moves everything that one store holds into another: from a file to PostgreSQL, or any other way.
//
// There are two ways. [Copy] copies the difference, while the application goes on with the source, as often as one likes;
// the last run is [Finish], with the application stopped. Where the source belongs to one process, as a file does, there is
// no need to stop: the application runs on a [Live] store, and [Live.Move] switches it over under load.
//
//	schema := auth.Schema()                                         // what the application keeps
//	report, err := transfer.Copy(ctx, from, to, schema, transfer.Options{})   // again and again
//	report, err = transfer.Finish(ctx, from, to, schema, transfer.Options{})  // the application is stopped
//
// Records arrive as they are: key, revision, version, expiry and all values, those of fields that this release does not know
// included. So sessions, tokens and API keys go on working, under the same master secrets, which are not in the store.
//
// # Resuming
//
// A copy can be interrupted anywhere, by kill -9 too, and begins again where the stores differ. Every commit at the target
// also writes the mark of its tenant, a record of kind transfer_mark. Since the mark's revision is a condition of the next
// commit, one that a dead process had under way cannot land in what its successor does, and a second copy into the same
// target is noticed ([ErrRival]). A target that holds records and no mark is somebody else's: [ErrForeign], unless
// Options.Replace says so. After Finish and Move the mark says that the target is the truth, and further copies into it,
// which would undo what the application wrote since, are refused ([ErrMoved]).
//
// # Verification
//
// [Verify] reads both sides in key order, compares record with record, and counts. Its checksum is the XOR of the SHA-256 of
// each record with its key: it depends on no order, so the sums of pages and of later changes add up. It guards against
// mistakes, not against somebody who chooses the records. Finish and Move verify before the target becomes the truth.
package transfer
