package datastore

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"cloud.google.com/go/datastore"
	"github.com/oneauth-go/oneauth/core/record"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Store is a record.Backend over Cloud Datastore. It is safe for concurrent use, and any number of stores, in any number
// of processes, may work on the same data.
type Store struct {
	client *datastore.Client
	names  names
	closed atomic.Bool
	turn   atomic.Uint64 // which kind the next sweep begins with

	mu      sync.RWMutex
	layouts map[string]*layout
}

var _ record.Backend = (*Store)(nil)

// Open returns a store on the database of the client, after asking the database for something, so that a missing
// database, permission or network is found here. The client stays the application's: Close does not close it.
func Open(ctx context.Context, client *datastore.Client, o Options) (*Store, error) {
	if client == nil {
		return nil, errors.New("datastore: the client is nil")
	}
	n, err := o.names()
	if err != nil {
		return nil, err
	}
	s := &Store{client: client, names: n, layouts: map[string]*layout{}}
	if _, err := s.reader(ctx).get([]*datastore.Key{n.schema("any")}); err != nil {
		return nil, fmt.Errorf("open: %w", failed(ctx, err))
	}
	return s, nil
}

// Close makes further calls return record.ErrClosed. It leaves the client open.
func (s *Store) Close() error {
	if s.closed.Swap(true) {
		return record.ErrClosed
	}
	return nil
}

// enter says why a call cannot go on.
func (s *Store) enter(ctx context.Context) error {
	if s.closed.Load() {
		return record.ErrClosed
	}
	return ctx.Err()
}

// failed is the error of a call that has applied nothing.
func failed(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("datastore: %w (%v)", ctx.Err(), err)
	case status.Code(err) == codes.Aborted || errors.Is(err, datastore.ErrConcurrentTransaction):
		return fmt.Errorf("%w (%v)", record.ErrBusy, err)
	}
	return fmt.Errorf("datastore: %w", err)
}
