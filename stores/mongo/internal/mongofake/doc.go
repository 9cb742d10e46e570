// Package mongofake is a MongoDB replica set of one member, in the process, for tests: it speaks the wire protocol
// (OP_MSG) to an unmodified driver.
//
// It is faithful where the store relies on the server, and only there:
//
//   - Transactions are snapshot isolated, and interleave statement by statement: there is no lock from their begin to their
//     end. Two that write one document conflict: the second to write is refused at once (112, TransientTransactionError) and
//     aborted, and so is one that writes what has changed since its snapshot. Two that only read what the other writes both
//     commit. An update that changes nothing is no write.
//   - A write outside a transaction waits for the transaction that holds its document, and then judges its filter again.
//     A statement over several documents is not atomic.
//   - An insert over a unique key that is taken is a duplicate key (11000), which aborts a transaction.
//   - Sessions, one operation of each at a time; a retried write (same txnNumber) is done once; commitTransaction may be
//     repeated; what is unknown is NoSuchTransaction (251).
//   - Errors carry the labels that a server of version 7.0 puts on them.
//   - Writes are durable at once, there is one member, and TTL indexes remove nothing.
//
// Commands, fields, operators and options that it does not know are refused with an error. It proves that the store sends
// what it means to, and copes with what it gets; not that MongoDB answers as this package does.
package mongofake
