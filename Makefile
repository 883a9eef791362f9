# Each target sets up what it needs in .venv by itself; a second call finds it there.
#
#   make demo      compile the example net, run 5,000 held-out digits through the simulated hardware
#   make test      the tests, without the slow ones
#   make test-all  every test
#   make bench     measure the speed of compiling and simulating
#   make lint      ruff, mypy, and Verilator's lint of the RTL library
#   make clean     remove everything that these targets made, .venv included

VENV ?= .venv

# The first Python on the PATH that is new enough.
PYTHON ?= $(shell for python in python3.11 python3.12 python3.13 python3; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$python; break; }; done)

INSTALL = $(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: demo test test-all bench lint clean env env-dev env-train
.DELETE_ON_ERROR:

demo: env
	@$(VENV)/bin/python examples/mnist_mlp/demo.py

test: env-dev
	@$(VENV)/bin/python -m pytest -n auto -m "not slow"

test-all: env-dev
	@$(VENV)/bin/python -m pytest -n auto

# Speed of compiling and simulating, as a table.
bench: env-dev
	@$(VENV)/bin/python -m benchmarks

lint: env-dev
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/mypy
	@for module in rtl/*.sv flows/verilator/*.sv; do \
		echo "verilator --lint-only -Wall $$module"; \
		$(VENV)/bin/verilator-cli --lint-only -Wall --quiet -y rtl --top-module "$$(basename "$$module" .sv)" "$$module" || exit 1; \
	done

clean:
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The environments, each with all of the one before it: to use, to work on bnnfpga, to train and export as well.
env: $(VENV)/.env
env-dev: $(VENV)/.env-dev
env-train: $(VENV)/.env-train

$(VENV)/.python:
	@if [ -z "$(PYTHON)" ]; then \
		echo "bnnfpga needs Python 3.11 or newer, and none is on the PATH; say where: make PYTHON=/path/to/python3" >&2; \
		exit 1; \
	fi
	@echo "Setting up $(VENV): $$($(PYTHON) --version), and what bnnfpga needs (once, about a minute) ..."
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.env: $(VENV)/.python pyproject.toml constraints.txt
	@$(INSTALL) --editable .
	@touch $@

$(VENV)/.env-dev: $(VENV)/.env
	@echo "Installing what the tests need ..."
	@$(INSTALL) --editable '.[dev]'
	@touch $@

# torch first and alone: left to the other packages, pip takes a newer one with gigabytes of CUDA libraries.
$(VENV)/.env-train: $(VENV)/.env-dev
	@echo "Installing torch and Brevitas ..."
	@$(INSTALL) torch==2.13.0
	@$(INSTALL) --editable '.[dev,train]'
	@touch $@
