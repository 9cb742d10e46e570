package gormstore

import (
	"fmt"
	"hash/fnv"
	"strings"
)

// plural is the bare table name of a kind: users, identities, outboxes. Two kinds of one plural are refused when they meet.
func plural(kind string) string {
	switch {
	case strings.HasSuffix(kind, "s"), strings.HasSuffix(kind, "x"), strings.HasSuffix(kind, "ch"), strings.HasSuffix(kind, "sh"):
		return kind + "es"
	case strings.HasSuffix(kind, "y") && len(kind) > 1 && !strings.ContainsRune("aeiou_", rune(kind[len(kind)-2])):
		return kind[:len(kind)-1] + "ies"
	}
	return kind + "s"
}

// maxName is what PostgreSQL keeps of a name.
const maxName = 63

// index returns the bare name of the index on a column, shortened where it would be cut.
func (n names) index(table, column string) string {
	name := n.prefix + table + "_" + column
	if len(name) <= maxName {
		return name
	}
	h := fnv.New32a()
	h.Write([]byte(name))
	return fmt.Sprintf("%s_%08x", name[:maxName-9], h.Sum32())
}
