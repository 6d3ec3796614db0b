# What each target does is said by `make help`. All of them can be run again and again, ask no
# questions, and work from a clean clone; only cargo itself must be there.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
export CARGO_TERM_COLOR ?= auto
# `cargo install` puts its programs here.
export PATH := $(PATH):$(HOME)/.cargo/bin

DEMO_ARGS ?=
TEST_ARGS ?=
EVENTS ?= 100000

.PHONY: help
help: ## show the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' Makefile | column -t -s '|'

.PHONY: install-deps
install-deps: ## install what building and testing needs (apt-get, cargo install)
	@scripts/install-deps.sh test

.PHONY: build
build: deps-build ## build a release binary, without LTO: a few minutes on two cores
	@echo "build: cargo build --release"
	@cargo build --locked --release

.PHONY: dist
dist: deps-build ## build the binary that is shipped and measured: thin LTO, takes twice as long
	@echo "dist: cargo build --profile dist"
	@cargo build --locked --profile dist

.PHONY: demo
demo: build ## a sample admin API, countersign in front, a minute of traffic, the rows (DEMO_ARGS=)
	@target/release/countersign demo $(DEMO_ARGS)

.PHONY: lint
lint: deps-build ## formatting, clippy and rustdoc, warnings denied; cargo-deny where installed
	@echo "lint: formatting"
	@cargo fmt --all --check
	@echo "lint: clippy"
	@cargo clippy --locked --all-targets --quiet -- -D warnings
	@echo "lint: documentation"
	@RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps --document-private-items --quiet
	@if command -v cargo-deny >/dev/null; then $(MAKE) deny; \
	  else echo "lint: cargo-deny is not installed, licences and bans are not checked ('make check' does)"; fi

.PHONY: deny
deny:
	@echo "lint: licences, bans and sources"
	@cargo deny --locked --log-level error check --hide-inclusion-graph licenses bans sources

.PHONY: advisories
advisories: deps-check ## known vulnerabilities in dependencies (fetches the advisory database)
	@cargo deny --locked check advisories

.PHONY: check
check: deps-check lint ## lint, and install cargo-deny for it if it is missing

.PHONY: test
test: deps-test lint ## lint, documentation tests, then all tests (TEST_ARGS= goes to nextest)
	@echo "test: documentation"
	@cargo test --locked --doc --quiet
	@echo "test: unit and integration"
	@cargo nextest run --locked --profile ci --no-tests fail $(TEST_ARGS)

.PHONY: bench
bench: deps-bench dist ## measure against nginx and against ourselves, side by side
	@benches/run.sh

.PHONY: bench-postgres
bench-postgres: deps-test deps-bench dist ## measure the ledger in PostgreSQL beside SQLite and beside a proxy made by hand
	@python3 benches/postgres.py target/dist/countersign target

.PHONY: bench-reading
bench-reading: deps-build ## measure reading with EVENTS= events (100,000; ten million take hours and 40 GB)
	@cargo bench --locked --profile dist --bench reading -- --events $(EVENTS)

.PHONY: deps-build deps-test deps-check deps-bench
deps-build deps-test deps-check deps-bench: deps-%:
	@scripts/install-deps.sh $*
