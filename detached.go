package oneauth

import (
	"net/http"
	"net/url"
	"strings"
)

// Detached gives h requests that share no memory with the one that came. It is for servers that are not of net/http, such
// as fasthttp with its adaptor, which is under fiber: they make the strings of a request out of buffers that are another
// request's a moment later, while whoever handles a request of net/http may keep them. Put it between such a server and
// every handler and middleware of OneAuth; see examples/fiber. A request whose target is no URL is answered 400.
func Detached(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		target, err := url.ParseRequestURI(strings.Clone(r.URL.RequestURI()))
		if err != nil {
			http.Error(w, http.StatusText(http.StatusBadRequest), http.StatusBadRequest)
			return
		}
		own := r.WithContext(r.Context())
		own.URL, own.RequestURI = target, strings.Clone(r.RequestURI)
		own.Method, own.Proto, own.Host = strings.Clone(r.Method), strings.Clone(r.Proto), strings.Clone(r.Host)
		own.RemoteAddr, own.TransferEncoding = strings.Clone(r.RemoteAddr), cloned(r.TransferEncoding)
		own.Header = make(http.Header, len(r.Header))
		for name, values := range r.Header {
			own.Header[strings.Clone(name)] = cloned(values)
		}
		h.ServeHTTP(w, own)
	})
}

func cloned(list []string) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = strings.Clone(s)
	}
	return out
}
