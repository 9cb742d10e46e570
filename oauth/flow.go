package oauth

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"github.com/oneauth-go/oneauth/core"
)

// mode is how a flow ends.
type mode string

const (
	browserMode mode = "browser" // with a session's cookie
	apiMode     mode = "api"     // with a code for the token endpoint
	linkMode    mode = "link"    // with a connected account
)

// flow is a sign-in that is under way at a provider. It travels sealed in a cookie of the browser that began it, so that
// beginning one costs the store nothing, and nobody can finish it elsewhere.
type flow struct {
	Mode     mode      `json:"m"`
	Provider string    `json:"p"`
	Tenant   string    `json:"t"`
	Nonce    string    `json:"n"`
	Verifier string    `json:"v"` // of PKCE with the provider
	Expires  time.Time `json:"e"`
	ReturnTo string    `json:"r,omitempty"` // browser and link mode: a path of this origin
	App      app       `json:"a,omitzero"`  // API mode
	Linker   linker    `json:"l,omitzero"`  // link mode
}

// app is what a program asked for that began a flow in API mode.
type app struct {
	ClientID    string `json:"c"`
	RedirectURI string `json:"u"`
	Challenge   string `json:"h"` // of PKCE with us
	State       string `json:"s"`
	Scope       string `json:"o,omitempty"`
	DeviceName  string `json:"d,omitempty"`
}

// linker is who connects an account.
type linker struct {
	UserID    string `json:"u"`
	SessionID string `json:"s"`
}

const (
	flowLifetime = 10 * time.Minute // for a person to sign in at the provider
	maxFlows     = 8                // under way in one browser,
	maxFlowBytes = 4096             // and all of them together: servers take 8 KiB of cookies
	maxCookie    = 4096             // bytes of name and value that browsers keep (RFC 6265 section 6.1)
	flowKind     = "oauth_flow"     // what the cookie is sealed for
	flowSuffix   = "flow-"
)

var b64 = base64.RawURLEncoding.Strict()

// newSecret draws 256 bits and writes them in 43 characters, which RFC 7636 section 4.1 allows in a verifier.
func (s *Service) newSecret() (string, error) {
	raw := make([]byte, 32)
	if _, err := io.ReadFull(s.auth.Env().Rand, raw); err != nil {
		return "", core.ErrUnavailable.Wrap(fmt.Errorf("oauth: randomness: %w", err))
	}
	return b64.EncodeToString(raw), nil
}

// hashed names what is looked up by a secret.
func hashed(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return b64.EncodeToString(sum[:])
}

func flowCookie(state string) string { return flowSuffix + hashed(state)[:16] }

// begin gives the browser a flow and returns where it goes on: the provider's authorization endpoint.
func (s *Service) begin(w http.ResponseWriter, r *http.Request, p *provider, f *flow) (string, error) {
	ctx := r.Context()
	config, err := p.config(ctx, s.callbackURL(ctx, p))
	if err != nil {
		return "", core.E(core.CodeProviderFailed, "").Wrap(err)
	}
	var state string
	for _, secret := range []*string{&state, &f.Nonce, &f.Verifier} {
		if *secret, err = s.newSecret(); err != nil {
			return "", err
		}
	}
	f.Provider, f.Tenant, f.Expires = p.Name, tenantOf(ctx), s.now().Add(flowLifetime)
	plain, err := json.Marshal(f)
	if err != nil {
		return "", core.E(core.CodeInternal, "").Wrap(err)
	}
	sealed, err := s.auth.Config().Secrets.Seal(plain, flowKind, state)
	if err != nil {
		return "", core.E(core.CodeInternal, "").Wrap(err)
	}
	cookie := s.edge.Cookie(flowCookie(state), b64.EncodeToString(sealed), f.Expires)
	if len(cookie.Name)+len(cookie.Value) > maxCookie {
		return "", core.E(core.CodeInvalidRequest, "The parameters are too long together.")
	}
	s.makeRoom(w, r)
	http.SetCookie(w, cookie)
	w.Header().Set("Cache-Control", "no-store")
	var options []oauth2.AuthCodeOption
	if !p.NoPKCE {
		options = append(options, oauth2.S256ChallengeOption(f.Verifier))
	}
	if p.Issuer != "" {
		options = append(options, oauth2.SetAuthURLParam("nonce", f.Nonce))
	}
	if p.FormPost {
		options = append(options, oauth2.SetAuthURLParam("response_mode", "form_post"))
	}
	for name, value := range p.Params {
		options = append(options, oauth2.SetAuthURLParam(name, value))
	}
	return config.AuthCodeURL(state, options...), nil
}

// makeRoom clears the flows that a browser began and did not finish, before they are too many for a request's headers.
func (s *Service) makeRoom(w http.ResponseWriter, r *http.Request) {
	prefix := s.edge.Cookie(flowSuffix, "", time.Time{}).Name
	var names []string
	size := 0
	for _, c := range r.Cookies() {
		if suffix, ours := strings.CutPrefix(c.Name, prefix); ours {
			names = append(names, flowSuffix+suffix)
			size += len(c.Name) + len(c.Value)
		}
	}
	if len(names) < maxFlows && size < maxFlowBytes {
		return
	}
	for _, name := range names {
		http.SetCookie(w, s.edge.Cookie(name, "", time.Time{}))
	}
}

// resume returns the flow that a callback's state belongs to, if this browser began it, and uses the state up. Whatever
// comes of it, the cookie goes.
func (s *Service) resume(w http.ResponseWriter, r *http.Request, p *provider, state string) (*flow, error) {
	unknown := func(why string) error {
		return core.FieldE(core.CodeInvalidRequest, "state",
			"This sign-in was not begun in this browser, or is over: begin again.").Wrap(errors.New("oauth: " + why))
	}
	if state == "" {
		return nil, unknown("no state")
	}
	name := flowCookie(state)
	sent := r.CookiesNamed(s.edge.Cookie(name, "", time.Time{}).Name)
	if len(sent) > 0 {
		http.SetCookie(w, s.edge.Cookie(name, "", time.Time{}))
	}
	if len(sent) != 1 {
		return nil, unknown(fmt.Sprintf("%d cookies for the state", len(sent)))
	}
	sealed, err := b64.DecodeString(sent[0].Value)
	if err != nil {
		return nil, unknown("the cookie is damaged")
	}
	plain, err := s.auth.Config().Secrets.Open(sealed, flowKind, state)
	if err != nil {
		return nil, unknown("the cookie cannot be opened")
	}
	f := &flow{}
	switch err := json.Unmarshal(plain, f); {
	case err != nil:
		return nil, core.E(core.CodeInternal, "").Wrap(err)
	case f.Provider != p.Name:
		return nil, unknown("the state is of another provider")
	case f.Tenant != tenantOf(r.Context()):
		return nil, unknown("the state is of another tenant")
	case !s.now().Before(f.Expires):
		return nil, unknown("the sign-in took too long")
	}
	err = s.auth.Update(r.Context(), func(tx *core.Tx) error {
		return usedStates.In(tx.Record()).Insert(&usedState{ID: hashed(state), Expires: f.Expires})
	})
	if errors.Is(err, core.ErrConflict) {
		return nil, unknown("the state was used before")
	}
	return f, err
}

// usedState marks a state whose callback came, so that it is good once.
type usedState struct {
	ID      string    `record:"id"` // SHA-256 of the state
	Expires time.Time `record:"expires"`
}

// callbackURL is where the provider sends people back to. Each provider has its own, so that an answer cannot be passed
// off as another's (RFC 9700 section 4.4).
func (s *Service) callbackURL(ctx context.Context, p *provider) string {
	cfg := s.auth.Config()
	return cfg.BaseURLFor(tenantOf(ctx)) + cfg.Prefix + "/oauth/" + p.Name + "/callback"
}

func (s *Service) now() time.Time { return s.auth.Env().Now() }

func tenantOf(ctx context.Context) string {
	if tenant := core.TenantOf(ctx); tenant != "" {
		return tenant
	}
	return core.DefaultTenant
}
