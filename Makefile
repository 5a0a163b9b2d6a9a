# Every target sets itself up: it needs python3 (3.11 or newer), node, and the Debian tools that root
# gets installed and others are told of. `make PYTHON=python3.13 …` chooses another interpreter.

PYTHON ?= python3
BIN := .venv/bin
CHECKS := .local/checks/bin
MODULES := node_modules/.package-lock.json

.DEFAULT_GOAL := help
.PHONY: help setup demo local test lint check soak fuzz bench release clean

help:
	@echo "make demo    from nothing to a published repository on this machine, with proof"
	@echo "             (SIGNER=gnupg: signed by a key in a layer with gpg, instead of by KMS)"
	@echo "make local   the same stack kept up until Ctrl-C (PORT= chooses the port)"
	@echo "make test    all tests: unit, integration, system (TESTS= chooses some)"
	@echo "make lint    lint and types alone, the tests' as well"
	@echo "make check   lint, types, known vulnerabilities, synthesis, templates"
	@echo "             (AUDIT=required: fails where vulnerabilities could not be asked for)"
	@echo "make soak    the long rounds: faults, interleavings, signatures, recipes (SOAK= multiplies them)"
	@echo "make fuzz    fuzzing of all that reads what others wrote (MINUTES=30, TARGETS=)"
	@echo "make bench   what a publish costs, beside the peers (QUICK=1: without 500,000 packages)"
	@echo "make release templates, zips and wheels, for whoever deploys without this checkout (CONTEXT=)"
	@echo "make clean   removes what the others made"

# Makes .venv and the emulator's own from their locks, when a lock changed or they are not there.
setup:
	@$(PYTHON) -m local.environments

$(MODULES): package-lock.json
	npm ci --no-fund --no-audit

demo: setup
	@$(BIN)/python -m local.tools demo
	@$(BIN)/python -m local demo

local: setup
	@$(BIN)/python -m local.tools stack
	@$(BIN)/python -m local up

TESTS ?= tests
test: setup
	@$(PYTHON) -m local.environments fuzz ansible browser
	@$(BIN)/python -m local.tools tests
	@$(MAKE) --no-print-directory $(MODULES)
	$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder $(TESTS)

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# W3005: the CDK itself writes dependencies that a reference implies already.
check: lint
	@$(PYTHON) -m local.environments checks ansible
	$(CHECKS)/bandit --quiet --severity-level medium -r layers/debpress/python lambdas stacks local app.py
	$(CHECKS)/shellcheck .ci/run clients/*.sh layers/debpress/python/debpress/keys/*.sh
	PATH=$(CURDIR)/.local/ansible/bin:$$PATH ansible-lint --offline --strict -q clients/ansible
	@$(CHECKS)/python -m local.checks.audit
	@$(MAKE) --no-print-directory $(MODULES)
	$(CHECKS)/python -m local.checks.clients
	$(CHECKS)/python -m local.checks.terraform
	JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION=$$(node -p 'process.versions.node.split(".")[0]') npx --no-install cdk synth --quiet
	$(BIN)/cfn-lint -- cdk.out/*.template.json

SOAK ?= 4
soak: setup
	@$(BIN)/python -m local.tools soak
	DEBPRESS_SOAK=$(SOAK) DEBPRESS_SIGNATURES=500 $(BIN)/python -m pytest -n auto --dist worksteal \
	  tests/unit/test_faults.py tests/unit/test_interleavings.py tests/integration/test_signatures.py \
	  tests/integration/test_oracle_apt.py tests/integration/test_oracle_dpkg.py
	DEBPRESS_SIGNATURES=500 $(BIN)/python -m pytest tests/soak/hosts_of_trixie.py
	$(BIN)/python -m pytest tests/soak/recipes.py
	for hosts in trixie uutils; do \
	  DEBPRESS_HOSTS=$$hosts $(BIN)/python -m pytest tests/integration/test_setup_script.py || exit; \
	done

MINUTES ?= 30
fuzz: setup
	@$(PYTHON) -m local.environments fuzz
	$(BIN)/python -m tests.fuzz $(TARGETS) --minutes $(MINUTES)

bench: setup
	@$(PYTHON) -m local.environments benchmarks
	@$(BIN)/python -m local.tools stack
	PYTHONPATH=.:layers/debpress/python $(BIN)/python -m benchmarks $(if $(QUICK),--quick)

# CONTEXT: a JSON file with the configuration, in place of what cdk.json has below "context".
release: setup
	@$(BIN)/python -m local.tools stack
	@$(BIN)/python -m local.release $(if $(CONTEXT),--context $(CONTEXT))

clean:
	rm -rf .venv .local cdk.out node_modules layers/*/build
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis
