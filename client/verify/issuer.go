package verify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/oneauth-go/oneauth/internal/jwt"
)

const (
	wellKnown   = "/.well-known/oauth-authorization-server"
	maxMetadata = 64 << 10
)

// issuer reads what an authorisation server publishes.
type issuer struct {
	name string
	http *http.Client
}

// metadata is what matters here of RFC 8414 section 2.
type metadata struct {
	Issuer                string `json:"issuer"`
	JWKSURI               string `json:"jwks_uri"`
	IntrospectionEndpoint string `json:"introspection_endpoint"`
}

// discover reads the metadata, which must name the very issuer that was asked (RFC 8414 section 3.3).
func (i *issuer) discover(ctx context.Context) (*metadata, error) {
	u, err := url.Parse(i.name)
	if err != nil {
		return nil, errors.New("the issuer is no URL")
	}
	path := strings.TrimSuffix(u.EscapedPath(), "/") // which stands behind the well-known part, section 3.1
	body, err := i.get(ctx, u.Scheme+"://"+u.Host+wellKnown+path, maxMetadata)
	if err != nil {
		return nil, fmt.Errorf("metadata: %w", err)
	}
	var m metadata
	switch {
	case json.Unmarshal(body, &m) != nil:
		return nil, errors.New("the metadata is not the JSON it should be")
	case m.Issuer != i.name:
		return nil, errors.New("the metadata is of another issuer")
	}
	return &m, nil
}

// keys reads the key set (RFC 7517 section 5).
func (i *issuer) keys(ctx context.Context) ([]byte, error) {
	m, err := i.discover(ctx)
	if err != nil {
		return nil, err
	}
	if err := secure(m.JWKSURI); err != nil {
		return nil, fmt.Errorf("jwks_uri of the metadata: %w", err)
	}
	body, err := i.get(ctx, m.JWKSURI, jwt.MaxJWKSBytes)
	if err != nil {
		return nil, fmt.Errorf("key set: %w", err)
	}
	return body, nil
}

// get reads a document of at most limit bytes.
func (i *issuer) get(ctx context.Context, url string, limit int64) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept", "application/json")
	return i.read(r, limit)
}

// read sends a request and reads an answer of 200 and at most limit bytes.
func (i *issuer) read(r *http.Request, limit int64) ([]byte, error) {
	answer, err := i.http.Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("status %d", answer.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(answer.Body, limit+1))
	if err == nil && int64(len(body)) > limit {
		err = errors.New("the answer is too large")
	}
	return body, err
}
