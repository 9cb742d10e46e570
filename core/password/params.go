package password

import (
	"fmt"
	"runtime"
)

// MaxBytes is the length in bytes over which a password is refused before any work is done on it.
const MaxBytes = 1024

const (
	saltBytes = 16 // of new hashes
	keyBytes  = 32 // of new hashes

	defaultSlotKiB      = 19 * 1024
	defaultQueuePerSlot = 128
)

// Params are the cost parameters of new Argon2id hashes (RFC 9106 section 3.1). Start from [DefaultParams].
type Params struct {
	MemoryKiB   uint32 // m, in KiB
	Passes      uint32 // t
	Parallelism uint8  // p, lanes; each one runs on a thread of its own

	cheap bool // set by CheapParams alone
}

// DefaultParams returns m = 19 MiB, t = 2, p = 1, the recommendation of the OWASP Password Storage Cheat Sheet.
func DefaultParams() Params {
	return Params{MemoryKiB: defaultSlotKiB, Passes: 2, Parallelism: 1}
}

// CheapParams returns parameters that protect nothing and cost next to nothing. They are for tests: only the value
// returned here passes the floor of [Params.Validate], so weak hashing is never a matter of mistyped numbers.
func CheapParams() Params {
	return Params{MemoryKiB: 64, Passes: 1, Parallelism: 1, cheap: true}
}

// floor lists the least memory that is acceptable for each number of passes, all about equally strong
// (OWASP Password Storage Cheat Sheet).
var floor = []struct{ passes, memoryKiB uint32 }{
	{1, 46 * 1024}, {2, 19 * 1024}, {3, 12 * 1024}, {4, 9 * 1024}, {5, 7 * 1024},
}

// Validate says which parameter is unsafe, absurd or missing, and what is needed instead.
func (p Params) Validate() error {
	if p == CheapParams() {
		return nil
	}
	if p.Passes < 1 {
		return fmt.Errorf("password: Params.Passes is %d, at least 1 is needed", p.Passes)
	}
	if p.Parallelism < 1 || p.Parallelism > maxStoredLanes {
		return fmt.Errorf("password: Params.Parallelism is %d, must be 1 to %d", p.Parallelism, maxStoredLanes)
	}
	least := floor[min(int(p.Passes), len(floor))-1].memoryKiB
	if p.MemoryKiB < least {
		return fmt.Errorf("password: Params.MemoryKiB is %d, with %d passes at least %d is needed",
			p.MemoryKiB, p.Passes, least)
	}
	if err := checkArgon2Cost(p.MemoryKiB, p.Passes, p.Parallelism); err != nil {
		return fmt.Errorf("password: Params: %w", err)
	}
	return nil
}

// Limits bound how much hashing runs and waits at once. The zero value means the defaults.
type Limits struct {
	// Slots is how many hashes run at once; default GOMAXPROCS. A hash that needs more memory than the parameters of new
	// hashes (or 19 MiB, if that is more) takes several.
	Slots int
	// Queue is how many callers may wait for a slot before the next one gets ErrOverloaded; default 128 per slot, a
	// wait of about 3.5 s at 26 ms a hash.
	Queue int
}

func (l Limits) withDefaults() (Limits, error) {
	if l.Slots < 0 || l.Queue < 0 {
		return l, fmt.Errorf("password: Limits.Slots is %d and Limits.Queue is %d, neither may be negative", l.Slots, l.Queue)
	}
	if l.Slots == 0 {
		l.Slots = runtime.GOMAXPROCS(0)
	}
	if l.Queue == 0 {
		l.Queue = defaultQueuePerSlot * l.Slots
	}
	return l, nil
}
