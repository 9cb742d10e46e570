package gormstore_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/glebarez/sqlite"
	"github.com/oneauth-go/oneauth"
	"github.com/oneauth-go/oneauth/core"
	gormstore "github.com/oneauth-go/oneauth/stores/gorm"
	"golang.org/x/crypto/bcrypt"
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

// Users in a table that the application has had for years. Ann is in it, and signs in with the password that she has.
func Example_ownUsers() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	db, err := gorm.Open(sqlite.Open("file:" + filepath.Join(dir, "app.db") + "?_pragma=journal_mode(WAL)&_txlock=immediate"))
	if err != nil {
		log.Fatal(err)
	}
	type User struct {
		ID                    uint64
		Nick, Email, Password string
		DeletedAt             gorm.DeletedAt
	}
	hash, err := bcrypt.GenerateFromPassword([]byte("violet harbour 42 kites"), bcrypt.MinCost)
	if err != nil {
		log.Fatal(err)
	}
	err = errors.Join(db.AutoMigrate(&User{}), db.Create(&User{ID: 41, Nick: "Ann", Email: "ann@example.com", Password: string(hash)}).Error)
	if err != nil {
		log.Fatal(err)
	}

	store, err := gormstore.Open(db, gormstore.Options{Migrate: true, Users: &gormstore.UserTable{
		Table: "users", Name: "nick", Email: "email", PasswordHash: "password", DeletedAt: "deleted_at",
	}})
	if err != nil {
		log.Fatal(err)
	}
	auth, err := oneauth.New(store, oneauth.WithDevelopment(), oneauth.WithSecrets(secret),
		oneauth.WithNewUserID(store.NewUserID), oneauth.WithAdopt(core.AdoptByEmail(store.FindByEmail)))
	if err != nil {
		log.Fatal(err)
	}
	defer auth.Close()
	ctx, browser := context.Background(), core.Wish{Kind: core.BrowserSession}
	ann, err := auth.Core().SignIn(ctx, core.PasswordSignIn{Identifier: "ann@example.com", Password: "violet harbour 42 kites", Wish: browser})
	if err != nil {
		log.Fatal(err)
	}
	bob, err := auth.Core().SignUp(ctx, core.SignUp{Email: "bob@example.com", Name: "Bob", Password: "purple otters sing at dawn", Wish: browser})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(ann.User.ID, ann.User.Name)
	fmt.Println(bob.User.ID, bob.User.Name)
	// Output:
	// 41 Ann
	// 42 Bob
}
