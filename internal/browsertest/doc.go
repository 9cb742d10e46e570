// Package browsertest walks a whole application through its pages in Chromium, and attacks it there: over TLS, under host
// names with the browser's own rules for sites, cookies and origins. It has tests alone.
package browsertest
