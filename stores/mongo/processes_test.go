package mongo_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"testing"

	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/oneauth-go/oneauth/core/record"
	"github.com/oneauth-go/oneauth/stores/mongo"
)

// The test binary is also the process that redeems tokens together with others of its kind.
func TestMain(m *testing.M) {
	if uri := os.Getenv("ONEAUTH_MONGO_REDEEMER"); uri != "" {
		if err := redeemer(uri, os.Getenv("ONEAUTH_MONGO_DATABASE"), tokens()); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// tokens is how many tokens are fought over: STORETEST_ROUNDS, or 20.
func tokens() int {
	if n, err := strconv.Atoi(os.Getenv("STORETEST_ROUNDS")); err == nil && n > 0 {
		return n
	}
	return 20
}

// Three processes with 22 goroutines each redeem every token: one of them all wins each, and no other error than "used" shows.
func TestOneWinnerAmongProcesses(t *testing.T) {
	onEach(t, func(t *testing.T, uri string) {
		store, db := prepared(t, uri)
		for i := range tokens() {
			if err := store.Commit(t.Context(), []record.Op{put(0, int64(i+1), fmt.Sprint("token", i), "", 0)}); err != nil {
				t.Fatal(err)
			}
		}
		var processes []*exec.Cmd
		var outputs [3]bytes.Buffer
		for i := range outputs {
			cmd := exec.CommandContext(t.Context(), os.Args[0])
			cmd.Env = append(os.Environ(), "ONEAUTH_MONGO_REDEEMER="+uri, "ONEAUTH_MONGO_DATABASE="+db.Name())
			cmd.Stdout, cmd.Stderr = &outputs[i], os.Stderr
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			processes = append(processes, cmd)
		}
		total := make([]int, tokens())
		for i, cmd := range processes {
			if err := cmd.Wait(); err != nil {
				t.Fatalf("process %d: %v", i, err)
			}
			var won []int
			if err := json.Unmarshal(outputs[i].Bytes(), &won); err != nil {
				t.Fatal(err)
			}
			for token, n := range won {
				total[token] += n
			}
		}
		for token, n := range total {
			if n != 1 {
				t.Errorf("token %d: %d winners, want 1", token, n)
			}
		}
	})
}

var errUsed = errors.New("used before")

// redeemer redeems n tokens from many goroutines, and prints how often it won each.
func redeemer(uri, name string, n int) error {
	ctx := context.Background()
	client, err := driver.Connect(options.Client().ApplyURI(uri))
	if err != nil {
		return err
	}
	defer func() { _ = client.Disconnect(ctx) }()
	store, err := mongo.Open(ctx, client.Database(name), mongo.Options{PurgeAfter: never})
	if err != nil {
		return err
	}
	db, err := record.Open(ctx, store, record.Options{}, things.Kind())
	if err != nil {
		return err
	}
	var mu sync.Mutex
	var failure error
	won := make([]int, n)
	for token := range n {
		var wg sync.WaitGroup
		for range 22 {
			wg.Go(func() {
				err := redeem(ctx, db, fmt.Sprint("token", token))
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil:
					won[token]++
				case !errors.Is(err, errUsed):
					failure = errors.Join(failure, err)
				}
			})
		}
		wg.Wait()
	}
	if failure != nil {
		return failure
	}
	return json.NewEncoder(os.Stdout).Encode(won)
}

// redeem uses up a token, or returns errUsed.
func redeem(ctx context.Context, db *record.DB, id string) error {
	return db.Update(record.WithTenant(ctx, "main"), func(tx *record.Tx) error {
		it, err := things.In(tx).Get(id)
		if err == nil && it.N != 0 {
			err = errUsed
		}
		if err != nil {
			return err
		}
		it.N = 1
		return things.In(tx).Put(it)
	})
}
