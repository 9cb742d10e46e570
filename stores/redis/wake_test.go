package redis_test

import (
	"context"
	"crypto/rand"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/oneauth-go/oneauth/apiauth"
	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/core/identifier"
	"github.com/oneauth-go/oneauth/core/password"
	"github.com/oneauth-go/oneauth/core/record"
	"github.com/oneauth-go/oneauth/core/seal"
	"github.com/oneauth-go/oneauth/internal/parts"
	"github.com/oneauth-go/oneauth/stores/redis"
)

// wakeNode is one process that takes access tokens, polls the store twice a minute, and is woken by a channel.
type wakeNode struct {
	core *core.Auth
	api  *apiauth.Service
}

func newWakeNode(t *testing.T, store record.Backend, channel *redis.Channel) *wakeNode {
	t.Helper()
	keys, err := seal.New(rand.Reader, []byte("a secret of thirty-two bytes, or more"))
	must(t, err)
	n := &wakeNode{}
	n.api, err = apiauth.New(apiauth.Options{FeedEvery: 30 * time.Second, Wake: channel})
	must(t, err)
	n.core, err = core.New(t.Context(), store, core.Config{
		Secrets: keys, BaseURL: "https://app.example", Hashing: password.CheapParams(), Env: core.Env{Log: quiet()},
		Features: []core.Feature{n.api.Feature()},
	})
	must(t, err)
	var running sync.WaitGroup
	running.Go(func() { _ = n.core.Run(context.Background()) })
	t.Cleanup(func() {
		_ = n.core.Close()
		running.Wait()
	})
	return n
}

// token signs Ann in.
func (n *wakeNode) token(t *testing.T) (session *core.Session, token string) {
	t.Helper()
	u, _, err := n.core.Users().Ensure(t.Context(), core.Seed{
		Identities: []core.SeedIdentity{{Kind: identifier.Email, Value: annMail, Verified: true}},
	})
	must(t, err)
	in, err := n.core.StartSession(t.Context(), u.ID, core.Wish{Kind: core.APISession})
	must(t, err)
	answer, err := n.api.Issue(t.Context(), in)
	must(t, err)
	return in.Session, answer.AccessToken
}

func (n *wakeNode) check(token string) error {
	_, err := n.api.Authenticate(context.Background(), apiauth.Credential{Bearer: token})
	return err
}

func refused(n *wakeNode, token string) func() error {
	return func() error {
		if err := n.check(token); !errors.Is(err, core.ErrInvalidToken) {
			return errors.New("the token is still good")
		}
		return nil
	}
}

// A revocation on one node counts on another at once, over a Redis that is the store, too: the next poll is far away. When
// the channel's server dies and comes back nothing is missed.
func TestChannelWakesTheOtherNode(t *testing.T) {
	server := parts.Redis(t, parts.Fast)
	if server == nil {
		return
	}
	data := parts.Redis(t, parts.Fast)
	open := func() *redis.Store { return open(t, dial(t, data.Addr())) }
	listens := dial(t, server.Addr())
	a, b := newWakeNode(t, open(), newChannel(t, server.Addr())), newWakeNode(t, open(), newChannel(t, server.Addr()))
	bothListen := func() error {
		if n := listens.PubSubNumSub(t.Context(), redis.DefaultChannel).Val()[redis.DefaultChannel]; n != 2 {
			return errors.New("they do not listen yet")
		}
		return nil
	}
	eventually(t, 10*time.Second, bothListen)
	session, token := a.token(t)
	must(t, b.check(token))
	must(t, a.core.EndSession(t.Context(), session.UserID, session.ID, "test"))
	eventually(t, 10*time.Second, refused(b, token))

	// While the server is down a revocation is done all the same, and heard of when the server is back.
	session, token = a.token(t)
	must(t, b.check(token))
	server.Kill()
	must(t, a.core.EndSession(t.Context(), session.UserID, session.ID, "test"))
	must(t, b.check(token))
	server.Start()
	eventually(t, 10*time.Second, refused(b, token))
}
