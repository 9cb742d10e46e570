package datastore

import (
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"strings"
	"unicode/utf8"

	"cloud.google.com/go/datastore"
	"github.com/oneauth-go/oneauth/core/record"
)

// names maps keys of records to keys of entities. The name of an entity is "<tenant>/<id>", or "/<id>" where the tenant is
// in the namespace: ids keep their byte order, in which Datastore sorts names, and no name is of the reserved form
// "__.*__".
type names struct {
	tenancy       Tenancy
	space, prefix string
}

// Kinds beside those of records. A record's kind has no capitals, so they never meet.
const (
	schemaKind = "Schema" // the fields of a kind, in order
	partKind   = "Part"   // what did not fit into an entity
)

// maxNamespace is how many bytes a namespace may have.
const maxNamespace = 100

func (n names) entity(k record.Key) *datastore.Key {
	return n.key(n.namespace(k.Tenant), k.Kind, n.tenantPart(k.Tenant)+"/"+k.ID)
}

func (n names) key(namespace, kind, name string) *datastore.Key {
	key := datastore.NameKey(n.prefix+kind, name, nil)
	key.Namespace = namespace
	return key
}

// id is the inverse of entity for a key of the given tenant.
func (n names) id(tenant string, key *datastore.Key) (string, error) {
	id, ok := strings.CutPrefix(key.Name, n.tenantPart(tenant)+"/")
	if !ok || id == "" {
		return "", fmt.Errorf("%w: key %v is not of tenant %q", record.ErrCorrupt, key, tenant)
	}
	return id, nil
}

// schema is the key of the entity that lists a kind's fields.
func (n names) schema(kind string) *datastore.Key {
	return n.key(n.namespace(record.System), schemaKind, kind)
}

var tenantEscapes = strings.NewReplacer("%", "%25", "/", "%2F")

// tenantPart is the tenant in the name of an entity. It has no slash and does not begin with an underscore.
func (n names) tenantPart(tenant string) string {
	if n.tenancy == PerTenant {
		return ""
	}
	if strings.HasPrefix(tenant, "_") {
		return "%5F" + tenantEscapes.Replace(tenant[1:])
	}
	return tenantEscapes.Replace(tenant)
}

// namespace is the tenant's namespace. Where it is the tenant's own, bytes other than letters, digits, dots and hyphens
// are an underscore and two hexadecimal digits; a tenant for which 100 bytes are too few is "_h" and its SHA-256.
func (n names) namespace(tenant string) string {
	if n.tenancy == Shared {
		return n.space
	}
	b := []byte(n.space)
	for i := range len(tenant) {
		if c := tenant[i]; c == '.' || c == '-' || c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' {
			b = append(b, c)
		} else {
			b = fmt.Appendf(b, "_%02x", c)
		}
	}
	if len(b) > maxNamespace {
		sum := sha256.Sum256([]byte(tenant))
		return n.space + "_h" + strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:]))
	}
	return string(b)
}

// bounds returns between which names a query looks, and whether the lower one is part of the answer.
func (n names) bounds(q record.Query) (low, high string, inclusive bool) {
	part := n.tenantPart(q.Tenant)
	low, inclusive = q.From, true
	if q.After != "" && q.After >= q.From {
		low, inclusive = q.After, false
	}
	high = part + "0" // the character after the slash
	if q.To != "" {
		high = part + "/" + cut(q.To)
	}
	return part + "/" + cut(low), high, inclusive
}

// cut shortens a bound that is longer than any id, so that it fits into a key. No id lies between the two: it would have
// to begin with the shorter one.
func cut(bound string) string {
	end := record.MaxID + 1
	for end < len(bound) && !utf8.RuneStart(bound[end]) {
		end++
	}
	return bound[:min(end, len(bound))]
}
