package wire

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/oneauth-go/oneauth/core"
)

// MaxBody is the greatest size of a request body in bytes.
const MaxBody = 64 << 10

// The media types of bodies that are read.
const (
	mediaJSON = "application/json"
	mediaForm = "application/x-www-form-urlencoded"
)

// Decode reads the body of r, JSON or a form after its Content-Type, into the struct that dst points to. Members are
// matched exactly against the names that encoding/json would use; unknown ones are ignored, null means absent. On any
// error the struct is unchanged, and the error is a *core.Error:
//
//   - core.CodeUnsupportedMedia: another type, charset or content encoding, or a body without a Content-Type;
//   - core.CodeTooLarge: more than [MaxBody];
//   - core.CodeInvalidRequest: malformed, not UTF-8, nested too deeply, a member twice or in another case, or of the
//     wrong type, with Field naming the member where one is at fault.
//
// A request with neither body nor Content-Type decodes like an empty object. The query is never read. The body stays
// readable: Decode and [FormValue] may be called again.
func Decode(w http.ResponseWriter, r *http.Request, dst any) error {
	target, err := targetOf(dst)
	if err != nil {
		return err
	}
	body, err := readBody(w, r)
	if err != nil {
		return err
	}
	if len(body) == 0 && len(r.Header.Values("Content-Type")) == 0 {
		return nil
	}
	media, err := mediaType(r)
	if err != nil {
		return err
	}
	if !utf8.Valid(body) {
		return core.E(core.CodeInvalidRequest, "The body is not valid UTF-8.")
	}
	if media == mediaForm {
		return decodeForm(body, target)
	}
	return decodeJSON(body, target)
}

// FormValue returns one parameter of a form body, empty when the body is no form or has no such parameter. It is for
// what stands beside the declared input of an endpoint, such as a form token. Errors are those of [Decode].
func FormValue(r *http.Request, name string) (string, error) {
	if media, err := mediaType(r); err != nil || media != mediaForm {
		return "", err
	}
	body, err := readBody(nil, r)
	if err != nil {
		return "", err
	}
	values, err := parseForm(body)
	if err != nil {
		return "", err
	}
	return values.Get(name), nil
}

// readBody reads the whole body within the limit and puts it back.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if r.Body == nil || r.Body == http.NoBody {
		return nil, nil
	}
	tooLarge := core.E(core.CodeTooLarge, "The body is over 64 KiB.")
	if r.ContentLength > MaxBody {
		return nil, tooLarge
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxBody))
	if err != nil {
		if _, over := errors.AsType[*http.MaxBytesError](err); over {
			return nil, tooLarge
		}
		return nil, core.E(core.CodeInvalidRequest, "The body could not be read to its end.").Wrap(err)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return body, nil
}

// mediaType returns mediaJSON or mediaForm, or an error of core.CodeUnsupportedMedia.
func mediaType(r *http.Request) (string, error) {
	unsupported := core.E(core.CodeUnsupportedMedia,
		"Send application/json or application/x-www-form-urlencoded, in UTF-8.")
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		return "", unsupported
	}
	values := r.Header.Values("Content-Type")
	if len(values) != 1 {
		return "", unsupported
	}
	media, params, err := mime.ParseMediaType(values[0])
	if err != nil || media != mediaJSON && media != mediaForm {
		return "", unsupported
	}
	if charset, found := params["charset"]; found && !strings.EqualFold(charset, "utf-8") {
		return "", unsupported
	}
	return media, nil
}

// parseForm parses a form body and refuses a parameter that comes twice (RFC 6749 section 3.2).
func parseForm(body []byte) (url.Values, error) {
	values, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, core.E(core.CodeInvalidRequest, "The form is malformed.")
	}
	for name, all := range values {
		if !utf8.ValidString(name) {
			return nil, core.E(core.CodeInvalidRequest, "The form is not valid UTF-8.")
		}
		if len(all) > 1 {
			return nil, core.FieldE(core.CodeInvalidRequest, name, "The parameter is there more than once.")
		}
		if !utf8.ValidString(all[0]) {
			return nil, core.FieldE(core.CodeInvalidRequest, name, "The value is not valid UTF-8.")
		}
	}
	return values, nil
}
