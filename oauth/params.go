package oauth

import (
	"net/url"

	"github.com/oneauth-go/oneauth/core"
)

// limits are the parameters that a request may bring, with the most bytes that each may have. What is not named here is
// ignored.
type limits map[string]int

// read takes the parameters out of a query: each at most once (RFC 6749 section 3.1), and none longer than it may be.
func (l limits) read(rawQuery string) (url.Values, error) {
	all, err := url.ParseQuery(rawQuery)
	if err != nil {
		return nil, core.E(core.CodeInvalidRequest, "The query is malformed.").Wrap(err)
	}
	return l.check(all)
}

func (l limits) check(all url.Values) (url.Values, error) {
	out := url.Values{}
	for name, values := range all {
		most, known := l[name]
		switch {
		case !known:
			continue
		case len(values) > 1:
			return nil, core.FieldE(core.CodeInvalidRequest, name, "Send it once.")
		case len(values[0]) > most:
			return nil, core.FieldE(core.CodeInvalidRequest, name, "It is too long.")
		case values[0] != "":
			out[name] = values
		}
	}
	return out, nil
}
