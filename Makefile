# make demo   the main job on real digits, from a bare checkout
# make test   the whole test suite; with COVERAGE=yes, the branch coverage of each package, too
# make lint   ruff and mypy
# make docs   the documentation as a site, in build/docs
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
.DEFAULT_GOAL := help
.PHONY: help demo test lint docs format clean

help:
	@sed -n 's/^# //p' Makefile | head -4

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "denote needs Python 3.11 or newer; name one with: make PYTHON=/path/to/python3.11"; exit 2; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/core: $(BIN)/python pyproject.toml constraints.txt
	$(PIP) install --quiet --constraint constraints.txt --editable .
	@touch $@

$(VENV)/docs: $(VENV)/core
	$(PIP) install --quiet --constraint constraints.txt --editable '.[docs]'
	@touch $@

$(VENV)/dev: $(VENV)/core
	$(PIP) install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $@

demo: $(VENV)/core
	$(BIN)/denote experiment=demo

# Measuring costs a tenth of the suite's time, so it is asked for. Loops that numba compiles cannot be measured.
test: $(VENV)/dev
ifndef COVERAGE
	$(BIN)/python -m pytest --numprocesses 2
else
	@mkdir -p build
	$(BIN)/python -m slipcover --branch --source src/denote --omit 'src/denote/kernels/*' --json --out build/coverage.json -m pytest --numprocesses 2
	@$(BIN)/python scripts/coverage_by_package.py build/coverage.json
endif

lint: $(VENV)/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# Opens from disk: build/docs/index.html.
docs: $(VENV)/docs
	NO_MKDOCS_2_WARNING=true $(BIN)/mkdocs build --quiet --strict

format: $(VENV)/dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) build dist src/*.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
