package core

import (
	"fmt"
	"slices"
	"strings"

	"github.com/oneauth-go/oneauth/core/identifier"
)

// domains are those whose e-mail addresses may have an account: in lower-case A-labels, one with a dot in front stands
// for all below it, and not for itself. None at all are every domain.
type domains []string

// parseDomains brings configured domains into the form that parsed addresses have.
func parseDomains(given []string) (domains, error) {
	var all domains
	for _, s := range given {
		bare, below := strings.CutPrefix(s, ".")
		id, err := identifier.Parse(identifier.Email, "x@"+bare)
		if err != nil {
			return nil, fmt.Errorf("core: Config.AllowedDomains: %q is no domain such as corp.example, or .corp.example for those below it", s)
		}
		name := domainOf(id.Value)
		if below {
			name = "." + name
		}
		all = append(all, name)
	}
	return all, nil
}

// domainOf returns the domain of a parsed address, which has one @ sign.
func domainOf(address string) string { return address[strings.LastIndexByte(address, '@')+1:] }

// allow reports whether an e-mail address is of one of the domains. Other identities are of none and allowed.
func (d domains) allow(i *Identity) bool {
	if len(d) == 0 || i.Kind != identifier.Email {
		return true
	}
	domain := domainOf(i.Value)
	return slices.ContainsFunc(d, func(name string) bool {
		return name == domain || name[0] == '.' && strings.HasSuffix(domain, name)
	})
}

// refuse returns why identities cannot make an account: one that is of another domain, or no e-mail address at all.
func (d domains) refuse(all []Identity) *Error {
	if len(d) == 0 {
		return nil
	}
	mail := false
	for i := range all {
		if !d.allow(&all[i]) {
			return FieldE(CodeSignUpRefused, string(identifier.Email), foreignDomain)
		}
		mail = mail || all[i].Kind == identifier.Email
	}
	if !mail {
		return FieldE(CodeIdentifierRequired, string(identifier.Email), "An e-mail address is required.")
	}
	return nil
}

// foreignDomain is what people are told whose address is of another domain.
const foreignDomain = "Addresses of this domain cannot be used here."
