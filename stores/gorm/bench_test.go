package gormstore_test

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/core/identifier"
	"github.com/oneauth-go/oneauth/core/password"
	"github.com/oneauth-go/oneauth/core/record"
	"github.com/oneauth-go/oneauth/core/seal"
	"gorm.io/gorm"
)

// The store against hand-written statements through the same GORM and pool, on PostgreSQL, by 1 and by 16 goroutines:
//
//   - rotate: a session is read and written back on the condition that nobody did meanwhile; look: it is read.
//   - refresh, check: the same through core, as applications call it: tokens are verified and made, policies asked.
//
// Both sides have a table of sessions with the same columns and values. The hand-written UPDATE sets those that change.
func BenchmarkAgainstHandWritten(b *testing.B) {
	d, ok := place(b, "PostgreSQL")
	if !ok {
		return
	}
	db := d.open(b)
	auth := benchAuth(b, d.store(b, db))
	const parties = 16
	s := signedIn(b, auth, parties)
	h := handWritten(b, db, s.ids)
	kernel, err := record.Open(b.Context(), d.store(b, db), record.Options{}, sessions.Kind())
	if err != nil {
		b.Fatal(err)
	}
	ctx := record.WithTenant(b.Context(), core.DefaultTenant)
	for _, pair := range []struct {
		name        string
		store, hand func(party int) error
	}{
		{"rotate", func(party int) error {
			return kernel.Update(ctx, func(tx *record.Tx) error {
				one, err := sessions.In(tx).Get(s.ids[party])
				if err != nil {
					return err
				}
				now := time.Now()
				one.RotatedAt, one.LastSeenAt, one.Expires = now, now, now.Add(24*time.Hour)
				return sessions.In(tx).Put(one)
			})
		}, h.rotate},
		{"look", func(party int) error {
			return kernel.View(ctx, func(tx *record.Tx) error { _, err := sessions.In(tx).Get(s.ids[party]); return err })
		}, h.look},
		{"refresh", func(party int) error {
			in, err := auth.Refresh(b.Context(), s.tokens[party], core.FirstParty, nil)
			if err == nil {
				s.tokens[party] = in.RefreshToken
			}
			return err
		}, h.rotate},
		{"check", func(party int) error { _, err := auth.CheckSession(b.Context(), s.cookies[party]); return err }, h.look},
	} {
		for _, n := range []int{1, parties} {
			b.Run(fmt.Sprintf("%s/%d", pair.name, n), func(b *testing.B) { versus(b, n, pair.store, pair.hand) })
		}
	}
}

// versus lets both sides do the same number of operations in turn, some hundredths of a second each, so that a machine that
// is slow for a while is slow for both. It reports the median turn of each, in nanoseconds per operation.
func versus(b *testing.B, parties int, store, hand func(party int) error) {
	b.Helper()
	const each = 32 // operations in a turn
	turn := func(f func(party int) error) float64 {
		var all sync.WaitGroup
		begun := time.Now()
		for party := range parties {
			all.Go(func() {
				for range each / parties {
					if err := f(party); err != nil {
						b.Error(err)
						return
					}
				}
			})
		}
		if all.Wait(); b.Failed() {
			b.FailNow()
		}
		return float64(time.Since(begun).Nanoseconds()) / each
	}
	turn(store) // prepares the statements on the connections
	turn(hand)
	var ours, theirs []float64
	for b.Loop() {
		ours, theirs = append(ours, turn(store)), append(theirs, turn(hand))
		theirs, ours = append(theirs, turn(hand)), append(ours, turn(store))
	}
	b.ReportMetric(middle(ours), "ns-store")
	b.ReportMetric(middle(theirs), "ns-hand")
}

func middle(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}

var sessions = record.Define[core.Session]("session", 1)

// benchAuth is core alone over a store.
func benchAuth(b *testing.B, store record.Backend) *core.Auth {
	b.Helper()
	keyring, err := seal.New(rand.Reader, []byte("a secret of thirty-two bytes, or more"))
	if err != nil {
		b.Fatal(err)
	}
	auth, err := core.New(b.Context(), store, core.Config{
		Secrets: keyring, BaseURL: "https://app.example", Hashing: password.CheapParams(), Scopes: []string{"read", "write"},
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = auth.Close() })
	return auth
}

// signIns are what the parties of a benchmark are signed in with.
type signIns struct{ ids, tokens, cookies []string }

// signedIn makes a user with a session of each kind for every party.
func signedIn(b *testing.B, auth *core.Auth, parties int) (s signIns) {
	b.Helper()
	ctx := core.WithOrigin(b.Context(), core.Origin{
		IP: "203.0.113.7", UserAgent: "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36",
	})
	for i := range parties {
		u, _, err := auth.Users().Ensure(ctx, core.Seed{
			Identities: []core.SeedIdentity{{Kind: identifier.Email, Value: fmt.Sprintf("user%d@example.com", i), Verified: true}},
		})
		if err != nil {
			b.Fatal(err)
		}
		api, err := auth.StartSession(ctx, u.ID, core.Wish{Kind: core.APISession, DeviceName: "Ann's phone"})
		if err != nil {
			b.Fatal(err)
		}
		web, err := auth.StartSession(ctx, u.ID, core.Wish{Kind: core.BrowserSession})
		if err != nil {
			b.Fatal(err)
		}
		s.ids, s.tokens, s.cookies = append(s.ids, api.Session.ID), append(s.tokens, api.RefreshToken), append(s.cookies, web.Cookie)
	}
	return s
}

// handSession is a row of a table of sessions as somebody would write it who has the same to remember.
type handSession struct {
	ID, UserID, Kind, ClientID, DeviceName, IP, UserAgent string
	Scopes, Audience, AMR, ACR                            string
	AuthTime                                              time.Time
	Remember                                              bool
	CreatedAt, LastSeenAt                                 time.Time
	IdleSeconds                                           int64
	EndsAt, ExpiresAt                                     time.Time
	TokenHash                                             []byte
	Generation                                            int64
	RotatedAt                                             time.Time
	Org, Actor                                            string
}

const (
	handTable = `CREATE TABLE hand_sessions (id text PRIMARY KEY, user_id text NOT NULL, kind text, client_id text, device_name text, ip text,
		user_agent text, scopes json, audience json, amr json, acr text, auth_time timestamptz, remember boolean, created_at timestamptz,
		last_seen_at timestamptz, idle_seconds bigint, ends_at timestamptz, expires_at timestamptz, token_hash bytea, generation bigint,
		rotated_at timestamptz, org text, actor text)`
	handFill = `INSERT INTO hand_sessions SELECT id, user_id, kind, client_id, device_name, ip, user_agent, scopes, COALESCE(audience, '[]'), amr,
		acr, auth_time, remember, created_at, last_seen_at, idle_seconds, ends_at, purge_at, salt, generation, COALESCE(rotated_at, created_at),
		org, actor FROM oneauth_sessions WHERE kind = 'api'`
	handSelect = `SELECT id, user_id, kind, client_id, device_name, ip, user_agent, scopes, audience, amr, acr, auth_time, remember, created_at,
		last_seen_at, idle_seconds, ends_at, expires_at, token_hash, generation, rotated_at, org, actor FROM hand_sessions WHERE id = ?`
	handUpdate = `UPDATE hand_sessions SET token_hash = ?, generation = ?, rotated_at = ?, last_seen_at = ?, expires_at = ?
		WHERE id = ? AND generation = ?`
)

// byHand is the hand-written side.
type byHand struct {
	ctx context.Context
	db  *gorm.DB
	ids []string
}

func handWritten(b *testing.B, db *gorm.DB, ids []string) byHand {
	b.Helper()
	for _, statement := range []string{
		handTable, "CREATE INDEX ON hand_sessions (user_id)", "CREATE INDEX ON hand_sessions (expires_at)", handFill,
	} {
		exec(b, db, statement)
	}
	return byHand{b.Context(), db, ids}
}

func (h byHand) look(party int) error {
	var s handSession
	return h.db.WithContext(h.ctx).Raw(handSelect, h.ids[party]).Scan(&s).Error
}

func (h byHand) rotate(party int) error {
	var s handSession
	db := h.db.WithContext(h.ctx)
	if err := db.Raw(handSelect, h.ids[party]).Scan(&s).Error; err != nil {
		return err
	}
	now := time.Now()
	hash := sha256.Sum256(s.TokenHash)
	done := db.Exec(handUpdate, hash[:], s.Generation+1, now, now, now.Add(24*time.Hour), s.ID, s.Generation)
	if done.Error == nil && done.RowsAffected != 1 {
		return errors.New("somebody else was there")
	}
	return done.Error
}
