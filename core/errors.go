package core

import (
	"errors"
	"time"
)

// A Code names one kind of failure. Codes are stable, lower_snake_case and part of the wire contract: a client may
// switch on them, so a code is never renamed and never changes its [Class]. docs/errors.md lists each with its cause
// and cure.
type Code string

// A Class says whose fault a failure is, without speaking of any transport. The HTTP edge turns it into a status.
type Class uint8

const (
	Internal         Class = iota // ours: a bug or corrupt data (HTTP 500)
	Invalid                       // the request cannot be read at all (400)
	Unauthenticated               // nobody is signed in, or the credential is bad (401)
	Forbidden                     // somebody is, and may not (403)
	NotFound                      // no such thing in this tenant (404)
	Conflict                      // it clashes with what is stored (409)
	TooLarge                      // the body is over the limit (413)
	UnsupportedMedia              // the body is of a type that we do not read (415)
	Unprocessable                 // readable, but a value is not acceptable (422)
	Throttled                     // too many tries, see Error.RetryAfter (429)
	Unavailable                   // a dependency failed or we are overloaded: try again (503)
)

const (
	CodeInternal             Code = "internal"
	CodeInvalidRequest       Code = "invalid_request"
	CodeUnauthenticated      Code = "unauthenticated"
	CodeInvalidCredentials   Code = "invalid_credentials"
	CodeInvalidToken         Code = "invalid_token"
	CodeFactorRequired       Code = "factor_required"
	CodeReauthRequired       Code = "reauth_required"
	CodeVerificationRequired Code = "verification_required"
	CodeInsufficientScope    Code = "insufficient_scope"
	CodeForbidden            Code = "forbidden"
	CodeSignUpRefused        Code = "signup_refused"
	CodeCSRF                 Code = "csrf"
	CodeDevelopmentOnly      Code = "development_only"
	CodeNotFound             Code = "not_found"
	CodeMethodNotAllowed     Code = "method_not_allowed"
	CodeIdentityTaken        Code = "identity_taken"
	CodeConflict             Code = "conflict"
	CodeLimitReached         Code = "limit_reached"
	CodeTooLarge             Code = "request_too_large"
	CodeUnsupportedMedia     Code = "unsupported_media_type"
	CodeInvalidEmail         Code = "invalid_email"
	CodeInvalidPhone         Code = "invalid_phone"
	CodeInvalidUsername      Code = "invalid_username"
	CodeInvalidField         Code = "invalid_field"
	CodeIdentifierRequired   Code = "identifier_required"
	CodeWeakPassword         Code = "weak_password"
	CodeThrottled            Code = "throttled"
	CodeUnavailable          Code = "temporarily_unavailable"
	CodeTenantRequired       Code = "tenant_required"
	CodeInvalidClient        Code = "invalid_client"
	CodeInvalidGrant         Code = "invalid_grant"
	CodeInvalidScope         Code = "invalid_scope"
	CodeUnauthorizedClient   Code = "unauthorized_client"
	CodeUnsupportedGrantType Code = "unsupported_grant_type"
	CodeProviderRefused      Code = "provider_refused"
	CodeProviderFailed       Code = "provider_failed"
)

// Codes lists every code with its class and the short title that people see. Tests hold docs/errors.md against it.
var Codes = map[Code]struct {
	Class Class
	Title string
}{
	CodeInternal:             {Internal, "Something went wrong on our side"},
	CodeInvalidRequest:       {Invalid, "The request cannot be read"},
	CodeUnauthenticated:      {Unauthenticated, "Sign in first"},
	CodeInvalidCredentials:   {Unauthenticated, "Wrong identifier or password"},
	CodeInvalidToken:         {Unauthenticated, "The token is not valid"},
	CodeFactorRequired:       {Forbidden, "Another factor is required"},
	CodeReauthRequired:       {Forbidden, "Sign in again to do this"},
	CodeVerificationRequired: {Forbidden, "Verify your address first"},
	CodeInsufficientScope:    {Forbidden, "The credential lacks a scope"},
	CodeForbidden:            {Forbidden, "Not allowed"},
	CodeSignUpRefused:        {Forbidden, "Sign-up was refused"},
	CodeCSRF:                 {Forbidden, "Cross-origin request refused"},
	CodeDevelopmentOnly:      {Forbidden, "Development mode answers only this machine"},
	CodeNotFound:             {NotFound, "Not found"},
	CodeMethodNotAllowed:     {Invalid, "Method not allowed"},
	CodeIdentityTaken:        {Conflict, "That identifier is taken"},
	CodeConflict:             {Conflict, "It changed in the meantime"},
	CodeLimitReached:         {Conflict, "The limit is reached"},
	CodeTooLarge:             {TooLarge, "The request is too large"},
	CodeUnsupportedMedia:     {UnsupportedMedia, "Unsupported media type"},
	CodeInvalidEmail:         {Unprocessable, "Not a valid e-mail address"},
	CodeInvalidPhone:         {Unprocessable, "Not a valid phone number"},
	CodeInvalidUsername:      {Unprocessable, "Not a valid username"},
	CodeInvalidField:         {Unprocessable, "A field has an unacceptable value"},
	CodeIdentifierRequired:   {Unprocessable, "An e-mail address, phone number or username is required"},
	CodeWeakPassword:         {Unprocessable, "The password is too weak"},
	CodeThrottled:            {Throttled, "Too many tries"},
	CodeUnavailable:          {Unavailable, "Try again in a moment"},
	CodeTenantRequired:       {NotFound, "No such tenant"},
	CodeInvalidClient:        {Unauthenticated, "Unknown client, or client authentication failed"},
	CodeInvalidGrant:         {Invalid, "The grant is invalid, expired or revoked"},
	CodeInvalidScope:         {Invalid, "None of the requested scopes can be granted"},
	CodeUnauthorizedClient:   {Invalid, "The client may not use this grant"},
	CodeUnsupportedGrantType: {Invalid, "Unsupported grant type"},
	CodeProviderRefused:      {Forbidden, "The identity provider did not agree"},
	CodeProviderFailed:       {Unavailable, "The identity provider did not answer as it should"},
}

// Class returns the class of c; an unknown code is Internal.
func (c Code) Class() Class { return Codes[c].Class }

// Title returns the short public title of c.
func (c Code) Title() string { return Codes[c].Title }

// Error is the one error type that services return for whatever a caller can understand. Code, Field, Detail and
// Fields are public; the cause is private, for the log alone. Compare with errors.Is against a sentinel of this
// package (equal codes match) or take it apart with errors.As.
type Error struct {
	Code       Code
	Field      string        // the input at fault, where it is one
	Detail     string        // a sentence for the caller; empty means Code.Title()
	Fields     []FieldError  // the inputs at fault, where they are several
	RetryAfter time.Duration // for Throttled and Unavailable
	Attempt    *Attempt      // for CodeFactorRequired: what is proved so far
	Scope      string        // for CodeInsufficientScope: what is needed, space separated
	cause      error
}

// FieldError is one of several inputs at fault.
type FieldError struct {
	Field  string
	Code   Code
	Detail string
}

// E builds an Error. detail is public.
func E(code Code, detail string) *Error { return &Error{Code: code, Detail: detail} }

// FieldE builds an Error that blames one input. detail is public.
func FieldE(code Code, field, detail string) *Error {
	return &Error{Code: code, Field: field, Detail: detail}
}

// Wrap returns a copy of e that carries a private cause: errors.Is and errors.As see it, a client never does.
func (e *Error) Wrap(cause error) *Error {
	c := *e
	c.cause = cause
	return &c
}

// Public returns what a client may read: Detail, or else the title of the code.
func (e *Error) Public() string {
	if e.Detail != "" {
		return e.Detail
	}
	return e.Code.Title()
}

// Error is for logs: it contains the private cause.
func (e *Error) Error() string {
	s := string(e.Code)
	if e.Field != "" {
		s += " (" + e.Field + ")"
	}
	s += ": " + e.Public()
	if e.cause != nil {
		s += ": " + e.cause.Error()
	}
	return s
}

// Unwrap returns the private cause.
func (e *Error) Unwrap() error { return e.cause }

// Is reports whether target is an *Error with the same code.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}

// Sentinels for errors.Is. Never mutate them: build a new one with E, FieldE or Wrap.
var (
	ErrUnauthenticated      = E(CodeUnauthenticated, "")
	ErrInvalidCredentials   = E(CodeInvalidCredentials, "")
	ErrInvalidToken         = E(CodeInvalidToken, "")
	ErrFactorRequired       = E(CodeFactorRequired, "")
	ErrReauthRequired       = E(CodeReauthRequired, "")
	ErrVerificationRequired = E(CodeVerificationRequired, "")
	ErrInsufficientScope    = E(CodeInsufficientScope, "")
	ErrForbidden            = E(CodeForbidden, "")
	ErrSignUpRefused        = E(CodeSignUpRefused, "")
	ErrNotFound             = E(CodeNotFound, "")
	ErrIdentityTaken        = E(CodeIdentityTaken, "")
	ErrConflict             = E(CodeConflict, "")
	ErrLimitReached         = E(CodeLimitReached, "")
	ErrWeakPassword         = E(CodeWeakPassword, "")
	ErrThrottled            = E(CodeThrottled, "")
	ErrUnavailable          = E(CodeUnavailable, "")
	ErrTenantRequired       = E(CodeTenantRequired, "")
	ErrInvalidClient        = E(CodeInvalidClient, "")
	ErrInvalidGrant         = E(CodeInvalidGrant, "")
	ErrInvalidScope         = E(CodeInvalidScope, "")
)

// AsError returns err as an *Error. What is not one becomes CodeInternal with err as its private cause, so that an
// unforeseen failure is never "not found" or "allowed".
func AsError(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return E(CodeInternal, "").Wrap(err)
}
