// Package jwt signs and verifies access tokens: JSON Web Tokens (RFC 7519) in JWS compact form (RFC 7515) with the
// profile of RFC 9068, the Ed25519 algorithm of RFC 8037 and the advice of RFC 8725.
//
// A [Verifier] has one expected issuer, audience list and type, and takes its keys from a [KeySet]. The key is chosen by
// the exact "kid" alone, and the header's "alg" must be that key's algorithm: the allow-list of algorithms is the key set.
//
// # What is refused although RFC 7519 permits it
//
// [Verifier.Verify] accepts what github.com/golang-jwt/jwt/v5 accepts under its options WithValidMethods, WithIssuer,
// WithAudience, WithExpirationRequired, WithIssuedAt, WithLeeway, WithStrictDecoding and WithTimeFunc, less the tokens
// that break one of these rules; a differential fuzz test holds the two together.
//
//   - Size: a token is at most [Options].MaxBytes long, its header segment at most [MaxHeaderBytes].
//   - Text: only the base64url alphabet and two dots. CR and LF, which some decoders skip, are refused.
//   - Strings are valid UTF-8; an escaped surrogate comes with its other half.
//   - Names: no object has a member twice, at any depth. At the top level of header and payload two names may not even
//     differ only in case, nor may a name differ only in case from one that this package knows.
//   - Depth is at most [MaxDepth], and one object has at most [MaxMembers] members.
//   - Header: "kid" is required. "crit", "b64", "zip", "enc", "jwk", "jku", "x5u" and "x5c" are refused whatever their
//     value. Other unknown members are ignored, as RFC 7515 section 4 asks.
//   - Header "typ" must be the expected type, with or without "application/" before it, in any case.
//   - Registered claims have their registered JSON type: null is not a string, and "amr" is an array of strings.
//   - "aud" is one string, unless [Options].AudienceArrays allows an array.
//   - NumericDates lie between 1970 and the end of the year 9999. A fraction of a second is dropped. Zero means absent.
//   - For the type "at+jwt" the claims that RFC 9068 section 2.2 requires must be there: iss, exp, aud, sub, client_id,
//     iat and jti.
//
// [Sign] refuses to make a token that breaks any of them.
package jwt
