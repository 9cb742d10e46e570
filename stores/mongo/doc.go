// Package mongo keeps records in MongoDB: a [record.Backend] over the official driver, for replica sets of MongoDB 4.4 and
// later.
//
//	client, err := driver.Connect(options.Client().ApplyURI("mongodb://db1,db2,db3/?replicaSet=rs0"))
//	if err != nil {
//		return err
//	}
//	defer client.Disconnect(ctx)
//	store, err := mongo.Open(ctx, client.Database("app"), mongo.Options{})
//
// # Documents
//
// Each kind is a collection, "oneauth.session" for sessions, and each record a document with typed fields:
//
//	{ _id: "main/ses_01h…", rev: Long, version: 1, _fields: 9, expires: Date,
//	  user_id: "usr_01h…", scopes: ["read"], revoked: false, … }
//
// _id is the escaped tenant, a slash, and the id as it is: a string, compared as bytes. Strings are strings, times dates,
// integers longs, bytes binary; lists of strings are arrays, other JSON is kept as text, to the byte. A field that is absent
// has no value. _fields counts the fields that the writer knew, _checks how often the document was checked. The
// documents are the store's own: what others add to one is not read, and is gone when it is written again.
//
// "oneauth.schema.kinds" holds the fields of each kind in their order, so that a process of an older release keeps what a
// newer one wrote.
//
// # Commits
//
// A commit of one operation is one conditional write. Others are a transaction, in which every operation is a conditional
// write in a fixed order: an insert, an update or delete that names _id and revision, and for a check an update that counts.
// A check that only read would let write skew pass: MongoDB's transactions are snapshot isolated, and find conflicts between
// writes alone. All writes are acknowledged by a majority of the replica set, from its journals.
//
// What the server answers, and what a commit then returns:
//
//   - a condition did not hold, or _id is there already: [record.ErrConflict]
//   - a write conflict, a failover or a broken connection before the commit was sent: [record.ErrBusy]
//   - no definite answer to commitTransaction, which is sent again a few times since it may be, or to a single write, which
//     the driver sends again once under the same number: [record.ErrUnknown]
//   - anything else, a violation of a unique index that others made included: that error, and nothing is applied
//
// # Reads
//
// Reads go to the primary with read concern majority: they see what was acknowledged, and nothing that a failover could
// take back. See the README for what holds while a network is partitioned.
//
// # Expiry
//
// The TTL index on expires lets MongoDB remove what expired more than a day ago (see [Options.PurgeAfter]). That is garbage
// collection: whether a record is expired is judged above the store, and Sweep does not need it.
package mongo
