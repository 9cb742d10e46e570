package transfer_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/oneauth-go/oneauth/core/record"
	"github.com/oneauth-go/oneauth/stores/file"
	"github.com/oneauth-go/oneauth/stores/transfer"
)

// childEnv makes the test binary play a process that is killed; its value is the folder of both stores.
const childEnv = "ONEAUTH_TEST_CHILD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childEnv); dir != "" {
		if err := child(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// openLive opens both stores of a folder, as a process does when it starts.
func openLive(dir string) (*transfer.Live, *record.DB, error) {
	from, err := file.Open(filepath.Join(dir, "from.db"), file.Options{})
	if err != nil {
		return nil, nil, err
	}
	to, err := file.Open(filepath.Join(dir, "to.db"), file.Options{})
	if err != nil {
		return nil, nil, err
	}
	live := transfer.NewLive(from, to)
	db, err := record.Open(context.Background(), live, record.Options{}, kinds...)
	return live, db, err
}

// child writes with 16 goroutines and moves meanwhile, until it is killed. It reports what is acknowledged, and how far the
// move is.
func child(dir string) error {
	live, db, err := openLive(dir)
	if err != nil {
		return err
	}
	errs := make(chan error, writers+1)
	for g := range writers {
		go func() {
			for {
				n, err := extend(db, context.Background(), g)
				if err != nil {
					errs <- err
					return
				}
				fmt.Printf("%d %d\n", g, n) // one write to the pipe
			}
		}()
	}
	if !live.Moved() {
		go func() {
			_, err := live.Move(context.Background(), transfer.Options{Progress: func(transfer.Progress) { fmt.Println("on the way") }})
			if err != nil {
				errs <- err
				return
			}
			fmt.Println("moved")
		}()
	}
	return <-errs
}

// A process is killed at any moment of a move under load. It starts again on the store that is the truth, whichever that is,
// and nothing that was acknowledged is lost.
func TestKill(t *testing.T) {
	dir, acked := "", [writers]int64{}
	var before, after int
	for range rounds(12) {
		if dir == "" {
			dir, acked = t.TempDir(), [writers]int64{}
			from, err := file.Open(filepath.Join(dir, "from.db"), file.Options{})
			must(t, err)
			filled(t, from, 500)
			must(t, from.Close())
		}
		said := killed(t, dir, &acked, 1+rand.IntN(60))
		live, db, err := openLive(dir)
		must(t, err)
		if said && !live.Moved() {
			t.Fatal("it had moved, and is on the source again")
		}
		for g := range acked {
			if err := checkChain(db, g, acked[g]); err != nil {
				t.Fatalf("moved is %v: %v", live.Moved(), err)
			}
			acked[g] = at(t, db, g) // the kill may have cut off one acknowledgement, and the next kill one more
		}
		must(t, live.Close())
		if before++; live.Moved() {
			before--
			after++
			dir = ""
		}
	}
	t.Logf("killed %d times before the switch, %d times after it", before, after)
}

// killed runs a child, kills it after it has reported that many steps of the move, or some work after it, and notes all that
// it still reported.
func killed(t *testing.T, dir string, acked *[writers]int64, after int) (moved bool) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	defer func() { _ = cmd.Wait() }()
	lines := bufio.NewReader(out)
	for n := 0; ; {
		line, err := lines.ReadString('\n')
		if err == io.EOF {
			return moved
		}
		must(t, err)
		switch line = strings.TrimSpace(line); line {
		case "moved":
			moved = true
			n++
		case "on the way":
			n++
		default:
			var g int
			var step int64
			if _, err := fmt.Sscan(line, &g, &step); err != nil {
				t.Fatalf("the child says %q: %v", line, err)
			}
			acked[g] = step
			if moved {
				n++
			}
		}
		if n == after {
			must(t, cmd.Process.Kill())
		}
	}
}
