package core

import (
	"errors"
	"fmt"
	"testing"

	"github.com/oneauth-go/oneauth/core/record"
)

// What the kernel says becomes what a caller understands, and a failure is never a refusal or a grant.
func TestStoreErrors(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want Code
	}{
		{errors.New("disk on fire"), CodeUnavailable},
		{record.ErrContention, CodeUnavailable},
		{fmt.Errorf("put: %w", record.ErrUnknown), CodeUnavailable},
		{errors.Join(record.ErrUnknown, ErrIdentityTaken), CodeUnavailable}, // of a try that may have been applied
		{ErrIdentityTaken, CodeIdentityTaken},
		{record.ErrNotFound, CodeNotFound},
		{record.ErrExists, CodeConflict},
		{record.ErrNoTenant, CodeTenantRequired},
		{record.ErrCorrupt, CodeInternal},
		{&record.ValueError{Kind: "user", Field: "name", Reason: "contains U+0000"}, CodeInvalidField},
	} {
		if got := AsError(storeError(tt.err)); got.Code != tt.want {
			t.Errorf("%v became %s, want %s", tt.err, got.Code, tt.want)
		}
	}
	if err := storeError(errors.Join(record.ErrUnknown, ErrIdentityTaken)); errors.Is(err, ErrIdentityTaken) || !errors.Is(err, record.ErrUnknown) {
		t.Errorf("%v passes for a refusal", err)
	}
	if storeError(nil) != nil {
		t.Error("nothing became an error")
	}
}
