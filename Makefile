# make install | boot | test | test-full | lint | clean     (see CONTRIBUTING.md)
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/installed
WORKERS ?= auto
PYTEST := $(BIN)/python -m pytest
BOOT_OPTIONS ?=

.PHONY: install boot test test-full lint clean test-tools warm

install: $(STAMP)

# A fresh Debian has python3 without venv; root may fetch it, others are told.
$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "ppcdbt needs Python 3.11 or newer: make install PYTHON=..."; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || scripts/packages.sh python3-venv
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "Python's venv is missing: apt-get install python3-venv"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@# compat: a path to the checkout; setuptools' finder would cost every start of Python some milliseconds.
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --config-settings editable_mode=compat -e '.[test]'
	@touch $(STAMP)
	@echo "installed: $(BIN)/ppcdbt"

# Debian's kernel, downloaded once; where that cannot be, a kernel from ../shared/guests/images or built from Debian's sources (guests/README.md).
boot: install
	@if $(BIN)/python guests/debian.py >/dev/null; then \
	    echo $(BIN)/ppcdbt boot debian --expect BOOT-OK $(BOOT_OPTIONS); \
	    exec $(BIN)/ppcdbt boot debian --expect BOOT-OK $(BOOT_OPTIONS); \
	else \
	    echo "booting pseries64be instead"; \
	    test -d ../shared/guests/images || scripts/packages.sh --quiet $$($(BIN)/python guests/fetch.py --packages 2>/dev/null); \
	    exec $(BIN)/ppcdbt boot --expect BOOT-OK $(BOOT_OPTIONS); \
	fi

# Optional oracles and cross tools: tests that need one that is missing are skipped, and say so.
test-tools:
	@scripts/packages.sh --quiet qemu-user qemu-system-ppc binutils-powerpc64-linux-gnu gcc-powerpc64-linux-gnu \
	    libc6-dev-ppc64-cross binutils-powerpc-linux-gnu gdb

# Compile the interpreter once, before the test processes start.
warm: install
	@$(BIN)/ppcdbt run guests/built/hello.elf

test: install test-tools warm
	$(PYTEST) -n $(WORKERS) -m "not slow" -o faulthandler_timeout=600 -o faulthandler_exit_on_timeout=true

# Everything, the longest first, so that the workers end together. A test that takes more than half an hour is ended, and its traces shown.
test-full: install test-tools warm
	$(PYTEST) -n $(WORKERS) --dist worksteal --durations=25 --durations-min=10 \
	    -o faulthandler_timeout=1800 -o faulthandler_exit_on_timeout=true \
	    tests/user/test_torture.py tests/oracle tests/boot tests/smp tests/hostile tests/user tests

lint: install
	$(BIN)/ruff check .
	$(BIN)/mypy

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
