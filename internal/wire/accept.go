package wire

import (
	"mime"
	"net/http"
	"strconv"
	"strings"
)

// WantsHTML reports whether Accept names text/html (RFC 9110 section 12.5.1) and does not refuse it. Wildcards do not
// name it.
func WantsHTML(r *http.Request) bool {
	for _, line := range r.Header.Values("Accept") {
		for media := range strings.SplitSeq(line, ",") {
			name, params, err := mime.ParseMediaType(media)
			if err != nil || name != "text/html" {
				continue
			}
			if q, err := strconv.ParseFloat(params["q"], 64); err != nil || q > 0 {
				return true
			}
		}
	}
	return false
}
