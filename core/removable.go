package core

import "slices"

// MayRemove reports whether RemoveIdentity would let one of a user's identities go, all of which are given: so that a
// page offers nothing that must fail.
func MayRemove(one *Identity, all []*Identity) bool {
	rest := slices.DeleteFunc(slices.Clone(all), func(i *Identity) bool { return i.ID == one.ID })
	return mustStay(one, rest) == ""
}

// MayUnlink is MayRemove for UnlinkExternal: whether somebody with so many connected accounts may disconnect one.
func MayUnlink(connected int, password bool, all []*Identity) bool {
	return connected > 1 || password && slices.ContainsFunc(all, func(i *Identity) bool { return i.Expires.IsZero() })
}
