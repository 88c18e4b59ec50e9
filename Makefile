# Every target makes its own virtual environment in .venv the first time, with pip alone.
#
#   PYTHON       which Python to make it with          (default: the first of python3, 3.13, 3.12, 3.11 that is new enough)
#   TORCH_INDEX  where to get PyTorch for the tests     (default: pip's own index; see CONTRIBUTING.md for the small CPU build)

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
SLICE := optim nn/losses
MANY := --numprocesses=auto --maxprocesses=8 --dist=worksteal
PYODIDE := 314.0.7
PIP := $(BIN)/python -m pip --disable-pip-version-check
ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
stage = @printf '\n\033[1m== %s\033[0m\n' "$(1)"

.PHONY: help demo studio pyodide lessons test quick coverage mutants fuzz audit house lint format docs docs-serve bench bench-doctor clean

help: ## this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1|/' | column -t -s '|'

demo: $(VENV)/.package ## watch a network learn to read handwritten digits
	@$(BIN)/backlit train digits --out "runs/demo-$$(date +%Y%m%d-%H%M%S)"

studio: $(VENV)/.package ## see a network learn, in the browser: build it, train it, go back, every number
	@$(BIN)/python -c 'import starlette, uvicorn, websockets' 2>/dev/null || $(PIP) install --quiet -e '.[studio]'
	@$(BIN)/backlit studio

pyodide: ## the core of Pyodide, Python for browsers, in build/pyodide: for a test, and for `backlit studio --static`
	@mkdir -p build/pyodide
	@cd build && npm pack --silent pyodide@$(PYODIDE) >/dev/null && tar -xzf pyodide-$(PYODIDE).tgz -C pyodide --strip-components=1 && rm pyodide-$(PYODIDE).tgz
	@echo "build/pyodide has Pyodide $(PYODIDE); NumPy's wheel for it comes with that release of Pyodide, not by npm"

build/pyodide/pyodide.mjs:
	@$(MAKE) --no-print-directory pyodide 2>/dev/null || echo "Pyodide can't be had by npm here: the test of it is left out"

lessons: $(VENV)/.package ## run every lesson quickly, and write them as notebooks into build/lessons
	@mkdir -p build
	@$(BIN)/backlit lessons --out build/lessons --quick
	@$(BIN)/backlit lessons --out build/lessons --quick --lang ko

test: lint build/pyodide/pyodide.mjs ## everything that must hold: style, types, rooms, tests, examples in the documentation
	$(call stage,tests and examples)
	@$(BIN)/python -m pytest $(MANY)
	$(call stage,lines and branches that a slice of the tests reaches (make coverage has all))
	@$(BIN)/python -m pytest $(MANY) --quiet --cov --cov-report= $(addprefix tests/,$(SLICE))
	@$(BIN)/python -m benchmarks.covered $(SLICE)

quick: $(VENV)/.dev ## tests and examples without the slow ones: what to run before a commit
	@$(BIN)/python -m pytest $(MANY) -m 'not slow'

coverage: $(VENV)/.dev ## what the tests reach, line by line and branch by branch: open build/coverage/index.html
	@COVER_SLOW=1 COVER_PATCH=subprocess $(BIN)/python -m pytest $(MANY) --cov --cov-report=html:build/coverage
	@$(BIN)/python -m benchmarks.covered --check

mutants: $(VENV)/.dev ## plant small faults, and see that tests notice: hours; ROOMS="optim losses" SHARE=0.1 for less
	@$(BIN)/python -m benchmarks.mutants $(ROOMS) --share $(or $(SHARE),1)

fuzz: $(VENV)/.dev ## try odd input, crashes and damage with new seeds: HOURS=8 or CASES=1000, FUZZ="tables names", SEED=7
	@$(BIN)/python -m tests.fuzz $(FUZZ) $(if $(SEED),--seed $(SEED)) $(if $(CASES),--cases $(CASES)) $(if $(HOURS),--hours $(HOURS))

audit: $(VENV)/.dev ## known weaknesses of the development environment; its exact versions in build/environment.txt
	@$(BIN)/python -m benchmarks.audit

house: $(VENV)/.dev ## sizes, imports, and in how many places a thing is said
	@$(BIN)/python -m benchmarks.house

lint: $(VENV)/.dev ## style, types and which room imports which
	$(call stage,style)
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	$(call stage,types)
	@$(BIN)/mypy
	$(call stage,rooms)
	@$(BIN)/lint-imports --no-logo

format: $(VENV)/.dev ## put the code in form
	@$(BIN)/ruff check --fix --exit-zero
	@$(BIN)/ruff format

docs: $(VENV)/.dev ## the documentation site, in site/: open site/index.html; ADDRESS=https://… for its map, VERSIONS=folder
	@$(BIN)/python docs/site/build.py $(if $(ADDRESS),--address $(ADDRESS)) $(if $(VERSIONS),--versions $(VERSIONS))

docs-serve: $(VENV)/.dev ## the site as it is being written, at http://127.0.0.1:8000
	@$(BIN)/python docs/site/gather.py
	@NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs serve

bench: $(VENV)/.peers ## race against the peers; prints a table and writes benchmarks/RESULTS.md
	@$(BIN)/python -m benchmarks

bench-doctor: $(VENV)/.dev ## score the doctor on sick and healthy networks, beside published criteria
	@$(BIN)/python -m benchmarks doctor

clean: ## remove the environment, caches and builds (not runs/)
	rm -rf $(VENV) src/backlit/graph/kernels/native/*.kernels .cache .coverage .coverage.* .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache build dist site
	find src tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

# The stamps: installed as pyproject.toml says. An interrupted install leaves no stamp and is taken up again.

$(BIN)/python:
	@python='$(PYTHON)'; \
	for candidate in $${python:-python3 python3.13 python3.12 python3.11}; do \
	    if "$$candidate" -c '$(ENOUGH)' 2>/dev/null; then python="$$candidate"; found=yes; break; fi; \
	done; \
	if [ -z "$${found:-}" ]; then \
	    echo "Backlit needs Python 3.11 or newer; name one: make $(or $(MAKECMDGOALS),demo) PYTHON=/path/to/python3" >&2; exit 1; \
	fi; \
	echo "making $(VENV) with $$("$$python" --version)"; \
	"$$python" -m venv $(VENV) || { rm -rf $(VENV); echo "on Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }

KERNELS := $(wildcard src/backlit/graph/kernels/native/*.h src/backlit/graph/kernels/native/*.cpp)
$(VENV)/.package: pyproject.toml hatch_build.py src/backlit/graph/kernels/native/build.py $(KERNELS) | $(BIN)/python
	@echo "installing Backlit into $(VENV) (the first time takes a minute or two)"
	@$(PIP) install --quiet --editable .
	@touch $@

$(VENV)/.dev: pyproject.toml | $(VENV)/.package
	@echo "installing what the tests need into $(VENV)"
	@$(PIP) install --quiet --editable '.[dev,docs]' $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX))
	@touch $@

$(VENV)/.peers: pyproject.toml | $(VENV)/.dev
	@echo "installing the peers into $(VENV)"
	@$(PIP) install --quiet --editable '.[dev,docs,peers]' $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX))
	@touch $@
