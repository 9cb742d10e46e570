// Package oauth signs people in through identity providers: OpenID Connect and plain OAuth 2.0.
//
// A Provider is a declaration: Google, GitHub and others are functions that fill one in, and OIDC and OAuth2 make one for
// whoever is not on the list. There are three ways to finish a sign-in, over one flow and one gate:
//
//   - A browser gets the session cookie, and goes on to return_to.
//   - An app or a single-page application (API mode) starts with its own PKCE challenge, and gets a one-time code at its
//     registered redirect URI, which the token endpoint exchanges. No token ever travels in a URL.
//   - A native app posts an ID token that a platform's own sign-in gave it.
//
// Every authorization request has PKCE (S256; Provider.NoPKCE is the one exception), a state that is bound to the browser
// and good once, and, for OpenID Connect, a nonce. People are known by issuer and subject, never by address;
// core.LinkRules says when an address that the provider has verified connects an account.
package oauth
