# make setup · make bench · make test; see CONTRIBUTING.md
#
#   make bench [PAPER=optimization/sparse_ot] [PROFILE=standard] [ARGS="--workers 1"]
#   make test
#   make exam                    the long trials
#   make mutants                 faults in every method: which does the gate call?
#   make setup PYTHON=python3.12
#
# With an environment of your own (pip install -e '.[peers,dev]'), active: make bench VENV=

PYTHON ?= python3
VENV ?= .venv
PROFILE ?= standard
PAPER ?=
ARGS ?=

BIN := $(if $(VENV),$(VENV)/bin/)
SUITE := suite$(if $(PAPER),/$(PAPER))
# Empty VENV: the environment is the user's, so there is nothing to install and nothing to check.
READY := $(if $(VENV),$(VENV)/.claimbench-ready)
# The stamp can't see a data folder that was deleted, so its absence forces a build.
DATA := build/data-verified
BUILDERS := $(wildcard suite/*/*/data.py)
# Plugins that came with other packages and cost the suite a second or two before its first line.
FAST := PYTEST_ADDOPTS="-p no:hydra_pytest -p no:hypothesispytest $$PYTEST_ADDOPTS"

# Packages are installed without bytecode (it costs minutes, and most of it is never used): the
# first import writes it, whatever the surrounding environment says.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup data bench test exam mutants clean FORCE

help:
	@sed -n '1s/^# //p;3,9s/^#//p' $(firstword $(MAKEFILE_LIST))

setup: $(READY)

# torch goes first and without a hash: the CPU file and the GPU file of one version differ.
# Bytecode is left to the first import: compiling all 16,000 files takes 80 CPU seconds. The lock
# names every package, so nothing has to be resolved: pip checks at the end that nothing is missing.
$(VENV)/.claimbench-ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info; ok = (3, 11) <= v[:2] < (3, 14); \
	  sys.exit(None if ok else "claimbench needs Python 3.11 to 3.13; $(PYTHON) is %d.%d; " \
	  "to mend it: make setup PYTHON=python3.12" % v[:2])'
	$(PYTHON) -m venv $(VENV)
	$(BIN)python -m pip install --quiet --no-compile --no-deps torch==2.13.0
	$(BIN)python -m pip install --quiet --no-compile --no-deps --require-hashes -r requirements.lock
	$(BIN)python -m pip install --quiet --no-deps -e .
	$(BIN)python -m pip check --quiet
	@touch $@

data: $(DATA)

$(DATA): $(READY) datasets.dvc $(BUILDERS) $(if $(wildcard datasets/*),,FORCE)
	$(BIN)claimbench data build
	@mkdir -p $(@D) && touch $@

bench: $(READY) $(DATA)
	$(FAST) $(BIN)python -m pytest $(SUITE) --benchmark-only --profile $(PROFILE) $(ARGS)

# Tests misspell words on purpose: codespell leaves them out. Two workers with two threads each would
# wait for each other on two cores.
test: $(READY) $(DATA)
	$(BIN)ruff check .
	$(BIN)ruff format --check .
	$(BIN)codespell src suite baselines docs .github .ci $(wildcard *.md *.toml) Makefile
	$(BIN)mypy
	$(BIN)lint-imports --no-logo
	$(BIN)zizmor --offline --quiet .github
	OMP_NUM_THREADS=1 $(BIN)python -m pytest tests -m "not exam" -n 2 --dist loadfile --durations 10 \
	  --junit-xml build/junit/tests.xml
	$(FAST) $(BIN)python -m pytest suite --benchmark-only --profile smoke \
	  --junit-xml build/junit/smoke.xml

exam: $(READY) $(DATA)
	$(BIN)python -m pytest tests -m exam $(ARGS)

# An hour or so: the standard run of many claims, once for each fault.
mutants: $(READY) $(DATA)
	$(BIN)python tests/exam/mutate.py $(ARGS)

# Results and data are kept: they cost minutes.
clean:
	rm -rf $(if $(VENV),$(VENV)) build .mypy_cache .ruff_cache .pytest_cache .hypothesis
