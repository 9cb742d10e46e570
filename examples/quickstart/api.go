package main

import (
	"encoding/json"
	"net/http"

	"github.com/oneauth-go/oneauth"
)

// me says who the request acts as, whatever credential it came with.
func me(w http.ResponseWriter, r *http.Request) {
	p := oneauth.From(r.Context())
	scopes := p.Scopes
	if scopes == nil {
		scopes = []string{}
	}
	writeJSON(w, map[string]any{"user_id": p.Subject, "via": p.Via, "scopes": scopes})
}

// answer is an API handler that the middleware in front of it protects.
func answer(text string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		writeJSON(w, map[string]any{"message": text, "user_id": oneauth.From(r.Context()).Subject})
	})
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(v)
}
