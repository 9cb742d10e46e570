package redis_test

import (
	"testing"

	"github.com/oneauth-go/oneauth/core/record"
	"github.com/oneauth-go/oneauth/internal/parts"
	"github.com/oneauth-go/oneauth/stores/storetest"
)

// A server that syncs every write is killed under load, again and again: nothing that was acknowledged is lost, nothing
// that was deleted is back, no token is redeemed twice, and soon after its start everything works.
func TestKilledServer(t *testing.T) {
	server := parts.Redis(t, parts.Durable)
	if server == nil {
		return
	}
	storetest.Killed(t, server, func() (record.Backend, error) { return open(t, dial(t, server.Addr())), nil })
}
