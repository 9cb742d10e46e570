package password

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
)

// Hasher hashes and verifies passwords within bounds of work and memory. It is safe for concurrent use. Make one per
// process and share it: the bounds hold for each Hasher on its own.
type Hasher struct {
	params  Params
	slotKiB uint64
	gate    *gate
	memory  *ledger
	dummy   string // a hash under params that no password matches

	mu   sync.Mutex // serialises rand
	rand io.Reader
}

// NewHasher returns a Hasher that makes new hashes with params and draws salts from rand, which must be
// cryptographically secure. It reports unsafe or absurd parameters.
func NewHasher(params Params, limits Limits, rand io.Reader) (*Hasher, error) {
	if err := params.Validate(); err != nil {
		return nil, err
	}
	limits, err := limits.withDefaults()
	if err != nil {
		return nil, err
	}
	if rand == nil {
		return nil, errors.New("password: NewHasher needs a source of randomness")
	}
	slotKiB := uint64(max(params.MemoryKiB, defaultSlotKiB))
	return &Hasher{
		params:  params,
		slotKiB: slotKiB,
		gate:    newGate(limits.Slots, limits.Queue),
		memory:  newLedger(uint64(limits.Slots) * slotKiB << 10),
		dummy:   argon2id{params: params, salt: make([]byte, saltBytes), key: make([]byte, keyBytes)}.String(),
		rand:    rand,
	}, nil
}

// Hash returns an Argon2id hash of the NFKC form of password, as a PHC string with a fresh random salt.
//
// Errors: ErrEmpty, ErrTooLong and ErrNotUTF8 before any work; ErrOverloaded; ctx.Err() if ctx ends while waiting (a
// computation that has begun is not interrupted); a failure of the source of randomness.
func (h *Hasher) Hash(ctx context.Context, password string) (string, error) {
	if password == "" {
		return "", ErrEmpty
	}
	if err := admissible(password); err != nil {
		return "", err
	}
	salt := make([]byte, saltBytes)
	h.mu.Lock()
	_, err := io.ReadFull(h.rand, salt)
	h.mu.Unlock()
	if err != nil {
		return "", fmt.Errorf("password: drawing a salt: %w", err)
	}
	a := argon2id{params: h.params, salt: salt, key: make([]byte, keyBytes)}
	leave, err := h.enter(ctx, a.memory())
	if err != nil {
		return "", err
	}
	defer leave()
	h.compute(a.memory(), func() { a.key = a.derive(normalise(password)) })
	return a.String(), nil
}

// Verify reports whether password is the one that phc was made from, and if so, whether it should be hashed again:
// when phc is of another scheme or of other parameters than new hashes, or was made from a form that is not NFKC.
//
// A wrong password is no error. Errors: ErrTooLong and ErrNotUTF8 before any work; ErrUnknownScheme and ErrBadHash for a
// stored hash that cannot be used; ErrOverloaded; ctx.Err() if ctx ends while waiting.
func (h *Hasher) Verify(ctx context.Context, phc, password string) (ok, rehash bool, err error) {
	if err := admissible(password); err != nil {
		return false, false, err
	}
	stored, err := parse(phc)
	if err != nil {
		return false, false, err
	}
	leave, err := h.enter(ctx, stored.memory())
	if err != nil {
		return false, false, err
	}
	defer leave()
	normal := normalise(password)
	for _, form := range h.forms(stored, password, normal) {
		h.compute(stored.memory(), func() { ok, err = stored.matches(form) })
		if err != nil {
			return false, false, err
		}
		if ok {
			return true, form != normal || !h.current(stored), nil
		}
	}
	return false, false, nil
}

// VerifyDummy does the work of a failed verification of password against a hash with the parameters of new hashes, and
// fails in the same ways. Call it for an account that does not exist or has no password, so that the answer takes as
// long as for one that has.
func (h *Hasher) VerifyDummy(ctx context.Context, password string) error {
	_, _, err := h.Verify(ctx, h.dummy, password)
	return err
}

// forms returns what to try: an imported hash was likely made from the bytes as they came, one of ours from their NFKC
// form. A wrong password costs the same number of tries whatever is stored.
func (h *Hasher) forms(stored scheme, raw, normal string) []string {
	if raw == normal {
		return []string{normal}
	}
	if h.current(stored) {
		return []string{normal, raw}
	}
	return []string{raw, normal}
}

// current reports whether stored is what Hash would make now.
func (h *Hasher) current(stored scheme) bool {
	a, ok := stored.(argon2id)
	p := h.params
	p.cheap = false
	return ok && a.params == p && len(a.salt) >= saltBytes && len(a.key) >= keyBytes
}

// enter waits for as many slots as memory needs.
func (h *Hasher) enter(ctx context.Context, memory uint64) (leave func(), err error) {
	slot := h.slotKiB << 10
	need := min((memory+slot-1)/slot, uint64(h.gate.slots))
	weight := max(1, int(need))
	if err := h.gate.acquire(ctx, weight); err != nil {
		return nil, err
	}
	return func() { h.gate.release(weight) }, nil
}

// compute runs f, which allocates about memory bytes, once they fit.
func (h *Hasher) compute(memory uint64, f func()) {
	h.memory.reserve(memory)
	defer h.memory.finish(memory)
	f()
}
