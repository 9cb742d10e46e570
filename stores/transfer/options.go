package transfer

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/oneauth-go/oneauth/core/record"
)

// Options of a copy. The zero value is ready to use with stores that list their tenants, as all of OneAuth's do.
type Options struct {
	// Tenants are those to copy, instead of all that both stores list (see record.Lister). record.System always belongs.
	Tenants []string

	// Leave names kinds that the source has, the schema has not, and that may stay behind. Others are ErrKinds.
	Leave []string

	// Replace lets the target lose what it holds of its own, where it was not filled by a transfer.
	Replace bool

	// Hold is how long Live.Move may hold commits back; default 5 s. It lets them go on and tries again when there is more
	// to do than that.
	Hold time.Duration

	// RetryFor is how long one commit at the target is tried while it is busy or its outcome is unknown; default 30 s.
	RetryFor time.Duration

	Progress func(Progress)   // hears of every page and commit, on the caller's goroutine
	Now      func() time.Time // judges what a store may have removed by itself; default time.Now
	Rand     io.Reader        // draws the revisions of marks; default crypto/rand.Reader
}

// Progress is how far a copy has come.
type Progress struct {
	Phase        string // "copy" or "verify"
	Tenant, Kind string
	Read         int64 // records of the source, in this phase
	Changes            // at the target so far
}

// Changes counts what was done at the target.
type Changes struct{ Inserted, Replaced, Deleted int64 }

// Errors of this package. Compare with errors.Is.
var (
	ErrForeign = errors.New("transfer: the target holds records that no transfer brought there")
	ErrMoved   = errors.New("transfer: the move is done: the target is the truth")
	ErrLeft    = errors.New("transfer: the source has moved away: its data is stale, and this target is not where it went")
	ErrRival   = errors.New("transfer: another transfer writes to the target")
	ErrTenants = errors.New("transfer: the source does not list its tenants: name them in Options.Tenants")
	ErrKinds   = errors.New("transfer: the source has kinds that the schema does not have")
	ErrHurry   = errors.New("transfer: the application writes faster than the copy, or a commit at the source is unsure")
	ErrUnsure  = errors.New("transfer: it is not known whether the target is the truth: commits wait; call Move again, or restart")
)

func (o Options) withDefaults() Options {
	if o.Hold <= 0 {
		o.Hold = 5 * time.Second
	}
	if o.RetryFor <= 0 {
		o.RetryFor = 30 * time.Second
	}
	if o.Progress == nil {
		o.Progress = func(Progress) {}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	return o
}

// markKind is the kind of marks at the target; each tenant has one. The states count in the tenant record.System: moved at
// a target that is the truth, left at a source that is not any more.
const (
	markKind  = "transfer_mark"
	markID    = "mark"
	markMoved = "moved"
	markLeft  = "left"
)

var mark = &record.Kind{Name: markKind, Version: 1, Fields: []record.Field{{Name: "state", Type: record.String}}}

// targetSchema is the schema of the target: with marks, and with the fields that a newer release has added at the source,
// so that there is room for their values.
func targetSchema(ctx context.Context, from record.Backend, s record.Schema) (record.Schema, error) {
	s.Kinds = append(slices.Clone(s.Kinds), mark)
	l, ok := from.(record.Lister)
	if !ok {
		return s, nil
	}
	stored, err := l.Kinds(ctx)
	if err != nil {
		return s, fmt.Errorf("transfer: list the kinds of the source: %w", err)
	}
	for i, k := range s.Kinds {
		for _, have := range stored {
			if have.Name == k.Name && len(have.Fields) > len(k.Fields) {
				wide := *k
				wide.Fields = slices.Concat(k.Fields, have.Fields[len(k.Fields):])
				s.Kinds[i] = &wide
			}
		}
	}
	return s, nil
}

// prepareBoth prepares the source for the schema, and the target for all that may come from there.
func prepareBoth(ctx context.Context, from, to record.Backend, schema record.Schema) error {
	if err := from.Prepare(ctx, record.Schema{Kinds: append(slices.Clone(schema.Kinds), mark)}); err != nil {
		return fmt.Errorf("transfer: prepare the source: %w", err)
	}
	wide, err := targetSchema(ctx, from, schema)
	if err != nil {
		return err
	}
	if err := to.Prepare(ctx, wide); err != nil {
		return fmt.Errorf("transfer: prepare the target: %w", err)
	}
	return nil
}
