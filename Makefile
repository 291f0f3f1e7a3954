# Examhall: `make` alone lists what there is.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help demo test check fmt bench migrate

PORT ?= 8000
SIMULATE ?= 1
CANDIDATES ?= 120
M ?=
WORKERS ?= 4

# a hundred servers that tests start are of the same files: compiled once, whatever the machine's habit is
export PYTHONDONTWRITEBYTECODE :=

PYTHON_IN := .venv/bin/python
ENVIRONMENT := .venv/.installed
TOOLS := .venv/.installed-dev

help: ## list these targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):[^#]*## /\1\t/' | expand -t 10

demo: $(ENVIRONMENT) ## serve a sample hall on http://127.0.0.1:8000 (PORT=…; SIMULATE=0 without candidates) until Ctrl-C
	@exec .ci/demo '$(PORT)' '$(SIMULATE)' '$(CANDIDATES)'

test: $(TOOLS) ## run all tests; as root on Debian or Ubuntu installs the servers and browser they need
	@.ci/test-needs
	$(PYTHON_IN) -m pytest -n $(WORKERS) --dist loadgroup $(ARGS)

check: $(TOOLS) ## ruff, mypy, djlint, migrations = models, JavaScript syntax
	$(PYTHON_IN) -m ruff check
	$(PYTHON_IN) -m ruff format --check
	$(PYTHON_IN) -m mypy
	$(PYTHON_IN) -m djlint templates --lint
	@.ci/check-migrations
	@.ci/check-javascript

fmt: $(TOOLS) ## format Python (templates by hand: a formatter moves white space that shows)
	$(PYTHON_IN) -m ruff check --fix-only
	$(PYTHON_IN) -m ruff format

bench: $(TOOLS) ## measure an exam day beside floor and peers, a quarter of an hour; ARGS="fan-out storm" for parts
	@.ci/bench-needs
	@$(PYTHON_IN) -m pip install --quiet --disable-pip-version-check --editable '.[bench]'
	$(PYTHON_IN) -m tests.bench $(ARGS)

migrate: $(TOOLS) ## write a migration for changed models: make migrate M="what changes"
	@.ci/new-migration '$(M)'

$(ENVIRONMENT): pyproject.toml .ci/environment
	@.ci/environment $@ .

$(TOOLS): pyproject.toml .ci/environment
	@.ci/environment $@ '.[dev]'
