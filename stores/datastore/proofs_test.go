package datastore_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	client "cloud.google.com/go/datastore"

	"github.com/oneauth-go/oneauth/core/record"
	"github.com/oneauth-go/oneauth/internal/storeproof"
	"github.com/oneauth-go/oneauth/stores/datastore"
	"github.com/oneauth-go/oneauth/stores/datastore/internal/dstest"
	"github.com/oneauth-go/oneauth/stores/storetest"
)

// contendEnv makes the test binary play another process of an installation; its value is a place, and where the server is
// our own, its address.
const contendEnv = "ONEAUTH_TEST_DATASTORE"

func TestMain(m *testing.M) {
	if text := os.Getenv(contendEnv); text != "" {
		if err := contend(text); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// text names the place for another process.
func (p place) text() string {
	return fmt.Sprintf("%d %s", p.options.Tenancy, p.options.Namespace)
}

func contend(text string) error {
	var o datastore.Options
	tenancy, namespace, _ := strings.Cut(text, " ")
	if _, err := fmt.Sscan(tenancy, &o.Tenancy); err != nil {
		return err
	}
	o.Namespace = namespace
	c, err := client.NewClient(context.Background(), project())
	if err != nil {
		return err
	}
	defer c.Close()
	store, err := datastore.Open(context.Background(), c, o)
	if err != nil {
		return err
	}
	return storeproof.Contend(store)
}

func (p place) harness(t *testing.T) storetest.Harness {
	return storetest.Harness{Open: func() (record.Backend, error) { return p.open(t), nil }}
}

// onPlaces runs a test in every place.
func onPlaces(t *testing.T, run func(t *testing.T, p place)) {
	for name, begin := range places(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run(t, begin(t))
		})
	}
}

// Of 66 contenders in three processes one wins, whatever they fight over.
func TestProcesses(t *testing.T) {
	onPlaces(t, func(t *testing.T, p place) {
		env := []string{contendEnv + "=" + p.text()}
		if p.server != nil {
			env = append(env, "DATASTORE_EMULATOR_HOST="+p.server.Addr(), "ONEAUTH_TEST_DATASTORE_PROJECT="+dstest.Project)
		}
		storeproof.Contenders(t, p.harness(t), env...)
	})
}

func TestOneWinner(t *testing.T) {
	onPlaces(t, func(t *testing.T, p place) { storeproof.OneWinner(t, p.harness(t)) })
}

func TestA30HostileValues(t *testing.T) {
	onPlaces(t, func(t *testing.T, p place) { storeproof.HostileValues(t, p.harness(t)) })
}

// The faults are above the store: one mode and tenancy will do.
func TestA24FailsClosed(t *testing.T) {
	onPlaces(t, func(t *testing.T, p place) {
		if p.options.Tenancy == datastore.Shared && (p.server == nil || p.server.Mode() == dstest.Optimistic) {
			storeproof.FailsClosed(t, p.harness(t))
		}
	})
}

// The dump is every name, and every text and every bytes in all entities.
func TestA32Dump(t *testing.T) {
	onPlaces(t, func(t *testing.T, p place) {
		if p.server == nil {
			t.Log("not run: a dump of a database that others may use")
			return
		}
		storeproof.DumpSignsNobodyIn(t, p.harness(t), func(testing.TB) (all []string) {
			for _, e := range p.server.Entities() {
				all = append(all, e.Key.Path[0].GetName())
				for _, v := range e.Properties {
					all = append(all, v.GetStringValue(), string(v.GetBlobValue()))
				}
			}
			return all
		})
	})
}
