package oauth

import (
	"context"
	"encoding/json"
	"errors"

	"golang.org/x/oauth2"
)

// Notion declares Notion, for a public connection, which needs the capability to read user information with addresses.
// Who authorized it is told with the access token.
//
// Addresses are not trusted: Notion does not say whether it verified them, and workspaces bring their members in through
// providers of their own.
func Notion(clientID, clientSecret string) Provider {
	p := OAuth2("notion", "https://api.notion.com/v1/oauth/authorize", "https://api.notion.com/v1/oauth/token", "",
		clientID, clientSecret, notionProfile)
	p.AuthStyle = oauth2.AuthStyleInHeader
	p.Params = map[string]string{"owner": "user"}
	return p
}

func notionProfile(_ context.Context, a *Answer) (Profile, error) {
	var owner struct {
		Type string `json:"type"`
		User struct {
			ID     string `json:"id"`
			Name   string `json:"name"`
			Avatar string `json:"avatar_url"`
			Person struct {
				Email string `json:"email"`
			} `json:"person"`
		} `json:"user"`
	}
	told, err := json.Marshal(a.Token.Extra("owner"))
	if err != nil {
		return Profile{}, err
	}
	if err := json.Unmarshal(told, &owner); err != nil {
		return Profile{}, err
	}
	u := owner.User
	if owner.Type != "user" {
		return Profile{}, errors.New("the owner of the connection is no user")
	}
	return Profile{Subject: u.ID, Email: u.Person.Email, Name: u.Name, Picture: u.Avatar}, nil
}
