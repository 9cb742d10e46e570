// Ownusers is an application that has had its users for years, in a table of its own with integer ids and bcrypt hashes,
// and now leaves signing in to OneAuth. Everybody signs in as ever and keeps the id; the table stays as it is, and the
// application goes on reading, joining and updating it. New people get a row like the others.
//
//	go run ./examples/ownusers
//
// Sign in at http://127.0.0.1:8080 as ann@example.com with the password "violet harbour 42 kites". The data is in
// ./ownusers.db; -postgres and a DSN take a PostgreSQL database instead, in which the table is made if it is missing.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"html/template"
	"log"
	"net/http"
	"os"
	"strconv"
	"strings"

	"github.com/glebarez/sqlite"
	"github.com/oneauth-go/oneauth"
	"github.com/oneauth-go/oneauth/core"
	gormstore "github.com/oneauth-go/oneauth/stores/gorm"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
)

// demoSecret is for the demonstration alone: a real one is 32 random bytes that are kept outside the program.
const demoSecret = "the secret of a demonstration, only"

func main() {
	file := flag.String("sqlite", "ownusers.db", "the SQLite file")
	dsn := flag.String("postgres", "", "a PostgreSQL DSN, instead")
	flag.Parse()
	dialector := sqlite.Open("file:" + *file + "?_pragma=journal_mode(WAL)&_pragma=busy_timeout(5000)&_txlock=immediate")
	if *dsn != "" {
		dialector = postgres.Open(*dsn)
	}
	db, err := gorm.Open(dialector, &gorm.Config{})
	if err != nil {
		log.Fatal(err)
	}
	if err := before(db); err != nil {
		log.Fatal(err)
	}
	auth, err := now(db, oneauth.WithDevelopment(), oneauth.WithSecrets([]byte(cmp.Or(os.Getenv("APP_SECRET"), demoSecret))))
	if err != nil {
		log.Fatal(err)
	}
	go func() { log.Println(auth.Run(context.Background())) }()
	log.Println("listening on http://127.0.0.1:8080")
	log.Fatal(http.ListenAndServe("127.0.0.1:8080", app(auth, db)))
}

// now adds OneAuth to the application: which column is what, where new ids come from, and who is known from before.
func now(db *gorm.DB, options ...oneauth.Option) (*oneauth.Auth, error) {
	store, err := gormstore.Open(db, gormstore.Options{
		Migrate: true, // makes OneAuth's own tables, and leaves this one alone
		Users: &gormstore.UserTable{
			Table: "users", ID: "id", IDType: gormstore.IntegerID,
			Name: "display_name", CreatedAt: "created_at", UpdatedAt: "updated_at", DeletedAt: "deleted_at",
			Email: "email", PasswordHash: "password_hash",
			Defaults: map[string]any{"plan": "free"},
		},
	})
	if err != nil {
		return nil, err
	}
	return oneauth.New(store, append([]oneauth.Option{
		oneauth.WithNewUserID(store.NewUserID),
		oneauth.WithAdopt(core.AdoptByEmail(store.FindByEmail)),
	}, options...)...)
}

var page = template.Must(template.New("page").Parse(`<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Orders</title>
<h1>{{.User.DisplayName}}</h1>
<p>Member {{.User.ID}}, on the {{.User.Plan}} plan, signed in as {{.SignInName}}.</p>
<ul>{{range .User.Orders}}<li>{{.What}}</li>{{end}}</ul>
<form method="post" action="/plan"><input type="hidden" name="form_token" value="{{.Token}}"><button name="plan" value="gold">Go gold</button></form>
<form method="post" action="/leave"><input type="hidden" name="form_token" value="{{.Token}}"><button>Leave for good</button></form>
</html>
`))

func app(auth *oneauth.Auth, db *gorm.DB) http.Handler {
	mux := http.NewServeMux()
	auth.Mount(mux)
	mux.Handle("GET /{$}", auth.RequireSession(orders(auth, db)))
	mux.Handle("POST /plan", auth.CSRF(auth.RequireSession(changePlan(db))))
	mux.Handle("POST /leave", auth.CSRF(auth.RequireSession(leave(auth, db))))
	mux.Handle("/dev/mail", auth.MailboxHandler())
	return mux
}

// member is the id in the application's table of who is signed in.
func member(r *http.Request) (uint64, error) {
	return strconv.ParseUint(oneauth.From(r.Context()).Subject, 10, 64)
}

// orders shows the application's own row with what belongs to it, and the name under which OneAuth signs the person in.
func orders(auth *oneauth.Auth, db *gorm.DB) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, err := member(r)
		data := struct {
			User              User
			SignInName, Token string
		}{Token: auth.FormToken(r)}
		err = errors.Join(err,
			db.WithContext(r.Context()).Preload("Orders").Take(&data.User, id).Error,
			db.WithContext(r.Context()).Table("oneauth_identities").Select("value").Where("tenant = 'default' AND user_id = ?", strconv.FormatUint(id, 10)).
				Order("id").Limit(1).Scan(&data.SignInName).Error)
		if err != nil {
			fail(w, err)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		if err := page.Execute(w, data); err != nil {
			log.Println(err)
		}
	})
}

// changePlan updates the row as the application always has: OneAuth has no part in it, and overwrites nothing.
func changePlan(db *gorm.DB) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, err := member(r)
		plan := strings.ToLower(r.PostFormValue("plan"))
		if err = errors.Join(err, db.WithContext(r.Context()).Model(&User{}).Where("id = ?", id).Update("plan", plan).Error); err != nil {
			fail(w, err)
			return
		}
		http.Redirect(w, r, "/", http.StatusSeeOther)
	})
}

// leave deletes the row as the application always has, by GORM's soft delete. From then on there are no sign-ins and no
// refreshes; the sessions that are open end at once by RevokeAll.
func leave(auth *oneauth.Auth, db *gorm.DB) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, err := member(r)
		if err == nil {
			err = db.WithContext(r.Context()).Delete(&User{}, id).Error
		}
		if err == nil {
			err = auth.Users().RevokeAll(r.Context(), strconv.FormatUint(id, 10))
		}
		if err != nil {
			fail(w, err)
			return
		}
		http.Redirect(w, r, "/", http.StatusSeeOther)
	})
}

func fail(w http.ResponseWriter, err error) {
	log.Println(err)
	http.Error(w, "Try again later.", http.StatusServiceUnavailable)
}
