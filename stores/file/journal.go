package file

import "github.com/oneauth-go/oneauth/core/record"

// journal collects the keys of records that were written or deleted while a compaction copies. A nil journal collects
// nothing. Only the writer uses it.
type journal struct{ keys map[record.Key]struct{} }

func newJournal() *journal { return &journal{keys: map[record.Key]struct{}{}} }

func (j *journal) note(ops []op) {
	if j == nil {
		return
	}
	for i := range ops {
		if ops[i].Verb != record.Check {
			j.noteKey(ops[i].Key)
		}
	}
}

func (j *journal) noteKey(k record.Key) {
	if j != nil {
		j.keys[k] = struct{}{}
	}
}
