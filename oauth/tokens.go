package oauth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/oauth2"

	"github.com/oneauth-go/oneauth/core"
)

// TokenSource returns a source of access tokens for calling a provider as a user, from the tokens that were kept at the
// sign-in (Provider.KeepTokens). Expired ones are refreshed and kept again, once for all processes. ctx carries the
// tenant, and is used for as long as the source is.
//
// Errors, here and of Token: core.ErrNotFound when the user has no such account connected or no tokens of it are kept;
// core.CodeProviderRefused when the provider does not honour them any more, after which they are forgotten and the event
// core.EventProviderRevoked is told; core.CodeProviderFailed and core.ErrUnavailable when somebody does not answer.
func (s *Service) TokenSource(ctx context.Context, userID, providerName string) (oauth2.TokenSource, error) {
	p := s.providers[providerName]
	if p == nil {
		return nil, core.ErrNotFound
	}
	all, err := s.auth.LinkedAccounts(ctx, userID)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(all, func(l *core.LinkedAccount) bool { return l.Provider == providerName })
	if i < 0 {
		return nil, core.ErrNotFound
	}
	return &keptTokens{ctx: ctx, service: s, provider: p, link: all[i].ID}, nil
}

// keptTokens reads the store for each token, so that it is never older than what another process has kept.
type keptTokens struct {
	ctx      context.Context
	service  *Service
	provider *provider
	link     string
}

const (
	refreshBefore = time.Minute            // how long before its end a token is refreshed
	refreshWithin = 30 * time.Second       // how long one process may take for it before another tries
	releaseWithin = 2 * time.Second        // how long it tries to say that it is done
	refreshLook   = 100 * time.Millisecond // how often the others look whether it is done
)

// refreshing says that some process is asking the provider: a refresh token may be good once, and an answer to the one that
// comes second must not look like the end of all of them.
type refreshing struct {
	ID      string    `record:"id"` // of the linked account
	Expires time.Time `record:"expires"`
}

// Token returns a token that is good for the moment.
func (k *keptTokens) Token() (*oauth2.Token, error) {
	for {
		_, token, err := k.read()
		if err != nil || k.good(token) {
			return token, err
		}
		switch mine, err := k.claim(); {
		case err != nil:
			return nil, err
		case mine:
			return k.refresh()
		}
		select {
		case <-k.ctx.Done():
			return nil, k.ctx.Err()
		case <-time.After(refreshLook):
		}
	}
}

func (k *keptTokens) read() (kept []byte, token *oauth2.Token, err error) {
	if kept, err = k.service.auth.ProviderTokens(k.ctx, k.link); err != nil {
		return nil, nil, err
	}
	token = &oauth2.Token{}
	if err := json.Unmarshal(kept, token); err != nil {
		return nil, nil, core.E(core.CodeInternal, "").Wrap(err)
	}
	return kept, token, nil
}

func (k *keptTokens) good(token *oauth2.Token) bool {
	return token.Expiry.IsZero() || token.Expiry.Sub(k.service.now()) > refreshBefore
}

// claim reports whether it is for this process to ask.
func (k *keptTokens) claim() (bool, error) {
	err := k.service.auth.Update(k.ctx, func(tx *core.Tx) error {
		return refreshes.In(tx.Record()).Insert(&refreshing{ID: k.link, Expires: k.service.now().Add(refreshWithin)})
	})
	if errors.Is(err, core.ErrConflict) {
		return false, nil
	}
	return err == nil, err
}

// release lets others ask. If it fails they have to wait.
func (k *keptTokens) release() {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(k.ctx), releaseWithin)
	defer cancel()
	err := k.service.auth.Update(ctx, func(tx *core.Tx) error {
		return refreshes.In(tx.Record()).Delete(k.link)
	})
	if err != nil {
		k.service.auth.Env().Log.WarnContext(k.ctx, "refresh of a provider's token not released", "error", err)
	}
}

// refresh asks the provider for a new token (RFC 6749 section 6) and keeps it, unless another process did so before this
// one had the claim.
func (k *keptTokens) refresh() (*oauth2.Token, error) {
	defer k.release()
	kept, token, err := k.read()
	if err != nil || k.good(token) {
		return token, err
	}
	next, err := k.ask(token)
	var refused *oauth2.RetrieveError
	switch {
	case errors.Is(err, errNoRefresh), errors.As(err, &refused) && slices.Contains(overCodes, refused.ErrorCode):
		why := err
		if err := k.service.auth.KeepProviderTokens(k.ctx, k.link, kept, nil); err != nil {
			return nil, err
		}
		return nil, core.E(core.CodeProviderRefused, "").Wrap(why)
	case err != nil:
		return nil, core.E(core.CodeProviderFailed, "").Wrap(fmt.Errorf("oauth: refresh with %s: %w", k.provider.Name, err))
	}
	fresh, err := json.Marshal(next)
	if err != nil {
		return nil, core.E(core.CodeInternal, "").Wrap(err)
	}
	return next, k.service.auth.KeepProviderTokens(context.WithoutCancel(k.ctx), k.link, kept, fresh)
}

// overCodes are the errors with which providers say that a refresh token is over: that of RFC 6749 section 5.2, and
// GitHub's own.
var overCodes = []string{"invalid_grant", "bad_refresh_token"}

var errNoRefresh = errors.New("oauth: the access token is over, and there is no refresh token")

func (k *keptTokens) ask(token *oauth2.Token) (*oauth2.Token, error) {
	if token.RefreshToken == "" {
		return nil, errNoRefresh
	}
	config, err := k.provider.config(k.ctx, "")
	if err != nil {
		return nil, err
	}
	if k.provider.SecretOf != nil {
		if config.ClientSecret, err = k.provider.SecretOf(k.ctx, k.service.now()); err != nil {
			return nil, err
		}
	}
	ctx := context.WithValue(k.ctx, oauth2.HTTPClient, k.provider.client)
	next, err := config.TokenSource(ctx, &oauth2.Token{RefreshToken: token.RefreshToken}).Token()
	if err == nil {
		k.provider.date(next)
	}
	return next, err
}
