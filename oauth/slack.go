package oauth

import (
	"context"
	"encoding/json"
	"errors"

	"golang.org/x/oauth2"
)

// Slack declares Sign in with Slack. A person in two workspaces is two: Slack's user ids are unique within a workspace, so
// the subject is the workspace's id, a slash and the user's.
//
// Addresses are not trusted, though Slack says whether each is verified: the administrators of a workspace, which anybody
// may have, manage its members' accounts.
func Slack(clientID, clientSecret string) Provider {
	p := OIDC("slack", "https://slack.com", clientID, clientSecret)
	p.AuthStyle = oauth2.AuthStyleInParams
	p.Profile = slackProfile
	return p
}

func slackProfile(ctx context.Context, a *Answer) (Profile, error) {
	who, err := StandardProfile(ctx, a)
	if err != nil {
		return Profile{}, err
	}
	var c struct {
		TeamID string `json:"https://slack.com/team_id"`
	}
	if err := json.Unmarshal(a.Claims, &c); err != nil {
		return Profile{}, err
	}
	if c.TeamID == "" {
		return Profile{}, errors.New("the workspace is missing")
	}
	who.Subject = c.TeamID + "/" + who.Subject
	return who, nil
}
