// Benchratio measures the figures that docs/performance.md promises, and prints each with its bound:
//
//	go run ./internal/benchratio            # the benchmarks of bounds.go, six rounds
//	go run ./internal/benchratio -large     # a million users in stores/file; takes minutes and 8 GB of disk
//	go run ./internal/benchratio -stores    # the stores: against hand-written statements; six rounds
//	go run ./internal/benchratio -growth    # the stores with a thousand and a million users; takes an hour and 20 GB of disk
//	go run ./internal/benchratio -in out    # judges the saved output of go test -bench
//
// A figure is the median of the rounds, and a ratio the median of the ratios of each round: a round runs both sides one
// after the other, so that a machine that is slow for a while is slow for both. With -check a missed or unmeasured bound
// makes the exit status 1.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

func main() {
	rounds := flag.Int("rounds", 6, "how often to run every benchmark")
	benchtime := flag.String("benchtime", "1s", "as for go test")
	large := flag.Bool("large", false, "the figures of a large file store instead")
	stores := flag.Bool("stores", false, "the figures of the stores against hand-written statements instead")
	growth := flag.Bool("growth", false, "the figures of stores that grow instead")
	in := flag.String("in", "", "file with the output of go test -bench, instead of running it; - is standard input")
	check := flag.Bool("check", false, "fail when a bound is missed or was not measured")
	flag.Parse()
	bounds := Bounds
	switch {
	case *large:
		bounds, *rounds, *benchtime = LargeBounds, 1, "1x"
	case *growth:
		bounds, *rounds, *benchtime = GrowthBounds, 1, "1x"
	case *stores:
		bounds, *benchtime = StoreBounds, "3s" // a turn takes hundredths of a second
	}
	missed, err := run(os.Stdout, bounds, *in, *rounds, *benchtime)
	if err != nil {
		fmt.Fprintln(os.Stderr, "benchratio:", err)
		os.Exit(2)
	}
	if *check && missed > 0 {
		fmt.Fprintf(os.Stderr, "benchratio: %d bounds missed\n", missed)
		os.Exit(1)
	}
}

func run(w io.Writer, bounds []Bound, in string, rounds int, benchtime string) (missed int, err error) {
	var text []byte
	switch in {
	case "":
		text, err = measure(bounds, rounds, benchtime)
	case "-":
		text, err = io.ReadAll(os.Stdin)
	default:
		text, err = os.ReadFile(in)
	}
	if err != nil {
		return 0, err
	}
	return Report(w, bounds, Parse(string(text)))
}

// measure runs the benchmarks that the bounds name, round by round, package by package.
func measure(bounds []Bound, rounds int, benchtime string) ([]byte, error) {
	var out bytes.Buffer
	for round := range rounds {
		for _, pkg := range packages(bounds) {
			fmt.Fprintf(os.Stderr, "round %d of %d: %s\n", round+1, rounds, pkg)
			cmd := exec.Command("go", "test", "-run", "^$", "-bench", pattern(bounds, pkg), "-benchmem", "-benchtime", benchtime,
				"-timeout", "120m", "./"+pkg)
			cmd.Env = append(os.Environ(), "ONEAUTH_LARGE=1", "ONEAUTH_GROWTH=1000,100000,1000000")
			cmd.Stderr = os.Stderr
			text, err := cmd.Output()
			if err != nil {
				os.Stderr.Write(text)
				return nil, fmt.Errorf("%s: %w", strings.Join(cmd.Args, " "), err)
			}
			out.Write(text)
		}
	}
	if out.Len() == 0 {
		return nil, errors.New("no benchmark ran")
	}
	return out.Bytes(), nil
}
