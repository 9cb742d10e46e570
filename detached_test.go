package oneauth_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"unsafe"

	"github.com/oneauth-go/oneauth"
)

// A detached request stays what it was when the server overwrites its buffers.
func TestDetached(t *testing.T) {
	for _, target := range []string{"/auth/sessions/s1/end?a=b%2Fc", "/auth/sessions"} {
		t.Run(target, func(t *testing.T) { testDetached(t, target) })
	}
}

func testDetached(t *testing.T, target string) {
	var buffers [][]byte
	lent := func(s string) string { // as fasthttp's adaptor makes strings
		b := []byte(s)
		buffers = append(buffers, b)
		return unsafe.String(&b[0], len(b))
	}
	at, err := url.ParseRequestURI(lent(target))
	if err != nil {
		t.Fatal(err)
	}
	r := &http.Request{URL: at}
	r.Method, r.Host, r.Proto, r.RemoteAddr = lent("POST"), lent("app.example"), lent("HTTP/1.1"), lent("192.0.2.1:1234")
	r.RequestURI, r.TransferEncoding = lent(target), []string{lent("chunked")}
	r.Header = http.Header{lent("User-Agent"): {lent("first")}, lent("X-Two"): {lent("one"), lent("two")}}
	told := func(r *http.Request) string {
		return fmt.Sprint(r.Method, r.URL.Path, r.URL.RawQuery, r.RequestURI, r.Host, r.Proto, r.RemoteAddr, r.TransferEncoding, r.Header)
	}
	var kept *http.Request
	before := ""
	oneauth.Detached(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		kept, before = r, told(r)
	})).ServeHTTP(httptest.NewRecorder(), r)
	for _, b := range buffers {
		for i := range b {
			b[i] = 'Z'
		}
	}
	if after := told(kept); after != before || kept.URL.RequestURI() != target || kept.UserAgent() != "first" {
		t.Errorf("was %s\nis  %s", before, after)
	}
}
