package verify

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Config says which tokens a [Verifier] accepts. Issuer and Audiences are required; the zero value of all else is the
// default.
type Config struct {
	Issuer    string   // the application's base URL, compared as bytes; https, or plain http on loopback
	Audiences []string // aud must be one of them: the names under which this service is known to the issuer
	Tenant    string   // where set, tid must be it

	Algorithms []string      // default EdDSA, ES256 and RS256; no others can be allowed
	Leeway     time.Duration // by how much clocks may differ; default 30 s, negative for none, at most 5 minutes
	Require    []string      // claims that must be there, beside those of RFC 9068

	KeysFor  time.Duration // age at which keys are fetched anew; default 5 minutes
	StaleFor time.Duration // age at which keys that cannot be fetched serve no more; default 1 hour, at least KeysFor

	// Introspection asks the issuer about each token instead (RFC 7662). Nil verifies here.
	Introspection *Introspection

	CacheSize  int              // valid tokens to remember; default 4096 (8 MiB at most), negative: none
	HTTPClient *http.Client     // how the issuer is reached; its redirects and cookies are not used. Default timeout 5 s
	Realm      string           // of challenges; default oneauth
	Now        func() time.Time // default time.Now
	Log        *slog.Logger     // is told when keys cannot be fetched; default slog.Default()
}

// Introspection says how the issuer is asked. It knows an API key with the scope introspect, or a confidential client that
// owns one of the audiences: set one of them.
type Introspection struct {
	APIKey       string
	ClientID     string
	ClientSecret string
	Endpoint     string        // default: what the issuer's metadata says
	CacheFor     time.Duration // how old an answer may be; default 10 s, at most 5 minutes, negative: ask each time
}

const (
	defaultLeeway   = 30 * time.Second
	maxLeeway       = 5 * time.Minute
	defaultKeysFor  = 5 * time.Minute
	defaultStaleFor = time.Hour
	defaultCache    = 4096
	maxCache        = 1 << 20
	defaultCacheFor = 10 * time.Second
	maxCacheFor     = 5 * time.Minute
	defaultTimeout  = 5 * time.Second
)

var algorithms = []string{"EdDSA", "ES256", "RS256"}

// complete checks the configuration and fills in the defaults.
func (c *Config) complete() error {
	if err := secure(c.Issuer); err != nil {
		return fmt.Errorf("Config.Issuer: %w", err)
	}
	if len(c.Audiences) == 0 || slices.Contains(c.Audiences, "") {
		return errors.New("Config.Audiences is empty or has an empty string: say for whom tokens must be")
	}
	if c.Algorithms == nil {
		c.Algorithms = algorithms
	}
	if len(c.Algorithms) == 0 {
		return errors.New("Config.Algorithms is empty")
	}
	for _, alg := range c.Algorithms {
		if !slices.Contains(algorithms, alg) {
			return fmt.Errorf("Config.Algorithms: %q is not one of %s", alg, strings.Join(algorithms, ", "))
		}
	}
	for _, d := range []struct {
		name string
		v    *time.Duration
		def  time.Duration
	}{{"KeysFor", &c.KeysFor, defaultKeysFor}, {"StaleFor", &c.StaleFor, max(defaultStaleFor, c.KeysFor)}} {
		if *d.v == 0 {
			*d.v = d.def
		}
		if *d.v < 0 {
			return fmt.Errorf("%s is negative", "Config."+d.name)
		}
	}
	switch {
	case c.StaleFor < c.KeysFor:
		return errors.New("Config.StaleFor is less than Config.KeysFor")
	case c.Leeway > maxLeeway:
		return fmt.Errorf("Config.Leeway is more than %v", maxLeeway)
	case c.CacheSize > maxCache:
		return fmt.Errorf("Config.CacheSize is more than %d", maxCache)
	}
	if c.Leeway == 0 {
		c.Leeway = defaultLeeway
	}
	c.Leeway = max(c.Leeway, 0)
	if c.CacheSize == 0 {
		c.CacheSize = defaultCache
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	c.Audiences, c.Algorithms, c.Require = slices.Clone(c.Audiences), slices.Clone(c.Algorithms), slices.Clone(c.Require)
	if c.Realm == "" {
		c.Realm = "oneauth"
	}
	return c.Introspection.check()
}

func (i *Introspection) check() error {
	if i == nil {
		return nil
	}
	key, client := i.APIKey != "", i.ClientID != "" && i.ClientSecret != ""
	switch {
	case key == client || key && (i.ClientID != "" || i.ClientSecret != ""):
		return errors.New("Config.Introspection needs APIKey, or ClientID and ClientSecret, and not both")
	case i.CacheFor > maxCacheFor:
		return fmt.Errorf("Config.Introspection.CacheFor is more than %v", maxCacheFor)
	case i.Endpoint == "":
		return nil
	}
	if err := secure(i.Endpoint); err != nil {
		return fmt.Errorf("Config.Introspection.Endpoint: %w", err)
	}
	return nil
}

// secure refuses URLs on the way to which others may read along or answer.
func secure(text string) error {
	u, err := url.Parse(text)
	switch {
	case text == "":
		return errors.New("it is empty")
	case err != nil:
		return errors.New("it is no URL")
	case u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return errors.New("it must have a host, and neither user, query nor fragment")
	case u.Scheme == "https", u.Scheme == "http" && isLoopback(u.Hostname()):
		return nil
	}
	return errors.New("it must be https; plain http is for loopback only")
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

// httpClient returns a client that follows no redirect and has no cookies.
func (c *Config) httpClient() *http.Client {
	own := &http.Client{
		Timeout:       defaultTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	if c.HTTPClient != nil {
		own.Transport = c.HTTPClient.Transport
		if c.HTTPClient.Timeout > 0 {
			own.Timeout = c.HTTPClient.Timeout
		}
	}
	return own
}
