package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/oneauth-go/oneauth"
	"github.com/oneauth-go/oneauth/oneauthtest"
)

const ann = "ann@example.com"

// A person signs up with a form and is let in; a program with a token is, too.
func TestApp(t *testing.T) {
	server := oneauthtest.Serve(t, app, oneauth.WithScopes("read"))
	browser := server.Browser(t)
	if code, _ := get(t, browser, server.URL+"/", ""); code != 401 {
		t.Errorf("before signing up: %d", code)
	}
	answer, err := browser.PostForm(server.URL+"/auth/signup", url.Values{"email": {ann}, "password": {oneauthtest.Password}})
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	id := server.User(t, ann).ID
	if code, body := get(t, browser, server.URL+"/", ""); code != 200 || body != "hello "+id+"\n" {
		t.Errorf("after signing up: %d %s", code, body)
	}
	program := server.Browser(t)
	if code, body := get(t, program, server.URL+"/api/hello", server.Token(t, ann, "read")); code != 200 || body != "hello "+id+"\n" {
		t.Errorf("a program: %d %s", code, body)
	}
	if code, _ := get(t, program, server.URL+"/api/hello", ""); code != 401 {
		t.Errorf("a program without a token: %d", code)
	}
}

func get(t *testing.T, client *http.Client, url, token string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	answer, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(body)
}

// The whole application has at most 15 lines in its functions.
func TestFifteenLines(t *testing.T) {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, "main.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	lines, names := 0, []string{}
	for _, d := range file.Decls {
		if f, ok := d.(*ast.FuncDecl); ok {
			lines += files.Position(f.Body.End()).Line - files.Position(f.Body.Pos()).Line - 1
			names = append(names, f.Name.Name)
		}
	}
	if lines == 0 || lines > 15 {
		t.Errorf("%d lines in %s", lines, strings.Join(names, ", "))
	}
}
