# Headrace's commands. `make` alone prints them. Works with GNU make 3.81 and newer.

ENV := .venv
PY := $(ENV)/bin/python
COMPOSE ?= docker compose
HEADRACE_PYTHON ?= python3
export HEADRACE_PYTHON

# Short names on the command line for the settings one changes most (an exported PORT is not meant for us).
ifeq ($(origin CONSUMERS),command line)
export HEADRACE_CONSUMERS := $(CONSUMERS)
endif
ifeq ($(origin GATEWAYS),command line)
export HEADRACE_GATEWAYS := $(GATEWAYS)
endif
ifeq ($(origin CHILDREN),command line)
export HEADRACE_CHILDREN := $(CHILDREN)
endif
ifeq ($(origin PORT),command line)
export HEADRACE_HTTP_PORT := $(PORT)
endif

.DEFAULT_GOAL := help
.PHONY: help up down status logs top audit audit-export doctor key keys remove-key webhook-secret webhook-secrets remove-webhook-secret demo screenshots inspect bench bench-full bench-kinds test golden-elsewhere lint test-compose chaos fuzz locks setup setup-test

help: ## these lines
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo "  make up CONSUMERS=5 GATEWAYS=5 CHILDREN=2 PORT=8081; every other setting: .env.example"

up: setup ## set up, start everything, prove it with one calculation
	@$(PY) -m deploy up

down: ## stop everything in order; running jobs finish or are handed back
	@if [ -x $(PY) ]; then $(PY) -m deploy down; else echo "Headrace is not set up here: nothing to stop."; fi

status: setup ## what runs, since when
	@$(PY) -m deploy status

logs: setup ## follow the logs of every process (Ctrl-C ends it); with Q='select …': SQL over them (docs/logs.md)
	@$(if $(Q),$(PY) -m deploy.sql '$(subst ','\'',$(Q))',$(PY) -m deploy logs)

top: setup ## what it does now, a line a second until Ctrl-C; with FULL=1 a table of queues and processes
	@$(PY) -m deploy.top $(if $(FULL),full)

audit: setup ## is the audit's chain whole? HEAD=number:hash compares with one that you wrote down (docs/audit.md)
	@$(PY) -m deploy.audit verify $(HEAD) $(if $(ARCHIVED),archived)

audit-export: setup ## every line of the audit, as JSON lines
	@$(PY) -m deploy.audit export

doctor: setup ## check this machine and the running processes, with what to do
	@$(PY) -m deploy doctor

key: setup ## a new API key: ROLE=viewer|submitter|operator|admin [OWNER=name] [LABEL=text]; the first one closes the door
	@$(PY) -m deploy.keys make "$(ROLE)" "$(OWNER)" "$(LABEL)"

keys: setup ## the API keys that exist (never their secrets)
	@$(PY) -m deploy.keys list

remove-key: setup ## remove an API key: ID=…
	@$(PY) -m deploy.keys remove "$(ID)"

webhook-secret: setup ## a new secret that signs an owner's webhooks, beside the one before: [OWNER=local]
	@$(PY) -m deploy.webhook_secrets make "$(OWNER)"

webhook-secrets: setup ## the secrets that exist (never their text)
	@$(PY) -m deploy.webhook_secrets list

remove-webhook-secret: setup ## remove one: OWNER=… ID=…
	@$(PY) -m deploy.webhook_secrets remove "$(OWNER)" "$(ID)"

demo: setup ## every family of kinds on real prices and 100,000 loans, each answer checked
	@$(PY) -m examples.demo

screenshots: setup-test ## docs/screenshots anew: a demo run of its own in Chromium
	@$(PY) -m tests.browser.screenshots

inspect: setup ## redis-cli lines for the questions people ask, and their answers now (TASK=… about a certain task)
	@$(PY) -m deploy.inspect $(TASK)

bench: setup-test ## the most important benchmarks, each a table: some minutes
	@$(PY) -m bench

bench-full: setup-test ## all of them, with a million tasks: half an hour or more
	@$(PY) -m bench --full

bench-kinds: setup-test ## each kind of calculation beside QuantLib, arch, PyPortfolioOpt, pyxirr …
	@$(PY) -m bench kinds

test: setup-test ## set up, then lint, types and all tests
	@$(MAKE) --no-print-directory lint
	@bash tests/run.sh

golden-elsewhere: ## are the bits of all kinds the same by another Python? PYTHON=python3.13
	@"$(or $(PYTHON),python3)" -m venv var/golden
	@var/golden/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/run.txt
	@NUMBA_CACHE_DIR=var/golden/compiled var/golden/bin/python -m tests.calc.golden check
	@var/golden/bin/python -c "import sys; print('The same bits by Python', sys.version.split()[0])"

lint: setup-test ## lint and types alone
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy

test-compose: setup-test ## build the containers, run and scale them (needs a Docker engine)
	@COMPOSE="$(COMPOSE)" $(PY) -m deploy.try_compose

chaos: setup-test ## kill, stop and cut everything under load, then count what was lost (MINUTES=2 SEED=…)
	@$(PY) -m tests.chaos --minutes $(or $(MINUTES),2) $(if $(SEED),--seed $(SEED))

fuzz: setup-test ## requests made from the OpenAPI document, against a stack of its own (CASES=10000 SEED=…)
	@$(PY) -m tests.fuzz --cases $(or $(CASES),10000) $(if $(SEED),--seed $(SEED))

locks: ## make the locks anew from requirements/*.in (needs uv)
	@for name in run test otel; do \
	  uv pip compile --quiet --universal --fork-strategy fewest --python-version 3.11 --generate-hashes --no-header \
	    requirements/$$name.in --output-file requirements/$$name.txt || exit 1; \
	done

setup:
	@sh deploy/setup.sh run

setup-test:
	@sh deploy/setup.sh test
