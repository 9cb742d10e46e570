package pages

import (
	"net/url"
	"slices"
	"strings"

	"github.com/oneauth-go/oneauth/core/identifier"
)

func (p Account) fields(v *View) []Field {
	name := v.nameField()
	name.Value = p.Name
	all := append([]Field{v.field(Profile, name)}, v.customFields(Profile, p.Data)...)
	all = append(all, v.field(Password, Field{
		Name: "current", Label: v.text("label.current"), Type: "password", Autocomplete: "current-password", Required: true,
	}), v.newPassword(Password, "label.new_password"))
	if p.AddKinds {
		f := v.identifierField(Identities)
		f.Autocomplete = "off"
		all = append(all, f)
	}
	if len(p.Scopes) > 0 {
		all = append(all, p.keyFields(v)...)
	}
	return all
}

const day = 24 * 60 * 60 // seconds

func (Account) keyFields(v *View) []Field {
	return []Field{
		v.field(Keys, Field{
			Name: "name", Label: v.text("keys.name"), Hint: v.text("keys.name_hint"), Required: true, MaxLength: 100,
			Autocomplete: "off",
		}),
		v.field(Keys, Field{
			Name: "expires_in", Label: v.text("keys.expires_in"), Type: "select",
			Options: []Option{
				{seconds(30 * day), v.text("keys.days_30"), false}, {seconds(90 * day), v.text("keys.days_90"), true},
				{seconds(365 * day), v.text("keys.days_365"), false}, {"", v.text("keys.forever"), false},
			},
		}),
	}
}

// ScopeChoice is the group of checkboxes of a new key's scopes.
type ScopeChoice struct {
	ID, Label, Error string
	Boxes            []Field
}

// ScopeChoice returns the scopes that a new key may get. What was ticked before stays ticked.
func (v *View) ScopeChoice() ScopeChoice {
	p, _ := v.Page.(Account)
	c := ScopeChoice{ID: string(Keys) + "-scopes", Label: v.text("keys.scopes")}
	for _, scope := range p.Scopes {
		box := v.field(Keys, Field{Name: "scope." + scope, Label: scope, Type: "checkbox"})
		box.ID, box.Value = c.ID+"-"+url.PathEscape(scope), "on"
		c.Boxes = append(c.Boxes, box)
	}
	if v.live(Keys) {
		for _, e := range v.Errors {
			if e.Field == "scopes" {
				c.Error = v.errorText(e)
				break
			}
		}
	}
	return c
}

// Row is a line of the account page with what its actions need.
type Row struct {
	Title  string
	Badges []Badge
	Facts  []string
	Dates  []Date
	Path   string // that the path of an action begins with
	For    string // tells a screen reader which line a button is about
	Own    bool   // the session that shows the page
	Identity
}

// Badge is a short remark; Kind is "ok", "warn" or "".
type Badge struct{ Text, Kind string }

// IdentityRows lists the identities.
func (v *View) IdentityRows() []Row {
	p, _ := v.Page.(Account)
	var rows []Row
	for _, i := range p.Identities {
		r := Row{
			Title: i.Value, Identity: i,
			For: v.text("identities.for", "value", i.Value),
		}
		if i.Kind != "username" { // there is nothing to confirm about it
			badge := Badge{v.text("identities.unverified"), "warn"}
			if i.Verified {
				badge = Badge{v.text("identities.verified"), "ok"}
			}
			r.Badges = append(r.Badges, badge)
		}
		if i.Primary {
			r.Badges = append(r.Badges, Badge{v.text("identities.primary"), ""})
		}
		rows = append(rows, r)
	}
	return rows
}

// SessionRows lists the sessions, the present one first.
func (v *View) SessionRows() []Row {
	p, _ := v.Page.(Account)
	sorted := slices.Clone(p.Sessions)
	slices.SortStableFunc(sorted, func(a, b Session) int {
		switch {
		case a.Current == b.Current:
			return 0
		case a.Current:
			return -1
		}
		return 1
	})
	var rows []Row
	for _, s := range sorted {
		title := s.title(v)
		r := Row{
			Title: title, Path: v.Path("/sessions/" + url.PathEscape(s.ID)), Own: s.Current,
			For:   v.text("devices.end_for", "device", title),
			Dates: []Date{v.date("devices.seen", s.LastSeenAt), v.date("devices.since", s.CreatedAt)},
		}
		if s.Current {
			r.Badges = []Badge{{v.text("devices.current"), "ok"}}
		}
		for _, fact := range []string{s.IP, s.ClientID} {
			if fact != "" {
				r.Facts = append(r.Facts, fact)
			}
		}
		rows = append(rows, r)
	}
	return rows
}

// OtherSessions reports whether there are sessions besides the present one.
func (v *View) OtherSessions() bool {
	p, _ := v.Page.(Account)
	return slices.ContainsFunc(p.Sessions, func(s Session) bool { return !s.Current })
}

// KeyRows lists the API keys.
func (v *View) KeyRows() []Row {
	p, _ := v.Page.(Account)
	var rows []Row
	for _, k := range p.APIKeys {
		r := Row{
			Title: k.Name, Path: v.Path("/keys/" + url.PathEscape(k.ID)), For: v.text("keys.revoke_for", "value", k.Name),
			Dates: []Date{v.date("keys.created", k.CreatedAt), v.date("keys.expires", k.ExpiresAt)},
		}
		if len(k.Scopes) > 0 {
			r.Facts = append(r.Facts, strings.Join(k.Scopes, v.text("list_separator")))
		}
		if k.ExpiresAt.IsZero() {
			r.Facts = append(r.Facts, v.text("keys.never"))
		}
		rows = append(rows, r)
	}
	return rows
}

// AddedNotice is the notice after an identity was added: only an address or number gets a message.
func (v *View) AddedNotice() string {
	switch kinds := v.set.o.Identifiers; {
	case !slices.Contains(kinds, identifier.Username):
		return "identity_added"
	case len(kinds) == 1:
		return "username_added"
	}
	return "either_added"
}

// PrimaryIdentifier is what a password manager keeps the password under.
func (v *View) PrimaryIdentifier() string {
	p, _ := v.Page.(Account)
	for _, i := range p.Identities {
		if i.Primary {
			return i.Value
		}
	}
	if len(p.Identities) > 0 {
		return p.Identities[0].Value
	}
	return ""
}

// ConnectedRows lists the connected accounts.
func (v *View) ConnectedRows() []Row {
	p, _ := v.Page.(Account)
	var rows []Row
	for _, c := range p.Connected {
		r := Row{
			Title: v.providerTitle(c.Provider), Dates: []Date{v.date("connected.since", c.CreatedAt)},
			Path: v.Path("/linked/" + url.PathEscape(c.ID)),
		}
		r.For, r.CanRemove = v.text("connected.for", "value", r.Title), c.CanRemove
		if c.Email != "" {
			r.Facts = []string{c.Email}
		}
		rows = append(rows, r)
	}
	return rows
}

// Connectable are the providers with which no account is connected yet.
func (v *View) Connectable() []Provider {
	p, _ := v.Page.(Account)
	return slices.DeleteFunc(slices.Clone(v.set.o.Providers), func(offered Provider) bool {
		return slices.ContainsFunc(p.Connected, func(c Connection) bool { return c.Provider == offered.Name })
	})
}

// providerTitle is how people know a provider; one that is not configured any more goes by its name.
func (v *View) providerTitle(name string) string {
	for _, p := range v.set.o.Providers {
		if p.Name == name {
			return p.Title
		}
	}
	return name
}
