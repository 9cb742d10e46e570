package main

// Bounds are the figures that every change keeps; docs/performance.md lists the same.
var Bounds = []Bound{
	{
		What: "access token, HS256, against golang-jwt", Most: 0.30,
		Of: "apiauth BenchmarkAPIMiddleware/HS256", Against: "apiauth BenchmarkReference/golang-jwt-HS256",
	},
	{What: "access token, HS256, allocations", Unit: "allocs/op", Most: 15, Of: "apiauth BenchmarkAPIMiddleware/HS256"},
	{
		What: "access token, EdDSA, not cached, against ed25519 alone", Most: 1.08,
		Of: "apiauth BenchmarkAPIMiddleware/EdDSA-uncached", Against: "apiauth BenchmarkReference/ed25519-raw",
	},
	{What: "access token, EdDSA, one in use", Most: 600, Of: "apiauth BenchmarkAPIMiddleware/EdDSA-hot"},
	{What: "access token, EdDSA, one in use, allocations", Unit: "allocs/op", Most: 3, Of: "apiauth BenchmarkAPIMiddleware/EdDSA-hot"},
	{What: "access token, EdDSA, 10,000 in use", Most: 1200, Of: "apiauth BenchmarkAPIMiddleware/EdDSA-10k"},
	{What: "API key, file store, hot", Most: 1000, Of: "apiauth BenchmarkAPIMiddleware/APIKey"},
	{What: "API key, file store, not cached", Most: 15000, Of: "apiauth BenchmarkAPIMiddleware/APIKey-uncached"},
	{What: "session cookie, file store", Most: 20000, Of: "webauth BenchmarkRequireSession/file"},
	{What: "session cookie, remembered", Most: 1000, Of: "webauth BenchmarkRequireSession/cached"},
	{What: "a client's transport", Most: 1000, Of: "client BenchmarkTransport"},
	{What: "a client's transport, allocations", Unit: "allocs/op", Most: 5, Of: "client BenchmarkTransport"},
	{What: "remote verification, one in use", Most: 600, Of: "client/verify BenchmarkVerify/hot"},
	{What: "callback of a provider, file store, session", Most: 5e6, Of: "oauth BenchmarkCallback/browser"},
	{What: "callback of a provider, file store, code", Most: 5e6, Of: "oauth BenchmarkCallback/api"},
	{What: "login page", Most: 1e6, Of: "webauth/pages BenchmarkLoginPage"},
	{
		What: "durable refreshes, 1 goroutine, against raw bbolt", Least: 0.7, Inverse: true,
		Of: "core BenchmarkRefresh/core-1", Against: "core BenchmarkRefresh/raw-1",
	},
	{
		What: "durable refreshes, 16 goroutines, against raw bbolt", Least: 0.6, Inverse: true,
		Of: "core BenchmarkRefresh/core-16", Against: "core BenchmarkRefresh/raw-16",
	},
	{
		What: "memory of 200 sign-ins at once: slots x 19 MiB + 64 MiB", Unit: "peak-MiB", Plus: "bound-MiB",
		Of: "core BenchmarkLoginMemory",
	},
}

// LargeBounds are the figures of stores/file with a million users of two sessions each, after compaction.
var LargeBounds = []Bound{
	{What: "look-up by e-mail, p99", Unit: "us-lookup-p99", Most: 40, Of: "stores/file BenchmarkLarge"},
	{What: "list one user's sessions, p99", Unit: "us-list-p99", Most: 1000, Of: "stores/file BenchmarkLarge"},
	{
		What: "end one user's sessions, p99, beyond one durable write", Unit: "us-revoke-compacted-p99", Most: 1000,
		Plus: "us-write-compacted-p99", Of: "stores/file BenchmarkLarge",
	},
	{What: "reopen", Unit: "ms-open", Most: 200, Of: "stores/file BenchmarkLarge"},
	{What: "heap after opening", Unit: "MB-heap", Most: 64, Of: "stores/file BenchmarkLarge"},
}

// StoreBounds are the figures of stores/gorm on PostgreSQL against statements that somebody wrote by hand.
var StoreBounds = func() (all []Bound) {
	for _, operation := range []struct {
		name, what string
	}{
		{"rotate", "a session read and written back, against a SELECT and a conditional UPDATE"},
		{"refresh", "a refresh token through core, against the same"},
		{"look", "a session read, against a SELECT"},
		{"check", "a cookie checked through core, against the same"},
	} {
		for _, goroutines := range []string{"1", "16"} {
			bench := "stores/gorm BenchmarkAgainstHandWritten/" + operation.name + "/" + goroutines
			all = append(all, Bound{
				What: operation.what + ", by " + goroutines, Most: 1.2, Of: bench, Unit: "ns-store", Against: bench, Over: "ns-hand",
			})
		}
	}
	return all
}()

// GrowthBounds say that a million users cost no more than a thousand, but for the pages of a larger index and colder caches.
var GrowthBounds = func() (all []Bound) {
	for _, store := range []struct{ name, bench string }{
		{"PostgreSQL", "stores/gorm BenchmarkGrowth/PostgreSQL"},
		{"MariaDB", "stores/gorm BenchmarkGrowth/MariaDB"},
		{"SQLite", "stores/gorm BenchmarkGrowth/SQLite"},
		{"Redis", "stores/redis BenchmarkGrowth"},
		{"file", "stores/file BenchmarkGrowth"},
	} {
		for _, operation := range []string{"check", "key", "list", "refresh", "signin", "signup", "revoke", "page"} {
			all = append(all, Bound{
				What: store.name + ", " + operation + ": 1,000,000 users against 1,000", Most: 2,
				Of: store.bench, Unit: "ns-" + operation + "-1000000", Against: store.bench, Over: "ns-" + operation + "-1000",
			})
		}
	}
	return all
}()
