package client_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/oneauth-go/oneauth/client"
)

// answered is a transport that costs nothing.
var answered = func() http.RoundTripper {
	answer := &http.Response{StatusCode: 200, Header: http.Header{}, Body: http.NoBody}
	return roundTrip(func(*http.Request) (*http.Response, error) { return answer, nil })
}()

// signedIn is a client with a token that is good for long, and a request as programs make it.
func signedIn(t testing.TB) (http.RoundTripper, *http.Request) {
	store := client.NewMemoryStore()
	set(t, store, &client.Credential{
		Server: "https://app.example", ClientID: client.FirstParty, AccessToken: strings.Repeat("a", 600), RefreshToken: "ort_1",
		ObtainedAt: time.Now(), ExpiresAt: time.Now().Add(time.Hour),
	})
	c := must(client.New("https://app.example", client.WithStore(store)))(t)
	r := must(http.NewRequestWithContext(t.Context(), "GET", "https://app.example/api/me", nil))(t)
	r.Header.Set("Accept", "application/json")
	r.Header.Set("User-Agent", "orders/1.0")
	h := c.Transport(answered)
	must(h.RoundTrip(r))(t)
	return h, r
}

// BenchmarkTransport is what the round tripper adds to a request.
func BenchmarkTransport(b *testing.B) {
	h, r := signedIn(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := h.RoundTrip(r); err != nil {
			b.Fatal(err)
		}
	}
}

func TestTransportAllocations(t *testing.T) {
	h, r := signedIn(t)
	if n := testing.AllocsPerRun(100, func() { _, _ = h.RoundTrip(r) }); n > 5 {
		t.Errorf("%v allocations, want at most 5", n)
	}
}
