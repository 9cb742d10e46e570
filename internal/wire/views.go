package wire

import (
	"time"

	"github.com/oneauth-go/oneauth/core"
)

// User is a user as every endpoint shows one.
type User struct {
	ID         string         `json:"id"`
	Tenant     string         `json:"tenant"`
	Name       string         `json:"name"`
	Data       map[string]any `json:"data"`
	Identities []Identity     `json:"identities"`
	CreatedAt  time.Time      `json:"created_at"`
	UpdatedAt  time.Time      `json:"updated_at"`
}

// Identity is one identity of a User.
type Identity struct {
	Kind     string `json:"kind"`
	Value    string `json:"value"`
	Verified bool   `json:"verified"`
	Primary  bool   `json:"primary"`
}

// Session is a session as every endpoint shows one.
type Session struct {
	ID         string           `json:"id"`
	Kind       core.SessionKind `json:"kind"`
	Current    bool             `json:"current"`
	ClientID   string           `json:"client_id"`
	Device     Device           `json:"device"`
	AMR        []string         `json:"amr"`
	AuthTime   time.Time        `json:"auth_time"`
	CreatedAt  time.Time        `json:"created_at"`
	LastSeenAt time.Time        `json:"last_seen_at"`
	ExpiresAt  time.Time        `json:"expires_at"`
}

// Device is what is known of the device of a Session.
type Device struct {
	Name      string `json:"name"`
	IP        string `json:"ip"`
	UserAgent string `json:"user_agent"`
}

// ViewUser makes the view of a user.
func ViewUser(tenant string, u *core.User, identities []*core.Identity) User {
	v := User{
		ID: u.ID, Tenant: tenant, Name: u.Name, Data: u.Data, Identities: []Identity{},
		CreatedAt: u.CreatedAt, UpdatedAt: u.UpdatedAt,
	}
	if v.Data == nil {
		v.Data = map[string]any{}
	}
	for _, i := range identities {
		v.Identities = append(v.Identities, Identity{string(i.Kind), i.Value, i.Verified, i.Primary})
	}
	return v
}

// ViewSession makes the view of a session; current is the id of the session that asks.
func ViewSession(s *core.Session, current string) Session {
	return Session{
		ID: s.ID, Kind: s.Kind, Current: s.ID == current, ClientID: s.ClientID,
		Device: Device{Name: s.DeviceName, IP: s.IP, UserAgent: s.UserAgent},
		AMR:    append([]string{}, s.AMR...), AuthTime: s.AuthTime,
		CreatedAt: s.CreatedAt, LastSeenAt: s.LastSeenAt, ExpiresAt: s.Expires,
	}
}

// Linked is a connected account as every endpoint shows one.
type Linked struct {
	ID         string    `json:"id"`
	Provider   string    `json:"provider"`
	Email      string    `json:"email"`
	Name       string    `json:"name"`
	Picture    string    `json:"picture"`
	CreatedAt  time.Time `json:"created_at"`
	LastUsedAt time.Time `json:"last_used_at"`
}

// ViewLinked makes the view of a connected account.
func ViewLinked(l *core.LinkedAccount) Linked {
	return Linked{
		ID: l.ID, Provider: l.Provider, Email: l.Email, Name: l.Name, Picture: l.Picture, CreatedAt: l.CreatedAt,
		LastUsedAt: l.LastUsedAt,
	}
}
