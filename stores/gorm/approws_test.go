package gormstore_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"

	"gorm.io/gorm"

	"github.com/oneauth-go/oneauth"
	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/core/identifier"
	"github.com/oneauth-go/oneauth/core/password"
	"github.com/oneauth-go/oneauth/core/record"
	gormstore "github.com/oneauth-go/oneauth/stores/gorm"
)

// profile is a table of the application's own.
type profile struct {
	UserID string `gorm:"primaryKey;size:64"`
	Motto  string
	Visits int
}

// shop is an application with OneAuth and tables of its own in one database.
type shop struct {
	*oneauth.Auth
	t  *testing.T
	db *gorm.DB
}

func newShop(t *testing.T, d database, options ...oneauth.Option) *shop {
	t.Helper()
	s := &shop{t: t, db: d.open(t)}
	if err := s.db.AutoMigrate(&profile{}); err != nil {
		t.Fatal(err)
	}
	auth, err := oneauth.New(d.store(t, s.db), append([]oneauth.Option{
		oneauth.WithSecrets([]byte("a secret of thirty-two bytes, or more")), oneauth.WithBaseURL("https://app.example"),
		oneauth.WithHashing(password.CheapParams(), password.Limits{}), oneauth.WithEnv(core.Env{Log: slog.New(slog.DiscardHandler)}),
	}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = auth.Close() })
	s.Auth = auth
	return s
}

// each runs a test on every database, side by side.
func each(t *testing.T, run func(t *testing.T, d database)) {
	t.Helper()
	for _, name := range []string{"SQLite", "PostgreSQL", "MariaDB"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if d, ok := place(t, name); ok {
				run(t, d)
			}
		})
	}
}

func seed(email string) core.Seed {
	return core.Seed{Identities: []core.SeedIdentity{{Kind: identifier.Email, Value: email, Verified: true}}, Name: "Ann"}
}

// count is how many rows there are: of ours, and of the application's.
func (s *shop) count() (users, profiles int64) {
	s.t.Helper()
	if err := errors.Join(s.db.Table("oneauth_users").Count(&users).Error, s.db.Model(&profile{}).Count(&profiles).Error); err != nil {
		s.t.Fatal(err)
	}
	return users, profiles
}

func (s *shop) want(users, profiles int64) {
	s.t.Helper()
	if u, p := s.count(); u != users || p != profiles {
		s.t.Errorf("%d users and %d profiles, want %d and %d", u, p, users, profiles)
	}
}

func (s *shop) signUp(email string) error {
	_, err := s.Core().SignUp(s.t.Context(), core.SignUp{
		Email: email, Password: "purple otters sing at dawn", Wish: core.Wish{Kind: core.BrowserSession},
	})
	return err
}

var errNo = errors.New("the application says no")

// With: a sign-up and the application's own row are committed together or not at all.
func TestWith(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		refuse := false
		s := newShop(t, d, oneauth.WithHooks(core.Hooks{InSignUpTx: func(tx *core.Tx, u *core.User) error {
			return gormstore.With(tx.Record(), func(db *gorm.DB) error {
				if err := db.Create(&profile{UserID: u.ID, Motto: "new"}).Error; err != nil || !refuse {
					return err
				}
				return errNo
			})
		}}))
		if err := s.signUp("ann@example.com"); err != nil {
			t.Fatal(err)
		}
		s.want(1, 1)
		refuse = true
		if err := s.signUp("bob@example.com"); !errors.Is(err, errNo) {
			t.Errorf("error is %v", err)
		}
		refuse = false
		if err := s.signUp("ann@example.com"); core.AsError(err).Code != core.CodeIdentityTaken {
			t.Errorf("error is %v", err)
		}
		s.want(1, 1)
		var row profile
		if err := s.db.Take(&row).Error; err != nil || row.Motto != "new" {
			t.Errorf("row is %+v, %v", row, err)
		}
	})
}

// With, by many at once for one address: one account, and one row.
func TestWithOneWinner(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		s := newShop(t, d, oneauth.WithHooks(core.Hooks{InSignUpTx: func(tx *core.Tx, u *core.User) error {
			return gormstore.With(tx.Record(), func(db *gorm.DB) error { return db.Create(&profile{UserID: u.ID}).Error })
		}}))
		var wg sync.WaitGroup
		for range 16 {
			wg.Go(func() {
				if err := s.signUp("ann@example.com"); err != nil && core.AsError(err).Code != core.CodeIdentityTaken {
					t.Errorf("error is %v", err)
				}
			})
		}
		wg.Wait()
		s.want(1, 1)
	})
}

// Transaction with the pool: the application makes a user and its own row in one transaction, in which each sees what the
// other did, and an error of either undoes both.
func TestTransaction(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		s := newShop(t, d)
		ann, err := s.Users().Prepare(t.Context(), seed("ann@example.com"))
		if err != nil {
			t.Fatal(err)
		}
		make := func(last error) error {
			return gormstore.Transaction(t.Context(), s.db, s.Core(), func(db *gorm.DB, tx *core.Tx) error {
				u, _, err := tx.Ensure(ann)
				if err != nil {
					return err
				}
				if err := db.Create(&profile{UserID: u.ID}).Error; err != nil {
					return err
				}
				if _, err := tx.Users().Get(u.ID); err != nil {
					return fmt.Errorf("the user is not seen: %w", err)
				}
				return last
			})
		}
		if err := make(errNo); !errors.Is(err, errNo) {
			t.Errorf("error is %v", err)
		}
		s.want(0, 0)
		if err := make(nil); err != nil {
			t.Fatal(err)
		}
		s.want(1, 1)
		if err := make(nil); err == nil { // the row's key is taken
			t.Error("a row was made twice")
		}
		s.want(1, 1)
	})
}

// Transaction, by many at once on one user: nobody's change is lost, no conflict surfaces, and of tries that were undone
// nothing is left.
func TestTransactionIsTriedAgain(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		s := newShop(t, d)
		u, _, err := s.Users().Ensure(t.Context(), seed("ann@example.com"))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.db.Create(&profile{UserID: u.ID}).Error; err != nil {
			t.Fatal(err)
		}
		const parties, rounds = 8, 5
		var wg sync.WaitGroup
		for range parties {
			wg.Go(func() {
				for range rounds {
					err := gormstore.Transaction(t.Context(), s.db, s.Core(), func(db *gorm.DB, tx *core.Tx) error {
						u, err := tx.Users().Get(u.ID)
						if err != nil {
							return err
						}
						u.Name += "!"
						if err := tx.Users().Put(u); err != nil {
							return err
						}
						return db.Model(&profile{UserID: u.ID}).Update("visits", gorm.Expr("visits + 1")).Error
					})
					if err != nil {
						t.Errorf("error is %v", err)
					}
				}
			})
		}
		wg.Wait()
		var row profile
		if err := s.db.Take(&row, "user_id = ?", u.ID).Error; err != nil {
			t.Fatal(err)
		}
		after, _, err := s.Core().User(t.Context(), u.ID)
		if err != nil || row.Visits != parties*rounds || len(after.Name) != len("Ann")+parties*rounds {
			t.Errorf("%d visits, name %q, %v", row.Visits, after.Name, err)
		}
	})
}

// Transaction within the application's own transaction: it commits, or undoes, all of it.
func TestTransactionWithin(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		s := newShop(t, d)
		ann, err := s.Users().Prepare(t.Context(), seed("ann@example.com"))
		if err != nil {
			t.Fatal(err)
		}
		whole := func(last error) error {
			return s.db.WithContext(t.Context()).Transaction(func(db *gorm.DB) error {
				var id string
				err := gormstore.Transaction(t.Context(), db, s.Core(), func(_ *gorm.DB, tx *core.Tx) error {
					u, _, err := tx.Ensure(ann)
					if err == nil {
						id = u.ID
					}
					return err
				})
				if err != nil {
					return err
				}
				return errors.Join(db.Create(&profile{UserID: id}).Error, last)
			})
		}
		if err := whole(errNo); !errors.Is(err, errNo) {
			t.Errorf("error is %v", err)
		}
		s.want(0, 0)
		if err := whole(nil); err != nil {
			t.Fatal(err)
		}
		s.want(1, 1)
	})
}

// After an error of OneAuth's part the application's transaction can go on without it.
func TestTransactionWithinGoesOn(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		s := newShop(t, d)
		if _, _, err := s.Users().Ensure(t.Context(), seed("ann@example.com")); err != nil {
			t.Fatal(err)
		}
		taken := seed("bob@example.com")
		taken.Identities = append(taken.Identities, seed("ann@example.com").Identities...)
		bob, err := s.Users().Prepare(t.Context(), taken)
		if err != nil {
			t.Fatal(err)
		}
		err = s.db.WithContext(t.Context()).Transaction(func(db *gorm.DB) error {
			err := gormstore.Transaction(t.Context(), db, s.Core(), func(own *gorm.DB, tx *core.Tx) error {
				if err := own.Create(&profile{UserID: "undone"}).Error; err != nil {
					return err
				}
				_, _, err := tx.Ensure(bob)
				return err
			})
			if core.AsError(err).Code != core.CodeIdentityTaken {
				t.Errorf("error is %v", err)
			}
			return db.Create(&profile{UserID: "kept"}).Error
		})
		if err != nil {
			t.Fatal(err)
		}
		var rows []profile
		if err := s.db.Find(&rows).Error; err != nil || len(rows) != 1 || rows[0].UserID != "kept" {
			t.Errorf("rows are %+v, %v", rows, err)
		}
		s.want(1, 1)
	})
}

// A transaction of one database is nothing to a store of another.
func TestTransactionOfAnotherDatabase(t *testing.T) {
	here, _ := place(t, "SQLite")
	there, _ := place(t, "SQLite")
	s, other := newShop(t, here), newShop(t, there)
	err := gormstore.Transaction(context.Background(), other.db, s.Core(), func(*gorm.DB, *core.Tx) error { return nil })
	if err == nil {
		t.Error("it was taken")
	}
}

var _ gormstore.Updater[*record.Tx] = (*record.DB)(nil)
