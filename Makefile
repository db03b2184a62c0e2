SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
.PHONY: help install up lint check test bench format lock development system-packages

PYTHON ?= $(or $(shell command -v python3.11),$(shell command -v python3),python3)
VENV := .venv
BIN := $(VENV)/bin
CLIENTS := .venv-clients
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet install
NPM = PATH="$(CURDIR)/$(CLIENTS)/bin:$$PATH" npm --ignore-scripts --no-audit --no-fund --loglevel=error
LOCK := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-annotate
TYPED := src tests $(wildcard tools benchmarks)

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "make %-9s %s\n", $$1, $$2}'

install: $(VENV)/.installed ## install Keystead and what it needs into .venv

up: install ## run everything on this host; DATA=folder PORT=number
	@exec $(BIN)/keystead up $(if $(DATA),--data "$(DATA)") $(if $(PORT),--port "$(PORT)")

lint: development ## check format, rules, types and imports
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy $(TYPED)
	$(BIN)/lint-imports

check: lint ## lint and the fast tests: what to run before every commit
	$(BIN)/python -m pytest -q -m "not slow" -n 2 --hypothesis-profile=quick

test: system-packages lint $(CLIENTS)/.installed ## everything: lint, the fast tests, and the tests with real processes
	$(BIN)/python -m pytest -q -m "not slow" -n 2
	$(BIN)/python -m pytest -q -m slow

bench: system-packages $(VENV)/.installed-bench ## measure; needs a quiet machine
	$(BIN)/python -m benchmarks

format: development ## format and repair what can be repaired
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: $(CLIENTS)/.installed ## resolve the newest allowed dependencies and write requirements/
	@command -v uv >/dev/null || { echo "make lock needs uv: $(PYTHON) -m pip install uv" >&2; exit 1; }
	$(LOCK) --upgrade pyproject.toml --group test --group check --group schema -o requirements/dev.lock
	$(LOCK) --upgrade pyproject.toml -c requirements/dev.lock -o requirements/run.lock
	$(LOCK) --upgrade --group build -c requirements/dev.lock -o requirements/build.lock
	$(LOCK) --upgrade --group bench -c requirements/dev.lock -o requirements/bench.lock
	$(LOCK) --upgrade --group clients -o requirements/clients.lock
	cd tests/clients && $(NPM) update --package-lock-only --omit-lockfile-registry-resolved
	@! grep -n '://' requirements/*.lock tests/clients/package-lock.json

development: $(VENV)/.installed-dev

system-packages:
	@PYTHON="$(PYTHON)" .ci/system-packages

$(VENV)/.installed: pyproject.toml requirements/run.lock requirements/build.lock
	@.ci/python-check "$(PYTHON)"
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || "$(PYTHON)" -m venv $(VENV)
	$(PIP) --require-hashes -r requirements/run.lock -r requirements/build.lock
	$(PIP) --no-deps --no-build-isolation --no-index -e .
	@touch $@ && echo "installed: $(BIN)/keystead"

$(VENV)/.installed-dev: $(VENV)/.installed requirements/dev.lock
	$(PIP) --require-hashes -r requirements/dev.lock
	@touch $@

$(CLIENTS)/.installed: requirements/clients.lock tests/clients/package-lock.json
	@$(CLIENTS)/bin/python -m pip --version >/dev/null 2>&1 || "$(PYTHON)" -m venv $(CLIENTS)
	$(CLIENTS)/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes -r requirements/clients.lock
	cd tests/clients && $(NPM) ci
	@touch $@

$(VENV)/.installed-bench: $(VENV)/.installed-dev requirements/bench.lock
	$(PIP) --require-hashes -r requirements/bench.lock
	@touch $@
