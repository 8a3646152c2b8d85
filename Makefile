# Everything here runs on a machine that has Python 3.12 or later, make and git; each target does its own set-up.
.DEFAULT_GOAL := help
.PHONY: help setup demo code test slow lint clean lock

PYTHON := .venv/bin/python
WORKERS ?= 2
# Starting Python is much of the work where it compiles anew each time: what it compiled is kept, in a place of ours
export PYTHONDONTWRITEBYTECODE :=
export PYTHONPYCACHEPREFIX := $(CURDIR)/.local/bytecode
UNSERVED := SECRET_KEY=unused ADDRESS_HASH_KEY=unused LICENSE_SIGNING_KEY=unused DATABASE_URL=postgres:///unused REDIS_URL=redis://unused

help: ## Say what can be asked for
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-7s %s\n", $$1, $$2 }' Makefile

setup: ## Install everything into .venv (the other targets do this themselves)
	@sh konnect_portal/development/setup.sh

demo: setup ## Start the portal with a sample inside on http://127.0.0.1:8000
	@$(PYTHON) -m konnect_portal.development.demo

code: setup ## Print the six digits to sign in to the demo with
	@$(PYTHON) -m konnect_portal.development.demo_code

test: lint ## Lint, then run every test but the slow ones
	@echo "== Tests"
	@$(PYTHON) -m pytest -n $(WORKERS) -m "not slow"

slow: setup ## Run the long tests
	@$(PYTHON) -m pytest -m slow

lint: setup ## Check style, types, layers, templates and migrations
	@echo "== Style";      $(PYTHON) -m ruff check .
	@$(PYTHON) -m ruff format --check .
	@echo "== Types";      $(UNSERVED) $(PYTHON) -m mypy
	@echo "== Layers";     .venv/bin/lint-imports --no-logo
	@echo "== Templates";  $(PYTHON) -m djlint --quiet --check --lint konnect_portal accounts billing geos licensing
	@echo "== Migrations"; $(PYTHON) -m konnect_portal.development.served manage.py makemigrations --check --dry-run

clean: ## Remove .venv and .local with all their data
	@for link in .local/*/outside; do if [ -L "$$link" ]; then rm -rf "$$(readlink "$$link")"; fi; done
	rm -rf .venv .local .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis

lock: setup ## Write the newest allowed versions into requirements*.lock
	$(PYTHON) -m uv pip compile $(LOCK) pyproject.toml -o requirements.lock
	$(PYTHON) -m uv pip compile $(LOCK) pyproject.toml --group dev -o requirements-dev.lock
LOCK := --generate-hashes --universal --no-header --no-emit-index-url --upgrade -p 3.12
