package oauth

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"golang.org/x/oauth2"

	"github.com/oneauth-go/oneauth/core"
)

// exchange gives the code back to the provider (RFC 6749 section 4.1.3) and returns what it answers: for OpenID Connect
// with the verified ID token. A code is good once, so nothing is tried twice.
func (p *provider) exchange(ctx context.Context, callback, code string, f *flow) (*Answer, *idToken, error) {
	config, err := p.config(ctx, callback)
	if err != nil {
		return nil, nil, err
	}
	if p.SecretOf != nil {
		if config.ClientSecret, err = p.SecretOf(ctx, p.now()); err != nil {
			return nil, nil, fmt.Errorf("oauth: secret for %s: %w", p.Name, err)
		}
	}
	ctx = context.WithValue(ctx, oauth2.HTTPClient, p.client)
	var options []oauth2.AuthCodeOption
	if !p.NoPKCE {
		options = append(options, oauth2.VerifierOption(f.Verifier))
	}
	token, err := config.Exchange(ctx, code, options...)
	if err != nil {
		return nil, nil, fmt.Errorf("oauth: exchange with %s: %w", p.Name, err)
	}
	p.date(token)
	a := &Answer{Token: token}
	a.get = func(ctx context.Context, url string, into any) error { return getJSON(ctx, p.client, token, url, into) }
	if p.Issuer == "" {
		if p.UserInfoURL == "" {
			return a, nil, nil
		}
		return a, nil, a.Get(ctx, p.UserInfoURL, &a.Claims)
	}
	raw, _ := token.Extra("id_token").(string)
	if raw == "" {
		return nil, nil, fmt.Errorf("oauth: %s sent no ID token", p.Name)
	}
	id, err := p.verify(ctx, raw, f.Nonce, []string{p.ClientID})
	if err != nil {
		return nil, nil, err
	}
	a.Claims, err = p.completed(ctx, a, id)
	return a, id, err
}

// date reckons a token's end by our clock.
func (p *provider) date(token *oauth2.Token) {
	if token.ExpiresIn > 0 {
		token.Expiry = p.now().Add(time.Duration(token.ExpiresIn) * time.Second)
	}
}

// completed returns the claims of an ID token, with what it leaves to the UserInfo endpoint (OpenID Connect Core section
// 5.4). That must speak of the same subject, and overwrites nothing.
func (p *provider) completed(ctx context.Context, a *Answer, id *idToken) (json.RawMessage, error) {
	var signed map[string]json.RawMessage
	if err := json.Unmarshal(id.Claims, &signed); err != nil {
		return nil, err
	}
	d, err := p.discover(ctx)
	if err != nil || d.userInfo == "" || signed["email"] != nil && signed["name"] != nil {
		return id.Claims, err
	}
	var more map[string]json.RawMessage
	if err := a.Get(ctx, d.userInfo, &more); err != nil {
		return nil, err
	}
	var subject string
	if err := json.Unmarshal(more["sub"], &subject); err != nil || subject != id.Subject {
		return nil, fmt.Errorf("oauth: the UserInfo endpoint of %s speaks of somebody else", p.Name)
	}
	if signed["email"] != nil { // whether it is verified is said where the address is
		delete(more, "email_verified")
	}
	for name, value := range more {
		if signed[name] == nil {
			signed[name] = value
		}
	}
	return json.Marshal(signed)
}

// assertion reads who somebody is out of an answer.
func (p *provider) assertion(ctx context.Context, a *Answer, id *idToken) (*core.Assertion, error) {
	read := p.Profile
	if read == nil {
		read = StandardProfile
	}
	profile, err := read(ctx, a)
	if err != nil {
		return nil, core.E(core.CodeProviderFailed, "").Wrap(fmt.Errorf("oauth: profile of %s: %w", p.Name, err))
	}
	as := &core.Assertion{
		Provider: p.Name, Issuer: p.Namespace, Subject: profile.Subject, Email: profile.Email,
		EmailVerified: profile.Email != "" && profile.EmailVerified, Name: profile.Name, Picture: profile.Picture,
		Locale: profile.Locale,
	}
	if id != nil {
		as.Issuer, as.Subject = cmp.Or(p.Namespace, id.Issuer), cmp.Or(profile.Subject, id.Subject)
	}
	if as.Subject == "" {
		return nil, core.E(core.CodeProviderFailed, "").Wrap(errors.New("oauth: " + p.Name + " named nobody"))
	}
	if p.KeepClaims {
		as.Claims = a.Claims
	}
	if p.KeepTokens && a.Token != nil {
		if as.Tokens, err = json.Marshal(a.Token); err != nil {
			return nil, core.E(core.CodeInternal, "").Wrap(err)
		}
	}
	return as, nil
}
