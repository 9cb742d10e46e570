package storetest

import (
	"strings"
	"testing"

	"github.com/oneauth-go/oneauth/core/record"
	"github.com/oneauth-go/oneauth/stores/mem"
)

// naive are stores with one mistake each, and a law that must catch it, among others.
var naive = []struct {
	name   string
	open   func() Harness
	caught []string
}{
	{"ignores Check", wrapped(func(b record.Backend) record.Backend { return ignoresCheck{b} }),
		[]string{"Commit/checks without changing anything", "Skew/is excluded: of two that read what the other writes one commits"}},
	{"commits one operation after the other", wrapped(func(b record.Backend) record.Backend { return piecemeal{b} }),
		[]string{"Commit/applies all or none, whichever operation fails"}},
	{"checks, then acts", wrapped(func(b record.Backend) record.Backend { return checkThenAct{b} }),
		[]string{"Race/for a claim has exactly one winner", "Race/for a one-time token has exactly one winner", "Race/for a counter loses no increment"}},
	{"validates checks by reading them first", wrapped(func(b record.Backend) record.Backend { return plainRead{b} }),
		[]string{"Skew/is excluded at the backend: check against write", "Skew/is excluded: of two that read what the other writes one commits"}},
	{"caches reads in each instance", wrapped(func(b record.Backend) record.Backend { return &caching{Backend: b} }),
		[]string{"Get/sees every acknowledged commit, on every instance", "Transaction/of several instances sees what others committed"}},
	{"ignores To", wrapped(func(b record.Backend) record.Backend { return ignoresTo{b} }),
		[]string{"Find/keeps From <= id < To and id > After"}},
	{"orders by a collation", wrapped(func(b record.Backend) record.Backend { return collates{b} }),
		[]string{"Find/lists a kind in ascending byte order of ids", "Keys/are literal and distinct, whatever they mean elsewhere"}},
	{"takes ids that differ in case for the same", rekeyed(strings.ToLower),
		[]string{"Keys/are literal and distinct, whatever they mean elsewhere"}},
	{"trims trailing spaces in ids", rekeyed(func(id string) string { return strings.TrimRight(id, " ") }),
		[]string{"Keys/are literal and distinct, whatever they mean elsewhere"}},
	{"hands out its own rows", wrapped(func(b record.Backend) record.Backend {
		return &handsOut{Backend: b, rows: map[int64]record.Row{}}
	}),
		[]string{"Get/returns fresh copies"}},
	{"sweeps what was renewed", wrapped(func(b record.Backend) record.Backend { return sweepsRenewed{b} }),
		[]string{"Sweep/never removes what a concurrent commit renewed"}},
	{"sweeps without a limit", wrapped(func(b record.Backend) record.Backend { return sweepsAll{b} }),
		[]string{"Sweep/removes at most limit records"}},
	{"says that a lost commit was applied", wrapped(func(b record.Backend) record.Backend { return optimist{b} }),
		[]string{"Context/ended before a call fails it and changes nothing"}},
	{"leaves terms behind", wrapped(func(b record.Backend) record.Backend {
		return &leavesTerms{Backend: b, first: map[record.Key]string{}}
	}),
		[]string{"Find/follows a term when it changes, is emptied and is deleted"}},
	{"drops the fields of newer releases", wrapped(func(b record.Backend) record.Backend { return dropsFields{b} }),
		[]string{"Versions/fields of a newer release survive an older writer", "Prepare/is safe while others run with an older schema"}},
	{"keeps times in seconds", wrapped(func(b record.Backend) record.Backend { return seconds{b} }),
		[]string{"Sweep/removes what expired before the given time, and nothing else"}},
	{"hides expired records", wrapped(func(b record.Backend) record.Backend { return hidesExpired{b} }),
		[]string{"Get/returns expired records"}},
	{"forgets tenants", wrapped(func(b record.Backend) record.Backend { return forgetsTenants{b} }),
		[]string{"Keys/of tenants do not bleed into each other"}},
	{"keeps numbers as floats", wrapped(func(b record.Backend) record.Backend { return floats{b} }),
		[]string{"Values/of every type come back as they went in"}},
}

// wrapped opens instances that each wrap a handle on the same data.
func wrapped(wrap func(record.Backend) record.Backend) func() Harness {
	return func() Harness {
		root := mem.New()
		return Harness{Open: func() (record.Backend, error) { return wrap(root.Again()), nil }}
	}
}

func TestSuiteCatchesNaiveStores(t *testing.T) {
	for _, n := range naive {
		t.Run(n.name, func(t *testing.T) {
			for _, name := range n.caught {
				if complaints := Complaints(t, n.open(), name); len(complaints) == 0 {
					t.Errorf("the law %q does not catch a store that %s", name, n.name)
				} else {
					t.Logf("%s: %.200s", name, complaints[0])
				}
			}
		})
	}
}

// TestProbePasses shows that the probe itself finds nothing wrong with a store that works.
func TestProbePasses(t *testing.T) {
	for _, g := range groups {
		for _, l := range g.laws {
			open := wrapped(func(b record.Backend) record.Backend { return b })
			if complaints := try(t, l, open()); len(complaints) > 0 {
				t.Errorf("%s/%s: %q", g.name, l.name, complaints)
			}
		}
	}
}
