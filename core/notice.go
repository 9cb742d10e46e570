package core

import (
	"context"
	"time"
)

// A Channel is a way to reach a person.
type Channel string

const (
	Email Channel = "email"
	SMS   Channel = "sms"
)

// A Notice is one message to a person before anybody has decided how it looks: which template, to whom, with what in
// it. Notices are put into the outbox inside the transaction that causes them, sealed since links are secrets, and
// delivered after it at least once.
type Notice struct {
	ID       string            `json:"id"` // unique; a courier may use it to drop a repeated delivery
	Channel  Channel           `json:"channel"`
	To       string            `json:"to"` // the stored address, never the one that a request typed
	Template string            `json:"template"`
	Locale   string            `json:"locale,omitempty"` // BCP 47, or empty for the application's default
	Name     string            `json:"name,omitempty"`   // of the person, if known and To is verified
	Link     string            `json:"link,omitempty"`   // absolute URL, for the templates that have one
	Expires  time.Time         `json:"expires,omitzero"` // when Link stops working
	Data     map[string]string `json:"data,omitempty"`   // what else the template shows
	At       time.Time         `json:"at"`               // when it happened
}

// The templates that OneAuth itself sends.
const (
	NoticeVerify           = "verify"             // Link proves the address
	NoticeReset            = "reset"              // Link sets a new password
	NoticeInvite           = "invitation"         // Link makes an account for the address
	NoticePasswordChanged  = "password_changed"   // somebody changed or reset the password; Link, if any, to Config.ForgotPage
	NoticeSignUpTaken      = "signup_taken"       // somebody tried to sign up with an address that has an account (VerifyFirst)
	NoticeSignUpOtherTaken = "signup_other_taken" // the address is free, but not what was asked for beside it (VerifyFirst); Data: taken; Link to the application
	NoticeNewSignIn        = "new_sign_in"        // a session began on a device not seen before; Data: device, ip
	NoticeIdentityChanged  = "identity_changed"   // an identity was added, removed or made primary; Data: change (added, removed, primary), value; Link as above
)

// A Courier brings a notice to its person: core/mail has the one that renders templates and sends them. An error means
// that the notice was not delivered, and it is tried again later. Deliver must be safe for concurrent use.
type Courier interface {
	Deliver(ctx context.Context, n Notice) error
}
