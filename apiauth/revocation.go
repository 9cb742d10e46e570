package apiauth

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/core/record"
)

// A revocation says that access tokens must not be accepted any more: one token, or all those of some sessions. It lives
// in their tenant, until the last of them has expired.
var revocations = record.Define[revocation]("revocation", 1)

type revocation struct {
	ID       string    `record:"id"`          // a token's jti, or the id of the event that ended sessions
	Bucket   string    `record:"bucket,term"` // the minute in which it was made
	Sessions []string  `record:"sessions"`    // empty: the token that ID names
	At       time.Time `record:"at"`
	Expires  time.Time `record:"expires"`
}

// bucketLength is one minute: polls ask for a few buckets at a time.
const bucketLength = time.Minute

func bucket(at time.Time) string {
	return strconv.FormatInt(at.Unix()/int64(bucketLength/time.Second), 10)
}

// names returns the token or session ids that r revokes.
func (r *revocation) names() []string {
	if len(r.Sessions) == 0 {
		return []string{r.ID}
	}
	return r.Sessions
}

// lasting is how long a revocation must be known: as long as a token that was being issued when it was made can live.
func (s *Service) lasting() time.Duration { return s.lifetime + retireSlack }

// recordRevocation writes the revocation of ended sessions in the commit that ends them.
func (s *Service) recordRevocation(tx *core.Tx, e core.Event) error {
	if e.Type != core.EventSessionsEnded || len(e.Sessions) == 0 {
		return nil
	}
	return revocations.In(tx.Record()).Insert(&revocation{
		ID: e.ID, Bucket: bucket(e.At), Sessions: e.Sessions, At: e.At, Expires: e.At.Add(s.lasting()),
	})
}

// noteRevocation makes revocations count on this node at once, after their commit.
func (s *Service) noteRevocation(_ context.Context, e core.Event) {
	var names []string
	switch e.Type {
	case core.EventSessionsEnded:
		names = e.Sessions
	case core.EventTokenRevoked:
		names = []string{e.Detail}
	default:
		return
	}
	s.feed.note(e.Tenant, names, e.At.Add(s.lasting()))
}

// revokeToken ends one access token. Doing it again is no error.
func (s *Service) revokeToken(ctx context.Context, p *core.Principal) error {
	return s.auth.Update(ctx, func(tx *core.Tx) error {
		now := s.now()
		err := revocations.In(tx.Record()).Set(&revocation{
			ID: p.TokenID, Bucket: bucket(now), At: now, Expires: now.Add(s.lasting()),
		})
		if err != nil {
			return err
		}
		return tx.Emit(core.Event{
			Type: core.EventTokenRevoked, UserID: p.Subject, SessionID: p.SessionID, ClientID: p.ClientID, Detail: p.TokenID,
		})
	})
}

var errRevoked = errors.New("apiauth: the token was revoked")

// unrevoked reports, with an error, a token that was revoked: by the feed as long as it is fresh, else by the store.
func (s *Service) unrevoked(ctx context.Context, tenant string, p *core.Principal, now time.Time) error {
	set := s.feed.of(tenant, now)
	if set.readAt.Load() == 0 {
		if err := s.load(ctx, tenant, set); err != nil {
			return err
		}
	}
	if set.has(p.TokenID, p.SessionID) {
		return core.ErrInvalidToken.Wrap(errRevoked)
	}
	if s.opt.Strict || !set.fresh(now, s.opt.FeedEvery) {
		return s.askStore(ctx, p)
	}
	return nil
}

// askStore asks the store whether a token's session lives and the token itself was not revoked.
func (s *Service) askStore(ctx context.Context, p *core.Principal) error {
	return s.auth.View(ctx, func(tx *core.Tx) error {
		session, err := tx.Sessions().Get(p.SessionID)
		switch {
		case errors.Is(err, record.ErrNotFound):
			return core.ErrInvalidToken.Wrap(errRevoked)
		case err != nil:
			return err
		case session.UserID != p.Subject || session.ClientID != p.ClientID:
			return core.ErrInvalidToken.Wrap(errSession)
		}
		_, err = revocations.In(tx.Record()).Get(p.TokenID)
		switch {
		case err == nil:
			return core.ErrInvalidToken.Wrap(errRevoked)
		case errors.Is(err, record.ErrNotFound):
			return nil
		}
		return err
	})
}
