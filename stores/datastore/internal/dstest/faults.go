package dstest

import (
	"context"
	"maps"
	"path"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Call is one call to the server.
type Call struct {
	Method string // "Lookup", "RunQuery", "BeginTransaction", "Commit" or "Rollback"
	N      int    // counts the calls of this method, from 1 since the start or the last Fail
}

// Fault is how a call goes wrong. The zero Fault is none.
type Fault struct {
	Code    codes.Code // the answer, unless it is OK
	Applied bool       // the call has its effect all the same: only the answer is lost
}

type faults struct {
	mu    sync.Mutex
	rule  func(Call) Fault
	calls map[string]int
}

// Fail asks rule, before each call, how it is to fail, and begins to count anew. The rule may itself call the server. A nil
// rule ends it.
func (s *Server) Fail(rule func(Call) Fault) {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.rule, s.faults.calls = rule, nil
}

// FailFirst makes the first call of a method fail.
func (s *Server) FailFirst(method string, f Fault) {
	s.Fail(func(c Call) Fault {
		if c.Method == method && c.N == 1 {
			return f
		}
		return Fault{}
	})
}

// FailAll makes all calls of a method fail.
func (s *Server) FailAll(method string, f Fault) {
	s.Fail(func(c Call) Fault {
		if c.Method == method {
			return f
		}
		return Fault{}
	})
}

// Calls returns how often each method was called since the start or the last Fail.
func (s *Server) Calls() map[string]int {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	return maps.Clone(s.faults.calls)
}

func (f *faults) intercept(ctx context.Context, req any, info *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
	fault := f.note(path.Base(info.FullMethod))
	if fault.Code == codes.OK {
		return handle(ctx, req)
	}
	if fault.Applied {
		if _, err := handle(context.WithoutCancel(ctx), req); err != nil {
			return nil, err
		}
	}
	return nil, status.Error(fault.Code, "injected")
}

func (f *faults) note(method string) Fault {
	f.mu.Lock()
	if f.calls == nil {
		f.calls = map[string]int{}
	}
	f.calls[method]++
	call, rule := Call{method, f.calls[method]}, f.rule
	f.mu.Unlock()
	if rule == nil {
		return Fault{}
	}
	return rule(call)
}
