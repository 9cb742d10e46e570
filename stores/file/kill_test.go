package file_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/oneauth-go/oneauth/core/record"
	"github.com/oneauth-go/oneauth/stores/file"
)

// childEnv makes the test binary play a process that is killed; its value is the path of the store.
const childEnv = "ONEAUTH_TEST_CHILD"

func TestMain(m *testing.M) {
	if path := os.Getenv(childEnv); path != "" {
		if err := child(path); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

const writers = 8

// child writes with 8 goroutines until it is killed. Each goes on from what it finds, and reports what is acknowledged.
// Meanwhile it compacts, so that some kills hit that.
func child(path string) error {
	store, err := file.Open(path, file.Options{})
	if err != nil {
		return err
	}
	db, err := record.Open(inTenant, store, record.Options{}, kinds...)
	if err != nil {
		return err
	}
	var wg sync.WaitGroup
	errs := make(chan error, writers+1)
	for g := range writers {
		wg.Go(func() { errs <- extend(db, g) })
	}
	wg.Go(func() {
		for {
			if err := store.Compact(context.Background()); err != nil {
				errs <- err
				return
			}
		}
	})
	return <-errs
}

// extend appends to chain g: each commit deletes the token of the one before and inserts its own.
func extend(db *record.DB, g int) error {
	for {
		var n int64
		err := db.Update(inTenant, func(tx *record.Tx) error {
			a, err := accounts.In(tx).Get(chain(g))
			if errors.Is(err, record.ErrNotFound) {
				a, err = &account{ID: chain(g)}, nil
			}
			if err != nil {
				return err
			}
			if err := sessions.In(tx).Delete(link(g, a.N)); err != nil {
				return err
			}
			a.N++
			n = a.N
			if err := sessions.In(tx).Insert(&session{ID: link(g, n), UserID: chain(g), N: n}); err != nil {
				return err
			}
			return accounts.In(tx).Set(a)
		})
		if err != nil {
			return err
		}
		if _, err := fmt.Printf("%d %d\n", g, n); err != nil { // one write to the pipe
			return err
		}
	}
}

func chain(g int) string         { return fmt.Sprint("chain", g) }
func link(g int, n int64) string { return fmt.Sprintf("chain%d-%d", g, n) }

// A process that is killed while it writes loses no acknowledged write and brings nothing back that was deleted.
func TestKill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "auth.db")
	var acked [writers]int64
	for range rounds(20) {
		killed(t, path, &acked, 20+rand.IntN(300))
		store, db := open(t, path, file.Options{})
		if err := store.Verify(context.Background()); err != nil {
			t.Fatal(err)
		}
		for g := range acked {
			if err := checkChain(db, g, &acked[g]); err != nil {
				t.Fatal(err)
			}
		}
		if err := store.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// killed runs a child, kills it after some acknowledgements, and notes all that it still reported.
func killed(t *testing.T, path string, acked *[writers]int64, after int) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+path)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	for i := 0; ; i++ {
		if i == after {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
		line, err := lines.ReadString('\n')
		if err != nil {
			if !errors.Is(err, io.EOF) || i < after {
				t.Fatalf("the child ended after %d commits: %v\n%s", i, err, stderr.String())
			}
			break
		}
		var g int
		var n int64
		if _, err := fmt.Sscanf(line, "%d %d\n", &g, &n); err != nil {
			t.Fatalf("the child reported %q", line)
		}
		acked[g] = max(acked[g], n)
	}
	if state := cmd.Wait(); state == nil {
		t.Fatal("the child was not killed")
	} else if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || !status.Signaled() {
		t.Fatalf("the child was not killed: %v\n%s", state, stderr.String())
	}
}

// checkChain makes sure that a chain is at least as long as acknowledged, and has exactly its last link.
func checkChain(db *record.DB, g int, acked *int64) error {
	return db.View(inTenant, func(tx *record.Tx) error {
		a, err := accounts.In(tx).Get(chain(g))
		if errors.Is(err, record.ErrNotFound) && *acked == 0 {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: %w", chain(g), err)
		}
		if a.N < *acked {
			return fmt.Errorf("%s is at %d, %d was acknowledged", chain(g), a.N, *acked)
		}
		*acked = a.N
		links, err := sessions.In(tx).Find("user_id", chain(g), record.Page{})
		if err != nil || len(links) != 1 || links[0].ID != link(g, a.N) {
			return fmt.Errorf("%s at %d has %d links: a deleted one lives again (%v)", chain(g), a.N, len(links), err)
		}
		return nil
	})
}
