package core

import (
	"time"

	"github.com/oneauth-go/oneauth/core/identifier"
	"github.com/oneauth-go/oneauth/core/record"
)

// The kinds of records that core keeps. Fields are only ever added at the end.
var (
	accounts    = record.Define[Account]("account", 1)
	users       = record.Define[User]("user", 1)
	identities  = record.Define[Identity]("identity", 1)
	passwords   = record.Define[Password]("password", 1)
	sessions    = record.Define[Session]("session", 1)
	attempts    = record.Define[Attempt]("attempt", 1)
	oneTime     = record.Define[OneTimeToken]("one_time_token", 1)
	linked      = record.Define[LinkedAccount](linkedKind, 1)
	apiKeys     = record.Define[APIKey]("api_key", 1)
	clients     = record.Define[Client]("client", 1)
	guesses     = record.Define[guess]("guess", 1)
	outbox      = record.Define[outboxEntry]("outbox", 1)
	leases      = record.Define[lease]("lease", 1)
	rootSecrets = record.Define[rootSecret]("root_secret", 1)
	tenants     = record.Define[tenantEntry]("tenant", 1)
)

func kinds() []*record.Kind {
	return []*record.Kind{
		accounts.Kind(), users.Kind(), identities.Kind(), passwords.Kind(), sessions.Kind(), attempts.Kind(),
		oneTime.Kind(), linked.Kind(), apiKeys.Kind(), clients.Kind(), guesses.Kind(), outbox.Kind(), leases.Kind(),
		rootSecrets.Kind(), tenants.Kind(),
	}
}

// AccountKind says what an account is the account of.
type AccountKind string

const (
	UserAccount    AccountKind = "user"
	ServiceAccount AccountKind = "service" // a program: no profile, no password, only API keys and client credentials
)

// AccountStatus says whether an account may be used.
type AccountStatus string

const (
	Active   AccountStatus = "active"
	Disabled AccountStatus = "disabled"
)

// Account is the security side of a subject, apart from the profile. Every mint of a session writes it, and so does
// whatever must stop one (disabling, a password reset, revoking), so that of two such commits one sees the other.
type Account struct {
	ID        string        `record:"id"` // the subject: a user's or a service's id
	Kind      AccountKind   `record:"kind"`
	Status    AccountStatus `record:"status"`
	Factors   []string      `record:"required_factors"` // methods that every sign-in must have proved, beside the first
	Epoch     int64         `record:"epoch"`            // rises when what was proved before must not count any more
	MintedAt  time.Time     `record:"minted_at"`        // of the newest session
	CreatedAt time.Time     `record:"created_at"`
	Name      string        `record:"name,text"` // of a service
	Scopes    []string      `record:"scopes"`    // of a service
	Devices   []string      `record:"devices"`   // marks of those that were signed in on, the latest use last
}

// User is a person's profile. Its ID is its account's.
type User struct {
	ID        string         `record:"id"`
	Name      string         `record:"name,text"`
	Data      map[string]any `record:"data"` // declared custom fields alone (see Field)
	CreatedAt time.Time      `record:"created_at"`
	UpdatedAt time.Time      `record:"updated_at"`
}

// Identity is one name under which a person signs in. Its ID is the canonical form, so that it is unique within the
// tenant whether verified or not.
type Identity struct {
	ID         string          `record:"id"` // identifier.Identifier.Key
	UserID     string          `record:"user_id,term"`
	Kind       identifier.Kind `record:"kind"`
	Value      string          `record:"value,text"` // as shown and as mailed to
	Verified   bool            `record:"verified"`
	VerifiedAt time.Time       `record:"verified_at"`
	Primary    bool            `record:"is_primary"` // the one of its kind that notices go to
	CreatedAt  time.Time       `record:"created_at"`
	Expires    time.Time       `record:"expires"` // when the claim lapses: zero but for an address that was added and is unverified

	// Owned: whoever proved the address also proved to be the account's owner, by its session or by resetting its
	// password. A link that is only clicked proves that the address works, not that who made the account may have it.
	Owned bool `record:"owned"`
}

// Password is a user's password credential. Its ID is the user's.
type Password struct {
	ID        string    `record:"id"`
	Hash      string    `record:"hash,text"` // PHC string
	UpdatedAt time.Time `record:"updated_at"`
}

// SessionKind says which face a session shows.
type SessionKind string

const (
	BrowserSession SessionKind = "browser" // a cookie
	APISession     SessionKind = "api"     // access and refresh tokens
)

// Session is one signed-in device or program. Its ID is no secret.
type Session struct {
	ID         string      `record:"id"`
	UserID     string      `record:"user_id,term"` // the subject, a user or a service
	Kind       SessionKind `record:"kind"`
	ClientID   string      `record:"client_id"`
	DeviceName string      `record:"device_name,text"`
	IP         string      `record:"ip"`
	UserAgent  string      `record:"user_agent,text"`
	Scopes     []string    `record:"scopes"`   // the grant: refreshing never widens it
	Audience   []string    `record:"audience"` // of access tokens; empty is the issuer's default
	AMR        []string    `record:"amr"`      // RFC 8176 methods, in the order in which they were proved
	ACR        string      `record:"acr"`
	AuthTime   time.Time   `record:"auth_time"`
	Remember   bool        `record:"remember"`
	CreatedAt  time.Time   `record:"created_at"`
	LastSeenAt time.Time   `record:"last_seen_at"`
	Idle       int64       `record:"idle_seconds"` // the session ends when it is not used for so long
	EndsAt     time.Time   `record:"ends_at"`      // and then in any case
	Expires    time.Time   `record:"expires"`      // the earlier of both
	SecretHash []byte      `record:"secret_hash"`  // browser: SHA-256 of the cookie's secret
	Salt       []byte      `record:"salt"`         // api: what refresh tokens are derived with
	Generation int64       `record:"generation"`   // api: of the current refresh token, from 1
	RotatedAt  time.Time   `record:"rotated_at"`   // api: when the generation rose last
	Org        string      `record:"org"`
	Actor      string      `record:"actor"` // who acts as the subject, when it is not the subject
}

// Attempt is a sign-in that is under way: what somebody has proved so far, bound to the browser or client that began
// it. It is never itself a credential: only a complete one becomes a Session, through the gate.
type Attempt struct {
	ID       string      `record:"id"`
	UserID   string      `record:"user_id,term"`
	Kind     SessionKind `record:"kind"` // of the session it may become
	ClientID string      `record:"client_id"`
	Binding  []byte      `record:"binding"` // browser: SHA-256 of the secret in its cookie
	Proved   []string    `record:"proved"`  // methods, as in a session's AMR
	Missing  []string    `record:"missing"` // factors that the policies still require
	Epoch    int64       `record:"epoch"`   // of the account, when the attempt began
	AuthTime time.Time   `record:"auth_time"`
	Expires  time.Time   `record:"expires"`
}

// Purpose says what a one-time token is for; no other use is accepted.
type Purpose string

const (
	PurposeVerify Purpose = "verify"
	PurposeReset  Purpose = "reset"
	PurposeSignUp Purpose = "signup" // VerifyFirst: the account does not exist yet
)

// OneTimeToken is a mailed link, less its secret. Its ID is the SHA-256 of the token, in unpadded base64url.
type OneTimeToken struct {
	ID         string    `record:"id"`
	UserID     string    `record:"user_id,term"`
	Purpose    Purpose   `record:"purpose"`
	IdentityID string    `record:"identity_id"` // the address that it was sent to, and alone can prove
	Epoch      int64     `record:"epoch"`       // of the account, when it was made
	UsedAt     time.Time `record:"used_at"`
	CreatedAt  time.Time `record:"created_at"`
	Expires    time.Time `record:"expires"`
	Payload    []byte    `record:"payload"` // PurposeSignUp: the sealed sign-up
}

// APIKey is a long-lived credential for programs, less its secret.
type APIKey struct {
	ID        string    `record:"id"`
	UserID    string    `record:"user_id,term"` // the subject, a user or a service
	Name      string    `record:"name,text"`
	Scopes    []string  `record:"scopes"`
	Hash      []byte    `record:"hash"` // SHA-256 of the secret's 256 bits
	CreatedAt time.Time `record:"created_at"`
	Expires   time.Time `record:"expires"` // zero: never
}

// ClientType says whether a client can keep a secret (RFC 6749 section 2.1).
type ClientType string

const (
	Public       ClientType = "public"
	Confidential ClientType = "confidential"
)

// Client is a program that asks for tokens (RFC 6749 section 2).
type Client struct {
	ID            string     `record:"id"`
	Name          string     `record:"name,text"`
	Type          ClientType `record:"type"`
	SecretHashes  [][]byte   `record:"secret_hashes"` // SHA-256 each; several while one is being replaced
	RedirectURIs  []string   `record:"redirect_uris"`
	Grants        []string   `record:"grants"`         // grant types that it may use at the token endpoint
	Scopes        []string   `record:"scopes"`         // the most it may be granted; empty is whatever the user may have
	DefaultScopes []string   `record:"default_scopes"` // granted when it asks for none; empty is Scopes
	Audiences     []string   `record:"audiences"`      // of its access tokens; empty is the issuer's default
	CreatedAt     time.Time  `record:"created_at"`
}

// guess counts consecutive failed tries at one account's factor, or at an identifier that nobody has.
type guess struct {
	ID       string    `record:"id"`
	Failures int64     `record:"failures"`
	Expires  time.Time `record:"expires"`
}

type rootSecret struct {
	ID     string `record:"id"`
	Sealed []byte `record:"sealed"`
}

type tenantEntry struct {
	ID        string    `record:"id"`
	CreatedAt time.Time `record:"created_at"`
}
