// Package redis uses Redis 7 (or Valkey) in three ways that are independent of each other.
//
// [Open] makes a full store, a [record.Backend], for an application that has a durable Redis and no other database:
//
//	client := goredis.NewClient(&goredis.Options{Addr: "localhost:6379", ContextTimeoutEnabled: true})
//	store, err := redis.Open(ctx, client, redis.Options{RequireDurable: true})
//	if err != nil {
//		return err
//	}
//	auth, err := oneauth.New(store, oneauth.WithSecrets(secret), oneauth.WithBaseURL("https://app.example"))
//
// [Cache] puts Redis in front of another store, for one whose reads are slow or must be spared. What it holds may be lost
// at any moment.
//
// [NewChannel] tells the other nodes of an installation at once that something was revoked. It holds nothing.
//
// # The store
//
// A commit is one Lua script, which judges every condition before it writes anything. All keys of a tenant are in one
// hash slot, so a tenant lives on one node of a cluster: a cluster brings availability, and room for many tenants, but no
// scale for a single one. While a slot moves to another node, commits in it are refused and tried again.
//
// Records are hashes that a person can read:
//
//	oneauth:schema                       JSON: kinds, fields, terms
//	oneauth:tenants                      set of the tenants' names
//	oneauth:{tenant}:meta                hash: the tenant's name, and for which schema its indexes are made
//	oneauth:{tenant}:rec:<kind>:<id>     hash: rev, version, expires, # (the number of values), and each value by its field's name
//	oneauth:{tenant}:all:<kind>          sorted set of ids
//	oneauth:{tenant}:by:<kind>:<term>    sorted set of value NUL id
//	oneauth:{tenant}:due                 sorted set, by expiry, of what a sweep needs to remove a record
//
// In {tenant}, bytes other than letters, digits and -._~ are percent-encoded. Times are Unix milliseconds. A term that is
// declared later is indexed by Prepare; rows of an older version are found by the values that they were written with.
//
// # What Redis must promise
//
// An acknowledged commit is as durable as the server makes it: appendonly yes and appendfsync always survive a crash of
// the machine. Replication is asynchronous, so a failover may lose what was acknowledged: set
// Options.Replicas to wait for the replicas of each commit. The server must not evict (maxmemory-policy noeviction).
// [Store.Check] reports what is not so, Open logs it, and Options.RequireDurable refuses it.
//
// Redis itself expires a record a day after it has expired (or was written, if that was later), and only for the case that
// nobody sweeps: expiry is judged by the kernel. The clocks of application and server must not differ by a day.
package redis
