package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"

	"golang.org/x/oauth2"

	"github.com/oneauth-go/oneauth"
	"github.com/oneauth-go/oneauth/core"
)

// whoami calls the provider's API as a user: the client refreshes the kept token when it is due.
func whoami(ctx context.Context, auth *oneauth.Auth, userID string) (string, error) {
	tokens, err := auth.ProviderTokens(ctx, userID, "example")
	if err != nil {
		return "", err
	}
	linked, err := auth.Core().LinkedAccounts(ctx, userID)
	if err != nil {
		return "", err
	}
	i := slices.IndexFunc(linked, func(l *core.LinkedAccount) bool { return l.Provider == "example" })
	if i < 0 {
		return "", core.ErrNotFound
	}
	resp, err := oauth2.NewClient(ctx, tokens).Get(linked[i].Issuer + "/userinfo")
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("the provider answers %s", resp.Status)
	}
	var who struct {
		Name string `json:"name"`
	}
	err = json.NewDecoder(io.LimitReader(resp.Body, 1<<16)).Decode(&who)
	return who.Name, err
}
