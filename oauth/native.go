package oauth

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/internal/wire"
)

// usedToken marks an ID token that a native app brought, so that it is good once. It is known by its claims: header and
// signature can be written in other ways and stay valid.
type usedToken struct {
	ID      string    `record:"id"` // SHA-256 of the claims
	Expires time.Time `record:"expires"`
}

// native signs somebody in with an ID token that the sign-in of a platform, or a button such as One Tap, gave to an app.
// The app draws a nonce, gives it or its SHA-256 in hexadecimal to the platform, and brings it along.
func (s *Service) native(w http.ResponseWriter, r *http.Request, p *provider) error {
	ctx := r.Context()
	wish, as, err := s.nativeRequest(w, r, p)
	if err != nil {
		return s.note(ctx, p, err)
	}
	l, err := s.auth.ResolveExternal(ctx, *as, p.Rules)
	if err != nil {
		return err
	}
	signedIn, err := s.auth.AdmitLinked(ctx, l, wish, nil)
	if err != nil {
		return err
	}
	return s.edge.Tokens(w, r, signedIn)
}

// nativeRequest reads and judges the request of an app, and uses its ID token up.
func (s *Service) nativeRequest(w http.ResponseWriter, r *http.Request, p *provider) (wish core.Wish, as *core.Assertion, err error) {
	var in struct {
		ClientID     string `json:"client_id"`
		ClientSecret string `json:"client_secret"`
		IDToken      string `json:"id_token"`
		Nonce        string `json:"nonce"`
		Scope        string `json:"scope"`
		DeviceName   string `json:"device_name"`
	}
	if err := wire.Decode(w, r, &in); err != nil {
		return wish, nil, err
	}
	client, err := s.auth.Clients().Authenticate(r.Context(), cmp.Or(in.ClientID, core.FirstParty), in.ClientSecret)
	if err != nil {
		return wish, nil, err
	}
	if client.ID != core.FirstParty && !client.MayUse(core.GrantCode) {
		return wish, nil, core.E(core.CodeUnauthorizedClient, "")
	}
	wish = core.Wish{
		Kind: core.APISession, ClientID: client.ID, Scopes: core.ParseScope(in.Scope), DeviceName: in.DeviceName,
	}
	if in.Scope != "" && len(wish.Scopes) == 0 {
		return wish, nil, core.ErrInvalidScope
	}
	as, err = s.brought(r.Context(), p, in.IDToken, in.Nonce)
	return wish, as, err
}

// linkNative connects the account that an ID token is of.
func (s *Service) linkNative(w http.ResponseWriter, r *http.Request, p *provider, who *core.Principal, raw, nonce string) error {
	if err := s.recent(who); err != nil {
		return err
	}
	as, err := s.brought(r.Context(), p, raw, nonce)
	if err != nil {
		return s.note(r.Context(), p, err)
	}
	l, err := s.auth.LinkExternal(r.Context(), who.Subject, who.SessionID, *as)
	if err != nil {
		return s.note(r.Context(), p, err)
	}
	wire.WriteJSON(w, http.StatusOK, wire.ViewLinked(l))
	return nil
}

// brought verifies an ID token that somebody brought, and uses it up.
func (s *Service) brought(ctx context.Context, p *provider, raw, nonce string) (*core.Assertion, error) {
	switch {
	case p.Issuer == "":
		return nil, core.ErrNotFound
	case raw == "":
		return nil, core.FieldE(core.CodeInvalidRequest, "id_token", "The id_token is missing.")
	case nonce == "":
		return nil, core.FieldE(core.CodeInvalidRequest, "nonce", "The nonce is missing.")
	case len(raw) > maxIDToken:
		return nil, core.FieldE(core.CodeInvalidRequest, "id_token", "It is too long.")
	}
	if _, err := p.discover(ctx); err != nil {
		return nil, core.E(core.CodeProviderFailed, "").Wrap(err)
	}
	id, err := p.verify(ctx, raw, nonce, append(slices.Clone(p.NativeClientIDs), p.ClientID))
	if err != nil {
		return nil, core.FieldE(core.CodeInvalidGrant, "id_token", "The ID token is not valid.").Wrap(err)
	}
	err = s.auth.Update(ctx, func(tx *core.Tx) error {
		return usedTokens.In(tx.Record()).Insert(&usedToken{ID: hashed(string(id.Claims)), Expires: id.Expires.Add(time.Minute)})
	})
	if errors.Is(err, core.ErrConflict) {
		return nil, core.FieldE(core.CodeInvalidGrant, "id_token", "The ID token was used before.").Wrap(err)
	}
	if err != nil {
		return nil, err
	}
	return p.assertion(ctx, &Answer{Claims: id.Claims}, id)
}

const maxIDToken = 16 << 10
