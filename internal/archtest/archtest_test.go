package archtest

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const root = "../.."

// Every package imports only what its room may.
func TestRooms(t *testing.T) {
	g, err := Load(root)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := g[Module+"/core"]; !ok {
		t.Fatalf("go list did not find %s/core among %d packages", Module, len(g))
	}
	for _, fault := range Check(g, Module, Rooms) {
		t.Error(fault)
	}
	for _, fault := range CheckTests(g, Module, ForTests) {
		t.Error(fault)
	}
	for _, nested := range Nested {
		g, err := Load(filepath.Join(root, nested))
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := g[Module+"/"+nested]; !ok {
			t.Fatalf("go list did not find %s", nested)
		}
		for _, fault := range Check(g, Module, Rooms) {
			t.Error(fault)
		}
	}
}

// No module is left out but the examples, which may import anything.
func TestNestedModulesAreAll(t *testing.T) {
	work, err := os.ReadFile(filepath.Join(root, "go.work"))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for line := range strings.Lines(string(work)) {
		if dir, ok := strings.CutPrefix(strings.TrimSpace(line), "./"); ok && dir != "examples" {
			got = append(got, dir)
		}
	}
	if !slices.Equal(got, Nested) {
		t.Errorf("go.work has %q, the table %q", got, Nested)
	}
}

// Time and randomness come from outside, secrets never from math/rand, and a file is about one thing.
func TestSources(t *testing.T) {
	faults, err := CheckSources(root, Exempts, LongFiles)
	if err != nil {
		t.Fatal(err)
	}
	for _, fault := range faults {
		t.Error(fault)
	}
}

// The root module requires what is on the list and nothing else: above all no database driver and no cloud client.
func TestModules(t *testing.T) {
	cmd := exec.Command("go", "mod", "edit", "-json")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var mod struct{ Require []struct{ Path string } }
	if err := json.Unmarshal(out, &mod); err != nil {
		t.Fatal(err)
	}
	if len(mod.Require) == 0 {
		t.Fatal("go.mod requires nothing: was it read?")
	}
	for _, r := range mod.Require {
		if Modules[r.Path] == "" {
			t.Errorf("go.mod requires %s, for which no reason is on the list", r.Path)
		}
	}
}

// A row that says nothing about why is no rule.
func TestTableIsExplained(t *testing.T) {
	for _, r := range Rooms {
		if r.Why == "" {
			t.Errorf("room %q: Why is missing", r.Name)
		}
		for _, third := range r.Third {
			if third.Why == "" {
				t.Errorf("room %q: %s: Why is missing", r.Name, third.Path)
			}
		}
	}
	for _, e := range Exempts {
		if e.Why == "" {
			t.Errorf("%s: Why is missing", e.File)
		}
	}
}

// The checker finds what it is there for, in a small graph that breaks each rule once.
func TestCheckFindsEachFault(t *testing.T) {
	rooms := []Room{
		{Name: "", Why: "front", Own: []string{"core"}, Never: []string{"m/store", "driver.example/..."}},
		{Name: "core", Why: "core", Own: []string{"core/kernel"}, Never: []string{"net/http/..."}, NoStd: []string{"os"}},
		{Name: "core/kernel", Why: "kernel"},
		{Name: "store", Why: "store", Own: []string{"core/kernel"}, Third: []Third{{"tree.example", "ordered"}}},
	}
	good := func() Graph {
		return Graph{
			"m":             {Path: "m", Module: "m", Imports: []string{"m/core", "fmt"}},
			"m/core":        {Path: "m/core", Module: "m", Imports: []string{"m/core/kernel", "os/signal"}},
			"m/core/kernel": {Path: "m/core/kernel", Module: "m", Imports: []string{"fmt"}},
			"m/store":       {Path: "m/store", Module: "m", Imports: []string{"m/core/kernel", "tree.example"}},
			"tree.example":  {Path: "tree.example", Module: "tree.example", Imports: []string{"fmt"}},
			"helper":        {Path: "helper", Imports: []string{"net/http/cookiejar"}},
			"fmt":           {Path: "fmt"},
		}
	}
	if faults := Check(good(), "m", rooms); len(faults) != 0 {
		t.Fatalf("a graph that keeps the rules: %q", faults)
	}
	for name, c := range map[string]struct {
		in, imports string
		want        string
	}{
		"a room that is not its business":    {"m/core", "m/store", "core must not import store"},
		"upwards":                            {"m/core/kernel", "m/core", "core/kernel must not import core"},
		"a module without a reason":          {"m/core", "tree.example", "core must not import tree.example: no reason is on the list"},
		"through somebody else":              {"m/core", "helper", "core must not bring in net/http/cookiejar (m/core -> helper -> net/http/cookiejar)"},
		"a package of the standard library":  {"m/core", "os", "core must not import os"},
		"a store in the front door, at once": {"m", "m/store", "the root package must not bring in m/store (m -> m/store)"},
	} {
		t.Run(name, func(t *testing.T) {
			g := good()
			p := g[c.in]
			p.Imports = append(slices.Clone(p.Imports), c.imports)
			g[c.in] = p
			if faults := Check(g, "m", rooms); !slices.Contains(faults, c.want) {
				t.Errorf("faults are %q, want %q among them", faults, c.want)
			}
		})
	}
	t.Run("a package without a room", func(t *testing.T) {
		g := good()
		g["m/attic"] = Package{Path: "m/attic", Module: "m"}
		if faults := Check(g, "m", rooms); !slices.Contains(faults, "attic belongs to no room: add it to the table") {
			t.Errorf("faults are %q", faults)
		}
	})
	t.Run("a test's import", func(t *testing.T) {
		g := good()
		p := g["m/core"]
		p.ForTests = []string{"fmt", "tree.example", "m/store"}
		g["m/core"] = p
		if faults := CheckTests(g, "m", nil); len(faults) != 1 || !strings.Contains(faults[0], "tree.example") {
			t.Errorf("faults are %q", faults)
		}
		if faults := CheckTests(g, "m", []Third{{"tree.example", "compared with"}}); len(faults) != 0 {
			t.Errorf("faults are %q", faults)
		}
	})
}

// The most particular row counts.
func TestRoomOf(t *testing.T) {
	rooms := []Room{{Name: "core/..."}, {Name: "core/mail"}, {Name: "core/mail/..."}}
	for name, want := range map[string]string{
		"core/mail": "core/mail", "core/mail/x": "core/mail/...", "core/mailbox": "core/...", "core": "core/...",
	} {
		if r := roomOf(rooms, name); r == nil || r.Name != want {
			t.Errorf("room of %s is %v, want %s", name, r, want)
		}
	}
	if r := roomOf(rooms, "corex"); r != nil {
		t.Errorf("corex is in room %s", r.Name)
	}
}
