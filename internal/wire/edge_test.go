package wire_test

import (
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"path"
	"regexp"
	"strings"
	"testing"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/internal/wire"
)

func with(headers ...string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/?access_token=query", nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	return r
}

// The header forms of RFC 6750 section 2.1.
func TestBearerToken(t *testing.T) {
	for _, tt := range []struct {
		headers []string
		token   string
		present bool
		code    core.Code
	}{
		{nil, "", false, ""},
		{[]string{"Cookie", "a=b"}, "", false, ""},
		{[]string{"Authorization", "Bearer mF_9.B5f-4.1JqM"}, "mF_9.B5f-4.1JqM", true, ""},
		{[]string{"Authorization", "bEARER abc+/~=="}, "abc+/~==", true, ""},
		{[]string{"Authorization", "Bearer   abc"}, "abc", true, ""},
		{[]string{"X-API-Key", "oak_id_secret"}, "oak_id_secret", true, ""},
		{[]string{"Authorization", ""}, "", true, core.CodeInvalidRequest},
		{[]string{"Authorization", "Bearer"}, "", true, core.CodeInvalidRequest},
		{[]string{"Authorization", "Bearer "}, "", true, core.CodeInvalidRequest},
		{[]string{"Authorization", "Bearer ==="}, "", true, core.CodeInvalidRequest},
		{[]string{"Authorization", "Bearer a b"}, "", true, core.CodeInvalidRequest},
		{[]string{"Authorization", "Bearer a,b"}, "", true, core.CodeInvalidRequest},
		{[]string{"Authorization", "Bearer a=b"}, "", true, core.CodeInvalidRequest},
		{[]string{"Authorization", "Bearer \"a\""}, "", true, core.CodeInvalidRequest},
		{[]string{"Authorization", "Bearer a\x00"}, "", true, core.CodeInvalidRequest},
		{[]string{"Authorization", "Bearer é"}, "", true, core.CodeInvalidRequest},
		{[]string{"Authorization", " Bearer a"}, "", true, core.CodeInvalidRequest},
		{[]string{"Authorization", "Bearer " + strings.Repeat("a", 8193)}, "", true, core.CodeInvalidRequest},
		{[]string{"Authorization", "Bearer\ta"}, "", true, core.CodeUnauthenticated},
		{[]string{"Authorization", "Bearera"}, "", true, core.CodeUnauthenticated},
		{[]string{"Authorization", "Basic YTpi"}, "", true, core.CodeUnauthenticated},
		{[]string{"X-API-Key", ""}, "", true, core.CodeInvalidRequest},
		{[]string{"X-API-Key", "a b"}, "", true, core.CodeInvalidRequest},
		{[]string{"Authorization", "Bearer a", "Authorization", "Bearer a"}, "", true, core.CodeInvalidRequest},
		{[]string{"X-API-Key", "a", "X-API-Key", "a"}, "", true, core.CodeInvalidRequest},
		{[]string{"Authorization", "Bearer a", "X-API-Key", "b"}, "", true, core.CodeInvalidRequest},
	} {
		token, present, err := wire.BearerToken(with(tt.headers...))
		if token != tt.token || present != tt.present {
			t.Errorf("%.60q: got %q, %v, %v", tt.headers, token, present, err)
		}
		if tt.code == "" && err != nil {
			t.Errorf("%.60q: %v", tt.headers, err)
		} else if tt.code != "" {
			wantError(t, err, tt.code, "", strings.Join(tt.headers, ": "))
		}
	}
}

func FuzzBearerToken(f *testing.F) {
	f.Add("Bearer abc==")
	f.Add("bearer  a b")
	token68 := regexp.MustCompile(`^(?i:bearer) +([A-Za-z0-9._~+/-]+=*)$`)
	f.Fuzz(func(t *testing.T, header string) {
		token, present, err := wire.BearerToken(with("Authorization", header))
		match := token68.FindStringSubmatch(header)
		if !present || (err == nil) != (match != nil && len(match[1]) <= 8<<10) || err == nil && token != match[1] || err != nil && token != "" {
			t.Fatalf("%q: %q, %v, %v", header, token, present, err)
		}
	})
}

func TestBasicAuth(t *testing.T) {
	basic := func(pair string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(pair)) }
	for header, want := range map[string][2]string{
		basic("client:secret"):        {"client", "secret"},
		basic("a%3Ab:c%25d+e%3A"):     {"a:b", "c%d e:"}, // form-encoded, RFC 6749 section 2.3.1
		basic("client:a:b"):           {"client", "a:b"},
		basic("client:"):              {"client", ""},
		"bAsIc " + basic("a:b")[6:]:   {"a", "b"},
		basic(url.QueryEscape("ü:&")): {"", ""},
	} {
		id, secret, present, err := wire.BasicAuth(with("Authorization", header))
		if want[0] == "" {
			wantError(t, err, core.CodeInvalidClient, "", header)
		} else if err != nil || !present || id != want[0] || secret != want[1] {
			t.Errorf("%q: %q, %q, %v, %v", header, id, secret, present, err)
		}
	}
	for _, header := range []string{
		"Basic", "Basic ", "Basic !", "Basic YTpi=", "Basic YTpi YTpi", basic("noseparator"), basic(":secret"), basic("a%zz:b"), basic("a:%0a"),
		basic("a\x00:b"), basic("a:%ff"), basic("\xff:b"), "Basic " + strings.Repeat("QUFB", 5000),
	} {
		id, secret, present, err := wire.BasicAuth(with("Authorization", header))
		wantError(t, err, core.CodeInvalidClient, "", header)
		if id != "" || secret != "" || !present {
			t.Errorf("%q: %q, %q, %v beside an error", header, id, secret, present)
		}
	}
	if _, _, present, err := wire.BasicAuth(with("Authorization", "Bearer a")); present || err != nil {
		t.Error("a bearer token is taken for client authentication")
	}
	if _, _, present, err := wire.BasicAuth(with()); present || err != nil {
		t.Error("no header is taken for client authentication")
	}
	_, _, _, err := wire.BasicAuth(with("Authorization", basic("a:b"), "Authorization", basic("a:b")))
	wantError(t, err, core.CodeInvalidRequest, "", "two headers")
}

func FuzzBasicAuth(f *testing.F) {
	f.Add("Basic YTpi")
	f.Fuzz(func(t *testing.T, header string) {
		id, secret, _, err := wire.BasicAuth(with("Authorization", header))
		r := with("Authorization", header)
		stdID, stdSecret, ok := r.BasicAuth()
		if id == "" && secret == "" {
			return
		}
		wantID, _ := url.QueryUnescape(stdID)
		wantSecret, _ := url.QueryUnescape(stdSecret)
		if err != nil || ok && (id != wantID || secret != wantSecret) {
			t.Fatalf("%q: %q, %q, %v", header, id, secret, err)
		}
	})
}

// Attack A17 and variants: the answer is no page, so that the default one is taken.
func TestSafePathRefuses(t *testing.T) {
	for _, in := range []string{
		"", "e", "//e", "///e", `/\e`, `\/e`, `\\e`, `\e`, "https:e", "https://e", "http:/e", "HTTPS://e", "javascript:alert(1)", "data:,x",
		"/%09/e", "/%2f/e", "/%2F/e", "/%2fe", "/%5ce", "/%5c/e", "/%255c/e", "/%252f/e", "/%25252f/e", "/a%0d%0aSet-Cookie:x", "/a\r\nX: y",
		"/\t/e", "/\n/e", "\t//e", " //e", " /a", "/a ", "/a b", "\n/a", "/a\x00", "/a%00", "/a\x7f", "/..//e", "/.//e", "/./a", "/a/..", "/a/../b", "/%2e%2e//e",
		"/%2e/a", "/%252e/a", "/a//b", "/a%2f%2fb", "good@e", "//good@e", "/／e", "／／e", "/%ef%bc%8fe", "/\u2044e", "/%e2%81%84/e", "/。/e", "/%ef%bc%bc/e", "/é",
		"/%ff", "/%zz", "?a=b", "#a", ".", "..", "/a\\b", "/?a=\\", "mailto:a@b", "/" + strings.Repeat("a", 2048), "/;//e", "/%0a/e", "/%20//e",
	} {
		if got, ok := wire.SafePath(in); ok || got != "" {
			t.Errorf("SafePath(%q) = %q, %v", in, got, ok)
		}
	}
}

func TestSafePathAccepts(t *testing.T) {
	for _, in := range []string{
		"/", "/a", "/a/", "/a/b?c=d&e=%2F%2Fx#frag", "/a?next=//e", "/a?u=https://e", "/caf%C3%A9", "/100%25", "/a:b", "/@ann", "/.well-known/x", "/a..b", "/?", "/#x",
	} {
		if got, ok := wire.SafePath(in); !ok || got != in {
			t.Errorf("SafePath(%q) = %q, %v", in, got, ok)
		}
	}
}

func FuzzSafePath(f *testing.F) {
	for _, s := range []string{"/a?b#c", "//e", `/\e`, "/%2f/e", "/..//e", "/%252e%252e//e", "/a;b@c", "/%E2%81%84"} {
		f.Add(s)
	}
	base, err := url.Parse("https://app.example/")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, ok := wire.SafePath(s)
		if !ok {
			return
		}
		for view := got; ; {
			u, err := base.Parse(view)
			if err != nil || u.Scheme != "https" || u.Host != "app.example" || u.User != nil || leaves(view) || leaves(path.Clean(view)) {
				t.Fatalf("%q, seen as %q, leaves the origin: %v, %v", s, view, u, err)
			}
			p, _, _ := strings.Cut(view, "?")
			p, _, _ = strings.Cut(p, "#")
			decoded, err := url.PathUnescape(p)
			if err != nil || decoded == view || decoded == p {
				break
			}
			view = decoded
			if leaves(view) {
				t.Fatalf("%q, decoded to %q, leaves the origin", s, view)
			}
			if _, err := base.Parse(view); err != nil {
				break
			}
		}
	})
}

// leaves judges a reference as the WHATWG URL parser does for an https base.
func leaves(s string) bool {
	s = strings.NewReplacer("\t", "", "\n", "", "\r", "", `\`, "/").Replace(strings.Trim(s, "\x00\x01\x1f \t\r\n"))
	return strings.HasPrefix(s, "//") || regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*:`).MatchString(s) || !strings.HasPrefix(s, "/")
}

// Attack A12: what a client writes into X-Forwarded-For does not choose its address.
func TestClientIP(t *testing.T) {
	proxies, err := wire.ParseTrustedProxies("10.0.0.0/8", "192.0.2.1", "fd00::/8", "::ffff:172.16.0.0/108")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		peer      string
		forwarded []string
		want      string
	}{
		{"203.0.113.5:1234", nil, "203.0.113.5"},
		{"203.0.113.5:1234", []string{"198.51.100.1"}, "203.0.113.5"}, // not from a proxy
		{"10.0.0.1:1", []string{"198.51.100.1"}, "198.51.100.1"},
		{"10.0.0.1:1", []string{"1.1.1.1, 198.51.100.1"}, "198.51.100.1"}, // the client's own entry comes first
		{"10.0.0.1:1", []string{"1.1.1.1,198.51.100.1 , 10.0.0.2"}, "198.51.100.1"},
		{"10.0.0.1:1", []string{"1.1.1.1", "198.51.100.1", "10.0.0.2,\t192.0.2.1"}, "198.51.100.1"},
		{"10.0.0.1:1", []string{"10.0.0.3, 10.0.0.2"}, "10.0.0.3"},
		{"10.0.0.1:1", nil, "10.0.0.1"},
		{"10.0.0.1:1", []string{""}, "10.0.0.1"},
		{"10.0.0.1:1", []string{"198.51.100.1, unknown, 10.0.0.2"}, "10.0.0.2"},
		{"10.0.0.1:1", []string{"198.51.100.1,"}, "10.0.0.1"},
		{"10.0.0.1:1", []string{"198.51.100.1:5555"}, "198.51.100.1"},
		{"10.0.0.1:1", []string{"[2001:db8::1]:5555"}, "2001:db8::1"},
		{"10.0.0.1:1", []string{"[2001:db8::1]"}, "2001:db8::1"},
		{"10.0.0.1:1", []string{"::ffff:198.51.100.1"}, "198.51.100.1"},
		{"10.0.0.1:1", []string{"198.51.100.1, ::ffff:10.0.0.2"}, "198.51.100.1"},
		{"10.0.0.1:1", []string{"fe80::1%eth0"}, "fe80::1"},
		{"10.0.0.1:1", []string{"1.1.1.1" + strings.Repeat(",10.0.0.2", 100)}, "10.0.0.2"},
		{"[::ffff:10.0.0.1]:1", []string{"198.51.100.1"}, "198.51.100.1"},
		{"[fd00::1]:1", []string{"2001:db8::2"}, "2001:db8::2"},
		{"172.16.0.9:1", []string{"198.51.100.1"}, "198.51.100.1"},
		{"@", []string{"198.51.100.1"}, "invalid IP"},
	} {
		r := with("X-Real-Ip", "1.2.3.4", "Forwarded", "for=1.2.3.4")
		r.RemoteAddr = tt.peer
		r.Header["X-Forwarded-For"] = tt.forwarded
		if got := proxies.ClientIP(r); got.String() != tt.want {
			t.Errorf("peer %s, X-Forwarded-For %.80q: %s; want %s", tt.peer, tt.forwarded, got, tt.want)
		}
	}
	for _, bad := range []string{"", "x", "10.0.0.0/33", "10.0.0.1/8/8", "fe80::1%eth0", "::ffff:0:0/64"} {
		if _, err := wire.ParseTrustedProxies(bad); err == nil {
			t.Errorf("%q is a trusted proxy", bad)
		}
	}
}

func TestIPKeyCountsIPv6ByNetwork(t *testing.T) {
	for in, want := range map[string]string{
		"203.0.113.5": "203.0.113.5", "::ffff:203.0.113.5": "203.0.113.5", "2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64",
		"2001:db8:1:2:ffff::": "2001:db8:1:2::/64", "fe80::1%eth0": "fe80::/64",
	} {
		if got := wire.IPKey(netip.MustParseAddr(in)); got != want {
			t.Errorf("IPKey(%s) = %s; want %s", in, got, want)
		}
	}
	if got := wire.IPKey(netip.Addr{}); got != "unknown" {
		t.Errorf("IPKey of no address = %s", got)
	}
}
