package core_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/internal/clock"
	"github.com/oneauth-go/oneauth/stores/mem"
)

func withSecrets(t *testing.T, seeds ...byte) func(*core.Config) {
	return func(c *core.Config) { c.Secrets = keyring(t, seeds...) }
}

func TestWrongMasterSecretFailsAtNew(t *testing.T) {
	w := newWorld(t)
	cfg := w.cfg
	cfg.Secrets = keyring(t, 9)
	_, err := core.New(t.Context(), w.data.Again(), cfg)
	if err == nil || !strings.Contains(err.Error(), "master secrets") {
		t.Errorf("%v", err)
	}
}

// A rotation of the master secret ends nothing: while it goes on, nodes with either secret first work side by side.
func TestRotationOfTheMasterSecret(t *testing.T) {
	w := newWorld(t, withSecrets(t, 1))
	w.verified("ann@example.com")
	b, a := must(w.signIn("ann@example.com", goodPassword, browser))(t), w.apiLogin("ann@example.com")

	old := w.again(withSecrets(t, 1, 2)) // step 1: every node knows the new one
	noError(t, w.Close())
	noError(t, old.ForgotPassword(t.Context(), "ann@example.com")) // waits in the outbox, sealed under the old one
	fresh := w.again(withSecrets(t, 2, 1))                         // step 2: the new one comes first, node by node
	must(fresh.CheckSession(t.Context(), b.Cookie))(t)
	next := must(fresh.refresh(a.RefreshToken))(t)
	next = must(old.refresh(next.RefreshToken))(t)

	var failed error
	done := make(chan struct{})
	go func() { // step 3, while both nodes work
		defer close(done)
		failed = fresh.Reseal(t.Context())
	}()
	for i := range 20 {
		must(old.SignUp(t.Context(), core.SignUp{Username: fmt.Sprintf("user%d", i), Password: goodPassword, Wish: browser}))(t)
		next = must(old.refresh(next.RefreshToken))(t)
	}
	<-done
	noError(t, failed)
	noError(t, fresh.Reseal(t.Context())) // twice is no error

	alone := w.again(withSecrets(t, 2)) // step 4: the old one is dropped
	must(alone.CheckSession(t.Context(), b.Cookie))(t)
	must(alone.refresh(next.RefreshToken))(t)
	noError(t, alone.ResetPassword(t.Context(), alone.link(core.NoticeReset, "ann@example.com"), otherPassword))
	if _, err := core.New(t.Context(), w.data.Again(), w.configured(withSecrets(t, 1))); err == nil {
		t.Error("the retired secret still opens the store")
	}
}

// configured returns the configuration of another instance without opening it.
func (w *world) configured(change func(*core.Config)) core.Config {
	cfg := w.cfg
	change(&cfg)
	return cfg
}

func TestResealReachesSignUpsThatWait(t *testing.T) {
	w := newWorld(t, verifyFirst, withSecrets(t, 1))
	_, err := w.SignUp(t.Context(), core.SignUp{Email: "ann@example.com", Password: goodPassword, Wish: browser})
	noError(t, err)
	token := w.link(core.NoticeVerify, "ann@example.com")
	noError(t, w.again(withSecrets(t, 2, 1)).Reseal(t.Context()))
	must(w.again(withSecrets(t, 2)).Verify(t.Context(), token))(t)
}

// A notice that no secret opens any more does not stand in the way of the rest.
func TestResealPassesOverWhatIsLost(t *testing.T) {
	data, c := mem.New(), clock.Noon()
	w := worldOver(t, data, c, withSecrets(t, 1))
	w.person("ann@example.com") // its notice waits
	noError(t, w.Update(t.Context(), func(tx *core.Tx) error {
		return tx.OneTimeTokens().Insert(&core.OneTimeToken{ID: "lost", Payload: []byte("sealed by nobody"), Expires: c.Now().Add(time.Hour)})
	}))
	noError(t, w.again(withSecrets(t, 2, 1)).Reseal(t.Context()))
	if got := w.again(withSecrets(t, 2)).notices(); len(got) != 1 {
		t.Errorf("delivered %+v", got)
	}
}

func TestSubkeysDifferByUseAndStayTheSame(t *testing.T) {
	w := newWorld(t)
	other := w.again()
	if string(w.Subkey("a")) == string(w.Subkey("b")) || string(w.Subkey("a")) != string(other.Subkey("a")) {
		t.Error("subkeys are not one per use")
	}
	if string(w.Subkey("a")) == string(newWorld(t).Subkey("a")) {
		t.Error("two stores under one master secret share subkeys")
	}
}
