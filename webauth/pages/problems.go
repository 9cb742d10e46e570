package pages

import (
	"cmp"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/oneauth-go/oneauth/core"
)

// A Problem is one line of the summary of errors. Target is the id of the element that it is about, or "".
type Problem struct{ Text, Target string }

// Href is the address of the element within the page.
func (p Problem) Href() string { return "#" + (&url.URL{Fragment: p.Target}).EscapedFragment() }

// Problems lists the errors of the page, each with the name of its input and where that is: first those of the whole
// form, then the others in the order of their inputs.
func (v *View) Problems() []Problem {
	var all []Problem
	for _, e := range v.Errors {
		p := Problem{Text: v.errorText(e)}
		var label string
		if label, p.Target = v.target(e.Field); p.Target != "" {
			p.Text = v.text("summary_line", "label", label, "text", p.Text)
		}
		all = append(all, p)
	}
	slices.SortStableFunc(all, func(a, b Problem) int { return cmp.Compare(v.place(a), v.place(b)) })
	return all
}

// place is where on the page a problem is; the choice of scopes is below the fields.
func (v *View) place(p Problem) int {
	i := slices.IndexFunc(v.fields, func(f Field) bool { return f.ID == p.Target })
	if i < 0 && p.Target != "" {
		return len(v.fields)
	}
	return i
}

// target finds the input of the failed form that a parameter belongs to.
func (v *View) target(param string) (label, id string) {
	for _, f := range v.fields {
		section, _, _ := strings.Cut(f.ID, "-")
		if f.Name == param && v.live(Section(section)) {
			return f.Label, f.ID
		}
	}
	if c := v.ScopeChoice(); param == "scopes" && v.live(Keys) && len(c.Boxes) > 0 {
		return c.Label, c.Boxes[0].ID
	}
	return "", ""
}

// errorText puts one error into words: the sentence of core in the language of the page, or else the text for the code
// at that field, or for the code alone. A sentence that the catalogue does not know may be the application's own, from
// a validator or hook: it is shown as it is where the code says no more than that something is wrong.
func (v *View) errorText(e core.FieldError) string {
	e.Detail = particular(e.Code, e.Detail)
	if s := v.sentence(e.Detail); s != "" {
		return s
	}
	for _, key := range []string{"error." + string(e.Code) + "." + e.Field, "error." + string(e.Code)} {
		if v.Has(key) {
			return v.text(key)
		}
	}
	if e.Detail != "" {
		return e.Detail
	}
	return v.text("error.other")
}

// particular drops a detail that only repeats the title of its code, which the catalogue says in plainer words.
func particular(code core.Code, detail string) string {
	if strings.TrimSuffix(detail, ".") == code.Title() {
		return ""
	}
	return detail
}

var number = regexp.MustCompile(`[0-9]+`)

// sentence translates a sentence that core wrote. The catalogue has it under "detail.", with {1}, {2} ... in place of
// its numbers. People who read English get it as it is. It is "" where there is no translation.
func (v *View) sentence(detail string) string {
	if detail == "" {
		return ""
	}
	var numbers []string
	key := "detail." + number.ReplaceAllStringFunc(detail, func(n string) string {
		numbers = append(numbers, strconv.Itoa(len(numbers)/2+1), n)
		return "{" + numbers[len(numbers)-2] + "}"
	})
	if v.Has(key) {
		return v.text(key, numbers...)
	}
	if lang, _, _ := strings.Cut(v.Lang, "-"); lang == "en" {
		return detail
	}
	return ""
}

func (v *View) problemTitle(p Error) string {
	if p.Title != "" {
		return p.Title
	}
	if key := "problem." + string(p.Code) + ".title"; v.Has(key) {
		return v.text(key)
	}
	return v.text("problem.other.title")
}

// ProblemDetail is what an error page says besides its title.
func (v *View) ProblemDetail() string {
	p, _ := v.Page.(Error)
	if key := "problem." + string(p.Code) + ".detail"; v.Has(key) {
		return v.text(key)
	}
	p.Detail = particular(p.Code, p.Detail)
	if s := v.sentence(p.Detail); s != "" {
		return s
	}
	if p.Detail != "" {
		return p.Detail
	}
	return v.text("problem.other.detail")
}

// A Way leads on from an error page.
type Way struct{ Text, Href string }

// WayOn is the one thing that helps: signing in, the account page, or the start page.
func (v *View) WayOn() Way {
	p, _ := v.Page.(Error)
	switch p.Code {
	case core.CodeUnauthenticated, core.CodeReauthRequired, core.CodeInvalidCredentials, core.CodeIdentityTaken,
		core.CodeVerificationRequired, core.CodeProviderRefused, core.CodeProviderFailed:
		return Way{v.text("problem.login"), v.Link("/login")}
	case core.CodeLimitReached, core.CodeConflict:
		return Way{v.text("problem.account"), v.Path("/account")}
	}
	return Way{v.text("problem.home"), v.Home}
}
