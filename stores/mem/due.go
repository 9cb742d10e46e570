package mem

import (
	"time"

	"github.com/oneauth-go/oneauth/core/record"
	"github.com/tidwall/btree"
)

// dueIndex orders the records that expire by when they do, so that a sweep looks at nothing else.
type dueIndex struct{ tree *btree.BTreeG[due] }

type due struct {
	at  time.Time
	key record.Key
}

func newDueIndex() dueIndex {
	return dueIndex{btree.NewBTreeGOptions(func(a, b due) bool {
		if c := a.at.Compare(b.at); c != 0 {
			return c < 0
		}
		return a.key.Compare(b.key) < 0
	}, btree.Options{NoLocks: true})}
}

func (x dueIndex) add(r record.Record) {
	if !r.Expires.IsZero() {
		x.tree.Set(due{r.Expires, r.Key})
	}
}

func (x dueIndex) drop(r record.Record) {
	if !r.Expires.IsZero() {
		x.tree.Delete(due{r.Expires, r.Key})
	}
}

// before returns at most limit keys of records that expire before t.
func (x dueIndex) before(t time.Time, limit int) []record.Key {
	var keys []record.Key
	x.tree.Scan(func(d due) bool {
		if len(keys) >= limit || !d.at.Before(t) {
			return false
		}
		keys = append(keys, d.key)
		return true
	})
	return keys
}
