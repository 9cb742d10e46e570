package core

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ParseScope splits a space-separated scope parameter (RFC 6749 section 3.3), without repetitions. What is not a scope
// token is dropped: nobody can be granted it.
func ParseScope(s string) []string {
	var out []string
	for f := range strings.FieldsSeq(s) {
		if validScope(f) && !slices.Contains(out, f) {
			out = append(out, f)
		}
	}
	return out
}

// validScope reports whether s is a scope-token of RFC 6749 section 3.3, of at most 100 bytes.
func validScope(s string) bool {
	if s == "" || len(s) > 100 {
		return false
	}
	for i := range len(s) {
		if c := s[i]; c < 0x21 || c > 0x7e || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

func validScopes(field string, scopes []string) error {
	for _, s := range scopes {
		if !validScope(s) {
			return fmt.Errorf("core: %s: %q is not a scope", field, s)
		}
	}
	return nil
}

// scopesOf returns what a subject may be granted at present. u may be nil: it is then read if it is needed.
func (a *Auth) scopesOf(ctx context.Context, subject string, u *User) ([]string, error) {
	if a.cfg.ScopesOf == nil && !isService(subject) {
		return a.cfg.Scopes, nil
	}
	if u == nil {
		var acct *Account
		err := a.View(ctx, func(tx *Tx) (err error) {
			var ok bool
			if acct, ok, err = found(tx.Accounts().Get(subject)); err != nil || !ok || acct.Kind == ServiceAccount {
				return err
			}
			u, _, err = found(tx.Users().Get(subject))
			return err
		})
		switch {
		case err != nil:
			return nil, err
		case acct != nil && acct.Kind == ServiceAccount:
			return acct.Scopes, nil
		case u == nil:
			return nil, nil
		}
	}
	if a.cfg.ScopesOf == nil {
		return a.cfg.Scopes, nil
	}
	scopes, err := a.cfg.ScopesOf(ctx, u)
	if err != nil {
		return nil, ErrUnavailable.Wrap(errors.Join(errors.New("ScopesOf failed"), err))
	}
	return scopes, nil
}

func isService(subject string) bool { return strings.HasPrefix(subject, servicePrefix+"_") }

// grantScopes decides what a new session is granted: what was asked for (or the client's default), as far as the client
// may ask and the subject may have it. Asking only for what cannot be had is ErrInvalidScope.
func grantScopes(asked []string, c *Client, allowed []string) ([]string, error) {
	most := slices.Clone(allowed)
	if c != nil && len(c.Scopes) > 0 {
		most = both(c.Scopes, allowed)
	}
	if len(asked) == 0 {
		if c != nil && len(c.DefaultScopes) > 0 {
			return both(c.DefaultScopes, most), nil
		}
		return most, nil
	}
	granted := both(asked, most)
	if len(granted) == 0 {
		return nil, ErrInvalidScope
	}
	return granted, nil
}

// both returns the members of x that are in y, in the order of x.
func both(x, y []string) []string {
	var out []string
	for _, s := range x {
		if slices.Contains(y, s) && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}
