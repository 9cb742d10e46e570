package pages

import (
	"time"

	"github.com/oneauth-go/oneauth/core"
)

// FormTokenField is the name of the hidden form parameter with [Form.Token], as webauth.FormTokenField.
const FormTokenField = "form_token"

// A Page is one of the views of this package: [SignUp], [Pending], [Login], [SignedOut], [Forgot], [ForgotSent],
// [Reset], [Verify], [Verified], [Onward], [Account] or [Error].
type Page interface {
	template() string // name of its template
	state() Form
	fields(v *View) []Field // of its form, in their order; those of the account page are in sections
}

// Form is what every view carries. The zero value is a form that nobody has touched.
type Form struct {
	Token    string            // value of the hidden field FormTokenField; "" leaves it out
	ReturnTo string            // local path to go on to; what is not one is left out
	Values   map[string]string // what was typed so far, by parameter; passwords are never shown again
	Errors   []core.FieldError // what is wrong, by parameter; with an empty or unknown Field it concerns the whole form
	Notice   string            // name of a text "notice.<name>", such as "password_reset"; unknown ones show nothing
}

func (f Form) state() Form { return f }

func (Form) fields(*View) []Field { return nil }

// SignUp asks for what a new account needs. It posts to /signup.
type SignUp struct {
	Form
	Invite string // the invitation that was opened; else "", and only Options.InviteOnly asks for one
	Email  string // that it is for

	SignedInAs string // the person who is signed in already; else ""
}

// Pending says that a sign-up was accepted and that a message is on its way.
type Pending struct {
	Form
	Address string // that the message goes to; optional
}

// Login asks for identifier and password. It posts to /login.
type Login struct {
	Form
	Reauth string // identifier of a person who is signed in and must prove it again; else ""

	SignedInAs string // the person who is signed in already, and may go on or be somebody else; else ""
}

// Onward sends a person on to an identity provider. The form that led here cannot do that itself: the
// Content-Security-Policy of its page ends where this origin ends.
type Onward struct {
	Form
	Title string // of the provider
	URL   string
}

// SignedOut says that the session is over.
type SignedOut struct{ Form }

// Forgot asks for the identifier of an account whose password is forgotten. It posts to /password/forgot.
type Forgot struct{ Form }

// ForgotSent says that a message is on its way if there is such an account.
type ForgotSent struct {
	Form
	Identifier string // as typed; optional
}

// Reset asks for a new password. It posts to /password/reset. Without a LinkToken it says that the link is dead.
type Reset struct {
	Form
	LinkToken string // of the mailed link
	Username  string // for password managers, where it is known
}

// Verify has the button that confirms an address: opening the page uses nothing up. It posts to /verify. Without a
// LinkToken it says that the link is dead, and offers a new one.
type Verify struct {
	Form
	LinkToken string // of the mailed link
	Address   string // that it confirms; optional
}

// Verified says that an address is confirmed.
type Verified struct {
	Form
	Address  string // optional
	SignedIn bool   // there is a session: the way goes on to ReturnTo rather than to login
}

// Error shows any problem. Title and Detail may be empty: the code has texts of its own.
type Error struct {
	Form
	Code       core.Code
	Title      string        // goes before the title of Code
	Detail     string        // as core.Error.Public; shown where Code has no text of its own
	RetryAfter time.Duration // of throttled and temporarily_unavailable; 0 tells nothing
}

// A Section is one part of the account page with a form of its own.
type Section string

// The sections of the account page, which are also the fragments of its address.
const (
	Profile    Section = "profile"
	Identities Section = "identities"
	Password   Section = "password"
	Devices    Section = "devices"
	Keys       Section = "keys"
	Connected  Section = "connected"
)

// Account shows and changes what belongs to the person who is signed in. Values and Errors belong to the form of the
// section Failed; the other forms show what is stored.
type Account struct {
	Form
	Failed     Section
	Name       string
	Data       map[string]any // declared custom fields
	Identities []Identity
	AddKinds   bool // there is a form that adds an identity (POST /identities)
	Connected  []Connection
	NoPassword bool // there is none yet: the section offers a link that sets one
	Sessions   []Session
	APIKeys    []APIKey
	NewKey     string   // text of the key that was just made, shown this once
	Scopes     []string // that a key of this person may have; none hides the form that makes one
}

// Identity is one line of the account page. Its flags say which actions there are.
type Identity struct {
	Kind, Value string
	Verified    bool
	Primary     bool
	CanVerify   bool // a message can be sent again (POST /verify/request)
	CanPrimary  bool
	CanRemove   bool
}

// Connection is an account at an identity provider that is connected.
type Connection struct {
	ID        string
	Provider  string // its name
	Email     string // or whatever else tells it from others; optional
	CreatedAt time.Time
	CanRemove bool
}

// Session is one signed-in device or program.
type Session struct {
	ID         string
	Name       string // as given by the program; else it is told from UserAgent
	UserAgent  string
	IP         string
	ClientID   string // of a program
	Current    bool
	CreatedAt  time.Time
	LastSeenAt time.Time
}

// APIKey is one API key, less its secret.
type APIKey struct {
	ID, Name  string
	Scopes    []string
	CreatedAt time.Time
	ExpiresAt time.Time // zero: never
}

func (SignUp) template() string     { return "signup" }
func (Pending) template() string    { return "pending" }
func (Login) template() string      { return "login" }
func (SignedOut) template() string  { return "signed_out" }
func (Forgot) template() string     { return "forgot" }
func (ForgotSent) template() string { return "forgot_sent" }
func (Reset) template() string      { return "reset" }
func (Verify) template() string     { return "verify" }
func (Verified) template() string   { return "verified" }
func (Onward) template() string     { return "onward" }
func (Account) template() string    { return "account" }
func (Error) template() string      { return "error" }

var pageNames = []string{
	"signup", "pending", "login", "signed_out", "forgot", "forgot_sent", "reset", "verify", "verified", "onward", "account",
	"error",
}
