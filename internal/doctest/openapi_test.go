package doctest

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/internal/wire"
)

// api is what the tests look at of docs/openapi.yaml.
type api struct {
	OpenAPI    string                          `yaml:"openapi"`
	Paths      map[string]map[string]yaml.Node `yaml:"paths"`
	Components struct {
		Schemas map[string]schema `yaml:"schemas"`
	} `yaml:"components"`
}

type schema struct {
	Enum       []string             `yaml:"enum"`
	Required   []string             `yaml:"required"`
	Properties map[string]yaml.Node `yaml:"properties"`
}

// operation is one method of one path.
type operation struct {
	ID          string               `yaml:"operationId"`
	RequestBody yaml.Node            `yaml:"requestBody"`
	Responses   map[string]yaml.Node `yaml:"responses"`
}

var methods = []string{"get", "put", "post", "delete", "options", "head", "patch", "trace"}

func openAPI(t *testing.T) api {
	t.Helper()
	var doc api
	if err := yaml.Unmarshal([]byte(read(t, "docs/openapi.yaml")), &doc); err != nil {
		t.Fatalf("docs/openapi.yaml: %v", err)
	}
	if !strings.HasPrefix(doc.OpenAPI, "3.1.") || len(doc.Paths) == 0 {
		t.Fatalf("docs/openapi.yaml: version %q with %d paths", doc.OpenAPI, len(doc.Paths))
	}
	return doc
}

// operations returns the documented operations by "METHOD /path".
func (a api) operations(t *testing.T) map[string]operation {
	t.Helper()
	all := map[string]operation{}
	ids := map[string]string{}
	for path, item := range a.Paths {
		for name, node := range item {
			if !slices.Contains(methods, name) {
				continue
			}
			var op operation
			if err := node.Decode(&op); err != nil {
				t.Fatalf("%s %s: %v", name, path, err)
			}
			key := strings.ToUpper(name) + " " + path
			if op.ID == "" || ids[op.ID] != "" {
				t.Errorf("%s: operationId %q is empty, or %s has it too", key, op.ID, ids[op.ID])
			}
			ids[op.ID] = key
			all[key] = op
		}
	}
	return all
}

// patternOf are routes whose pattern is wider than the path that they serve.
var patternOf = map[string]string{
	"POST /sessions/{id}": "POST /sessions/end-others",
}

// Every endpoint that is served is documented, and every documented one is served; at the root or below the prefix, and
// with errors in the form that is documented.
func TestOpenAPIDescribesTheRoutes(t *testing.T) {
	doc := openAPI(t)
	documented := doc.operations(t)
	served := map[string]wire.Route{}
	for _, r := range routes(t) {
		key := r.Method + " " + r.Path
		if path, ok := patternOf[key]; ok {
			key = path
		}
		served[key] = r
	}
	for _, key := range slices.Sorted(maps.Keys(served)) {
		if _, ok := documented[key]; !ok {
			t.Errorf("%s is served and not in docs/openapi.yaml", key)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(documented)) {
		r, ok := served[key]
		if !ok {
			t.Errorf("%s is in docs/openapi.yaml and not served", key)
			continue
		}
		_, path, _ := strings.Cut(key, " ")
		if _, ownServer := doc.Paths[path]["servers"]; ownServer != r.Root {
			t.Errorf("%s: documented at the root: %v, served there: %v", key, ownServer, r.Root)
		}
		node := documented[key].Responses["default"]
		var failure struct {
			Ref string `yaml:"$ref"`
		}
		if err := node.Decode(&failure); err != nil {
			t.Errorf("%s: default response: %v", key, err)
		}
		want := "#/components/responses/Problem"
		if r.OAuth {
			want = "#/components/responses/OAuthError"
		}
		if failure.Ref != want {
			t.Errorf("%s: its errors are documented as %q, and are %s", key, failure.Ref, want)
		}
	}
}

// Both documents about the contract have the same endpoints.
func TestHTTPDocumentHasEveryRoute(t *testing.T) {
	text := strings.ReplaceAll(read(t, "docs/http.md"), "?token=", "")
	for key := range openAPI(t).operations(t) {
		if !strings.Contains(text, key+" ") && !strings.Contains(text, key+",") {
			t.Errorf("docs/http.md does not have %s", key)
		}
	}
}

// Every reference inside the document leads somewhere.
func TestOpenAPIReferences(t *testing.T) {
	var tree any
	if err := yaml.Unmarshal([]byte(read(t, "docs/openapi.yaml")), &tree); err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	var walk func(node any)
	walk = func(node any) {
		switch node := node.(type) {
		case []any:
			for _, n := range node {
				walk(n)
			}
		case map[string]any:
			for name, n := range node {
				if target, ok := n.(string); ok && name == "$ref" {
					used[target] = true
					if !resolves(tree, target) {
						t.Errorf("reference %s leads nowhere", target)
					}
				}
				walk(n)
			}
		}
	}
	walk(tree)
	for group, members := range tree.(map[string]any)["components"].(map[string]any) {
		for name := range members.(map[string]any) {
			if group != "securitySchemes" && !used["#/components/"+group+"/"+name] {
				t.Errorf("components/%s/%s is not used", group, name)
			}
		}
	}
}

func resolves(tree any, target string) bool {
	path, ok := strings.CutPrefix(target, "#/")
	for step := range strings.SplitSeq(path, "/") {
		node, isMap := tree.(map[string]any)
		if tree = node[step]; !isMap || tree == nil {
			return false
		}
	}
	return ok
}

// Codes are documented exactly as they are.
func TestOpenAPICodes(t *testing.T) {
	var want []string
	for code := range core.Codes {
		want = append(want, string(code))
	}
	got := slices.Sorted(slices.Values(openAPI(t).Components.Schemas["Code"].Enum))
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("schema Code has\n%q\ncore.Codes has\n%q", got, want)
	}
}

// The views that every endpoint shares have the documented members, no more and no fewer, and all are always there.
func TestOpenAPIViews(t *testing.T) {
	user := wire.ViewUser("default", &core.User{}, []*core.Identity{{}})
	session := wire.ViewSession(&core.Session{}, "")
	for name, view := range map[string]any{
		"User": user, "Identity": user.Identities[0], "Session": session, "Device": session.Device,
		"Attempt": wire.AttemptJSON{}, "Linked": wire.ViewLinked(&core.LinkedAccount{}),
	} {
		text, err := json.Marshal(view)
		if err != nil {
			t.Fatal(err)
		}
		var members map[string]any
		if err := json.Unmarshal(text, &members); err != nil {
			t.Fatal(err)
		}
		served := slices.Sorted(maps.Keys(members))
		s := openAPI(t).Components.Schemas[name]
		if got := slices.Sorted(maps.Keys(s.Properties)); !slices.Equal(got, served) {
			t.Errorf("schema %s has %q, the code shows %q", name, got, served)
		}
		if got := slices.Sorted(slices.Values(s.Required)); !slices.Equal(got, served) {
			t.Errorf("schema %s requires %q, the code always shows %q", name, got, served)
		}
	}
}
