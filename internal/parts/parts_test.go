//go:build unix

package parts_test

import (
	"net"
	"testing"

	"github.com/oneauth-go/oneauth/internal/parts"
)

// Each server answers, is gone when it was killed, and answers again on the same address.
func TestServers(t *testing.T) {
	for name, start := range map[string]func(testing.TB) *parts.Server{
		"PostgreSQL": func(t testing.TB) *parts.Server { return parts.Postgres(t, parts.Durable) },
		"MariaDB":    func(t testing.TB) *parts.Server { return parts.MariaDB(t, parts.Durable) },
		"Redis":      func(t testing.TB) *parts.Server { return parts.Redis(t, parts.Durable) },
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t)
			if s == nil {
				return
			}
			for range 2 {
				s.Kill()
				if conn, err := net.Dial("tcp", s.Addr()); err == nil {
					conn.Close()
					t.Fatal("a killed server accepts connections")
				}
				s.Start()
			}
			s.Stop()
		})
	}
}
