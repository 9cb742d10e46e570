package archtest

import (
	"fmt"
	"slices"
	"strings"
)

// Room is one row of the table: packages, and what they may import.
type Room struct {
	Name string // import path within the module; "core/..." means everything below core that has no row of its own
	Why  string // what the room is for, in a few words

	Own   []string // rooms of this module that it may import directly
	Third []Third  // packages of other modules that it may import directly

	// Never lists what must not be in the room's build at all, directly or through others: packages, or with /... all
	// below.
	Never []string

	NoStd []string // packages of the standard library that it must not import directly
}

// Third is a package of another module that a room may import, and the reason. A name ending in /... means everything
// below it.
type Third struct{ Path, Why string }

// Check returns every import of module's packages in g that breaks a rule, as sentences, sorted.
func Check(g Graph, module string, rooms []Room) []string {
	var faults []string
	for path, p := range g {
		if !within(path, module) {
			continue
		}
		name := strings.TrimPrefix(strings.TrimPrefix(path, module), "/")
		room := roomOf(rooms, name)
		if room == nil {
			faults = append(faults, fmt.Sprintf("%s belongs to no room: add it to the table", show(name)))
			continue
		}
		faults = append(faults, room.direct(g, module, name, p)...)
		faults = append(faults, room.transitive(g, name, path)...)
	}
	slices.Sort(faults)
	return faults
}

// roomOf returns the room of a package: its own row, or else the longest row that ends in /... and is above it.
func roomOf(rooms []Room, name string) *Room {
	var best *Room
	for i := range rooms {
		r := &rooms[i]
		if r.Name == name {
			return r
		}
		if matches(r.Name, name) && (best == nil || len(r.Name) > len(best.Name)) {
			best = r
		}
	}
	return best
}

// direct checks what a package itself imports.
func (r *Room) direct(g Graph, module, name string, p Package) []string {
	var faults []string
	for _, imported := range p.Imports {
		switch {
		case within(imported, module):
			own := strings.TrimPrefix(strings.TrimPrefix(imported, module), "/")
			if !matchesAny(r.Own, own) {
				faults = append(faults, fmt.Sprintf("%s must not import %s", show(name), show(own)))
			}
		case g.standard(imported):
			if matchesAny(r.NoStd, imported) {
				faults = append(faults, fmt.Sprintf("%s must not import %s", show(name), imported))
			}
		default:
			allowed := slices.ContainsFunc(r.Third, func(t Third) bool { return matches(t.Path, imported) })
			if !allowed {
				faults = append(faults, fmt.Sprintf("%s must not import %s: no reason is on the list", show(name), imported))
			}
		}
	}
	return faults
}

// transitive checks what a package brings into a build.
func (r *Room) transitive(g Graph, name, path string) []string {
	if len(r.Never) == 0 {
		return nil
	}
	var faults []string
	from := g.Deps(path)
	for dep := range from {
		if matchesAny(r.Never, dep) {
			faults = append(faults, fmt.Sprintf("%s must not bring in %s (%s)", show(name), dep, chain(from, path, dep)))
		}
	}
	return faults
}

// CheckTests returns every module that tests import beside the code, and that is not on the list.
func CheckTests(g Graph, module string, allowed []Third) []string {
	var faults []string
	for path, p := range g {
		if !within(path, module) {
			continue
		}
		for _, imported := range p.ForTests {
			if g.standard(imported) || within(imported, module) || slices.Contains(p.Imports, imported) {
				continue
			}
			listed := func(t Third) bool { return matches(t.Path, imported) }
			if !slices.ContainsFunc(allowed, listed) && !slices.ContainsFunc(allThird(), listed) {
				faults = append(faults, fmt.Sprintf("tests of %s must not import %s: no reason is on the list", path, imported))
			}
		}
	}
	slices.Sort(faults)
	return slices.Compact(faults)
}

// allThird returns what any room may import.
func allThird() (all []Third) {
	for _, r := range Rooms {
		all = append(all, r.Third...)
	}
	return all
}

func within(path, module string) bool {
	return path == module || strings.HasPrefix(path, module+"/")
}

// matches reports whether a path is pattern, or below it when it ends in /...
func matches(pattern, path string) bool {
	above, all := strings.CutSuffix(pattern, "/...")
	if !all {
		return pattern == path
	}
	return path == above || strings.HasPrefix(path, above+"/")
}

func matchesAny(patterns []string, path string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return matches(p, path) })
}

func show(name string) string {
	if name == "" {
		return "the root package"
	}
	return name
}
