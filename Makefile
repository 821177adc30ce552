# `make help` lists the targets. Everything runs from .venv, made from uv.lock on first use.

PYTHON ?= python3
UV_VERSION := 0.13.9
JOBS ?= 2
# Tests wait for servers as well: one worker more than cores keeps the cores busy.
TEST_WORKERS ?= 3
BIN := .venv/bin
# Each target installs the group of packages that it needs, and none that others asked for is uninstalled.
READY := .venv/.synced
TEST := .venv/.synced-test
CHECK := .venv/.synced-check
BENCH := .venv/.synced-bench
BROWSER := .venv/.synced-browser
# Not $(wildcard): make remembers a folder, and would miss the stamps of a target before in the same call.
INSTALLED = $(patsubst .venv/.synced-%,%,$(shell ls -d .venv/.synced-* 2>/dev/null))
CHROMIUM := $(or $(shell command -v chromium || command -v chromium-browser || command -v google-chrome),)
# An app is a folder with an app.py: a new one is checked as the others are.
APPS := $(patsubst %/app.py,%,$(wildcard */app.py))
CHECKS := check-format check-lint check-types check-imports check-dependencies check-scripts
# The lock names pypi.org: uv must not use this machine's own index, and must not write it into the lock.
NO_INDEX := env -u UV_DEFAULT_INDEX -u UV_INDEX_URL -u UV_INDEX -u UV_EXTRA_INDEX_URL -u VIRTUAL_ENV
# Use the machine's certificates if there are any: uv's own list lacks those of company proxies.
SYSTEM_CERTS := $(if $(wildcard /etc/ssl/certs/ca-certificates.crt),--system-certs,)
ON_POSTGRES15 := tests/db tests/cli/test_backup.py tests/isolation tests/faults/test_14_bypasses.py
# Prints why an installation failed: the network's error, or a hint if the network works.
NO_NETWORK = $(PYTHON) scripts/reach_index.py >&2
MAKEFLAGS += --no-print-directory
# Without bytecode each of the many processes that tests start would compile the project again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help run test check adopt compat bench bench-growth bench-redis bench-fairness bench-bodies faults browser prove pooler postgres15 fuzz kill-workers screenshots clients-check clients-record system-deps $(CHECKS)

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(READY) ## Start everything on http://localhost:8000 (PORT=8001 for another port, VERBOSE=1), with demo data
	@exec $(BIN)/insula run --parent $$PPID $(if $(VERBOSE),--verbose)

test: $(TEST) ## Run every test that needs only Python packages, on servers of its own
	@$(BIN)/pytest -q -n $(TEST_WORKERS) --ignore=tests/browser --dist loadscope --no-loadscope-reorder -m "not browser and not pooler and not slow"

check: $(CHECK) ## Check formatting, lint, types, imports, dependencies and the project's own rules
	@$(MAKE) -j $(JOBS) -Otarget $(CHECKS)

adopt: $(CHECK) ## Build other products from copies of the project (a new app, a new resource, …; ONLY=a for one); check, attack and test each
	@PYTHONPATH=platform:. $(BIN)/python -m tests.adopt --only "$(ONLY)" --jobs $(JOBS)

prove: $(TEST) ## Attack every route, then show that the attacks notice each removed protection; build/prove.json
	@[ -x /usr/sbin/pgbouncer ] || { echo "make prove: PgBouncer is missing; as root: make system-deps" >&2; exit 1; }
	@PYTHONPATH=platform:. $(BIN)/python -m tests.proof

fuzz: $(TEST) ## Send 50,000 generated requests (CASES=n, SEED=n), valid, invalid and in sequences, to a real server; build/fuzz.json
	@PYTHONPATH=platform:. $(BIN)/python -m tests.fuzz --cases $(or $(CASES),50000) --seed $(or $(SEED),1) --lanes $(JOBS)

pooler: $(TEST) ## Test that tenants stay isolated behind PgBouncer, on one connection
	@[ -x /usr/sbin/pgbouncer ] || { echo "make pooler: PgBouncer is missing; as root: make system-deps" >&2; exit 1; }
	@$(BIN)/pytest -q -m pooler tests/pooler

compat: $(TEST) ## Run tests/http and tests/site with the lowest and the newest allowed FastAPI, Starlette and uvicorn (8 minutes); build/compat.json
	@$(NO_INDEX) $(BIN)/python scripts/compat.py --jobs $(JOBS) $(addprefix --only ,$(ONLY)) $(SYSTEM_CERTS)

postgres15: $(TEST) ## Run the tests of migrations, backup, restore and isolation on PostgreSQL 15, or the oldest later version that Debian has
	@programs=$$(scripts/oldest_postgres.sh) && \
	$(BIN)/pytest -q -n $(JOBS) --dist loadscope --no-loadscope-reorder -m "not browser and not pooler and not slow" \
	  --postgres-bin "$$programs" $(ON_POSTGRES15)

clients-check: $(CHECK) ## Lint the OpenAPI documents, generate four clients (ONLY=orval for one), use each, the samples of the guides (ONLY=guides) and three clients of OAuth on a real server, name breaking changes (2 minutes); build/clients.md
	@PYTHONPATH=platform:. $(BIN)/python -m tests.clients $(addprefix --only ,$(ONLY)) $(SYSTEM_CERTS)

clients-record: $(CHECK) ## Record the OpenAPI documents in docs/openapi, for a release or after an intended breaking change
	@PYTHONPATH=platform:. $(BIN)/python -m tests.clients --record

kill-workers: $(TEST) ## Kill a worker 20 times among 1,000 jobs: none is lost, each has one effect
	@$(BIN)/pytest -q -m slow tests/faults/test_44_killed_worker.py

browser: $(BROWSER) ## Test the pages in headless Chromium
	@[ -n "$(CHROMIUM)" ] || { echo "make browser: Chromium is missing; as root: make system-deps" >&2; exit 1; }
	@$(BIN)/python scripts/axe_core.py
	@$(BIN)/pytest -q -m browser

screenshots: $(BROWSER) ## Save a picture of every page, on a screen and on a phone, light and dark, in build/screenshots (6 minutes)
	@[ -n "$(CHROMIUM)" ] || { echo "make screenshots: Chromium is missing; as root: make system-deps" >&2; exit 1; }
	@$(BIN)/python scripts/axe_core.py
	@$(BIN)/pytest -q -m browser tests/browser/test_gallery.py tests/browser/test_docs_gallery.py --screenshots build/screenshots

bench: $(BENCH) ## Measure the cost of tenancy per request, compared with other stacks (20 minutes, needs the machine for itself)
	@$(BIN)/python -m benchmarks

bench-growth: $(BENCH) ## Measure the cost of a request with 100,000 tenants, compared with 10 (15 minutes and 15 GB, needs the machine for itself)
	@$(BIN)/python -m benchmarks.growth

bench-redis: $(BENCH) ## Break Redis under load in four ways and measure the effect on requests (5 minutes)
	@$(BIN)/python -m benchmarks.faults redis

faults: $(BENCH) ## Break each dependency in each way under load (ONLY=postgres:swallow for one) and measure the effect (13 minutes); build/faults.json
	@$(BIN)/python -m benchmarks.faults dependencies $(addprefix --only ,$(ONLY))

bench-fairness: $(BENCH) ## Let one tenant send 20 times its limit and measure the effect on other tenants (3 minutes)
	@$(BIN)/python -m benchmarks.faults fairness

bench-bodies: $(BENCH) ## Send the worst bodies and measure the effect on other requests (2 minutes)
	@$(BIN)/python -m benchmarks.faults bodies

system-deps: ## Install, as root, the Debian packages for make browser, bench, clients-check, pooler, postgres15 and prove
	@missing="$(strip $(if $(wildcard /usr/lib/apache2/modules/mod_auth_openidc.so),,apache2-bin libapache2-mod-auth-openidc) $(if $(CHROMIUM),,chromium) $(if $(shell command -v wrk),,wrk) $(if $(wildcard /usr/sbin/pgbouncer),,pgbouncer))"; \
	postgres="$$(scripts/oldest_postgres.sh 2>/dev/null)"; \
	[ -n "$$missing" ] || [ -z "$$postgres" ] || { echo "Apache's OpenID Connect, Chromium, wrk, PgBouncer and PostgreSQL are installed"; exit 0; }; \
	[ "$$(id -u)" = 0 ] || { echo "make system-deps: installs Debian packages, so run it as root" >&2; exit 1; }; \
	apt-get update -q && { [ -z "$$missing" ] || apt-get install -y -q --no-install-recommends $$missing; } && \
	{ [ -n "$$postgres" ] || scripts/install_postgres.sh; }

check-format: $(CHECK)
	@$(BIN)/ruff format --check --quiet . || { echo "correct with: $(BIN)/ruff format ." >&2; exit 1; }

check-lint: $(CHECK)
	@$(BIN)/ruff check --quiet .

check-types: $(CHECK)
	@$(BIN)/mypy platform/insula platform/insula_default $(APPS) $(wildcard examples) tests scripts benchmarks

check-imports: $(CHECK)
	@$(BIN)/python scripts/import_contracts.py --no-logo

check-dependencies: $(CHECK)
	@$(BIN)/deptry .

check-scripts: $(CHECK)
	@for script in scripts/check_*.py; do $(BIN)/python "$$script" || exit 1; done

# Bytecode is compiled here: where it cannot be written later, each start would compile every module.
$(READY): pyproject.toml uv.lock $(BIN)/uv
	@$(call install,$(INSTALLED))

.venv/.synced-%: pyproject.toml uv.lock $(BIN)/uv
	@$(call install,$(sort $(INSTALLED) $*))

# One installation serves every group in .venv; so none of their targets repeats it.
define install
$(NO_INDEX) $(BIN)/python scripts/install.py $(BIN)/uv $(1) $(SYSTEM_CERTS) || { $(NO_NETWORK); exit 1; }
touch $(READY) $(addprefix .venv/.synced-,$(1))
endef

$(BIN)/uv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	{ echo "Python 3.11 or newer is needed; if $(PYTHON) is older: make PYTHON=/path/to/python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	{ echo "$(PYTHON) cannot make virtual environments; on Debian: apt-get install python3-venv" >&2; exit 1; }
	@[ -w . ] || { echo "make: cannot write to $(CURDIR), where .venv is made: copy the project to a folder of your own" >&2; exit 1; }
	@echo "making .venv with $$($(PYTHON) --version), and installing uv into it (20 MB to download)" >&2
	@$(BIN)/python -c '' 2>/dev/null || $(PYTHON) -m venv --clear .venv
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip >/dev/null
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION) || { $(NO_NETWORK); exit 1; }
