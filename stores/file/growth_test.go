package file_test

import (
	"path/filepath"
	"strconv"
	"testing"

	"github.com/oneauth-go/oneauth/internal/population"
	"github.com/oneauth-go/oneauth/stores/file"
)

// BenchmarkGrowth measures each operation among more and more users: see population.Growth.
//
//	ONEAUTH_GROWTH=1000,100000,1000000 go test -run '^$' -bench '^BenchmarkGrowth$' -benchtime 1x -timeout 120m ./stores/file
func BenchmarkGrowth(b *testing.B) {
	dir := b.TempDir()
	population.Growth(b, func(users int) population.Place {
		store, err := file.Open(filepath.Join(dir, strconv.Itoa(users)), file.Options{})
		if err != nil {
			b.Fatal(err)
		}
		return population.Place{Store: store, Add: population.Committing(b, store)}
	})
}
