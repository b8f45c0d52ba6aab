# `make demo` needs Python >= 3.11 and nothing else; `make test` also needs Java 17, Maven, and either
# Debian's apt-get and dpkg-deb, or Prometheus 2.53, Alertmanager 0.28 and docker-compose 2.24, or newer, on PATH.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin

.PHONY: help demo test java check fast kafka e2e bench bench-quick bench-report docs soak format lock clean

help: ## Say what there is to make
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: $(VENV)/runtime ## The whole system with a simulated portfolio; ARGS="--log FILE -c flow.yaml" for a log
	$(BIN)/flowgauge demo $(ARGS)

test: java check ## Everything: checks, all tests, real Kafka, alerts end to end
	$(MAKE) -j2 --output-sync=target kafka e2e

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

kafka: java $(VENV)/dev ## The tests on real Kafka (Java 17 and Maven)
	$(BIN)/pytest -q -m kafka

e2e: java $(VENV)/dev ## Alerts end to end: real Kafka, Prometheus and Alertmanager with the files of deploy/
	$(BIN)/pytest -q -m e2e

fast: $(VENV)/dev ## The tests that need no Kafka, without coverage
	$(BIN)/pytest -q -m "not kafka and not e2e"

bench: java $(VENV)/dev ## Everything measured beside the peers; about an hour (JDK 17 and Maven)
	$(BIN)/python -m benchmarks

bench-quick: java $(VENV)/dev ## Throughput, recovery and freshness, smaller
	$(BIN)/python -m benchmarks throughput recovery freshness --quick

bench-report: $(VENV)/dev ## The tables of README and docs/capacity.md from build/bench.json, after `make bench`
	$(BIN)/python -m benchmarks.report

docs: $(VENV)/dev ## Write the README's tables and the dashboards anew from the code
	$(BIN)/python -m tests.docs.generate
	$(BIN)/flowgauge dashboards -c deploy/flow.yaml -o deploy/grafana

soak: $(VENV)/dev ## The properties over many more histories (some ten minutes)
	SOAK=20 $(BIN)/pytest -q tests/properties

format: $(VENV)/dev ## Put the code into its form
	$(BIN)/ruff format stream tests deploy docs benchmarks
	$(BIN)/ruff check --fix stream tests deploy docs benchmarks

lock: $(VENV)/dev ## Resolve the dependencies anew
	$(BIN)/pip install -q pip-tools
	CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/pip-compile -q --generate-hashes --strip-extras --allow-unsafe \
	  --no-emit-index-url --no-emit-find-links --no-emit-trusted-host \
	  --extra dashboards --extra demo --build-deps-for editable -o requirements.lock pyproject.toml
	CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/pip-compile -q --generate-hashes --strip-extras --allow-unsafe \
	  --no-emit-index-url --no-emit-find-links --no-emit-trusted-host \
	  --extra dashboards --extra demo --extra dev -o requirements-dev.lock pyproject.toml

clean: ## Remove what was made
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
