package gormstore_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"
	"gorm.io/gorm"

	"github.com/oneauth-go/oneauth"
	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/core/identifier"
	"github.com/oneauth-go/oneauth/core/password"
	"github.com/oneauth-go/oneauth/core/record"
	gormstore "github.com/oneauth-go/oneauth/stores/gorm"
)

// The passwords of the people in the club.
const (
	oldPassword = "marble.lantern.58.creek"
	newPassword = "purple otters sing at dawn"
)

// club is an application that had its members in a table of its own before.
type club struct {
	*oneauth.Auth
	t      *testing.T
	d      database
	db     *gorm.DB
	pool   *gorm.DB // what the store uses
	store  *gormstore.Store
	resets letters
	now    atomic.Int64 // Unix seconds
}

// newClub opens OneAuth over the table of members, in which old@example.com and Gone@Example.com are from before.
func newClub(t *testing.T, d database, ids gormstore.IDType, options ...oneauth.Option) *club {
	t.Helper()
	d.options.Users = mapping(ids)
	db := withMembers(t, d, ids)
	hash, err := bcrypt.GenerateFromPassword([]byte(oldPassword), bcrypt.MinCost)
	noErr(t, err)
	for n, email := range []string{"old@example.com", "gone@example.com", "plain@example.com"} {
		exec(t, db, "INSERT INTO members (no, full_name, email, hash, confirmed, plan, gone) "+overriding(d)+" VALUES (?, 'Old Hand', ?, ?, ?, 'gold', ?)",
			memberNo(ids, n+1), email, []string{string(hash), string(hash), "md5:900150983cd2"}[n], "2020-01-01 00:00:00", []any{nil, "2021-01-01 00:00:00", nil}[n])
	}
	if d.name == "PostgreSQL" && ids == gormstore.IntegerID {
		exec(t, db, "SELECT setval(pg_get_serial_sequence('members', 'no'), 1000)")
	}
	c := &club{t: t, d: d, db: db}
	c.now.Store(time.Date(2031, 5, 4, 3, 2, 1, 0, time.UTC).Unix())
	c.open(options...)
	return c
}

func (c *club) open(options ...oneauth.Option) {
	c.t.Helper()
	c.pool = c.d.open(c.t)
	c.store = c.d.store(c.t, c.pool)
	auth, err := oneauth.New(c.store, append([]oneauth.Option{
		oneauth.WithSecrets([]byte("a secret of thirty-two bytes, or more")), oneauth.WithBaseURL("https://app.example"),
		oneauth.WithHashing(password.CheapParams(), password.Limits{}), oneauth.WithScopes("read"), oneauth.WithCourier(&c.resets),
		oneauth.WithEnv(core.Env{Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return time.Unix(c.now.Load(), 0) }}),
		oneauth.WithNewUserID(c.store.NewUserID), oneauth.WithAdopt(core.AdoptByEmail(c.store.FindByEmail)),
	}, options...)...)
	noErr(c.t, err)
	c.t.Cleanup(func() { _ = auth.Close() })
	c.Auth = auth
}

func (c *club) signUp(email, name string) (*core.SignedIn, error) {
	return c.Core().SignUp(c.t.Context(), core.SignUp{
		Email: email, Name: name, Password: newPassword, Wish: core.Wish{Kind: core.BrowserSession},
	})
}

func (c *club) signIn(email, password string) (*core.SignedIn, error) {
	return c.Core().SignIn(c.t.Context(), core.PasswordSignIn{Identifier: email, Password: password, Wish: core.Wish{Kind: core.APISession}})
}

// member is a row as the application sees it.
type member struct {
	No                          string
	FullName, Email, Plan, Hash string
	Made                        *time.Time
	Visits                      int
}

func (c *club) row(email string) (m member) {
	c.t.Helper()
	found := c.db.Raw("SELECT no, full_name, email, plan, COALESCE(hash, '') AS hash, visits FROM members WHERE email = ?", email).Scan(&m)
	if found.Error != nil || found.RowsAffected != 1 {
		c.t.Fatalf("%d rows of %s, %v", found.RowsAffected, email, found.Error)
	}
	return m
}

// letters keeps the link of the last reset.
type letters struct{ link atomic.Pointer[string] }

func (l *letters) Deliver(_ context.Context, n core.Notice) error {
	if n.Template == core.NoticeReset {
		l.link.Store(&n.Link)
	}
	return nil
}

// reset sets a new password by a mailed link.
func (c *club) reset(email string) {
	c.t.Helper()
	noErr(c.t, errors.Join(c.Core().ForgotPassword(c.t.Context(), email), c.Core().DeliverPending(c.t.Context())))
	_, token, _ := strings.Cut(*c.resets.link.Load(), "token=")
	noErr(c.t, c.Core().ResetPassword(c.t.Context(), token, newPassword))
}

// eachClub runs a test on every database, with integers and with UUIDs as ids.
func eachClub(t *testing.T, run func(t *testing.T, d database, ids gormstore.IDType)) {
	t.Helper()
	each(t, func(t *testing.T, d database) {
		for _, ids := range []gormstore.IDType{gormstore.IntegerID, gormstore.UUIDID} {
			t.Run(ids.String(), func(t *testing.T) {
				if d, ok := place(t, d.name); ok {
					run(t, d, ids)
				}
			})
		}
	})
}

// A new member has a row in the application's table, as that has them; the application reads and changes it as ever.
func TestClubSignUp(t *testing.T) {
	eachClub(t, func(t *testing.T, d database, ids gormstore.IDType) {
		c := newClub(t, d, ids)
		in, err := c.signUp("ann@example.com", "Ann")
		noErr(t, err)
		if m := c.row("ann@example.com"); m.No != in.User.ID || m.FullName != "Ann" || m.Plan != "free" || m.Hash != "" {
			t.Errorf("the row is %+v, the user %+v", m, in.User)
		}
		exec(t, c.db, "UPDATE members SET full_name = 'Ann Lee', visits = 7 WHERE email = 'ann@example.com'")
		u, _, err := c.Core().User(t.Context(), in.User.ID)
		if noErr(t, err); u.Name != "Ann Lee" {
			t.Errorf("the name is %q", u.Name)
		}
		api, err := c.signIn("ann@example.com", newPassword)
		noErr(t, err)
		_, err = c.Core().Refresh(t.Context(), api.RefreshToken, core.FirstParty, nil)
		noErr(t, err)
		if _, err := c.Core().SignUp(t.Context(), core.SignUp{Username: "nomail", Password: newPassword, Wish: core.Wish{Kind: core.BrowserSession}}); err != nil {
			t.Errorf("without an address, which the column allows: %v", err)
		}
		var joined struct{ FullName, Value string }
		noErr(t, c.db.Raw("SELECT m.full_name, i.value FROM members m JOIN oneauth_identities i ON i.tenant = 'default' AND i.user_id = "+
			map[string]string{"SQLite": "CAST(m.no AS TEXT)", "PostgreSQL": "m.no::text", "MariaDB": "CONVERT(m.no USING utf8mb4) COLLATE utf8mb4_nopad_bin"}[d.name]+
			" WHERE m.email = 'ann@example.com'").Scan(&joined).Error)
		if joined.FullName != "Ann Lee" || joined.Value != "ann@example.com" {
			t.Errorf("joined %+v", joined)
		}
	})
}

// People from before sign in as ever, keep their id and everything in their row, and may set a new password.
func TestClubAdopts(t *testing.T) {
	eachClub(t, func(t *testing.T, d database, ids gormstore.IDType) {
		c := newClub(t, d, ids)
		before := c.row("old@example.com")
		if _, err := c.signIn("old@example.com", newPassword); !errors.Is(err, core.ErrInvalidCredentials) {
			t.Errorf("with a wrong password: %v", err)
		}
		in, err := c.signIn("Old@example.com", oldPassword)
		noErr(t, err)
		if in.User.ID != memberNo(ids, 1) || in.User.Name != "Old Hand" {
			t.Errorf("signed in as %+v", in.User)
		}
		if after := c.row("old@example.com"); after != before {
			t.Errorf("the row was %+v and is %+v", before, after)
		}
		c.reset("old@example.com")
		if _, err := c.signIn("old@example.com", newPassword); err != nil {
			t.Errorf("with the new password: %v", err)
		}

		// A hash that OneAuth does not know does not sign in, and can be replaced.
		if _, err := c.signIn("plain@example.com", oldPassword); !errors.Is(err, core.ErrInvalidCredentials) {
			t.Errorf("with an unknown hash: %v", err)
		}
		c.reset("plain@example.com")

		// Nobody takes the address of a member, and who is marked as deleted is none.
		if _, err := c.signUp("old@example.com", "Eve"); !errors.Is(err, core.ErrIdentityTaken) {
			t.Errorf("sign-up with a member's address: %v", err)
		}
		if _, err := c.signIn("gone@example.com", oldPassword); !errors.Is(err, core.ErrInvalidCredentials) {
			t.Errorf("a deleted member signs in: %v", err)
		}
		if _, err := c.signUp("gone@example.com", "New"); !errors.Is(err, core.ErrIdentityTaken) {
			t.Errorf("sign-up with an address that the table has in a deleted row: %v", err)
		}
		var all int64
		noErr(t, c.db.Table("oneauth_accounts").Count(&all).Error)
		if all != 2 {
			t.Errorf("%d accounts", all)
		}
	})
}

// Whom the application removes, or marks as deleted, is signed off: at once where something goes through the gate, within
// a minute of use in a browser. Who is restored is back.
func TestClubDeletes(t *testing.T) {
	eachClub(t, func(t *testing.T, d database, ids gormstore.IDType) {
		c := newClub(t, d, ids)
		for _, how := range []string{"UPDATE members SET gone = '2031-01-01 00:00:00' WHERE email = 'ann@example.com'", "DELETE FROM members WHERE email = 'ann@example.com'"} {
			in, err := c.signUp("ann@example.com", "Ann")
			if errors.Is(err, core.ErrIdentityTaken) { // of the first round, restored
				in, err = c.Core().SignIn(t.Context(), core.PasswordSignIn{
					Identifier: "ann@example.com", Password: newPassword, Wish: core.Wish{Kind: core.BrowserSession},
				})
			}
			noErr(t, err)
			api, err := c.signIn("ann@example.com", newPassword)
			noErr(t, err)
			exec(t, c.db, how)
			if _, err := c.signIn("ann@example.com", newPassword); !errors.Is(err, core.ErrInvalidCredentials) {
				t.Errorf("%s: sign-in: %v", how, err)
			}
			// What a token or cookie may still read it may not turn into something that lasts.
			if _, _, err := c.Core().CreateKey(t.Context(), in.User.ID, core.NewKey{Name: "k", Scopes: []string{"read"}}); !errors.Is(err, core.ErrForbidden) {
				t.Errorf("%s: new key: %v", how, err)
			}
			if _, err := c.Core().ChangePassword(t.Context(), in.User.ID, in.Session.ID, newPassword, "seven lanterns drift north"); !errors.Is(err, core.ErrForbidden) {
				t.Errorf("%s: new password: %v", how, err)
			}
			if _, err := c.Core().Reauthenticate(t.Context(), in.User.ID, in.Session.ID, newPassword); !errors.Is(err, core.ErrForbidden) {
				t.Errorf("%s: proving the password again: %v", how, err)
			}
			if _, err := c.Core().Refresh(t.Context(), api.RefreshToken, core.FirstParty, nil); !errors.Is(err, core.ErrInvalidGrant) {
				t.Errorf("%s: refresh: %v", how, err)
			}
			c.now.Add(60)
			if _, err := c.Core().CheckSession(t.Context(), in.Cookie); !errors.Is(err, core.ErrUnauthenticated) {
				t.Errorf("%s: session: %v", how, err)
			}
			exec(t, c.db, "UPDATE members SET gone = NULL WHERE email = 'ann@example.com'")
		}
		if all, err := c.Users().List(t.Context(), record.Page{}); err != nil || len(all) != 2 {
			t.Errorf("%d members are left, %v", len(all), err)
		}
	})
}

// Of 64 who sign up with one address in three processes, one gets it, with one row; whose ids are drawn at once all have
// their own.
func TestClubRace(t *testing.T) {
	eachClub(t, func(t *testing.T, d database, ids gormstore.IDType) {
		first := newClub(t, d, ids)
		clubs := []*club{first, {t: t, d: first.d, db: first.db}, {t: t, d: first.d, db: first.db}}
		for _, c := range clubs[1:] {
			c.now.Store(first.now.Load())
			c.open()
		}
		var won, lost atomic.Int64
		var wg sync.WaitGroup
		for i := range 64 {
			wg.Go(func() {
				email := "ann@example.com"
				if i%4 == 0 {
					email = fmt.Sprintf("p%d@example.com", i)
				}
				_, err := clubs[i%3].signUp(email, "Ann")
				switch {
				case err == nil && email == "ann@example.com":
					won.Add(1)
				case errors.Is(err, core.ErrIdentityTaken):
					lost.Add(1)
				case err != nil:
					t.Errorf("%s: %v", email, err)
				}
			})
		}
		wg.Wait()
		var rows int64
		noErr(t, first.db.Raw("SELECT count(*) FROM members WHERE full_name = 'Ann'").Scan(&rows).Error)
		if won.Load() != 1 || lost.Load() != 47 || rows != 17 {
			t.Errorf("%d won, %d lost, %d rows", won.Load(), lost.Load(), rows)
		}
	})
}

// The application gives out ids of its own while people sign up: nobody gets another's row.
func TestClubRaceWithTheApplication(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		c := newClub(t, d, gormstore.IntegerID)
		var wg sync.WaitGroup
		for i := range 24 {
			wg.Go(func() {
				if i%2 == 0 {
					exec(t, c.db, "INSERT INTO members (full_name, plan) VALUES ('theirs', 'x')")
					return
				}
				if _, err := c.signUp(fmt.Sprintf("p%d@example.com", i), "ours"); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		var ours, theirs int64
		noErr(t, c.db.Raw("SELECT count(*) FROM members WHERE full_name = 'ours' AND email LIKE 'p%'").Scan(&ours).Error)
		noErr(t, c.db.Raw("SELECT count(*) FROM members WHERE full_name = 'theirs' AND email IS NULL").Scan(&theirs).Error)
		if ours != 12 || theirs != 12 {
			t.Errorf("%d rows of ours, %d of theirs", ours, theirs)
		}
	})
}

// A table that takes no user without an address says so to whoever signs up without one.
func TestClubRequiresAnAddress(t *testing.T) {
	d, _ := place(t, "SQLite")
	db := d.open(t)
	exec(t, db, "CREATE TABLE people (id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE)")
	d.options.Users = &gormstore.UserTable{Table: "people", Email: "email"}
	c := &club{t: t, d: d, db: db}
	c.now.Store(time.Now().Unix())
	c.open()
	_, err := c.Core().SignUp(t.Context(), core.SignUp{Username: "ann", Password: newPassword, Wish: core.Wish{Kind: core.BrowserSession}})
	if e := core.AsError(err); e.Field != "email" || e.Code != core.CodeInvalidField || strings.Contains(e.Detail, "people") {
		t.Errorf("error is %v", err)
	}
	if _, err := c.signUp("ann@example.com", "Ann"); err != nil {
		t.Error(err)
	}
}

// Two rows with one address name nobody for sure; capitals are folded when the option says so; the time of a verification
// and a boolean both count.
func TestAdoptByEmail(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		db := d.open(t)
		exec(t, db, "CREATE TABLE people (id INTEGER PRIMARY KEY, email VARCHAR(100), ok BOOLEAN)")
		exec(t, db, "INSERT INTO people VALUES (1, 'Ann@Example.com', TRUE), (2, 'bob@example.com', FALSE), (3, 'two@example.com', NULL), (4, 'two@example.com', NULL)")
		d.options.Users = &gormstore.UserTable{Table: "people", Email: "email", EmailVerified: "ok", FoldEmail: true}
		c := &club{t: t, d: d, db: db}
		c.open()
		for _, want := range []struct {
			email, id string
			verified  bool
			fails     bool
		}{{"ann@example.com", "1", true, false}, {"BOB@example.com", "2", false, false}, {"two@example.com", "", false, true}, {"no@example.com", "", false, false}} {
			seed, err := core.AdoptByEmail(c.store.FindByEmail)(t.Context(), identifier.Identifier{Kind: identifier.Email, Value: want.email})
			switch {
			case (err != nil) != want.fails:
				t.Errorf("%s: %v", want.email, err)
			case want.id == "" && seed != nil, want.id != "" && (seed == nil || seed.ID != want.id || seed.Identities[0].Verified != want.verified):
				t.Errorf("%s: %+v", want.email, seed)
			}
		}
		if _, err := c.signIn("two@example.com", oldPassword); !errors.Is(err, core.ErrUnavailable) {
			t.Errorf("signed in as one of two: %v", err)
		}
	})
}

// The table has the users of one tenant. In another its people are as unknown as anybody.
func TestFindByEmailInAnotherTenant(t *testing.T) {
	eachClub(t, func(t *testing.T, d database, ids gormstore.IDType) {
		byHeader := func(r *http.Request) (string, error) { return r.Header.Get("X-Tenant"), nil }
		c := newClub(t, d, ids, oneauth.WithTenants(byHeader))
		other := core.WithTenant(t.Context(), "other")
		for _, email := range []string{"old@example.com", "nobody@example.com"} {
			if id, value, _, hash, err := c.store.FindByEmail(other, email); err != nil || id+value+hash != "" {
				t.Errorf("%s is found: %s %s %v", email, id, value, err)
			}
			_, err := c.Core().SignIn(other, core.PasswordSignIn{Identifier: email, Password: oldPassword, Wish: core.Wish{Kind: core.APISession}})
			if !errors.Is(err, core.ErrInvalidCredentials) {
				t.Errorf("sign-in of %s: %v", email, err)
			}
		}
	})
}

// A table that takes no NULL where OneAuth has nothing to write gets what means nothing; what is too long for a column is
// refused by name.
func TestClubWithStrictColumns(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		db := d.open(t)
		exec(t, db, "CREATE TABLE people (id INTEGER NOT NULL PRIMARY KEY, nick VARCHAR(8) NOT NULL, email VARCHAR(16) NOT NULL, hash VARCHAR(80) NOT NULL, ok BOOLEAN NOT NULL)")
		d.options.Users = &gormstore.UserTable{Table: "people", Name: "nick", Email: "email", PasswordHash: "hash", EmailVerified: "ok"}
		c := &club{t: t, d: d, db: db}
		c.now.Store(time.Now().Unix())
		c.open()
		_, err := c.signUp("ann@example.com", "Ännchen8")
		noErr(t, err)
		if n := count(t, db, "SELECT count(*) FROM people WHERE hash = '' AND ok = FALSE"); n != 1 {
			t.Errorf("%d rows", n)
		}
		for field, try := range map[string]func() error{
			"name":  func() error { _, err := c.signUp("bob@example.com", "Bobchen89"); return err },
			"email": func() error { _, err := c.signUp("robert@example.com", "Bob"); return err },
		} {
			if e := core.AsError(try()); e.Code != core.CodeInvalidField || e.Field != field {
				t.Errorf("%s: %v", field, e)
			}
		}
		if n := count(t, db, "SELECT count(*) FROM people"); n != 1 {
			t.Errorf("%d rows", n)
		}
	})
}

func count(t *testing.T, db *gorm.DB, query string) (n int64) {
	t.Helper()
	noErr(t, db.Raw(query).Scan(&n).Error)
	return n
}
