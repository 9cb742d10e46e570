package gormstore_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/oneauth-go/oneauth/internal/parts"
	"github.com/oneauth-go/oneauth/internal/storeproof"
	gormstore "github.com/oneauth-go/oneauth/stores/gorm"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"
)

// contendEnv makes the test binary play another process of an installation: its value is the name of a database, whether
// users are in the application's table, and the DSN.
const contendEnv = "ONEAUTH_TEST_GORM"

// contend migrates, as every process of an installation may, and races.
func contend(place string) error {
	part := strings.SplitN(place, " ", 3)
	d := database{name: part[0], dsn: part[2]}
	if part[1] == "true" {
		d.options.Users = mapping(gormstore.IntegerID)
	}
	db, err := d.connect(&gorm.Config{Logger: logger.Discard})
	if err != nil {
		return err
	}
	d.options.Migrate = true
	store, err := gormstore.Open(db, d.options)
	if err != nil {
		return err
	}
	return storeproof.Contend(installed{store, d.options.Users != nil})
}

// Of 66 contenders in three processes one wins, whatever they fight over. The tables are made meanwhile, by whichever process
// is first.
func TestProcesses(t *testing.T) {
	eachInstalled(t, func(t *testing.T, d database) {
		storeproof.Contenders(t, d.harness(t), fmt.Sprintf("%s=%s %t %s", contendEnv, d.name, d.options.Users != nil, d.dsn))
	})
}

// A server that promises durability is killed under load, again and again.
func TestKilledServer(t *testing.T) {
	for name, start := range map[string]func(testing.TB, parts.Durability) *parts.Server{
		"PostgreSQL": parts.Postgres, "MariaDB": parts.MariaDB,
	} {
		for _, users := range []*gormstore.UserTable{nil, mapping(gormstore.IntegerID)} {
			t.Run(fmt.Sprintf("%s/members %t", name, users != nil), func(t *testing.T) {
				t.Parallel()
				server := start(t, parts.Durable)
				if server == nil {
					return
				}
				d := database{name: name, dsn: server.PostgresDSN()}
				if name == "MariaDB" {
					d.dsn = server.MariaDSN()
				}
				if users != nil {
					withMembers(t, d, users.IDType)
					d.options.Users = users
				}
				storeproof.Killed(t, server, d.harness(t).Open)
			})
		}
	}
}
