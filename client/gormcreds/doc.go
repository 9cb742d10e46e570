// Package gormcreds keeps credentials of a [client.Client] in a SQL database, through GORM and the pool that a program has
// already: SQLite, PostgreSQL, MariaDB. It is for services of several processes or machines that act as one client.
//
//	store, err := gormcreds.New(db, "billing", gormcreds.Options{Migrate: true, Keys: [][]byte{key}})
//	c, err := client.New("https://app.example", client.WithStore(store))
//
// One table has a row for each name; stores of the same name share a credential, and of all their processes one refreshes.
//
// # Sealing
//
// A refresh token is as good as a password for as long as the session lives, and whoever reads the table, a backup of it or
// the traffic of the database has it. With [Options.Keys] credentials are sealed (AES-256-GCM, bound to their name), and
// nothing that was not sealed with one of the keys is accepted. Without keys they stand there as JSON.
//
// # The lock
//
// A refresh asks a server under the lock, so that is no transaction of the database, and takes no connection. It is a mark in
// the row, which its holder renews twice a second. A holder that was killed loses it after 3 seconds in which the others saw
// nothing new; no clocks are compared. What it would save after that is refused.
package gormcreds
