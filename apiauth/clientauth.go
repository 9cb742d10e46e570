package apiauth

import (
	"context"
	"encoding/json"
	"io"
	"mime"
	"net/http"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/internal/wire"
)

// clientParams are the body parameters with which a client names and authenticates itself (RFC 6749 section 2.3.1).
type clientParams struct {
	ClientID     string `json:"client_id"`
	ClientSecret string `json:"client_secret"`
}

// client authenticates the client of a request, by HTTP Basic or body parameters, not both. A request that names none
// comes from the first-party client. Public clients name themselves in the body: HTTP Basic is refused for them, so that
// libraries which try Basic first are told before a token is touched.
func (s *Service) client(ctx context.Context, r *http.Request, in clientParams) (*core.Client, error) {
	id, secret, basic, err := wire.BasicAuth(r)
	switch {
	case err != nil:
		return nil, err
	case basic && (in.ClientSecret != "" || in.ClientID != "" && in.ClientID != id):
		return nil, core.E(core.CodeInvalidRequest, "Authenticate the client once: by HTTP Basic or in the body.")
	case !basic && hasHeader(r): // of another scheme: it never counts for nothing
		return nil, core.E(core.CodeInvalidClient, "Clients authenticate by HTTP Basic or in the body.")
	case basic:
		c, err := s.auth.Clients().Authenticate(ctx, id, secret)
		if err == nil && c.Type == core.Public {
			return nil, core.ErrInvalidClient
		}
		return c, err
	case in.ClientID == "":
		in.ClientID = core.FirstParty
	}
	return s.auth.Clients().Authenticate(ctx, in.ClientID, in.ClientSecret)
}

// params gives access to all parameters of a body that wire.Decode has accepted, for grant handlers. Of JSON only
// strings count.
func params(r *http.Request) (func(name string) string, error) {
	if media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); media != "application/json" {
		return func(name string) string {
			v, err := wire.FormValue(r, name)
			if err != nil {
				return "" // the same body was decoded before
			}
			return v
		}, nil
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, core.E(core.CodeInvalidRequest, "The body could not be read to its end.").Wrap(err)
	}
	var members map[string]any
	if err := json.Unmarshal(body, &members); err != nil {
		return nil, core.E(core.CodeInvalidRequest, "The body is not a JSON object.").Wrap(err)
	}
	return func(name string) string {
		text, _ := members[name].(string)
		return text
	}, nil
}
