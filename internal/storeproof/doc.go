// Package storeproof proves, over any store, what a whole application relies on. It is for the tests of the stores, beside
// stores/storetest, which speaks of records and knows no OneAuth:
//
//   - [OneWinner]: of 64 goroutines that use one link, refresh token or address at once, one wins.
//   - [Contenders]: the same from three processes.
//   - [Killed]: the server that the data is on is killed under load, and what was acknowledged is so.
//   - [FailsClosed]: every store call of every flow over HTTP fails in every way, and nobody gets what is not theirs.
//   - [HostileValues]: what means something to a database is a value like others, or is refused by name (A30).
//   - [DumpSignsNobodyIn]: nothing that is stored signs anybody in, and no secret is in it (A32).
package storeproof
