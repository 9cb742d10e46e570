package dstest

import (
	"cmp"
	"regexp"
	"unicode/utf8"

	pb "cloud.google.com/go/datastore/apiv1/datastorepb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

const (
	maxName      = 1500
	maxNamespace = 100
)

var (
	reserved    = regexp.MustCompile(`(?s)^__.*__$`)
	namespaceRE = regexp.MustCompile(`^[0-9A-Za-z._-]*$`)
)

func invalid(format string, args ...any) error {
	return status.Errorf(codes.InvalidArgument, format, args...)
}

// checkKey refuses keys that the service refuses, and those with ancestors or without a name.
func checkKey(k *pb.Key) error {
	if ns := k.GetPartitionId().GetNamespaceId(); len(ns) > maxNamespace || !namespaceRE.MatchString(ns) || len(ns) > 1 && ns[:2] == "__" {
		return invalid("namespace %q is not valid", ns)
	}
	if len(k.GetPath()) != 1 {
		return status.Error(codes.Unimplemented, "keys with ancestors")
	}
	e := k.Path[0]
	if e.GetName() == "" {
		return status.Error(codes.Unimplemented, "keys without a name")
	}
	for what, name := range map[string]string{"kind": e.Kind, "name": e.GetName()} {
		if why := nameFault(name); why != "" {
			return invalid("the %s %q of the key %s", what, name, why)
		}
	}
	return nil
}

func nameFault(name string) string {
	switch {
	case name == "":
		return "is empty"
	case len(name) > maxName:
		return "is longer than 1500 bytes"
	case !utf8.ValidString(name):
		return "is not valid UTF-8"
	case reserved.MatchString(name):
		return "is reserved"
	}
	return ""
}

// tableKey is where the entities of one kind in one namespace are.
type tableKey struct{ namespace, kind string }

func tableOf(k *pb.Key) tableKey {
	return tableKey{k.GetPartitionId().GetNamespaceId(), k.Path[0].Kind}
}

// id is the key as a Go map key.
func id(k *pb.Key) string {
	return k.GetPartitionId().GetNamespaceId() + "\x00" + k.Path[0].Kind + "\x00" + k.Path[0].GetName()
}

// compareKeys orders keys by namespace, kind and name, as bytes.
func compareKeys(a, b *pb.Key) int {
	return cmp.Or(cmp.Compare(a.GetPartitionId().GetNamespaceId(), b.GetPartitionId().GetNamespaceId()),
		cmp.Compare(a.Path[0].Kind, b.Path[0].Kind), cmp.Compare(a.Path[0].GetName(), b.Path[0].GetName()))
}
