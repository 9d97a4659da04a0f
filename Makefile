# Two commands do everything: `make demo` and `make test`. Everything is installed in .venv; nothing else is touched.
# PYTHON=... chooses the interpreter (3.11 or later; Airflow 2.11 runs on 3.12 at the latest).

V33 := .venv
V211 := .venv/airflow-2.11
LOWEST := .venv/lowest
CELERY33 := .venv/celery-3.3
CELERY211 := .venv/celery-2.11
SETUP := pyproject.toml scripts/setup.sh scripts/install.py scripts/steps.py
HAS_211 = $(V33)/bin/python -c 'import sys; sys.exit(sys.version_info >= (3, 13))'
ON_211 = $(shell $(HAS_211) 2>/dev/null && echo $(V211)/bin/python)

.PHONY: help demo ui lint check test test-slow test-lowest test-matrix bench bench-growth bench-programs chaos soak docs lock public-api clean bench-peers bench-table test-cluster

help:
	@echo "make demo       the main job in a real Airflow, against the emulator (FILE=... to move your own file)"
	@echo "make ui         the same Airflow with its web UI, until Ctrl-C"
	@echo "make check      lint, types, architecture and unit tests on Airflow 3.3: the inner loop, under a minute"
	@echo "make test       lint, types and the tests on Airflow 3.3 and 2.11 (SEED=... for the order of an earlier run)"
	@echo "make test-slow  browser, schedulers, kill loops"
	@echo "make test-cluster  many workers: Celery, Redis, PostgreSQL, killed ones (CLUSTER=short for CI's part)"
	@echo "make test-lowest  unit and integration tests with the lowest versions that pyproject.toml allows"
	@echo "make test-matrix  the tests on all Airflow lines and Pythons that are there (MATRIX=3.1.8-3.11 for one)"
	@echo "make bench      side by side with what people use today (BENCH=... for options; see benchmarks --help)"
	@echo "make bench-peers  builds Taskcluster's Rust client, which make bench then compares with, too"
	@echo "make bench-table  the figures of make bench and make bench-growth, into README and docs"
	@echo "make chaos      transfers under faults, kills, full disks and power losses (CHAOS=... for options; see chaos --help)"
	@echo "make soak       one worker for half an hour, whose memory, files and threads must not grow (SOAK=... for options)"
	@echo "make docs       the documentation, into docs/_build/html; every warning is an error"
	@echo "make public-api  the list of public names, into docs/reference/public-api.md"
	@echo "make lock       newest versions that fit together, into constraints/"

$(V33)/.ready: $(SETUP) constraints/airflow-3.3.txt
	@scripts/setup.sh $(V33) constraints/airflow-3.3.txt
	@touch $@

$(V211)/.ready: $(V33)/.ready constraints/airflow-2.11.txt
	@if $(HAS_211); then scripts/setup.sh $(V211) constraints/airflow-2.11.txt; fi
	@mkdir -p $(V211) && touch $@

# In front of the environments above, which stay as they are.
$(CELERY33)/.ready: $(V33)/.ready constraints/celery.txt scripts/celery.sh
	@scripts/celery.sh $(CELERY33) $(V33)
	@touch $@

$(CELERY211)/.ready: $(V211)/.ready constraints/celery.txt scripts/celery.sh
	@if $(HAS_211); then scripts/celery.sh $(CELERY211) $(V211); fi
	@mkdir -p $(CELERY211) && touch $@

# FILE is moved by the demo: by default the wheel of this package, which it builds.
demo: $(V33)/.ready
	@$(V33)/bin/python scripts/demo.py $(if $(FILE),"$(FILE)")

ui: $(V33)/.ready
	@$(V33)/bin/python scripts/ui.py

lint: $(V33)/.ready
	$(V33)/bin/ruff check .
	$(V33)/bin/ruff format --check .
	$(V33)/bin/mypy

check: $(V33)/.ready
	@$(V33)/bin/python scripts/run_tests.py check $(V33)/bin/python

test: $(V33)/.ready $(V211)/.ready
	@$(V33)/bin/python scripts/run_tests.py test $(V33)/bin/python $(ON_211)

# Of 2.11 also the tests that do not touch Airflow, which `make test` runs on 3.3 alone.
test-slow: $(V33)/.ready $(V211)/.ready bench-programs
	@scripts/programs.sh curl jq initdb:postgresql chromium chromedriver:chromium-driver mkfs.ext4:e2fsprogs
	@$(V33)/bin/python scripts/run_tests.py slow $(V33)/bin/python $(ON_211)

# All cases on Airflow 3.3 and the core ones on 2.11; short: the core ones on 3.3.
test-cluster: $(CELERY33)/.ready $(if $(filter short,$(CLUSTER)),,$(CELERY211)/.ready)
	@scripts/programs.sh redis-server initdb:postgresql
	@$(V33)/bin/python scripts/run_tests.py $(if $(filter short,$(CLUSTER)),cluster-short,cluster) \
		$(CELERY33)/bin/python $(if $(filter short,$(CLUSTER)),,$(ON_211:$(V211)/%=$(CELERY211)/%))

# On Airflow 2.11.0 and the lowest version of each dependency that we name; what those need is as new as it gets, but for
# universal-pathlib, whose 0.3 breaks the ObjectStoragePath of Airflow 2.11.0.
test-lowest: $(V33)/.ready
	$(V33)/bin/uv venv -q --clear --python $(V33)/bin/python $(LOWEST)
	$(V33)/bin/uv pip install -q --python $(LOWEST)/bin/python --resolution lowest-direct --editable '.[dev]' \
		'universal-pathlib>=0.2.6,<0.3'
	$(LOWEST)/bin/python -m pytest tests/unit tests/integration

test-matrix: $(V33)/.ready
	scripts/matrix.sh $(MATRIX)

# What is compared with, and what serves the bytes.
bench-programs:
	@scripts/programs.sh nginx aria2c:aria2 curl openssl

# Taskcluster's own Rust client, where cargo is: `make bench` uses what is built, and names what is not.
bench-peers: $(V33)/.ready
	@if command -v cargo >/dev/null; then \
		cargo build --quiet --release --locked --manifest-path benchmarks/contenders/rust/Cargo.toml \
			--target-dir $(V33)/bench-peers/rust; \
	else echo "No cargo: the Rust client is not built, and not run." >&2; fi

bench: $(V33)/.ready bench-programs
	@$(V33)/bin/python -m benchmarks $(BENCH)

bench-growth: $(V33)/.ready bench-programs
	@$(V33)/bin/python -m benchmarks --growth $(BENCH)

bench-table: $(V33)/.ready
	@$(V33)/bin/python -m benchmarks.publish

# Power losses and full disks take root, to mount what loses power and is full.
chaos: $(V33)/.ready
	@$(V33)/bin/python -m chaos $(CHAOS)

soak: $(V33)/.ready
	@$(V33)/bin/python -m soak $(SOAK)

docs: $(V33)/.ready
	@$(V33)/bin/python -m sphinx --builder html --fresh-env --fail-on-warning --keep-going --quiet docs docs/_build/html
	@echo "Read it in docs/_build/html/index.html"

public-api: $(V33)/.ready
	@$(V33)/bin/python scripts/public_api.py

lock: $(V33)/.ready
	scripts/lock.sh

clean:
	rm -rf .venv dist build test-output docs/_build
