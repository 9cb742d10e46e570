package wire

import (
	"encoding"
	"encoding/json"
	"errors"
	"net/url"
	"reflect"
	"strconv"
	"strings"

	"github.com/oneauth-go/oneauth/core"
)

// decodeForm decodes form parameters by the declared type of each field: text as it is, booleans as true, false, 1, 0
// or the "on" of a checkbox, integers in decimal, times after RFC 3339 and whatever else reads itself from text, lists
// of strings separated by spaces, and maps from parameters named after the map and the entry, such as data.city. An
// empty parameter counts as absent (RFC 6749 section 3.1), except that a *string is set to the empty text, and that an
// entry of a map of anything is null, which removes what is stored.
func decodeForm(body []byte, target reflect.Value) error {
	values, err := parseForm(body)
	if err != nil {
		return err
	}
	result := reflect.New(target.Type()).Elem()
	result.Set(target)
	for _, f := range layoutOf(target.Type()).fields {
		into := result.FieldByIndex(f.index)
		if f.typ.Kind() == reflect.Map && f.typ.Key().Kind() == reflect.String {
			err = setMap(into, f.name, values)
		} else if text, found := single(values, f.name); found {
			err = setText(into, text)
		}
		if err != nil {
			var invalid *core.Error
			if errors.As(err, &invalid) {
				return invalid
			}
			return core.FieldE(core.CodeInvalidRequest, f.name, "The value is of the wrong type.")
		}
	}
	target.Set(result)
	return nil
}

func single(values url.Values, name string) (string, bool) {
	if all := values[name]; len(all) == 1 {
		return all[0], true
	}
	return "", false
}

// setMap fills a map of strings, of raw JSON or of anything from the parameters "name.entry".
func setMap(into reflect.Value, name string, values url.Values) error {
	if values.Has(name) {
		return core.FieldE(core.CodeInvalidRequest, name, "Send one parameter for each member, such as "+name+".city.")
	}
	entries := reflect.MakeMap(into.Type())
	for param, all := range values {
		entry, found := strings.CutPrefix(param, name+".")
		if !found || entry == "" {
			continue
		}
		value := reflect.New(into.Type().Elem()).Elem()
		if err := setText(value, all[0]); err != nil {
			return core.FieldE(core.CodeInvalidRequest, param, "The value is of the wrong type.")
		}
		entries.SetMapIndex(reflect.ValueOf(entry).Convert(into.Type().Key()), value)
	}
	if entries.Len() > 0 {
		into.Set(entries)
	}
	return nil
}

var errWrongType = errors.New("wrong type")

// setText parses text into one value.
func setText(into reflect.Value, text string) error {
	switch target := into.Addr().Interface().(type) {
	case *json.RawMessage:
		quoted, err := json.Marshal(text)
		*target = quoted
		return err
	case *any:
		if text != "" {
			*target = text
		}
		return nil
	case **string:
		*target = &text
		return nil
	}
	if parser, ok := into.Addr().Interface().(encoding.TextUnmarshaler); ok && text != "" {
		return parser.UnmarshalText([]byte(text))
	}
	if into.Kind() == reflect.String {
		into.SetString(text)
		return nil
	}
	if text == "" {
		return nil
	}
	if into.Kind() == reflect.Pointer {
		value := reflect.New(into.Type().Elem())
		if err := setText(value.Elem(), text); err != nil {
			return err
		}
		into.Set(value)
		return nil
	}
	return setParsed(into, text)
}

func setParsed(into reflect.Value, text string) error {
	switch target := into.Addr().Interface().(type) {
	case *[]string:
		*target = strings.Fields(text)
		return nil
	case *bool:
		return setBool(target, text)
	}
	switch {
	case into.CanInt():
		n, err := strconv.ParseInt(text, 10, into.Type().Bits())
		into.SetInt(n)
		return err
	case into.CanUint():
		n, err := strconv.ParseUint(text, 10, into.Type().Bits())
		into.SetUint(n)
		return err
	}
	return errWrongType
}

func setBool(target *bool, text string) error {
	switch text {
	case "true", "1", "on":
		*target = true
	case "false", "0":
		*target = false
	default:
		return errWrongType
	}
	return nil
}
