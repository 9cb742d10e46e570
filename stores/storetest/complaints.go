package storetest

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"
)

// Complaints runs one law of the suite, such as "Race/for a claim has exactly one winner", and returns what is wrong with a
// store, instead of failing. It is for who brings a server of their own to the tests of a store: on it, stores with mistakes
// must fail. A server that lets them pass holds a lock that the real one does not, and proves nothing of a good store either.
func Complaints(t *testing.T, h Harness, name string) []string {
	t.Helper()
	l, ok := lawNamed(name)
	if !ok {
		t.Fatalf("there is no law %q", name)
	}
	return try(t, l, h)
}

func lawNamed(name string) (law, bool) {
	for _, g := range groups {
		for _, l := range g.laws {
			if g.name+"/"+l.name == name {
				return l, true
			}
		}
	}
	return law{}, false
}

// probe is a T that takes note instead of failing.
type probe struct {
	ctx      context.Context
	mu       sync.Mutex
	messages []string
	cleanups []func()
}

func (p *probe) Helper()                  {}
func (p *probe) Logf(string, ...any)      {}
func (p *probe) Cleanup(f func())         { p.cleanups = append(p.cleanups, f) }
func (p *probe) Context() context.Context { return p.ctx }

func (p *probe) Errorf(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.messages = append(p.messages, fmt.Sprintf(format, args...))
}

func (p *probe) Fatalf(format string, args ...any) {
	p.Errorf(format, args...)
	runtime.Goexit()
}

func (p *probe) Failed() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.messages) > 0
}

// try runs one law and returns what it complains about. A panic is a complaint too: a naive store may hand out less than
// the law takes apart.
func try(t *testing.T, l law, h Harness) []string {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	p := &probe{ctx: ctx}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			if r := recover(); r != nil {
				p.Errorf("panic: %v", r)
			}
		}()
		l.test(newEnv(p, h, defaultRounds))
	}()
	<-done
	for _, f := range slices.Backward(p.cleanups) {
		f()
	}
	return p.messages
}
