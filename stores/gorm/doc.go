// Package gormstore keeps OneAuth's records in a SQL database through GORM, on the connection pool that the application
// has already: SQLite, PostgreSQL 15 or MariaDB 10.11.
//
//	store, err := gormstore.Open(db, gormstore.Options{Migrate: true})
//	if err != nil {
//		return err
//	}
//	auth, err := oneauth.New(store, ...)
//
// It imports no driver: the application's *gorm.DB brings one.
//
// # Tables
//
// Each kind of record has a table with a column for each field: oneauth_users, oneauth_identities, oneauth_sessions. The
// primary key is tenant and id, compared as bytes; a field that can be found by has an index. Beside them stand
//
//	rev      the revision, a random number that is new with every write
//	version  of the kind, when the row was written
//	purge_at when the row may be removed, or NULL
//	_fields  how many of the columns the writer knew
//	_extra   values for which the table has no columns yet, as JSON, from a newer release; usually NULL
//
// Times are timestamps in UTC with milliseconds. JSON holds lists and open maps alone. Reading the tables and joining them
// with one's own is welcome; writing into them is not, since OneAuth would not notice.
//
// # Commits
//
// One operation is one conditional statement, without BEGIN and COMMIT. Several are one transaction, in the order of their
// keys, so that commits do not deadlock. A record that is only checked is locked for sharing, as strongly as a write.
// Deadlocks, serialisation failures and locked databases become record.ErrBusy, which the kernel retries; a connection that
// is lost while the database commits becomes record.ErrUnknown, which the kernel looks into.
//
// # Users in the application's table
//
// With [Options.Users] a user is a row of a table that the application has. What has no column there is in a companion row,
// oneauth_user_companions, which is made when OneAuth first writes the user. Its revision and the mapped columns together
// make the user's revision, so that whatever the application does to these is seen.
//
// # The application's own rows
//
// [With] adds the application's statements to the commit of a transaction of OneAuth. [Transaction] begins one in which both
// work, or joins the one that the application has begun.
package gormstore
