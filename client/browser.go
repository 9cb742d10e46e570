package client

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"golang.org/x/oauth2"
)

// Browser says how somebody signs in by a browser on the same machine.
type Browser struct {
	// Provider names the way in, such as google: the browser goes to <prefix>/oauth/<Provider>.
	Provider string
	// AuthorizeURL is another authorisation endpoint, instead of Provider's: https, or plain http on loopback.
	AuthorizeURL string
	// Path of the redirect URI, http://127.0.0.1:<port><Path>, as the client has it registered; default /callback.
	Path string
	// Open shows a URL to the person; default [OpenBrowser]. It returns without waiting for the sign-in.
	Open func(ctx context.Context, url string) error
	// Timeout bounds the whole; default 5 minutes.
	Timeout time.Duration
}

const (
	defaultBrowserTimeout = 5 * time.Minute
	secretBytes           = 32 // of state and code verifier
)

// LoginWithBrowser signs a person in by the authorisation code grant with PKCE (RFC 7636 S256) and a redirect to a port of
// 127.0.0.1 that is open for as long as it takes (RFC 8252 section 7.3). The browser ends on a page that says how it went.
// Errors: what the server refuses is an [*Error] (access_denied when the person declines); when the time is over it is that
// of ctx. Whatever the store had before is replaced.
func (c *Client) LoginWithBrowser(ctx context.Context, b Browser) (Session, error) {
	endpoint, err := c.authorizeURL(b)
	if err != nil {
		return Session{}, err
	}
	if b.Path == "" {
		b.Path = "/callback"
	}
	if !strings.HasPrefix(b.Path, "/") || strings.ContainsAny(b.Path, "?#%{} ") {
		return Session{}, fmt.Errorf("client: Browser.Path %q is no plain path", b.Path)
	}
	if b.Open == nil {
		b.Open = OpenBrowser
	}
	if b.Timeout <= 0 {
		b.Timeout = defaultBrowserTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, b.Timeout)
	defer cancel()
	state, err := c.secretText()
	if err != nil {
		return Session{}, err
	}
	verifier, err := c.secretText()
	if err != nil {
		return Session{}, err
	}
	l, err := listen(ctx, b.Path, state, c.server.String())
	if err != nil {
		return Session{}, err
	}
	defer l.close()
	query := endpoint.Query()
	for name, value := range map[string]string{
		"mode": "api", "response_type": "code", "client_id": c.clientID, "redirect_uri": l.redirectURI, "state": state,
		"code_challenge": oauth2.S256ChallengeFromVerifier(verifier), "code_challenge_method": "S256",
	} {
		query.Set(name, value)
	}
	c.describe(query)
	endpoint.RawQuery = query.Encode()
	if err := b.Open(ctx, endpoint.String()); err != nil {
		return Session{}, fmt.Errorf("client: the browser could not be opened: %w", err)
	}
	return l.wait(ctx, func(code string) (Session, error) {
		cred, err := c.grant(ctx, "/token", url.Values{
			"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {l.redirectURI}, "code_verifier": {verifier},
		})
		if err != nil {
			return Session{}, err
		}
		return c.keep(ctx, cred)
	})
}

// authorizeURL returns where the browser begins.
func (c *Client) authorizeURL(b Browser) (*url.URL, error) {
	switch {
	case (b.Provider == "") == (b.AuthorizeURL == ""):
		return nil, errors.New("client: set one of Browser.Provider and Browser.AuthorizeURL")
	case b.Provider != "":
		return url.Parse(c.server.String() + c.prefix + "/oauth/" + url.PathEscape(b.Provider))
	}
	u, err := url.Parse(b.AuthorizeURL)
	if err != nil || u.User != nil || u.Fragment != "" {
		return nil, errors.New("client: Browser.AuthorizeURL must be a URL without user and fragment")
	}
	if err := checkSecure(u); err != nil {
		return nil, fmt.Errorf("client: Browser.AuthorizeURL: %w", err)
	}
	return u, nil
}

// secretText draws 256 bits and writes them in 43 characters that RFC 7636 section 4.1 allows.
func (c *Client) secretText() (string, error) {
	raw := make([]byte, secretBytes)
	if _, err := io.ReadFull(c.random, raw); err != nil {
		return "", fmt.Errorf("client: randomness: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(raw), nil
}

// OpenBrowser opens an http or https URL in the person's browser. It returns when the browser was started.
func OpenBrowser(_ context.Context, target string) error {
	u, err := url.Parse(target)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return errors.New("client: only http and https URLs are opened")
	}
	var command *exec.Cmd
	switch runtime.GOOS {
	case "windows":
		command = exec.Command("rundll32", "url.dll,FileProtocolHandler", u.String())
	case "darwin":
		command = exec.Command("open", u.String())
	default:
		command = exec.Command("xdg-open", u.String())
	}
	if err := command.Start(); err != nil {
		return err
	}
	go func() { _ = command.Wait() }() // what becomes of the browser is the person's affair
	return nil
}

// refusedBy makes an Error of an error redirect (RFC 6749 section 4.1.2.1).
func refusedBy(query url.Values) *Error {
	e := parseError(0, http.Header{}, nil)
	e.Code, e.Description = code(query.Get("error")), clean(query.Get("error_description"))
	return e
}
