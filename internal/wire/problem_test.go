package wire_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/internal/wire"
)

func ExampleErrorWriter_Problem() {
	w := httptest.NewRecorder()
	r := httptest.NewRequest("POST", "/signup", nil)
	wire.ErrorWriter{}.Problem(w, r, core.FieldE(core.CodeWeakPassword, "password", "Use at least 15 characters."))
	fmt.Println(w.Code, w.Header().Get("Content-Type"))
	fmt.Print(w.Body)
	// Output:
	// 422 application/problem+json
	// {"type":"urn:oneauth:error:weak_password","title":"The password is too weak","status":422,"detail":"Use at least 15 characters.","code":"weak_password","field":"password"}
}

type answer struct {
	Type, Title, Detail, Code, Field string
	Status                           int
	Errors                           []struct{ Field, Code, Detail string }
	Attempt                          *wire.AttemptJSON
	Error                            string
	Description                      string `json:"error_description"`
}

func respond(t *testing.T, write func(http.ResponseWriter, *http.Request, error), err error) (*httptest.ResponseRecorder, answer) {
	t.Helper()
	w := httptest.NewRecorder()
	write(w, httptest.NewRequest(http.MethodPost, "/login?token=query-secret", nil), err)
	var a answer
	if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil {
		t.Fatalf("%s: %v", w.Body, err)
	}
	if h := w.Header(); h.Get("Cache-Control") != "no-store" || h.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("%v: headers %v", err, h)
	}
	return w, a
}

func TestProblemOfEveryCode(t *testing.T) {
	for code, entry := range core.Codes {
		w, a := respond(t, wire.ErrorWriter{}.Problem, core.E(code, ""))
		want := wire.Status(entry.Class)
		if code == core.CodeMethodNotAllowed {
			want = http.StatusMethodNotAllowed
		}
		if w.Code != want || a.Status != want || a.Code != string(code) || a.Type != "urn:oneauth:error:"+a.Code || a.Title != entry.Title {
			t.Errorf("%s: %d %s", code, w.Code, w.Body)
		}
		if challenge := w.Header().Get("WWW-Authenticate"); w.Code == http.StatusUnauthorized && challenge == "" {
			t.Errorf("%s: 401 without WWW-Authenticate", code)
		}
		if wait := w.Header().Get("Retry-After"); (w.Code == 429 || w.Code == 503) != (wait == "1") {
			t.Errorf("%s: %d with Retry-After %q", code, w.Code, wait)
		}
	}
}

func TestProblemChallenges(t *testing.T) {
	ew := wire.ErrorWriter{Realm: `my "app"`}
	scope := core.E(core.CodeInsufficientScope, "")
	scope.Scope = "read write"
	for _, tt := range []struct {
		err  error
		want string
	}{
		{core.ErrUnauthenticated, `Bearer realm="my 'app'"`},
		{core.ErrInvalidCredentials, `Bearer realm="my 'app'"`},
		{core.ErrInvalidToken, `Bearer realm="my 'app'", error="invalid_token"`},
		{core.ErrInvalidClient, `Basic realm="my 'app'", charset="UTF-8"`},
		{scope, `Bearer realm="my 'app'", error="insufficient_scope", scope="read write"`},
		{core.ErrFactorRequired, ""},
		{core.ErrReauthRequired, ""},
	} {
		if w, _ := respond(t, ew.Problem, tt.err); w.Header().Get("WWW-Authenticate") != tt.want {
			t.Errorf("%v: %q; want %q", tt.err, w.Header().Get("WWW-Authenticate"), tt.want)
		}
	}
	w := httptest.NewRecorder()
	w.Header().Set("WWW-Authenticate", "Custom")
	ew.Problem(w, httptest.NewRequest("GET", "/", nil), core.ErrUnauthenticated)
	if w.Header().Get("WWW-Authenticate") != "Custom" {
		t.Error("the caller's challenge was overwritten")
	}
}

func TestProblemFieldsAttemptAndRetry(t *testing.T) {
	e := core.E(core.CodeInvalidField, "")
	e.Fields = []core.FieldError{{Field: "a", Code: core.CodeInvalidField, Detail: "x"}, {Field: "b", Code: core.CodeWeakPassword}}
	if _, a := respond(t, wire.ErrorWriter{}.Problem, e); len(a.Errors) != 2 || a.Errors[1].Detail != core.CodeWeakPassword.Title() {
		t.Errorf("%+v", a)
	}
	e = core.E(core.CodeFactorRequired, "")
	at := time.Date(2026, 1, 2, 4, 0, 0, 0, time.FixedZone("", 3600))
	e.Attempt = &core.Attempt{ID: "att_1", Missing: []string{"totp"}, Expires: at}
	for _, write := range []func(http.ResponseWriter, *http.Request, error){wire.ErrorWriter{}.Problem, wire.ErrorWriter{}.OAuthError} {
		w, a := respond(t, write, e)
		if a.Attempt == nil || a.Attempt.ID != "att_1" || !strings.Contains(w.Body.String(), `"factors":["totp"],"expires_at":"2026-01-02T03:00:00Z"`) {
			t.Errorf("%s", w.Body)
		}
	}
	for after, want := range map[time.Duration]string{0: "1", time.Millisecond: "1", time.Second: "1", 1001 * time.Millisecond: "2", time.Minute: "60"} {
		e := core.E(core.CodeThrottled, "")
		e.RetryAfter = after
		if w, _ := respond(t, wire.ErrorWriter{}.Problem, e); w.Header().Get("Retry-After") != want {
			t.Errorf("%v: Retry-After %s; want %s", after, w.Header().Get("Retry-After"), want)
		}
	}
}

// Causes go to the log and nowhere else; the query, where tokens may be, does not even go there.
func TestInternalCausesAreLoggedNotShown(t *testing.T) {
	var log bytes.Buffer
	ew := wire.ErrorWriter{Log: slog.New(slog.NewJSONHandler(&log, nil))}
	for _, err := range []error{
		errors.New("disk: private\ncause"), core.FieldE(core.CodeInternal, "private", "private detail").Wrap(errors.New("private cause")),
		core.E(core.CodeUnavailable, "private detail").Wrap(errors.New("private cause")), core.E("unheard_of", "private cause"),
		fmt.Errorf("wrapped: %w", core.E(core.CodeInternal, "").Wrap(errors.New("private cause"))),
	} {
		for _, write := range []func(http.ResponseWriter, *http.Request, error){ew.Problem, ew.OAuthError} {
			log.Reset()
			w, _ := respond(t, write, err)
			if w.Code < 500 || strings.Contains(w.Body.String(), "private") {
				t.Errorf("%v is shown: %d %s", err, w.Code, w.Body)
			}
			if !strings.Contains(log.String(), "cause") || strings.Contains(log.String(), "query-secret") || strings.Count(log.String(), "\n") != 1 {
				t.Errorf("%v is logged as %s", err, &log)
			}
		}
	}
	log.Reset()
	if respond(t, ew.Problem, core.ErrInvalidCredentials.Wrap(errors.New("private"))); log.Len() != 0 {
		t.Errorf("a caller's mistake is logged: %s", &log)
	}
}

func TestOAuthErrors(t *testing.T) {
	for _, tt := range []struct {
		code   core.Code
		want   string
		status int
	}{
		{core.CodeInvalidCredentials, "invalid_grant", 400},
		{core.CodeInvalidToken, "invalid_grant", 400},
		{core.CodeInvalidGrant, "invalid_grant", 400},
		{core.CodeInvalidScope, "invalid_scope", 400},
		{core.CodeInvalidRequest, "invalid_request", 400},
		{core.CodeUnauthorizedClient, "unauthorized_client", 400},
		{core.CodeUnsupportedGrantType, "unsupported_grant_type", 400},
		{core.CodeInvalidClient, "invalid_client", 401},
		{core.CodeUnauthenticated, "invalid_client", 401},
		{core.CodeFactorRequired, "factor_required", 400},
		{core.CodeVerificationRequired, "verification_required", 400},
		{core.CodeInsufficientScope, "insufficient_scope", 403},
		{core.CodeTooLarge, "invalid_request", 413},
		{core.CodeUnsupportedMedia, "invalid_request", 415},
		{core.CodeMethodNotAllowed, "invalid_request", 405},
		{core.CodeThrottled, "throttled", 429},
		{core.CodeUnavailable, "temporarily_unavailable", 503},
		{core.CodeInternal, "server_error", 500},
	} {
		w, a := respond(t, wire.ErrorWriter{}.OAuthError, core.E(tt.code, ""))
		if w.Code != tt.status || a.Error != tt.want || a.Description == "" || w.Header().Get("Content-Type") != "application/json" {
			t.Errorf("%s: %d %s", tt.code, w.Code, w.Body)
		}
		if challenge := w.Header().Get("WWW-Authenticate"); tt.status == 401 && !strings.HasPrefix(challenge, "Basic ") {
			t.Errorf("%s: challenge %q", tt.code, challenge)
		}
	}
	_, a := respond(t, wire.ErrorWriter{}.OAuthError, core.FieldE(core.CodeInvalidRequest, "grant_type", "a \"b\" \\ \r\n é"))
	if a.Description != "a 'b' / %0D%0A %C3%A9" || a.Field != "grant_type" {
		t.Errorf("%+v", a)
	}
	if !regexp.MustCompile(`^[\x20-\x21\x23-\x5B\x5D-\x7E]*$`).MatchString(a.Description) {
		t.Errorf("%q has characters that RFC 6749 section 5.2 forbids", a.Description)
	}
}

func TestWriteJSON(t *testing.T) {
	w := httptest.NewRecorder()
	wire.WriteJSON(w, http.StatusCreated, map[string]int{"a": 1})
	if w.Code != 201 || w.Body.String() != "{\"a\":1}\n" || w.Header().Get("Cache-Control") != "no-store" || w.Header().Get("Content-Length") != "8" {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
	w = httptest.NewRecorder()
	wire.WriteJSON(w, http.StatusOK, func() {})
	if w.Code != 500 || !json.Valid(w.Body.Bytes()) {
		t.Errorf("an unencodable value gives %d %s", w.Code, w.Body)
	}
}
