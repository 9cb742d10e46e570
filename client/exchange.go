package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Parameters that hold a secret, and must not come back in the text of an error.
var secretParams = []string{"password", "refresh_token", "token", "code", "code_verifier"}

// post sends a form to an endpoint below the prefix, authenticates the client, and decodes a 2xx answer into out unless
// that is nil. Errors: *Error for what the server refuses; ErrUnavailable.
func (c *Client) post(ctx context.Context, path string, form url.Values, out any) error {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	if c.secret == "" {
		form.Set("client_id", c.clientID)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.server.String()+c.prefix+path, strings.NewReader(form.Encode()))
	if err != nil {
		return fmt.Errorf("client: %w", err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", "application/json")
	if c.secret != "" {
		r.SetBasicAuth(url.QueryEscape(c.clientID), url.QueryEscape(c.secret)) // RFC 6749 section 2.3.1
	}
	answer, err := c.http.Do(r)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	defer answer.Body.Close()
	body, err := readAll(answer.Body)
	switch {
	case answer.StatusCode >= 400:
		if err != nil {
			body = nil
		}
		refused := parseError(answer.StatusCode, answer.Header, body)
		refused.hide(c.secretsOf(form)...)
		return refused
	case answer.StatusCode >= 300:
		return fmt.Errorf("%w: it answers %s with a redirect", ErrUnavailable, path)
	case err != nil:
		return fmt.Errorf("%w: the answer of %s: %w", ErrUnavailable, path, err)
	case out == nil:
		return nil
	}
	if json.Unmarshal(body, out) != nil { // whose error may quote the answer
		return fmt.Errorf("%w: the answer of %s is not the JSON it should be", ErrUnavailable, path)
	}
	return nil
}

func (c *Client) secretsOf(form url.Values) []string {
	secrets := []string{c.secret}
	for _, name := range secretParams {
		secrets = append(secrets, form.Get(name))
	}
	return secrets
}

// grant gets a token pair from the token endpoint, or from login.
func (c *Client) grant(ctx context.Context, path string, form url.Values) (*Credential, error) {
	sent := c.now()
	var a tokenAnswer
	if err := c.post(ctx, path, form, &a); err != nil {
		return nil, err
	}
	return a.credential(c, sent)
}

// refreshPause is between two tries of one refresh.
const refreshPause = 200 * time.Millisecond

// refresh exchanges the refresh token of cred (RFC 6749 section 6). When the answer does not come it is asked for again
// at once: within its grace window the server gives the same successor.
func (c *Client) refresh(ctx context.Context, cred *Credential) (*Credential, error) {
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {cred.RefreshToken}}
	next, err := c.tryRefresh(ctx, form)
	if refused := (*Error)(nil); errors.Is(err, ErrUnavailable) && (!errors.As(err, &refused) || refused.RetryAfter <= time.Second) {
		select {
		case <-time.After(refreshPause):
			next, err = c.tryRefresh(ctx, form)
		case <-ctx.Done():
		}
	}
	if err != nil {
		return nil, err
	}
	if next.RefreshToken == "" {
		next.RefreshToken = cred.RefreshToken // RFC 6749 section 6: it stays good
	}
	if next.SessionID == "" {
		next.SessionID = cred.SessionID
	}
	return next, nil
}

func (c *Client) tryRefresh(ctx context.Context, form url.Values) (*Credential, error) {
	ctx, cancel := context.WithTimeout(ctx, RefreshTimeout)
	defer cancel()
	return c.grant(ctx, "/token", form)
}
