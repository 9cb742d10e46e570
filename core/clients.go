package core

import (
	"context"
	"fmt"
	"regexp"
	"slices"

	"github.com/oneauth-go/oneauth/core/record"
)

// FirstParty is the id of the built-in public client: the application's own apps. It is the default, and the only
// client that may send passwords (POST /api/login).
const FirstParty = "first-party"

// Grant types with a handler of their own (RFC 6749); features register more.
const (
	GrantPassword = "password" // not at the token endpoint: POST /api/login, first-party alone
	GrantRefresh  = "refresh_token"
	GrantCode     = "authorization_code" // handled by package oauth
	GrantClient   = "client_credentials" // for confidential clients, as themselves
)

// ClientConfig declares a client in the configuration.
type ClientConfig struct {
	ID            string
	Name          string
	Secrets       []string // of a confidential client, at least 32 characters each; none makes it public
	RedirectURIs  []string
	Grants        []string // default refresh_token, and with redirect URIs authorization_code
	Scopes        []string // the most it may be granted; empty is whatever the user may have
	DefaultScopes []string
	Audiences     []string
}

var clientIDRE = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._~-]{0,99}$`)

func (c ClientConfig) client() (*Client, error) {
	out := &Client{
		ID: c.ID, Name: c.Name, Type: Public, RedirectURIs: c.RedirectURIs, Grants: c.Grants, Scopes: c.Scopes,
		DefaultScopes: c.DefaultScopes, Audiences: c.Audiences,
	}
	if !clientIDRE.MatchString(c.ID) {
		return nil, fmt.Errorf("core: client id %q must be 1 to 100 of A-Z a-z 0-9 . _ ~ -", c.ID)
	}
	for _, s := range c.Secrets {
		if len(s) < minClientToken {
			return nil, fmt.Errorf("core: client %s: a secret needs at least %d characters", c.ID, minClientToken)
		}
		out.Type = Confidential
		out.SecretHashes = append(out.SecretHashes, digest([]byte(s)))
	}
	for _, u := range c.RedirectURIs {
		if why := redirectFault(u); why != "" {
			return nil, fmt.Errorf("core: client %s: redirect URI %q %s", c.ID, u, why)
		}
	}
	if len(out.Grants) == 0 {
		out.Grants = []string{GrantRefresh}
		if len(out.RedirectURIs) > 0 {
			out.Grants = append(out.Grants, GrantCode)
		}
	}
	return out, validScopes("client "+c.ID, slices.Concat(c.Scopes, c.DefaultScopes))
}

func (a *Auth) configureClients() error {
	a.fixed = map[string]*Client{
		FirstParty: {ID: FirstParty, Name: "First-party apps", Type: Public, Grants: []string{GrantPassword, GrantRefresh}},
	}
	for _, cc := range a.cfg.Clients {
		c, err := cc.client()
		if err != nil {
			return err
		}
		if _, taken := a.fixed[c.ID]; taken && c.ID != FirstParty {
			return fmt.Errorf("core: client %s is configured twice", c.ID)
		}
		if c.ID == FirstParty {
			if c.Type != Public {
				return fmt.Errorf("core: client %s is public: it has no secret", FirstParty)
			}
			c.Grants = append(c.Grants, GrantPassword)
		}
		a.fixed[c.ID] = c
	}
	return nil
}

// Clients are the programs that may ask for tokens: those of the configuration, and those registered in the store.
type Clients struct{ auth *Auth }

// Clients returns the door to the clients.
func (a *Auth) Clients() Clients { return Clients{a} }

// Get returns a client, or ErrInvalidClient.
func (c Clients) Get(ctx context.Context, id string) (*Client, error) {
	if fixed := c.auth.fixed[id]; fixed != nil {
		return fixed, nil
	}
	if !clientIDRE.MatchString(id) {
		return nil, ErrInvalidClient
	}
	var stored *Client
	err := c.auth.View(ctx, func(tx *Tx) (err error) {
		stored, _, err = found(tx.Clients().Get(id))
		return err
	})
	if err == nil && stored == nil {
		err = ErrInvalidClient
	}
	return stored, err
}

// Register keeps a client in the store of this tenant, and returns the secret of a confidential one, which exists
// nowhere else. The id is chosen by the caller and must be free, else ErrConflict.
func (c Clients) Register(ctx context.Context, in ClientConfig, t ClientType) (*Client, string, error) {
	a, secret := c.auth, ""
	if t == Confidential && len(in.Secrets) == 0 {
		raw, err := a.newSecret(32)
		if err != nil {
			return nil, "", err
		}
		secret = b64.EncodeToString(raw)
		in.Secrets = []string{secret}
	}
	client, err := in.client()
	switch {
	case err != nil:
		return nil, "", E(CodeInvalidField, err.Error())
	case client.Type != t:
		return nil, "", FieldE(CodeInvalidField, "secrets", "A public client has no secret.")
	case a.fixed[in.ID] != nil:
		return nil, "", ErrConflict
	}
	client.CreatedAt = a.now()
	err = a.Update(ctx, func(tx *Tx) error {
		if err := tx.Clients().Insert(client); err != nil {
			return err
		}
		return tx.Emit(Event{Type: EventClientRegistered, ClientID: client.ID})
	})
	return client, secret, err
}

// Remove takes a registered client out of the store. Its refresh tokens fail from then on.
func (c Clients) Remove(ctx context.Context, id string) error {
	return c.auth.Update(ctx, func(tx *Tx) error {
		if _, err := tx.Clients().Get(id); err != nil {
			return err
		}
		return tx.Clients().Delete(id)
	})
}

// List returns the registered clients of this tenant; configured ones are not in it.
func (c Clients) List(ctx context.Context, p record.Page) ([]*Client, error) {
	var all []*Client
	err := c.auth.View(ctx, func(tx *Tx) (err error) {
		all, err = tx.Clients().All(p)
		return err
	})
	return all, err
}

// Authenticate returns the client that id and secret name (RFC 6749 section 2.3). A public client comes without a
// secret, and with one is refused. The error is ErrInvalidClient.
func (c Clients) Authenticate(ctx context.Context, id, secret string) (*Client, error) {
	client, err := c.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	if client.Type == Public {
		if secret != "" {
			return nil, ErrInvalidClient
		}
		return client, nil
	}
	sum, ok := digest([]byte(secret)), false
	for _, h := range client.SecretHashes {
		ok = sameSecret(h, sum) || ok
	}
	if !ok {
		return nil, ErrInvalidClient
	}
	return client, nil
}

// MayUse reports whether the client may use a grant type at the token endpoint.
func (c *Client) MayUse(grant string) bool { return slices.Contains(c.Grants, grant) }
