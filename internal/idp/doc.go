// Package idp is a small identity provider for tests and demonstrations: OpenID Connect with the authorization code flow,
// PKCE, refresh tokens, key rotation and UserInfo. Hooks make it lie, so that a client's defences can be seen.
//
// It is no provider for real people: whoever opens its page chooses who to be.
package idp
