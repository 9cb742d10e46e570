package oneauthtest

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/oneauth-go/oneauth"
	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/core/mail"
	"github.com/oneauth-go/oneauth/core/password"
	"github.com/oneauth-go/oneauth/core/record"
	"github.com/oneauth-go/oneauth/internal/clock"
	"github.com/oneauth-go/oneauth/stores/mem"
)

// BaseURL is the origin of an App, unless oneauth.WithBaseURL says another.
const BaseURL = "https://app.test"

// Password is the password of everybody that App.User makes.
const Password = "purple otters sing at dawn"

// App is an application's Auth in a test.
type App struct {
	*oneauth.Auth
	clock   *clock.Held
	mailbox *mail.Mailbox
	tenant  string
	edits   []Edit
}

// New returns an App that is closed when the test ends. It is like one in production, at BaseURL, but keeps everything in
// memory, hashes cheaply, keeps mails in its Mailbox, and holds the clock at noon of 1 January 2030. The options come
// after its own and override them; with oneauth.WithEnv the test brings its own clock, and Advance does nothing.
// Failures that are not the caller's are logged to the test's output.
func New(t testing.TB, options ...oneauth.Option) *App {
	t.Helper()
	app := &App{clock: clock.Noon()}
	app.mailbox = mail.NewMailbox(1000, app.clock.Now)
	log := &testLog{t: t}
	defaults := []oneauth.Option{
		oneauth.WithSecrets([]byte("oneauthtest: 32 known bytes and more")),
		oneauth.WithBaseURL(BaseURL),
		oneauth.WithHashing(password.CheapParams(), password.Limits{}),
		oneauth.WithSender(core.Email, app.mailbox),
		oneauth.WithSender(core.SMS, app.mailbox),
		oneauth.WithEnv(core.Env{
			Now: app.clock.Now,
			Log: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelWarn})),
		}),
	}
	auth, err := oneauth.New(mem.New(), append(defaults, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	app.Auth = auth
	t.Cleanup(func() {
		if err := auth.Close(); err != nil && !errors.Is(err, record.ErrClosed) {
			t.Errorf("oneauthtest: %v", err)
		}
		log.end()
	})
	return app
}

// In returns the App as one tenant sees it: its people and credentials are that tenant's, and edits, such as Host, make
// each request one that belongs there.
func (a *App) In(tenant string, edits ...Edit) *App {
	in := *a
	in.tenant, in.edits = tenant, edits
	return &in
}

// Now returns what the clock says.
func (a *App) Now() time.Time { return a.clock.Now() }

// Advance moves the clock. What is due then, such as sweeping, happens when Core().RunJobs is called.
func (a *App) Advance(d time.Duration) { a.clock.Advance(d) }

// Mailbox holds everything that was sent, newest first. What is in the outbox gets there by Mail.
func (a *App) Mailbox() *mail.Mailbox { return a.mailbox }

// context returns the test's context, in the App's tenant.
func (a *App) context(t testing.TB) context.Context {
	ctx := t.Context()
	if a.tenant != "" {
		ctx = core.WithTenant(ctx, a.tenant)
	}
	return ctx
}
