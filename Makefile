# What people who work on OneAuth run. CONTRIBUTING.md explains each.

GO          ?= go
STATICCHECK ?= honnef.co/go/tools/cmd/staticcheck@v0.7.0
MODULES     := $(shell $(GO) list -m -f '{{.Dir}}')
FUZZTIME    ?= 20s
ROUNDS      ?= 1000
TESTFLAGS   ?=
PACKAGES     = $(addsuffix /...,$(filter-out $(CURDIR),$(MODULES)) $(CURDIR))

# The race detector, where there is a C compiler. The SQLite engine, C translated to Go, and the hashes of passwords are left
# out: they would be five to ten times slower, and what they do with their memory is not ours. (A package may be left out only
# if it instantiates no generics of the standard library that ours do, such as those below sync.Map.) Nor is what others do
# with unsafe checked, which the race detector would turn on and took a fifth of the time: outside tests ours is in one file,
# for Windows. Linters take the same flags, so that all is compiled once.
UNWATCHED    = -gcflags=all=-d=checkptr=0 -gcflags=modernc.org/...=-race=false -gcflags=golang.org/x/crypto/...=-race=false
RACE         = $(shell command -v gcc >/dev/null && echo -race $(UNWATCHED))

.PHONY: test lint fuzz bench bench-stores bench-large bench-login rounds standalone parts quickstart

# Every test of every module, with the race detector, one module after the other, since several at once only starve each other.
# Parts that are missing are installed where that is possible;
# ONEAUTH_REQUIRE="node" (a list, or "all") makes what is still missing a failure instead of a skipped test.
test: parts
	@for dir in $(MODULES); do \
		echo "== test $$dir"; \
		(cd "$$dir" && $(GO) test $(RACE) -timeout 30m $(TESTFLAGS) ./...) || exit 1; \
	done

parts:
	@.ci/parts

# gofmt, vet and staticcheck, all without a finding.
lint:
	@unformatted=$$(gofmt -l .); \
	if [ -n "$$unformatted" ]; then echo "gofmt -w these files:"; echo "$$unformatted"; exit 1; fi
	$(GO) vet $(RACE) $(PACKAGES)
	@bin=$$(mktemp -d); trap 'rm -rf "$$bin"' EXIT; \
	GOBIN="$$bin" $(GO) install $(STATICCHECK) && GOFLAGS="$(RACE)" "$$bin/staticcheck" $(PACKAGES)

# Every fuzz target of every module, FUZZTIME each.
fuzz:
	@for dir in $(MODULES); do \
		cd "$$dir" || exit 1; \
		for pkg in $$($(GO) list ./...); do \
			for target in $$($(GO) test -list '^Fuzz' "$$pkg" | grep '^Fuzz'); do \
				echo "== fuzz $$pkg $$target"; \
				$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) "$$pkg" || exit 1; \
			done; \
		done; \
	done

# The figures of docs/performance.md with their bounds, medians of six rounds.
bench:
	$(GO) run ./internal/benchratio

# The stores: PostgreSQL against hand-written statements, medians of six rounds; then each store with a thousand, a hundred
# thousand and a million users, which takes an hour, 20 GB of disk and 8 GB of memory.
bench-stores:
	$(GO) run ./internal/benchratio -stores
	$(GO) run ./internal/benchratio -growth

# A file store with a million users. Takes minutes, and 8 GB in ONEAUTH_LARGE_DIR.
bench-large:
	$(GO) run ./internal/benchratio -large

# How much of the CPU time of a sign-in is argon2.
bench-login:
	@profile=$$(mktemp -d); trap 'rm -rf "$$profile"' EXIT; \
	$(GO) test -run '^$$' -bench '^BenchmarkLogin$$' -benchtime 100x -cpuprofile "$$profile/cpu" -o "$$profile/test" ./core && \
	$(GO) tool pprof -top -nodefraction=0 -focus 'argon2|blake2b' "$$profile/test" "$$profile/cpu" 2>/dev/null | grep -E '^Showing nodes|^Duration'

# Races and crashes as often as before a release: 1,000 rounds instead of a few.
rounds:
	ONEAUTH_TEST_ROUNDS=$(ROUNDS) STORETEST_ROUNDS=$(ROUNDS) STORETEST_FAULTS=all \
		$(GO) test $(RACE) -timeout 4h ./stores/... ./core/... ./apiauth/... ./oauth/... ./internal/storeproof

# Each module as its users get it: without the workspace.
standalone:
	@for dir in $(MODULES); do \
		echo "== vet $$dir alone"; \
		(cd "$$dir" && GOWORK=off $(GO) vet $(RACE) ./...) || exit 1; \
	done

# The application of the README, on http://127.0.0.1:8080.
quickstart:
	$(GO) run ./examples/quickstart
