package client

import "context"

// Store keeps one credential. Beside [NewMemoryStore] and [NewFileStore] there are stores in client/keyring (the keyring of
// the operating system) and client/gormcreds (a SQL database), modules of their own.
//
// Errors are of the store's own making; the client wraps them in [ErrStore].
type Store interface {
	// Load returns the credential, and nil where there is none. It does not wait for an Update that is under way.
	Load(ctx context.Context) (*Credential, error)

	// Update lets change decide what to keep: it gets the present credential (nil where there is none), and what it
	// returns replaces that; nil removes it, and the very pointer that it got leaves all as it is. Until Update has
	// returned no other Update begins, in this process or in any other that shares the store. The context of change
	// ends when the lock may be lost. An error of change leaves all as it is, and is returned unwrapped.
	Update(ctx context.Context, change func(ctx context.Context, current *Credential) (*Credential, error)) error
}

// memoryStore keeps the credential as long as the process lives.
type memoryStore struct {
	lock    chan struct{} // of Update: holds one value while it is free
	current chan *Credential
}

// NewMemoryStore returns a store that forgets everything when the process ends.
func NewMemoryStore() Store {
	s := &memoryStore{lock: make(chan struct{}, 1), current: make(chan *Credential, 1)}
	s.lock <- struct{}{}
	s.current <- nil
	return s
}

func (s *memoryStore) Load(context.Context) (*Credential, error) {
	c := <-s.current
	s.current <- c
	return c, nil
}

func (s *memoryStore) Update(ctx context.Context, change func(context.Context, *Credential) (*Credential, error)) error {
	select {
	case <-s.lock:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { s.lock <- struct{}{} }()
	current, err := s.Load(ctx)
	if err != nil {
		return err
	}
	next, err := change(ctx, current)
	if err != nil {
		return err
	}
	<-s.current
	s.current <- next
	return nil
}
