package storetest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/oneauth-go/oneauth/core/record"
)

const (
	contenders = 3  // processes
	inEach     = 22 // goroutines in one of them
)

// Contend is what a process does that [Contenders] has started: it races for each token that standard input names, and for
// the claim to an id of that name, and tells on standard output how often it won each. Call it in TestMain where the
// environment says so, and exit.
func Contend(b record.Backend) error {
	ctx := context.Background()
	db, err := record.Open(ctx, b, record.Options{}, items.Kind())
	if err != nil {
		return err
	}
	if _, err := fmt.Println("ready"); err != nil {
		return err
	}
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		id := lines.Text()
		redeemed, err := winners(errUsed, func() error { return redeemItem(ctx, db, id) })
		claimed, err2 := winners(record.ErrExists, func() error {
			return updateItems(ctx, db, func(rows record.Rows[item]) error { return rows.Insert(&item{ID: "claim of " + id}) })
		})
		if err := errors.Join(err, err2); err != nil {
			return err
		}
		if _, err := fmt.Println(redeemed, claimed); err != nil {
			return err
		}
	}
	return nil
}

// winners runs f in many goroutines at once and counts for how many it returned nil; the others must fail with lost.
func winners(lost error, f func() error) (int64, error) {
	var won atomic.Int64
	var wg sync.WaitGroup
	errs := make(chan error, inEach)
	for range inEach {
		wg.Go(func() {
			if err := f(); err == nil {
				won.Add(1)
			} else if !errors.Is(err, lost) {
				errs <- err
			}
		})
	}
	wg.Wait()
	close(errs)
	return won.Load(), <-errs
}

// Contenders lets three processes of 22 goroutines each race for tokens and claims over one data set, STORETEST_ROUNDS
// times: one wins each, and no other error surfaces. The test binary is started with env, at which it must call [Contend].
func Contenders(t *testing.T, open func() (record.Backend, error), env ...string) {
	t.Helper()
	db := openItems(t, open)
	var all []contender
	for range contenders {
		all = append(all, startContender(t, env))
	}
	n := rounds(testing.Short())
	for round := range n {
		id := fmt.Sprint("token ", round)
		err := updateItems(t.Context(), db, func(rows record.Rows[item]) error { return rows.Insert(&item{ID: id}) })
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range all {
			if _, err := fmt.Fprintln(c.in, id); err != nil {
				t.Fatal(err)
			}
		}
		var redeemed, claimed int
		for _, c := range all {
			var r, k int
			line, err := c.out.ReadString('\n')
			if err == nil {
				_, err = fmt.Fscan(strings.NewReader(line), &r, &k)
			}
			if err != nil {
				t.Fatalf("a process answered %q: %v", line, err)
			}
			redeemed, claimed = redeemed+r, claimed+k
		}
		if redeemed != 1 || claimed != 1 {
			t.Fatalf("round %d: %d redeemed and %d claimed, want one each", round, redeemed, claimed)
		}
	}
	t.Logf("%d rounds, one winner in each", n)
}

// contender is a process and the pipes to it.
type contender struct {
	in  io.Writer
	out *bufio.Reader
}

func startContender(t *testing.T, env []string) contender {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env, cmd.Stderr = append(os.Environ(), env...), os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("a process ended with %v", err)
		}
	})
	c := contender{in, bufio.NewReader(out)}
	if line, err := c.out.ReadString('\n'); err != nil || line != "ready\n" {
		t.Fatalf("a process says %q, %v", line, err)
	}
	return c
}
