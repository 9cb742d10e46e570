package oneauth

import "net/http"

// CORS lets pages of the origins given to WithTrustedOrigins call the application's own routes from a browser, with the
// session cookie or a token, and read every answer, errors included. Other origins get no header of CORS, and their
// browsers refuse. OneAuth's own endpoints do so by themselves. Preflight requests are answered here, so put it outside
// whatever asks for a credential:
//
//	mux.Handle("/api/", auth.CORS(auth.RequireScopes("read")(api)))
//
// A browser sends the session cookie along only between origins of one site, such as https://app.example and
// https://api.app.example; pages of another site use access tokens.
func (a *Auth) CORS(next http.Handler) http.Handler { return a.web.CORS(next) }
