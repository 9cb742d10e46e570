package record

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Limits that hold on every backend.
const (
	MaxID    = 200     // bytes in an id, a term's value or a tenant
	MaxOps   = 256     // operations in one commit, validated reads included
	MaxBytes = 1 << 20 // bytes of row values in one commit
	MaxPage  = 1000    // records in one page
)

// System is the tenant of records that belong to the installation itself (signing keys, leases).
const System = "_system"

// Key addresses one record. ID is unique within tenant and kind.
type Key struct{ Tenant, Kind, ID string }

// Compare orders keys by tenant, kind, id, as bytes.
func (k Key) Compare(o Key) int {
	switch {
	case k == o:
		return 0
	case k.Tenant != o.Tenant:
		return less(k.Tenant < o.Tenant)
	case k.Kind != o.Kind:
		return less(k.Kind < o.Kind)
	}
	return less(k.ID < o.ID)
}

func less(b bool) int {
	if b {
		return -1
	}
	return 1
}

// Record is what a backend keeps under a key. Backends never see the Go types of entities, only rows.
type Record struct {
	Key
	Rev     int64     // 63 random bits, never 0, new on every write, chosen above the backend
	Version int       // of the kind, when the row was written
	Row     Row       // values in the order of the kind's fields; may be shorter (older writer) or longer (newer writer)
	Expires time.Time // zero: never. For the backend it is a hint for Sweep alone: Get and Find return expired records
}

// Verb says what an operation does.
type Verb uint8

const (
	Put    Verb = iota + 1 // write the record
	Delete                 // remove it
	Check                  // change nothing, but fail as a write would
)

// Op is one conditional operation of a commit.
type Op struct {
	Record      // for Delete and Check only the key counts
	Verb   Verb //
	Want   int64
}

// Query asks for records of one tenant and kind, in ascending byte order of their ids.
type Query struct {
	Tenant, Kind string
	Term, Value  string // the term's field must equal Value; an empty Term asks for all records of the kind
	From, To     string // From <= id < To; an empty To is no bound
	After        string // id > After, for the next page
	Limit        int    // 1..MaxPage, always set
}

// Backend is what a store implements. Implementations are safe for concurrent use, and several of them may work on the
// same data from different processes, unless they refuse to open a second time.
//
// Every method honours ctx. Errors other than the ones named here count as failures: they are returned to the caller
// and nothing is assumed.
type Backend interface {
	// Prepare makes the backend ready for the kinds of s, or says what is missing. It is called once before all else,
	// is idempotent, and is safe while other processes run with the same or an older schema.
	Prepare(ctx context.Context, s Schema) error

	// Get returns the records that exist among keys, in any order; absent ones are simply not in the result. It sees
	// every commit that was acknowledged before the call. Keys may repeat.
	Get(ctx context.Context, keys ...Key) ([]Record, error)

	// Find returns the records that match q, at most q.Limit, ascending by id. It sees every commit that was
	// acknowledged before the call, and no part of one that was not applied.
	Find(ctx context.Context, q Query) ([]Record, error)

	// Commit applies all ops or none. Each op's key must hold revision op.Want at that moment; Want 0 means that the key
	// must be absent, and is only used with Put. Check is as strong as a write: of two commits that each check what the
	// other writes at most one is applied. Ops belong to one tenant, name each key once, and come sorted by key.
	//
	// When Commit returns nil the ops are as durable as the backend promises. ErrConflict: a condition did not hold,
	// nothing is applied. ErrBusy: nothing is applied, trying again may work (deadlock, serialisation failure, lock
	// timeout). ErrUnknown: perhaps applied (the connection was lost, ctx ended at the wrong moment). Any other error,
	// ctx.Err() included, means that nothing is applied now or later.
	Commit(ctx context.Context, ops []Op) error

	// Sweep removes at most limit records whose expiry is set and before the given time, in all tenants, and returns how
	// many. It never removes a record whose expiry was moved by a concurrent commit.
	Sweep(ctx context.Context, before time.Time, limit int) (int, error)

	// Close releases what the backend holds. Commits that were acknowledged are safe; calls after it fail.
	Close() error
}

// Enlister is a Backend whose Commit takes parts that are not records (see Tx.Enlist). Commit finds them with Parts, in the
// order in which they were enlisted; they are applied together with the ops, of which there may then be none. An error
// of a part undoes the commit and is returned as it is.
type Enlister interface {
	Backend
	Enlists(part any) bool
}

// Sharer is a Backend that keeps records of some kinds in rows of the application, which changes and removes them as it
// likes.
type Sharer interface {
	Backend
	Shares(kind string) bool
}

type partsKey struct{}

// Parts returns what was enlisted in the transaction that Commit was called for with ctx.
func Parts(ctx context.Context) []any {
	parts, _ := ctx.Value(partsKey{}).([]any)
	return parts
}

type anewKey struct{}

// Anew reports whether a Get with ctx must be answered by the store itself: an answer before it turned out to be old, or is
// about to be confirmed. A Backend that is a cache asks.
func Anew(ctx context.Context) bool { return ctx.Value(anewKey{}) != nil }

// anew is a context whose reads no cache answers.
func anew(ctx context.Context) context.Context { return context.WithValue(ctx, anewKey{}, true) }

// Errors of backends and of the kernel. Compare with errors.Is.
var (
	ErrConflict   = errors.New("record: conflict: a revision is not the wanted one")
	ErrBusy       = errors.New("record: busy: not applied, try again")
	ErrUnknown    = errors.New("record: unknown whether the commit was applied")
	ErrContention = errors.New("record: too much contention: not applied, try again")
	ErrNotFound   = errors.New("record: not found")
	ErrExists     = errors.New("record: exists already")
	ErrReadOnly   = errors.New("record: write in a read-only transaction")
	ErrTooLarge   = errors.New("record: transaction is too large")
	ErrNoTenant   = errors.New("record: no tenant in context")
	ErrNested     = errors.New("record: transaction inside a transaction")
	ErrClosed     = errors.New("record: store is closed")
	ErrTaken      = errors.New("record: a row of the application has the value") // joined with the ValueError that names it
)

// ValueError says which field of which kind cannot be stored, and why.
type ValueError struct {
	Kind, Field, Reason string
}

func (e *ValueError) Error() string {
	return fmt.Sprintf("record: %s.%s: %s", e.Kind, e.Field, e.Reason)
}

type tenantKey struct{}

// WithTenant returns a context whose transactions work in the given tenant.
func WithTenant(ctx context.Context, tenant string) context.Context {
	return context.WithValue(ctx, tenantKey{}, tenant)
}

// TenantOf returns the tenant in ctx, or ErrNoTenant, or a *ValueError when it cannot be part of a key.
func TenantOf(ctx context.Context) (string, error) {
	t, _ := ctx.Value(tenantKey{}).(string)
	if t == "" {
		return "", ErrNoTenant
	}
	if why := idFault(t); why != "" {
		return "", &ValueError{"key", "tenant", why}
	}
	return t, nil
}
