package redis

import (
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/oneauth-go/oneauth/core/record"
)

// ErrSchema says that the kinds of Prepare do not fit the stored ones. A field never changes its name, type or position.
var ErrSchema = errors.New("redis store: schema does not fit")

// errAnswer is an answer that no script of ours gives.
var errAnswer = errors.New("redis store: unexpected answer")

// errUndeclared says that the schema lacks a kind, term or field.
var errUndeclared = errors.New("redis store: not declared to Prepare")

// passing are answers of a server that will accept the same call soon: it loads its data, runs a script, was made a
// replica, has no quorum or moves the slot. Nothing was applied: the server looks before it begins, and the scripts touch
// every key before they write.
var passing = []string{"LOADING", "BUSY", "MASTERDOWN", "READONLY", "TRYAGAIN", "CLUSTERDOWN", "MOVED", "ASK", "UNBLOCKED"}

// refused makes record.ErrBusy of answers that pass.
func refused(err error) error {
	for _, prefix := range passing {
		if redis.HasErrorPrefix(err, prefix+" ") {
			return fmt.Errorf("%w: %w", record.ErrBusy, err)
		}
	}
	var answer redis.Error
	if errors.As(err, &answer) && strings.Contains(answer.Error(), "access a non local key") { // the slot is moving
		return fmt.Errorf("%w: %w", record.ErrBusy, err)
	}
	return err
}

// commitFailed says what an error of a commit means: the server refused, or it was never asked, or nobody knows.
func commitFailed(err error) error {
	var answer redis.Error
	switch {
	case errors.Is(err, redis.Nil), errors.Is(err, ErrReplicas):
	case errors.As(err, &answer):
		return refused(err)
	case unsent(err):
		return err
	}
	return fmt.Errorf("%w: %w", record.ErrUnknown, err)
}

// unsent reports errors from before the first byte: no connection could be made or had.
func unsent(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial" || errors.Is(err, redis.ErrPoolTimeout) || errors.Is(err, redis.ErrPoolExhausted)
}
