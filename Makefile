# Two commands: `make demo` and `make test`. Both install what they need on a fresh Debian or Ubuntu
# machine with Python 3.11 and git.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
SUDO := $(shell [ "$$(id -u)" = 0 ] || command -v sudo)
STAMPS := .stamps
# Node from elsewhere than Debian brings its own npm, and the two conflict.
PACKAGES := chromium postgresql apache2-bin libapache2-mod-auth-openidc fonts-dejavu-core e2fsprogs $(shell command -v npm >/dev/null || echo nodejs npm)

.DEFAULT_GOAL := help
.PHONY: help demo test check bench lab format clean

help:  ## This list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/ \t/' | expand -t 12

demo: $(STAMPS)/product  ## Install and start everything with invented people
	@exec $(BIN)/lucine demo

test: check $(STAMPS)/npm $(STAMPS)/debian  ## Install what is needed and run every test
	$(BIN)/python -m pytest -n 2 --dist loadgroup

check: $(STAMPS)/test $(STAMPS)/npm  ## Format, lint, types and the plan of the house
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	node_modules/.bin/tsc -p tsconfig.json

bench: $(STAMPS)/test $(STAMPS)/npm  ## Measure everything and rewrite docs/figures.md (slow)
	$(BIN)/python -m lucine.app.bench.report

lab: $(STAMPS)/test  ## Attack a Connect of its own in every way and rewrite docs/evidence.md (slow)
	$(BIN)/lucine lab evidence

format: $(STAMPS)/test  ## Put the code in order
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:  ## Remove what was installed and made
	rm -rf $(VENV) $(STAMPS) node_modules tests/real_clients/node_modules lucine/app/bench/peer/node_modules var/demo

# A machine's Python may come without venv (Debian splits it off), and without make's own needs.
$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Lucine needs Python 3.11 or newer"; exit 1; }
	$(PYTHON) -m venv $(VENV) || { $(SUDO) apt-get update -q && $(SUDO) apt-get install -y -q python3-venv && $(PYTHON) -m venv --clear $(VENV); }

$(STAMPS)/product: pyproject.toml | $(BIN)/python
	$(BIN)/pip install --quiet --disable-pip-version-check -e .
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/test: pyproject.toml | $(BIN)/python
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[test]'
	@mkdir -p $(STAMPS) && touch $@ $(STAMPS)/product

$(STAMPS)/debian:
	@for package in $(PACKAGES); do dpkg -s $$package >/dev/null 2>&1 || missing="$$missing $$package"; done; \
	if [ -n "$$missing" ]; then \
	  $(SUDO) apt-get update -q && \
	  $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $$missing; \
	fi
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/npm: package.json package-lock.json | $(STAMPS)/debian
	npm ci --silent --no-audit --no-fund
	@mkdir -p $(STAMPS) && touch $@
