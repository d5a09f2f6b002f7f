# Financial Pulse. `make` lists what there is.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c

CARGO ?= cargo
WIDGET_SOURCES := $(shell find widget -path widget/node_modules -prune -o -path widget/dist -prune -o -type f -print 2>/dev/null) schema.graphql

.PHONY: help demo run test check lint test-rust test-widget test-prism test-crm test-schemathesis test-browser widget build bench scale schedules fuzz test-wycheproof schema fmt clean

help: ## List the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: widget ## Start the sandbox books, the API and a demo CRM; Ctrl-C ends it (PROVIDER=xero or sage: seen by that first)
	@scripts/require.sh cc
	$(CARGO) run --locked --quiet -- demo $(if $(PROVIDER),--provider $(PROVIDER))

run: widget ## Start the service with ./financial-pulse.toml
	$(CARGO) run --locked -- serve

test: check test-rust test-prism test-crm test-schemathesis test-browser ## Everything: lints, docs, unit, both databases, the browser

check: lint test-widget ## Lints, formatting, documentation, the widget's own tests

lint: widget ## rustfmt, clippy and rustdoc without a warning
	@scripts/require.sh cc
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --no-deps

test-rust: widget ## Unit and integration tests on SQLite and on PostgreSQL, and against a running Tryton
	@scripts/require.sh cc postgresql python
	PULSE_TEST_TRYTON_REQUIRED=1 scripts/with-postgres.sh scripts/with-tryton.sh $(CARGO) test --locked

test-widget: widget ## The widget's lints, types and tests
	cd widget && npm run --silent check

test-browser: build ## The widget in a real browser: every state, the whole demo, hostile pages, axe; the GraphQL-over-HTTP audit
	@scripts/require.sh chromium
	cd widget && npm run --silent test:states && npm run --silent test:demo && npm run --silent test:trust && npm run --silent test:audit

test-prism: widget tests/prism/node_modules/.package-lock.json ## The connector's requests, held to Xero's published description
	@scripts/require.sh cc
	scripts/with-prism.sh $(CARGO) test --locked --test it xero::prism -- --ignored

test-schemathesis: build ## Made-up queries and mutations against a running demo, by its schema
	@scripts/require.sh python
	scripts/schemathesis.sh target/debug/financial-pulse

test-crm: build tests/crm/node_modules/.package-lock.json ## Tokens signed by the CRMs' own libraries, at the doors of a running service
	@scripts/require.sh node python php
	scripts/test-crm.sh

tests/crm/node_modules/.package-lock.json: tests/crm/package.json tests/crm/package-lock.json
	@scripts/require.sh node
	cd tests/crm && npm ci --no-audit --no-fund --silent

tests/prism/node_modules/.package-lock.json: tests/prism/package.json tests/prism/package-lock.json
	@scripts/require.sh node
	cd tests/prism && npm ci --no-audit --no-fund --silent

widget: widget/dist/index.html ## Build the widget

widget/node_modules/.package-lock.json: widget/package.json widget/package-lock.json
	@scripts/require.sh node
	cd widget && npm ci --no-audit --no-fund --silent

widget/dist/index.html: widget/node_modules/.package-lock.json $(WIDGET_SOURCES)
	cd widget && npm run --silent build
	@touch $@

build: widget ## Build the binary with the widget in it
	@scripts/require.sh cc
	$(CARGO) build --locked

bench: widget ## Speed and memory, side by side with a handler that serves static bytes
	@scripts/require.sh cc
	scripts/bench.sh

schedules: widget ## A thousand random schedules of changes and failures against the mirror
	@scripts/require.sh cc postgresql
	PULSE_SCHEDULES=334 scripts/with-postgres.sh $(CARGO) test --locked --test it -- --nocapture mirror::schedules

scale: widget ## The large counts that `make test` samples: a million documents, kill -9 at 50,000 invoices and so on
	@scripts/require.sh cc postgresql
	PULSE_SCALE=full scripts/with-postgres.sh $(CARGO) test --locked --release --test it -- --nocapture scale

fuzz: ## Ten million inputs for every parser that meets bytes from outside (FUZZ_RUNS changes that)
	@scripts/require.sh cc
	scripts/fuzz.sh $(ENTRIES)

test-wycheproof: ## Published vectors of JWS and JWK from a folder of yours (WYCHEPROOF=…/testvectors_v1)
	@scripts/require.sh cc
	WYCHEPROOF=$(WYCHEPROOF) $(CARGO) test --locked --test it -- --ignored --nocapture wycheproof

schema: ## Write schema.graphql from the code
	$(CARGO) run --locked --quiet -- schema > schema.graphql.new && mv schema.graphql.new schema.graphql

fmt: ## Format everything
	$(CARGO) fmt
	cd widget && npm run --silent fmt

clean: ## Remove what was built
	$(CARGO) clean
	rm -rf widget/dist widget/node_modules tests/prism/node_modules tests/crm/node_modules .demo
