package gormstore_test

import (
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/glebarez/sqlite"
	"github.com/oneauth-go/oneauth"
	"github.com/oneauth-go/oneauth/core"
	gormstore "github.com/oneauth-go/oneauth/stores/gorm"
	"gorm.io/gorm"
)

// secret is the application's master secret: 32 random bytes, kept outside the database.
var secret = []byte("32 random bytes, kept out of here")

// OneAuth on the application's own database, here SQLite without cgo. A profile is made together with its user.
func Example() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	db, err := gorm.Open(sqlite.Open("file:" + filepath.Join(dir, "app.db") + "?_pragma=journal_mode(WAL)&_txlock=immediate"))
	if err != nil {
		log.Fatal(err)
	}
	type Profile struct{ UserID, Motto string }
	if err := db.AutoMigrate(&Profile{}); err != nil {
		log.Fatal(err)
	}
	store, err := gormstore.Open(db, gormstore.Options{Migrate: true})
	if err != nil {
		log.Fatal(err)
	}
	auth, err := oneauth.New(store, oneauth.WithDevelopment(), oneauth.WithSecrets(secret), oneauth.WithHooks(core.Hooks{
		InSignUpTx: func(tx *core.Tx, u *core.User) error {
			return gormstore.With(tx.Record(), func(db *gorm.DB) error {
				return db.Create(&Profile{UserID: u.ID, Motto: "new here"}).Error
			})
		},
	}))
	if err != nil {
		log.Fatal(err)
	}
	defer auth.Close()
	fmt.Println("ready")
	// Output: ready
}
