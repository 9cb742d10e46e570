// Package storetest is the conformance suite of OneAuth's stores. A backend passes it or is not one:
//
//	func TestConformance(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) storetest.Harness {
//			path := filepath.Join(t.TempDir(), "data")
//			return storetest.Harness{Open: func() (record.Backend, error) { return file.Open(path) }, Single: true}
//		})
//	}
//
// Every sentence of [record.Backend] and every law of package record is a subtest, named after it. STORETEST_ROUNDS sets
// how often each race is run (default 5, with which the suite's own tests catch each store that is naive in one way;
// `make rounds` has 1,000), and how long random histories are. STORETEST_SEED repeats a failed run of these.
//
// [Killed] kills the server of a backend that has one, [Contenders] lets several processes race. [Faulty] wraps a backend
// with programmable faults, and [EachFault] runs a flow with every one of its store calls failing in every way.
// [Complaints] shows that a server which a test brings itself lets mistakes happen.
//
// What no suite can see from outside: that acknowledged commits survive a power cut (a backend tests its own syncing),
// that a commit reported as [record.ErrUnknown] really is in doubt, that a backend holds for clocks that differ between
// machines, and that it is safe between processes and not only between instances.
package storetest

import (
	"context"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/oneauth-go/oneauth/core/record"
)

// Harness is one data set under test, empty at first.
type Harness struct {
	// Open opens the data set. Unless Single, the suite holds several of what it returned open at once; they are to share
	// nothing above the backend, like processes.
	Open func() (record.Backend, error)

	// Single says that the data can be open once at a time. The suite then uses one instance where it would use several,
	// and checks that a second Open is refused.
	Single bool

	// Volatile says that the data is gone once every instance is closed.
	Volatile bool
}

// Run runs the suite. It calls open once for each subtest, for a fresh data set; t.TempDir and t.Cleanup of the subtest
// are open's to use. Instances are closed by the suite.
func Run(t *testing.T, open func(t *testing.T) Harness) {
	for _, g := range groups {
		t.Run(g.name, func(t *testing.T) {
			for _, l := range g.laws {
				t.Run(l.name, func(t *testing.T) {
					h := open(t)
					l.test(newEnv(t, h, rounds()))
				})
			}
		})
	}
}

// group is a part of the contract.
type group struct {
	name string
	laws []law
}

// law is one sentence of the contract and its test.
type law struct {
	name string
	test func(*env)
}

// groups is the whole suite.
var groups = []group{
	{"Prepare", prepareLaws},
	{"Get", getLaws},
	{"Find", findLaws},
	{"Commit", commitLaws},
	{"Sweep", sweepLaws},
	{"List", listLaws},
	{"Close", closeLaws},
	{"Keys", keyLaws},
	{"Values", valueLaws},
	{"Transaction", txLaws},
	{"Expiry", expiryLaws},
	{"Versions", versionLaws},
	{"Limits", limitLaws},
	{"Context", contextLaws},
	{"Unknown", unknownLaws},
	{"Race", raceLaws},
	{"Skew", skewLaws},
	{"Paging", pagingLaws},
	{"Model", modelLaws},
}

// T is what the suite needs of a *testing.T. The suite's own tests put something else in its place, to see it fail.
type T interface {
	Helper()
	Logf(format string, args ...any)
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
	Failed() bool
	Cleanup(func())
	Context() context.Context
}

const defaultRounds = 5

// rounds says how often to run a race.
func rounds() int {
	if n, err := strconv.Atoi(strings.TrimSpace(os.Getenv("STORETEST_ROUNDS"))); err == nil && n > 0 {
		return n
	}
	return defaultRounds
}

// seed returns the seed for random choices: STORETEST_SEED, or else the given one.
func seed(otherwise uint64) uint64 {
	if n, err := strconv.ParseUint(strings.TrimSpace(os.Getenv("STORETEST_SEED")), 10, 64); err == nil {
		return n
	}
	return otherwise
}
