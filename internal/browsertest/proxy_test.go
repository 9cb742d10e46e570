package browsertest_test

import (
	"io"
	"net"
	"net/http"
	"strings"
)

// tunnel is the proxy of a site's browsers (RFC 9110 section 9.3.6): port 443 of every host of .example is the site's
// server, and nothing else is anywhere: Chromium asks for services of its maker, whatever its pages do. TLS goes through
// it from end to end.
func (s *site) tunnel(w http.ResponseWriter, r *http.Request) {
	host, port, err := net.SplitHostPort(r.Host)
	if err != nil || r.Method != http.MethodConnect || port != "443" || !strings.HasSuffix(host, ".example") {
		http.Error(w, "there is no such host", http.StatusForbidden)
		return
	}
	server, err := net.Dial("tcp", s.tls.Listener.Addr().String())
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer server.Close()
	browser, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		s.t.Error(err)
		return
	}
	defer browser.Close()
	_, _ = io.WriteString(browser, "HTTP/1.1 200 OK\r\n\r\n")
	go func() {
		_, _ = io.Copy(server, browser)
		_ = server.(*net.TCPConn).CloseWrite()
	}()
	_, _ = io.Copy(browser, server)
}
