package oauth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"time"

	"golang.org/x/oauth2"
)

const (
	maxAnswer  = 1 << 20          // bytes of a provider's answer
	askTimeout = 10 * time.Second // for one request to a provider
)

// errTooLarge reports an answer of a provider that is over maxAnswer.
var errTooLarge = errors.New("oauth: the provider's answer is too large")

// guarded returns a client that follows no redirect: an address of a provider is what its owner declared, and what is sent
// there is for nobody else. Answers end after maxAnswer, and requests after askTimeout or the client's own timeout.
func guarded(c *http.Client) *http.Client {
	own := http.Client{Timeout: askTimeout}
	if c != nil {
		own = *c
		if own.Timeout == 0 {
			own.Timeout = askTimeout
		}
	}
	base := own.Transport
	if base == nil {
		base = http.DefaultTransport
	}
	own.Transport = bounded{base}
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	own.Jar = nil
	return &own
}

// bounded limits the bodies of answers.
type bounded struct{ base http.RoundTripper }

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := b.base.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	resp.Body = &limited{resp.Body, maxAnswer}
	return resp, nil
}

// limited fails where http.MaxBytesReader would need a ResponseWriter.
type limited struct {
	io.ReadCloser
	left int
}

func (l *limited) Read(p []byte) (int, error) {
	n, err := l.ReadCloser.Read(p)
	if l.left -= n; l.left < 0 {
		return 0, errTooLarge
	}
	return n, err
}

// getJSON asks an API of the provider as the person. One that fails for the moment is asked once more.
func getJSON(ctx context.Context, client *http.Client, token *oauth2.Token, url string, into any) error {
	err := tryJSON(ctx, client, token, url, into)
	var status *statusError
	if err == nil || ctx.Err() != nil || errors.As(err, &status) && status.code < 500 {
		return err
	}
	return tryJSON(ctx, client, token, url, into)
}

func tryJSON(ctx context.Context, client *http.Client, token *oauth2.Token, url string, into any) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	r.Header.Set("Accept", "application/json")
	r.Header.Set("User-Agent", "OneAuth")
	token.SetAuthHeader(r)
	resp, err := client.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return &statusError{url, resp.StatusCode}
	}
	if media, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type")); err != nil || media == "text/html" {
		return fmt.Errorf("oauth: %s answers %q, not JSON", url, resp.Header.Get("Content-Type"))
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	return json.Unmarshal(body, into)
}

// statusError is an answer other than 200.
type statusError struct {
	url  string
	code int
}

func (e *statusError) Error() string { return fmt.Sprintf("oauth: %s answers %d", e.url, e.code) }
