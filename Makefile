# What a developer and CI run; `make help` lists it. Needs Linux or macOS, a C compiler, Rust and
# CPython 3.10 or newer; everything else is installed into .venv and .venv-official.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help setup build demo view kills wheels test test-python test-pythons test-apis test-buffer fuzz unsafe soak suites lint clippy format bench applications clean

PYTHON ?= python3
PYTHONS ?= 3.10 3.11 3.12 3.13
VENV ?= .venv
OFFICIAL ?= .venv-official
PYTEST ?=
SUITES ?=
APPLICATIONS ?=
# Where cargo builds.
TARGET := $(or $(CARGO_TARGET_DIR),target)
# How the native module is built: `dev` is quick to build and slow to run.
PROFILE ?= release

# Absolute, and without following symbolic links: .venv/bin/python is one.
python := $(CURDIR)/$(VENV)/bin/python
uv := $(CURDIR)/$(VENV)/bin/uv
requirements := $(wildcard .ci/requirements.txt tests/requirements.txt tests/*/requirements.txt tests/*/*/requirements.txt examples/requirements.txt)
rust := Cargo.toml Cargo.lock pyproject.toml $(shell find crates -name '*.rs' -o -name '*.proto' -o -name Cargo.toml)
nextest := $(shell command -v cargo-nextest 2>/dev/null)

# The system's certificates, as pip has them: a company's proxy may have one of its own.
export UV_SYSTEM_CERTS ?= 1

# pyo3's build script and maturin then agree on the interpreter, and nothing is compiled twice.
export PYO3_PYTHON := $(python)
export VIRTUAL_ENV := $(CURDIR)/$(VENV)
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
export OXITEL_OFFICIAL_PYTHON ?= $(CURDIR)/$(OFFICIAL)/bin/python

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

setup: $(VENV)/.ready $(OFFICIAL)/.ready ## Make .venv and, for comparisons, .venv-official

build: $(VENV)/.built $(TARGET)/release/oxitel-viewer ## Build the native module and the viewer (release)

demo: build ## Two services under load: one request's trace and logs, and the metrics
	$(python) examples/demo.py --viewer $(TARGET)/release/oxitel-viewer --python $(python) \
	  --data $(TARGET)/demo --open-with "make view"

view: $(TARGET)/release/oxitel-viewer ## Start the viewer with what the last demo sent
	$(TARGET)/release/oxitel-viewer start --data $(TARGET)/demo

# Both wheels and the sdist, as they are published, and tried in an environment of their own.
wheels: $(VENV)/.ready
	$(python) scripts/try_release.py --out wheels

# Two hundred rounds of tests/viewer/test_kill.py.
kills: $(TARGET)/release/oxitel-viewer
	OXITEL_KILLS=200 $(python) -m pytest tests/viewer/test_kill.py

test: build setup ## Every test: Rust, then Python under .venv
ifdef nextest
	cargo nextest run --workspace
	cargo test --doc --workspace
else
	cargo test --workspace
endif
	$(python) -m pytest --numprocesses 4 --dist loadfile $(PYTEST)

test-python: $(VENV)/.built setup
	$(python) -m pytest --numprocesses 4 --dist loadfile $(PYTEST)

test-pythons: ## The Python tests under each of PYTHONS="3.10 3.11 3.12 3.13"
	for version in $(PYTHONS); do \
	  python=$$(.ci/find-python $$version) && \
	  $(MAKE) test-python PYTHON=$$python VENV=.venv-$$version OFFICIAL=.venv-official-$$version \
	    OXITEL_OFFICIAL_PYTHON=$(CURDIR)/.venv-official-$$version/bin/python || exit 1; \
	done

# The tests beside the oldest and the newest API that are supported; docs/dropin.md shows what was found.
test-apis: $(VENV)/.built setup
	$(python) scripts/try_api_versions.py -- --numprocesses 4 --dist loadfile $(PYTEST)

# The buffer's long tests: a thousand kills, many more modelled accidents, outages of minutes.
test-buffer: $(VENV)/.built
	OXITEL_MODEL_CASES=20000 cargo test -p telemetry --lib -- export::spool::store
	OXITEL_BUFFER_KILLS=1000 $(python) -m pytest tests/life/test_buffer.py -k "sigkill and memory" --timeout 3600
	OXITEL_BUFFER_LONG_OUTAGES=1 $(python) -m pytest tests/life/test_long_outages.py

# A million requests, some of which fail, and where memory is afterwards.
soak: $(VENV)/.built
	OXITEL_SOAK_REQUESTS=1000000 $(python) -m pytest tests/instrumentation/test_soak.py

# Needs a nightly Rust and cargo-fuzz. Ten million inputs for each of fuzz/'s targets, or for those of
# FUZZ="NAME …"; a minute of each is FUZZ_OPTIONS=-max_total_time=60. Without a sanitizer, which watches over
# unsafe code: these targets have none but the ring's writer, which `make unsafe` is for.
fuzz:
	for target in $(or $(FUZZ),$(basename $(notdir $(wildcard fuzz/fuzz_targets/*.rs)))); do \
	  nice cargo +nightly fuzz run --sanitizer none $$target -- $(or $(FUZZ_OPTIONS),-runs=10000000) || exit 1; \
	done

# The ring's unsafe code under Miri and under the thread sanitizer. Needs a nightly Rust with miri and
# rust-src. Miri fails itself where it imitates weak memory; the sanitizer has the orders of atomics.
unsafe:
	MIRIFLAGS="-Zmiri-disable-isolation -Zmiri-disable-weak-memory-emulation" \
	  CARGO_TARGET_DIR=$(TARGET)/unsafe cargo +nightly miri test -p journal --lib
	RUSTFLAGS=-Zsanitizer=thread CARGO_TARGET_DIR=$(TARGET)/unsafe cargo +nightly test -Zbuild-std \
	  -p journal --lib --target $$(rustc -vV | sed -n 's/^host: //p')

# Other people's tests (logfire, Sentry, …) on both sides, whole; SUITES="NAME …" for some.
suites: $(VENV)/.built
	cd tests && nice $(python) -m official.suites $(SUITES)

lint: $(VENV)/.built clippy ## Formatting, lints, types, and the rules of the tree
	cargo fmt --all --check
	cargo tree -p telemetry >/dev/null
	! cargo tree -p telemetry -i pyo3 >/dev/null 2>&1
	ruff check
	ruff format --check
	mypy
	$(python) -m mypy.stubtest oxitel._native
	$(python) scripts/check_layout.py
	$(python) scripts/check_crates.py

clippy: $(VENV)/.ready
	cargo clippy --workspace --all-targets -- -D warnings

format: $(VENV)/.ready ## Format Rust and Python
	cargo fmt --all
	ruff check --fix
	ruff format

bench: $(VENV)/.optimised setup ## Side by side with the official packages
	$(python) benchmarks/run.py --python $(python) --official $(OXITEL_OFFICIAL_PYTHON)

applications: setup ## Applications from PyPI on both sides; APPLICATIONS="NAME …" for some
	$(optimised_wheel)
	$(python) benchmarks/applications/run.py --wheel $(TARGET)/optimised/wheel/*.whl $(APPLICATIONS)

clean: ## Remove everything that was built or installed here
	cargo clean
	rm -rf .venv .venv-* wheels python/oxitel/_native.*.so .mypy_cache .pytest_cache .ruff_cache

# Making the environments and building into them. Each file stands for a step that was done.

$(VENV)/bin/python $(OFFICIAL)/bin/python:
	$(PYTHON) -c 'import sys; sys.version_info >= (3, 10) or sys.exit("CPython 3.10 or newer is needed, set PYTHON=")'
	$(PYTHON) -m venv $(@:/bin/python=) || { echo "this Python cannot make virtual environments: install its venv package (Debian: python3-venv)"; exit 1; }

$(VENV)/bin/uv: $(VENV)/bin/python
	$< -m pip install --quiet --disable-pip-version-check -r .ci/requirements.txt

$(VENV)/.ready: $(requirements) | $(VENV)/bin/uv
	$(uv) pip install --quiet --python $(python) $(addprefix -r ,$(requirements))
	touch $@

$(OFFICIAL)/.ready: tests/requirements-official.txt tests/official/instrumentations/requirements.txt | $(VENV)/bin/uv $(OFFICIAL)/bin/python
	$(uv) pip install --quiet --python $(OFFICIAL)/bin/python -r $<
	touch $@

# The .pth in the wheel names oxitel/dropin inside site-packages; an editable install lives elsewhere.
$(VENV)/.built: $(rust) | $(VENV)/.ready
	@echo "Building the native module (the first time takes some minutes)"
	maturin develop --profile $(PROFILE) --uv
	$(python) -c 'import sysconfig; open(sysconfig.get_path("purelib") + "/oxitel_dropin_editable.pth", "w").write("$(CURDIR)/python/oxitel/dropin\n$(CURDIR)/python/oxitel/base\n")'
	touch $@

# As the published wheels are: built twice, and optimised for what benchmarks/train.py runs in between.
# In a folder of its own, since with other flags cargo builds everything again. What reads the profile
# comes with rustup, or with the toolchain.
define optimised_wheel
	@echo "Building the native module for what it does most (twice, some minutes each)"
	@rustup component add llvm-tools || echo "without rustup: llvm-profdata has to come with the toolchain"
	rm -rf $(TARGET)/optimised/wheel
	CARGO_TARGET_DIR=$(TARGET)/optimised maturin build --release --pgo --quiet --interpreter $(python) --out $(TARGET)/optimised/wheel
endef

# Its native module, for the Python of this checkout.
$(VENV)/.optimised: $(VENV)/.built benchmarks/train.py benchmarks/requirements-training.txt
	$(optimised_wheel)
	$(python) -m zipfile -e $(TARGET)/optimised/wheel/*.whl $(TARGET)/optimised/wheel/files
	cp $(TARGET)/optimised/wheel/files/oxitel/_native.*.so python/oxitel/
	touch $@

$(TARGET)/release/oxitel-viewer: $(rust)
	@echo "Building the viewer"
	cargo build --release --package oxitel-viewer
	touch $@
