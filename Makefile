# Every target sets up what it needs: Python 3.11 or newer is all that must be there.
.DEFAULT_GOAL := help
.PHONY: help refresh test lint docs dbt-docs site bench real ui superset superset-check clean

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
FIND_PYTHON := for name in python3.11 python3.12 python3.13 python3.14 python3; do \
	if $$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; \
	then command -v $$name; exit 0; fi; done

help:
	@echo "make refresh  set up, make and load the sample market, build, publish, report"
	@echo "make test     run all tests"
	@echo "make lint     ruff, mypy, sqlfluff"
	@echo "make docs     write the generated files: dbt sources, data dictionary"
	@echo "make dbt-docs dbt's documentation with lineage, one page in build/dbt_docs"
	@echo "make site     the documentation as a web site in build/site"
	@echo "make bench    run the benchmarks"
	@echo "make real     load LUNDONG_REAL_DATA, refresh, print the figures"
	@echo "make ui       Dagster's user interface on http://127.0.0.1:3000"
	@echo "make superset        Apache Superset with the dashboards on http://127.0.0.1:8088"
	@echo "make superset-check  the same, every chart asked, pictures in build"
	@echo "make clean    remove the environment and caches; the store stays"

# The lock file names every package; the stamp says that it was installed.
$(READY): requirements.lock pyproject.toml
	@python=$$($(FIND_PYTHON)); \
	if [ -z "$$python" ]; then \
		echo "error: no Python 3.11 or newer found: install it, then try again" >&2; \
		exit 1; \
	fi; \
	test -x $(BIN)/python || "$$python" -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $@

refresh: $(READY)
	@$(BIN)/lundong sample --if-empty
	@$(BIN)/lundong refresh

test: $(READY)
	$(BIN)/python -m pytest -n 3 --dist loadgroup --no-loadscope-reorder

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/sqlfluff lint --processes 2 dbt_project
	cd sql/queries && $(abspath $(BIN))/sqlfluff lint --processes 2 .
	cd reports/sql && $(abspath $(BIN))/sqlfluff lint --processes 2 .

docs: $(READY)
	$(BIN)/python -m warehouse.dbt_sources
	$(BIN)/python -m dagster_defs.data_dictionary

# Of the store as it is built: refresh first.
dbt-docs: $(READY)
	@$(BIN)/python -m dagster_defs.dbt_docs

# Its packages are not in the lock; none that is may move for them.
site: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check \
		"$$($(BIN)/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["site"])')" \
		-c requirements.lock
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet

bench: $(READY)
	@for file in benchmarks/*_benchmark.py; do \
		$(BIN)/python -m "benchmarks.$$(basename "$$file" .py)" || exit 1; done

real: $(READY)
	@$(BIN)/python -m benchmarks.real

ui: $(READY)
	@$(BIN)/lundong ui

# Superset's packages have an environment of their own in build/superset.
# DATABASE=postgresql://... instead of the published file.
superset: $(READY)
	@$(BIN)/python bi/superset/run.py serve $(if $(DATABASE),--database '$(DATABASE)')

superset-check: $(READY)
	@$(BIN)/python bi/superset/run.py check $(if $(DATABASE),--database '$(DATABASE)')

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache build/superset
