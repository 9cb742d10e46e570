// Package verify checks access tokens in a service that has no access to the store of the application that issued them.
//
//	v, err := verify.New(verify.Config{Issuer: "https://app.example", Audiences: []string{"https://api.example"}})
//	mux.Handle("/orders", v.RequireScopes("read")(orders)) // which finds the claims by verify.From
//
// Without [Config].Introspection a token is verified here, with the issuer's published keys. That costs no request, and
// means that a token which was revoked is good until it expires. With Introspection the issuer is asked, and its answer
// remembered for at most Introspection.CacheFor.
//
// # Keys
//
// The keys are found through the issuer's metadata (RFC 8414) when the first token comes, or by [Verifier.Refresh]. They
// are fetched anew when they are older than Config.KeysFor, in the background, and when a token names a key that is not
// among them, at most every 5 s. When the issuer is out of reach the last good keys serve on, until they are older than
// Config.StaleFor: then tokens are refused with [ErrUnavailable]. A key that the issuer withdraws is therefore accepted
// for KeysFor longer at most, and StaleFor during an outage.
//
// # What is accepted
//
// JWTs of the type at+jwt (RFC 9068) signed with EdDSA, ES256 or RS256 by a key of the issuer's, with exactly its name in
// iss, one of the audiences in aud, and exp, nbf and iat that fit the clock. Symmetric algorithms and none are never
// accepted, whatever the issuer publishes.
package verify
