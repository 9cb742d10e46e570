package client

import (
	"errors"
	"fmt"
	"net/http"
	"time"
)

// What an application may want to act on. An [*Error] is one of them by its code or status.
var (
	// ErrSignedOut means that there is no usable credential: nobody signed in, or the session is over. In the second case
	// the credential has been removed from the store.
	ErrSignedOut = errors.New("client: signed out")
	// ErrFactorRequired means that the password was right and something more is needed: see [Error].Attempt.
	ErrFactorRequired = errors.New("client: another factor is required")
	// ErrInvalidCredentials means that identifier, password or code were wrong.
	ErrInvalidCredentials = errors.New("client: wrong credentials")
	// ErrInvalidClient means that the server does not know this client, or its secret is wrong.
	ErrInvalidClient = errors.New("client: the client is not accepted")
	// ErrInsufficientScope means that the credential lacks a scope: see [Error].Scope.
	ErrInsufficientScope = errors.New("client: the credential lacks a scope")
	// ErrThrottled means too many tries: see [Error].RetryAfter.
	ErrThrottled = errors.New("client: too many tries")
	// ErrUnavailable means that the server could not be reached, or gave no usable answer. Nothing is known about the
	// credential then, so it is kept.
	ErrUnavailable = errors.New("client: the server is not available")
	// ErrStore means that the credential store failed.
	ErrStore = errors.New("client: the credential store failed")
)

// Error is an answer by which a server refuses something, in the form of RFC 6749 section 5.2 or RFC 9457. Its texts come
// from the server, cleaned of control characters and of the secrets that were sent.
type Error struct {
	Status      int           // of HTTP; 0 for a refusal that came by redirect
	Code        string        // stable, lower_snake_case; "" where the answer names none
	Description string        // for people; may be empty
	Field       string        // which input is at fault
	Fields      []FieldError  // where several are
	RetryAfter  time.Duration // how long to wait; 0 where the server does not say
	Scope       string        // what is needed, with insufficient_scope
	Attempt     *Attempt      // the sign-in under way, with factor_required
}

// FieldError says what is wrong with one input.
type FieldError struct {
	Field  string `json:"field"`
	Code   string `json:"code"`
	Detail string `json:"detail"`
}

// Attempt is a sign-in that needs another factor.
type Attempt struct {
	ID        string    `json:"id"`
	Factors   []string  `json:"factors"`
	ExpiresAt time.Time `json:"expires_at"`
}

// Error says what the server said.
func (e *Error) Error() string {
	text := "client: the server refused"
	if e.Status != 0 {
		text += fmt.Sprintf(" with %d", e.Status)
	}
	if e.Code != "" {
		text += " " + e.Code
	}
	if e.Field != "" {
		text += " (" + e.Field + ")"
	}
	if e.Description != "" {
		text += ": " + e.Description
	}
	return text
}

// Is reports whether e is what one of the sentinels of this package means.
func (e *Error) Is(target error) bool {
	switch target {
	case ErrFactorRequired:
		return e.Code == "factor_required"
	case ErrInvalidCredentials:
		return e.Code == "invalid_grant" || e.Code == "invalid_credentials"
	case ErrInvalidClient:
		return e.Code == "invalid_client"
	case ErrInsufficientScope:
		return e.Code == "insufficient_scope"
	case ErrThrottled:
		return e.Status == http.StatusTooManyRequests
	case ErrUnavailable:
		return e.Status >= 500
	}
	return false
}
