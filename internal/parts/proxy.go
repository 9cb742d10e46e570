package parts

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
)

// Proxy is a TCP proxy before a server, which does to requests as told.
type Proxy struct {
	listener net.Listener
	target   string

	mu   sync.Mutex
	rule func(request []byte) Action
}

// Action is what becomes of a request, and of the connection on which it came. A request is what a client sends in one
// piece, when nothing else is under way on its connection.
type Action struct {
	Forward bool   // the server gets it
	Cut     bool   // the client gets no answer, but the end of the connection, after the server's answer if it got the request
	Answer  string // the client gets this instead, and the server nothing
}

// Pass is the Action that changes nothing.
var Pass = Action{Forward: true}

// StartProxy returns a proxy before target, host and port, that passes everything on until it is told otherwise.
func StartProxy(t testing.TB, target string) *Proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{listener: l, target: target}
	p.Obey(func([]byte) Action { return Pass })
	t.Cleanup(func() { _ = l.Close() })
	go p.accept()
	return p
}

// Addr returns host and port of the proxy.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// Obey sets what is done to requests from now on.
func (p *Proxy) Obey(rule func(request []byte) Action) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rule = rule
}

func (p *Proxy) judge(request []byte) Action {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.rule(request)
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		go p.serve(client)
	}
}

// serve passes requests to the server, and answers back, until either side or a rule ends the connection.
func (p *Proxy) serve(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", p.target)
	if err != nil {
		return
	}
	defer server.Close()
	var last atomic.Bool // the next answer is the last, and the client does not get it
	go func() {
		defer client.Close()
		buffer := make([]byte, 1<<16)
		for {
			n, err := server.Read(buffer)
			if last.Load() || err != nil {
				return
			}
			if _, err := client.Write(buffer[:n]); err != nil {
				return
			}
		}
	}()
	buffer := make([]byte, 1<<20)
	for {
		n, err := client.Read(buffer)
		if err != nil {
			return
		}
		do := p.judge(buffer[:n])
		if do.Cut {
			if !do.Forward {
				return
			}
			last.Store(true)
		}
		switch {
		case do.Answer != "":
			_, err = io.WriteString(client, do.Answer)
		case do.Forward:
			_, err = server.Write(buffer[:n])
		}
		if err != nil {
			return
		}
	}
}
