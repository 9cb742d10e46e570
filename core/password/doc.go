// Package password hashes, verifies and judges passwords.
//
// New hashes are Argon2id (RFC 9106) in the PHC string format. Hashes imported from other systems (bcrypt, scrypt,
// PBKDF2) are verified only: a successful verification asks the caller to hash the password again.
//
// # Bytes that are hashed
//
// A password is UTF-8 of at most [MaxBytes] bytes and is never truncated. A new hash is computed over its NFKC form, as
// NIST SP 800-63B-4 section 3.1.1.2 recommends, so that one password typed on two systems, composed on one and
// decomposed on the other, stays one password. Another system may have hashed the bytes as they came, so a verification
// tries both forms where they differ. U+0000 is an ordinary character; where an imported scheme cannot tell it from its
// own padding (bcrypt, and HMAC based schemes for trailing ones) such a password never matches.
//
// # Work and memory
//
// Every hash computation first takes a slot, waits in a bounded queue when all are taken, and fails at once with
// [ErrOverloaded] when the queue is full. One computation of Argon2id needs its whole memory parameter, and leaves it
// behind as garbage. The [Hasher] keeps account of both: running computations and garbage not yet collected together
// never exceed slots x memory + 48 MiB, whatever the number of callers. It starts a garbage collection when a
// computation would not fit. A program whose own heap is larger than 48 MiB is granted that much garbage instead, which
// is what the default pacing of the collector grants it anyway.
//
// # Policy
//
// [Policy] follows NIST SP 800-63B-4: length, a blocklist and context words, no composition rules. [Strength] is for a
// meter in a page.
package password
