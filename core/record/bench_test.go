package record_test

import (
	"testing"

	"github.com/oneauth-go/oneauth/core/record"
)

func BenchmarkViewGet(b *testing.B) {
	ctx, _, _, db := opened(b, record.Options{})
	b.ReportAllocs()
	for b.Loop() {
		if err := db.View(ctx, func(tx *record.Tx) error { _, err := accounts.In(tx).Get("a"); return err }); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkUpdatePut(b *testing.B) {
	ctx, _, _, db := opened(b, record.Options{})
	b.ReportAllocs()
	for b.Loop() {
		if err := increment(ctx, db); err != nil {
			b.Fatal(err)
		}
	}
}
