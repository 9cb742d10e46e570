package core

import (
	"errors"
	"fmt"

	"github.com/oneauth-go/oneauth/core/record"
)

// storeError turns what the kernel returns into what a caller understands. A failing store is CodeUnavailable: never
// "not found", never "allowed". An *Error of the function itself passes through.
func storeError(err error) error {
	var own *Error
	var value *record.ValueError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, record.ErrUnknown): // whatever the function said of a try that may have been applied
		return ErrUnavailable.Wrap(fmt.Errorf("%w (%v)", record.ErrUnknown, err))
	case errors.As(err, &own):
		return err
	case errors.As(err, &value) && errors.Is(err, record.ErrTaken):
		return FieldE(CodeIdentityTaken, value.Field, "").Wrap(err)
	case errors.As(err, &value):
		return FieldE(CodeInvalidField, value.Field, "The value "+value.Reason+".").Wrap(err)
	case errors.Is(err, record.ErrNoTenant):
		return ErrTenantRequired.Wrap(err)
	case errors.Is(err, record.ErrExists):
		return ErrConflict.Wrap(err)
	case errors.Is(err, record.ErrNotFound):
		return ErrNotFound.Wrap(err)
	case errors.Is(err, record.ErrTooLarge), errors.Is(err, record.ErrCorrupt), errors.Is(err, record.ErrNested),
		errors.Is(err, record.ErrReadOnly):
		return E(CodeInternal, "").Wrap(err)
	}
	return ErrUnavailable.Wrap(err)
}

// found turns a kernel "not found" into false, and leaves other errors alone.
func found[T any](v *T, err error) (*T, bool, error) {
	if errors.Is(err, record.ErrNotFound) {
		return nil, false, nil
	}
	return v, err == nil, err
}
