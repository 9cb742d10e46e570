// Package oneauthtest is for the tests of applications that use OneAuth: a whole oneauth.Auth over a store in memory, with
// a clock that stands still until it is told otherwise, cheap password hashes and a mailbox instead of a mail server.
//
//	app := oneauthtest.New(t, oneauth.WithScopes("read"))
//	h := router(app.Auth)
//	w := app.Request(t, h, "GET", "/dashboard", "", oneauthtest.Cookie(app.SignIn(t, "ann@example.com")))
//
// Nothing in it is a secret, so it has no place in a program.
package oneauthtest
