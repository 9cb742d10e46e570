// Package core is what OneAuth knows about signing in, free of any transport: accounts and identities, password and
// one-time credentials, the gate through which every session is minted, sessions and their refresh tokens, API keys,
// clients, events, notices and background jobs. The HTTP edges (webauth, apiauth) decode, call core, and encode.
//
//	auth, err := core.New(ctx, store, core.Config{Secrets: keyring, BaseURL: "https://app.example"})
//	...
//	in, err := auth.SignIn(ctx, core.PasswordSignIn{Identifier: "ann@example.com", Password: "..."})
//
// # The gate
//
// However somebody proves who they are, the proof goes to [Auth.Admit]. It checks the account, checks again inside the
// transaction the credential that was used, asks the policies, and only then makes a [Session]. Nothing else does, so
// no way in can skip a factor, a disabled account or a policy.
//
// # Context
//
// A context carries the tenant ([WithTenant]) and where the request comes from ([WithOrigin]). In an application
// without tenants, none is needed; in one with tenants, a missing one is an error.
//
// # Errors
//
// What a caller can understand is an [*Error] with a stable [Code]. A store that fails is CodeUnavailable.
package core
