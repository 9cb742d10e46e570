package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"
)

const (
	maxAnswer     = 64 << 10 // bytes of an answer that are read
	maxText       = 500      // characters of a server's text that are kept
	maxFields     = 50
	maxRetryAfter = 24 * time.Hour
)

var errTooLarge = errors.New("client: the answer is too large")

// readAll reads an answer of at most maxAnswer bytes.
func readAll(r io.Reader) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r, maxAnswer+1))
	if err == nil && len(body) > maxAnswer {
		err = errTooLarge
	}
	return body, err
}

// ReadError turns an answer of 400 and above into an [*Error]; it is nil for all others, whose body it leaves alone. It
// understands RFC 6749 section 5.2, RFC 9457 with OneAuth's members, and the challenges of RFC 6750. It reads at most
// 64 KiB and closes the body.
func ReadError(r *http.Response) error {
	if r.StatusCode < 400 {
		return nil
	}
	defer r.Body.Close()
	body, err := readAll(r.Body)
	if err != nil {
		body = nil // the status says enough
	}
	return parseError(r.StatusCode, r.Header, body)
}

// errorBody has the members of both forms of errors.
type errorBody struct {
	Error       string       `json:"error"` // RFC 6749
	Description string       `json:"error_description"`
	Code        string       `json:"code"` // RFC 9457 and OneAuth
	Title       string       `json:"title"`
	Detail      string       `json:"detail"`
	Field       string       `json:"field"`
	Errors      []FieldError `json:"errors"`
	Attempt     *Attempt     `json:"attempt"`
}

// parseError makes an Error of an answer, of whatever form.
func parseError(status int, h http.Header, body []byte) *Error {
	var b errorBody
	if json.Unmarshal(body, &b) != nil {
		b = errorBody{} // a page of a proxy, perhaps
	}
	e := &Error{
		Status: status, Code: code(b.Error, b.Code), Field: clean(b.Field), Attempt: b.Attempt,
		Description: clean(first(b.Description, b.Detail, b.Title)), RetryAfter: retryAfter(h.Get("Retry-After")),
	}
	for _, f := range b.Errors[:min(len(b.Errors), maxFields)] {
		e.Fields = append(e.Fields, FieldError{clean(f.Field), code(f.Code), clean(f.Detail)})
	}
	if c, ok := bearerChallenge(h); ok {
		e.Code = first(e.Code, code(c["error"]))
		e.Scope = clean(c["scope"])
	}
	if e.Attempt != nil {
		e.Attempt.ID = clean(e.Attempt.ID)
		e.Attempt.Factors = e.Attempt.Factors[:min(len(e.Attempt.Factors), maxFields)]
		for i, factor := range e.Attempt.Factors {
			e.Attempt.Factors[i] = clean(factor)
		}
	}
	return e
}

// hide takes secrets out of texts that a server may have echoed.
func (e *Error) hide(secrets ...string) {
	texts := []*string{&e.Code, &e.Description, &e.Field, &e.Scope}
	for i := range e.Fields {
		texts = append(texts, &e.Fields[i].Field, &e.Fields[i].Code, &e.Fields[i].Detail)
	}
	for _, secret := range secrets {
		if secret == "" {
			continue
		}
		for _, text := range texts {
			*text = strings.ReplaceAll(*text, secret, "[hidden]")
		}
	}
}

func first(texts ...string) string {
	for _, text := range texts {
		if text != "" {
			return text
		}
	}
	return ""
}

// code returns the first text that has the form of an error code, which an application may compare and print.
func code(texts ...string) string {
	for _, text := range texts {
		if text != "" && len(text) <= 100 && strings.IndexFunc(text, notCode) < 0 {
			return text
		}
	}
	return ""
}

func notCode(r rune) bool {
	return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("_-.:/", r))
}

// clean makes a server's text safe to print: no control characters, and not endless.
func clean(text string) string {
	kept := 0
	return strings.Map(func(r rune) rune {
		if kept++; kept > maxText || !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, ""))
}

// retryAfter reads a Retry-After in seconds (RFC 9110 section 10.2.3); a date counts as not said.
func retryAfter(value string) time.Duration {
	seconds, err := strconv.ParseInt(value, 10, 64)
	if err != nil || seconds < 0 {
		return 0
	}
	return time.Duration(min(seconds, int64(maxRetryAfter/time.Second))) * time.Second
}

// tokenAnswer is RFC 6749 section 5.1 with OneAuth's session_id.
type tokenAnswer struct {
	AccessToken  string `json:"access_token"`
	TokenType    string `json:"token_type"`
	ExpiresIn    int64  `json:"expires_in"`
	RefreshToken string `json:"refresh_token"`
	Scope        string `json:"scope"`
	SessionID    string `json:"session_id"`
}

const maxLifetime = 10 * 365 * 24 * time.Hour

// credential checks an answer to a request that was sent at the given time.
func (a tokenAnswer) credential(c *Client, sent time.Time) (*Credential, error) {
	switch {
	case !isToken(a.AccessToken):
		return nil, fmt.Errorf("%w: the answer has no usable access_token", ErrUnavailable)
	case a.RefreshToken != "" && !isToken(a.RefreshToken):
		return nil, fmt.Errorf("%w: the answer's refresh_token is malformed", ErrUnavailable)
	case !strings.EqualFold(a.TokenType, "Bearer"):
		return nil, fmt.Errorf("%w: the answer's token_type is not Bearer", ErrUnavailable)
	case a.ExpiresIn < 0 || a.ExpiresIn > int64(maxLifetime/time.Second):
		return nil, fmt.Errorf("%w: the answer's expires_in is out of range", ErrUnavailable)
	case !isPlain(a.Scope) || !isPlain(a.SessionID):
		return nil, fmt.Errorf("%w: the answer's scope or session_id is malformed", ErrUnavailable)
	}
	cred := &Credential{
		Server: c.server.String(), ClientID: c.clientID, AccessToken: a.AccessToken, RefreshToken: a.RefreshToken,
		Scopes: strings.Fields(a.Scope), SessionID: a.SessionID, ObtainedAt: sent.UTC().Truncate(time.Millisecond),
	}
	if a.ExpiresIn > 0 {
		cred.ExpiresAt = cred.ObtainedAt.Add(time.Duration(a.ExpiresIn) * time.Second)
	}
	return cred, nil
}

// isPlain reports whether s has the characters of a scope alone (RFC 6749 section 3.3): people and logs are shown it.
func isPlain(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r > '~' }) < 0
}

// isToken reports whether s can stand in an Authorization header (RFC 6750 section 2.1, b64token).
func isToken(s string) bool {
	body := strings.TrimRight(s, "=")
	return body != "" && len(s) <= 32<<10 && strings.IndexFunc(body, func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("-._~+/", r))
	}) < 0
}
