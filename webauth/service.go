package webauth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/internal/wire"
	"github.com/oneauth-go/oneauth/webauth/pages"
)

// Options are what New needs beside core. The zero value is good for an application that takes only cookies.
type Options struct {
	// CookieName is the session cookie's name; further cookies begin with it. Default __Host-oneauth, and for plain http
	// on loopback oneauth_dev_<port>, so that applications on one machine do not sign each other out.
	CookieName     string
	Pages          *pages.Set // what people see; nil where the application has pages of its own
	OwnPages       OwnPages   // used where Pages is nil
	TrustedOrigins []string   // further origins, such as https://www.example, whose pages may send requests with the cookie
	Entry          *wire.Entry
	Errors         wire.ErrorWriter
	Sessions       *SessionCache // spares the application's own routes the store; nil asks it at every request
	// Bearer authenticates the Authorization or X-API-Key header of a request. present is false if it has neither. Nil
	// means that no such credential is good.
	Bearer func(ctx context.Context, r *http.Request) (p *core.Principal, present bool, err error)
}

// Service is OneAuth's side of the browser. It is safe for concurrent use.
type Service struct {
	auth    *core.Auth
	prefix  string
	fields  map[string]core.FieldType // declared custom fields
	entry   *wire.Entry
	errors  wire.ErrorWriter
	bearer  func(context.Context, *http.Request) (*core.Principal, bool, error)
	cross   *wire.CrossOrigin
	cookie  string
	secure  bool
	formKey []byte
	pages   *pages.Set
	own     OwnPages
	cache   *SessionCache

	formOnly map[string]bool // endpoints without a GET, which no person can be sent to
}

// New returns a Service over auth, whose configuration says under which origin and path people reach it. The error names
// what cannot work: a base URL of plain http that is not this machine, a cookie name that browsers would refuse, a
// trusted origin that is none.
func New(auth *core.Auth, o Options) (*Service, error) {
	if auth == nil {
		return nil, errors.New("webauth: New needs a core.Auth")
	}
	cfg := auth.Config()
	base, err := url.Parse(cfg.BaseURL)
	if err != nil {
		return nil, fmt.Errorf("webauth: base URL: %w", err)
	}
	s := &Service{
		auth: auth, prefix: cfg.Prefix, fields: map[string]core.FieldType{}, entry: o.Entry, errors: o.Errors,
		bearer: o.Bearer, secure: base.Scheme == "https", formKey: auth.Subkey("form-token"), pages: o.Pages, own: o.OwnPages,
		cache: o.Sessions,
	}
	for _, f := range cfg.Fields {
		s.fields[f.Name] = f.Type
	}
	if s.entry == nil {
		s.entry = &wire.Entry{}
	}
	if s.bearer == nil {
		s.bearer = noBearer
	}
	if s.cookie, err = cookieName(o.CookieName, base); err != nil {
		return nil, fmt.Errorf("webauth: %w", err)
	}
	if s.cache != nil && s.cache.auth != auth {
		return nil, errors.New("webauth: Options.Sessions: give the cache's Feature to core.New first")
	}
	if err := o.OwnPages.check(); err != nil {
		return nil, fmt.Errorf("webauth: %w", err)
	}
	if s.cross, err = wire.NewCrossOrigin(base, o.TrustedOrigins); err != nil {
		return nil, fmt.Errorf("webauth: %w", err)
	}
	s.cross.FormToken = s.hasFormToken
	if cfg.BaseURLOf != nil {
		s.cross.OwnOf = s.tenantOrigin
	}
	s.formOnly = map[string]bool{}
	for _, route := range s.Routes() {
		s.formOnly[route.Path] = true
	}
	for _, route := range s.Routes() {
		if route.Method == http.MethodGet {
			delete(s.formOnly, route.Path)
		}
	}
	return s, nil
}

// noBearer refuses every credential that is not a cookie.
func noBearer(_ context.Context, r *http.Request) (*core.Principal, bool, error) {
	_, present, err := wire.BearerToken(r)
	if present && err == nil {
		err = core.ErrInvalidToken
	}
	return nil, present, err
}

// cookieName judges the configured name, or chooses one.
func cookieName(name string, base *url.URL) (string, error) {
	if base.Scheme != "https" && !loopback(base.Hostname()) {
		return "", fmt.Errorf("base URL %s: sessions over plain http are for this machine alone, use https", base)
	}
	if name == "" {
		if base.Scheme == "https" {
			return "__Host-oneauth", nil
		}
		port := base.Port()
		if port == "" {
			port = "80"
		}
		return "oneauth_dev_" + port, nil
	}
	if err := (&http.Cookie{Name: name, Value: "x"}).Valid(); err != nil || len(name) > 64 {
		return "", fmt.Errorf("CookieName %q is not the name of a cookie", name)
	}
	lower := strings.ToLower(name)
	if base.Scheme != "https" && (strings.HasPrefix(lower, "__host-") || strings.HasPrefix(lower, "__secure-")) {
		return "", fmt.Errorf("CookieName %q: browsers take it over https alone", name)
	}
	return name, nil
}

func loopback(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}
