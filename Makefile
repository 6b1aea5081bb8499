# Two commands are enough: `make run` serves the demo, `make test` tests
# everything. `make help` lists the rest.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

ADDR ?= 127.0.0.1:8080
DATA ?= data/demo
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
# The version is stamped here, so Go need not ask git (which refuses a tree of
# another owner, as in a container).
GOBUILD := go build -trimpath -buildvcs=false -ldflags "-s -w -X main.version=$(VERSION)"

.PHONY: help
help: ## list the commands
	@awk -F ':.*## ' '/^[a-z][a-z-]*:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

.PHONY: run
run: build ## build everything and serve the demo (ADDR=127.0.0.1:8080 DATA=data/demo)
	@exec bin/prassi serve --demo --addr "$(ADDR)" --data "$(DATA)"

.PHONY: build
build: assets ## leave the program in bin/prassi
	@echo "building bin/prassi (the first time takes a minute or more)"
	@$(GOBUILD) -o bin/prassi ./cmd/prassi

.PHONY: test
test: assets engines ## every test, with the real engines (TESTFLAGS=-v for more words)
	@go test -timeout 30m $(TESTFLAGS) ./...

.PHONY: check
check: assets engines ## the one gate: format, vet, staticcheck, govulncheck, race tests, short fuzz, …
	@scripts/check

# The commit's time, so that the same commit gives the same bytes.
.PHONY: sbom
sbom: build ## what the program is made of, in bin/prassi.sbom.json (CycloneDX 1.6)
	@go run ./internal/sbom/write -version "$(VERSION)" \
	  -commit "$$(git rev-parse HEAD)" -time "$$(git log -1 --format=%ct)" -out bin/prassi.sbom.json
	@echo "bin/prassi.sbom.json: $$(grep -c '"purl":' bin/prassi.sbom.json) components"

.PHONY: fuzz
fuzz: assets ## every fuzz target for FUZZTIME seconds each (60)
	@FUZZTIME=$${FUZZTIME:-60} FUZZTOTAL=$${FUZZTOTAL:-0} scripts/fuzz

.PHONY: bench
bench: assets ## the benchmark table, each figure beside its ceiling (BENCHFLAGS=…)
	@go run ./internal/bench $(BENCHFLAGS)

.PHONY: clean
clean: ## remove what was built (not your data)
	rm -rf bin coverage* .cache
	find site/dist widgets/dist -type f ! -name .keep -delete
	go clean -testcache

# What tests fetch by themselves (a database, an OpenID provider, Playwright) is
# fetched here first, so that a refused download is seen by its name. Silent when
# all is there.
.PHONY: engines
engines: needs-test
	@for tool in internal/*/install; do \
	  go run "./$$tool" >/dev/null || { echo "$$tool: could not be fetched" >&2; exit 1; }; \
	done

# Style sheets and scripts, which the program embeds. Nothing to do takes 0.2 s.
.PHONY: assets
assets: needs ## style sheets and scripts of the site and the widgets, in site/dist and widgets/dist
	@go run ./internal/assets

# Says what is missing in words, before something obscure fails.
.PHONY: needs needs-test
needs:
	@scripts/needs
needs-test:
	@scripts/needs test
