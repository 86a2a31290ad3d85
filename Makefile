# SpectralGPT for QGIS: `make help` lists the targets. Each may be run again at any time.

# The system's Python is the one that QGIS is linked to.
PYTHON ?= /usr/bin/python3
DATA ?= ../shared/data
export SPECTRALGPT_HOME ?= $(CURDIR)/.engine

ENVIRONMENT := $(PYTHON) spectralgpt_qgis/engine_environment.py
ENGINE_PYTHON = "$$($(ENVIRONMENT) python)"
QGIS_PYTHON := .venv-qgis/bin/python
QGIS_TOOLS := .venv-qgis/made
PROFILE := .profile

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint format models package qgis clean \
	system engine engine-training profile test-engine test-architecture test-plugin test-windows test-tools test-desktop

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' Makefile | awk -F ':.*## ' '{printf "  make %-9s %s\n", $$1, $$2}'

setup: system ## Install QGIS where it is missing, the engine and the tools for tests
	@$(MAKE) --no-print-directory -j 2 engine-training $(QGIS_TOOLS)

demo: system engine profile ## Make a land-cover map, labelled scenes and a change map of the sample, into demo/
	$(PYTHON) scripts/demo.py --profile $(PROFILE)

test: setup ## Run all tests
	@failed=""; for part in engine architecture plugin desktop; do \
		echo "== tests/$$part"; $(MAKE) --no-print-directory test-$$part || failed="$$failed $$part"; \
	done; if [ -n "$$failed" ]; then echo "Failed:$$failed"; exit 1; fi; echo "All parts passed."

lint: engine-training ## Check style, types and security
	@python=$(ENGINE_PYTHON) && set -x \
	&& "$$python" -m ruff check . \
	&& "$$python" -m ruff format --check . \
	&& "$$python" -m mypy engine \
	&& "$$python" -m bandit -q -c pyproject.toml -r spectralgpt_qgis engine

format: engine-training ## Format the code
	@python=$(ENGINE_PYTHON) && "$$python" -m ruff check --fix . ; "$$python" -m ruff format .

models: engine-training ## Make the models that ship, from DATA (hours)
	$(ENGINE_PYTHON) -m engine.recipes --data $(DATA) --out resources/models

package: ## Make the plugin's zip, into dist/
	$(PYTHON) scripts/package.py

qgis: system engine profile ## Open QGIS with the plugin of this checkout, in a profile of its own
	QGIS_CUSTOM_CONFIG_PATH=$(CURDIR)/$(PROFILE) qgis

clean: ## Remove everything that make has made; models trained here are kept
	-$(ENVIRONMENT) remove
	rm -rf .venv-qgis $(PROFILE) demo dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# -- steps ----------------------------------------------------------------------------------------

system:
	@sh scripts/setup_system.sh

engine: system
	@$(ENVIRONMENT) install --tier inference

engine-training: system
	@$(ENVIRONMENT) install --tier training --extra engine/requirements/tests.txt --extra engine/requirements/cluster.txt

profile: system
	@$(PYTHON) scripts/profile.py $(PROFILE)

$(QGIS_TOOLS): tests/requirements-qgis.txt | system
	$(PYTHON) -m venv --clear --system-site-packages .venv-qgis
	$(QGIS_PYTHON) -m pip install --quiet --disable-pip-version-check -r tests/requirements-qgis.txt
	@touch $(QGIS_TOOLS)

# A process a core. Neighbouring tests stay in one process, which makes what they share only once.
SHARED_OUT := -n auto --dist worksteal

# One thread in each process: threads of several processes would wait for one another.
test-engine:
	@OMP_NUM_THREADS=1 $(ENGINE_PYTHON) -m pytest -q $(SHARED_OUT) tests/engine

test-architecture:
	@$(ENGINE_PYTHON) -m pytest -q tests/architecture

# Windows, then everything else; each process tests only one of them, with settings of its own (pytest-qgis).
test-plugin:
	@failed=""; for part in windows tools; do \
		$(MAKE) --no-print-directory test-$$part || failed=yes; \
	done; [ -z "$$failed" ]

test-windows:
	@QT_QPA_PLATFORM=offscreen $(QGIS_PYTHON) -m pytest -q $(SHARED_OUT) tests/plugin/gui

test-tools:
	@QT_QPA_PLATFORM=offscreen $(QGIS_PYTHON) -m pytest -q $(SHARED_OUT) --ignore=tests/plugin/gui tests/plugin

# It starts the real QGIS under a display of its own; pytest itself needs none.
test-desktop:
	@QT_QPA_PLATFORM=offscreen $(QGIS_PYTHON) -m pytest -q tests/desktop
