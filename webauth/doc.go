// Package webauth is OneAuth for browsers: the session cookie, the cross-origin check, and the endpoints for signing
// up, in and out, for mailed links, and for what people do to their own account. It decodes, calls core, and encodes;
// package core decides.
//
// # The cookie
//
// A session is a cookie called __Host-oneauth: Secure, HttpOnly, SameSite=Lax, Path=/, and without an expiry unless the
// person asked to be remembered. Its value changes at every sign-in and at every change of password; the session that
// the same browser had before ends. It is dead on the server at sign-out.
//
// A request that brings two cookies of that name is not signed in, whichever of them are good: somebody else may have
// planted one of them, and nobody can say which. Signing out ends all of them. A name that begins with __Host-, as the
// default one does, cannot be planted by a neighbouring host.
//
// # Cross-origin requests
//
// Every endpoint that changes something refuses requests that a foreign page made the browser send, signing in and up
// included. Requests with a bearer credential pass, since no browser adds one by itself. Forms posted by a browser that
// tells no origin need the form token of [Service.FormToken].
package webauth
