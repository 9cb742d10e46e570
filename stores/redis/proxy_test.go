package redis_test

import (
	"bytes"
	"crypto/sha1"
	"encoding/hex"
	"io"
	"net"
	"os"
	"sync"
	"testing"
)

// proxy is a TCP proxy before a server, which does to requests as told.
type proxy struct {
	listener net.Listener
	target   string

	mu   sync.Mutex
	rule func(request []byte) action
}

// action is what becomes of a request, and of the connection on which it came.
type action struct {
	forward bool   // the server gets it
	cut     bool   // the client gets no answer, but the end of the connection
	answer  string // the client gets this instead of the server's answer
}

var pass = action{forward: true}

// startProxy returns a proxy before target that passes everything on.
func startProxy(t testing.TB, target string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: l, target: target}
	p.obey(func([]byte) action { return pass })
	t.Cleanup(func() { _ = l.Close() })
	go p.accept()
	return p
}

func (p *proxy) addr() string { return p.listener.Addr().String() }

// obey sets what is done to requests from now on.
func (p *proxy) obey(rule func(request []byte) action) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rule = rule
}

func (p *proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		go p.serve(client)
	}
}

// serve passes requests on, one after the other, each with one answer: the client in these tests waits for it.
func (p *proxy) serve(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", p.target)
	if err != nil {
		return
	}
	defer server.Close()
	buffer := make([]byte, 1<<20)
	for {
		n, err := client.Read(buffer)
		if err != nil {
			return
		}
		p.mu.Lock()
		do := p.rule(buffer[:n])
		p.mu.Unlock()
		if do.forward {
			if _, err := server.Write(buffer[:n]); err != nil {
				return
			}
			if n, err = server.Read(buffer); err != nil {
				return
			}
		}
		switch {
		case do.cut:
			return
		case do.answer != "":
			_, err = io.WriteString(client, do.answer)
		default:
			_, err = client.Write(buffer[:n])
		}
		if err != nil {
			return
		}
	}
}

// isCommit reports whether a request runs the commit script.
func isCommit(t testing.TB) func(request []byte) bool {
	t.Helper()
	source, err := os.ReadFile("lua/commit.lua")
	if err != nil {
		t.Fatal(err)
	}
	sum := sha1.Sum(source)
	digest := []byte(hex.EncodeToString(sum[:]))
	return func(request []byte) bool { return bytes.Contains(request, digest) || bytes.Contains(request, source) }
}
