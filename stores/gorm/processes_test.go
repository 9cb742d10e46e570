package gormstore_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/oneauth-go/oneauth/core/record"
	"github.com/oneauth-go/oneauth/internal/parts"
	"github.com/oneauth-go/oneauth/internal/storeproof"
	gormstore "github.com/oneauth-go/oneauth/stores/gorm"
	"github.com/oneauth-go/oneauth/stores/storetest"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"
)

// contendEnv makes the test binary play another process of an installation: its value is the name and DSN of a database.
const contendEnv = "ONEAUTH_TEST_GORM"

// contend migrates, as every process of an installation may, and races.
func contend(place string) error {
	name, dsn, _ := strings.Cut(place, " ")
	d := database{name: name, dsn: dsn}
	db, err := d.connect(&gorm.Config{Logger: logger.Discard})
	if err != nil {
		return err
	}
	store, err := gormstore.Open(db, gormstore.Options{Migrate: true})
	if err != nil {
		return err
	}
	return storeproof.Contend(store)
}

// Of 66 contenders in three processes one wins, whatever they fight over. The tables are made meanwhile, by whichever process
// is first.
func TestProcesses(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		storeproof.Contenders(t, d.harness(t), fmt.Sprintf("%s=%s %s", contendEnv, d.name, d.dsn))
	})
}

// A server that promises durability is killed under load, again and again.
func TestKilledServer(t *testing.T) {
	for name, start := range map[string]func(testing.TB, parts.Durability) *parts.Server{
		"PostgreSQL": parts.Postgres, "MariaDB": parts.MariaDB,
	} {
		t.Run(name, func(t *testing.T) {
			server := start(t, parts.Durable)
			if server == nil {
				return
			}
			d := database{name: name, dsn: server.PostgresDSN()}
			if name == "MariaDB" {
				d.dsn = server.MariaDSN()
			}
			storetest.Killed(t, server, func() (record.Backend, error) { return d.store(t, d.open(t)), nil })
		})
	}
}
