package main

import (
	"slices"
	"strings"
	"testing"
)

// output is what go test -bench prints for three rounds of two benchmarks, and for one of another package.
const output = `goos: linux
pkg: github.com/oneauth-go/oneauth/apiauth
BenchmarkFast/one-2     	 1000000	       100 ns/op	      48 B/op	       3 allocs/op
BenchmarkSlow           	  100000	      1000 ns/op
BenchmarkFast/one-2     	 1000000	       300 ns/op	      48 B/op	       3 allocs/op
BenchmarkSlow           	  100000	      2000 ns/op
BenchmarkFast/one-2     	 1000000	       150 ns/op	      48 B/op	       3 allocs/op
BenchmarkSlow           	  100000	      1000 ns/op
PASS
ok  	github.com/oneauth-go/oneauth/apiauth	1.5s
pkg: github.com/oneauth-go/oneauth/stores/file
BenchmarkLarge 	       1	         0 ns/op	         0.5 ms-open	 7 us-write	 8 us-revoke
BenchmarkTurns/1-2 	       9	         0 ns/op	         1500 ns-ours	 1000 ns-theirs
`

func TestReport(t *testing.T) {
	bounds := []Bound{
		{What: "ratio", Most: 0.15, Of: "apiauth BenchmarkFast/one", Against: "apiauth BenchmarkSlow"},
		{What: "speed", Least: 7, Of: "apiauth BenchmarkFast/one", Against: "apiauth BenchmarkSlow", Inverse: true},
		{What: "time", Most: 149, Of: "apiauth BenchmarkFast/one"},
		{What: "allocations", Unit: "allocs/op", Most: 3, Of: "apiauth BenchmarkFast/one"},
		{What: "open", Unit: "ms-open", Most: 200, Of: "stores/file BenchmarkLarge"},
		{What: "revoke", Unit: "us-revoke", Most: 1, Plus: "us-write", Of: "stores/file BenchmarkLarge"},
		{What: "turns", Most: 1.2, Of: "stores/file BenchmarkTurns/1", Unit: "ns-ours", Against: "stores/file BenchmarkTurns/1", Over: "ns-theirs"},
		{What: "gone", Most: 1, Of: "apiauth BenchmarkGone"},
		{What: "against nothing", Most: 1, Of: "apiauth BenchmarkFast/one", Against: "apiauth BenchmarkGone"},
	}
	var out strings.Builder
	missed, err := Report(&out, bounds, Parse(output))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"| What | Bound | Measured | |",
		"|--- |--- |--- |---|",
		"| ratio | <= 0.15x | 0.15x (150 ns, 1 us) | ok |",
		"| speed | >= 7.00x | 6.67x (150 ns, 1 us) | MISSED |",
		"| time | <= 149 ns | 150 ns | MISSED |",
		"| allocations | <= 3 allocs | 3 allocs | ok |",
		"| open | <= 200 ms | 0.5 ms | ok |",
		"| revoke | <= 8 us | 8 us | ok |",
		"| turns | <= 1.20x | 1.50x (1.5 us, 1 us) | MISSED |",
		"| gone | <= 1 ns | - | NOT MEASURED |",
		"| against nothing | <= 1.00x | - | NOT MEASURED |",
	}
	var got []string
	for line := range strings.Lines(out.String()) {
		got = append(got, strings.Join(strings.Fields(line), " "))
	}
	if !slices.Equal(got, want) {
		t.Errorf("report is\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if missed != 5 {
		t.Errorf("%d missed, want 5", missed)
	}
}

// A ratio compares within a round: the second round was slow for both sides and changes nothing.
func TestRatioIsPerRound(t *testing.T) {
	if r, ok := ratio([]float64{10, 100, 10}, []float64{20, 200, 20}); !ok || r != 0.5 {
		t.Errorf("ratio is %v, want 0.5", r)
	}
	if r, ok := ratio([]float64{10, 30}, []float64{20}); !ok || r != 1 {
		t.Errorf("ratio of unequal rounds is %v, want that of the medians, 1", r)
	}
	if _, ok := ratio(nil, nil); ok {
		t.Error("a ratio of nothing")
	}
}

func TestWhatIsRun(t *testing.T) {
	if got := strings.Join(packages(Bounds), " "); !strings.Contains(got, "apiauth") {
		t.Errorf("packages are %q", got)
	}
	if got := pattern(Bounds, "apiauth"); got != "^(BenchmarkAPIMiddleware|BenchmarkReference)$" {
		t.Errorf("pattern is %q", got)
	}
	for _, b := range slices.Concat(Bounds, LargeBounds, StoreBounds, GrowthBounds) {
		if (b.Most > 0 || b.Plus != "") == (b.Least > 0) {
			t.Errorf("%s: a bound from above or from below, not both", b.What)
		}
	}
}
