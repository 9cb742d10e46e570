package password

import "errors"

// What goes wrong with a password or a stored hash. Compare with errors.Is. No message repeats the password or the hash.
var (
	// ErrTooLong: the password has more than MaxBytes bytes. No hash work was done.
	ErrTooLong = errors.New("password: longer than 1024 bytes")
	// ErrNotUTF8: the password is not valid UTF-8. No hash work was done.
	ErrNotUTF8 = errors.New("password: not valid UTF-8")
	// ErrEmpty: an empty password cannot be hashed.
	ErrEmpty = errors.New("password: empty")
	// ErrOverloaded: all slots are taken and the queue is full; the caller should answer 503.
	ErrOverloaded = errors.New("password: too many password checks are waiting")
	// ErrUnknownScheme: the stored hash is of no scheme that this package knows.
	ErrUnknownScheme = errors.New("password: stored hash is of an unknown scheme")
	// ErrBadHash: the stored hash is malformed, or its cost or lengths are out of bounds.
	ErrBadHash = errors.New("password: stored hash is malformed or out of bounds")
)
