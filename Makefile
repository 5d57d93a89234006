# Every target but `help` needs .venv, and makes it from the lock file where it is missing or older than the lock file.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help install demo test check format bench chaos e2e ids lock screenshots clean

help:  ## this list
	@sed -n 's/^\([a-z0-9]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

install: $(STAMP)  ## make .venv from the lock file

$(STAMP): requirements.lock pyproject.toml
	@sh .ci/install "$(PYTHON)" "$(VENV)"
	@touch $@

demo: $(STAMP)  ## the whole path on this machine, in a browser (ARGS="--port 9000" for another port)
	@$(BIN)/opensignal demo $(ARGS)

test: $(STAMP)  ## all tests; ARGS="-k words" for some
	@$(BIN)/pytest $(ARGS)

check: $(STAMP)  ## format, lint, types, import rules, content
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/opensignal check

format: $(STAMP)  ## tidy the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(STAMP)  ## the benchmarks, printed as a table (ARGS="--help" for sizes; N=10000 for a larger archive)
	@$(BIN)/python -m tests.benchmarks $(if $(N),--articles $(N)) $(ARGS)

chaos: $(STAMP)  ## kills, faults, full disks, locks and races in full size, as a table (ARGS="--help" for parts and sizes)
	@$(BIN)/python -m tests.chaos $(ARGS)

e2e: $(STAMP)  ## real mail servers carry letters to a mailbox and back; Debian, as root (ARGS="--keep DIR" leaves the evidence)
	@$(BIN)/python -m tests.e2e $(ARGS)

ids: $(STAMP)  ## promises of the handbook that no test holds
	@$(BIN)/python -m tests.ids

lock: $(STAMP)  ## renew requirements.lock from pyproject.toml
	@$(BIN)/uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --custom-compile-command "make lock" --upgrade --quiet --output-file requirements.lock

screenshots: $(STAMP)  ## the pictures of the README, from the real site and mail (needs Chromium)
	@$(BIN)/python -m tests.screenshots

clean:  ## remove what was built; keeps .venv and .opensignal
	rm -rf site build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
