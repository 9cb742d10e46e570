package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
)

// Bound is one promised figure.
type Bound struct {
	What    string  // for people
	Of      string  // package and benchmark: "apiauth BenchmarkAPIMiddleware/HS256"
	Unit    string  // of the benchmark's output; default ns/op
	Against string  // another benchmark, or the same: the figure is then the ratio of both
	Over    string  // unit of Against's output; default Unit
	Inverse bool    // the ratio is of speeds, not of times: Against divided by Of
	Most    float64 // bound from above; 0 is none, unless Least is 0 too
	Least   float64 // bound from below; 0 is none
	Plus    string  // a unit of the same benchmark whose value is added to Most, such as what one fsync costs there
}

func (b Bound) unit() string {
	if b.Unit == "" {
		return "ns/op"
	}
	return b.Unit
}

// value returns the figure, as a number and for people.
func (b Bound) value(all Results) (v float64, text string, ok bool) {
	own := all[b.Of][b.unit()]
	if b.Against == "" {
		v, ok = median(own)
		return v, figure(v, b.unit()), ok
	}
	other := all[b.Against][cmp.Or(b.Over, b.unit())]
	v, ok = ratio(own, other)
	if b.Inverse {
		v, ok = ratio(other, own)
	}
	x, _ := median(own)
	y, _ := median(other)
	return v, fmt.Sprintf("%.2fx (%s, %s)", v, figure(x, b.unit()), figure(y, b.unit())), ok
}

func (b Bound) holds(v float64, all Results) bool {
	if b.Least > 0 {
		return v >= b.Least
	}
	return v <= b.most(all)
}

// most is the bound from above, with what the benchmark itself adds to it.
func (b Bound) most(all Results) float64 {
	plus, _ := median(all[b.Of][b.Plus])
	return b.Most + plus
}

func (b Bound) limit(all Results) string {
	sign, v := "<=", b.most(all)
	if b.Least > 0 {
		sign, v = ">=", b.Least
	}
	if b.Against != "" {
		return fmt.Sprintf("%s %.2fx", sign, v)
	}
	return sign + " " + figure(v, b.unit())
}

// figure writes a value of a unit with three digits or so.
func figure(v float64, unit string) string {
	switch name, _, _ := strings.Cut(unit, "-"); {
	case name == "ns/op" || name == "ns":
		switch {
		case v >= 1e9:
			return fmt.Sprintf("%.3g s", v/1e9)
		case v >= 1e6:
			return fmt.Sprintf("%.3g ms", v/1e6)
		case v >= 1e3:
			return fmt.Sprintf("%.3g us", v/1e3)
		}
		return fmt.Sprintf("%.3g ns", v)
	case unit == "allocs/op":
		return fmt.Sprintf("%g allocs", v)
	}
	name, rest, _ := strings.Cut(unit, "-")
	if strings.HasPrefix(rest, "MiB") {
		name = "MiB"
	}
	return fmt.Sprintf("%.4g %s", v, name)
}

// Report prints every bound with what was measured, as a Markdown table, and returns how many are missed or were not measured.
func Report(w io.Writer, bounds []Bound, all Results) (missed int, err error) {
	tab := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tab, "| What\t| Bound\t| Measured\t| |")
	fmt.Fprintln(tab, "|---\t|---\t|---\t|---|")
	for _, b := range bounds {
		v, text, ok := b.value(all)
		verdict := "ok"
		switch {
		case !ok:
			text, verdict = "-", "NOT MEASURED"
		case !b.holds(v, all):
			verdict = "MISSED"
		}
		if verdict != "ok" {
			missed++
		}
		fmt.Fprintf(tab, "| %s\t| %s\t| %s\t| %s |\n", b.What, b.limit(all), text, verdict)
	}
	return missed, tab.Flush()
}

// packages returns the packages that the bounds name, each once.
func packages(bounds []Bound) (all []string) {
	for _, b := range bounds {
		for _, name := range []string{b.Of, b.Against} {
			if pkg, _, ok := strings.Cut(name, " "); ok && !slices.Contains(all, pkg) {
				all = append(all, pkg)
			}
		}
	}
	return all
}

// pattern returns what to give to -bench for one package: the top-level benchmarks that the bounds name.
func pattern(bounds []Bound, pkg string) string {
	var names []string
	for _, b := range bounds {
		for _, name := range []string{b.Of, b.Against} {
			in, bench, _ := strings.Cut(name, " ")
			top, _, _ := strings.Cut(bench, "/")
			if in == pkg && !slices.Contains(names, top) {
				names = append(names, top)
			}
		}
	}
	return "^(" + strings.Join(names, "|") + ")$"
}
