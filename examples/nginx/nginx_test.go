package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/oneauth-go/oneauth/internal/parts"
)

// proxy is an nginx of the test's own.
type proxy struct {
	addr  string
	plain string // where http is
	log   string // file with the requests
	cert  *x509.CertPool
}

// startProxy runs nginx with the nginx.conf of this directory, but on the address and with a certificate of the test, in
// front of the application at upstream. It returns false where there is no nginx.
func startProxy(t *testing.T, addr, upstream string) (proxy, bool) {
	t.Helper()
	nginx := parts.Command(t, "nginx", "nginx-light")
	if nginx == "" {
		return proxy{}, false
	}
	dir := t.TempDir()
	pool := certificate(t, dir)
	conf, err := os.ReadFile("nginx.conf")
	if err != nil {
		t.Fatal(err)
	}
	p := proxy{addr, freeAddr(t), filepath.Join(dir, "access.log"), pool}
	text := strings.NewReplacer(
		"listen 443", "listen "+addr, "listen 80", "listen "+p.plain, "/var/log/nginx/access.log", p.log,
		"http://127.0.0.1:8080", "http://"+upstream,
		"/etc/ssl/certs/app.example.pem", filepath.Join(dir, "cert.pem"),
		"/etc/ssl/private/app.example.key", filepath.Join(dir, "key.pem"),
		"/run/nginx.pid", filepath.Join(dir, "nginx.pid"), "/var/log/nginx/error.log", "stderr",
		"worker_processes auto", "daemon off;\nworker_processes 1",
		"http {", "http {\n"+tempPaths(dir),
	).Replace(string(conf))
	if os.Geteuid() == 0 {
		text = "user root;\n" + text // the test's directory is its own
	}
	path := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	keep(t, exec.Command(nginx, "-p", dir, "-e", "stderr", "-c", path), addr)
	return p, true
}

// tempPaths keeps what nginx buffers in the test's directory.
func tempPaths(dir string) string {
	var b strings.Builder
	for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		b.WriteString(kind + "_temp_path " + filepath.Join(dir, kind) + ";\n")
	}
	return b.String()
}

// keep starts cmd, waits until it answers at addr, and stops it when the test ends.
func keep(t *testing.T, cmd *exec.Cmd, addr string) {
	t.Helper()
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		<-ended
	})
	for deadline := time.After(20 * time.Second); ; {
		conn, err := net.Dial("tcp", addr)
		if err == nil {
			_ = conn.Close()
			return
		}
		select {
		case <-ended:
			t.Fatalf("nginx ended:\n%s", log.String())
		case <-deadline:
			t.Fatalf("nginx does not answer at %s: %v", addr, err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// freeAddr returns an address of this machine that nobody listens on.
func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// certificate writes a self-signed certificate for this machine and its key into dir.
func certificate(t *testing.T, dir string) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "app.example"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	for name, data := range map[string][]byte{
		"cert.pem": cert, "key.pem": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(cert)
	return pool
}
