package file

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"os"
)

// A bbolt file begins with two meta pages, written in turn; the valid one with the higher transaction counts. Each is a
// page header of 16 bytes and then, in the byte order of the machine:
//
//	0 magic u32, 4 version u32, 8 page size u32, 12 flags u32, 16 root page u64, 24 root sequence u64,
//	32 freelist page u64, 40 pages in use u64, 48 transaction u64, 56 FNV-1a 64 of the bytes before
const (
	metaOffset   = 16
	metaSize     = 64
	boltMagic    = 0xED0CDAED
	boltVersion  = 2
	noFreelist   = ^uint64(0)
	minPageShift = 10
	maxPageShift = 24
)

type header struct {
	pageSize, freelist, pages, txid uint64
}

// checkHeader says why f cannot be opened as a store. bbolt maps the file and trusts it: a file that is cut short
// would end the process instead of giving an error.
func checkHeader(f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%w: not a regular file", ErrFormat)
	}
	if info.Size() == 0 {
		return fmt.Errorf("%w: it is empty (remove it to begin a new store)", ErrFormat)
	}
	h, err := newestHeader(f)
	if err != nil {
		return err
	}
	switch need := h.pages * h.pageSize; {
	case h.freelist == noFreelist:
		return fmt.Errorf("%w: it belongs to another program", ErrFormat)
	case uint64(info.Size()) < need:
		return fmt.Errorf("%w: it is cut short, %d bytes of %d", ErrFormat, info.Size(), need)
	}
	return nil
}

func newestHeader(f *os.File) (header, error) {
	var best header
	found := false
	take := func(off int64) error {
		h, ok, err := readHeader(f, off)
		if ok && (!found || h.txid > best.txid) {
			best, found = h, true
		}
		return err
	}
	if err := take(0); err != nil {
		return best, err
	}
	first, second := uint(minPageShift), uint(maxPageShift)
	if found { // the second meta page lies one page on
		for first < second && 1<<first != best.pageSize {
			first++
		}
		second = first
	}
	for shift := first; shift <= second; shift++ {
		if err := take(1 << shift); err != nil {
			return best, err
		}
	}
	if !found {
		return best, fmt.Errorf("%w: it has no valid head page", ErrFormat)
	}
	return best, nil
}

func readHeader(f *os.File, off int64) (h header, ok bool, err error) {
	var b [metaSize]byte
	switch _, err := f.ReadAt(b[:], off+metaOffset); {
	case errors.Is(err, io.EOF):
		return h, false, nil
	case err != nil:
		return h, false, err
	}
	order := binary.NativeEndian
	sum := fnv.New64a()
	sum.Write(b[:56])
	h = header{
		pageSize: uint64(order.Uint32(b[8:])),
		freelist: order.Uint64(b[32:]),
		pages:    order.Uint64(b[40:]),
		txid:     order.Uint64(b[48:]),
	}
	ok = order.Uint32(b[0:]) == boltMagic && order.Uint32(b[4:]) == boltVersion && order.Uint64(b[56:]) == sum.Sum64()
	return h, ok, nil
}
