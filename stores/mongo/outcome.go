package mongo

import (
	"context"
	"errors"
	"fmt"
	"strings"

	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/topology"

	"github.com/oneauth-go/oneauth/core/record"
)

// This file says what an error of the driver means for a commit.

// Labels that the server and the driver put on errors.
const (
	labelTransient = "TransientTransactionError"      // the transaction is aborted
	labelUnknown   = "UnknownTransactionCommitResult" // commitTransaction may be sent again
	labelRetryable = "RetryableWriteError"            // the driver sent the write twice
	labelNetwork   = "NetworkError"
)

const codeWriteConflict = 112

// failure returns err as the error of a call that changed nothing. The end of ctx comes first in it.
func failure(ctx context.Context, err error) error {
	if ended := ctx.Err(); ended != nil && !errors.Is(err, ended) {
		return fmt.Errorf("%w (%v)", ended, err)
	}
	return err
}

// statementOutcome is what a commit returns after an error in its transaction, before the transaction was to be committed.
// Nothing is applied.
func statementOutcome(ctx context.Context, err error) error {
	switch {
	case errors.Is(err, record.ErrConflict), taken(err):
		return record.ErrConflict
	case ctx.Err() != nil:
		return failure(ctx, err)
	case labelled(err, labelTransient):
		return fmt.Errorf("%w (%v)", record.ErrBusy, err)
	}
	return fmt.Errorf("mongo store: commit: %w", err)
}

// worthAnotherCommit reports whether commitTransaction should be sent again: it can be, any number of times.
func worthAnotherCommit(ctx context.Context, err error) bool {
	return err != nil && ctx.Err() == nil && labelled(err, labelUnknown) && !driver.IsTimeout(err)
}

// commitOutcome is what a commit returns after commitTransaction. Only an error that says that the transaction was
// aborted is an answer.
func commitOutcome(err error) error {
	switch {
	case err == nil:
		return nil
	case labelled(err, labelTransient) && !labelled(err, labelUnknown):
		return fmt.Errorf("%w (%v)", record.ErrBusy, err)
	}
	return fmt.Errorf("%w (%v)", record.ErrUnknown, err)
}

// singleOutcome is what a commit of one operation returns. The write is not applied if the server says that it is not;
// an error that made the driver send it again is no such answer, since the first time may have done it.
func singleOutcome(ctx context.Context, err error) error {
	var refused driver.BulkWriteException
	var command driver.CommandError
	var unsent topology.ServerSelectionError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, record.ErrConflict), taken(err):
		return record.ErrConflict
	case errors.As(err, &unsent):
		return fmt.Errorf("mongo store: commit: %w", failure(ctx, err))
	case errors.As(err, &refused) && len(refused.WriteErrors) > 0:
		if refused.WriteErrors[0].Code == codeWriteConflict {
			return fmt.Errorf("%w (%v)", record.ErrBusy, err)
		}
		return fmt.Errorf("mongo store: commit: %w", err)
	case errors.As(err, &command) && definite(command):
		if command.Code == codeWriteConflict {
			return fmt.Errorf("%w (%v)", record.ErrBusy, err)
		}
		return fmt.Errorf("mongo store: commit: %w", err)
	}
	return fmt.Errorf("%w (%v)", record.ErrUnknown, err)
}

// definite reports whether the server refused a command before it wrote anything.
func definite(e driver.CommandError) bool {
	return e.Code != 0 && !e.HasErrorLabel(labelRetryable) && !e.HasErrorLabel(labelNetwork) && !driver.IsTimeout(e)
}

// taken reports whether an insert found its _id taken. Violations of other unique indexes are not ours: trying again
// would not help.
func taken(err error) bool {
	var refused driver.BulkWriteException
	if !errors.As(err, &refused) || len(refused.WriteErrors) == 0 {
		return false
	}
	first := refused.WriteErrors[0]
	if !first.HasErrorCode(11000) {
		return false
	}
	if pattern, ok := first.Raw.Lookup("keyPattern").DocumentOK(); ok {
		keys, err := pattern.Elements()
		return err == nil && len(keys) == 1 && keys[0].Key() == idName
	}
	return strings.Contains(first.Message, "index: _id_ ")
}

func labelled(err error, label string) bool {
	var e driver.LabeledError
	return errors.As(err, &e) && e.HasErrorLabel(label)
}
