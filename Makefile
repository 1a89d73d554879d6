# Short names for what README.md and CONTRIBUTING.md say in full.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help run test check web count bench

# The example in Rust is a project of its own, built beside the program.
bot = examples/telegram-bot/Cargo.toml

# What a part of the tests says when a tool is missing: it is skipped, but where CI=true that is a failure.
missing = if [ "$${CI:-}" = true ]; then echo "missing: $(1)" >&2; exit 1; else echo "skipped: $(1)"; fi

help:
	@sed -n 's/^## //p' Makefile

## run    build and serve at http://127.0.0.1:8000/playground
run: web
	cargo run --bin romdex -- serve

## web    build the playground, where Node.js is installed
web:
	@if command -v npm >/dev/null; then scripts/web; else $(call missing,the playground needs npm); fi

## check  formatting and lints
check:
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	cargo fmt --manifest-path $(bot) --check
	cargo clippy --manifest-path $(bot) --target-dir target --all-targets --locked -- -D warnings

## test   everything that must hold: what CI runs
test: check
	@if command -v cargo-deny >/dev/null; then cargo deny --locked check licenses bans sources && \
		cargo deny --manifest-path $(bot) --config deny.toml --locked check licenses bans sources; \
	else $(call missing,licences and sources need cargo-deny); fi
	@$(MAKE) --no-print-directory web
	cargo test --workspace --locked
	@if command -v npm >/dev/null && [ -x "$${CHROMIUM:-/usr/bin/chromium}" ]; then npm --prefix web test; \
	else $(call missing,the browser test needs npm and chromium); fi
	cargo build --locked --bin romdex
	ROMDEX_BIN=target/debug/romdex examples/run
	@if command -v npm >/dev/null; then ROMDEX_BIN=target/debug/romdex audits/run; \
	else $(call missing,the audits need npm); fi
	@if command -v valgrind >/dev/null; then $(MAKE) --no-print-directory count; \
	else $(call missing,instructions are counted by valgrind); fi

## count  instructions of the operations and of an import, against what is recorded
count:
	cargo bench --locked --bench instructions

## bench  everything that docs/performance.md shows: import, instructions, subscribers, and other servers where the harness is beside the project
bench:
	cargo bench --locked
	@if [ -d "$${PEERS_DIR:-../shared/peers}" ]; then cargo build --release --locked --bin romdex && benches/peers/peers.py all; \
	else echo "skipped: no harness of other servers beside the project (PEERS_DIR)"; fi
