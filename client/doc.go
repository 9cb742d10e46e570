// Package client is for programs that talk to an application which signs people in with OneAuth: command lines, phone
// back ends, services.
//
//	store, err := client.NewFileStore(path)
//	c, err := client.New("https://app.example", client.WithStore(store))
//	session, err := c.LoginWithPassword(ctx, "ann@example.com", password)
//	answer, err := c.HTTPClient().Get("https://app.example/api/me")
//
// The credential lives in a [Store] that several processes may share. Of all goroutines and processes one refreshes, shortly
// before the access token expires, and the others use what it got. Access tokens go only to the origins that the client was
// made for, and over plain http only to loopback.
//
// # When an answer is lost
//
// A refresh token is good once. If the answer with its successor is lost, because the connection broke or the process died
// before it saved, the old token is presented again: within the server's grace window (10 s by default) it yields the
// same successor. A refresh is therefore tried twice within [RefreshTimeout] each; after the window the session is over.
//
// # Errors
//
// What the server refuses is an [*Error]. [ErrSignedOut], [ErrFactorRequired] and the other sentinels work with errors.Is.
// No error contains a password, token or key.
package client
