# demo · test · check · bench · install: each does its own set-up.
# `make help` lists them. All that is built or fetched lands in target/ and bindings/node/node_modules/.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules --no-print-directory

PYTHON ?= python3
PREFIX ?= /usr/local
TRACE ?=

TARGET := $(CURDIR)/target
export CARGO_TARGET_DIR := $(TARGET)
export PYTHON

VENV := $(TARGET)/venv
VENV_PYTHON := $(VENV)/bin/python
# cmake and ctest of the machine if it has them, else those of the virtual environment.
export PATH := $(PATH):$(VENV)/bin
NODE_DIR := bindings/node
DEMO := $(TARGET)/demo
RELEASE := $(TARGET)/release
LIBRARY_SUFFIX := $(if $(filter Darwin,$(shell uname -s)),dylib,so)
PROGRAMS := $(TARGET)/programs
FAILPOINTS := $(TARGET)/failpoints
BENCH ?=
PYTHON_SOURCES := --config bindings/python/pyproject.toml bindings/python demo/python tests

C_FLAGS := -std=c11 -O2 -Wall -Wextra -Werror -Iinclude -Idemo/c
C_LIBRARY := -L$(RELEASE) -lcauselog -Wl,-rpath,$(RELEASE)
MATURIN := $(VENV)/bin/maturin build --quiet --locked --interpreter $(VENV_PYTHON)
PIP_OFFLINE := $(VENV_PYTHON) -m pip install --quiet --disable-pip-version-check --no-index --no-deps

REPLAY_RUST := $(RELEASE)/replay
REPLAY_C := $(PROGRAMS)/replay-c
REPLAY_PYTHON := $(VENV_PYTHON) demo/python/replay.py
REPLAY_NODE := node demo/node/replay.mjs
PROGRAMS_OF_EACH := GENERATE_TRACE=$(RELEASE)/generate-trace \
    REPLAY_RUST='$(REPLAY_RUST)' REPLAY_C='$(REPLAY_C)' \
    REPLAY_PYTHON='$(VENV_PYTHON) $(CURDIR)/demo/python/replay.py' REPLAY_NODE='node $(CURDIR)/demo/node/replay.mjs' \
    INTEROP_RUST=$(RELEASE)/interop INTEROP_C=$(PROGRAMS)/interop-c \
    INTEROP_PYTHON='$(VENV_PYTHON) $(CURDIR)/tests/interop/interop.py' INTEROP_NODE='node $(CURDIR)/tests/interop/interop.js'

# ---------------------------------------------------------------------------- help

.PHONY: help
help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 20

# --------------------------------------------------------------------------- set-up

.PHONY: prerequisites
prerequisites:
	@scripts/prerequisites.sh

# The tools come from the network once; they are fetched again only when what is asked for changes.
$(VENV)/.ready: bindings/python/requirements-dev.txt | prerequisites
	@echo '== Python tools'
	$(PYTHON) -m venv $(VENV)
	$(VENV_PYTHON) -m pip install --quiet --disable-pip-version-check -r $<
	command -v cmake >/dev/null || $(VENV_PYTHON) -m pip install --quiet --disable-pip-version-check cmake
	@touch $@

$(TARGET)/node-modules.ready: $(NODE_DIR)/package-lock.json | prerequisites
	@echo '== Node tools'
	cd $(NODE_DIR) && npm ci --no-audit --no-fund --loglevel=error
	@mkdir -p $(TARGET) && touch $@

# ---------------------------------------------------------------------------- build

.PHONY: build build-rust build-c build-python build-node
build: build-rust build-c build-python build-node ## build everything in release mode

build-rust: prerequisites
	@echo '== Rust programs'
	cargo build --locked --release -p causelog-demo

build-c: prerequisites
	@echo '== C library and programs'
	cargo build --locked --release -p causelog-ffi
	@ln -sf libcauselog.so $(RELEASE)/libcauselog.so.0.1
	@mkdir -p $(PROGRAMS)
	$(CC) $(C_FLAGS) $(filter-out demo/c/quickstart.c,$(wildcard demo/c/*.c)) -o $(PROGRAMS)/replay-c $(C_LIBRARY)
	$(CC) $(C_FLAGS) tests/interop/interop.c -o $(PROGRAMS)/interop-c $(C_LIBRARY)

build-python: $(VENV)/.ready
	@echo '== Python module'
	@rm -rf $(TARGET)/wheels
	cd bindings/python && $(MATURIN) --release --out $(TARGET)/wheels
	$(PIP_OFFLINE) --force-reinstall $(TARGET)/wheels/*.whl

build-node: $(TARGET)/node-modules.ready
	@echo '== Node addon'
	cd $(NODE_DIR) && npm run --silent build

# Builds in which a test can make an append panic; they land beside the others, never in them. They run little, so nothing is
# optimised in them.
.PHONY: build-failpoints
build-failpoints: export CARGO_PROFILE_DEV_OPT_LEVEL := 0
build-failpoints: export CARGO_PROFILE_DEV_DEBUG := none
build-failpoints: $(VENV)/.ready
	@echo '== Builds that panic on purpose'
	@rm -rf $(FAILPOINTS)/wheels $(FAILPOINTS)/python
	cd bindings/python && $(MATURIN) --features failpoints --target-dir $(FAILPOINTS)/cargo --out $(FAILPOINTS)/wheels
	$(PIP_OFFLINE) --target $(FAILPOINTS)/python $(FAILPOINTS)/wheels/*.whl
	cargo build --locked -p causelog-node --features failpoints --target-dir $(FAILPOINTS)/cargo
	@cp $(FAILPOINTS)/cargo/debug/libcauselog_node.$(LIBRARY_SUFFIX) $(FAILPOINTS)/causelog.node

# ----------------------------------------------------------------------------- demo

.PHONY: demo
demo: build ## do the main job in four languages; TRACE=path[.gz] for a trace of your own
	@mkdir -p $(DEMO)
	@$(if $(TRACE),true,$(RELEASE)/generate-trace --out $(DEMO)/generated.jsonl --expected $(DEMO)/expected.json)
	@trace='$(or $(TRACE),target/demo/generated.jsonl)'; \
	for language in rust c python node; do \
	    echo; rm -rf $(DEMO)/$$language; mkdir -p $(DEMO)/$$language; \
	    case $$language in \
	        rust) program='$(REPLAY_RUST)';; c) program='$(REPLAY_C)';; \
	        python) program='$(REPLAY_PYTHON)';; node) program='$(REPLAY_NODE)';; \
	    esac; \
	    $$program "$$trace" --log target/demo/$$language/log \
	        --reports target/demo/$$language/reports.jsonl --summary target/demo/$$language/summary.json; \
	done; \
	for language in c python node; do \
	    cmp $(DEMO)/rust/reports.jsonl $(DEMO)/$$language/reports.jsonl; \
	    cmp $(DEMO)/rust/summary.json $(DEMO)/$$language/summary.json; \
	done
	@$(if $(TRACE),true,cmp $(DEMO)/expected.json $(DEMO)/rust/summary.json)
	@echo; echo 'All four gave the same numbers and, byte for byte, the same reports.'
	@$(if $(TRACE),true,echo 'The numbers are those that the parents of the transactions give without any clock.')

# ----------------------------------------------------------------------------- test

.PHONY: test test-rust test-c test-python test-node test-replay test-interop test-docs
test: test-rust test-c test-python test-node test-replay test-interop test-docs ## pass every suite

test-rust: prerequisites
	@echo '== Rust: cargo test'
	cargo test --locked --workspace

# The debug library, because optimised code branches on values that it then ignores, which valgrind cannot know.
test-c: $(VENV)/.ready
	@echo '== C: ctest, plain and with sanitizers'
	cargo build --locked -p causelog-ffi
	cmake -S tests/c -B $(TARGET)/ctest -DCAUSELOG_LIBRARY=$(TARGET)/debug/libcauselog.so -DCAUSELOG_INCLUDE=$(CURDIR)/include
	cmake --build $(TARGET)/ctest
	ctest --test-dir $(TARGET)/ctest --parallel 2 --output-on-failure
	cmake -S tests/c -B $(TARGET)/ctest-sanitized -DCAUSELOG_SANITIZE=ON -DCAUSELOG_LIBRARY=$(TARGET)/debug/libcauselog.so -DCAUSELOG_INCLUDE=$(CURDIR)/include
	cmake --build $(TARGET)/ctest-sanitized
	ctest --test-dir $(TARGET)/ctest-sanitized --parallel 2 --output-on-failure

test-python: build-python build-failpoints
	@echo '== Python: pytest'
	cd bindings/python && CAUSELOG_FAILPOINTS_PATH=$(FAILPOINTS)/python $(VENV_PYTHON) -m pytest

test-node: build-node build-failpoints
	@echo '== Node: jest'
	cd $(NODE_DIR) && CAUSELOG_FAILPOINTS_NODE=$(FAILPOINTS)/causelog.node npm test --silent

test-replay: build
	@echo '== The job in four languages: pytest'
	$(PROGRAMS_OF_EACH) $(VENV_PYTHON) -m pytest tests/replay

test-interop: build
	@echo '== One directory, four languages: pytest'
	$(PROGRAMS_OF_EACH) $(VENV_PYTHON) -m pytest tests/interop

test-docs: build
	@echo '== Documents: pytest'
	$(VENV_PYTHON) -m pytest tests/docs

# ---------------------------------------------------------------------------- check

.PHONY: check check-rust check-python check-node
check: check-rust check-python check-node test-docs ## formatting, lints, generated files, docs, links
	@echo; echo 'Everything is in order.'

check-rust: prerequisites
	@echo '== Rust: formatting, lints, header, docs'
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets --all-features -- -D warnings
	cargo test --locked --quiet -p causelog-ffi --test header
	RUSTDOCFLAGS='-D warnings' cargo doc --locked --quiet --no-deps -p causelog

check-python: build-python
	@echo '== Python: types and stubs'
	cd bindings/python && $(VENV_PYTHON) -m mypy.stubtest causelog && $(VENV_PYTHON) -m mypy
	$(VENV)/bin/ruff check --quiet $(PYTHON_SOURCES)
	$(VENV)/bin/ruff format --quiet --check $(PYTHON_SOURCES)

check-node: build-node
	@echo '== Node: types'
	cd $(NODE_DIR) && npm run --silent check:types -- --release

# ---------------------------------------------------------------------------- bless

.PHONY: bless
bless: $(VENV)/.ready $(TARGET)/node-modules.ready ## rewrite what is generated: header, types, vectors, the README's quotations
	CAUSELOG_BLESS=1 cargo test --locked --quiet -p causelog-ffi --test header
	CAUSELOG_BLESS=1 cargo test --locked --quiet -p causelog --test conformance
	cd $(NODE_DIR) && npm run --silent build
	CAUSELOG_BLESS=1 $(VENV_PYTHON) -m pytest --quiet tests/docs/test_quoted_files.py

# ---------------------------------------------------------------------------- bench

.PHONY: bench
bench: prerequisites ## print the speed table, each figure beside a bare baseline
	cargo run --locked --release --manifest-path bench/Cargo.toml -- $(BENCH)

# -------------------------------------------------------------------------- install

.PHONY: install
install: build-c ## install library, header, pkg-config and CMake files under PREFIX
	ffi/install/install.sh $(PREFIX) $(RELEASE)

.PHONY: clean
clean: ## remove everything that was built or fetched
	rm -rf $(TARGET) $(NODE_DIR)/node_modules $(NODE_DIR)/*.node
