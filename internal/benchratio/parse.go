package main

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// module is what the package names in the output begin with.
const module = "github.com/oneauth-go/oneauth/"

// Results holds what was measured: by benchmark ("apiauth BenchmarkAPIMiddleware/HS256"), by unit ("ns/op"), one value
// per round.
type Results map[string]map[string][]float64

// procs is what go test appends to a benchmark's name: GOMAXPROCS.
var procs = regexp.MustCompile(`-\d+$`)

// Parse reads the output of go test -bench. Lines that are no results are skipped.
func Parse(text string) Results {
	all, pkg := Results{}, ""
	for line := range strings.Lines(text) {
		if name, ok := strings.CutPrefix(line, "pkg: "); ok {
			pkg = strings.TrimPrefix(strings.TrimSpace(name), module)
			continue
		}
		f := strings.Fields(line)
		if len(f) < 4 || !strings.HasPrefix(f[0], "Benchmark") {
			continue
		}
		if _, err := strconv.Atoi(f[1]); err != nil {
			continue
		}
		name := pkg + " " + procs.ReplaceAllString(f[0], "")
		if all[name] == nil {
			all[name] = map[string][]float64{}
		}
		for i := 2; i+1 < len(f); i += 2 {
			if v, err := strconv.ParseFloat(f[i], 64); err == nil {
				all[name][f[i+1]] = append(all[name][f[i+1]], v)
			}
		}
	}
	return all
}

// median returns the median; false when there is nothing.
func median(values []float64) (float64, bool) {
	if len(values) == 0 {
		return 0, false
	}
	s := slices.Sorted(slices.Values(values))
	if n := len(s); n%2 == 0 {
		return (s[n/2-1] + s[n/2]) / 2, true
	}
	return s[len(s)/2], true
}

// ratio returns the median of the ratios round by round, or of the medians where the rounds do not match.
func ratio(values, against []float64) (float64, bool) {
	if len(values) != len(against) {
		v, ok1 := median(values)
		a, ok2 := median(against)
		return v / a, ok1 && ok2 && a != 0
	}
	var each []float64
	for i, v := range values {
		if against[i] != 0 {
			each = append(each, v/against[i])
		}
	}
	return median(each)
}
