package seal

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
)

// String names the keys and shows no secret.
func (k Keyring) String() string {
	if k.open == nil {
		return "seal.Keyring(empty)"
	}
	return fmt.Sprintf("seal.Keyring(current %s, %d old)", k.KeyID(), len(k.open().masters)-1)
}

// GoString is String.
func (k Keyring) GoString() string { return k.String() }

// Format prints String under every verb and flag.
func (k Keyring) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, k.String()) }

// LogValue is String, for log/slog.
func (k Keyring) LogValue() slog.Value { return slog.StringValue(k.String()) }

// MarshalText is String.
func (k Keyring) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// MarshalJSON is String as a JSON string.
func (k Keyring) MarshalJSON() ([]byte, error) { return json.Marshal(k.String()) }
