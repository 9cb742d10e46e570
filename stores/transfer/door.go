package transfer

import (
	"context"
	"sync"

	"github.com/oneauth-go/oneauth/core/record"
)

// maxNotes bounds the keys that are remembered. When there are more, everything is copied again.
const maxNotes = 1 << 17

// door is where commits pass on their way to the source. It can be shut, and notes which keys they touch. The zero door is
// open and notes nothing.
type door struct {
	mu     sync.Mutex
	inside int
	empty  chan struct{} // somebody waits for inside to be 0
	shut   chan struct{} // closed when the door opens again; nil: it is open

	noting bool
	busy   map[record.Key]int      // of commits that are inside
	dirty  map[record.Key]struct{} // of those that have left
	over   bool                    // there were too many
	unsure bool                    // one has left without knowing whether it was applied
}

// enter waits until the door is open.
func (d *door) enter(ctx context.Context, ops []record.Op) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		d.mu.Lock()
		if d.shut == nil {
			break
		}
		shut := d.shut
		d.mu.Unlock()
		select {
		case <-shut:
		case <-ctx.Done():
		}
	}
	defer d.mu.Unlock()
	d.inside++
	for _, op := range ops {
		if d.noting && op.Verb != record.Check {
			d.busy[op.Key]++
		}
	}
	return nil
}

// enterQuietly enters unless somebody takes notes, or the door is shut.
func (d *door) enterQuietly() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.noting || d.shut != nil {
		return false
	}
	d.inside++
	return true
}

// leave is called once for each enter. A key is noted from before its commit until after it.
func (d *door) leave(ops []record.Op, unsure bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.unsure = d.unsure || unsure
	for _, op := range ops {
		if !d.noting || op.Verb == record.Check {
			continue
		}
		if d.busy[op.Key]--; d.busy[op.Key] <= 0 {
			delete(d.busy, op.Key)
		}
		if len(d.dirty) < maxNotes {
			d.dirty[op.Key] = struct{}{}
		} else {
			d.over = true
		}
	}
	if d.inside--; d.inside == 0 && d.empty != nil {
		close(d.empty)
		d.empty = nil
	}
}

// close shuts the door and waits until nobody is inside. When ctx ends before, the door is open again.
func (d *door) close(ctx context.Context) error {
	d.mu.Lock()
	d.shut = make(chan struct{})
	var empty chan struct{}
	if d.inside > 0 {
		empty = make(chan struct{})
		d.empty = empty
	}
	d.mu.Unlock()
	if empty == nil {
		return nil
	}
	select {
	case <-empty:
		return nil
	case <-ctx.Done():
		d.open()
		return ctx.Err()
	}
}

// open lets everybody in.
func (d *door) open() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.shut != nil {
		close(d.shut)
	}
	d.shut, d.empty = nil, nil
}

// note begins to take notes, while nobody is inside.
func (d *door) note(ctx context.Context) error {
	if err := d.close(ctx); err != nil {
		return err
	}
	d.mu.Lock()
	d.noting, d.over, d.unsure = true, false, false
	d.busy, d.dirty = map[record.Key]int{}, map[record.Key]struct{}{}
	d.mu.Unlock()
	d.open()
	return nil
}

// forget ends taking notes.
func (d *door) forget() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.noting, d.busy, d.dirty = false, nil, nil
}

// take returns the keys that were noted since the last time. Those of commits inside will be noted again. over: there were
// more.
func (d *door) take() (keys []record.Key, over bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for k := range d.dirty {
		keys = append(keys, k)
	}
	over = d.over
	d.dirty, d.over = map[record.Key]struct{}{}, false
	return keys, over
}

// touched reports whether a key is noted, or about to be.
func (d *door) touched(k record.Key) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	_, dirty := d.dirty[k]
	return dirty || d.busy[k] > 0
}

// doubtful reports whether more was written than the notes say.
func (d *door) doubtful() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.over || d.unsure
}
