package datastore

import (
	"fmt"

	"cloud.google.com/go/datastore"
	"github.com/oneauth-go/oneauth/core/record"
)

// An entity has at most 1,048,572 bytes and a property 1,048,487, both a little less than what a commit may carry. Of a
// record that is nearly as large, the largest values go into entities of their own, of kind Part, and the property
// holds their keys instead. Parts are never changed: their names have the record's revision.
const (
	maxEntity = 900_000   // from here on, values move out
	maxPart   = 1_000_000 // bytes in one part
)

// joined is the value of a property whose parts were read.
type joined []byte

// part is an entity of kind Part.
type part struct {
	key  *datastore.Key
	data datastore.PropertyList
}

// split moves values out of props until they fit into the entity under key.
func (n names) split(key *datastore.Key, rev int64, props datastore.PropertyList) ([]part, error) {
	var parts []part
	for size(props) > maxEntity {
		at, data := largest(props)
		if at < 0 {
			return nil, fmt.Errorf("%w: entity %v has %d bytes in its small properties", record.ErrTooLarge, key, size(props))
		}
		var keys []any
		for begin := 0; begin < len(data); begin += maxPart {
			name := fmt.Sprintf("%s/%s/%016x/%s/%d", key.Kind, key.Name, rev, props[at].Name, len(keys))
			p := part{n.key(key.Namespace, partKind, name), datastore.PropertyList{
				{Name: "data", Value: data[begin:min(begin+maxPart, len(data))], NoIndex: true},
			}}
			parts, keys = append(parts, p), append(keys, p.key)
		}
		props[at].Value = keys
	}
	return parts, nil
}

// size estimates the bytes of an entity, rather too many than too few.
func size(props datastore.PropertyList) int {
	total := 0
	for _, p := range props {
		total += len(p.Name) + 16
		switch v := p.Value.(type) {
		case string:
			total += len(v)
		case []byte:
			total += len(v)
		case []any:
			total += len(v) * maxIndexed
		}
	}
	return total
}

// largest returns the position and content of the largest property that is not indexed, or -1.
func largest(props datastore.PropertyList) (at int, data []byte) {
	at = -1
	for i, p := range props {
		if !p.NoIndex {
			continue
		}
		switch v := p.Value.(type) {
		case string:
			if len(v) > len(data) {
				at, data = i, []byte(v)
			}
		case []byte:
			if len(v) > len(data) {
				at, data = i, v
			}
		}
	}
	return at, data
}

// parts returns the keys of the parts that a property is in, or nil.
func (n names) parts(p datastore.Property) []*datastore.Key {
	list, _ := p.Value.([]any)
	var keys []*datastore.Key
	for _, v := range list {
		key, ok := v.(*datastore.Key)
		if !ok || key.Kind != n.prefix+partKind {
			return nil
		}
		keys = append(keys, key)
	}
	return keys
}

// allParts returns the keys of all parts of an entity.
func (n names) allParts(props datastore.PropertyList) []*datastore.Key {
	var keys []*datastore.Key
	for _, p := range props {
		keys = append(keys, n.parts(p)...)
	}
	return keys
}

// join puts the parts of an entity back into its properties. r reads from the snapshot from which the entity is.
func (n names) join(r reader, props datastore.PropertyList) error {
	for i, p := range props {
		keys := n.parts(p)
		if keys == nil {
			continue
		}
		parts, err := r.get(keys)
		if err != nil {
			return err
		}
		var whole joined
		for j, part := range parts {
			if len(part) != 1 {
				return fmt.Errorf("%w: part %v is not there", record.ErrCorrupt, keys[j])
			}
			data, _ := part[0].Value.([]byte)
			whole = append(whole, data...)
		}
		props[i].Value = whole
	}
	return nil
}
