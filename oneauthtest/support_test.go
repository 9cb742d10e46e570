package oneauthtest_test

import (
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
)

// failure returns what a test that does this would fail with.
func failure(t *testing.T, do func(testing.TB)) string {
	p := &probe{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		do(p)
	}()
	<-done
	return p.said
}

// probe is a test whose failure is looked at. It ends its goroutine when it fails, as tests do.
type probe struct {
	testing.TB
	said string
}

func (p *probe) Fatal(args ...any) { p.Fatalf("%s", fmt.Sprint(args...)) }
func (p *probe) Fatalf(format string, args ...any) {
	p.said = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

// recorder keeps the output of a test.
type recorder struct {
	testing.TB
	out strings.Builder
}

func (r *recorder) Output() io.Writer { return &r.out }
