package grpcauth_test

import (
	"strings"
	"testing"

	"github.com/oneauth-go/oneauth/grpcauth"
)

func TestBadConfig(t *testing.T) {
	v := verifierFunc(nil)
	for says, cfg := range map[string]grpcauth.Config{
		"Config.Verifier": {},
		"no scope":        {Verifier: v, Methods: map[string][]string{service + "UnaryCall": {"read write"}}},
		"an empty scope":  {Verifier: v, Methods: map[string][]string{service + "UnaryCall": {""}}},
		"two rules":       {Verifier: v, Methods: methods, Public: []string{service + "UnaryCall"}},
		"Config.Public":   {Verifier: v, Public: []string{"*"}},
	} {
		if _, err := grpcauth.New(cfg); err == nil || !strings.Contains(err.Error(), says) && says != "an empty scope" {
			t.Errorf("%s: %v", says, err)
		}
	}
	for _, name := range []string{
		"", "/", "/*", "*", "/a.B", "a.B/C", "/a.B/", "//C", "/a.*/C", "/a.B/C*", "/a.B/C/D", "/a.B/C ", "/a.B /C", "https://a/b",
	} {
		if _, err := grpcauth.New(grpcauth.Config{Verifier: v, Methods: map[string][]string{name: nil}}); err == nil {
			t.Errorf("the method %q is accepted", name)
		}
	}
}

// At the start a program can find rules that name nothing, and methods that nobody named.
func TestCheck(t *testing.T) {
	w := newWorld(t)
	for name, c := range map[string]struct {
		methods map[string][]string
		public  []string
		says    []string
	}{
		"no rules":   {nil, nil, nil},
		"all":        {methods, []string{"/grpc.health.v1.Health/*"}, nil},
		"one closed": {methods, []string{"/grpc.health.v1.Health/Check", "/grpc.health.v1.Health/List"}, []string{"Health/Watch is closed"}},
		"misspelt": {
			map[string][]string{service + "*": nil, service + "UnarycAll": {"read"}, "/grpc.health.v1.Health/*": nil, "/a.B/*": nil}, nil,
			[]string{"UnarycAll, which the server does not have", "/a.B/, which the server does not have"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := grpcauth.Config{Verifier: w.verifier(), Methods: c.methods, Public: c.public}
			auth, err := grpcauth.New(cfg)
			if err != nil {
				t.Fatal(err)
			}
			err = auth.Check(serve(t, cfg).GetServiceInfo())
			if (err == nil) != (c.says == nil) {
				t.Errorf("Check: %v", err)
			}
			for _, says := range c.says {
				if !strings.Contains(err.Error(), says) {
					t.Errorf("nothing of %q in %v", says, err)
				}
			}
			if err != nil && strings.Count(err.Error(), "\n")+1 != len(c.says) {
				t.Errorf("it says more: %v", err)
			}
		})
	}
}
