package client

import (
	"context"
	"crypto/subtle"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"
)

const (
	pageTimeout = 3 * time.Second // for the last page to reach the browser
	maxCallback = 16 << 10        // bytes of a request's line and headers
)

// listener waits on a port of 127.0.0.1 for the one redirect that ends a sign-in.
type listener struct {
	redirectURI string
	host        string
	path        string
	state       string
	issuer      string
	server      *http.Server
	redirects   chan redirect
	taken       chan struct{} // holds one value until a redirect was taken
	shown       chan struct{} // closed when the last page is out
}

// redirect is an answer of the authorisation endpoint. Its request waits for the outcome.
type redirect struct {
	code    string
	err     error
	outcome chan error
}

// listen opens a free port.
func listen(ctx context.Context, path, state, issuer string) (*listener, error) {
	var lc net.ListenConfig
	socket, err := lc.Listen(ctx, "tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("client: no port for the redirect: %w", err)
	}
	host := socket.Addr().String()
	l := &listener{
		redirectURI: "http://" + host + path, host: host, path: path, state: state, issuer: issuer,
		redirects: make(chan redirect), taken: make(chan struct{}, 1),
		shown: make(chan struct{}),
	}
	l.taken <- struct{}{}
	l.server = &http.Server{
		Handler: l, ReadHeaderTimeout: pageTimeout, ReadTimeout: pageTimeout, MaxHeaderBytes: maxCallback,
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	l.server.SetKeepAlivesEnabled(false)
	go func() { _ = l.server.Serve(socket) }() // ends with close
	return l, nil
}

// close lets the last page out, if a redirect was taken, and closes the port.
func (l *listener) close() {
	select {
	case <-l.taken:
	default:
		select {
		case <-l.shown:
		case <-time.After(pageTimeout):
		}
	}
	_ = l.server.Close()
}

// wait waits for the redirect, lets redeem exchange its code, and shows the outcome.
func (l *listener) wait(ctx context.Context, redeem func(code string) (Session, error)) (Session, error) {
	select {
	case r := <-l.redirects:
		var session Session
		err := r.err
		if err == nil {
			session, err = redeem(r.code)
		}
		r.outcome <- err
		return session, err
	case <-ctx.Done():
		return Session{}, fmt.Errorf("client: nobody signed in by the browser: %w", ctx.Err())
	}
}

// ServeHTTP takes the redirect: a GET of the exact path at the exact host with the state, once. Anything else, which may
// come from any page or program, is refused and changes nothing.
func (l *listener) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Host != l.host || r.URL.Path != l.path || r.URL.RawPath != "" {
		writePage(w, http.StatusNotFound, "Nothing here", "This address is only for the end of a sign-in.")
		return
	}
	if r.Method != http.MethodGet {
		w.Header().Set("Allow", http.MethodGet)
		writePage(w, http.StatusMethodNotAllowed, "Not like this", "This address is only for the end of a sign-in.")
		return
	}
	answer, ok := l.read(r.URL)
	if !ok {
		writePage(w, http.StatusBadRequest, "This is not the sign-in that was begun",
			"Go back to the program and sign in from there.")
		return
	}
	select {
	case <-l.taken:
	default:
		writePage(w, http.StatusGone, "This sign-in is over", "Go back to the program.")
		return
	}
	defer close(l.shown)
	select {
	case l.redirects <- answer:
	case <-r.Context().Done():
		return
	}
	if <-answer.outcome != nil {
		writePage(w, http.StatusBadRequest, "You are not signed in", "Go back to the program: it says why. You can close this page.")
		return
	}
	writePage(w, http.StatusOK, "You are signed in", "Go back to the program. You can close this page.")
}

// read takes the parameters of RFC 6749 section 4.1.2 and RFC 9207 apart. It refuses those that are not for this sign-in,
// or come twice.
func (l *listener) read(u *url.URL) (redirect, bool) {
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return redirect{}, false
	}
	for _, name := range []string{"state", "code", "error", "iss"} {
		if len(query[name]) > 1 {
			return redirect{}, false
		}
	}
	if subtle.ConstantTimeCompare([]byte(query.Get("state")), []byte(l.state)) != 1 {
		return redirect{}, false
	}
	if query.Has("iss") && query.Get("iss") != l.issuer {
		return redirect{}, false
	}
	answer := redirect{code: query.Get("code"), outcome: make(chan error, 1)}
	switch {
	case query.Has("error"):
		answer.code, answer.err = "", refusedBy(query)
	case answer.code == "":
		answer.err = fmt.Errorf("%w: its redirect has neither code nor error", ErrUnavailable)
	}
	return answer, true
}
