package datastore

import (
	"fmt"
	"regexp"
)

// Tenancy says how the records of tenants are kept apart.
type Tenancy uint8

const (
	// Shared keeps all tenants in one namespace; the key name of an entity is its tenant, a slash and its id.
	Shared Tenancy = iota
	// PerTenant gives each tenant a namespace of its own. Sweep asks every one of them for every kind, so it costs more
	// with each tenant.
	PerTenant
)

// Options says where in the database the records are. Change none of them once there is data.
type Options struct {
	Tenancy Tenancy

	// Namespace is the namespace of everything (Shared; empty is the default namespace), or what the namespaces of
	// tenants begin with (PerTenant; empty means "oneauth-"). At most 40 letters, digits, dots, hyphens and underscores,
	// the first one no underscore.
	Namespace string

	// KindPrefix is what the kinds of entities begin with; empty means "oneauth_". At most 40 letters, digits and
	// underscores, beginning with a letter. Installations that share a namespace need prefixes of which none begins another.
	KindPrefix string
}

var (
	namespaceRE = regexp.MustCompile(`^([0-9A-Za-z.-][0-9A-Za-z._-]{0,39})?$`)
	prefixRE    = regexp.MustCompile(`^[A-Za-z][0-9A-Za-z_]{0,39}$`)
)

// names fills in the defaults, or says which option cannot be.
func (o Options) names() (names, error) {
	if o.Tenancy > PerTenant {
		return names{}, fmt.Errorf("datastore: Options.Tenancy is %d, not Shared or PerTenant", o.Tenancy)
	}
	if o.Namespace == "" && o.Tenancy == PerTenant {
		o.Namespace = "oneauth-"
	}
	if o.KindPrefix == "" {
		o.KindPrefix = "oneauth_"
	}
	if !namespaceRE.MatchString(o.Namespace) {
		return names{}, fmt.Errorf("datastore: Options.Namespace %q does not match %v", o.Namespace, namespaceRE)
	}
	if !prefixRE.MatchString(o.KindPrefix) {
		return names{}, fmt.Errorf("datastore: Options.KindPrefix %q does not match %v", o.KindPrefix, prefixRE)
	}
	return names{tenancy: o.Tenancy, space: o.Namespace, prefix: o.KindPrefix}, nil
}
