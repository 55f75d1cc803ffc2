# Every target does the set-up that it needs, once.
PYTHON ?= python3
PROFILE ?= zoo
SEED ?= 0
EXPERIMENT ?= tmaze
MODEL ?= enu
SLICE ?= 9m
JOBS ?= $(shell getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)

export JUPYTER_PREFER_ENV_PATH := 1
export PYTHONHASHSEED := 0
export SOURCE_DATE_EPOCH := 0

BIN := .venv/bin
READY := .venv/.ready
# the longest first, so that none of them is left running alone
LONG := $(patsubst %,book/%.py,40_what_was_learnt 11_evolution_strategy 15_fig4_tmaze)
NOTEBOOKS := $(LONG) $(filter-out $(LONG),$(sort $(wildcard book/[0-9]*.py)))
OUT := build/notebooks-$(PROFILE)
DONE := $(NOTEBOOKS:book/%.py=$(OUT)/%.ipynb)
# figures/ holds the figures of the zoo; those of other profiles stay in build/
FIGURES := $(if $(filter zoo,$(PROFILE)),figures,build/figures-$(PROFILE))
LIBRARY := $(wildcard enu_lib/*.py enu_lib/*/*.py enu_lib/*/*.cpp enu_lib/*/*.h enu_lib/*/*.mplstyle enu_lib/live/live.* \
    enu_lib/zoo/*.safetensors enu_lib/study/data/*)
BOOK := build/book$(if $(filter zoo,$(PROFILE)),,-$(PROFILE))

.DEFAULT_GOAL := help
.PHONY: help setup figures all-figures book test test-browser chromium lint lab reproduce sweep bench lock clean

help:  ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: $(READY)  ## make .venv from the lock (done by the other targets when needed)

$(READY): pyproject.toml requirements/constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -q --disable-pip-version-check -c requirements/constraints.txt -e '.[book,test]'
	@touch $@

figures: $(READY)  ## every figure, from the evolved units of the zoo; PROFILE=smoke|laptop|paper evolves first
	@$(MAKE) --no-print-directory -j$(JOBS) all-figures

all-figures: $(DONE)

$(OUT)/%.ipynb: book/%.py book/run.py $(LIBRARY) | $(READY)
	@ENU_THREADS=1 OMP_NUM_THREADS=1 $(BIN)/python book/run.py $< -o $(OUT) \
	    -p profile $(PROFILE) -p seed $(SEED) -p figures_dir $(FIGURES)

book: $(READY)  ## the book, static HTML for any browser, from the same notebooks (build/book/html)
	@$(MAKE) --no-print-directory -j$(JOBS) all-figures
	@$(MAKE) --no-print-directory $(BOOK)/html/index.html
	@echo "open $(BOOK)/html/index.html"

$(BOOK)/html/index.html: $(DONE) $(wildcard book/*.md book/*.py book/static/*) CITATION.cff
	@$(BIN)/python book/bind.py $(OUT) $(FIGURES) $(BOOK)

test: $(READY)  ## all tests, among them every notebook in the smoke profile
	$(BIN)/python -m pytest

test-browser: $(READY) chromium book  ## the built book and JupyterLab in headless Chromium (installs it, as root on Debian)
	$(BIN)/python -m pytest tests/browser

chromium:
	@command -v "$${CHROMIUM:-chromium}" > /dev/null || { [ "$$(id -u)" = 0 ] && command -v apt-get > /dev/null && \
	    apt-get update -qq && apt-get install -qqy --no-install-recommends chromium > /dev/null; } || \
	    { echo "make test-browser needs chromium: install it, or set CHROMIUM to such a program" >&2; exit 1; }

lint: $(READY)  ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

lab: $(READY)  ## JupyterLab on the book; its .py files open as notebooks (LAB=--no-browser and other options)
	ENU_FOLDER=$(CURDIR)/build/lab $(BIN)/jupyter lab --LabApp.app_settings_dir=book/.lab $(LAB) book

reproduce: $(READY)  ## evolve from scratch, in slices: EXPERIMENT= MODEL= PROFILE= SEED= SLICE=; again to go on
	$(BIN)/python -m enu_lib evolve $(EXPERIMENT) --model $(MODEL) --profile $(if $(filter zoo,$(PROFILE)),laptop,$(PROFILE)) \
	    --seed $(SEED) --time-limit $(SLICE) \
	    --out runs/$(EXPERIMENT)-$(MODEL)-$(if $(filter zoo,$(PROFILE)),laptop,$(PROFILE))-$(SEED)

sweep: $(READY)  ## models, tasks and seeds not stored yet (hours; again to go on): PROFILE=smoke|laptop|paper SLICE=2h
	$(BIN)/python -m enu_lib sweep --profile $(if $(filter zoo,$(PROFILE)),laptop,$(PROFILE)) \
	    $(if $(filter command line,$(origin SLICE)),--time-limit $(SLICE))
	$(BIN)/python -m enu_lib sweep --profile $(if $(filter zoo,$(PROFILE)),laptop,$(PROFILE)) --collect

bench: $(READY)  ## seconds and GFLOP/s of a generation, all paths side by side (build/bench.json)
	@mkdir -p build
	$(BIN)/python -m enu_lib bench --json build/bench.json

lock:  ## resolve the lock again (needs uv)
	uv pip compile --universal --python-version 3.11 --extra book --extra test -q --no-header \
	    --no-annotate -o requirements/constraints.txt requirements/torch.in pyproject.toml

clean:  ## delete what was built (not .venv, not runs)
	rm -rf build
