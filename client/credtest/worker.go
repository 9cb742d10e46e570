package credtest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/oneauth-go/oneauth/client"
)

// workerEnv tells a process which work it was started for.
const workerEnv = "ONEAUTH_CREDTEST_WORKER"

const (
	loadTime   = 3 * time.Second // of the work "call"
	processes  = 2
	goroutines = 8
)

// Work does the work of a process that a test has started, and ends it. In all others it does nothing.
func Work(open func(place string) (client.Store, error)) {
	work := os.Getenv(workerEnv)
	if work == "" {
		return
	}
	if err := do(work, os.Args[1], os.Args[2], open); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func do(work, place, param string, open func(place string) (client.Store, error)) error {
	store, err := open(place)
	if err != nil {
		return err
	}
	switch work {
	case "count":
		return countUp(store, param)
	case "call":
		return call(store, param)
	case "refresh":
		return refresh(store, param)
	}
	return fmt.Errorf("there is no work %q", work)
}

// countUp adds one as often as it is told, and says each number when it is saved.
func countUp(store client.Store, times string) error {
	n, err := strconv.Atoi(times)
	for ; n > 0 && err == nil; n-- {
		var saved int
		if saved, err = count(context.Background(), store); err == nil {
			fmt.Println(saved)
		}
	}
	return err
}

// call calls the application at url from many goroutines.
func call(store client.Store, url string) error {
	c, err := client.New(url, client.WithStore(store))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), loadTime)
	defer cancel()
	h := c.HTTPClient()
	failures := make(chan error, goroutines)
	var all sync.WaitGroup
	for range goroutines {
		all.Go(func() {
			for ctx.Err() == nil {
				answer, err := h.Get(url + "/api/me")
				if err != nil {
					failures <- err
					return
				}
				_, _ = io.Copy(io.Discard, answer.Body)
				answer.Body.Close()
				if answer.StatusCode != 200 {
					failures <- fmt.Errorf("status %d", answer.StatusCode)
					return
				}
				select {
				case <-time.After(5 * time.Millisecond):
				case <-ctx.Done():
				}
			}
		})
	}
	all.Wait()
	close(failures)
	return <-failures
}

// refresh asks for one token that is not about to end, of a client with the longest margin.
func refresh(store client.Store, url string) error {
	c, err := client.New(url, client.WithStore(store))
	if err != nil {
		return err
	}
	_, err = c.TokenSource(context.Background()).Token()
	return err
}

// worker is a process at work.
type worker struct {
	*exec.Cmd
	out  *bufio.Scanner
	errs *os.File
}

// start starts a process. It ends with the test.
func start(t testing.TB, work, place, param string) *worker {
	t.Helper()
	w := &worker{Cmd: exec.CommandContext(t.Context(), os.Args[0], place, param)}
	w.Env = append(os.Environ(), workerEnv+"="+work)
	out := must(w.StdoutPipe())(t)
	w.out = bufio.NewScanner(out)
	w.errs = must(os.CreateTemp(t.TempDir(), "stderr"))(t)
	w.Stderr = w.errs
	if err := w.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = w.Process.Kill()
		_ = w.Wait()
		_ = w.errs.Close()
	})
	return w
}

// end waits until the process has done its work.
func (w *worker) end() error {
	for w.out.Scan() { // Wait closes the pipe
	}
	err := w.Wait()
	said, readErr := os.ReadFile(w.errs.Name())
	if err != nil {
		return fmt.Errorf("a process: %w\n%s", errors.Join(err, readErr), said)
	}
	return nil
}

// kill ends the process at once, and returns the last number that it has said.
func (w *worker) kill(t testing.TB, last int) int {
	t.Helper()
	if err := w.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	for w.out.Scan() {
		if n, err := strconv.Atoi(w.out.Text()); err == nil {
			last = n
		}
	}
	_ = w.Wait()
	return last
}
