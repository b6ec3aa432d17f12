# Every target sets itself up: a virtual environment in .venv, filled from the lock file.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
# Calls mostly wait: two workers a core. Each keeps an installation, so its tests come in a row.
XDIST  ?= -n $(shell echo $$((2 * $$(nproc)))) --dist worksteal

.PHONY: help demo test quick lint bench lock clean

help:
	@echo "make demo    place the calls of the worked example and show who rang, and why"
	@echo "make test    ruff, mypy --strict and every test this machine can run"
	@echo "make quick   the tests without those that take long: less than three minutes on two cores"
	@echo "make bench   the figures of docs/performance.md"
	@echo "make lock    refresh the lock files from pyproject.toml (needs uv)"

$(READY): requirements-dev.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(READY)
	$(BIN)/bizpbx demo

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# A rush of calls that others run beside measures the machine: those come last, one after the other, whatever came before.
test: lint
	$(BIN)/pytest $(XDIST) --thorough -m "not alone"; \
	together=$$?; $(BIN)/pytest --thorough -m alone -n 0 && exit $$together

quick: $(READY)
	$(BIN)/pytest $(XDIST)

bench: $(READY)
	$(BIN)/python -m tests.bench

# Both files pin every package with its hashes and name no index: the installer's own configuration decides where they come from.
lock:
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --quiet pyproject.toml -o requirements.lock
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --quiet --extra dev pyproject.toml -o requirements-dev.lock

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache
