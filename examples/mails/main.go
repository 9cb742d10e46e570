// Mails shows every mail that OneAuth sends, in every language that there are texts for, as HTML and as text, with made-up
// data. Nothing is sent.
//
//	go run ./examples/mails                  # then open http://127.0.0.1:8025
//	go run ./examples/mails -out ./previews  # writes files instead
//	go run ./examples/mails -app "My Shop"
//
// An application with texts and templates of its own gives the same mail.Options to previews that it gives to WithMail.
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"html/template"
	"log"
	"net/http"
	"os"
	"path/filepath"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/core/mail"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:8025", "where to show the mails")
	out := flag.String("out", "", "folder to write the mails to, instead of showing them")
	name := flag.String("app", "Example", "the application's name")
	flag.Parse()
	files, err := previews(mail.Options{App: *name})
	if err != nil {
		log.Fatal(err)
	}
	if *out != "" {
		if err := write(*out, files); err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%d files in %s\n", len(files), *out)
		return
	}
	fmt.Printf("listening on http://%s\n", *addr)
	log.Fatal(http.ListenAndServe(*addr, serve(files)))
}

// noSender is there since a courier needs one; previews are sent to nobody.
type noSender struct{}

func (noSender) Send(context.Context, mail.Message) error { return nil }

// preview is one mail in the list.
type preview struct{ Subject, HTML, Text string } // the last two are paths

var index = template.Must(template.New("index").Parse(`<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="color-scheme" content="light dark"><title>Mails</title>
<h1>Mails</h1>
{{range $locale, $mails := .}}<h2>{{$locale}}</h2>
<ul>{{range $mails}}<li lang="{{$locale}}">{{.Subject}}: <a href="{{.HTML}}">HTML</a>, <a href="{{.Text}}">text</a></li>
{{end}}</ul>
{{end}}</html>
`))

// previews renders every template in every locale. The files are by path: de/verify.html, de/verify.txt and so on, and
// index.html.
func previews(o mail.Options) (map[string][]byte, error) {
	o.Senders = map[core.Channel]mail.Sender{core.Email: noSender{}}
	courier, err := mail.New(o)
	if err != nil {
		return nil, err
	}
	files, list := map[string][]byte{}, map[string][]preview{}
	for _, locale := range courier.Locales() {
		for _, name := range courier.Templates() {
			m, err := courier.Preview(locale, name)
			if err != nil {
				return nil, err
			}
			p := preview{m.Subject, locale + "/" + name + ".html", locale + "/" + name + ".txt"}
			files[p.HTML], files[p.Text] = []byte(m.HTML), []byte("Subject: "+m.Subject+"\n\n"+m.Text)
			list[locale] = append(list[locale], p)
		}
	}
	var page bytes.Buffer
	if err := index.Execute(&page, list); err != nil {
		return nil, err
	}
	files["index.html"] = page.Bytes()
	return files, nil
}

func write(folder string, files map[string][]byte) error {
	for path, content := range files {
		file := filepath.Join(folder, filepath.FromSlash(path))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(file, content, 0o644); err != nil {
			return err
		}
	}
	return nil
}

func serve(files map[string][]byte) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path := r.URL.Path[1:]
		if path == "" {
			path = "index.html"
		}
		content, ok := files[path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		kind := "text/html; charset=utf-8"
		if filepath.Ext(path) == ".txt" {
			kind = "text/plain; charset=utf-8"
		}
		w.Header().Set("Content-Type", kind)
		_, _ = w.Write(content)
	})
}
