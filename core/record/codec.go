package record

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"
)

// This file is for backends that keep bytes: an order-preserving encoding of keys, and an encoding of records that
// keeps the fields of newer releases.

// ErrCorrupt reports bytes that are not an encoded key or record.
var ErrCorrupt = errors.New("record: corrupt data")

// AppendKey appends parts so that encodings sort as their parts do, and no encoding of n parts begins another one. Parts
// contain no U+0000: the kernel sees to it.
func AppendKey(dst []byte, parts ...string) []byte {
	for _, p := range parts {
		dst = append(dst, p...)
		dst = append(dst, 0)
	}
	return dst
}

// SplitKey takes apart what AppendKey made of n parts.
func SplitKey(b []byte, n int) ([]string, error) {
	s, parts := string(b), make([]string, 0, n)
	for range n {
		p, rest, ok := strings.Cut(s, "\x00")
		if !ok {
			return nil, fmt.Errorf("%w: key", ErrCorrupt)
		}
		parts, s = append(parts, p), rest
	}
	if s != "" {
		return nil, fmt.Errorf("%w: key", ErrCorrupt)
	}
	return parts, nil
}

const codecVersion = 1

// AppendRecord appends everything of r but its key: a format byte, revision, kind version, expiry (0 is
// never, else Unix milliseconds, those from 1970 on plus one) and row. Integers are varints, strings have their length in front.
func AppendRecord(dst []byte, r Record) []byte {
	dst = append(dst, codecVersion)
	dst = binary.BigEndian.AppendUint64(dst, uint64(r.Rev))
	dst = binary.AppendUvarint(dst, uint64(r.Version))
	dst = binary.AppendVarint(dst, expiryCode(r.Expires))
	dst = binary.AppendUvarint(dst, uint64(len(r.Row)))
	for _, v := range r.Row {
		dst = append(dst, byte(v.t))
		switch v.t {
		case 0:
		case Int, Bool, Time:
			dst = binary.AppendVarint(dst, v.n)
		default:
			dst = binary.AppendUvarint(dst, uint64(len(v.s)))
			dst = append(dst, v.s...)
		}
	}
	return dst
}

func expiryCode(t time.Time) int64 {
	ms := t.UnixMilli()
	switch {
	case t.IsZero():
		return 0
	case ms >= 0 && ms < math.MaxInt64:
		return ms + 1
	}
	return ms
}

func codedExpiry(n int64) time.Time {
	switch {
	case n == 0:
		return time.Time{}
	case n > 0:
		n--
	}
	return time.UnixMilli(n).UTC()
}

// DecodeRecord fills r, whose key the caller sets, from what AppendRecord wrote, and accepts nothing else: one record has
// one encoding. b may be reused afterwards.
func DecodeRecord(b []byte, r *Record) error {
	d := decoder{s: string(b)}
	if d.byte() != codecVersion {
		return fmt.Errorf("%w: record format", ErrCorrupt)
	}
	r.Rev = int64(d.fixed64())
	r.Version = int(d.uvarint())
	ms := d.varint()
	if r.Expires = codedExpiry(ms); r.Expires.IsZero() && ms != 0 {
		d.bad = true
	}
	n := d.uvarint()
	if n > uint64(len(d.s)) { // each value takes at least a byte
		return fmt.Errorf("%w: record row", ErrCorrupt)
	}
	r.Row = make(Row, n)
	for i := range r.Row {
		r.Row[i] = d.value()
	}
	if d.bad || d.s != "" {
		return fmt.Errorf("%w: record", ErrCorrupt)
	}
	return nil
}

// EncodedRev returns the revision of an encoded record without decoding the rest.
func EncodedRev(b []byte) (int64, error) {
	if len(b) < 9 || b[0] != codecVersion {
		return 0, fmt.Errorf("%w: record format", ErrCorrupt)
	}
	return int64(binary.BigEndian.Uint64(b[1:9])), nil
}

// decoder reads from the front of s; bad sticks, and zero values follow.
type decoder struct {
	s   string
	bad bool
}

func (d *decoder) take(n uint64) string {
	if d.bad || n > uint64(len(d.s)) {
		d.bad, d.s = true, ""
		return ""
	}
	p := d.s[:n]
	d.s = d.s[n:]
	return p
}

func (d *decoder) byte() byte {
	if p := d.take(1); p != "" {
		return p[0]
	}
	return 0
}

func (d *decoder) fixed64() uint64 {
	p := d.take(8)
	if len(p) != 8 {
		return 0
	}
	return binary.BigEndian.Uint64([]byte(p))
}

func (d *decoder) uvarint() uint64 {
	var x uint64
	for shift := uint(0); shift < 64; shift += 7 {
		b := d.byte()
		if shift == 63 && b > 1 {
			break
		}
		x |= uint64(b&0x7f) << shift
		switch {
		case b == 0 && shift > 0:
			d.bad = true // there is a shorter form
			return 0
		case b < 0x80:
			return x
		}
	}
	d.bad = true
	return 0
}

func (d *decoder) varint() int64 {
	u := d.uvarint()
	return int64(u>>1) ^ -int64(u&1)
}

func (d *decoder) value() Value {
	v := Value{t: Type(d.byte())}
	switch v.t {
	case 0:
	case Int, Bool, Time:
		v.n = d.varint()
		d.bad = d.bad || v.t == Bool && v.n != 0 && v.n != 1
	case String, Text, Bytes, JSON:
		v.s = d.take(d.uvarint())
		d.bad = d.bad || v.s == "" && (v.t == Bytes || v.t == JSON) // these are absent
	default:
		d.bad = true
	}
	return v
}
