package record_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/oneauth-go/oneauth/core/record"
)

func TestRecordEncodingRoundTrip(t *testing.T) {
	row := record.Row{
		{}, record.StringValue(""), record.StringValue("é"), record.TextValue(strings.Repeat("x", 1000)), record.IntValue(math.MinInt64),
		record.IntValue(math.MaxInt64), record.BoolValue(true), record.BoolValue(false), record.TimeValue(time.Unix(0, 0)),
		record.BytesValue([]byte{0, 255}), record.JSONValue(`{"a":1}`),
	}
	for _, expires := range []time.Time{
		{}, time.UnixMilli(-1).UTC(), time.UnixMilli(0).UTC(), time.UnixMilli(1).UTC(), time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC),
	} {
		want := record.Record{Rev: math.MaxInt64, Version: 3, Row: row, Expires: expires}
		b := record.AppendRecord([]byte("before"), want)
		var got record.Record
		if err := record.DecodeRecord(b[len("before"):], &got); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("decoded\n%+v, want\n%+v", got, want)
		}
		if rev, err := record.EncodedRev(b[len("before"):]); rev != want.Rev || err != nil {
			t.Errorf("EncodedRev = %d, %v", rev, err)
		}
		clear(b)
		if !slices.Equal(got.Row, row) {
			t.Error("the decoded record shares memory with the bytes")
		}
	}
}

func TestDecodeRecordRefusesDamage(t *testing.T) {
	good := record.AppendRecord(nil, record.Record{Rev: 7, Version: 1, Row: record.Row{record.StringValue("abc"), record.IntValue(5)}})
	for n := range good {
		if err := record.DecodeRecord(good[:n], &record.Record{}); !errors.Is(err, record.ErrCorrupt) {
			t.Errorf("cut to %d bytes: %v", n, err)
		}
	}
	if err := record.DecodeRecord(append(good, 0), &record.Record{}); !errors.Is(err, record.ErrCorrupt) {
		t.Errorf("with a byte more: %v", err)
	}
}

// FuzzDecodeRecord: whatever the bytes are, decoding does not panic, and what it accepts is the one encoding of what it
// returns.
func FuzzDecodeRecord(f *testing.F) {
	f.Add([]byte{})
	f.Add(record.AppendRecord(nil, record.Record{Rev: 1, Version: 1}))
	f.Add(record.AppendRecord(nil, record.Record{Rev: -1, Version: 9, Expires: time.UnixMilli(0), Row: record.Row{
		{}, record.StringValue("x"), record.IntValue(-1), record.BoolValue(true), record.TimeValue(time.UnixMilli(5)),
		record.BytesValue([]byte("b")), record.JSONValue("[]"), record.TextValue("t")}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		var r record.Record
		if err := record.DecodeRecord(b, &r); err != nil {
			if !errors.Is(err, record.ErrCorrupt) {
				t.Fatalf("error is %v", err)
			}
			return
		}
		if again := record.AppendRecord(nil, r); !bytes.Equal(again, b) {
			t.Fatalf("%x decodes to %+v, which encodes to %x", b, r, again)
		}
		if rev, err := record.EncodedRev(b); err != nil || rev != r.Rev {
			t.Fatalf("EncodedRev = %d, %v, want %d", rev, err, r.Rev)
		}
	})
}

// FuzzKeyOrder: keys sort as their parts do, are distinct when these are, and come apart again.
func FuzzKeyOrder(f *testing.F) {
	f.Add("a", "b", "ab", "")
	f.Add("a", "\x01", "a\x01", "")
	f.Add("é", "/", "e", "\u0301/")
	f.Fuzz(func(t *testing.T, a1, a2, b1, b2 string) {
		if strings.ContainsRune(a1+a2+b1+b2, 0) {
			return // parts contain no U+0000
		}
		a, b := record.AppendKey(nil, a1, a2), record.AppendKey(nil, b1, b2)
		if got, want := bytes.Compare(a, b), slices.Compare([]string{a1, a2}, []string{b1, b2}); got != want {
			t.Fatalf("order of %q %q and %q %q: keys %d, parts %d", a1, a2, b1, b2, got, want)
		}
		if !bytes.Equal(a, b) && (bytes.HasPrefix(a, b) || bytes.HasPrefix(b, a)) {
			t.Fatalf("one of %x and %x begins the other", a, b)
		}
		parts, err := record.SplitKey(a, 2)
		if err != nil || parts[0] != a1 || parts[1] != a2 {
			t.Fatalf("SplitKey = %q, %v", parts, err)
		}
	})
}

// FuzzSplitKey: what it accepts, AppendKey makes.
func FuzzSplitKey(f *testing.F) {
	f.Add([]byte("a\x00b\x00"), 2)
	f.Add([]byte("a\x00b"), 2)
	f.Fuzz(func(t *testing.T, b []byte, n int) {
		if n < 0 || n > 10 {
			return
		}
		if parts, err := record.SplitKey(b, n); err == nil && !bytes.Equal(record.AppendKey(nil, parts...), b) {
			t.Fatalf("%q comes apart as %q", b, parts)
		}
	})
}

// FuzzCursor: no text from outside becomes an id that could not be stored, and there is one cursor for an id.
func FuzzCursor(f *testing.F) {
	f.Add("")
	f.Add(record.Cursor("a"))
	f.Add(record.Cursor("\x00"))
	f.Add("MQ==")
	f.Fuzz(func(t *testing.T, cursor string) {
		after, err := record.ParseCursor(cursor)
		switch {
		case err != nil && (after != "" || !errors.Is(err, record.ErrCursor)):
			t.Fatalf("ParseCursor = %q, %v", after, err)
		case err == nil && cursor != "" && (record.Cursor(after) != cursor || len(after) > record.MaxID || strings.Contains(after, "\x00")):
			t.Fatalf("cursor %q is the id %q", cursor, after)
		}
	})
}

func TestDecodeRecordRefusesOtherSpellings(t *testing.T) {
	head := []byte{1, 0, 0, 0, 0, 0, 0, 0, 7} // format, revision
	zeroTime := binary.AppendVarint([]byte{1}, time.Time{}.UnixMilli())
	for name, rest := range map[string][]byte{
		"a version with a leading zero":         {0x81, 0x00, 0, 0},
		"the zero time spelled out":             append(zeroTime, 0),
		"a bool that is neither true nor false": {1, 0, 1, byte(record.Bool), 4},
		"empty bytes that are not absent":       {1, 0, 1, byte(record.Bytes), 0},
		"an unknown type":                       {1, 0, 1, 99},
		"more values than bytes":                {1, 0, 0xff, 0xff, 0xff, 0xff, 0x0f},
	} {
		if err := record.DecodeRecord(slices.Concat(head, rest), &record.Record{}); !errors.Is(err, record.ErrCorrupt) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
