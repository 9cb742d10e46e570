package record

import (
	"encoding/json"
	"strings"
)

// Lists of short words (scopes, methods) are in every session. They are stored as JSON arrays like any list, but the
// common ones, whose words need no escape, do not go through encoding/json.

// encodeStrings returns list as JSON, empty for an empty one, or why it cannot be stored.
func encodeStrings(list []string) (text, fault string) {
	if len(list) == 0 {
		return "", ""
	}
	for _, s := range list {
		if why := textFault(s); why != "" {
			return "", why
		}
	}
	var b strings.Builder
	for i, s := range list {
		if !plainJSON(s) {
			encoded, err := json.Marshal(list)
			if err != nil {
				return "", err.Error()
			}
			return string(encoded), ""
		}
		b.WriteByte("[,"[min(i, 1)])
		b.WriteByte('"')
		b.WriteString(s)
		b.WriteByte('"')
	}
	b.WriteByte(']')
	return b.String(), ""
}

// decodeStrings is the inverse of encodeStrings, and reads any other JSON array of strings as well.
func decodeStrings(text string) (list []string, err error) {
	inner, ok := strings.CutPrefix(text, `["`)
	if ok {
		inner, ok = strings.CutSuffix(inner, `"]`)
	}
	if !ok || strings.IndexByte(inner, '\\') >= 0 {
		err := json.Unmarshal([]byte(text), &list)
		return list, err
	}
	list = strings.Split(inner, `","`)
	for _, s := range list {
		if !plainJSON(s) {
			list = nil
			err := json.Unmarshal([]byte(text), &list)
			return list, err
		}
	}
	return list, nil
}

// plainJSON reports whether s stands in JSON as it is: printable ASCII without quotation mark and backslash.
func plainJSON(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c > 0x7e || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}
