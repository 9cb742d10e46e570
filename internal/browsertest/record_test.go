package browsertest_test

import (
	"encoding/json"
	"net/http"
	"sync"
	"testing"
)

// exchange is one request to the server, and how it was answered.
type exchange struct {
	Host, Method, Path string
	Status             int
	SetsCookie         bool
}

// recorder remembers every exchange, for a page may not see the answers to what it made the browser send.
type recorder struct {
	mu   sync.Mutex
	seen []exchange
}

func (rec *recorder) all(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e := exchange{Host: r.Host, Method: r.Method, Path: r.URL.Path}
		seen := &statusWriter{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(seen, r)
		e.Status, e.SetsCookie = seen.status, w.Header().Get("Set-Cookie") != ""
		rec.mu.Lock()
		defer rec.mu.Unlock()
		rec.seen = append(rec.seen, e)
	})
}

// drain returns what was seen since the last call.
func (rec *recorder) drain() []exchange {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	drained := rec.seen
	rec.seen = []exchange{}
	return drained
}

type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

func writeJSON(t *testing.T, w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(v); err != nil {
		t.Error(err)
	}
}
