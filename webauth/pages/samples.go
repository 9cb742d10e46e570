package pages

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"github.com/oneauth-go/oneauth/core"
)

// A Sample is a page in one of its states, with made-up data.
type Sample struct {
	Name string // such as "login-errors"
	Page Page
}

// Samples returns every page in every state, for previews and tests.
func (s *Set) Samples() []Sample {
	empty := Form{Token: "sample-form-token", ReturnTo: "/welcome?from=mail&x=1"}
	samples := []Sample{
		{"signup", SignUp{Form: empty}},
		{"signup-errors", SignUp{Form: s.failedSignUp(empty)}},
		{"signup-invited", SignUp{Form: empty, Invite: "4pQ9vGm2sXr8TzKc7wLhB1nDyE5uFaJ3kRmW6tZqPxV", Email: "ada@example.com"}},
		{"signup-uninvited", SignUp{Form: failed(empty, nil,
			core.FieldError{Field: "invite", Code: core.CodeSignUpRefused})}},
		{"pending", Pending{Form: empty}},
		{"pending-address", Pending{empty, "ada@example.com"}},
		{"login", Login{Form: empty}},
		{"login-errors", Login{Form: failed(empty, map[string]string{"identifier": "ada@example.com", "remember": "true"},
			core.FieldError{Code: core.CodeInvalidCredentials})}},
		{"login-empty", Login{Form: failed(empty, nil,
			core.FieldError{Field: "password", Code: core.CodeInvalidRequest, Detail: "This is required."},
			core.FieldError{Field: "identifier", Code: core.CodeInvalidRequest, Detail: "This is required."})}},
		{"login-notice", Login{Form: noticed(empty, "password_reset")}},
		{"login-reauth", Login{Form: empty, Reauth: "ada@example.com"}},
		{"login-signed-in", Login{Form: empty, SignedInAs: "ada@example.com"}},
		{"signed_out", SignedOut{empty}},
		{"forgot", Forgot{empty}},
		{"forgot-errors", Forgot{failed(empty, map[string]string{"identifier": "ada@"},
			core.FieldError{Field: "identifier", Code: core.CodeInvalidEmail})}},
		{"forgot_sent", ForgotSent{Form: empty}},
		{"forgot_sent-identifier", ForgotSent{empty, "ada@example.com"}},
		{"reset", Reset{empty, "sample-token", "ada@example.com"}},
		{"reset-errors", Reset{Form: failed(empty, nil, weak), LinkToken: "sample-token"}},
		{"reset-dead", Reset{Form: empty}},
		{"verify", Verify{Form: empty, LinkToken: "sample-token"}},
		{"verify-address", Verify{empty, "sample-token", "ada@example.com"}},
		{"verify-dead", Verify{Form: empty}},
		{"verified", Verified{Form: empty}},
		{"verified-signed-in", Verified{empty, "ada@example.com", true}},
		{"onward", Onward{empty, "Example ID", "https://id.example/authorize?client_id=app"}},
		{"error", Error{Form: empty, Code: core.CodeNotFound}},
		{"error-throttled", Error{Form: empty, Code: core.CodeThrottled, RetryAfter: 90 * time.Second}},
		{"error-verification", Error{Form: empty, Code: core.CodeVerificationRequired}},
		{"error-own", Error{Form: empty, Code: core.CodeSignUpRefused, Title: "By invitation only", Detail: "Ask a friend."}},
		{"error-bare", Error{}},
	}
	return append(samples, s.accountSamples(empty)...)
}

var weak = core.FieldError{
	Field: "password", Code: core.CodeWeakPassword, Detail: "The password needs at least 15 characters.",
}

func failed(f Form, values map[string]string, errs ...core.FieldError) Form {
	f.Values, f.Errors = values, errs
	return f
}

func noticed(f Form, notice string) Form {
	f.Notice = notice
	return f
}

// failedSignUp has something wrong with every field.
func (s *Set) failedSignUp(f Form) Form {
	f.Values = map[string]string{"name": "Ada Lovelace"}
	for _, k := range s.o.Identifiers {
		f.Values[string(k)] = "ada@"
		f.Errors = append(f.Errors, core.FieldError{
			Field: string(k), Code: core.Code("invalid_" + string(k)), Detail: "It has a character that is not allowed.",
		})
	}
	f.Errors = append(f.Errors, weak)
	for _, d := range s.o.Fields {
		if !d.ReadOnly {
			f.Errors = append(f.Errors, core.FieldError{
				Field: "data." + d.Name, Code: core.CodeInvalidField, Detail: "This field is required.",
			})
		}
	}
	return f
}

func (s *Set) accountSamples(f Form) []Sample {
	at := time.Date(2026, time.November, 23, 20, 55, 0, 0, time.UTC)
	bare := Account{Form: f, Sessions: []Session{{ID: "ses_1", Current: true, CreatedAt: at, LastSeenAt: at}}}
	full := Account{
		Form: f, Name: "Ada Lovelace", AddKinds: true, Scopes: []string{"read", "write", "profile"},
		Identities: []Identity{
			{Kind: "email", Value: "ada@example.com", Verified: true, Primary: true},
			{
				Kind: "email", CanVerify: true, CanRemove: true,
				Value: "ada.lovelace@analytical-engines.example",
			},
			{Kind: "phone", Value: "+4930901820", Verified: true, CanPrimary: true, CanRemove: true},
			{Kind: "username", Value: "ada", CanRemove: true},
		},
		Connected: []Connection{
			{ID: "lnk_1", Provider: "example-id", Email: "ada@id.example", CreatedAt: at, CanRemove: true},
			{ID: "lnk_2", Provider: "gone", CreatedAt: at},
		},
		Sessions: []Session{
			{
				ID: "ses_2", IP: "2001:db8:85a3::8a2e:370:7334", CreatedAt: at.Add(-90 * time.Hour), LastSeenAt: at.Add(-2 * time.Hour),
				UserAgent: "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Safari/604.1",
			},
			{
				ID: "ses_1", IP: "203.0.113.7", Current: true, CreatedAt: at.Add(-time.Hour), LastSeenAt: at,
				UserAgent: "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
			},
			{ID: "ses_3", Name: "Backup script", ClientID: "first-party", IP: "198.51.100.23", CreatedAt: at, LastSeenAt: at},
		},
		APIKeys: []APIKey{
			{ID: "k1", Name: "Backup on my laptop", Scopes: []string{"read"}, CreatedAt: at, ExpiresAt: at.AddDate(0, 3, 0)},
			{ID: "k2", Name: "CI", Scopes: []string{"read", "write"}, CreatedAt: at},
		},
	}
	fresh, profile, password, key, without := full, full, full, full, full
	without.NoPassword = true
	fresh.NewKey, fresh.Notice = "oak_4pQ9vGm2sXr8_TzKc7wLhB1nDyE5uFaJ3kRmW6tZqPxV8gNsHcYb2d", "key_created"
	profile.Failed = Profile
	profile.Form = failed(f, map[string]string{"name": "Ada, Countess of Lovelace"}, core.FieldError{
		Field: "name", Code: core.CodeInvalidField, Detail: "A name has at most 200 bytes and no control characters.",
	})
	password.Failed = Password
	password.Form = failed(f, nil, core.FieldError{
		Field: "current", Code: core.CodeInvalidField, Detail: "The current password is wrong.",
	}, weak)
	key.Failed = Keys
	key.Form = failed(f, map[string]string{"expires_in": "", "scope.read": "on"},
		core.FieldError{Field: "name", Code: core.CodeInvalidField, Detail: "A name of 1 to 100 characters is required."},
		core.FieldError{Field: "scopes", Code: core.CodeInvalidField, Detail: "At least one scope is required."})
	return []Sample{
		{"account-bare", bare}, {"account-no-password", without}, {"account", full}, {"account-new-key", fresh}, {"account-profile-errors", profile},
		{"account-password-errors", password}, {"account-key-errors", key},
	}
}

// tryAll renders every sample in every locale and reports the first that fails or that would not work: a form without
// its hidden fields, or what the Content-Security-Policy forbids.
func (s *Set) tryAll() error {
	var buf bytes.Buffer
	for locale, name := range s.catalogue.Names() {
		for _, sample := range s.Samples() {
			buf.Reset()
			err := s.execute(&buf, locale, sample.Page)
			if err == nil {
				err = check(buf.String(), sample.Page)
			}
			if err != nil {
				return fmt.Errorf("pages: page %s in %s: %w", sample.Name, name, err)
			}
		}
	}
	return nil
}

// check looks at a rendered sample. What it finds comes from a template: values are escaped.
func check(html string, p Page) error {
	lower := strings.ToLower(html)
	for _, bad := range []string{"{{", "zgotmplz", "<script", "<style", " style=", " onclick=", " onsubmit=", " onload="} {
		if strings.Contains(lower, bad) {
			return fmt.Errorf("the template leaves %q in the page", bad)
		}
	}
	if n := strings.Count(lower, "<h1"); n != 1 {
		return fmt.Errorf("the page has %d h1 instead of one", n)
	}
	forms := strings.Count(lower, `method="post"`)
	if token := p.state().Token; token != "" && strings.Count(html, `name="`+FormTokenField+`"`) != forms {
		return fmt.Errorf("a form lacks the hidden field %s", FormTokenField)
	}
	for _, e := range p.state().Errors {
		if e.Field != "" && !strings.Contains(html, `name="`+e.Field+`"`) && e.Field != "scopes" {
			return fmt.Errorf("the form lacks the field %q", e.Field)
		}
	}
	return nil
}
