package core

import (
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"unicode/utf8"
)

// FieldType is the type of a custom field's value, as in JSON.
type FieldType string

const (
	TextField   FieldType = "string"
	NumberField FieldType = "number"
	BoolField   FieldType = "boolean"
)

// Field declares one custom field of User.Data.
type Field struct {
	Name      string // lower_snake_case
	Type      FieldType
	Required  bool // at sign-up
	MaxLength int  // characters of a TextField; default 1000
	ReadOnly  bool // set by the application alone, never by a request
	// Validate refuses a value with a sentence for the person, or returns "".
	Validate func(value any) string
}

var fieldRE = regexp.MustCompile(`^[a-z][a-z0-9_]{0,47}$`)

func (c *Config) validateFields() error {
	seen := map[string]bool{}
	for i := range c.Fields {
		f := &c.Fields[i]
		switch {
		case !fieldRE.MatchString(f.Name):
			return fmt.Errorf("core: Config.Fields: %q is not lower_snake_case", f.Name)
		case seen[f.Name]:
			return fmt.Errorf("core: Config.Fields: %s is declared twice", f.Name)
		case f.Type != TextField && f.Type != NumberField && f.Type != BoolField:
			return fmt.Errorf("core: Config.Fields: %s has unknown type %q", f.Name, f.Type)
		case f.Required && f.ReadOnly:
			return fmt.Errorf("core: Config.Fields: %s cannot be both required and read-only", f.Name)
		}
		if f.MaxLength == 0 {
			f.MaxLength = 1000
		}
		seen[f.Name] = true
	}
	return nil
}

const maxName = 200 // bytes of a person's name

func checkName(name string) []FieldError {
	if len(name) > maxName || clip(name, maxName) != name {
		return []FieldError{{"name", CodeInvalidField, "A name has at most 200 bytes and no control characters."}}
	}
	return nil
}

// checkData judges custom fields that a request brings. A null value removes a field that is not required.
func (a *Auth) checkData(data map[string]any, complete bool) []FieldError {
	var faults []FieldError
	blame := func(name, why string) {
		faults = append(faults, FieldError{"data." + clip(name, 60), CodeInvalidField, why})
	}
	declared := map[string]Field{}
	for _, f := range a.cfg.Fields {
		declared[f.Name] = f
		if v, ok := data[f.Name]; complete && f.Required && (!ok || v == nil || v == "") {
			blame(f.Name, "This field is required.")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(data)) {
		f, ok := declared[name]
		switch v := data[name]; {
		case !ok:
			blame(name, "There is no such field.")
		case f.ReadOnly:
			blame(name, "This field cannot be set here.")
		case (v == nil || v == "") && f.Required && !complete:
			blame(name, "This field is required.")
		case v != nil:
			if why := f.fault(v); why != "" {
				blame(name, why)
			}
		}
	}
	return faults
}

func (f Field) fault(v any) string {
	switch v := v.(type) {
	case string:
		if f.Type != TextField {
			return "This must be a " + string(f.Type) + "."
		}
		if utf8.RuneCountInString(v) > f.MaxLength {
			return fmt.Sprintf("At most %d characters.", f.MaxLength)
		}
		if clip(v, len(v)) != v {
			return "Control characters are not allowed."
		}
	case float64:
		if f.Type != NumberField || math.IsNaN(v) || math.IsInf(v, 0) {
			return "This must be a " + string(f.Type) + "."
		}
	case bool:
		if f.Type != BoolField {
			return "This must be a " + string(f.Type) + "."
		}
	default:
		return "This must be a " + string(f.Type) + "."
	}
	if f.Validate != nil {
		return f.Validate(v)
	}
	return ""
}

// merge returns data with changes applied; null removes.
func merge(data, changes map[string]any) map[string]any {
	out := maps.Clone(data)
	if out == nil {
		out = map[string]any{}
	}
	for k, v := range changes {
		if v == nil {
			delete(out, k)
		} else {
			out[k] = v
		}
	}
	return out
}

// faultsError makes one error of several inputs at fault; nil when there are none.
func faultsError(faults []FieldError) error {
	switch len(faults) {
	case 0:
		return nil
	case 1:
		return FieldE(faults[0].Code, faults[0].Field, faults[0].Detail)
	}
	e := FieldE(faults[0].Code, faults[0].Field, faults[0].Detail)
	e.Fields = faults
	return e
}
