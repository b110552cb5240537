# What a developer types. Each check is an environment of tox.ini; `make test` runs them all, as CI does.
.DEFAULT_GOAL := help
.PHONY: help up test bench map proto routes lock clean
VENV := .venv
RUN := $(VENV)/bin/python
SERVERS ?= auto

help:  ## show this
	@sed -n 's/^\([a-z]*\):.*  ## /\1\t/p' Makefile | expand -t 8

up: $(VENV)/requirements.lock  ## start the whole suite in one process; Ctrl-C ends it
	@exec $(RUN) -m services

test: $(VENV)/requirements-dev.lock  ## everything that CI runs; SERVERS=auto|none|all says which real servers take part
	@$(RUN) hack/checks.py -- --servers=$(SERVERS)

bench: $(VENV)/requirements-dev.lock  ## the figures of docs/performance.md, each with a ratio
	@for file in $$(grep -l __main__ tests/bench/*.py); do \
		echo "== $$file"; $(RUN) -m "tests.bench.$$(basename $$file .py)" || exit 1; done

map: $(VENV)/requirements.lock  ## every route, event, reaction and worker
	@exec $(RUN) -m services --map

proto: $(VENV)/requirements-dev.lock  ## contracts from proto/
	@$(RUN) proto/generate.py

routes: $(VENV)/requirements.lock  ## the gateway's table, from every service's routes and kinds
	@$(RUN) -m hack.routes

lock: $(VENV)/requirements-dev.lock  ## resolve the dependencies of pyproject.toml again
	@hack/lock.sh

clean:  ## remove what was built and installed; the data in var/ stays
	@rm -rf $(VENV) .tox .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist *.egg-info
	@rm -f .coverage .coverage.*
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The copy inside the environment tells which lock it was made from.
$(VENV)/requirements.lock: requirements.lock
	@hack/venv.sh $(VENV) $<

$(VENV)/requirements-dev.lock: requirements-dev.lock requirements.lock
	@hack/venv.sh $(VENV) requirements-dev.lock requirements.lock
