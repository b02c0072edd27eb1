.DEFAULT_GOAL := help
SHELL      := /bin/bash
PYTHON     ?= python3
# Unless one is named, the environment is made of the system's own Python where that is new enough: a distribution builds it
# with a profile and whole. One built from source as it comes took a fifth more of the processor for the same tests.
SYSTEM     := $(shell /usr/bin/python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo /usr/bin/python3)
OF         := $(if $(filter file,$(origin PYTHON)),$(or $(SYSTEM),$(PYTHON)),$(PYTHON))
UV_VERSION := 0.13.9
UV         := $(shell command -v uv 2>/dev/null || echo .tools/bin/uv)
VENV       := .venv
BIN        := $(VENV)/bin
T          ?= tests
JOBS       ?= 2
PORT       ?= 8080
DATA       ?= .data/demo
COMPILE    := $(UV) pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes \
              --no-emit-index-url --custom-compile-command "make lock" --quiet

# Compiled once and kept. Where the surroundings forbid that, every start compiled every library again: 5.2 s instead of
# 2.6 s of processor for a house, for a command, for each process of a test.
export PYTHONDONTWRITEBYTECODE :=

help: ## list the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/\1|\2/' | column -t -s '|'

$(filter .tools/bin/uv,$(UV)): # only when uv is not on PATH
	$(PYTHON) -m pip install --quiet --disable-pip-version-check --target .tools uv==$(UV_VERSION)

$(BIN)/python: | $(filter .tools/bin/uv,$(UV))
	$(UV) venv --quiet --python $(OF) $(VENV)

# One stamp per lock: a changed lock re-syncs the environment, an unchanged one costs nothing.
.stamps/%: requirements/%.lock pyproject.toml $(BIN)/python
	$(UV) pip sync --quiet --python $(BIN)/python --require-hashes $<
	$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --offline -e .
	@mkdir -p .stamps && rm -f .stamps/* && touch $@

demo: $(firstword $(wildcard .stamps/check .stamps/test) .stamps/run) ## everything on one port with demo data: SQLite, in-process bus
	$(BIN)/pavilion demo --port $(PORT) --data $(DATA) $(if $(RESET),--reset) $(if $(filter 0,$(RIVALS)),--no-rivals)

package: $(firstword $(wildcard .stamps/check) .stamps/test) ## the wheel, in dist/: the same sources give the same bytes
	SOURCE_DATE_EPOCH=1577836800 $(BIN)/python -m hatchling build -t wheel -d dist

setup: $(firstword $(wildcard .stamps/check) .stamps/test) ## the environment only

# The tests commit some hundred thousand times, each a wait for the disk of milliseconds. What they write lives as long as
# they do, so it lies in memory where there is enough of it.
ROOMY := $(shell [ "$$(df -k --output=avail /dev/shm 2>/dev/null | tail -1)" -gt 8000000 ] 2>/dev/null && echo /dev/shm)

# In a clean checkout the workers compile all libraries and tests side by side. Where a browser must be fetched first, one
# process does it meanwhile; where there is one, that only made them wait: 62 s instead of 40 until the first test.
BROWSERS := chromium-headless-shell chromium chromium-browser google-chrome
COMPILED := $(strip $(CHROMIUM) $(foreach one,$(BROWSERS),$(shell command -v $(one))) $(wildcard tests/__pycache__))

test: $(firstword $(wildcard .stamps/check) .stamps/test) ## unit, SQLite, real PostgreSQL, real Redis or Valkey, real browser
	@$(if $(COMPILED),,$(BIN)/python -m pytest --collect-only -qq $(T) >/dev/null 2>&1 &) \
	$(BIN)/python -m tests.need browser; found=$$?; wait; exit $$found
	$(if $(ROOMY),TMPDIR=$(ROOMY) )$(BIN)/python -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder $(T)

lint: .stamps/check ## every static verdict, side by side
	@$(MAKE) --no-print-directory --keep-going --output-sync -j3 lint-types lint-rest lint-script

lint-types:
	$(BIN)/mypy

lint-rest:
	$(BIN)/ruff check && $(BIN)/ruff format --check
	$(BIN)/lint-imports
	$(BIN)/deptry backend && $(BIN)/codespell backend frontend/templates docs README.md

lint-script:
	@if $(BIN)/python -m tests.need node; then cd frontend && npm ci --silent && npx tsc --project . && node --test static/js/*.test.js; fi

check: test lint ## the whole verdict

bench: $(firstword $(wildcard .stamps/check) .stamps/test) ## side-by-side measurements; writes tests/bench/results/
	$(BIN)/python -m tests.bench.run

simulate: $(firstword $(wildcard .stamps/check) .stamps/test) ## 1,000,000 seeded runs of the pure engine
	$(BIN)/python -m tests.simulate.run

faults: $(firstword $(wildcard .stamps/check) .stamps/test) ## kills, power cuts, clocks, cut lines: full counts
	$(BIN)/python -m tests.faults.run

lock: $(filter .tools/bin/uv,$(UV)) ## write requirements/*.lock again; they name no host
	$(COMPILE) --group build --group test --group check -o requirements/check.lock $(UPGRADE)
	$(COMPILE) --group build --group test -c requirements/check.lock -o requirements/test.lock
	$(COMPILE) --group build -c requirements/check.lock -o requirements/run.lock
	@! grep -nE '://|[a-z0-9-]+\.(org|com|io|net|dev)\b' requirements/*.lock

clean: ## forget the environment, keep the data
	rm -rf $(VENV) .stamps .tools

.PHONY: help demo setup test lint lint-types lint-rest lint-script check bench simulate faults lock clean
