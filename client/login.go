package client

import (
	"context"
	"errors"
	"net/url"
	"strings"
)

// LoginWithPassword signs a person in by POST /api/login, which only [FirstParty] may do. Errors: [ErrFactorRequired], with
// the attempt in the [*Error]; [ErrInvalidCredentials]; [ErrThrottled]; [ErrUnavailable]. Whatever the store had before is
// replaced; the session behind it goes on: Logout ends it.
func (c *Client) LoginWithPassword(ctx context.Context, identifier, password string) (Session, error) {
	form := url.Values{"identifier": {identifier}, "password": {password}}
	c.describe(form)
	cred, err := c.grant(ctx, "/api/login", form)
	if err != nil {
		return Session{}, err
	}
	return c.keep(ctx, cred)
}

// describe adds which session is asked for.
func (c *Client) describe(form url.Values) {
	if c.scopes != "" {
		form.Set("scope", c.scopes)
	}
	if c.device != "" {
		form.Set("device_name", c.device)
	}
}

// apiKeyPrefix is how API keys begin.
const apiKeyPrefix = "oak_"

// LoginWithAPIKey keeps an API key, which is sent with every request from then on. The server is not asked: a key that is
// not good shows itself by the 401 of the first request.
func (c *Client) LoginWithAPIKey(ctx context.Context, key string) (Session, error) {
	key = strings.TrimSpace(key)
	if !strings.HasPrefix(key, apiKeyPrefix) || !isToken(key) {
		return Session{}, errors.New("client: the API key is malformed: it begins with " + apiKeyPrefix)
	}
	return c.keep(ctx, &Credential{
		Server: c.server.String(), ClientID: c.clientID, AccessToken: key, ObtainedAt: c.now().UTC(),
	})
}

// keep saves what a sign-in gave.
func (c *Client) keep(ctx context.Context, cred *Credential) (Session, error) {
	err := c.update(ctx, func(context.Context, *Credential) (*Credential, error) { return cred, nil })
	if err != nil {
		return Session{}, err
	}
	c.replaced()
	return cred.session(), nil
}

// Logout ends the session on the server (RFC 7009), and then removes the credential from the store. When the server cannot
// be reached the error is [ErrUnavailable] and the credential stays, so that Logout can be called again: a session of
// which nothing is left here could not be ended any more. Forget removes it all the same. An API key is only removed;
// whoever made it revokes it. Without a credential there is nothing to do.
func (c *Client) Logout(ctx context.Context) error {
	err := c.update(ctx, func(ctx context.Context, current *Credential) (*Credential, error) {
		if err := c.own(current); err != nil {
			return nil, err
		}
		if current == nil || strings.HasPrefix(current.AccessToken, apiKeyPrefix) {
			return nil, nil
		}
		token, hint := current.RefreshToken, "refresh_token"
		if next := c.unsavedAfter(current); next != nil {
			token = next.RefreshToken
		}
		if token == "" {
			token, hint = current.AccessToken, "access_token"
		}
		return nil, c.post(ctx, "/revoke", url.Values{"token": {token}, "token_type_hint": {hint}}, nil)
	})
	if err == nil {
		c.replaced()
	}
	return err
}

// Forget removes the credential from the store and says nothing to the server, where the session goes on until it ends by
// itself or by somebody's hand.
func (c *Client) Forget(ctx context.Context) error {
	err := c.update(ctx, func(context.Context, *Credential) (*Credential, error) { return nil, nil })
	if err == nil {
		c.replaced()
	}
	return err
}
