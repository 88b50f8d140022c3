# Everything that a contributor or CI does. The environments are made by .ci/lanes, the runs by .ci/check.
SHELL := bash
LANE_A = .lanes/a/bin/python
DJANGO_ADMIN = $(abspath .lanes/a/bin/django-admin)
# How many pytest processes: for unit and integration tests, and for those that start clusters.
WORKERS ?= 2
PROCESS_WORKERS ?= 3
# What must not be absent, so that its tests fail and are not skipped: REQUIRE=postgres,mysql,chromium,peers
REQUIRE ?=
# Options of the benchmarks.
BENCH ?=
export WORKERS PROCESS_WORKERS REQUIRE

.PHONY: help install test test-process test-browser acceptance chaos lint types docs messages bench
.PHONY: bench-peers bench-conditions bench-admin demo demo-check check clean

help: ## Say what there is
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1|\2/' | column -t -s '|'

install: ## Make the environment of lane A (this machine's python3, Django 5.2), or bring it up to date
	@.ci/lanes a

test: ## Run the unit and integration tests on SQLite and on every database that is found
	@python3 .ci/check test

test-process: ## Run the tests that start real clusters
	@python3 .ci/check process

test-browser: ## Visit the admin in Chromium
	@python3 .ci/check browser

acceptance: install ## Print each statement about other systems with its tests, ours and with the real django-q2
	$(LANE_A) -m django_q_tests.acceptance

chaos: install ## Run 20 000 tasks while 100 processes are killed at random, on PostgreSQL
	DJANGO_Q_CHAOS_TASKS=20000 DJANGO_Q_CHAOS_KILLS=100 $(LANE_A) -m pytest -q -s --ds=django_q_tests.settings.postgres django_q_tests/process/test_chaos.py

lint: ## Check style, import contracts and budgets
	@python3 .ci/check lint contracts budgets

types: ## Check the types
	@python3 .ci/check types

docs: ## Build the documentation; a warning is an error
	@python3 .ci/check docs

messages: install ## Bring the catalogues up to date with the strings of the package, and compile them
	cd django_q && $(DJANGO_ADMIN) makemessages --all --no-obsolete --add-location file
	@# Who only reads the strings again changes nothing.
	find django_q -name '*.po' -exec sed -i '/^"POT-Creation-Date:/d; /^"Report-Msgid-Bugs-To:/d' {} +
	cd django_q && $(DJANGO_ADMIN) compilemessages

bench: install ## Measure the cluster and the peers that are installed; make bench BENCH=--help says what can be asked
	$(LANE_A) -m django_q_tests.benchmarks $(BENCH)

bench-peers: install ## Install the packages with which the benchmarks compare us, and what draws their plots
	@$(LANE_A) -m pip -qq --disable-pip-version-check --no-input install -e '.[bench]'
	@python3 .ci/peers --measured

bench-conditions: install ## Measure the cluster under strain: long queues, a long history, open transactions, coroutines
	$(LANE_A) -m django_q_tests.benchmarks.conditions $(BENCH)

bench-admin: install ## Measure the pages of the admin over a million tasks, on PostgreSQL
	$(LANE_A) -m django_q_tests.benchmarks.admin

demo: install ## Show it: web server and cluster with example data; Ctrl-C stops everything
	$(LANE_A) -m django_q.examples.demo

demo-check: install ## The same without a person: fails if anything is missing
	$(LANE_A) -m django_q.examples.demo --check

check: ## Everything that CI runs
	@python3 .ci/check all

clean: ## Remove the environments and all that was built
	rm -rf .lanes build dist docs/_build *.egg-info
