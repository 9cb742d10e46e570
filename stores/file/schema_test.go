package file_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/oneauth-go/oneauth/core/record"
	"github.com/oneauth-go/oneauth/stores/file"
)

func kindOf(version int, fields ...record.Field) record.Schema {
	return record.Schema{Kinds: []*record.Kind{{Name: "member", Version: version, Fields: fields}}}
}

func TestSchemaThatDoesNotFit(t *testing.T) {
	store, err := file.Open(filepath.Join(t.TempDir(), "auth.db"), file.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	name, age := record.Field{Name: "name", Type: record.String}, record.Field{Name: "age", Type: record.Int}
	if err := store.Prepare(inTenant, kindOf(1, name, age)); err != nil {
		t.Fatal(err)
	}
	for what, c := range map[string]struct {
		schema record.Schema
		says   string
	}{
		"type":     {kindOf(2, name, record.Field{Name: "age", Type: record.Text}), "field age is of type int"},
		"position": {kindOf(2, age, name), "field 1 is name"},
		"renamed":  {kindOf(2, record.Field{Name: "nick", Type: record.String}, age), "field 1 is name"},
	} {
		err := store.Prepare(inTenant, c.schema)
		if !errors.Is(err, file.ErrSchema) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want ErrSchema with %q", what, err, c.says)
		}
	}
	if err := store.Prepare(inTenant, kindOf(1, name)); err != nil {
		t.Errorf("an older release: %v", err)
	}
}

// A term that is added later finds what was there before, in more records than one transaction indexes, and stays right
// when an older release writes.
func TestTermAddedLater(t *testing.T) {
	type older struct {
		ID   string `record:"id"`
		Team string `record:"team"`
	}
	type newer struct {
		ID   string `record:"id"`
		Team string `record:"team,term"`
	}
	before, after := record.Define[older]("member", 1), record.Define[newer]("member", 1)
	path := filepath.Join(t.TempDir(), "auth.db")
	store, err := file.Open(path, file.Options{})
	if err != nil {
		t.Fatal(err)
	}
	old, err := record.Open(inTenant, store, record.Options{}, before.Kind())
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < 5000; i += 250 {
		update(t, old, func(tx *record.Tx) error {
			for j := i; j < i+250; j++ {
				if err := before.In(tx).Insert(&older{ID: scattered("m", uint64(j)), Team: []string{"red", "blue"}[j%2]}); err != nil {
					return err
				}
			}
			return nil
		})
	}
	db, err := record.Open(inTenant, store, record.Options{}, after.Kind())
	if err != nil {
		t.Fatal(err)
	}
	update(t, old, func(tx *record.Tx) error {
		return before.In(tx).Set(&older{ID: scattered("m", 0), Team: "blue"})
	})
	for range 2 {
		verify(t, store)
		if n := members(t, db, after, "blue"); n != 2501 {
			t.Errorf("found %d blue members, want 2501", n)
		}
		store.Close()
		if store, err = file.Open(path, file.Options{}); err != nil {
			t.Fatal(err)
		}
		defer store.Close()
		if db, err = record.Open(context.Background(), store, record.Options{}, after.Kind()); err != nil {
			t.Fatal(err)
		}
	}
}

func members[T any](t *testing.T, db *record.DB, table *record.Table[T], team string) (n int) {
	t.Helper()
	err := db.View(inTenant, func(tx *record.Tx) error {
		for _, from := range []string{"0", "4", "8", "c"} { // pages by the first digit of the ids
			to := map[string]string{"0": "m_4", "4": "m_8", "8": "m_c", "c": ""}[from]
			found, err := table.In(tx).PeekFind("team", team, record.Page{From: "m_" + from, To: to})
			if err != nil {
				return err
			}
			n += len(found)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}
