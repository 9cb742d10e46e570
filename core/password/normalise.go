package password

import (
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// admissible refuses what must not cost any work.
func admissible(password string) error {
	if len(password) > MaxBytes {
		return ErrTooLong
	}
	if !utf8.ValidString(password) {
		return ErrNotUTF8
	}
	return nil
}

// normalise returns the NFKC form, over which new hashes are computed.
func normalise(password string) string { return norm.NFKC.String(password) }
