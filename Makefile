# Everything a person or a machine runs here.  Needs Python 3.11 or later, and nothing else installed beforehand:
# the first target creates .venv and installs the pinned versions of constraints.txt into it, once.

PYTHON ?= $(firstword $(foreach p,python3 python3.13 python3.12 python3.11 python3.14 python,$(if \
  $(shell $(p) -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo yes),$(p))))
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check
CODE   := dsl compiler backends headspec
SPEC   ?= specs/library/induction.head
TEXT   ?= <bos> a b c a
TESTS  ?=

.DEFAULT_GOAL := help
.PHONY: help demo test quick lint format types imports check clean

help:              ## this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*##/\t/' | expand -t 12

demo: $(VENV)/.run ## compile and verify an induction head, and draw where it attends
	$(BIN)/headspec verify $(SPEC)
	$(BIN)/headspec run $(SPEC) "$(TEXT)"

test: $(VENV)/.dev ## all tests (TESTS=tests/dsl for some)
	$(BIN)/python -m pytest -q $(TESTS)

quick: $(VENV)/.dev ## the tests that take no more than a moment each
	$(BIN)/python -m pytest -q -m "not slow" $(TESTS)

lint: $(VENV)/.dev ## ruff: rules and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(VENV)/.dev ## ruff: rewrite in the one format
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

types: $(VENV)/.dev ## mypy --strict on what is shipped
	$(BIN)/mypy --strict $(CODE)

imports: $(VENV)/.dev ## imports run one way only
	$(BIN)/lint-imports

check: test lint types imports ## everything that CI runs

clean:             ## remove what the other targets made
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

# ---------------------------------------------------------------- the environment, made once
$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { \
	  echo "headspec needs Python 3.11 or later (with its venv module); \`python3\` here is: $$(python3 --version 2>&1)." >&2; \
	  echo "Install one, or name it: make PYTHON=/path/to/python3.12 demo" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "headspec needs Python 3.11 or later; $(PYTHON) is $$($(PYTHON) --version 2>&1)." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: $(VENV)/bin/python pyproject.toml constraints.txt
	@echo "installing the pinned dependencies into $(VENV) (once; PyTorch is the large one)"
	$(PIP) install --quiet --constraint constraints.txt --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.run
	$(PIP) install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $@
