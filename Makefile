# Every target does the set-up that it needs, once.
PYTHON ?= python3
PROFILE ?= zoo
SEED ?= 0
EXPERIMENT ?= tmaze
MODEL ?= enu
SLICE ?= 9m
KILLS ?= 200
INPUTS ?= 100000
JOBS ?= $(shell getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)

export JUPYTER_PREFER_ENV_PATH := 1
export PYTHONHASHSEED := 0
export PYTHONUTF8 := 1
export SOURCE_DATE_EPOCH := 0

# without a home that can be written, what programs keep there goes to build/home
ifneq ($(shell [ -n "$$HOME" ] && [ -w "$$HOME" ] && echo yes),yes)
KEPT := $(CURDIR)/build/home$(shell mkdir -p build/home)
export MPLCONFIGDIR := $(KEPT)/matplotlib
export IPYTHONDIR := $(KEPT)/ipython
export JUPYTER_CONFIG_DIR := $(KEPT)/jupyter/config
export JUPYTER_DATA_DIR := $(KEPT)/jupyter/data
export JUPYTER_RUNTIME_DIR := $(KEPT)/jupyter/runtime
export XDG_CACHE_HOME := $(KEPT)/cache
endif

ifeq ($(filter zoo smoke laptop paper,$(PROFILE)),)
$(error PROFILE=$(PROFILE): choose zoo, smoke, laptop or paper)
endif
ifneq ($(shell echo '$(SEED)' | grep -cxE '0|[1-9][0-9]*'),1)
$(error SEED=$(SEED): a whole number from 0 is needed)
endif

BIN := .venv/bin
READY := .venv/.ready
# the longest first, so that none of them is left running alone
LONG := 40_what_was_learnt 42_the_learned_rule 14_mazes 11_evolution_strategy 24_ed4_double_tmaze 60_wirings_and_shuffles \
    15_fig4_tmaze 41_beyond 43_does_it_spike 61_how_the_networks_were_found 53_many_evolutions 51_evolve_live
LONG := $(wildcard $(patsubst %,book/%.py,$(LONG)))
NOTEBOOKS := $(LONG) $(filter-out $(LONG),$(sort $(wildcard book/[0-9]*.py)))
# what is made of a profile and a seed has both in its name
MADE_OF := $(PROFILE)-$(SEED)
OUT := build/notebooks-$(MADE_OF)
DONE := $(NOTEBOOKS:book/%.py=$(OUT)/%.ipynb)
DRAWN := build/figures-$(MADE_OF)
BOOK := build/book$(if $(filter-out zoo-0,$(MADE_OF)),-$(MADE_OF))
# figures/, which git tracks, holds those of the zoo and of seed 0
KEEP := $(if $(filter zoo-0,$(MADE_OF)),--keep figures)
LIBRARY := $(shell find enu_lib -type f ! -path '*/__pycache__/*' ! -name '.*')

# where PYTHON is given and its version is not that of .venv, .venv is made again
VERSION = $(shell '$(PYTHON)' -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>&1)
OTHER := $(if $(filter command environment,$(firstword $(origin PYTHON))),$(if $(filter $(VERSION),$(shell cat $(READY) 2>&1)),,again))

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: again help setup figures all-figures book test test-emulated torture test-browser chromium lint lab reproduce sweep bench lock clean

help:  ## show this help
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: $(READY)  ## make .venv from the lock (done by the other targets when needed)

$(READY): pyproject.toml requirements/constraints.txt $(OTHER)
	@PYTHON='$(PYTHON)' sh requirements/install.sh

.venv/pyvenv.cfg: | $(READY) ;

figures: $(READY)  ## every figure, from the evolved units of the zoo; SEED=, PROFILE=smoke|laptop|paper evolves first (build/)
	@$(MAKE) --no-print-directory -j$(JOBS) all-figures
	@$(BIN)/python book/gather.py $(OUT) $(DRAWN) $(KEEP)

all-figures: $(DONE)
	@:

# packages count, too: those of the lock, and the Python that .venv was made with
$(OUT)/%.ipynb: book/%.py book/run.py $(LIBRARY) requirements/constraints.txt .venv/pyvenv.cfg | $(READY)
	@ENU_THREADS=1 OMP_NUM_THREADS=1 $(BIN)/python book/run.py $< -o $(OUT) -p profile $(PROFILE) -p seed $(SEED)

book: figures  ## the book, static HTML for any browser, from the same notebooks (build/book/html)
	@$(MAKE) --no-print-directory $(BOOK)/html/index.html
	@echo "open $(BOOK)/html/index.html"

$(BOOK)/html/index.html: $(DONE) $(wildcard book/*.md book/*.py book/static/*) CITATION.cff
	@$(BIN)/python book/bind.py $(OUT) $(DRAWN) $(BOOK)

test: $(READY)  ## all tests except those of the next three targets, including every notebook in the smoke profile
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(JOBS) --dist worksteal -m 'not emulated'

test-emulated: $(READY)  ## the GPU kernels on emulated threads, without a GPU (2 minutes)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(JOBS) --dist worksteal -m emulated

torture: $(READY)  ## stress tests: kills, full disks, mutated files, a sanitized kernel (minutes): KILLS=200 INPUTS=100000
	OMP_NUM_THREADS=1 ENU_THREADS=1 $(BIN)/python tests/torture.py --kills $(KILLS) --inputs $(INPUTS) --seed $(SEED)

test-browser: $(READY) chromium book  ## the built book and JupyterLab in headless Chromium (installs it, as root on Debian)
	$(BIN)/python -m pytest tests/browser -n $(JOBS) --dist worksteal

chromium:
	@command -v "$${CHROMIUM:-chromium}" > /dev/null || { [ "$$(id -u)" = 0 ] && command -v apt-get > /dev/null && \
	    apt-get update -qq && apt-get install -qqy --no-install-recommends chromium > /dev/null; } || \
	    { echo "make test-browser needs chromium: install it, or set CHROMIUM to such a program" >&2; exit 1; }

lint: $(READY)  ## ruff and mypy
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m mypy

# torch's own threads only slow down small tensors; the compiled kernels have threads of their own (ENU_THREADS)
lab: $(READY)  ## JupyterLab on the book; its .py files open as notebooks (LAB=--no-browser and other options)
	OMP_NUM_THREADS=$${OMP_NUM_THREADS:-1} $(BIN)/python -m jupyterlab --config=book/.lab/jupyter_lab_config.json $(LAB)

reproduce: $(READY)  ## evolve from scratch, in slices: EXPERIMENT= MODEL= PROFILE= SEED= SLICE=; run again to resume
	$(BIN)/python -m enu_lib evolve $(EXPERIMENT) --model $(MODEL) --profile $(if $(filter zoo,$(PROFILE)),laptop,$(PROFILE)) \
	    --seed $(SEED) --time-limit $(SLICE) \
	    --out runs/$(EXPERIMENT)-$(MODEL)-$(if $(filter zoo,$(PROFILE)),laptop,$(PROFILE))-$(SEED)

sweep: $(READY)  ## models, tasks and seeds not stored yet (hours; run again to resume): PROFILE=smoke|laptop|paper SLICE=2h
	$(BIN)/python -m enu_lib sweep --profile $(if $(filter zoo,$(PROFILE)),laptop,$(PROFILE)) \
	    $(if $(filter command line,$(origin SLICE)),--time-limit $(SLICE))
	$(BIN)/python -m enu_lib sweep --profile $(if $(filter zoo,$(PROFILE)),laptop,$(PROFILE)) --collect

bench: $(READY)  ## seconds and GFLOP/s of a generation, all implementations side by side (build/bench.json)
	@mkdir -p build
	$(BIN)/python -m enu_lib bench --json build/bench.json

lock:  ## resolve the lock again (needs uv)
	uv pip compile --universal --python-version 3.11 --extra book --extra test -q --no-header \
	    --no-annotate -o requirements/constraints.txt requirements/torch.in pyproject.toml

clean:  ## delete what was built (not .venv, not runs)
	rm -rf build
