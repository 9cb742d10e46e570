package pages

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/core/identifier"
)

// A Field is one input of a form, ready for the template "field".
type Field struct {
	ID, Name     string // of the element, of the parameter
	Label        string
	Type         string // as in HTML; or "select"
	Value        string
	Autocomplete string // WHATWG HTML, section "Autofill"
	InputMode    string
	Hint, Error  string
	Required     bool
	Checked      bool
	Autofocus    bool
	MinLength    int
	MaxLength    int
	Step         string   // of a number
	Options      []Option // of a select
}

// An Option is one choice of a select.
type Option struct {
	Value, Label string
	Selected     bool
}

// DescribedBy lists the ids of hint and error, for aria-describedby.
func (f Field) DescribedBy() string {
	var ids []string
	if f.Hint != "" {
		ids = append(ids, f.ID+"-hint")
	}
	if f.Error != "" {
		ids = append(ids, f.ID+"-error")
	}
	return strings.Join(ids, " ")
}

// Fields returns the fields of the page's form. On the account page use [View.In].
func (v *View) Fields() []Field { return v.fields }

// Field returns one field of the page's form. An unknown name is an error, which [New] finds.
func (v *View) Field(name string) (Field, error) {
	for _, f := range v.fields {
		if f.Name == name {
			return f, nil
		}
	}
	return Field{}, fmt.Errorf("pages: page %s has no field %q", v.Template, name)
}

// In returns the fields of one section of the account page.
func (v *View) In(section Section) []Field {
	var in []Field
	for _, f := range v.fields {
		if strings.HasPrefix(f.ID, string(section)+"-") {
			in = append(in, f)
		}
	}
	return in
}

// live reports whether Values and Errors belong to the form of a section; on all other pages there is but one form.
func (v *View) live(section Section) bool {
	a, ok := v.Page.(Account)
	return !ok || a.Failed == section
}

// field completes f: its id, what was typed in place of what is stored, and what is wrong with it.
func (v *View) field(section Section, f Field) Field {
	f.ID = string(section) + "-" + f.Name
	if f.Type == "" {
		f.Type = "text"
	}
	if !v.live(section) {
		return f
	}
	if typed, ok := v.Values[f.Name]; ok && f.Type != "password" {
		f.Value = typed
		f.Checked = typed == "on" || typed == "true" || typed == "1"
		for i := range f.Options {
			f.Options[i].Selected = f.Options[i].Value == typed
		}
	}
	for _, e := range v.Errors {
		if e.Field == f.Name {
			f.Error = v.errorText(e)
			break
		}
	}
	return f
}

const pageForm Section = "f" // the one form of a page

// focusFirst lets typing begin in the first empty field, unless there are errors to be read first.
func (v *View) focusFirst(fields []Field) []Field {
	if len(v.Errors) > 0 {
		return fields
	}
	for i, f := range fields {
		if f.Value == "" && f.Type != "checkbox" {
			fields[i].Autofocus = true
			break
		}
	}
	return fields
}

func (v *View) newPassword(section Section, label string) Field {
	f := Field{
		Name: "password", Label: v.text(label), Type: "password", Autocomplete: "new-password", Required: true,
		MinLength: v.set.o.PasswordLength, Hint: v.text("hint.password_free"),
	}
	if f.MinLength > 0 {
		f.Hint = v.text("hint.password", "n", strconv.Itoa(f.MinLength))
	}
	return v.field(section, f)
}

// identifierField asks for any identifier that the application has.
func (v *View) identifierField(section Section) Field {
	f := Field{
		Name: "identifier", Label: v.text("label.identifier." + v.set.kinds()), Autocomplete: "username", Required: true,
		MaxLength: 320,
	}
	kinds := v.set.o.Identifiers
	switch {
	case len(kinds) == 1 && kinds[0] == identifier.Phone:
		f.Type, f.InputMode = "tel", "tel"
	case slices.Contains(kinds, identifier.Email):
		f.InputMode = "email"
	}
	return v.field(section, f)
}

func (p SignUp) fields(v *View) []Field {
	var all []Field
	if refused := func(e core.FieldError) bool { return e.Field == "invite" }; p.Invite != "" || v.set.o.InviteOnly ||
		slices.ContainsFunc(p.Errors, refused) {
		all = append(all, v.field(pageForm, Field{
			Name: "invite", Label: v.text("label.invite"), Value: p.Invite, Required: true, MaxLength: 100,
			Hint: v.text("hint.invite"),
		}))
	}
	for _, k := range v.set.o.Identifiers {
		f := Field{
			Name: string(k), Label: v.text("label." + string(k)), Required: !v.SeveralIdentifiers(), MaxLength: 320,
		}
		switch k {
		case identifier.Email:
			f.Type, f.InputMode, f.Autocomplete, f.Value = "email", "email", "email", p.Email
		case identifier.Phone:
			f.Type, f.InputMode, f.Autocomplete, f.Hint = "tel", "tel", "tel", v.text("hint.phone")
		case identifier.Username:
			f.Autocomplete = "username"
		}
		all = append(all, v.field(pageForm, f))
	}
	all = append(all, v.field(pageForm, v.nameField()), v.newPassword(pageForm, "label.password"))
	return append(all, v.customFields(pageForm, nil)...)
}

func (v *View) nameField() Field {
	return Field{Name: "name", Label: v.text("optional", "label", v.text("label.name")), Autocomplete: "name", MaxLength: 200}
}

func (p Login) fields(v *View) []Field {
	id := v.identifierField(pageForm)
	if p.Reauth != "" {
		id.Value = p.Reauth
	}
	password := v.field(pageForm, Field{
		Name: "password", Label: v.text("label.password"), Type: "password", Autocomplete: "current-password", Required: true,
	})
	remember := v.field(pageForm, Field{
		Name: "remember", Label: v.text("label.remember"), Type: "checkbox", Value: "true", Hint: v.text("hint.remember"),
	})
	return v.focusFirst([]Field{id, password, remember})
}

func (Forgot) fields(v *View) []Field { return v.focusFirst([]Field{v.identifierField(pageForm)}) }

func (p Reset) fields(v *View) []Field {
	if p.LinkToken == "" {
		return nil
	}
	return v.focusFirst([]Field{v.newPassword(pageForm, "label.new_password")})
}

func (p Verify) fields(v *View) []Field {
	if p.LinkToken != "" {
		return nil
	}
	return []Field{v.identifierField(pageForm)}
}

func (p Error) fields(v *View) []Field {
	if p.Code != core.CodeVerificationRequired {
		return nil
	}
	return []Field{v.identifierField(pageForm)}
}

// customFields asks for the declared fields that a request may set; stored are their values so far.
func (v *View) customFields(section Section, stored map[string]any) []Field {
	var all []Field
	for _, d := range v.set.o.Fields {
		if d.ReadOnly {
			continue
		}
		f := Field{Name: "data." + d.Name, Label: v.fieldLabel(d), Required: d.Required}
		if !d.Required {
			f.Label = v.text("optional", "label", f.Label)
		}
		if hint := "data." + d.Name + ".hint"; v.Has(hint) {
			f.Hint = v.text(hint)
		}
		value := ""
		if have, ok := stored[d.Name]; ok && have != nil {
			value = fmt.Sprint(have)
		}
		switch d.Type {
		case core.BoolField:
			f.Type, f.Options = "select", v.yesNo(value)
		case core.NumberField:
			f.Type, f.InputMode, f.Step, f.Value = "number", "decimal", "any", value
		default:
			f.Value, f.MaxLength = value, d.MaxLength
		}
		all = append(all, v.field(section, f))
	}
	return all
}

// yesNo is a select, since a checkbox that is not ticked sends nothing and could not say no.
func (v *View) yesNo(value string) []Option {
	return []Option{
		{"", v.text("profile.unset"), value == ""}, {"true", v.text("profile.yes"), value == "true"},
		{"false", v.text("profile.no"), value == "false"},
	}
}

// fieldLabel is the text of the declared field, or else its name in words.
func (v *View) fieldLabel(f core.Field) string {
	if key := "data." + f.Name; v.Has(key) {
		return v.text(key)
	}
	words := strings.ReplaceAll(f.Name, "_", " ")
	return strings.ToUpper(words[:1]) + words[1:]
}
