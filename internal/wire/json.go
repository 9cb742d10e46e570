package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"unicode/utf8"

	"github.com/oneauth-go/oneauth/core"
)

// maxDepth is how deeply arrays and objects may nest.
const maxDepth = 32

// decodeJSON decodes one JSON object, member by member so that an error can name the member at fault.
func decodeJSON(body []byte, target reflect.Value) error {
	if !json.Valid(body) {
		return core.E(core.CodeInvalidRequest, "The body is not one well-formed JSON value.")
	}
	if body[firstByte(body)] != '{' {
		return core.E(core.CodeInvalidRequest, "The body is not a JSON object.")
	}
	scan := scanner{tokens: json.NewDecoder(bytes.NewReader(body))}
	if err := scan.value(target.Type(), "", 0); err != nil {
		return err
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(body, &members); err != nil {
		return core.E(core.CodeInvalidRequest, "The body is not a JSON object.")
	}
	result := reflect.New(target.Type()).Elem()
	result.Set(target)
	for _, f := range layoutOf(target.Type()).fields {
		raw, found := members[f.name]
		if !found || string(raw) == "null" {
			continue
		}
		value := reflect.New(f.typ)
		if err := json.Unmarshal(raw, value.Interface()); err != nil {
			return wrongType(f.name, err)
		}
		result.FieldByIndex(f.index).Set(value.Elem())
	}
	target.Set(result)
	return nil
}

func firstByte(body []byte) int {
	return len(body) - len(bytes.TrimLeft(body, " \t\r\n"))
}

func wrongType(name string, err error) error {
	if mismatch, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && mismatch.Field != "" {
		name += "." + mismatch.Field
	}
	return core.FieldE(core.CodeInvalidRequest, name, "The value is of the wrong type.")
}

// A scanner walks the tokens of a well-formed JSON text beside the type that it will be decoded into. It finds what
// encoding/json would take silently: members that come twice or in another case than declared, at any depth, and
// strings that are no Unicode text.
type scanner struct {
	tokens *json.Decoder
}

// value consumes one value. t may be nil, for a value of no declared shape; path names the value, empty for the root.
func (s *scanner) value(t reflect.Type, path string, depth int) error {
	token, err := s.tokens.Token()
	if err != nil {
		return core.E(core.CodeInvalidRequest, "The body is not one well-formed JSON value.")
	}
	switch token := token.(type) {
	case string:
		return checkText(token, path)
	case json.Delim:
		if depth == maxDepth {
			return core.FieldE(core.CodeInvalidRequest, path, "The value is nested too deeply.")
		}
		if token == '{' {
			return s.object(t, path, depth+1)
		}
		return s.array(t, path, depth+1)
	}
	return nil
}

func (s *scanner) array(t reflect.Type, path string, depth int) error {
	var elem reflect.Type
	if t = inner(t); t != nil && (t.Kind() == reflect.Slice || t.Kind() == reflect.Array) {
		elem = t.Elem()
	}
	for s.tokens.More() {
		if err := s.value(elem, path, depth); err != nil {
			return err
		}
	}
	_, err := s.tokens.Token()
	return err
}

func (s *scanner) object(t reflect.Type, path string, depth int) error {
	t = inner(t)
	seen := make(map[string]bool)
	for s.tokens.More() {
		token, err := s.tokens.Token()
		if err != nil {
			return err
		}
		name := token.(string)
		full := strings.TrimPrefix(path+"."+name, ".")
		if err := checkText(name, path); err != nil {
			return err
		}
		folded := foldCase(name)
		if seen[folded] {
			return core.FieldE(core.CodeInvalidRequest, full, "The member is there more than once, or in two cases.")
		}
		seen[folded] = true
		var elem reflect.Type
		switch {
		case t == nil:
		case t.Kind() == reflect.Map:
			elem = t.Elem()
		case t.Kind() == reflect.Struct:
			if declared, found := layoutOf(t).byFold[folded]; found {
				if declared.name != name {
					return core.FieldE(core.CodeInvalidRequest, full, "The member must be written "+declared.name+".")
				}
				elem = declared.typ
			}
		}
		if err := s.value(elem, full, depth); err != nil {
			return err
		}
	}
	_, err := s.tokens.Token()
	return err
}

// checkText refuses the replacement character, which encoding/json puts where an escape is half a surrogate pair: two
// different texts would become one.
func checkText(s, path string) error {
	if strings.ContainsRune(s, utf8.RuneError) {
		return core.FieldE(core.CodeInvalidRequest, path, "The text is not valid Unicode.")
	}
	return nil
}
