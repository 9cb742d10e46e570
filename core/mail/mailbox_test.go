package mail_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/oneauth-go/oneauth/core"
	"github.com/oneauth-go/oneauth/core/mail"
)

// get asks the mailbox from this machine; change may alter the request.
func get(box http.Handler, accept string, change ...func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, "http://localhost:8080/dev/mail", nil)
	r.RemoteAddr = "127.0.0.1:50000"
	r.Header.Set("Accept", accept)
	for _, f := range change {
		f(r)
	}
	w := httptest.NewRecorder()
	box.ServeHTTP(w, r)
	return w
}

func TestMailboxAnswersJSON(t *testing.T) {
	c, box := courier(t)
	if w := get(box, "*/*"); strings.TrimSpace(w.Body.String()) != "[]" {
		t.Errorf("an empty mailbox answers %s", w.Body)
	}
	deliver(t, c, box, notice(core.NoticeVerify))
	want := deliver(t, c, box, notice(core.NoticeReset))
	w := get(box, "application/json")
	var list []map[string]string
	if err := json.Unmarshal(w.Body.Bytes(), &list); err != nil {
		t.Fatal(err)
	}
	if len(list) != 2 || len(list[0]) != 5 || list[0]["to"] != want.To || list[0]["subject"] != want.Subject ||
		list[0]["text"] != want.Text || list[0]["html"] != want.HTML || list[0]["sent_at"] != "2026-03-05T12:00:00Z" {
		t.Errorf("got %v", list)
	}
	if h := w.Header(); h.Get("Cache-Control") != "no-store" || h.Get("Vary") != "Accept" ||
		h.Get("Content-Type") != "application/json" {
		t.Errorf("headers %v", h)
	}
}

func TestMailboxPage(t *testing.T) {
	_, box := courier(t)
	err := box.Send(context.Background(), mail.Message{To: "<b>x", Subject: "<script>alert(1)</script>",
		Text: "<script>alert(2)</script>\nhttps://app.example/v?a=1&b=2\njavascript:alert(3)",
		HTML: `<script>alert(4)</script>"></iframe><script>alert(5)</script>`})
	if err != nil {
		t.Fatal(err)
	}
	w := get(box, "text/html,application/xhtml+xml;q=0.9")
	body := w.Body.String()
	if strings.Contains(body, "<script") || strings.Count(body, "<a ") != 1 || strings.Contains(body, "<b>x") {
		t.Errorf("a message breaks out:\n%s", body)
	}
	if !strings.Contains(body, `<a href="https://app.example/v?a=1&amp;b=2" rel="noreferrer">`) ||
		!strings.Contains(body, `<iframe sandbox srcdoc="&lt;script&gt;`) {
		t.Errorf("the page lacks the link or the framed HTML:\n%s", body)
	}
	csp := w.Header().Get("Content-Security-Policy")
	if !strings.HasPrefix(csp, "default-src 'none'; style-src ") || strings.Contains(csp, "script-src") {
		t.Errorf("policy %q", csp)
	}
	for accept, want := range map[string]string{"text/html;q=0": "application/json", "*/*": "application/json",
		"":                                  "application/json",
		"application/json, Text/HTML;q=0.1": "text/html; charset=utf-8"} {
		if got := get(box, accept).Header().Get("Content-Type"); got != want {
			t.Errorf("Accept %q: %s", accept, got)
		}
	}
}

func TestMailboxAnswersThisMachineAlone(t *testing.T) {
	c, box := courier(t)
	deliver(t, c, box, notice(core.NoticeReset))
	for name, change := range map[string]func(*http.Request){
		"from the network":      func(r *http.Request) { r.RemoteAddr = "192.0.2.1:1234" },
		"from nowhere":          func(r *http.Request) { r.RemoteAddr = "" },
		"unix socket":           func(r *http.Request) { r.RemoteAddr = "@" },
		"rebound DNS name":      func(r *http.Request) { r.Host = "evil.example:8080" },
		"name like localhost":   func(r *http.Request) { r.Host = "localhost.evil.example" },
		"through a proxy":       func(r *http.Request) { r.Header.Set("X-Forwarded-For", "127.0.0.1") },
		"through another proxy": func(r *http.Request) { r.Header.Set("Forwarded", "for=192.0.2.1") },
	} {
		w := get(box, "*/*", change)
		if w.Code != http.StatusForbidden || strings.Contains(w.Body.String(), "token=") ||
			!strings.Contains(w.Body.String(), `"code":"development_only"`) {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
	for _, peer := range []string{"[::1]:1", "127.8.8.8:1", "[::ffff:127.0.0.1]:1"} {
		for _, host := range []string{"localhost", "127.0.0.1:8080", "[::1]:8080", "app.localhost:8080"} {
			if w := get(box, "*/*", func(r *http.Request) { r.RemoteAddr, r.Host = peer, host }); w.Code != http.StatusOK {
				t.Errorf("%s to %s: %d", peer, host, w.Code)
			}
		}
	}
	for _, method := range []string{"POST", "DELETE", "OPTIONS"} {
		if w := get(box, "*/*", func(r *http.Request) { r.Method = method }); w.Code != http.StatusMethodNotAllowed ||
			w.Header().Get("Allow") != "GET, HEAD" {
			t.Errorf("%s: %d", method, w.Code)
		}
	}
}

func TestMailboxKeepsTheNewest(t *testing.T) {
	box := mail.NewMailbox(3, clock)
	for i := range 5 {
		if err := box.Send(context.Background(), mail.Message{Subject: fmt.Sprint(i)}); err != nil {
			t.Fatal(err)
		}
	}
	list := box.Messages()
	if len(list) != 3 || list[0].Subject != "4" || list[2].Subject != "2" || list[0].SentAt != noon {
		t.Errorf("kept %v", list)
	}
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			_ = box.Send(context.Background(), mail.Message{Subject: "x"})
			get(box, "text/html")
		})
	}
	wg.Wait()
	if n := len(box.Messages()); n != 3 {
		t.Errorf("%d messages", n)
	}
}
