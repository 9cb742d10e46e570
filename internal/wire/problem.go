package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/oneauth-go/oneauth/core"
)

// AttemptJSON is how a sign-in under way appears in a factor_required error.
type AttemptJSON struct {
	ID        string    `json:"id"`
	Factors   []string  `json:"factors"`
	ExpiresAt time.Time `json:"expires_at"`
}

// ErrorWriter answers requests with errors. The zero value writes no log and challenges for the realm "oneauth".
type ErrorWriter struct {
	Log   *slog.Logger // gets the private causes of failures that are ours (5xx); nil for none
	Realm string       // of WWW-Authenticate challenges (RFC 9110 section 11.5)
}

// problem is the body of RFC 9457 with the members of our own.
type problem struct {
	Type    string         `json:"type"`
	Title   string         `json:"title"`
	Status  int            `json:"status"`
	Detail  string         `json:"detail,omitempty"`
	Code    core.Code      `json:"code"`
	Field   string         `json:"field,omitempty"`
	Errors  []problemField `json:"errors,omitempty"`
	Attempt *AttemptJSON   `json:"attempt,omitempty"`
}

type problemField struct {
	Field  string    `json:"field"`
	Code   core.Code `json:"code"`
	Detail string    `json:"detail"`
}

// Problem answers with err as application/problem+json (RFC 9457). What is no *core.Error is an internal error; of a
// 5xx nothing but code and title is shown. A 401 always carries WWW-Authenticate: the header that the caller has set,
// or else Basic for invalid_client and Bearer for all others; see [ErrorWriter] and RFC 6750 section 3.
func (ew ErrorWriter) Problem(w http.ResponseWriter, r *http.Request, err error) {
	e := ew.public(r, err)
	status := statusOf(e)
	body := problem{
		Type: "urn:oneauth:error:" + string(e.Code), Title: e.Code.Title(), Status: status, Detail: e.Public(), Code: e.Code,
		Field: e.Field, Attempt: attemptJSON(e.Attempt),
	}
	for _, f := range e.Fields {
		detail := f.Detail
		if detail == "" {
			detail = f.Code.Title()
		}
		body.Errors = append(body.Errors, problemField{f.Field, f.Code, detail})
	}
	ew.headers(w, status, e)
	write(w, status, "application/problem+json", body)
}

// Classify prepares an answer with err in another form than JSON, such as a page: it logs what is ours, takes off what is
// private, and sets the headers that go with the status.
func (ew ErrorWriter) Classify(w http.ResponseWriter, r *http.Request, err error) (e *core.Error, status int) {
	e = ew.public(r, err)
	status = statusOf(e)
	ew.headers(w, status, e)
	return e, status
}

// Status returns the HTTP status of a class of failures.
func Status(class core.Class) int {
	switch class {
	case core.Invalid:
		return http.StatusBadRequest
	case core.Unauthenticated:
		return http.StatusUnauthorized
	case core.Forbidden:
		return http.StatusForbidden
	case core.NotFound:
		return http.StatusNotFound
	case core.Conflict:
		return http.StatusConflict
	case core.TooLarge:
		return http.StatusRequestEntityTooLarge
	case core.UnsupportedMedia:
		return http.StatusUnsupportedMediaType
	case core.Unprocessable:
		return http.StatusUnprocessableEntity
	case core.Throttled:
		return http.StatusTooManyRequests
	case core.Unavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// statusOf is Status, with the one code that has a status of its own.
func statusOf(e *core.Error) int {
	if e.Code == core.CodeMethodNotAllowed {
		return http.StatusMethodNotAllowed
	}
	return Status(e.Code.Class())
}

// WriteJSON answers with v as application/json that no cache may keep. A value that cannot be encoded is answered as
// an internal error.
func WriteJSON(w http.ResponseWriter, status int, v any) {
	write(w, status, mediaJSON, v)
}

func write(w http.ResponseWriter, status int, media string, v any) {
	var body bytes.Buffer
	if err := json.NewEncoder(&body).Encode(v); err != nil {
		status, media = http.StatusInternalServerError, "application/problem+json"
		body.Reset()
		body.WriteString(`{"type":"urn:oneauth:error:internal","title":"` + core.CodeInternal.Title() +
			`","status":500,"code":"internal"}` + "\n")
	}
	h := w.Header()
	h.Set("Content-Type", media)
	h.Set("Content-Length", strconv.Itoa(body.Len()))
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes()) // a client that has gone cannot be told
}

// public turns err into what may be shown, and logs what may not.
func (ew ErrorWriter) public(r *http.Request, err error) *core.Error {
	e := core.AsError(err)
	if _, known := core.Codes[e.Code]; !known {
		e = core.E(core.CodeInternal, "").Wrap(e)
	}
	class := e.Code.Class()
	if class != core.Internal && class != core.Unavailable {
		return e
	}
	if ew.Log != nil {
		level := slog.LevelError
		if class == core.Unavailable {
			level = slog.LevelWarn
		}
		// Never the query, a header or the body: any of them may hold a secret.
		ew.Log.Log(r.Context(), level, "request failed", "code", string(e.Code), "method", r.Method, "path", r.URL.Path,
			"error", e.Error())
	}
	return &core.Error{Code: e.Code, RetryAfter: e.RetryAfter}
}

// headers sets what goes with a status.
func (ew ErrorWriter) headers(w http.ResponseWriter, status int, e *core.Error) {
	h := w.Header()
	switch status {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		seconds := max(1, int64(math.Ceil(e.RetryAfter.Seconds())))
		h.Set("Retry-After", strconv.FormatInt(seconds, 10))
	case http.StatusUnauthorized:
		if h.Get("WWW-Authenticate") == "" {
			h.Set("WWW-Authenticate", ew.challenge(e))
		}
	case http.StatusBadRequest:
		if errors.Is(e, errBearer) {
			h.Set("WWW-Authenticate", "Bearer realm="+ew.realm()+`, error="invalid_request"`)
		}
	case http.StatusForbidden:
		if e.Code == core.CodeInsufficientScope {
			challenge := "Bearer realm=" + ew.realm() + `, error="insufficient_scope"`
			if e.Scope != "" {
				challenge += ", scope=" + quoted(e.Scope)
			}
			h.Set("WWW-Authenticate", challenge)
		}
	}
}

func (ew ErrorWriter) challenge(e *core.Error) string {
	switch e.Code {
	case core.CodeInvalidClient:
		return "Basic realm=" + ew.realm() + `, charset="UTF-8"`
	case core.CodeInvalidToken:
		return "Bearer realm=" + ew.realm() + `, error="invalid_token"`
	}
	return "Bearer realm=" + ew.realm()
}

func (ew ErrorWriter) realm() string {
	if ew.Realm == "" {
		return `"oneauth"`
	}
	return quoted(ew.Realm)
}

// quoted is the quoted-string of RFC 9110 section 5.6.4 without what it would have to escape.
func quoted(s string) string { return `"` + printable(s) + `"` }

// printable encodes what RFC 6749 sections 4.1.2.1 and 5.2 do not let into error_description: a double quote becomes a
// single one, a backslash a slash, and bytes outside printable ASCII are percent-encoded.
func printable(s string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			b.WriteByte('\'')
		case c == '\\':
			b.WriteByte('/')
		case c < ' ' || c > '~':
			b.Write([]byte{'%', hex[c>>4], hex[c&15]})
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

func attemptJSON(a *core.Attempt) *AttemptJSON {
	if a == nil {
		return nil
	}
	return &AttemptJSON{ID: a.ID, Factors: append([]string{}, a.Missing...), ExpiresAt: a.Expires.UTC()}
}
