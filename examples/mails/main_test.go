package main

import (
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/oneauth-go/oneauth/core/mail"
)

// Every mail is there in both languages, as HTML and as text, with its link in both.
func TestPreviews(t *testing.T) {
	files, err := previews(mail.Options{App: "Lighthouse"})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"verify", "reset", "invitation", "password_changed", "new_sign_in", "identity_changed", "signup_taken", "signup_other_taken"} {
		for _, locale := range []string{"en", "de"} {
			for _, ext := range []string{".html", ".txt"} {
				content := string(files[locale+"/"+name+ext])
				if !strings.Contains(content, "Lighthouse") || !strings.Contains(content, "https://app.example.com/") {
					t.Errorf("%s/%s%s: %.200s", locale, name, ext, content)
				}
			}
		}
	}
	h := serve(files)
	for path, want := range map[string]string{"/": "text/html", "/de/verify.html": "text/html", "/de/verify.txt": "text/plain"} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		if w.Code != 200 || !strings.HasPrefix(w.Header().Get("Content-Type"), want) || w.Body.Len() == 0 {
			t.Errorf("%s: %d %v", path, w.Code, w.Header())
		}
	}
	w := httptest.NewRecorder()
	if h.ServeHTTP(w, httptest.NewRequest("GET", "/../main.go", nil)); w.Code != 404 {
		t.Errorf("%d", w.Code)
	}

	folder := t.TempDir()
	if err := write(folder, files); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(filepath.Join(folder, "de", "verify.html")); err != nil || string(got) != string(files["de/verify.html"]) {
		t.Errorf("%v", err)
	}
}
