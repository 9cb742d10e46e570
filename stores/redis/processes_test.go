package redis_test

import (
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/oneauth-go/oneauth/internal/storeproof"
)

// contendEnv makes the test binary play another process of an installation; its value is the place.
const contendEnv = "ONEAUTH_TEST_REDIS"

func TestMain(m *testing.M) {
	if text := os.Getenv(contendEnv); text != "" {
		store, err := placeOf(text).open(context.Background())
		if err == nil {
			err = storeproof.Contend(store)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// Of 66 contenders in three processes one wins, whatever they fight over.
func TestProcesses(t *testing.T) {
	onPlaces(t, func(t *testing.T, p place) { storeproof.Contenders(t, p.harness(t), contendEnv+"="+p.text()) })
}
