package datastore_test

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"testing"
	"time"

	client "cloud.google.com/go/datastore"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/oneauth-go/oneauth/core/record"
	"github.com/oneauth-go/oneauth/stores/datastore/internal/dstest"
	"github.com/oneauth-go/oneauth/stores/storetest"
)

// naive is a store with one of the mistakes that one makes on Datastore. Our server must let each of them happen, as
// Datastore does: else it would prove nothing of the store that makes none.
type naive struct {
	*client.Client
	mistake mistake
}

type mistake int

const (
	none            mistake = iota
	checksOutside           // reads what is to be validated outside of the transaction
	readsOutside            // reads the revision outside, and then writes whatever is there
	claimsByLooking         // inserts, under a name of its own, where a query finds nothing: a phantom
)

// entry is how a naive store keeps a record.
type entry struct {
	Key  string
	Rev  int64
	Data []byte `datastore:",noindex"`
}

func entryKey(k record.Key) *client.Key {
	return client.NameKey("entry", hex.EncodeToString(record.AppendKey(nil, k.Tenant, k.Kind, k.ID)), nil)
}

func entryOf(op record.Op) *entry {
	return &entry{entryKey(op.Key).Name, op.Rev, record.AppendRecord(nil, op.Record)}
}

// look compares the revision that get finds.
func look(op record.Op, get func(*client.Key, any) error) error {
	var e entry
	if err := get(entryKey(op.Key), &e); err != nil && !errors.Is(err, client.ErrNoSuchEntity) {
		return err
	}
	if e.Rev != op.Want {
		return record.ErrConflict
	}
	return nil
}

// Commit applies ops in a transaction, with the mistake.
func (n naive) Commit(ctx context.Context, ops []record.Op) error {
	outside := func(k *client.Key, dst any) error { return n.Client.Get(ctx, k, dst) }
	_, err := n.RunInTransaction(ctx, func(tx *client.Transaction) error {
		for _, op := range ops {
			read := tx.Get
			if n.mistake == readsOutside || n.mistake == checksOutside && op.Verb == record.Check {
				read = outside
			}
			key := entryKey(op.Key)
			if n.mistake == claimsByLooking {
				read = func(_ *client.Key, dst any) error { return n.query(ctx, op.Key, dst.(*entry)) }
				key.Name = rand.Text()
			}
			if op.Want != 0 || n.mistake == claimsByLooking {
				if err := look(op, read); err != nil {
					return err
				}
			}
			write := client.NewUpsert(key, entryOf(op))
			switch {
			case op.Verb == record.Check:
				continue
			case op.Want == 0:
				write = client.NewInsert(key, entryOf(op))
			}
			if _, err := tx.Mutate(write); err != nil {
				return err
			}
		}
		return nil
	}, client.MaxAttempts(1))
	switch {
	case errors.Is(err, client.ErrConcurrentTransaction), status.Code(err) == codes.Aborted:
		return record.ErrBusy
	case status.Code(err) == codes.AlreadyExists:
		return record.ErrConflict
	}
	return err
}

// query finds an entry by its key, whatever its name is.
func (n naive) query(ctx context.Context, k record.Key, e *entry) error {
	var found []entry
	_, err := n.GetAll(ctx, client.NewQuery("entry").FilterField("Key", "=", entryKey(k).Name).Limit(1), &found)
	if err == nil && len(found) == 0 {
		return client.ErrNoSuchEntity
	}
	if err == nil {
		*e = found[0]
	}
	return err
}

// Get looks each key up.
func (n naive) Get(ctx context.Context, keys ...record.Key) (out []record.Record, err error) {
	for _, k := range keys {
		var e entry
		switch err := n.query(ctx, k, &e); {
		case errors.Is(err, client.ErrNoSuchEntity):
			continue
		case err != nil:
			return nil, err
		}
		r := record.Record{Key: k}
		if err := record.DecodeRecord(e.Data, &r); err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, nil
}

func (naive) Prepare(context.Context, record.Schema) error                { return nil }
func (naive) Find(context.Context, record.Query) ([]record.Record, error) { return nil, nil }
func (naive) Sweep(context.Context, time.Time, int) (int, error)          { return 0, nil }

const (
	lawClaim   = "Race/for a claim has exactly one winner"
	lawToken   = "Race/for a one-time token has exactly one winner"
	lawCounter = "Race/for a counter loses no increment"
	lawSkew    = "Skew/is excluded: of two that read what the other writes one commits"
	lawCheck   = "Skew/is excluded at the backend: check against write"
)

// Stores with one mistake each fail the suite on our server, in both modes: it lets happen what Datastore lets happen.
func TestServerPermitsMistakes(t *testing.T) {
	for name, c := range map[string]struct {
		mistake mistake
		laws    []string
	}{
		"nothing wrong, without the mistakes":     {none, []string{lawClaim, lawToken, lawCounter, lawSkew, lawCheck}},
		"write skew, where it checks outside":     {checksOutside, []string{lawSkew, lawCheck}},
		"lost updates, where it reads outside":    {readsOutside, []string{lawToken, lawCounter}},
		"phantoms, where it claims after a query": {claimsByLooking, []string{lawClaim}},
	} {
		for mode, m := range map[string]dstest.Mode{"optimistic": dstest.Optimistic, "pessimistic": dstest.Pessimistic} {
			for _, law := range c.laws {
				t.Run(fmt.Sprintf("%s/%s/%s", name, mode, law), func(t *testing.T) {
					server, err := dstest.Start(dstest.Options{Mode: m})
					noError(t, err)
					t.Cleanup(server.Close)
					complaints := storetest.Complaints(t, storetest.Harness{Open: func() (record.Backend, error) {
						opened, err := server.Client(t.Context())
						return naive{opened, c.mistake}, err
					}}, law)
					if (len(complaints) > 0) != (c.mistake != none) {
						t.Errorf("complaints: %q", complaints)
					} else if c.mistake != none {
						t.Logf("%.200s", complaints[0])
					}
				})
			}
		}
	}
}

// A commit whose answer is lost was done: who does it all again has done it twice.
func TestServerPermitsDoubleWrites(t *testing.T) {
	p := fake(t, dstest.Options{}, 0)
	key := client.NameKey("counter", "n", nil)
	spend := func() error {
		_, err := p.client.RunInTransaction(t.Context(), func(tx *client.Transaction) error {
			var e entry
			if err := tx.Get(key, &e); err != nil && !errors.Is(err, client.ErrNoSuchEntity) {
				return err
			}
			e.Rev++
			_, err := tx.Put(key, &e)
			return err
		}, client.MaxAttempts(1))
		return err
	}
	p.server.FailFirst("Commit", dstest.Fault{Code: codes.Internal, Applied: true})
	if err := spend(); err == nil {
		t.Fatal("the answer was not lost")
	}
	noError(t, spend())
	var e entry
	if err := p.client.Get(t.Context(), key, &e); err != nil || e.Rev != 2 {
		t.Errorf("spent %d times, want twice: %v", e.Rev, err)
	}
}
