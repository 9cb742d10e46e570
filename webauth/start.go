package webauth

import (
	"errors"
	"net/http"

	"github.com/oneauth-go/oneauth/core"
)

// Start signs a user in with this browser by the application's word, for ways in that OneAuth does not know: see
// [core.Auth.StartSession] for what may stop it. On success the answer has the session's cookie, and whatever session the
// browser had before is over, so that nobody can plant one (session fixation). On an error the caller writes the answer;
// if a factor is missing (core.ErrFactorRequired) the answer has the cookie that binds the sign-in under way to this
// browser. It makes no cross-origin check: put [Service.CSRF] before a handler that takes forms.
func (s *Service) Start(w http.ResponseWriter, r *http.Request, userID string) error {
	ctx, err := s.entry.Enter(r)
	if err != nil {
		return err
	}
	r = r.WithContext(ctx)
	w.Header().Set("Cache-Control", "no-store")
	got, err := s.auth.StartSession(ctx, userID, core.Wish{Kind: core.BrowserSession})
	if err := s.begin(w, r, got, err); err != nil {
		return err
	}
	s.give(w, r, got)
	return nil
}

// begin takes what the gate said. The sessions that this browser had before end: their secrets may be somebody else's,
// and nothing holds them any more. If they cannot be ended the new secret is given to nobody.
func (s *Service) begin(w http.ResponseWriter, r *http.Request, got *core.SignedIn, err error) error {
	if err == nil {
		return s.endPresented(r)
	}
	var e *core.Error
	if got != nil && errors.As(err, &e) && e.Attempt != nil {
		s.setAttempt(w, got.Cookie, e.Attempt)
	}
	return err
}

// give hands the new session's secret to the browser; a sign-in that was under way is complete.
func (s *Service) give(w http.ResponseWriter, r *http.Request, got *core.SignedIn) {
	s.SetCookie(w, got)
	if len(cookieValues(r.Header, s.attemptCookie())) > 0 {
		s.clearCookie(w, s.attemptCookie())
	}
}
