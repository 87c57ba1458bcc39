# Every task works from a fresh clone by itself: what it needs is set up first. `make` lists them.
PYTHON ?= python3
ARGS ?=
BIN := .venv/bin
READY := .venv/.ready

.DEFAULT_GOAL := help
.PHONY: help setup demo test check format bench docs tables clean

help: ## list every task with one sentence
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

setup: $(READY) ## install foretaste and its tools into .venv (about a minute)

# recbole is installed without its requirements: only the MovieLens files it carries are wanted, for a demo offline.
$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[text,text-lite,image,video,cf,ann,tune,serve,otel,client,postgres,tensorboard,docs,dev]"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps "recbole==1.2.1"
	@touch $(READY)

demo: $(READY) ## real data, a leaderboard, ten titles with reasons, then a page to click (ARGS=--no-serve ends before it)
	$(BIN)/foretaste demo $(ARGS)

test: $(READY) ## run every test
	$(BIN)/python -m pytest -n 2 $(ARGS)

check: $(READY) ## format, lint, types and import rules: what CI runs
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(READY) ## put the code into its usual form
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(READY) ## measure speed; results go to benchmarks/results
	$(BIN)/python -m benchmarks $(ARGS)

docs: $(READY) ## write the generated tables anew and build the site into site/; a broken link fails
	$(BIN)/python docs/generate.py
	$(BIN)/python docs/reference_pages.py
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict

tables: $(READY) ## as `docs`, and the leaderboard of the demo measured anew (two minutes)
	$(BIN)/python docs/generate.py --leaderboard

clean: ## remove what was built, installed and trained here
	rm -rf .venv build dist site docs/reference/generated foretaste-demo
