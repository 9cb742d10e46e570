package core

import (
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/oneauth-go/oneauth/core/password"
	"github.com/oneauth-go/oneauth/core/record"
)

// Kind is the declaration of a kind of record, as features register them.
type Kind = *record.Kind

// Auth is OneAuth without any transport. It is safe for concurrent use. Make one per process.
type Auth struct {
	cfg         Config
	env         Env
	db          *record.DB
	hasher      *password.Hasher
	fixed       map[string]*Client // configured clients
	policies    []Policy
	listeners   []Listener
	txListeners []TxListener
	root        []byte // what subkeys are derived from; sealed in the store
	refreshKey  []byte
	guessKey    []byte
	known       sync.Map // tenants that are registered
	runner      *runner
	wakeOutbox  chan struct{}
	delivering  chan struct{} // held by whoever empties the outbox
}

// New prepares the store and returns an Auth over it. It fails when the configuration is incomplete, and when none of
// the master secrets opens what the store holds. The caller keeps ownership of nothing: Auth.Close closes the store.
func New(ctx context.Context, store record.Backend, cfg Config) (*Auth, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	a := &Auth{cfg: cfg, env: cfg.Env}
	var err error
	if a.hasher, err = password.NewHasher(cfg.Hashing, cfg.HashLimits, a.env.Rand); err != nil {
		return nil, fmt.Errorf("core: Config.Hashing: %w", err)
	}
	if err := a.configureClients(); err != nil {
		return nil, err
	}
	ks := kinds()
	a.policies = append(a.policies, cfg.Policies...)
	a.listeners = append(a.listeners, cfg.Listeners...)
	a.txListeners = append(a.txListeners, cfg.TxListeners...)
	jobs := a.ownJobs()
	for _, f := range cfg.Features {
		ks = append(ks, f.Kinds...)
		a.policies = append(a.policies, f.Policies...)
		a.listeners = append(a.listeners, f.Listeners...)
		a.txListeners = append(a.txListeners, f.TxListeners...)
		jobs = append(jobs, f.Jobs...)
	}
	if a.db, err = record.Open(ctx, store, record.Options{Now: a.env.Now, Rand: a.env.Rand}, ks...); err != nil {
		return nil, err
	}
	if a.root, err = a.openRoot(ctx); err != nil {
		return nil, err
	}
	a.refreshKey, a.guessKey = a.Subkey("refresh-token"), a.Subkey("guess-counter")
	if a.runner, err = newRunner(a, jobs); err != nil {
		return nil, err
	}
	for _, f := range cfg.Features {
		if f.Start == nil {
			continue
		}
		if err := f.Start(ctx, a); err != nil {
			return nil, fmt.Errorf("core: start %s: %w", f.Name, err)
		}
	}
	return a, nil
}

// Config returns the configuration with its defaults filled in.
func (a *Auth) Config() Config { return a.cfg }

// Env returns where time, randomness and logging come from.
func (a *Auth) Env() Env { return a.env }

func (a *Auth) now() time.Time { return a.env.Now().UTC().Truncate(time.Millisecond) }

const rootID = "root"

// openRoot returns the secret from which subkeys are derived. It is drawn at the first start and kept sealed, so that
// master secrets can be replaced without ending any session.
func (a *Auth) openRoot(ctx context.Context) ([]byte, error) {
	fresh, err := a.newSecret(32)
	if err != nil {
		return nil, err
	}
	sealed, err := a.cfg.Secrets.Seal(fresh, "root_secret", rootID)
	if err != nil {
		return nil, err
	}
	var stored []byte
	err = a.db.Update(system(ctx), func(rec *record.Tx) error {
		rows := rootSecrets.In(rec)
		old, ok, err := found(rows.Get(rootID))
		if err != nil {
			return err
		}
		if ok {
			stored = old.Sealed
			return nil
		}
		stored = sealed
		if err := rows.Insert(&rootSecret{ID: rootID, Sealed: sealed}); !errors.Is(err, record.ErrExists) {
			return err
		}
		return record.ErrConflict // somebody else was first: look again
	})
	if err != nil {
		return nil, fmt.Errorf("core: open the root secret: %w", err)
	}
	root, err := a.cfg.Secrets.Open(stored, "root_secret", rootID)
	if err != nil {
		return nil, fmt.Errorf("core: none of the master secrets opens this store: %w", err)
	}
	return root, nil
}

// Subkey returns a 256-bit key for one use, the same on every node and across rotations of the master secrets.
func (a *Auth) Subkey(use string) []byte {
	key, err := hkdf.Key(sha256.New, a.root, nil, "oneauth/"+use, 32)
	if err != nil {
		panic("core: hkdf: " + err.Error()) // only for lengths that HKDF cannot give
	}
	return key
}

// Schema returns the kinds of records that this Auth and its features keep, for what copies a whole store.
func (a *Auth) Schema() record.Schema { return a.db.Schema() }

// Run does the background work (sweeping, outbox, features' jobs) until ctx ends or Close is called. It returns when all
// of it has stopped. Several nodes may run at once: what must be done once is leased.
func (a *Auth) Run(ctx context.Context) error { return a.runner.run(ctx) }

// Close stops Run, waits for it, and closes the store.
func (a *Auth) Close() error {
	a.runner.close()
	return a.db.Close()
}
