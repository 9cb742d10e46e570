package jwt

import (
	"fmt"
	"slices"
)

// A KeySet is an immutable set of keys with distinct ids. The nil *KeySet is empty.
type KeySet struct {
	byID map[string]*Key
	keys []*Key
}

// NewKeySet makes a set of keys, which keep their order. Two keys of one id are an error that wraps [ErrKey].
func NewKeySet(keys ...*Key) (*KeySet, error) {
	set := &KeySet{byID: make(map[string]*Key, len(keys)), keys: slices.Clone(keys)}
	for i, k := range keys {
		if k == nil {
			return nil, fmt.Errorf("%w: key %d is nil", ErrKey, i)
		}
		if _, taken := set.byID[k.id]; taken {
			return nil, fmt.Errorf("%w: two keys have the id %q", ErrKey, k.id)
		}
		set.byID[k.id] = k
	}
	return set, nil
}

// Lookup returns the key whose id is exactly id.
func (s *KeySet) Lookup(id string) (*Key, bool) {
	if s == nil {
		return nil, false
	}
	k, ok := s.byID[id]
	return k, ok
}

// Keys returns the keys in the order in which they were given.
func (s *KeySet) Keys() []*Key {
	if s == nil {
		return nil
	}
	return slices.Clone(s.keys)
}
