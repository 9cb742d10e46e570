package oneauth

import (
	"net/http"

	"github.com/oneauth-go/oneauth/webauth"
)

// FormTokenField is the name of the form parameter that carries what FormToken returns.
const FormTokenField = webauth.FormTokenField

// StartSession signs a user in with this browser by the application's word, after a way in of its own: a legacy login, a
// single sign-on, an invitation. It passes the gate like every sign-in, so a disabled account, a policy, a hook or a
// missing factor stops it with an error, and the caller answers. On success it has set the session's cookie, and the
// session that the browser had before is over. It makes no cross-origin check: put CSRF before a handler that takes forms.
func (a *Auth) StartSession(w http.ResponseWriter, r *http.Request, userID string) error {
	return a.web.Start(w, r, userID)
}

// CSRF refuses requests to the application's own routes that a foreign page made the browser send: 403 csrf. GET, HEAD
// and OPTIONS pass, so they must not change anything.
func (a *Auth) CSRF(next http.Handler) http.Handler { return a.web.CSRF(next) }

// FormToken returns what a page puts into a hidden field called FormTokenField, so that CSRF lets its forms through from
// browsers that tell no origin. It is bound to the session of r; without one it is empty, and none is needed.
func (a *Auth) FormToken(r *http.Request) string { return a.web.FormToken(r) }
