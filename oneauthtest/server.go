package oneauthtest

import (
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"testing"

	"github.com/oneauth-go/oneauth"
)

// Server is an App that listens, over TLS, for tests with a browser or another client of the network.
type Server struct {
	*App
	URL  string // of the application, which is its base URL too
	http *httptest.Server
}

// Serve starts what handler makes of the App on a free port of this machine, until the test ends.
func Serve(t testing.TB, handler func(auth *oneauth.Auth) http.Handler, options ...oneauth.Option) *Server {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	url := "https://" + server.Listener.Addr().String()
	app := New(t, append([]oneauth.Option{oneauth.WithBaseURL(url)}, options...)...)
	server.Config.Handler = handler(app.Auth)
	server.StartTLS()
	t.Cleanup(server.Close)
	return &Server{app, url, server}
}

// Browser returns a client with cookies of its own that trusts the server's certificate and follows no redirect.
func (s *Server) Browser(t testing.TB) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Jar: jar, Transport: s.http.Client().Transport, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}
}
