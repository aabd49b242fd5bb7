# Every target works on a fresh machine that has only Python >= 3.10 and make: it first makes .venv and
# installs vaelib there with the versions of constraints.txt. A second call finds that done.

PYTHON ?= python3
VENV ?= .venv
PRESET ?= quick
ARGS ?=
# Where torch comes from, for example https://download.pytorch.org/whl/cpu; empty: the package index.
TORCH_INDEX ?=

# Threads of OpenMP that spin briefly: see vaelib/report/execution.py.
export GOMP_SPINCOUNT ?= 1000

BIN := $(VENV)/bin
RUN := $(BIN)/python
# Named after the interpreter, so that another PYTHON installs anew.
STAMP := $(VENV)/.installed-$(notdir $(PYTHON))
LIMIT := $(RUN) tools/time_limit.py
NBVAL := --nbval-lax --nbval-current-env --nbval-cell-timeout=300 --nbval-kernel-startup-timeout=120

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help install report test test-notebooks test-lower lint docs notebooks lab bench checkpoints
.PHONY: constraints clean

help:  ## this list
	@echo "make TARGET [VARIABLE=value ...]"
	@awk -F ':.*##' '/^[a-z-]+:.*##/ {printf "  %-16s%s\n", $$1, $$2}' Makefile
	@echo "Variables:"
	@echo "  PRESET=quick    how long a report may take: smoke, quick or full"
	@echo "  ARGS='...'      passed on to the command, as in: make report ARGS='-p beta 8'"
	@echo "  PYTHON=python3  the interpreter that .venv is made with, at least 3.10"
	@echo "  TORCH_INDEX=    where torch comes from when .venv is made, as in"
	@echo "                  make install TORCH_INDEX=https://download.pytorch.org/whl/cpu"

install: $(STAMP)  ## .venv with vaelib and all it needs (the other targets call this)

report: $(STAMP)  ## run the notebooks, write reports/<name>/index.html
	$(BIN)/vaelib report --preset $(PRESET) $(ARGS)

test: $(STAMP)  ## unit tests, then every notebook with a small budget
	$(LIMIT) 1200 $(RUN) -m pytest $(ARGS)
	$(MAKE) --no-print-directory test-notebooks

test-notebooks: $(STAMP)  ## the second half of test alone
	VAELIB_FAST=1 $(LIMIT) 1200 $(RUN) -m pytest $(NBVAL) notebooks

test-lower: $(STAMP)  ## most tests with the oldest versions of pyproject.toml
	$(LIMIT) 1200 $(RUN) tools/test_lower.py $(ARGS)

lint: $(STAMP)  ## ruff over the code and the notebooks
	$(RUN) -m ruff check .

docs: $(STAMP)  ## the documentation: docs/_build/html/index.html
	$(RUN) -m sphinx -q -W --keep-going -b html docs docs/_build/html
	@echo docs/_build/html/index.html

notebooks: $(STAMP)  ## pair the notebooks with notebooks/py and execute them anew (ARGS=name for one)
	$(RUN) tools/notebooks.py $(ARGS)

lab: $(STAMP)  ## open the notebooks in JupyterLab
	$(BIN)/jupyter lab notebooks

bench: $(STAMP)  ## the benchmarks
	$(RUN) -m benchmarks $(ARGS)

checkpoints: $(STAMP)  ## train the shipped checkpoints anew (hours)
	$(RUN) tools/make_checkpoints.py $(ARGS)

constraints: $(STAMP)  ## constraints.txt with today's versions (ARGS=--keep: only what is new)
	$(RUN) tools/constraints.py $(ARGS)

clean:  ## remove .venv and caches; runs, reports and data stay
	rm -rf $(VENV) .venv-lower build dist .pytest_cache .ruff_cache
	rm -rf docs/_build docs/api docs/chapters docs/project
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamp is touched last: a failed install leaves none, and the next call tries again.
$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null || { \
	  echo "vaelib needs Python 3.10 or newer, but $(PYTHON) is $$($(PYTHON) -V 2>/dev/null || echo missing)." \
	    "Choose another: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 1; }
	@rm -f $(VENV)/.installed-*
	@if ! $(RUN) -m pip -V >/dev/null 2>&1 || [ "$$($(RUN) -V)" != "$$($(PYTHON) -V)" ]; then \
	  echo "$(PYTHON) -m venv $(VENV)"; $(PYTHON) -m venv --clear $(VENV); fi
	$(if $(TORCH_INDEX),$(RUN) -m pip install --no-deps -c constraints.txt --index-url $(TORCH_INDEX) torch)
	$(RUN) -m pip install -c constraints.txt -e '.[notebooks,cluster,dev,docs]'
	@touch $@
