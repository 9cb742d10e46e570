package file

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/oneauth-go/oneauth/core/record"
)

type note struct {
	ID    string `record:"id"`
	Owner string `record:"owner,term"`
}

var notes = record.Define[note]("note", 1)

// A compaction that ends at any of its steps, as with a crash, leaves a whole file under the name with every commit that
// was acknowledged until then.
func TestCompactionBrokenOffAtEachStep(t *testing.T) {
	ctx := record.WithTenant(context.Background(), "acme")
	for _, step := range []string{"created", "copied", "caught up", "synced", "renamed", "done"} {
		t.Run(step, func(t *testing.T) {
			path, frozen := filepath.Join(t.TempDir(), "auth.db"), filepath.Join(t.TempDir(), "frozen.db")
			acked := 0
			var db *record.DB
			insert := func() {
				err := db.Update(ctx, func(tx *record.Tx) error {
					return notes.In(tx).Insert(&note{ID: fmt.Sprint(acked), Owner: "x"})
				})
				if err != nil {
					t.Fatal(err)
				}
				acked++
			}
			store, err := Open(path, Options{CompactAt: -1, step: func(name string) {
				if name == "created" || name == "copied" || name == "caught up" { // the writer is not held
					insert()
				}
				if name == step { // what a crash would leave
					freeze(t, path, frozen)
				}
			}})
			if err != nil {
				t.Fatal(err)
			}
			defer store.Close()
			if db, err = record.Open(ctx, store, record.Options{}, notes.Kind()); err != nil {
				t.Fatal(err)
			}
			for range 50 {
				insert()
			}
			want := map[string]int{"created": 51, "copied": 52}[step]
			if want == 0 {
				want = 53
			}
			if err := store.Compact(ctx); err != nil {
				t.Fatal(err)
			}
			check(t, ctx, frozen, want)
		})
	}
}

// freeze copies the file, and the unfinished copy beside it where there is one.
func freeze(t *testing.T, path, to string) {
	for _, suffix := range []string{"", ".compact"} {
		b, err := os.ReadFile(path + suffix)
		if err == nil {
			err = os.WriteFile(to+suffix, b, 0o600)
		}
		if err != nil && !(suffix != "" && errors.Is(err, os.ErrNotExist)) {
			t.Fatal(err)
		}
	}
}

func check(t *testing.T, ctx context.Context, path string, want int) {
	store, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if _, err := os.Stat(path + ".compact"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the unfinished copy is still there: %v", err)
	}
	if err := store.Verify(ctx); err != nil {
		t.Error(err)
	}
	q := record.Query{Tenant: "acme", Kind: "note", Term: "owner", Value: "x", Limit: record.MaxPage}
	if found, err := store.Find(ctx, q); err != nil || len(found) != want {
		t.Errorf("found %d notes, %v, want %d", len(found), err, want)
	}
}
