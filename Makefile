# The README's commands. Each makes what it needs, on a machine with nothing but Python 3.11 or
# later, GNU make, and for the engine tests Java 17 and npm.

PYTHON ?= python3
ARGS ?=
# One more than the cores of a small machine: tests wait for engines, processes and clocks.
WORKERS ?= 3
# Tests start hundreds of interpreters, each of which would compile what it imports.
PYTEST = env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m pytest
# Where the time of a run goes.
SLOWEST := --durations=15 --durations-min=1

VENV := .venv
BIN := $(VENV)/bin
LOCK := requirements-dev.txt
BENCH_LOCK := requirements-bench.txt

VERSION := $(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])')

# Stamps: what is newer than its stamp is installed again, and nothing else.
PYTHON_READY := $(VENV)/.python-$(VERSION)
PROJECT_READY := $(VENV)/.project-$(VERSION)
DEVELOPMENT_READY := $(VENV)/.development-$(VERSION)
BENCH_READY := $(VENV)/.bench-$(VERSION)

# Terraform, checkov, which pins half of PyPI, Pyright, which brings Node, and the docs site are each
# alone in an environment.
TERRAFORM_READY := .cache/infra-venv/.ready-$(VERSION)
OLDEST_TERRAFORM_READY := .cache/infra-oldest-venv/.ready-$(VERSION)
CHECKOV_READY := .cache/checkov-venv/.ready-$(VERSION)
PYRIGHT_READY := .cache/pyright-venv/.ready-$(VERSION)
DOCS_READY := .cache/docs-venv/.ready-$(VERSION)
BINDINGS_READY := .cache/infra/.bindings
INFRA_READY := $(TERRAFORM_READY) $(OLDEST_TERRAFORM_READY) $(CHECKOV_READY) $(BINDINGS_READY)

PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: help
help:  ## What can be made
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST)
	@echo '  PYTHON=python3.12 chooses an interpreter; ARGS="..." is passed on by all but lint, bench, soak, lock and clean.'
	@echo '  WORKERS=4 runs so many tests at a time.'

.PHONY: demo
demo: $(PROJECT_READY)  ## See limits and sessions at work; ARGS=--serve shows them in a browser
	@$(BIN)/python -m demo $(ARGS)

.PHONY: test
test: $(DEVELOPMENT_READY)  ## Run the tests, on DynamoDB Local where it can be had
	@$(BIN)/python -m tests.dynamodb_local || true
	@$(BIN)/python -m tests.ddbwire.endpoint_vectors || true
	@$(BIN)/python -m tests.upstream.sources || true
	@$(BIN)/python -m tests.engine.faults.libfaketime || true
	$(PYTEST) -n $(WORKERS) --dist worksteal \
		-m "not browser and not infra and not alone" $(SLOWEST) --junitxml=.cache/tests.xml $(ARGS)
	@# What needs the machine to itself; it is no mistake if ARGS chose none of it.
	$(PYTEST) -m alone $(SLOWEST) --junitxml=.cache/tests-alone.xml $(ARGS) \
		|| test $$? -eq 5

.PHONY: mutants
mutants: $(DEVELOPMENT_READY)  ## Change the core in small ways for 10 minutes: does a test notice?
	@$(BIN)/python -m tests.mutants --workers $(WORKERS) $(ARGS)

.PHONY: faults
faults: $(DEVELOPMENT_READY)  ## Kill, suspend and cut off processes for minutes: is a promise broken?
	@$(BIN)/python -m tests.dynamodb_local
	@$(BIN)/python -m tests.engine.faults.libfaketime || true
	$(BIN)/python -m tests.engine.faults $(ARGS)

.PHONY: test-browser
test-browser: $(DEVELOPMENT_READY)  ## Run the sessions in a real Chromium
	@$(BIN)/python -m tests.browser.chromium || true
	$(PYTEST) -m browser tests/browser $(ARGS)

.PHONY: test-infra
test-infra: $(DEVELOPMENT_READY) $(INFRA_READY)  ## Check infra/: Terraform, checkov, planned tables in use
	@$(BIN)/python -m tests.dynamodb_local || true
	@# By file: what Terraform says to all cases of a file is asked once.
	$(PYTEST) -n 2 --dist loadfile -m infra tests/infra $(SLOWEST) $(ARGS)

.PHONY: lint
lint: $(DEVELOPMENT_READY) $(PYRIGHT_READY)  ## Check style, types and the packages' independence
	$(BIN)/python -m ruff check
	$(BIN)/python -m ruff format --check
	$(BIN)/python -m mypy
	.cache/pyright-venv/bin/basedpyright --pythonpath $(BIN)/python
	$(BIN)/lint-imports

# The site's generator advertises its successor at each build, unless told. --quiet would hide the
# warnings that --strict counts.
MKDOCS = NO_MKDOCS_2_WARNING=1 .cache/docs-venv/bin/mkdocs

.PHONY: docs
docs: $(DOCS_READY)  ## Build the docs site in .cache/site; a dead link or anchor is an error
	$(MKDOCS) build --strict $(ARGS)

.PHONY: docs-serve
docs-serve: $(DOCS_READY)  ## Show the docs site on http://127.0.0.1:8000 while one writes
	$(MKDOCS) serve $(ARGS)

.PHONY: bench
bench: $(BENCH_READY)  ## Measure for some minutes: a decision beside boto3, apps under load
	@$(BIN)/python -m bench.hot_path
	@echo
	@$(BIN)/python -m bench.mixed_load
	@echo
	-@$(BIN)/python -m bench.hot_keys.simulation
	@echo
	-@$(BIN)/python -m bench.hot_keys.processes
	@echo
	@$(BIN)/python -m bench.rules_side_by_side
	@echo
	@$(BIN)/python -m bench.outage
	@echo
	@$(BIN)/python -m bench.kinds_of_limits
	@echo
	@$(BIN)/python -m bench.load
	@echo
	@$(BIN)/python -m bench.middleware
	@echo
	@$(BIN)/python -m bench.sessions
	@echo
	@$(BIN)/python -m bench.session_peers --rounds 1
	@echo
	@$(BIN)/python -m bench.many_sessions --rounds 1
	@echo
	@$(BIN)/python -m bench.soak
	@echo
	@$(BIN)/python -m bench.import_cost

.PHONY: locust
locust: $(BENCH_READY)  ## Load apps by Locust, with its web page; ARGS="--headless ..." without
	@$(BIN)/locust -f bench/locustfile.py $(ARGS)

.PHONY: bench-report
bench-report: $(BENCH_READY)  ## Measure all contenders, and write bench/results/
	@$(BIN)/python -m tests.dynamodb_local
	@$(BIN)/python -m bench.report $(ARGS)

.PHONY: soak
soak: $(BENCH_READY)  ## Load a site with limits and sessions for 10 minutes, and keep what came of it
	@$(BIN)/python -m tests.dynamodb_local
	@$(BIN)/python -m bench.soak --minutes 10 --keep

# uv is here only for this: a lock for every platform, which pip can't make.
UV_COMPILE = .cache/uv/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 \
	--no-emit-index-url --no-emit-find-links --custom-compile-command 'make lock'

.PHONY: lock
lock: | .cache/uv/bin/uv  ## Renew the locks: for development, benchmarks, and what stands alone
	$(UV_COMPILE) --group dev --output-file $(LOCK) pyproject.toml
	$(UV_COMPILE) --group bench --constraint $(LOCK) --output-file $(BENCH_LOCK) pyproject.toml
	$(UV_COMPILE) --output-file tests/infra/terraform.txt tests/infra/terraform.in
	$(UV_COMPILE) --output-file tests/infra/oldest_terraform.txt tests/infra/oldest_terraform.in
	$(UV_COMPILE) --output-file tests/infra/checkov.txt tests/infra/checkov.in
	$(UV_COMPILE) --output-file tests/types/pyright.txt tests/types/pyright.in
	$(UV_COMPILE) --constraint $(LOCK) --output-file docs/requirements.txt docs/requirements.in

.PHONY: clean
clean:  ## Remove everything that was made here, but for the cached engine
	rm -rf $(VENV) .cache/uv $(dir $(INFRA_READY) $(PYRIGHT_READY) $(DOCS_READY)) \
		.cache/site dist build .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(PYTHON_READY):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and \
		"Python 3.11 or later is needed: make PYTHON=python3.12 ...")'
	@echo 'Installing into $(VENV), once ...'
	@$(PYTHON) -m venv --clear $(VENV)
	@touch $@

$(PROJECT_READY): pyproject.toml $(LOCK) | $(PYTHON_READY)
	@$(PIP_INSTALL) --constraint $(LOCK) --editable .
	@touch $@

$(DEVELOPMENT_READY): $(LOCK) $(PROJECT_READY)
	@$(PIP_INSTALL) --requirement $(LOCK)
	@touch $@

$(BENCH_READY): $(BENCH_LOCK) $(DEVELOPMENT_READY)
	@$(PIP_INSTALL) --requirement $(BENCH_LOCK)
	@touch $@

$(TERRAFORM_READY): tests/infra/terraform.txt
$(OLDEST_TERRAFORM_READY): tests/infra/oldest_terraform.txt
$(CHECKOV_READY): tests/infra/checkov.txt
$(PYRIGHT_READY): tests/types/pyright.txt
$(DOCS_READY): docs/requirements.txt

$(TERRAFORM_READY) $(OLDEST_TERRAFORM_READY) $(CHECKOV_READY) $(PYRIGHT_READY) $(DOCS_READY): | $(PYTHON_READY)
	@echo 'Installing into $(@D), once ...'
	@$(PYTHON) -m venv --clear $(@D)
	@$(@D)/bin/python -m pip install --quiet --disable-pip-version-check --no-compile --requirement $<
	@touch $@

$(BINDINGS_READY): tests/infra/bindings.txt | $(PYTHON_READY)
	@rm -rf $(@D)
	@$(BIN)/python -m pip download --quiet --disable-pip-version-check --no-deps \
		--dest $(@D) --requirement $<
	@touch $@

.cache/uv/bin/uv:
	@$(PYTHON) -m venv .cache/uv
	@.cache/uv/bin/python -m pip install --quiet --disable-pip-version-check uv
