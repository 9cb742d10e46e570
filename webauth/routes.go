package webauth

import (
	"net/http"

	"github.com/oneauth-go/oneauth/internal/wire"
)

// Routes returns the endpoints, to be mounted under the prefix.
func (s *Service) Routes() []wire.Route {
	const get, post, patch, del = http.MethodGet, http.MethodPost, http.MethodPatch, http.MethodDelete
	routes := []wire.Route{
		{Method: post, Path: "/signup", Handle: s.browser(s.signUp)},
		{Method: post, Path: "/login", Handle: s.browser(s.login)},
		{Method: post, Path: "/logout", Handle: s.logout},
		{Method: post, Path: "/verify/request", Handle: s.requestVerify},
		{Method: post, Path: "/verify", Handle: s.browser(s.verify)},
		{Method: get, Path: "/verify", Handle: s.verifyPage},
		{Method: post, Path: "/password/forgot", Handle: s.browser(s.forgot)},
		{Method: post, Path: "/password/reset", Handle: s.browser(s.reset)},
		{Method: get, Path: "/password/reset", Handle: s.resetPage},
		{Method: post, Path: "/password/change", Handle: s.account(s.changePassword)},
		{Method: get, Path: "/session", Handle: s.account(s.showSession)},
		{Method: patch, Path: "/account", Handle: s.account(s.changeAccount)},
		{Method: post, Path: "/account", Handle: s.account(s.changeAccount)},
		{Method: post, Path: "/identities", Handle: s.account(s.addIdentity)},
		{Method: post, Path: "/identities/primary", Handle: s.account(s.makePrimary)},
		{Method: post, Path: "/identities/remove", Handle: s.account(s.removeIdentity)},
		{Method: post, Path: "/reauth", Handle: s.account(s.reauth)},
		{Method: get, Path: "/sessions", Handle: s.account(s.listSessions)},
		{Method: del, Path: "/sessions", Handle: s.account(s.endOtherSessions)},
		{Method: post, Path: "/sessions/end-others", Handle: s.account(s.endOtherSessions)},
		{Method: del, Path: "/sessions/{id}", Handle: s.account(s.endSession)},
		{Method: post, Path: "/sessions/{id}/end", Handle: s.account(s.endSession)},
		{Method: get, Path: "/linked", Handle: s.account(s.listLinked)},
		{Method: del, Path: "/linked/{id}", Handle: s.account(s.unlink)},
		{Method: post, Path: "/linked/{id}/unlink", Handle: s.account(s.unlink)},
		{Method: post, Path: "/keys", Handle: s.account(s.createKey)},
		{Method: get, Path: "/keys", Handle: s.account(s.listKeys)},
		{Method: del, Path: "/keys/{id}", Handle: s.account(s.revokeKey)},
		{Method: post, Path: "/keys/{id}/revoke", Handle: s.account(s.revokeKey)},
	}
	if s.pages != nil || s.own.Failed != nil {
		for i, route := range routes {
			if route.Method == post {
				routes[i].Handle = s.formErrors(route.Path, route.Handle)
			}
		}
	}
	return append(routes, s.pageRoutes()...)
}

type handler = func(w http.ResponseWriter, r *http.Request) error

// browser is for endpoints that nobody needs to be signed in for, but no foreign page may use.
func (s *Service) browser(h handler) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if err := s.cross.Check(r, s.cookie); err != nil {
			return err
		}
		return h(w, r)
	}
}

// account is for endpoints of the person who is signed in.
func (s *Service) account(h func(w http.ResponseWriter, r *http.Request, c caller) error) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		c, err := s.caller(r)
		if err != nil {
			return err
		}
		return h(w, r, c)
	}
}
