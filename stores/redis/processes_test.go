package redis_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	goredis "github.com/redis/go-redis/v9"

	"github.com/oneauth-go/oneauth/core/record"
	"github.com/oneauth-go/oneauth/internal/parts"
	"github.com/oneauth-go/oneauth/stores/redis"
)

// childEnv makes the test binary play another process of an installation; its value is the server's address.
const childEnv = "ONEAUTH_TEST_REDIS"

func TestMain(m *testing.M) {
	if addr := os.Getenv(childEnv); addr != "" {
		if err := child(addr); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

const (
	processes = 3
	each      = 22 // goroutines in one process
)

// rounds says how often a race is run: STORETEST_ROUNDS, or else 10.
func rounds() int {
	if n, err := strconv.Atoi(os.Getenv("STORETEST_ROUNDS")); err == nil && n > 0 {
		return n
	}
	return 10
}

// child races for each token that it is told of, and claims an id of the same name, and answers how often it won each.
func child(addr string) error {
	ctx := context.Background()
	client := goredis.NewClient(&goredis.Options{Addr: addr, PoolSize: each})
	store, err := redis.Open(ctx, client, redis.Options{Log: quiet()})
	if err != nil {
		return err
	}
	db, err := record.Open(ctx, store, record.Options{}, tokens.Kind())
	if err != nil {
		return err
	}
	if _, err := fmt.Println("ready"); err != nil {
		return err
	}
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		id := lines.Text()
		redeemed, err := winners(errUsed, func() error { return redeem(ctx, db, id) })
		claimed, err2 := winners(record.ErrExists, func() error { return issue(ctx, db, "claim of "+id) })
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
	errs := make(chan error, each)
	for range each {
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

// process is a child and the pipes to it.
type process struct {
	in  io.Writer
	out *bufio.Reader
}

func startProcess(t *testing.T, addr string) process {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+addr)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	must(t, err)
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	t.Cleanup(func() {
		_ = in.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("a process ended with %v", err)
		}
	})
	p := process{in, bufio.NewReader(out)}
	if line, err := p.out.ReadString('\n'); err != nil || line != "ready\n" {
		t.Fatalf("a process says %q, %v", line, err)
	}
	return p
}

// Of 66 contenders in three processes, one redeems a token, and one claims an id.
func TestProcesses(t *testing.T) {
	server := parts.Redis(t, parts.Fast)
	if server == nil {
		return
	}
	db := openDB(t, open(t, dial(t, server.Addr())))
	var ps []process
	for range processes {
		ps = append(ps, startProcess(t, server.Addr()))
	}
	for round := range rounds() {
		id := fmt.Sprint("token ", round)
		must(t, issue(t.Context(), db, id))
		for _, p := range ps {
			_, err := fmt.Fprintln(p.in, id)
			must(t, err)
		}
		var redeemed, claimed int
		for _, p := range ps {
			line, err := p.out.ReadString('\n')
			must(t, err)
			var r, c int
			if _, err := fmt.Fscan(strings.NewReader(line), &r, &c); err != nil {
				t.Fatalf("a process answered %q", line)
			}
			redeemed, claimed = redeemed+r, claimed+c
		}
		if redeemed != 1 || claimed != 1 {
			t.Fatalf("round %d: %d redeemed and %d claimed, want one each", round, redeemed, claimed)
		}
	}
	t.Logf("%d rounds, one winner in each", rounds())
}
