package pages_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/webauth/pages"
)

func Example() {
	set, err := pages.New(pages.Options{
		App:     "Analytical Engines",
		Colours: pages.Colours{Light: map[string]string{"accent": "#065f46"}},
		Texts:   map[string]map[string]string{"en": {"login.heading": "Welcome back"}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	mux := http.NewServeMux()
	mux.Handle(set.Stylesheet())
	mux.HandleFunc("POST /auth/login", func(w http.ResponseWriter, r *http.Request) {
		page := pages.Login{Form: pages.Form{
			Values: map[string]string{"identifier": r.FormValue("identifier")},
			Errors: []core.FieldError{{Code: core.CodeInvalidCredentials}},
		}}
		if err := set.Render(w, r, http.StatusUnauthorized, page); err != nil {
			http.Error(w, "internal error", http.StatusInternalServerError)
		}
	})
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodPost, "/auth/login", strings.NewReader("identifier=ada%40example.com&password=x"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	mux.ServeHTTP(w, r)
	fmt.Println(w.Code, strings.Contains(w.Body.String(), `value="ada@example.com"`), strings.Contains(w.Body.String(), "Welcome back"))
	// Output: 401 true true
}
