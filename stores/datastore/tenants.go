package datastore

import (
	"context"
	"encoding/hex"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"cloud.google.com/go/datastore"
	"github.com/oneauth-go/oneauth/core/record"
)

var _ record.Lister = (*Store)(nil)

// Tenants implements record.Lister. In Shared it looks at one key of each tenant and kind, in PerTenant at the namespaces. It
// fails where a namespace is the hash of a tenant, which says nothing of its name.
func (s *Store) Tenants(ctx context.Context) ([]string, error) {
	kinds, err := s.Kinds(ctx)
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	if s.names.tenancy == PerTenant {
		spaces, err := s.namespaces(ctx)
		if err != nil {
			return nil, failed(ctx, err)
		}
		for _, space := range spaces {
			tenant, err := s.names.tenantOf(space)
			if err != nil {
				return nil, err
			}
			seen[tenant] = true
		}
		return slices.Sorted(maps.Keys(seen)), nil
	}
	for _, k := range kinds {
		kind := k.Name
		for low := "!"; ; { // before all names
			q := datastore.NewQuery(s.names.prefix+kind).Namespace(s.names.space).KeysOnly().
				FilterField("__key__", ">=", s.names.key(s.names.space, kind, low)).Order("__key__").Limit(1)
			found, err := s.reader(ctx).run(q)
			if err != nil {
				return nil, failed(ctx, err)
			}
			if len(found) == 0 {
				break
			}
			part, _, ok := strings.Cut(found[0].key.Name, "/")
			tenant, err := url.PathUnescape(part) // of what tenantPart escapes
			if !ok || err != nil {
				return nil, fmt.Errorf("%w: key %v", record.ErrCorrupt, found[0].key)
			}
			seen[tenant] = true
			low = part + "0" // the character after the slash
		}
	}
	return slices.Sorted(maps.Keys(seen)), nil
}

// tenantOf is the inverse of namespace, for PerTenant.
func (n names) tenantOf(space string) (string, error) {
	var b strings.Builder
	rest := strings.TrimPrefix(space, n.space)
	for {
		plain, escaped, more := strings.Cut(rest, "_")
		b.WriteString(plain)
		if !more {
			return b.String(), nil
		}
		if len(escaped) < 2 {
			return "", fmt.Errorf("%w: namespace %q", record.ErrCorrupt, space)
		}
		c, err := hex.DecodeString(escaped[:2])
		if err != nil {
			return "", fmt.Errorf("datastore: namespace %q does not tell the name of its tenant", space)
		}
		b.Write(c)
		rest = escaped[2:]
	}
}

// Kinds implements record.Lister.
func (s *Store) Kinds(ctx context.Context) ([]record.Kind, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	q := datastore.NewQuery(s.names.prefix + schemaKind).Namespace(s.names.namespace(record.System))
	found, err := s.reader(ctx).run(q)
	if err != nil {
		return nil, failed(ctx, err)
	}
	var kinds []record.Kind
	for _, e := range found {
		fields, err := storedFields(e.key.Name, e.props)
		if err != nil {
			return nil, err
		}
		kinds = append(kinds, record.Kind{Name: e.key.Name, Fields: fields})
	}
	slices.SortFunc(kinds, func(a, b record.Kind) int { return strings.Compare(a.Name, b.Name) })
	return kinds, nil
}
