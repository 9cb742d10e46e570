package client_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/oneauth-go/oneauth/client"
)

// Whatever a server answers, its error can be printed and is not endless.
func FuzzReadError(f *testing.F) {
	f.Add(401, `Bearer realm="x", error="invalid_token"`, "", `{"error":"invalid_grant","error_description":"no"}`)
	f.Add(403, `Basic abc==, Bearer error="insufficient_scope", scope="read write"`, "12", `{"code":"insufficient_scope","detail":"x"}`)
	f.Add(400, `Bearer`, "-1", `{"error":"factor_required","attempt":{"id":"att_1","factors":["otp"]}}`)
	f.Add(422, `Bearer a="b\"c", error`, "9e9", `{"errors":[{"field":"email","code":"invalid_email"}]}`)
	f.Add(502, "\x00,=,\"", "", "<html>")
	f.Fuzz(func(t *testing.T, status int, challenge, retry, body string) {
		h := http.Header{"Www-Authenticate": {challenge}, "Retry-After": {retry}}
		err := client.ReadError(&http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body))})
		if (err == nil) != (status < 400) {
			t.Fatalf("%d: %v", status, err)
		}
		if err == nil {
			return
		}
		text := err.Error()
		odd := strings.IndexFunc(text, func(r rune) bool { return !unicode.IsPrint(r) })
		if odd >= 0 || !utf8.ValidString(text) || utf8.RuneCountInString(text) > 2000 {
			t.Errorf("the error prints as %q", text)
		}
		if e := err.(*client.Error); e.RetryAfter < 0 || e.Status != status {
			t.Errorf("%+v", e)
		}
	})
}
