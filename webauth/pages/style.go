package pages

import (
	_ "embed"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

//go:embed style.css
var embeddedCSS string

// Colours replaces colours of the stylesheet one by one, by the name of their variable: bg, card, input, text, strong,
// muted, line, field, accent, on-accent, link, focus, danger, danger-bg, ok, ok-bg. They are written #rgb or #rrggbb, so
// that New can check their contrast. Links and the focus ring follow the accent.
type Colours struct {
	Light, Dark map[string]string
}

var light = map[string]string{
	"bg": "#f3f5f9", "card": "#ffffff", "input": "#ffffff", "text": "#273142", "strong": "#131a26", "muted": "#566173",
	"line": "#dfe4ec", "field": "#808a9a", "accent": "#1d4ed8", "on-accent": "#ffffff", "link": "#1d4ed8",
	"focus": "#2563eb", "danger": "#b42318", "danger-bg": "#fef3f2", "ok": "#067647", "ok-bg": "#ecfdf3",
}

var dark = map[string]string{
	"bg": "#0f1318", "card": "#181d25", "input": "#12171e", "text": "#dbe1ea", "strong": "#f4f6f9", "muted": "#a3aebd",
	"line": "#2b333f", "field": "#75818f", "accent": "#8ab4ff", "on-accent": "#0b1a33", "link": "#9cc0ff",
	"focus": "#9cc0ff", "danger": "#ff9f95", "danger-bg": "#2b1717", "ok": "#6fd8a4", "ok-bg": "#10251b",
}

// contrasts lists what is seen on what, with the least ratio of WCAG 2.2: 4.5 for text (1.4.3), 3 for the edges of
// controls and the focus ring (1.4.11).
var contrasts = []struct {
	front string
	on    []string
	least float64
}{
	{"text", []string{"bg", "card", "input", "danger-bg"}, 4.5},
	{"strong", []string{"bg", "card", "ok-bg", "danger-bg"}, 4.5},
	{"muted", []string{"bg", "card"}, 4.5},
	{"link", []string{"bg", "card"}, 4.5},
	{"on-accent", []string{"accent"}, 4.5},
	{"danger", []string{"card", "danger-bg"}, 4.5},
	{"ok", []string{"card", "ok-bg"}, 4.5},
	{"accent", []string{"card"}, 3},
	{"field", []string{"card", "input"}, 3},
	{"focus", []string{"bg", "card"}, 3},
}

// stylesheet puts the colours before the rules, and what the application adds after them.
func stylesheet(c Colours, extra string) (string, error) {
	var b strings.Builder
	for _, theme := range []struct {
		name, before, after string
		own, base           map[string]string
	}{
		{"Light", ":root{color-scheme:light dark;", "}\n", c.Light, light},
		{"Dark", "@media (prefers-color-scheme:dark){:root{", "}}\n", c.Dark, dark},
	} {
		merged, err := palette(theme.base, theme.own)
		if err != nil {
			return "", fmt.Errorf("pages: Colours.%s: %w", theme.name, err)
		}
		b.WriteString(theme.before)
		for _, name := range slices.Sorted(maps.Keys(merged)) {
			b.WriteString("--" + name + ":" + merged[name] + ";")
		}
		b.WriteString(theme.after)
	}
	b.WriteString(embeddedCSS)
	if err := checkCSS(extra); err != nil {
		return "", err
	}
	b.WriteString(extra)
	return b.String(), nil
}

// palette merges and judges the colours of one theme.
func palette(base, own map[string]string) (map[string]string, error) {
	merged := maps.Clone(base)
	if accent, ok := own["accent"]; ok { // whose place links and the focus ring share, unless they have a colour of their own
		merged["link"], merged["focus"] = accent, accent
	}
	for _, name := range slices.Sorted(maps.Keys(own)) {
		if _, known := base[name]; !known {
			return nil, fmt.Errorf("there is no colour %q", name)
		}
		if _, err := luminance(own[name]); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		merged[name] = own[name]
	}
	for _, c := range contrasts {
		for _, on := range c.on {
			front, _ := luminance(merged[c.front])
			back, _ := luminance(merged[on])
			ratio := (max(front, back) + 0.05) / (min(front, back) + 0.05)
			if ratio < c.least {
				return nil, fmt.Errorf("%s (%s) on %s (%s) has a contrast of %.2f, must be %.1f", c.front, merged[c.front], on,
					merged[on], ratio, c.least)
			}
		}
	}
	return merged, nil
}

// luminance is the relative luminance of a colour (WCAG 2.2), 0 to 1.
func luminance(colour string) (float64, error) {
	digits, ok := strings.CutPrefix(colour, "#")
	if len(digits) == 3 {
		digits = string([]byte{digits[0], digits[0], digits[1], digits[1], digits[2], digits[2]})
	}
	n, err := strconv.ParseUint(digits, 16, 32)
	if !ok || err != nil || len(digits) != 6 {
		return 0, fmt.Errorf("%q is not #rgb or #rrggbb", colour)
	}
	channel := func(shift uint) float64 {
		c := float64(n>>shift&0xff) / 255
		if c <= 0.04045 {
			return c / 12.92
		}
		return math.Pow((c+0.055)/1.055, 2.4)
	}
	return 0.2126*channel(16) + 0.7152*channel(8) + 0.0722*channel(0), nil
}

// checkCSS refuses what would break the rules before it or load something.
func checkCSS(css string) error {
	if strings.Count(css, "{") != strings.Count(css, "}") || strings.Count(css, "/*") != strings.Count(css, "*/") {
		return errors.New("pages: CSS has a brace or a comment that is not closed")
	}
	if strings.Contains(strings.ToLower(css), "@import") {
		return errors.New("pages: CSS must not @import: pages load nothing but their stylesheet")
	}
	return nil
}
