package oauth

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
)

// StandardProfile reads the standard claims (OpenID Connect Core section 5.1).
func StandardProfile(_ context.Context, a *Answer) (Profile, error) {
	var c struct {
		Subject    string `json:"sub"`
		Email      string `json:"email"`
		Verified   Truth  `json:"email_verified"`
		Name       string `json:"name"`
		GivenName  string `json:"given_name"`
		FamilyName string `json:"family_name"`
		Picture    string `json:"picture"`
		Locale     string `json:"locale"`
	}
	if err := json.Unmarshal(a.Claims, &c); err != nil {
		return Profile{}, err
	}
	if c.Name == "" {
		c.Name = strings.TrimSpace(c.GivenName + " " + c.FamilyName)
	}
	return Profile{
		Subject: c.Subject, Email: c.Email, EmailVerified: bool(c.Verified), Name: c.Name, Picture: c.Picture, Locale: c.Locale,
	}, nil
}

// Truth is a boolean of which only true and "true" are true: some providers send text. Whatever else it is, is false.
type Truth bool

// UnmarshalJSON never fails.
func (t *Truth) UnmarshalJSON(b []byte) error {
	*t = Truth(string(b) == "true" || string(b) == `"true"`)
	return nil
}

// digits is a number that a provider writes as text, since it is too large for some. Anything else is an error.
type digits string

// UnmarshalJSON refuses what is no text, no number or zero.
func (d *digits) UnmarshalJSON(b []byte) error {
	var text string
	if err := json.Unmarshal(b, &text); err != nil {
		return err
	}
	if strings.Trim(text, "0123456789") != "" || strings.Trim(text, "0") == "" {
		return fmt.Errorf("%q is no id", text)
	}
	*d = digits(text)
	return nil
}
