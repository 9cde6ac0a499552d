# Every target makes the environment itself when it is missing or older than the lock.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.made
BENCH_VENV := .venv-bench
CORES ?= 2
DEMO_OUT ?= results/demo
# One thread per process: two processes share the machine.
export OMP_NUM_THREADS := 1
export OPENBLAS_NUM_THREADS := 1
# Empty: where bytecode may not be kept, every job compiles the package again, and every worker rewrites every test.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: env demo test test-fast check bench docs generate lock clean

env: $(STAMP)

$(STAMP): requirements.lock pyproject.toml
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $(STAMP)

demo: $(STAMP)
	$(BIN)/painconn demo --out $(DEMO_OUT) --cores $(CORES)

test: $(STAMP)
	$(BIN)/python -m pytest -n 2
	$(BIN)/python -m pytest --nbmake --nbmake-timeout=600 -p no:cacheprovider notebooks

test-fast: $(STAMP)
	$(BIN)/python -m pytest -n 2 -m "not slow and not realdata"

check: $(STAMP)
	$(BIN)/ruff check pipeline tests tools benchmarks
	$(BIN)/ruff format --check pipeline tests tools benchmarks
	$(BIN)/snakefmt --check workflow
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/nbstripout --verify notebooks/*.ipynb
	$(BIN)/python tools/generate_config.py --check
	$(BIN)/python tools/generate_docs.py --check
	$(BIN)/python tools/lint_workflow.py

generate: $(STAMP)
	$(BIN)/python tools/generate_config.py
	$(BIN)/python tools/generate_docs.py

bench: $(STAMP)
	$(PYTHON) -m venv $(BENCH_VENV)
	$(BENCH_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-oracle.lock
	$(BENCH_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	$(BENCH_VENV)/bin/python benchmarks/run.py

docs: $(STAMP)
	$(BIN)/python tools/generate_docs.py
	$(BIN)/mkdocs build --strict

lock:
	uv pip compile pyproject.toml --extra dev --universal --generate-hashes --no-header --no-annotate --no-emit-index-url --python-version 3.11 -o requirements.lock
	uv pip compile pyproject.toml benchmarks/requirements.in --extra dev --universal --generate-hashes --no-header --no-annotate --no-emit-index-url --python-version 3.11 -o requirements-oracle.lock

clean:
	rm -rf results site dist .pytest_cache .mypy_cache .ruff_cache
