// Package apiauth is OneAuth for programs: access tokens (JWT, RFC 9068), refresh tokens, API keys, and the endpoints and
// the middleware for them. [Service.Authenticate] judges a credential without any transport; [APIMiddleware] puts it
// before net/http handlers.
//
// # Keys
//
// Access tokens are signed with keys that live in the store, sealed under the master secrets, all in one record, so that
// several nodes that start at once agree on one set. A new key is published ten minutes before it signs, and an old one
// verifies until the last token that it may have signed has expired. Nodes read the set again every minute, and when they
// meet a token of an unknown key.
//
// # Revocation
//
// Ending a session revokes its access tokens: the commit that deletes the session also writes a revocation, which lives
// until the last such token has expired. On the node that did it, it counts at once. Other nodes poll every
// Options.FeedEvery, so it counts there after one interval and the time that a poll takes. When a node's feed is older
// than three intervals, because its jobs do not run or the store is down, it asks the store at each request instead, and
// refuses when the store does not answer: three intervals (6 s by default) are the bound on every node. With
// Options.Strict that is so at every request, and the bound is zero.
//
// Polls read the last two minutes again and half a minute ahead. So clocks may differ by 30 seconds, and a commit may
// become visible a minute after it was begun (core gives up after ten seconds), before a poll could miss it; and every
// thirtieth poll reads everything that is live.
//
// # Caches
//
// Verified tokens are cached: Options.TokenCache entries, and at most 2 KiB of memory for each on average. A hit needs
// the same token, byte for byte, the same tenant, an unexpired exp, and a key that is still in the set; the revocations
// are asked every time. API keys are cached for Options.KeyCacheFor: revoking one counts at once on this node, and
// after that time on others.
package apiauth
