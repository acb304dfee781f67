.DEFAULT_GOAL := help
.PHONY: help run test lint bench fonts clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-7s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## Set up what is missing and serve http://127.0.0.1:8000 with demonstration data (PORT=8001 for another)
	@PORT='$(PORT)' scripts/run.sh

test: ## Everything that is checked: style, types, layers, all tests (ARGS='-k word' goes to pytest)
	@scripts/test.sh $(ARGS)

lint: ## Style, types and layers only
	@scripts/lint.sh

bench: ## Measure, one JSON line each (NAME=pdf for one alone)
	@scripts/bench.sh $(NAME)

fonts: ## Cut the fonts for the PDFs anew
	@rm -rf var/fonts
	@scripts/setup.sh run

clean: ## Remove the virtual environment and caches; var/ with its data stays
	rm -rf .venv .hypothesis .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
	find . -name __pycache__ -type d -not -path './var/*' -prune -exec rm -rf {} +
