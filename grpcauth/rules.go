package grpcauth

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"

	"google.golang.org/grpc"
)

// Config says who may call what. Methods have their full name, such as /orders.v1.Orders/Place; /orders.v1.Orders/* is all of
// a service that nothing names more exactly.
type Config struct {
	Verifier Verifier            // required
	Methods  map[string][]string // the scopes that a token needs, all of them; none where any valid token will do
	Public   []string            // methods that anybody may call: a token is not even looked at
	Log      *slog.Logger        // is told why a token could not be judged; default slog.Default()
}

// rule is what a call needs.
type rule struct {
	public bool
	scopes []string
}

// rules are found by full method or, for a whole service, by its name with a slash before and behind.
type rules struct {
	all  map[string]rule
	open bool // a method without a rule needs a token, and no scope
}

// rules checks the configuration.
func (c *Config) rules() (*rules, error) {
	r := &rules{all: map[string]rule{}, open: len(c.Methods) == 0}
	add := func(name string, of rule) error {
		key, err := keyOf(name)
		if err != nil {
			return err
		}
		if _, twice := r.all[key]; twice {
			return fmt.Errorf("%s has two rules", name)
		}
		r.all[key] = of
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(c.Methods)) {
		scopes := c.Methods[name]
		for _, scope := range scopes {
			if scope == "" || strings.ContainsAny(scope, " \t\r\n") {
				return nil, fmt.Errorf("Config.Methods: %s: %q is no scope", name, scope)
			}
		}
		if err := add(name, rule{scopes: slices.Clone(scopes)}); err != nil {
			return nil, fmt.Errorf("Config.Methods: %w", err)
		}
	}
	for _, name := range c.Public {
		if err := add(name, rule{public: true}); err != nil {
			return nil, fmt.Errorf("Config.Public: %w", err)
		}
	}
	return r, nil
}

// keyOf checks a name, and returns under which key its rule stands.
func keyOf(name string) (string, error) {
	service, method, ok := strings.Cut(strings.TrimPrefix(name, "/"), "/")
	if !ok || !strings.HasPrefix(name, "/") || service == "" || method == "" || strings.ContainsAny(method, "/ ") ||
		strings.ContainsAny(service, "* ") || method != "*" && strings.Contains(method, "*") {
		return "", fmt.Errorf("%q is not of the form /package.Service/Method or /package.Service/*", name)
	}
	if method == "*" {
		return "/" + service + "/", nil
	}
	return name, nil
}

// of returns the rule of a method; ok is false where it is closed.
func (r *rules) of(method string) (_ rule, ok bool) {
	if found, ok := r.all[method]; ok {
		return found, true
	}
	if found, ok := r.all[method[:strings.LastIndexByte(method, '/')+1]]; ok {
		return found, true
	}
	return rule{}, r.open
}

// Check compares the rules with what a server has, after its services were registered: grpc.Server.GetServiceInfo. The
// error names each rule that is for no method, such as one that is misspelt, and each method that is closed.
func (i *Interceptors) Check(services map[string]grpc.ServiceInfo) error {
	unused := maps.Clone(i.rules.all)
	var faults []error
	for _, service := range slices.Sorted(maps.Keys(services)) {
		delete(unused, "/"+service+"/")
		for _, method := range services[service].Methods {
			name := "/" + service + "/" + method.Name
			if _, ok := i.rules.of(name); !ok {
				faults = append(faults, fmt.Errorf("grpcauth: %s is closed: no rule names it", name))
			}
			delete(unused, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(unused)) {
		faults = append(faults, fmt.Errorf("grpcauth: a rule names %s, which the server does not have", name))
	}
	return errors.Join(faults...)
}
