package record

import (
	"strings"
	"time"
	"unicode/utf8"
)

// Type is the type of a field, the same on every backend.
type Type uint8

const (
	String Type = iota + 1 // at most MaxID bytes; may be a term
	Text                   // longer
	Bytes                  //
	Int                    // 64 bits, signed
	Bool                   //
	Time                   // UTC milliseconds
	JSON                   // lists and open maps
)

func (t Type) String() string {
	return [...]string{"absent", "string", "text", "bytes", "int", "bool", "time", "json"}[t]
}

// Value is one value of a row. It is immutable, so a copied row shares nothing that can change. The zero Value is
// absent: a zero time, empty bytes and null JSON are stored as absent; an empty string, 0 and false are values.
type Value struct {
	s string
	n int64
	t Type
}

// Row holds values in the order of the kind's fields.
type Row []Value

func StringValue(s string) Value { return Value{t: String, s: s} }
func TextValue(s string) Value   { return Value{t: Text, s: s} }
func IntValue(n int64) Value     { return Value{t: Int, n: n} }

func BytesValue(b []byte) Value {
	if len(b) == 0 {
		return Value{}
	}
	return Value{t: Bytes, s: string(b)}
}

func BoolValue(b bool) Value {
	if b {
		return Value{t: Bool, n: 1}
	}
	return Value{t: Bool}
}

// TimeValue drops what is finer than a millisecond.
func TimeValue(t time.Time) Value {
	if t.IsZero() {
		return Value{}
	}
	return Value{t: Time, n: t.UnixMilli()}
}

// JSONValue takes encoded JSON; empty text and "null" are absent.
func JSONValue(encoded string) Value {
	if encoded == "" || encoded == "null" {
		return Value{}
	}
	return Value{t: JSON, s: encoded}
}

// Type returns the value's type, or 0 when it is absent.
func (v Value) Type() Type { return v.t }

// IsAbsent reports whether there is no value.
func (v Value) IsAbsent() bool { return v.t == 0 }

// Text returns the content of a String, Text, Bytes or JSON value, else "".
func (v Value) Text() string { return v.s }

// Int returns the content of an Int, of a Bool (0 or 1) or of a Time (Unix milliseconds).
func (v Value) Int() int64 { return v.n }

// Bool returns the content of a Bool.
func (v Value) Bool() bool { return v.n != 0 }

// Time returns the content of a Time in UTC, or the zero time.
func (v Value) Time() time.Time {
	if v.t != Time {
		return time.Time{}
	}
	return time.UnixMilli(v.n).UTC()
}

// size is what the value counts towards MaxBytes.
func (v Value) size() int { return 8 + len(v.s) }

// fault says why a value cannot be stored in a field of type t, or "".
func (v Value) fault(t Type) string {
	switch {
	case v.t == 0:
		return ""
	case v.t != t:
		return "is of type " + v.t.String() + ", not " + t.String()
	case t == String && len(v.s) > MaxID:
		return "is longer than 200 bytes"
	case t == String || t == Text || t == JSON:
		return textFault(v.s)
	}
	return ""
}

func textFault(s string) string {
	switch {
	case !utf8.ValidString(s):
		return "is not valid UTF-8"
	case strings.IndexByte(s, 0) >= 0:
		return "contains U+0000"
	}
	return ""
}

func idFault(s string) string {
	switch {
	case s == "":
		return "is empty"
	case len(s) > MaxID:
		return "is longer than 200 bytes"
	}
	return textFault(s)
}
