package core

import (
	"cmp"
	"slices"
	"strings"

	"github.com/oneauth-go/oneauth/core/record"
)

// maxDevices is how many devices an account remembers; the one that was used longest ago is forgotten.
const maxDevices = 20

// deviceOf tells the device of a session from others by face, client, name and user agent. The digits of a user agent do
// not count: a browser that was updated is the same device.
func deviceOf(s *Session) string {
	agent := strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r == '.' || r == '_' {
			return -1
		}
		return r
	}, s.UserAgent)
	mark := digest([]byte(strings.Join([]string{string(s.Kind), s.ClientID, s.DeviceName, agent}, "\x00")))
	return b64.EncodeToString(mark[:12])
}

// meet remembers the device of a session that begins, and reports whether it is one that the account has not seen. The
// first device of all is nothing new: there is no other to compare it with.
func (acct *Account) meet(s *Session) (unseen bool) {
	device := deviceOf(s)
	seen := slices.Index(acct.Devices, device)
	if seen >= 0 {
		acct.Devices = slices.Delete(acct.Devices, seen, seen+1)
	}
	unseen = seen < 0 && !acct.MintedAt.IsZero()
	acct.Devices = append(acct.Devices, device)
	if surplus := len(acct.Devices) - maxDevices; surplus > 0 {
		acct.Devices = slices.Delete(acct.Devices, 0, surplus)
	}
	return unseen
}

// notifyNewSignIn tells a person of a session on a device that was not seen before.
func (tx *Tx) notifyNewSignIn(u *User, s *Session) error {
	if u == nil || slices.Contains(tx.auth.cfg.Mute, NoticeNewSignIn) {
		return nil
	}
	all, err := tx.Identities().PeekFind("user_id", u.ID, record.Page{})
	if err != nil {
		return err
	}
	return tx.tell(all, Notice{
		Template: NoticeNewSignIn, Name: u.Name, Data: map[string]string{"device": nameOfDevice(s), "ip": s.IP},
	})
}

// The first mark that occurs in a user agent tells; those that pretend to be others come first.
var (
	browserMarks = [][2]string{
		{"Edg", "Edge"}, {"OPR/", "Opera"}, {"SamsungBrowser/", "Samsung Internet"}, {"Vivaldi/", "Vivaldi"},
		{"Firefox/", "Firefox"}, {"FxiOS/", "Firefox"}, {"CriOS/", "Chrome"}, {"Chrome/", "Chrome"}, {"Safari/", "Safari"},
	}
	systemMarks = [][2]string{
		{"iPhone", "iPhone"}, {"iPad", "iPad"}, {"Android", "Android"}, {"Windows", "Windows"}, {"Mac OS X", "macOS"},
		{"CrOS", "ChromeOS"}, {"Linux", "Linux"},
	}
)

// nameOfDevice names a device so that its owner recognises it, in no particular language.
func nameOfDevice(s *Session) string {
	if s.DeviceName != "" {
		return s.DeviceName
	}
	var known []string
	for _, marks := range [][][2]string{browserMarks, systemMarks} {
		for _, m := range marks {
			if strings.Contains(s.UserAgent, m[0]) {
				known = append(known, m[1])
				break
			}
		}
	}
	return cmp.Or(strings.Join(known, ", "), clip(s.UserAgent, 60), s.ClientID)
}
