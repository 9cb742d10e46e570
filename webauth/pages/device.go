package pages

import (
	"strconv"
	"strings"
)

func seconds(n int) string { return strconv.Itoa(n) }

// The first mark that occurs in a User-Agent header tells; those that pretend to be others come first.
var (
	browsers = [][2]string{
		{"Edg", "Edge"}, {"OPR/", "Opera"}, {"SamsungBrowser/", "Samsung Internet"}, {"Vivaldi/", "Vivaldi"},
		{"Firefox/", "Firefox"}, {"FxiOS/", "Firefox"}, {"CriOS/", "Chrome"}, {"Chrome/", "Chrome"}, {"Safari/", "Safari"},
	}
	systems = [][2]string{
		{"iPhone", "iPhone"}, {"iPad", "iPad"}, {"Android", "Android"}, {"Windows", "Windows"}, {"Mac OS X", "macOS"},
		{"CrOS", "ChromeOS"}, {"Linux", "Linux"},
	}
)

func mark(list [][2]string, userAgent string) string {
	for _, m := range list {
		if strings.Contains(userAgent, m[0]) {
			return m[1]
		}
	}
	return ""
}

const maxTitle = 60 // characters of a User-Agent that says nothing we know

// title names a session so that its owner recognises it.
func (s Session) title(v *View) string {
	if s.Name != "" {
		return s.Name
	}
	browser, system := mark(browsers, s.UserAgent), mark(systems, s.UserAgent)
	switch {
	case browser != "" && system != "":
		return v.text("devices.on", "browser", browser, "os", system)
	case browser != "" || system != "":
		return browser + system
	case s.UserAgent == "":
		return v.text("devices.unknown")
	}
	if r := []rune(s.UserAgent); len(r) > maxTitle {
		return string(r[:maxTitle]) + "…"
	}
	return s.UserAgent
}
