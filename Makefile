# Everything is installed into .venv on first use; later runs need no network.

PYTHON ?= python3
BIN := .venv/bin
PIN := $(BIN)/pip-compile --quiet --strip-extras --no-emit-index-url --no-emit-trusted-host --no-emit-find-links \
       --no-header --generate-hashes --allow-unsafe
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input --require-hashes

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help run federation-demo test lint fmt types contracts migrations messages requirements bench clean

# The tests have servers and data of their own: they run beside `make run`.
migrations test bench: export FAULTLINE_HOME := $(CURDIR)/var/test
run federation-demo: export PYTHONDONTWRITEBYTECODE := 1
# Kept: the tests start hundreds of processes, and would compile everything, themselves too, in each.
migrations test bench: export PYTHONDONTWRITEBYTECODE :=

# All tests: in three processes, as many tests wait for others; who is done takes over what others have yet to do.
# ARGS are run in one.
WORKERS ?= 3
ALL = --numprocesses=$(WORKERS) --dist=worksteal

# One line for each step; what it said only if it failed.
define step
@printf '%-22s' '$(1)'; if said=$$($(2) 2>&1); then echo ok; else echo failed; printf '%s\n' "$$said"; exit 1; fi
endef

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "make %-17s%s\n", $$1, $$2}' Makefile

run: .venv/.runtime ## Run a node: http://127.0.0.1:8000 (PORT, FAULTLINE_HOME)
	@exec $(BIN)/python -m config.run

federation-demo: .venv/.runtime ## Run three nodes that follow each other, and watch a record go round (PORT, FAULTLINE_HOME)
	@exec $(BIN)/python -m config.federation_demo

test: .venv/.dev lint contracts types migrations ## Check style, layers and types, then run all tests (ARGS="tests/api -k name")
	@exec $(BIN)/python -m config.embedded $(BIN)/python -m pytest $(or $(ARGS),$(ALL))

lint: .venv/.dev ## Check style and format
	$(call step,ruff check,$(BIN)/ruff check .)
	$(call step,ruff format,$(BIN)/ruff format --check .)

contracts: .venv/.dev ## Check which layer imports which
	$(call step,lint-imports,$(BIN)/lint-imports)

types: .venv/.dev ## Check types
	$(call step,mypy,$(BIN)/mypy .)

migrations: .venv/.dev ## Check that every model change has its migration
	$(call step,makemigrations,$(BIN)/python -m config.embedded $(BIN)/python manage.py makemigrations --check)

messages: .venv/.dev ## Bring the catalogues of translations up to date and compile them
	@$(BIN)/python -m config.messages

fmt: .venv/.dev ## Format the code and fix what can be fixed
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: .venv/.dev ## Measure: tests/bench/bench_*.py, which `make test` leaves out
	@if ls tests/bench/bench_*.py >/dev/null 2>&1; \
	then exec $(BIN)/python -m config.embedded $(BIN)/python -m pytest -o python_files='bench_*.py' -s tests/bench $(ARGS); \
	else echo 'there is nothing in tests/bench yet'; fi

requirements: .venv/.dev ## Pin requirements*.in with hashes
	@$(PIN) --output-file requirements.txt requirements.in
	@$(PIN) --output-file requirements-dev.txt requirements-dev.in

clean: ## Remove caches, the tests' data and .venv; var, your node's data, stays
	@rm -rf .venv var/test .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -not -path './var/*' -prune -exec rm -rf {} +

# --- Installation ---------------------------------------------------------------------------------------------
.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
		{ echo 'faultline: $(PYTHON) is not Python 3.11 or newer; say which is: make PYTHON=/usr/bin/python3.11' >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || \
		{ echo 'faultline: $(PYTHON) cannot make virtual environments; install the package python3-venv' >&2; exit 1; }
	@echo 'Installing into .venv; this happens once.'
	@$(PYTHON) -m venv .venv || { rm -rf .venv; exit 1; }

# A stamp is newer than what was installed.
.venv/.runtime: requirements.txt | .venv/bin/python
	@$(INSTALL) -r requirements.txt
	@touch $@

.venv/.dev: requirements-dev.txt .venv/.runtime | .venv/bin/python
	@$(INSTALL) -r requirements.txt -r requirements-dev.txt
	@touch $@
