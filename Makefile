# `make` lists the targets. Needed: Go as go.mod names it, make, git, and a C
# compiler for the race detector in `make test`.

GO      ?= go
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)

# Where `make install` puts things, below DESTDIR. The configuration and the
# journal are in /etc/ingestd and /var/lib/ingestd wherever PREFIX is.
PREFIX ?= /usr/local
BINDIR  = $(PREFIX)/bin
LIBDIR  = $(PREFIX)/lib
DOCDIR  = $(PREFIX)/share/doc/ingestd
ETCDIR  = /etc/ingestd

# The limit for the tests of one package, and which benchmarks `make bench` runs.
TEST_TIMEOUT ?= 20m
BENCH        ?= .

# SQLite is C that was translated to Go, with memory of its own that the race detector
# does not look at. To trace each access to it all the same makes SQLite ten times
# slower, and with it most tests. The driver, which is Go and meets our memory, is traced.
RACE = -race -gcflags=modernc.org/sqlite/lib=-race=false -gcflags=modernc.org/libc/...=-race=false -gcflags=modernc.org/memory=-race=false

# The linter is built and run by Go, outside of go.mod, so that what it depends
# on is not what we depend on. Pinned: a new release must not fail an old commit.
GOLANGCI = $(GO) run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0

# Prometheus' own tool, of Debian's package prometheus.
PROMTOOL ?= promtool

# No cgo: one static binary for any Linux of its architecture. The linters and
# the benchmarks see the build that is shipped; only the race detector needs C.
export CGO_ENABLED = 0

.DEFAULT_GOAL = help

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-17s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## build bin/ingestd and bin/tenovos-sandbox
	$(GO) build -trimpath -buildvcs=false -ldflags '-s -w -X main.version=$(VERSION)' -o bin/ ./cmd/...

# Built again only when a source is newer, so that `make build` and then
# `sudo make install` ask for no Go under sudo.
bin/ingestd: go.mod go.sum $(shell find cmd ingest internal journal uploader watcher -name testdata -prune -o -type f ! -name '*_test.go' -print)
	$(MAKE) build

.PHONY: install
install: bin/ingestd ## install program, service, account and example configuration (PREFIX, DESTDIR)
	install -D -m 0755 bin/ingestd '$(DESTDIR)$(BINDIR)/ingestd'
	install -D -m 0644 deploy/ingestd.service '$(DESTDIR)$(LIBDIR)/systemd/system/ingestd.service'
	sed -i 's|/usr/local/bin/|$(BINDIR)/|' '$(DESTDIR)$(LIBDIR)/systemd/system/ingestd.service'
	install -D -m 0644 deploy/sysusers.d/ingestd.conf '$(DESTDIR)$(LIBDIR)/sysusers.d/ingestd.conf'
	install -D -m 0644 deploy/tmpfiles.d/ingestd.conf '$(DESTDIR)$(LIBDIR)/tmpfiles.d/ingestd.conf'
	install -D -m 0644 deploy/config.schema.json '$(DESTDIR)$(DOCDIR)/config.schema.json'
	install -D -m 0644 deploy/grafana-dashboard.json '$(DESTDIR)$(DOCDIR)/grafana-dashboard.json'
	install -D -m 0644 deploy/alerts.yaml '$(DESTDIR)$(DOCDIR)/alerts.yaml'
	install -D -m 0644 config.example.yaml '$(DESTDIR)$(DOCDIR)/config.example.yaml'
	sed -i 's|=deploy/config.schema.json|=$(DOCDIR)/config.schema.json|' '$(DESTDIR)$(DOCDIR)/config.example.yaml'
# A configuration that is there is never touched; the new example lies in DOCDIR.
	test -e '$(DESTDIR)$(ETCDIR)/config.yaml' || \
		install -D -m 0640 '$(DESTDIR)$(DOCDIR)/config.example.yaml' '$(DESTDIR)$(ETCDIR)/config.yaml'
	@test -n '$(DESTDIR)' || printf '%s\n' '' \
		'Next, as root:' \
		'  systemd-sysusers && systemd-tmpfiles --create && systemctl daemon-reload' \
		'  edit $(ETCDIR)/config.yaml; put the secrets into $(ETCDIR)/credentials/api_key and password' \
		'  systemctl enable --now ingestd'

.PHONY: demo
demo: build ## ingest sample files into a sandbox and show what became of each
	deploy/demo.sh bin/ingestd bin/tenovos-sandbox

.PHONY: test
test: ## run all tests with the race detector
# One package at a time where tests have a network's deadlines, which two cores keep, and
# four tests of it at once, because most of them wait for something.
	CGO_ENABLED=1 $(GO) test $(RACE) -p 1 -parallel 4 -timeout $(TEST_TIMEOUT) ./cmd/... ./ingest ./watcher ./uploader
	CGO_ENABLED=1 $(GO) test $(RACE) -p 2 -parallel 4 -timeout $(TEST_TIMEOUT) ./internal/... ./journal
# All of the fault table, of the crash sweep, of some simulated histories, what a file
# costs the journal, and of a correction, of which the race detector leaves time for a
# part, and what hostile files take, which it multiplies.
	$(GO) test -run '^(TestFaults|TestCrashSweep|TestSimulation|TestCostOfAFile|TestCorrectionOfManyAssets|TestHostileFiles)$$' -parallel 4 -timeout $(TEST_TIMEOUT) ./ingest ./cmd/ingestd ./internal/embedded

# What it draws is repeated with the seed that it prints.
.PHONY: soak
soak: ## ingest 5,000 files while every tenth request fails and the program is killed (INGESTD_SOAK_FILES, _KILLS, _SEED)
	INGESTD_SOAK=1 $(GO) test -count=1 -v -run '^TestSoak$$' -timeout 15m ./ingest

# A history that fails is printed with its seed and the shortest plan that fails alike.
.PHONY: simulate
simulate: ## simulate 2,000 random histories of changes, faults and crashes (INGESTD_SIM_COUNT, _MINUTES, _SEED, _PLAN)
	INGESTD_SIM=1 $(GO) test -count=1 -v -run '^TestSimulation$$' -timeout 24h ./ingest

.PHONY: nightly
nightly: ## what a night has the time for: 100,000 simulated histories, the soak
	INGESTD_SIM_COUNT=100000 $(MAKE) simulate
	$(MAKE) soak

# The server is built and run by Go, outside of go.mod, as the linter is.
.PHONY: test-s3
test-s3: ## upload into a real S3 server (versitygw), which is started for it
	GO='$(GO)' CGO_ENABLED=1 .ci/with-s3 $(GO) test -race -run TestS3 -count=1 -timeout $(TEST_TIMEOUT) ./ingest

# What is read of every file below DIR (what this machine's packages ship, if none is
# given) beside ExifTool, which must be installed; EXIFTOOL is another one.
.PHONY: compare-exiftool
compare-exiftool: ## compare the metadata read of a directory's files with ExifTool's (DIR, EXIFTOOL)
	COMPARE_DIR='$(abspath $(DIR))' EXIFTOOL='$(EXIFTOOL)' $(GO) test -count=1 -tags exiftool -run '^TestCompareExifTool$$' -timeout 30m -v ./internal/embedded

# The journal's claims at up to a million rows, the speed and peak memory of a 2
# GiB upload, a restart over 200,000 known files, thousands of small files beside a
# bare loop, and metadata of 50,000 (docs/benchmarks.md). One package at a time, each in
# a process of its own. INGESTD_BIN measures another program where one is run.
.PHONY: bench
bench: ## run the benchmarks of journal, status page, uploader, ingest and metadata, peak memory included (BENCH)
	$(GO) test -run '^$$' -bench '$(BENCH)' -benchmem -timeout 30m ./journal
	$(GO) test -run '^$$' -bench '$(BENCH)' -benchmem -timeout 30m ./internal/dashboard
	$(GO) test -run '^$$' -bench '$(BENCH)' -benchmem -timeout 30m ./uploader
	$(GO) test -run '^$$' -bench '$(BENCH)' -benchmem -timeout 60m ./ingest
	$(GO) test -run '^$$' -bench '$(BENCH)' -benchmem -timeout 30m -p 1 ./internal/facts ./internal/metrics ./internal/manifest ./internal/embedded ./internal/xmp

.PHONY: fmt
fmt: ## format the code
	gofmt -s -w .

.PHONY: vet
vet: ## run go vet
	$(GO) vet ./...

.PHONY: lint
lint: ## check formatting, go.mod and the rules of .golangci.yml
	@files=$$(gofmt -s -l .) || exit 1; test -z "$$files" || { echo "not formatted (make fmt):" $$files >&2; exit 1; }
	$(GO) mod tidy -diff
	$(GOLANGCI) run --allow-parallel-runners ./...

.PHONY: lint-arrows
lint-arrows: ## prove that each wrong import between the rooms is refused
	GOLANGCI='$(GOLANGCI)' .ci/lint-arrows

.PHONY: check-install
check-install: bin/ingestd ## install into a temporary root and check what is there
	.ci/check-install

.PHONY: check-alerts
check-alerts: ## check the alerts and run their tests, check what is scraped (PROMTOOL)
	PROMTOOL='$(PROMTOOL)' CI=true $(GO) test -count=1 -v -run '^TestPromtool$$' ./internal/metrics

# The tests come last: their result closes the output.
.PHONY: ci
ci: ## all of it: build, vet, lint, installation, alerts, a real S3 server, tests
	$(MAKE) build
	$(MAKE) vet
	$(MAKE) lint
	$(MAKE) lint-arrows
	$(MAKE) check-install
	$(MAKE) check-alerts
	$(MAKE) test-s3
	$(MAKE) test

.PHONY: clean
clean: ## remove what was built
	rm -rf bin
