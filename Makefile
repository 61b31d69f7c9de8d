# Every target sets up .venv by itself, once. `make help` lists them.
# No .SHELLFLAGS, which the make of macOS (3.81) ignores: a recipe that needs pipefail sets it.
SHELL := bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
TORCH_SPEC ?= torch==2.13.0
PIP_TORCH_ARGS ?=
ARGS ?=

VENV := .venv
STAMP := $(VENV)/.installed
BROWSER := $(VENV)/.browser
GRADER := $(VENV)/.grader
ENCODERS := build/embed/.installed
BESIDE = PYTHONPATH="$$($(PY) -c 'import sysconfig; print(sysconfig.get_path("purelib"))')"
PY := $(VENV)/bin/python
export PYTHON VENV STAMP TORCH_SPEC PIP_TORCH_ARGS
unexport PYTHONDONTWRITEBYTECODE  # without bytecode every import takes three times as long

SOLUTIONS := $(sort $(wildcard notebooks/solutions/*.ipynb))
# the students' notebooks, those that are yet to be written from their solutions among them
NOTEBOOKS := $(sort $(wildcard notebooks/*.ipynb) $(SOLUTIONS:notebooks/solutions/%=notebooks/%))
APP := notebooks/app/reliability.ipynb
# what `make test` runs: each notebook once, with every stub and, after it, its solution
TESTED := $(SOLUTIONS:notebooks/solutions/%=build/tested/%)

# The stamp holds the folder of the clone: an environment that was moved, or whose Python is gone,
# is made anew.
ifneq ($(shell $(PY) -c 'import os; print(open("$(STAMP)").read() == os.getcwd() + "\n")' 2>/dev/null),True)
$(shell rm -f $(STAMP))
endif

.PHONY: help setup reproduce test test-floors test-kills fuzz test-real test-browser test-grading test-embed lab app sheet badges claims packages exercises assignments notebooks pdf slides live site site-test lint bench constraints clean

help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## /\t/' | awk -F '\t' '{printf "  make %-12s %s\n", $$1, $$2}'

$(STAMP): pyproject.toml constraints.txt scripts/setup.sh
	@scripts/setup.sh

setup: $(STAMP)  ## make .venv with all packages; the other targets do this by themselves
	@echo "· $(VENV) is ready"

reproduce: $(STAMP)  ## train, evaluate, report, run the notebooks (MRAF_DATA=DIR for the real features)
	@mkdir -p build
	@set -o pipefail; $(PY) -m mraf reproduce $(ARGS) | tee build/reproduce.txt
	@$(PY) scripts/run_notebooks.py --out build/notebooks $(NOTEBOOKS)
	@cat build/reproduce.txt

test: export OMP_NUM_THREADS = 1
test: $(STAMP)  ## unit tests and notebooks, on the twin; two workers of one thread each
	@$(PY) scripts/exercises.py --tested build/tested $(SOLUTIONS)
	env -u MRAF_DATA $(PY) -m pytest -n 2 --dist loadfile --nbval-lax --nbval-current-env tests $(TESTED) $(APP) $(ARGS)

test-floors:  ## make test with the lowest versions that pyproject.toml allows, in build/floors
	@scripts/floors.sh $(ARGS)

test-kills: $(STAMP)  ## a kill at every write of every command
	MRAF_EVERY_WRITE=1 OMP_NUM_THREADS=1 $(PY) -m pytest -s tests/cli/test_killed.py $(ARGS)

fuzz: $(STAMP)  ## random damage to files for two minutes, from another seed each time
	MRAF_FUZZ_SECONDS=120 MRAF_FUZZ_SEED=$$(date +%s) $(PY) -m pytest -s tests/cli/test_fuzz.py $(ARGS)

test-real: $(STAMP)  ## the tests that need the official features in MRAF_DATA
	$(PY) -m pytest -m real $(ARGS)

$(BROWSER): $(STAMP)
	@$(PY) -m pip install -qq --disable-pip-version-check --constraint constraints.txt --editable '.[browser]'
	@touch $@

PAGES := build/pages/node_modules/mathjax/MathJax.js
SCRIPTS := build/node_modules/mathjax/es5/tex-svg-full.js

$(SCRIPTS):  # axe-core finds barriers in pages, MathJax sets formulas; without npm their tests are skipped
	@mkdir -p build
	@! command -v npm >/dev/null || npm install --silent --no-save --prefix build axe-core@4.14 mathjax@3.2

test-browser: $(BROWSER) $(SCRIPTS)  ## the explorers in a real browser; needs Chromium and says how to get it
	@! command -v npm >/dev/null || $(MAKE) --silent $(PAGES)
	env -u MRAF_DATA $(PY) -m pytest tests/browser -m browser -s --durations=0 --durations-min=1 $(ARGS)

$(GRADER): $(STAMP)
	@$(PY) -m pip install -qq --disable-pip-version-check --constraint constraints.txt --editable '.[grading]'
	@touch $@

test-grading: $(GRADER)  ## release an assignment with nbgrader, hand it in twice, and grade both
	env -u MRAF_DATA $(PY) -m pytest tests/lessons/test_assignments.py $(ARGS)

# PyPI's torchvision for Linux would break other packages in a .venv without CUDA: it is put beside
$(ENCODERS): $(STAMP)
	@$(PY) -m venv --clear --without-pip $(@D)
	@$(BESIDE) $(@D)/bin/python -m pip install -qq --disable-pip-version-check --constraint constraints.txt --editable '.[embed]'
	@touch $@

test-embed: $(ENCODERS)  ## embed drawn faces and synthetic voices with SpeechBrain and facenet-pytorch, untrained
	env -u MRAF_DATA OMP_NUM_THREADS=1 $(BESIDE) $(<D)/bin/python -m pytest tests/related/test_encoders.py $(ARGS)

lab: $(STAMP)  ## open the notebooks in JupyterLab
	$(PY) -m jupyterlab notebooks --FileContentsManager.pre_save_hook=scripts.run_notebooks.keep_metadata $(ARGS)

exercises: $(STAMP)  ## write the notebooks of students from notebooks/solutions
	@$(PY) scripts/exercises.py $(SOLUTIONS)
	@$(PY) scripts/minutes.py $(SOLUTIONS)

assignments: $(STAMP)  ## the exercises as assignments for nbgrader, in build/assignments (ARGS="--out DIR" elsewhere)
	@$(PY) scripts/assignments.py $(SOLUTIONS) $(ARGS)

app: $(STAMP)  ## the reliability explorer as a page of its own
	@$(PY) -c 'from mraf.training.experiment import trained; print("The network is", trained(device="cpu").origin)'
	$(PY) -m voila $(APP) --MappingKernelManager.cull_interval=60 --MappingKernelManager.cull_idle_timeout=900 $(ARGS)

notebooks: exercises  ## run the notebooks in place on the twin, to commit their outputs
	env -u MRAF_DATA $(PY) scripts/run_notebooks.py --out notebooks $(NOTEBOOKS)

$(PAGES):  # so that pages fetch nothing from other hosts
	@command -v npm >/dev/null || { echo "npm is missing; on Debian: apt install npm" >&2; exit 1; }
	@mkdir -p build/pages
	@npm install --silent --no-save --prefix build/pages reveal.js@4.6 mathjax@2.7.9 requirejs@2.3

pdf: $(BROWSER) $(PAGES)  ## the notebooks as PDF, in build/pages (FILES=… for some); needs Chromium and npm
	@$(PY) scripts/share.py pdf $(or $(FILES),$(NOTEBOOKS))

slides: $(STAMP) $(PAGES)  ## the notebooks as slides, in build/pages; needs npm
	@$(PY) scripts/share.py slides $(or $(FILES),$(NOTEBOOKS))

sheet: $(STAMP)  ## write docs/sheet.html, the network on one printed page
	@$(PY) scripts/sheet.py

badges: $(STAMP)  ## write the README's links to Binder, and the notebooks' first cell, from the git remote
	@$(PY) scripts/badges.py
	@$(MAKE) --no-print-directory exercises

claims: $(STAMP)  ## judge every claim by data/recorded; write ledger.csv, README and docs/claims.html
	@$(PY) -m mraf ledger --out data/recorded/ledger.csv
	@$(PY) -m tools.exhibit

live: $(STAMP)  ## write the live page, docs/live, from the quick run on the twin
	@$(PY) -m mraf export --out docs/live

packages: $(STAMP)  ## draw the picture of the packages in CONTRIBUTING.md
	@$(PY) -m tools.packages docs/packages.svg

lint: $(STAMP)  ## ruff and mypy
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy

site: $(STAMP) $(SCRIPTS)  ## the course as a static site, build/site; needs npm once
	@$(PY) scripts/book.py

site-test: $(BROWSER) $(SCRIPTS)  ## open every page of the site in Chromium, follow links, run axe-core
	$(PY) -m pytest tests/browser/test_site.py -m browser -s $(ARGS)

bench: $(STAMP)  ## the benchmarks, one after the other
	@set -e; for file in $(filter-out %/figure.py %/sampled.py,$(sort $(wildcard benchmarks/*.py))); do echo "== $$file"; $(PY) -m "benchmarks.$$(basename $$file .py)"; done

constraints: $(STAMP)  ## write constraints.txt anew, keeping the pins that still fit
	@scripts/constraints.sh

clean:  ## remove .venv and build/; runs and data stay
	rm -rf $(VENV) build .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info
