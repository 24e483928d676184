# One virtual environment, made here, holds all that the project needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
DEMO := demo-out

.PHONY: demo test check bench clean

demo: $(READY)
	$(BIN)/iolaus simulate ladder --out $(DEMO)/range --seed 7 --exchanges 100000
	$(BIN)/iolaus detect $(DEMO)/range/exchanges.parquet --accounts $(DEMO)/range/accounts.parquet --out $(DEMO)/found
	$(BIN)/iolaus score $(DEMO)/found $(DEMO)/range
	@echo "Open $(DEMO)/found/report.html in a browser."

test: $(READY)
	$(BIN)/python -m pytest

check: $(READY)
	$(BIN)/ruff check src tests benchmarks
	$(BIN)/ruff format --check src tests benchmarks
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(READY)
	$(BIN)/python -m benchmarks

clean:
	rm -rf $(VENV) $(DEMO) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(READY): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev,distill,prove,serve]'
	touch $@
