package record_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/oneauth-go/oneauth/core/record"
)

// silent is a store whose server does not answer any more: calls end when their context does.
type silent struct{ record.Backend }

func (silent) Prepare(context.Context, record.Schema) error { return nil }

func (silent) Get(ctx context.Context, _ ...record.Key) ([]record.Record, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func (s silent) Find(ctx context.Context, _ record.Query) ([]record.Record, error) { return s.Get(ctx) }

type note struct {
	ID string `record:"id"`
}

// Nobody waits for ever for a store that does not answer, whatever the request's own context allows.
func TestSilentStore(t *testing.T) {
	notes := record.Define[note]("note", 1)
	for name, read := range map[string]func(*record.Tx) error{
		"Get":  func(tx *record.Tx) error { _, err := notes.In(tx).Get("1"); return err },
		"Find": func(tx *record.Tx) error { _, err := notes.In(tx).All(record.Page{}); return err },
	} {
		synctest.Test(t, func(t *testing.T) {
			db, err := record.Open(t.Context(), silent{}, record.Options{RetryFor: 7 * time.Second}, notes.Kind())
			if err != nil {
				t.Fatal(err)
			}
			ctx := record.WithTenant(t.Context(), "main")
			for kind, run := range map[string]func(context.Context, func(*record.Tx) error) error{"View": db.View, "Update": db.Update} {
				began := time.Now()
				if err := run(ctx, read); err == nil || errors.Is(err, record.ErrNotFound) {
					t.Errorf("%s, %s: %v", kind, name, err)
				}
				if took := time.Since(began); took < 7*time.Second || took > 8*time.Second {
					t.Errorf("%s, %s waits %v", kind, name, took)
				}
			}
		})
	}
}
