//go:build unix

package parts

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// Durability says what a server promises of an acknowledged commit.
type Durability int

const (
	Fast    Durability = iota // survives the server's process, not the machine: for tests that do not crash it
	Durable                   // survives a crash, by fsync
)

// Postgres starts a private PostgreSQL with a database "app" and a user "app" without a password. It returns nil where
// PostgreSQL is missing and not required.
func Postgres(t testing.TB, d Durability) *Server {
	t.Helper()
	initdb := find(t, "postgresql", "postgresql", func() string {
		paths, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
		if len(paths) > 0 {
			return paths[len(paths)-1]
		}
		path, _ := exec.LookPath("initdb")
		return path
	})
	if initdb == "" {
		return nil
	}
	s := newServer(t, "postgresql")
	bin, data := filepath.Dir(initdb), filepath.Join(s.dir, "data")
	s.prepare(initdb, "-D", data, "-U", "app", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C.UTF-8")
	s.args = []string{
		filepath.Join(bin, "postgres"), "-D", data, "-p", strconv.Itoa(s.port), "-c", "listen_addresses=127.0.0.1",
		"-c", "unix_socket_directories=" + s.dir, "-c", "max_connections=300", "-c", "restart_after_crash=off",
	}
	if d == Fast {
		s.args = append(s.args, "-c", "fsync=off")
	}
	s.ready = func(string) error {
		return exec.Command(filepath.Join(bin, "pg_isready"), "-q", "-h", "127.0.0.1", "-p", strconv.Itoa(s.port), "-d", "postgres").Run()
	}
	s.Start()
	s.prepare(filepath.Join(bin, "createdb"), "-h", "127.0.0.1", "-p", strconv.Itoa(s.port), "-U", "app", "app")
	return s
}

// MariaDB starts a private MariaDB with a database "app" and the user "root" without a password. It returns nil where
// MariaDB is missing and not required.
func MariaDB(t testing.TB, d Durability) *Server {
	t.Helper()
	install := Command(t, "mariadb-install-db", "mariadb-server")
	if install == "" {
		return nil
	}
	s := newServer(t, "mariadb")
	data := filepath.Join(s.dir, "data")
	s.prepare(install, "--no-defaults", "--datadir="+data, "--auth-root-authentication-method=normal", "--skip-test-db", "--skip-log-bin", "--tmpdir="+s.dir)
	s.args = []string{
		Command(t, "mariadbd", "mariadb-server"), "--no-defaults", "--datadir=" + data, "--port=" + strconv.Itoa(s.port),
		"--bind-address=127.0.0.1", "--socket=" + filepath.Join(s.dir, "s"), "--pid-file=" + filepath.Join(s.dir, "pid"), "--tmpdir=" + s.dir,
		"--max-connections=300", "--skip-name-resolve",
		"--loose-innodb-buffer-pool-size-max=2G", // what a benchmark may raise it to; MariaDB before 10.11.12 has no such limit
	}
	if d == Fast {
		s.args = append(s.args, "--innodb-flush-log-at-trx-commit=2")
	}
	s.ready = greets("")
	s.Start()
	s.prepare(Command(t, "mariadb", "mariadb-client"), "--no-defaults", "-h127.0.0.1", "-P"+strconv.Itoa(s.port), "-uroot",
		"-e", "CREATE DATABASE app CHARACTER SET utf8mb4")
	return s
}

// Redis starts a private Redis; further arguments are added to its command line. It returns nil where Redis is missing and
// not required. A Durable one appends every write to its log, with fsync.
func Redis(t testing.TB, d Durability, args ...string) *Server {
	t.Helper()
	path := Command(t, "redis-server", "redis-server")
	if path == "" {
		return nil
	}
	s := newServer(t, "redis")
	s.args = append([]string{
		path, "--port", strconv.Itoa(s.port), "--bind", "127.0.0.1", "--dir", s.dir, "--save", "", "--daemonize", "no",
	}, persistence(d)...)
	s.args = append(s.args, args...)
	s.ready = greets("PING\r\n")
	s.Start()
	return s
}

// RedisSentinel starts a private Sentinel that watches a master by the name of "main", together with quorum-1 others at
// least. It takes it for dead after three seconds. It returns nil where Redis is missing and not required.
func RedisSentinel(t testing.TB, master *Server, quorum int) *Server {
	t.Helper()
	path := Command(t, "redis-server", "redis-server")
	if path == "" {
		return nil
	}
	s := newServer(t, "sentinel")
	file := filepath.Join(s.dir, "sentinel.conf") // it writes to this what it learns
	lines := []string{
		fmt.Sprintf("port %d", s.port), "bind 127.0.0.1", "dir " + s.dir, fmt.Sprintf("sentinel monitor main 127.0.0.1 %d %d", master.port, quorum),
		"sentinel down-after-milliseconds main 3000", "sentinel failover-timeout main 500",
	}
	if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.own(file)
	s.args = []string{path, file, "--sentinel"}
	s.ready = greets("PING\r\n")
	s.Start()
	return s
}

func persistence(d Durability) []string {
	if d == Fast {
		return []string{"--appendonly", "no"}
	}
	return []string{"--appendonly", "yes", "--appendfsync", "always", "--maxmemory-policy", "noeviction"}
}

// PostgresDSN returns the address for pgx and GORM's driver.
func (s *Server) PostgresDSN() string {
	return fmt.Sprintf("postgres://app@%s/app?sslmode=disable", s.Addr())
}

// MariaDSN returns the address for go-sql-driver/mysql and GORM's driver.
func (s *Server) MariaDSN() string {
	return fmt.Sprintf("root@tcp(%s)/app?charset=utf8mb4&parseTime=true&loc=UTC", s.Addr())
}

// Dir returns the folder of the server's data and log.
func (s *Server) Dir() string { return s.dir }
