# Each target sets up what it needs in .venv by itself; a second call finds it there.
#
#   make demo      compile the example net, run 5,000 held-out digits through the simulated hardware
#   make test      the tests, without the slow ones
#   make test-all  every test, and more cases of each property
#   make coverage  the tests of `make test`, and which lines of the package they run: a table, pages in build/coverage
#   make durations how long each test file took in the last `make test`; BASE=OTHER.xml shows what changed since then
#   make bench     measure the speed of compiling and simulating
#   make lint      ruff; mypy for each Python that is supported; clang-format; Verilator's lint of the RTL
#   make format    write Python and C++ the way that `make lint` wants them
#   make clean     remove everything that these targets made, .venv included

VENV ?= .venv

# The first Python on the PATH that is new enough.
PYTHON ?= $(shell for python in python3.11 python3.12 python3.13 python3; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$python; break; }; done)

INSTALL = $(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

# The Pythons of pyproject.toml, and the C++ that has one format.
PYTHONS = 3.11 3.12 3.13
CPP = $(wildcard hls/*/*.hpp flows/*/*.h flows/*/*.cpp tests/*/*.cpp)

REPORT = build/tests.xml

.PHONY: demo test test-all coverage durations bench lint format clean env env-dev env-train
.DELETE_ON_ERROR:

demo: env
	@$(VENV)/bin/python examples/mnist_mlp/demo.py

test: env-dev
	@$(VENV)/bin/python -m pytest -n auto -m "not slow" --junit-xml=$(REPORT)

test-all: env-dev
	@BNNFPGA_THOROUGH=1 $(VENV)/bin/python -m pytest -n auto --junit-xml=$(REPORT)

# Also of processes that tests start. Python takes about two thirds longer, what is built and simulated no longer.
coverage: env-dev
	@$(VENV)/bin/python -m pytest -n auto -m "not slow" --cov --cov-report=term --cov-report=html

durations: env-dev
	@$(VENV)/bin/python -m tests.support.durations $(REPORT) $(BASE)

# Speed of compiling and simulating, as a table.
bench: env-dev
	@$(VENV)/bin/python -m benchmarks

lint: env-dev
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@echo $(PYTHONS) | xargs -n 1 -P 2 $(VENV)/bin/mypy --python-version
	@$(VENV)/bin/clang-format --dry-run -Werror $(CPP)
	@$(VENV)/bin/python -m tests.support.lint_rtl

format: env-dev
	@$(VENV)/bin/ruff check --fix .
	@$(VENV)/bin/ruff format .
	@$(VENV)/bin/clang-format -i $(CPP)

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
