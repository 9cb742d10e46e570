package datastore_test

import (
	"context"
	"errors"
	"maps"
	"testing"

	client "cloud.google.com/go/datastore"
	"github.com/oneauth-go/oneauth/core/record"
	"github.com/oneauth-go/oneauth/stores/datastore"
	"github.com/oneauth-go/oneauth/stores/datastore/internal/dstest"
	"google.golang.org/grpc/codes"
)

// What a commit returns when the server's answer to it is an error, and whether it was applied.
func TestErrorsOfCommit(t *testing.T) {
	for _, c := range []struct {
		name    string
		method  string
		fault   dstest.Fault
		want    error // nil: another one than the kernel's
		applied bool
	}{
		{"aborted", "Commit", dstest.Fault{Code: codes.Aborted}, record.ErrBusy, false},
		{"already there", "Commit", dstest.Fault{Code: codes.AlreadyExists}, record.ErrConflict, false},
		{"not there", "Commit", dstest.Fault{Code: codes.NotFound}, record.ErrConflict, false},
		{"refused", "Commit", dstest.Fault{Code: codes.PermissionDenied}, nil, false},
		{"quota", "Commit", dstest.Fault{Code: codes.ResourceExhausted}, nil, false},
		{"deadline, applied", "Commit", dstest.Fault{Code: codes.DeadlineExceeded, Applied: true}, record.ErrUnknown, true},
		{"deadline, not applied", "Commit", dstest.Fault{Code: codes.DeadlineExceeded}, record.ErrUnknown, false},
		{"internal, applied", "Commit", dstest.Fault{Code: codes.Internal, Applied: true}, record.ErrUnknown, true},
		{"unavailable", "Commit", dstest.Fault{Code: codes.Unavailable}, record.ErrUnknown, false},
		{"cancelled", "Commit", dstest.Fault{Code: codes.Canceled, Applied: true}, record.ErrUnknown, true},
		{"unknown", "Commit", dstest.Fault{Code: codes.Unknown}, record.ErrUnknown, false},
		{"no transaction", "BeginTransaction", dstest.Fault{Code: codes.PermissionDenied}, nil, false},
		{"lookup refused", "Lookup", dstest.Fault{Code: codes.PermissionDenied}, nil, false},
		{"lookup aborted", "Lookup", dstest.Fault{Code: codes.Aborted}, record.ErrBusy, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := fake(t, dstest.Options{}, datastore.Shared)
			s := p.prepared(t)
			noError(t, s.Commit(t.Context(), []record.Op{putNote(0, 1, "a", "x")}))
			p.server.FailAll(c.method, c.fault)
			err := s.Commit(t.Context(), []record.Op{putNote(1, 2, "a", "y")})
			p.server.Fail(nil)
			named := false
			for _, e := range []error{record.ErrBusy, record.ErrConflict, record.ErrUnknown} {
				named = named || errors.Is(err, e)
			}
			if err == nil || c.want != nil && !errors.Is(err, c.want) || c.want == nil && named {
				t.Errorf("error is %v, want %v", err, c.want)
			}
			if got := revision(t, s, "a") == 2; got != c.applied {
				t.Errorf("applied is %v, want %v", got, c.applied)
			}
		})
	}
}

// The client repeats a commit that was answered by UNAVAILABLE. If it was applied, the repetition is refused, in whatever
// way: the commit counts as applied, once.
func TestAnswerLostAndCommitRepeated(t *testing.T) {
	for _, again := range []codes.Code{codes.OK, codes.InvalidArgument, codes.Aborted, codes.FailedPrecondition, codes.NotFound, codes.AlreadyExists} {
		t.Run(again.String(), func(t *testing.T) {
			p := fake(t, dstest.Options{Recommit: func() codes.Code { return again }}, datastore.Shared)
			s := p.prepared(t)
			p.server.FailFirst("Commit", dstest.Fault{Code: codes.Unavailable, Applied: true})
			noError(t, s.Commit(t.Context(), []record.Op{putNote(0, 1, "a", "x")}))
			if n := p.server.Calls()["Commit"]; n != 2 {
				t.Errorf("%d commits were sent, want 2", n)
			}
			p.server.FailFirst("Commit", dstest.Fault{Code: codes.Unavailable, Applied: true})
			noError(t, s.Commit(t.Context(), []record.Op{putNote(1, 2, "a", "x")}))
			if revision(t, s, "a") != 2 {
				t.Error("the record is not there")
			}
		})
	}
}

// A reading call that fails is an error, never an empty answer.
func TestReadsFailClosed(t *testing.T) {
	p := fake(t, dstest.Options{}, datastore.PerTenant)
	s := p.prepared(t)
	r := putNote(0, 1, "a", "x")
	r.Expires = noon
	noError(t, s.Commit(t.Context(), []record.Op{r}))
	for _, method := range []string{"Lookup", "RunQuery"} {
		p.server.FailAll(method, dstest.Fault{Code: codes.PermissionDenied})
		if method == "Lookup" {
			if got, err := s.Get(t.Context(), noteKey("a")); err == nil {
				t.Errorf("Get returned %v", got)
			}
			if _, err := datastore.Open(t.Context(), p.client, p.options); err == nil {
				t.Error("a database that refuses is opened")
			}
			continue
		}
		if got, err := s.Find(t.Context(), record.Query{Tenant: "acme", Kind: "note", Limit: 1}); err == nil {
			t.Errorf("Find returned %v", got)
		}
		if n, err := s.Sweep(t.Context(), noon.AddDate(1, 0, 0), 1); err == nil {
			t.Errorf("Sweep returned %d", n)
		}
	}
}

// What a store call costs, in calls to the server.
func TestCosts(t *testing.T) {
	p := fake(t, dstest.Options{}, datastore.Shared)
	s := p.prepared(t)
	ctx := context.Background()
	for _, c := range []struct {
		name string
		call func() error
		want map[string]int
	}{
		{"insert", func() error { return s.Commit(ctx, []record.Op{putNote(0, 1, "a", "x")}) },
			map[string]int{"BeginTransaction": 1, "Commit": 1}},
		{"replace", func() error { return s.Commit(ctx, []record.Op{putNote(1, 2, "a", "x")}) },
			map[string]int{"BeginTransaction": 1, "Lookup": 1, "Commit": 1}},
		{"check", func() error { return s.Commit(ctx, []record.Op{keyOp(record.Check, 2, "a")}) },
			map[string]int{"BeginTransaction": 1, "Lookup": 1, "Commit": 1}},
		{"get", func() error { _, err := s.Get(ctx, noteKey("a")); return err }, map[string]int{"Lookup": 1}},
		{"find", func() error {
			_, err := s.Find(ctx, record.Query{Tenant: "acme", Kind: "note", Term: "owner", Value: "x", Limit: 10})
			return err
		}, map[string]int{"RunQuery": 1}},
	} {
		p.server.Fail(nil)
		noError(t, c.call())
		if got := p.server.Calls(); !maps.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestOptionsAreChecked(t *testing.T) {
	p := fake(t, dstest.Options{}, datastore.Shared)
	for _, o := range []datastore.Options{{Tenancy: 7}, {Namespace: "_x"}, {Namespace: "a b"}, {KindPrefix: "__x"}, {KindPrefix: "a/"}} {
		if _, err := datastore.Open(t.Context(), p.client, o); err == nil {
			t.Errorf("%+v is not refused", o)
		}
	}
	if _, err := datastore.Open(t.Context(), (*client.Client)(nil), datastore.Options{}); err == nil {
		t.Error("a nil client is not refused")
	}
}
