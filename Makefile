# Everything a contributor types. `make setup` makes .venv; the other targets call it.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.set-up

.PHONY: setup run test fast check peers bench clean

setup: $(STAMP)

$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Foredial needs Python 3.11 or newer; say which with: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	@# The rooms are used from the checkout; what is installed is what pyproject.toml asks for.
	$(BIN)/python -m pip install --quiet --disable-pip-version-check '.[dev]'
	rm -rf build foredial.egg-info
	touch $(STAMP)

run: setup
	$(BIN)/python run.py demo

peers: setup
	tests/peers/install.sh

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

fast: setup
	$(BIN)/python -m pytest -m 'not peer' -q

test: check peers
	$(BIN)/python -m pytest -m 'not peer' -q
	$(BIN)/python -m pytest -m peer -q

bench: setup
	for file in benchmarks/[a-z]*.py; do name=$$(basename $$file .py); echo "== $$name"; $(BIN)/python -m benchmarks.$$name || exit 1; done

clean:
	rm -rf .venv build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
