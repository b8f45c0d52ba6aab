# `make demo` needs Python >= 3.11 and nothing else; `make test` also needs Java 17, Maven, a C compiler, and either
# Debian's apt-get and dpkg-deb, or Prometheus 2.53, Alertmanager 0.28 and docker-compose 2.24, or newer, on PATH.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
# The compiled modules in build/compiled come before the sources, also in the processes that a command starts.
COMPILED := PYTHONSAFEPATH=1 PYTHONPATH=$(CURDIR)/build/compiled:$(CURDIR)
PYTEST_COMPILED := $(COMPILED) $(BIN)/pytest --import-mode=append -q

.PHONY: help demo test java cc check fast compiled kafka faults e2e chaos bench bench-quick bench-report docs soak format lock clean

help: ## List the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: $(VENV)/runtime ## The whole system with a simulated portfolio; ARGS="--log FILE -c flow.yaml" for a log
	$(BIN)/flowgauge demo $(ARGS)

# The core is compiled first, in its place: tests that run meanwhile would import half of it.
test: java cc build/compiled ## Everything: checks, all tests, real Kafka, alerts end to end
	$(MAKE) -j3 --output-sync=target kafka check faults e2e compiled

cc:
	@command -v cc >/dev/null && $(PYTHON) -c \
	  'import os, sys, sysconfig; sys.exit(not os.path.exists(sysconfig.get_path("include") + "/Python.h"))' || { \
	  echo "make: compiling the core needs a C compiler and Python's headers: apt install gcc libc6-dev python3-dev" >&2; exit 1; }

check: $(VENV)/dev ## Lint, types, layers, all tests that need no Kafka, coverage of the core
	$(BIN)/ruff format --check stream tests deploy docs benchmarks
	$(BIN)/ruff check stream tests deploy docs benchmarks
	$(BIN)/mypy
	$(BIN)/mypy --strict deploy/alert_sink.py
	$(BIN)/lint-imports
	$(BIN)/coverage run -m pytest -q -m "not kafka and not e2e"
	$(BIN)/coverage report --include="stream/config/*,stream/events/*,stream/items/*,stream/flow/*" --fail-under=100 --show-missing --skip-covered

java:
	@command -v java >/dev/null && command -v mvn >/dev/null || { \
	  echo "make: the Kafka tests need Java 17 and Maven: apt install openjdk-17-jre-headless maven" >&2; exit 1; }

# These tests mostly wait, so four processes take turns on one core or two. Each has a broker of its own.
kafka: java build/compiled ## The tests on real Kafka, with the core compiled (Java 17, Maven, a C compiler)
	$(PYTEST_COMPILED) -m kafka --ignore=tests/chaos -n 4 --dist worksteal

faults: java build/compiled ## Short chaos runs and SIGTERM at random moments; `make chaos` is the long run
	$(PYTEST_COMPILED) -m kafka tests/chaos

e2e: java build/compiled ## Alerts end to end: real Kafka, Prometheus and Alertmanager with the files of deploy/
	$(PYTEST_COMPILED) -m e2e

chaos: java build/compiled ## Ten minutes of faults, 200 SIGTERMs; ARGS="--seconds 60 --seed 7" for another run
	$(COMPILED) $(BIN)/python -m tests.chaos $(ARGS)
	$(COMPILED) $(BIN)/python -m tests.chaos.sigterm

compiled: build/compiled ## The tests of the core, compiled
	$(COMPILED) $(BIN)/flowgauge --version | grep compiled
	$(PYTEST_COMPILED) tests/test_build.py tests/events tests/items tests/flow tests/gauges tests/properties tests/examples

fast: $(VENV)/dev ## The tests that need no Kafka, without coverage
	$(BIN)/pytest -q -m "not kafka and not e2e"

bench: java build/compiled ## Measure everything, and the peers; about an hour (JDK 17, Maven, a C compiler)
	$(COMPILED) $(BIN)/python -m benchmarks

bench-quick: java build/compiled ## Measure throughput, recovery and freshness, with fewer events
	$(COMPILED) $(BIN)/python -m benchmarks throughput recovery freshness --quick

bench-report: $(VENV)/dev ## Write the documents' measured tables from build/bench.json, after `make bench`
	$(BIN)/python -m benchmarks.report

docs: $(VENV)/dev ## Write the documents' tables and the dashboards from the code
	$(BIN)/python -m tests.docs.generate
	$(BIN)/flowgauge dashboards -c deploy/flow.yaml -o deploy/grafana

soak: $(VENV)/dev ## The properties over many more histories (some ten minutes)
	SOAK=20 $(BIN)/pytest -q tests/properties

format: $(VENV)/dev ## Format the code
	$(BIN)/ruff format stream tests deploy docs benchmarks
	$(BIN)/ruff check --fix stream tests deploy docs benchmarks

lock: $(VENV)/dev ## Resolve the dependencies again
	$(BIN)/pip install -q pip-tools
	CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/pip-compile -q --generate-hashes --strip-extras --allow-unsafe \
	  --no-emit-index-url --no-emit-find-links --no-emit-trusted-host \
	  --extra dashboards --extra demo --build-deps-for editable -o requirements.lock pyproject.toml
	CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/pip-compile -q --generate-hashes --strip-extras --allow-unsafe \
	  --no-emit-index-url --no-emit-find-links --no-emit-trusted-host \
	  --extra dashboards --extra demo --extra dev -o requirements-dev.lock pyproject.toml

clean: ## Remove everything that make created
	rm -rf $(VENV) build dist .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache

$(VENV)/runtime: requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "flowgauge needs Python 3.11 or newer, not " + sys.version)'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

$(VENV)/dev: $(VENV)/runtime requirements-dev.lock
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.lock
	touch $@

# mypyc compiles next to the sources. The result must not stay there: it would hide every later change.
build/compiled: $(VENV)/dev pyproject.toml README.md $(shell find stream -type f -not -name '*.py[co]') $(shell find stream -type d -not -name __pycache__)
	@$(MAKE) --no-print-directory cc
	rm -rf $@
	HATCH_BUILD_HOOK_ENABLE_MYPYC=1 HATCH_BUILD_CLEAN_HOOKS_AFTER=1 $(BIN)/python -m pip install -q \
	  --disable-pip-version-check --no-deps --no-build-isolation --target $@ .
	touch $@
