package oauth_test

import (
	"encoding/json"
	"testing"

	"github.com/oneauth-go/oneauth/oauth"
)

const (
	discordMe    = "GET https://discord.com/api/v10/users/@me"
	facebookMe   = "GET https://graph.facebook.com/v25.0/me?fields=id,name,email,picture"
	gitHubMe     = "GET https://api.github.com/user"
	gitHubMails  = "GET https://api.github.com/user/emails?per_page=100"
	bitbucketMe  = "GET https://api.bitbucket.org/2.0/user"
	bitbucketAll = "GET https://api.bitbucket.org/2.0/user/emails?pagelen=100"
	linkedInMe   = "GET https://api.linkedin.com/v2/userinfo"
	spotifyMe    = "GET https://api.spotify.com/v1/me"
	zoomMe       = "GET https://api.zoom.us/v2/users/me"
	xMe          = "GET https://api.x.com/2/users/me?user.fields=profile_image_url"
	gitLabMe     = "GET https://gitlab.com/oauth/userinfo"
	notionToken  = "POST https://api.notion.com/v1/oauth/token"
)

// set puts a value into the answer to a request, at a path of members; nil takes it out.
func set(request string, value any, path ...string) func(*answers) {
	return func(a *answers) { put(a.object(request), value, path) }
}

// claim does so in the ID token.
func claim(name string, value any) func(*answers) {
	return func(a *answers) { put(a.IDToken, value, []string{name}) }
}

func put(object map[string]any, value any, path []string) {
	for ; len(path) > 1; path = path[1:] {
		object = object[path[0]].(map[string]any)
	}
	if object[path[0]] = value; value == nil {
		delete(object, path[0])
	}
}

// An answer that does not say who somebody is, in the way that the provider says it, signs nobody in.
func TestCatalogueNobody(t *testing.T) {
	for _, c := range []struct {
		provider, what string
		change         func(*answers)
	}{
		{"github", "no id", set(gitHubMe, nil, "id")},
		{"github", "id 0", set(gitHubMe, 0, "id")},
		{"github", "negative id", set(gitHubMe, -1, "id")},
		{"github", "id as text", set(gitHubMe, "583231", "id")},
		{"github", "id not whole", set(gitHubMe, 1.5, "id")},
		{"github", "an error instead of a token", func(a *answers) {
			a.Answers["POST https://github.com/login/oauth/access_token"] = "error=bad_verification_code&error_description=expired"
		}},
		{"github", "no list of addresses", func(a *answers) {
			a.Answers[gitHubMails] = map[string]any{"message": "Not Found"}
		}},
		{"discord", "no id", set(discordMe, nil, "id")},
		{"discord", "empty id", set(discordMe, "", "id")},
		{"discord", "id 0", set(discordMe, "0", "id")},
		{"discord", "id of letters", set(discordMe, "ada", "id")},
		{"discord", "id as a number", set(discordMe, 80351110224678912, "id")},
		{"facebook", "no id", set(facebookMe, nil, "id")},
		{"facebook", "id 0", set(facebookMe, "0", "id")},
		{"facebook", "signed id", set(facebookMe, "-1", "id")},
		{"x", "no id", set(xMe, nil, "data", "id")},
		{"x", "no data", set(xMe, nil, "data")},
		{"x", "id of letters", set(xMe, "2244994945a", "data", "id")},
		{"spotify", "no id", set(spotifyMe, nil, "id")},
		{"zoom", "no id", set(zoomMe, nil, "id")},
		{"bitbucket", "no uuid", set(bitbucketMe, nil, "uuid")},
		{"linkedin", "no subject", set(linkedInMe, nil, "sub")},
		{"gitlab", "another subject at UserInfo", set(gitLabMe, "1", "sub")},
		{"notion", "no owner", set(notionToken, nil, "owner")},
		{"notion", "a workspace", set(notionToken, "workspace", "owner", "type")},
		{"notion", "no id", set(notionToken, nil, "owner", "user", "id")},
		{"slack", "no workspace", claim("https://slack.com/team_id", nil)},
		{"slack", "no subject", claim("sub", nil)},
		{"google", "no subject", claim("sub", "")},
		{"google", "another issuer", claim("iss", "https://accounts.google.example")},
		{"google", "another audience", claim("aud", "their-app")},
		{"google", "another nonce", claim("nonce", "of-another-sign-in")},
		{"apple", "another audience", claim("aud", "their-app")},
		{"twitch", "another nonce", claim("nonce", "of-another-sign-in")},
		{"cognito", "another pool", claim("iss", "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_Other")},
		{"keycloak", "another realm", claim("iss", "https://sso.example.com/realms/guests")},
		{"auth0", "no slash", claim("iss", "https://example.eu.auth0.com")},
	} {
		t.Run(c.provider+" "+c.what, func(t *testing.T) {
			a := recorded(t, c.provider)
			c.change(a)
			w, s := enter(t, declared(t, c.provider), a)
			b := s.browser()
			s.refused(t, b, w.signIn(b, c.provider), 503)
		})
	}
}

// An address that the provider has not verified, or does not speak for, is nobody's proof: it counts as unverified, and
// connects no account even where the rules trust the provider (A1, A2).
func TestA2CatalogueUnverified(t *testing.T) {
	unverified := []any{map[string]any{"email": "ada@example.com", "primary": true, "verified": false}}
	for _, c := range []struct {
		provider, what string
		change         func(*answers)
	}{
		{"google", "false", claim("email_verified", false)},
		{"google", `"false"`, claim("email_verified", "false")},
		{"google", "not said", claim("email_verified", nil)},
		{"google", "of a domain that Google does not run", claim("email", "ada@example.com")},
		{"google", "like Gmail", claim("email", "ada@gmail.com.example.com")},
		{"google", "like Gmail, before the @", claim("email", "ada@notgmail.com")},
		{"apple", "false", claim("email_verified", false)},
		{"apple", `"false"`, claim("email_verified", "false")},
		{"apple", "1", claim("email_verified", 1)},
		{"github", "false", func(a *answers) { a.Answers[gitHubMails] = unverified }},
		{"gitlab", "false", set(gitLabMe, false, "email_verified")},
		{"gitlab", "not said", set(gitLabMe, nil, "email_verified")},
		{"linkedin", "false", set(linkedInMe, false, "email_verified")},
		{"linkedin", `"false"`, set(linkedInMe, "false", "email_verified")},
		{"discord", "false", set(discordMe, false, "verified")},
		{"discord", "not said", set(discordMe, nil, "verified")},
		{"twitch", "false", claim("email_verified", false)},
		{"bitbucket", "not confirmed", func(a *answers) {
			primary := map[string]any{"email": "ada@example.com", "is_primary": true, "is_confirmed": false}
			a.object(bitbucketAll)["values"] = []any{primary}
		}},
		{"slack", "false", claim("email_verified", false)},
		{"zoom", "0", set(zoomMe, 0, "verified")},
		{"zoom", "2", set(zoomMe, 2, "verified")},
		{"spotify", "never", func(*answers) {}},
		{"facebook", "never", func(*answers) {}},
		{"notion", "never", func(*answers) {}},
		{"authentik", "false", func(*answers) {}},
		{"okta", `"false"`, set("GET https://dev-1.okta.com/oauth2/v1/userinfo", "false", "email_verified")},
		{"cognito", "false in the ID token, true at UserInfo", claim("email_verified", false)},
		{"microsoft", "no xms_edov", func(*answers) {}},
		{"microsoft", "xms_edov 0", claim("xms_edov", "0")},
		{"microsoft", "xms_edov false", claim("xms_edov", false)},
		{"microsoft", "email_verified, of which Entra ID knows nothing", claim("email_verified", true)},
	} {
		t.Run(c.provider+" "+c.what, func(t *testing.T) {
			a, p := recorded(t, c.provider), declared(t, c.provider)
			c.change(a)
			p.Rules.TrustEmail = true
			w, s := enter(t, p, a)
			first := s.browser()
			w.signIn(first, c.provider).want(303)
			l := first.onlyLink()
			if l.Verified || l.Email == "" {
				t.Errorf("linked is %+v", l)
			}

			w, s = enter(t, p, a)
			s.browser().member(l.Email)
			b := s.browser()
			if answer := w.signIn(b, c.provider); b.whoami() != "" {
				t.Errorf("a stranger is in: %d %s", answer.status, answer.text)
			}
		})
	}
}

// What Google and Microsoft speak for counts as verified.
func TestCatalogueVerified(t *testing.T) {
	inTenant := func(tenant string) func(*answers) {
		return func(a *answers) {
			a.IDToken["iss"], a.IDToken["tid"] = "https://login.microsoftonline.com/"+tenant+"/v2.0", tenant
		}
	}
	for _, c := range []struct {
		provider, what string
		change         func(*answers)
	}{
		{"google", "Gmail", claim("email", "Ada@GMail.com")},
		{"google", "Workspace", func(a *answers) { a.IDToken["email"], a.IDToken["hd"] = "ada@example.com", "example.com" }},
		{"microsoft", "xms_edov", claim("xms_edov", true)},
		{"microsoft", "xms_edov as text", claim("xms_edov", "true")},
		{"microsoft", `xms_edov "1"`, claim("xms_edov", "1")},
		{"microsoft", "xms_edov 1", claim("xms_edov", 1)},
		{"microsoft", "a personal account", inTenant("9188040d-6c67-4c5b-b112-36a304b66dad")},
	} {
		t.Run(c.provider+" "+c.what, func(t *testing.T) {
			a := recorded(t, c.provider)
			c.change(a)
			w, s := enter(t, declared(t, c.provider), a)
			b := s.browser()
			w.signIn(b, c.provider).want(303)
			if !b.onlyLink().Verified {
				t.Errorf("linked is %+v", b.onlyLink())
			}
		})
	}
}

// A Microsoft token is from the tenant that it names, and from one that was asked for (A3).
func TestA3MicrosoftTenants(t *testing.T) {
	const (
		ours, theirs = "9122040d-6c67-4c5b-b112-36a304b66dad", "0122040d-6c67-4c5b-b112-36a304b66dad"
		consumers    = "9188040d-6c67-4c5b-b112-36a304b66dad"
		root         = "https://login.microsoftonline.com/"
	)
	for _, c := range []struct {
		tenant, discovered, issuer string
		tid                        any
		good                       bool
	}{
		{"common", "{tenantid}", ours, ours, true},
		{"common", "{tenantid}", consumers, consumers, true},
		{"common", "{tenantid}", theirs, ours, false},
		{"common", "{tenantid}", "{tenantid}", "{tenantid}", false},
		{"common", "{tenantid}", "common", "common", false},
		{"common", "{tenantid}", ours, nil, false},
		{"common", "{tenantid}", ours, 1, false},
		{"common", "{tenantid}", ours + "/v2.0/" + ours, ours, false},
		{"organizations", "{tenantid}", ours, ours, true},
		{"organizations", "{tenantid}", consumers, consumers, false},
		{"consumers", consumers, consumers, consumers, true},
		{"consumers", consumers, ours, ours, false},
		{ours, ours, ours, ours, true},
		{ours, ours, theirs, theirs, false},
		{ours, ours, ours, theirs, false},
		{"example.onmicrosoft.com", ours, ours, ours, true},
		{"example.onmicrosoft.com", ours, theirs, theirs, false},
	} {
		p := oauth.Microsoft(c.tenant, "our-app", "our-secret")
		claims, err := json.Marshal(map[string]any{"tid": c.tid})
		if err != nil {
			t.Fatal(err)
		}
		if got := p.ValidIssuer(root+c.issuer+"/v2.0", root+c.discovered+"/v2.0", claims); got != c.good {
			t.Errorf("%s: issuer %s with tid %v: %v", c.tenant, c.issuer, c.tid, got)
		}
	}
	a := recorded(t, "microsoft")
	a.IDToken["tid"] = theirs
	w, s := enter(t, declared(t, "microsoft"), a)
	b := s.browser()
	s.refused(t, b, w.signIn(b, "microsoft"), 503)
}

// Two workspaces of Slack may each have a user of one id. They are two people.
func TestA3SlackWorkspaces(t *testing.T) {
	a := recorded(t, "slack")
	w, s := enter(t, declared(t, "slack"), a)
	b, other := s.browser(), s.browser()
	w.signIn(b, "slack").want(303)
	a.IDToken["https://slack.com/team_id"] = "T9OTHER"
	a.IDToken["email"] = "somebody@example.com"
	w.signIn(other, "slack").want(303)
	if b.whoami() == other.whoami() {
		t.Error("one account for two people")
	}
}
