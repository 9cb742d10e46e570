package datastore_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/oneauth-go/oneauth/core/record"
)

// The bounds of a page may be any text, also one that is longer than a key.
func TestBoundsLongerThanAKey(t *testing.T) {
	for name, begin := range places(t) {
		t.Run(name, func(t *testing.T) {
			s := begin(t).prepared(t)
			long := strings.Repeat("ü", record.MaxID/2)
			ids := []string{"a", long, "z"}
			slices.Sort(ids)
			for _, id := range ids {
				noError(t, s.Commit(t.Context(), []record.Op{putNote(0, 1, id, "x")}))
			}
			longer := strings.Repeat("ü", 3000)
			for _, c := range []struct {
				query record.Query
				want  []string
			}{
				{record.Query{From: longer}, nil},
				{record.Query{After: longer}, nil},
				{record.Query{To: longer}, ids},
				{record.Query{After: "a", To: longer}, ids[1:]},
				{record.Query{From: "b" + longer}, ids[1:]},
				{record.Query{From: "b" + longer, To: "y" + longer}, nil},
			} {
				q := c.query
				q.Tenant, q.Kind, q.Term, q.Value, q.Limit = "acme", "note", "owner", "x", 10
				found, err := s.Find(t.Context(), q)
				noError(t, err)
				var got []string
				for _, r := range found {
					got = append(got, r.ID)
				}
				if !slices.Equal(got, c.want) {
					t.Errorf("From %.5q After %.5q To %.5q: found %.20q, want %.20q", q.From, q.After, q.To, got, c.want)
				}
			}
		})
	}
}
