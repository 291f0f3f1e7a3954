# Examhall: `make` alone lists what there is.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help demo dev test test-fast coverage soak check fmt bench bench-check migrate lock

PORT ?= 8000
SIMULATE ?= 1
CANDIDATES ?= 120
M ?=
WORKERS ?= 4

# tests start a hundred servers from the same files: compile them once, whatever the machine is set to
export PYTHONDONTWRITEBYTECODE :=

PYTHON_IN := .venv/bin/python
PYTEST = $(PYTHON_IN) -m pytest -n $(WORKERS) --dist loadgroup
PLAIN := not server and not browser and not nightly
ENVIRONMENT := .venv/.installed
TOOLS := .venv/.installed-dev
BENCH := .venv/.installed-bench

help: ## list these targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## /\1\t/' | expand -t 13

demo: $(ENVIRONMENT) ## serve a sample hall on http://127.0.0.1:8000 (PORT=…; SIMULATE=0 without candidates) until Ctrl-C
	@exec .ci/demo '$(PORT)' '$(SIMULATE)' '$(CANDIDATES)'

dev: $(ENVIRONMENT) ## serve a sample hall that reloads changed code and templates (PORT=…), for developers
	@exec .ci/dev '$(PORT)'

test: $(TOOLS) ## run all tests; as root on Debian or Ubuntu installs the servers and browser they need
	@.ci/test-needs
	$(PYTEST) $(ARGS)

# nothing waits in them, so more workers than that are in each other's way
test-fast coverage: WORKERS = 3

test-fast: $(TOOLS) ## run the short tests that need no server and no browser, on SQLite
	$(PYTEST) --database sqlite -m "$(PLAIN) and not thorough" $(ARGS)

coverage: $(TOOLS) ## the same and the long ones, and fail if they run less of the code than pyproject.toml asks for
	$(PYTEST) --database sqlite -m "$(PLAIN)" --cov $(ARGS)

soak: $(TOOLS) ## run what is too slow for each change: real times, all servers, many more generated examples
	@.ci/test-needs
	$(PYTEST) -m "nightly or hypothesis" --hypothesis-profile nightly --ignore tests/bench $(ARGS)

check: $(TOOLS) ## ruff, mypy, djlint, oxlint, migrations = models
	$(PYTHON_IN) -m ruff check
	$(PYTHON_IN) -m ruff format --check
	$(PYTHON_IN) -m mypy
	$(PYTHON_IN) -m djlint templates --lint
	@.ci/check-javascript
	@.ci/check-migrations

fmt: $(TOOLS) ## format Python (templates by hand: a formatter moves white space that shows)
	$(PYTHON_IN) -m ruff check --fix-only
	$(PYTHON_IN) -m ruff format

bench: $(BENCH) ## measure an exam day beside floor and peers, a quarter of an hour; ARGS="fan-out storm" for parts
	@.ci/bench-needs
	@$(PYTHON_IN) -m tests.bench $(ARGS)

bench-check: $(BENCH) ## run the tests of the bench itself
	@.ci/bench-needs
	$(PYTEST) -m nightly tests/bench $(ARGS)

migrate: $(TOOLS) ## write a migration for changed models: make migrate M="what changes"
	@.ci/new-migration '$(M)'

lock: $(TOOLS) ## renew requirements/*.txt: the newest versions that pyproject.toml allows, with their checksums
	@.ci/lock

$(ENVIRONMENT): requirements/runtime.txt .ci/environment
	@.ci/environment $@ requirements/runtime.txt

$(TOOLS): requirements/dev.txt .ci/environment
	@.ci/environment $@ requirements/dev.txt
	@touch $(ENVIRONMENT)

$(BENCH): requirements/bench.txt .ci/environment
	@.ci/environment $@ requirements/bench.txt
	@touch $(ENVIRONMENT) $(TOOLS)
