# One virtual environment, made here, holds all that the project needs; a second one holds a real LiteLLM proxy, which
# pins what it shares with the project and which the gateways are tested against.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PROXY := .venv-litellm
DEMO := demo-out

.PHONY: demo test check bench picture clean

demo: $(READY)
	$(BIN)/iolaus simulate ladder --out $(DEMO)/range --seed 7 --exchanges 100000
	$(BIN)/iolaus detect $(DEMO)/range/exchanges.parquet --accounts $(DEMO)/range/accounts.parquet --out $(DEMO)/found
	$(BIN)/iolaus score $(DEMO)/found $(DEMO)/range
	@echo "Open $(DEMO)/found/report.html in a browser."

# Without the proxy (no network, say) its tests are skipped and say so.
test: $(READY)
	-@test -e $(PROXY)/.ready || $(MAKE) --no-print-directory $(PROXY)/.ready
	$(BIN)/python -m pytest

check: $(READY)
	$(BIN)/ruff check src tests benchmarks
	$(BIN)/ruff format --check src tests benchmarks
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(READY)
	$(BIN)/python -m benchmarks

# The README's picture, of the demo's report; wants Chromium (Debian: apt-get install chromium).
picture: $(READY)
	$(BIN)/python docs/images/shoot.py $(DEMO)/found/report.html

clean:
	rm -rf $(VENV) $(PROXY) $(DEMO) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(READY): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev,distill,prove,serve,spark,stream]'
	touch $@

$(PROXY)/.ready:
	$(PYTHON) -m venv $(PROXY)
	$(PROXY)/bin/python -m pip install --quiet --disable-pip-version-check 'litellm[proxy]==1.106.2'
	touch $@
