# `make` alone lists the targets.
.DEFAULT_GOAL := help
.PHONY: help install demo dev test e2e check lint types contracts secrets lock bench clean

BIN := .venv/bin
# State of Dagster, MLflow and lake; moved by setting the same variable.
STATE := $(or $(MLPLATFORM_HOME),.mlplatform)

help: ## List the targets.
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

install: ## Make .venv and .venv-tfdv from the lock files; nothing to do when they are up to date.
	@python=$$(scripts/find-python $(PYTHON)) && "$$python" scripts/install.py

demo: install ## Take the census pipeline from source files to a deployed, answering model.
	@$(BIN)/mlplatform demo

dev: install ## Open the Dagster UI on the same lake.
	@$(BIN)/mlplatform dev

test: install ## Install, then run the tests, without the slow ones.
	@$(BIN)/python -m pytest -m "not slow"

e2e: install ## Run the slow tests, real processes and whole pipelines; `make e2e TESTS=mlplatform_tests/e2e` takes some.
	@$(BIN)/python -m pytest -m slow $(TESTS)

check: lint types contracts secrets ## All checks that run no test.

lint: install ## Lint, and see that everything is formatted.
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: install ## Check types.
	@$(BIN)/mypy

contracts: install ## Check who imports whom (.importlinter).
	@$(BIN)/lint-imports

secrets: install ## Look for keys and passwords in tracked files.
	@git ls-files -z | xargs -0 -n 300 -P 2 $(BIN)/detect-secrets-hook --no-verify --baseline .secrets.baseline

lock: ## Write the lock files anew; `make lock OPTIONS=--upgrade` takes the newest versions.
	@python=$$(scripts/find-python $(PYTHON)) && "$$python" scripts/install.py uv
	@scripts/lock $(OPTIONS)

bench: install ## Measure the census pipeline, and what orchestration adds to it; about five minutes.
	@$(BIN)/python benchmarks/walk.py

clean: ## Remove state and environments, after saying what and asking; `make clean YES=1` does not ask.
	@scripts/clean "$(STATE)" $(YES)
