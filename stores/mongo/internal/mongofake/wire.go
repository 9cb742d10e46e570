package mongofake

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// Opcodes of the wire protocol. Drivers send OP_QUERY for their first hello alone.
const (
	opReply = 1
	opQuery = 2004
	opMsg   = 2013
)

const maxMessage = 48_000_000 // bytes

// message is a request: a body, and sequences of documents beside it.
type message struct {
	id, op    int32
	body      bson.Raw
	sequences map[string][]bson.Raw
}

func readMessage(r io.Reader) (*message, error) {
	var header [16]byte
	if _, err := io.ReadFull(r, header[:]); err != nil {
		return nil, err
	}
	length := int32(binary.LittleEndian.Uint32(header[0:]))
	if length < 16 || length > maxMessage {
		return nil, fmt.Errorf("message of %d bytes", length)
	}
	payload := make([]byte, length-16)
	if _, err := io.ReadFull(r, payload); err != nil {
		return nil, err
	}
	m := &message{
		id: int32(binary.LittleEndian.Uint32(header[4:])),
		op: int32(binary.LittleEndian.Uint32(header[12:])),
	}
	switch m.op {
	case opMsg:
		return m, m.readMsg(payload)
	case opQuery:
		return m, m.readQuery(payload)
	}
	return nil, fmt.Errorf("opcode %d", m.op)
}

// readMsg reads flags and sections.
func (m *message) readMsg(b []byte) error {
	if len(b) < 5 {
		return io.ErrUnexpectedEOF
	}
	if flags := binary.LittleEndian.Uint32(b); flags&0xffff != 0 { // checksums and moreToCome
		return fmt.Errorf("message flags %#x", flags)
	}
	m.sequences = map[string][]bson.Raw{}
	for b = b[4:]; len(b) > 0; {
		kind := b[0]
		switch b = b[1:]; kind {
		case 0:
			doc, rest, err := cutDocument(b)
			if err != nil {
				return err
			}
			m.body, b = doc, rest
		case 1:
			size, ok := int32At(b)
			if !ok || size < 5 || int(size) > len(b) {
				return io.ErrUnexpectedEOF
			}
			name, docs, ok := bytes.Cut(b[4:size], []byte{0})
			if !ok {
				return io.ErrUnexpectedEOF
			}
			for len(docs) > 0 {
				doc, rest, err := cutDocument(docs)
				if err != nil {
					return err
				}
				m.sequences[string(name)] = append(m.sequences[string(name)], doc)
				docs = rest
			}
			b = b[size:]
		default:
			return fmt.Errorf("section of kind %d", kind)
		}
	}
	return nil
}

// readQuery reads flags, collection, skip, count and the query.
func (m *message) readQuery(b []byte) error {
	if len(b) < 4 {
		return io.ErrUnexpectedEOF
	}
	_, rest, ok := bytes.Cut(b[4:], []byte{0})
	if !ok || len(rest) < 8 {
		return io.ErrUnexpectedEOF
	}
	doc, _, err := cutDocument(rest[8:])
	m.body = doc
	return err
}

func int32At(b []byte) (int32, bool) {
	if len(b) < 4 {
		return 0, false
	}
	return int32(binary.LittleEndian.Uint32(b)), true
}

// cutDocument takes the BSON document at the front of b.
func cutDocument(b []byte) (doc bson.Raw, rest []byte, err error) {
	n, ok := int32At(b)
	if !ok || n < 5 || int(n) > len(b) {
		return nil, nil, io.ErrUnexpectedEOF
	}
	doc = bson.Raw(b[:n])
	return doc, b[n:], doc.Validate()
}

func writeReply(w io.Writer, to *message, reply bson.D) error {
	doc, err := bson.Marshal(reply)
	if err != nil {
		return err
	}
	var payload []byte
	op := int32(opMsg)
	if to.op == opQuery {
		op = opReply
		payload = binary.LittleEndian.AppendUint32(payload, 8) // awaitCapable
		payload = append(payload, make([]byte, 12)...)         // cursor and starting point
		payload = binary.LittleEndian.AppendUint32(payload, 1) // documents
	} else {
		payload = append(payload, 0, 0, 0, 0, 0) // flags, section of kind 0
	}
	payload = append(payload, doc...)
	out := make([]byte, 0, 16+len(payload))
	out = binary.LittleEndian.AppendUint32(out, uint32(16+len(payload)))
	out = binary.LittleEndian.AppendUint32(out, 0)
	out = binary.LittleEndian.AppendUint32(out, uint32(to.id))
	out = binary.LittleEndian.AppendUint32(out, uint32(op))
	_, err = w.Write(append(out, payload...))
	return err
}
