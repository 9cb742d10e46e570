package storetest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/oneauth-go/oneauth/core/record"
)

var findLaws = []law{
	{"returns nothing where nothing is", findNothing},
	{"lists a kind in ascending byte order of ids", findInByteOrder},
	{"finds by one term, and by nothing else", findByTerm},
	{"returns at most Limit records", findLimit},
	{"keeps From <= id < To and id > After", findBounds},
	{"follows a term when it changes, is emptied and is deleted", findFollowsTerm},
	{"does not find records by an empty or absent term", findNotByEmptyTerm},
	{"returns whole records", findWholeRecords},
	{"pages through more than one page by After", findPages},
}

// itemQuery asks for all items of the tenant, or for those with a term.
func itemQuery(term, value string) record.Query {
	return record.Query{Tenant: tenant, Kind: "item", Term: term, Value: value, Limit: record.MaxPage}
}

// fill stores items with the given ids and owner.
func (e *env) fill(b record.Backend, owner string, ids ...string) {
	e.Helper()
	for chunk := range slices.Chunk(ids, record.MaxOps) {
		var ops []record.Op
		for _, id := range chunk {
			ops = append(ops, putOp(0, itemRecord(e.rev(), id, owner, 0)))
		}
		e.must(e.commit(b, ops...))
	}
}

func findNothing(e *env) {
	e.wantIDs(e.find(e.backend(), itemQuery("", "")))
	e.wantIDs(e.find(e.backend(), itemQuery("owner", "nobody")))
}

// sortedIDs are ids in byte order that collations, case folding and number sense would order otherwise.
var sortedIDs = []string{" ", "!", "-1", "10", "2", "A", "B", "Z", "_", "a", "a ", "a!", "aa", "ab", "b", "z", "~", "Ä", "ß", "ä", "ｚ", "😀"}

func findInByteOrder(e *env) {
	if !slices.IsSorted(sortedIDs) {
		e.Fatalf("the suite's ids are not sorted")
	}
	b := e.backend()
	shuffled := slices.Clone(sortedIDs)
	slices.Reverse(shuffled)
	e.fill(b, "x", shuffled...)
	e.wantIDs(e.find(b, itemQuery("", "")), sortedIDs...)
	e.wantIDs(e.find(b, itemQuery("owner", "x")), sortedIDs...)
}

func findByTerm(e *env) {
	b := e.backend()
	e.fill(b, "x", "a", "c", "e")
	e.fill(b, "y", "b", "d")
	e.fill(b, "xy", "f")
	e.fill(b, "X", "g")
	e.fill(b, "x ", "h")
	e.wantIDs(e.find(b, itemQuery("owner", "x")), "a", "c", "e")
	e.wantIDs(e.find(b, itemQuery("owner", "y")), "b", "d")
	e.wantIDs(e.find(b, itemQuery("owner", "X")), "g")
	e.wantIDs(e.find(b, itemQuery("owner", "x ")), "h")
	e.wantIDs(e.find(b, itemQuery("owner", "z")))
	for _, pattern := range []string{"%", "_", "x%", "*", ".*", "?", "[x]", `{"$ne":""}`} {
		e.wantIDs(e.find(b, itemQuery("owner", pattern)))
	}
}

func findLimit(e *env) {
	b := e.backend()
	e.fill(b, "x", "a", "b", "c", "d")
	for limit := 1; limit <= 5; limit++ {
		for _, q := range []record.Query{itemQuery("", ""), itemQuery("owner", "x")} {
			q.Limit = limit
			e.wantIDs(e.find(b, q), []string{"a", "b", "c", "d"}[:min(limit, 4)]...)
		}
	}
}

func findBounds(e *env) {
	b := e.backend()
	e.fill(b, "x", sortedIDs...)
	bounds := append([]string{"", "a\u007f", "zz", "\U0010ffff"}, sortedIDs...)
	for _, from := range bounds {
		for _, to := range bounds {
			after := bounds[(len(from)+len(to)*7)%len(bounds)]
			var want []string
			for _, id := range sortedIDs {
				if id >= from && (to == "" || id < to) && (after == "" || id > after) {
					want = append(want, id)
				}
			}
			for _, q := range []record.Query{itemQuery("", ""), itemQuery("owner", "x")} {
				q.From, q.To, q.After = from, to, after
				if got := e.find(b, q); !slices.Equal(got, want) {
					e.Fatalf("From %q To %q After %q: found %q, want %q", from, to, after, got, want)
				}
			}
		}
	}
}

func findFollowsTerm(e *env) {
	b := e.backend()
	r := itemRecord(e.rev(), "a", "x", 1)
	e.must(e.commit(b, putOp(0, r)))
	next := itemRecord(e.rev(), "a", "y", 1)
	e.must(e.commit(b, putOp(r.Rev, next)))
	e.wantIDs(e.find(b, itemQuery("owner", "x")))
	e.wantIDs(e.find(b, itemQuery("owner", "y")), "a")
	none := itemRecord(e.rev(), "a", "", 1)
	e.must(e.commit(b, putOp(next.Rev, none)))
	e.wantIDs(e.find(b, itemQuery("owner", "y")))
	back := itemRecord(e.rev(), "a", "x", 1)
	e.must(e.commit(b, putOp(none.Rev, back)))
	e.wantIDs(e.find(b, itemQuery("owner", "x")), "a")
	e.must(e.commit(b, keyOp(record.Delete, back.Rev, "a")))
	e.wantIDs(e.find(b, itemQuery("owner", "x")))
	e.wantIDs(e.find(b, itemQuery("", "")))
}

func findNotByEmptyTerm(e *env) {
	b := e.backend()
	absent := itemRecord(e.rev(), "b", "", 1)
	absent.Row[0] = record.Value{}
	short := itemRecord(e.rev(), "c", "", 1)
	short.Row = nil
	e.must(e.commit(b, putOp(0, itemRecord(e.rev(), "a", "", 1)), putOp(0, absent), putOp(0, short)))
	e.wantIDs(e.find(b, itemQuery("", "")), "a", "b", "c")
	e.wantIDs(e.find(b, itemQuery("owner", "null")))
	e.wantRecord(*e.get(b, absent.Key), absent)
	e.wantRecord(*e.get(b, short.Key), short)
}

func findWholeRecords(e *env) {
	b := e.backend()
	r := itemRecord(e.rev(), "a", "x", 7)
	r.Expires = e.clock.Now()
	e.must(e.commit(b, putOp(0, r)))
	for _, q := range []record.Query{itemQuery("", ""), itemQuery("owner", "x")} {
		found, err := b.Find(e.ctx, q)
		e.must(err)
		if len(found) != 1 {
			e.Fatalf("found %d records, want 1", len(found))
		}
		e.wantRecord(found[0], r)
	}
}

func findPages(e *env) {
	b := e.backend()
	var ids []string
	for i := range 2*record.MaxPage + 50 {
		ids = append(ids, fmt.Sprintf("%s-%04d", strings.Repeat("k", i%3+1), i))
	}
	slices.Sort(ids)
	e.fill(b, "x", ids...)
	for _, q := range []record.Query{itemQuery("", ""), itemQuery("owner", "x")} {
		var got []string
		for {
			page := e.find(b, q)
			got = append(got, page...)
			if len(page) < q.Limit {
				break
			}
			q.After = page[len(page)-1]
		}
		if !slices.Equal(got, ids) {
			e.Errorf("paging by %q returned %d ids, want the %d stored ones in order", q.Term, len(got), len(ids))
		}
	}
}
