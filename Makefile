# make study [STUDY=studies/x.yaml] [CORES=8] [GPUS=2]   train the missing runs and write the report
# make report | report-pdf [STUDY=...]     write the report again; with its PDF
# make test | test-all | test-gpu          the tests; the slow ones too; those that need a GPU
# make check | format                      check style, types and imports; mend the style
# make bench [GROUP=planning]              measure speed, as benchmarks/README.md says
STUDY  ?= config.yaml
CORES  ?= all
GPUS   ?=
PYTHON ?= python3
BIN    := .venv/bin

export PATH := $(CURDIR)/$(BIN):$(PATH)
# Recipes take it from the environment, as it is written: a path may have blanks, quotes and a $.
override STUDY := $(value STUDY)
export STUDY

.PHONY: study report report-pdf test test-all test-gpu check format bench schema docs sample clean

study: $(BIN)/.ready
	@$(BIN)/bakeoff run "$$STUDY" --cores $(CORES) $(if $(GPUS),--gpus $(GPUS))

report: $(BIN)/.ready
	@$(BIN)/bakeoff report "$$STUDY"

report-pdf: $(BIN)/.ready
	@$(BIN)/bakeoff report "$$STUDY" --pdf

test: $(BIN)/.ready
	@$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder -m "not slow"

test-all: $(BIN)/.ready
	@$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

test-gpu: $(BIN)/.ready
	@$(BIN)/python -m pytest -m gpu

check: $(BIN)/.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile workflow src/bakeoff/shipped/study_folder/Snakefile
	$(BIN)/snakemake --lint
	$(BIN)/hadolint Dockerfile
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

format: $(BIN)/.ready
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/snakefmt Snakefile workflow src/bakeoff/shipped/study_folder/Snakefile

docs: $(BIN)/.ready
	$(BIN)/python docs/generate.py

sample: $(BIN)/.ready
	$(BIN)/python docs/sample.py $(if $(TRAIN),--train)

schema: $(BIN)/.ready
	$(BIN)/bakeoff schema > workflow/schemas/study.schema.json

bench: $(BIN)/.ready
	$(BIN)/python benchmarks/run.py $(GROUP)

# Installed again only when the requirements change.
$(BIN)/.ready: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Bakeoff needs Python 3.11 or newer; name one with make PYTHON=python3.12")'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "installing into .venv (a minute or two, 6 GB)"
	@$(BIN)/python -m pip install --quiet --upgrade pip
	@$(BIN)/python -m pip install --quiet -e '.[dev]'
	@touch $@

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
