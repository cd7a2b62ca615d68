# Lamina: `make demo` to see it work, `make test` to check it.
PYTHON ?= python3
# Another index for torch alone, e.g. https://download.pytorch.org/whl/cpu
TORCH_INDEX ?=
VENV := .venv
BIN := $(VENV)/bin
TORCH := $(shell grep '^torch==' constraints.txt)
TASK ?= oct_phantom

.PHONY: help venv venv-test label-setup demo test test-all bench bench-full lint clean

help:
	@echo "make demo   install into .venv, train and evaluate the default task, write a report"
	@echo "make test   install, and run all tests"
	@echo "make lint   ruff and mypy"
	@echo "make bench  measure Lamina against stock MONAI, about ten minutes; bench-full: all cases"
	@echo "make venv   only install (TORCH_INDEX=URL takes torch from another index)"
	@echo "make label-setup   install the MONAI Label server for \`lamina label\`"
	@echo "make clean  remove .venv and what the demo made"

venv: $(VENV)/.installed
venv-test: $(VENV)/.installed-test
label-setup: $(VENV)/.installed-label
	scripts/install_system_packages.sh

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Lamina needs Python 3.11 or newer, this is " + sys.version.split()[0] + ": make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv $(VENV)

# torch comes first and by its exact version: what depends on it would bring another build.
$(VENV)/.torch: constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) $(TORCH)
	@touch $@

$(VENV)/.installed: pyproject.toml constraints.txt $(VENV)/.torch
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[web]'
	@touch $@

# monailabel's own list names packages that don't install beside these; extra `label` has the rest.
$(VENV)/.installed-label: pyproject.toml constraints.txt $(VENV)/.installed
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[label]'
	$(BIN)/python -m pip install --quiet --no-deps $(shell grep '^monailabel==' constraints.txt)
	@touch $@

$(VENV)/.installed-test: pyproject.toml constraints.txt $(VENV)/.installed-label
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[test]'
	@touch $@

demo: venv
	$(BIN)/lamina train $(TASK) --run-dir runs/demo --fresh
	$(BIN)/lamina predict $(TASK) --run-dir runs/demo
	$(BIN)/lamina evaluate $(TASK) --run-dir runs/demo

lint: venv-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# One thread a process: two processes with two threads each on two cores are ten times slower.
test: venv-test
	scripts/install_system_packages.sh
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m "not slow" -n 2

test-all: venv-test
	scripts/install_system_packages.sh
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2

# BENCH="--nnunet DIR/bin" measures nnU-Net too, from an environment of its own.
bench: venv
	$(BIN)/python scripts/benchmark.py $(BENCH)

bench-full: venv
	$(BIN)/python scripts/benchmark.py --full --repeats 3 $(BENCH)

clean:
	rm -rf $(VENV) runs/demo data/oct_phantom
