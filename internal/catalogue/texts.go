package catalogue

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Texts are the messages of one locale by key. {placeholders} in them are filled in by Fill. Every locale has
// "direction" (ltr or rtl), "months" (twelve names between bars) and "date" (of {day}, {month}, {year} and {time}).
type Texts map[string]string

// checkShared judges the texts that every catalogue has.
func (t Texts) checkShared() error {
	if n := len(strings.Split(t["months"], "|")); n != 12 {
		return fmt.Errorf("names %d months instead of 12", n)
	}
	if d := t["direction"]; d != "ltr" && d != "rtl" {
		return fmt.Errorf("has the direction %q, neither ltr nor rtl", d)
	}
	_, err := t.date(time.Unix(0, 0))
	return err
}

// Date writes a time in UTC, to the minute, the way of the locale. The zero time is "".
func (t Texts) Date(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	s, _ := t.date(at) // checked by New
	return s
}

func (t Texts) date(at time.Time) (string, error) {
	at = at.UTC()
	months := strings.Split(t["months"], "|")
	s, err := Fill(t["date"], func(name string) (string, bool) {
		switch name {
		case "day":
			return strconv.Itoa(at.Day()), true
		case "month":
			return months[at.Month()-1], true
		case "year":
			return strconv.Itoa(at.Year()), true
		case "time":
			return at.Format("15:04"), true
		}
		return "", false
	})
	if err != nil {
		return "", fmt.Errorf("has a bad text \"date\": %w", err)
	}
	return s, nil
}

// Fill replaces every {placeholder} of s by its value. It fails on an unknown or unclosed one.
func Fill(s string, value func(name string) (string, bool)) (string, error) {
	if !strings.ContainsAny(s, "{}") {
		return s, nil
	}
	var b strings.Builder
	for {
		before, rest, open := strings.Cut(s, "{")
		if strings.Contains(before, "}") {
			return "", errors.New("a } without its {")
		}
		b.WriteString(before)
		if !open {
			return b.String(), nil
		}
		name, after, closed := strings.Cut(rest, "}")
		if !closed {
			return "", errors.New("a { without its }")
		}
		v, ok := value(name)
		if !ok {
			return "", fmt.Errorf("unknown placeholder {%s}", name)
		}
		b.WriteString(v)
		s = after
	}
}
