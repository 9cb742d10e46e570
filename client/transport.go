package client

import (
	"context"
	"io"
	"net/http"

	"golang.org/x/oauth2"
)

// maxDrain is how much of an answer is read so that its connection can be used again.
const maxDrain = 16 << 10

// Transport returns a round tripper that adds the access token to requests and sends them through base, which is
// http.DefaultTransport where it is nil.
//
//   - Only requests to the server's origin and those of WithOrigins get the token; others go as they are, and so do
//     requests with an Authorization header of their own. That holds for each hop of a redirect.
//   - The token is renewed before it expires; requests wait for that.
//   - When the answer is 401 with error="invalid_token" the token is renewed and the request sent once more, if it has no
//     body or GetBody. A 403, and any other 401, is the caller's.
//   - Without a credential nothing is sent: the error is [ErrSignedOut].
func (c *Client) Transport(base http.RoundTripper) http.RoundTripper {
	if base == nil {
		base = http.DefaultTransport
	}
	return &transport{c, base}
}

type transport struct {
	client *Client
	base   http.RoundTripper
}

// RoundTrip is http.RoundTripper's: it changes nothing of r, and closes its body whatever happens.
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if _, has := r.Header["Authorization"]; has || !t.client.origins.have(r.URL) {
		return t.base.RoundTrip(r)
	}
	h, err := t.client.valid(r.Context())
	if err != nil {
		closeBody(r)
		return nil, err
	}
	answer, err := t.base.RoundTrip(authorized(r, h))
	if err != nil || answer.StatusCode != http.StatusUnauthorized {
		return answer, err
	}
	return t.again(r, h, answer)
}

// again looks at a 401, and sends the request once more if another token may help.
func (t *transport) again(r *http.Request, h *held, answer *http.Response) (*http.Response, error) {
	if !saysInvalidToken(answer) || h.final.Load() || !t.client.renewable(h.Credential) {
		return answer, nil
	}
	h.refused.Store(true)
	if r.Body != nil && r.Body != http.NoBody && r.GetBody == nil {
		return answer, nil // the next request renews
	}
	next, err := t.client.renew(r.Context(), h.AccessToken)
	if err != nil {
		discard(answer)
		return nil, err
	}
	second := authorized(r, next)
	if r.GetBody != nil {
		if second.Body, err = r.GetBody(); err != nil {
			discard(answer)
			return nil, err
		}
	}
	discard(answer)
	answer, err = t.base.RoundTrip(second)
	if err == nil && saysInvalidToken(answer) {
		next.final.Store(true)
	}
	return answer, err
}

// renewable reports whether another access token can be had without a person.
func (c *Client) renewable(cred *Credential) bool { return c.service || cred.RefreshToken != "" }

// saysInvalidToken reports whether an answer says that its request's token is not valid, and nothing else: RFC 6750 section 3.1.
func saysInvalidToken(r *http.Response) bool {
	if r.StatusCode != http.StatusUnauthorized {
		return false
	}
	challenge, ok := bearerChallenge(r.Header)
	return ok && challenge["error"] == "invalid_token"
}

// authorized returns a copy of r with the token. What the copy shares with r is not written to.
func authorized(r *http.Request, h *held) *http.Request {
	out := r.WithContext(r.Context())
	out.Header = make(http.Header, len(r.Header)+1)
	for name, values := range r.Header {
		out.Header[name] = values[:len(values):len(values)]
	}
	out.Header["Authorization"] = h.header
	return out
}

func closeBody(r *http.Request) {
	if r.Body != nil {
		_ = r.Body.Close()
	}
}

func discard(answer *http.Response) {
	_, _ = io.CopyN(io.Discard, answer.Body, maxDrain)
	_ = answer.Body.Close()
}

// TokenSource returns the client as golang.org/x/oauth2 has it: Token gives a valid access token, renewed where that is
// due. The refresh token stays here, so that nobody refreshes beside the client. ctx bounds each Token.
func (c *Client) TokenSource(ctx context.Context) oauth2.TokenSource { return &tokenSource{ctx, c} }

type tokenSource struct {
	ctx    context.Context
	client *Client
}

func (s *tokenSource) Token() (*oauth2.Token, error) {
	h, err := s.client.valid(s.ctx)
	if err != nil {
		return nil, err
	}
	return &oauth2.Token{AccessToken: h.AccessToken, TokenType: "Bearer", Expiry: h.ExpiresAt}, nil
}
