# Everything a reader or author does with the book. `make` alone lists it. Every target sets up what it needs by itself, may be
# repeated at any time, and may be interrupted at any time: a half-finished install is noticed and made again.

VENV := .venv
PY := $(VENV)/bin/python
PYTHON ?=
PORT ?= 8000
N ?= 20
TESTS ?=

# Nothing from the user's own site-packages or PYTHONPATH gets into the book.
export PYTHONNOUSERSITE := 1
unexport PYTHONPATH
unexport PYTHONHOME
# Packages are compiled to bytecode when they are first imported (see setup). Where that may not be kept, each of the some
# hundred processes of a test run compiles PyTorch again: ten seconds a time.
unexport PYTHONDONTWRITEBYTECODE

# Threads that wait spin by default, for so long that on a machine with other work they spin each other to a halt. If they
# never spin, the small steps of small networks take twice as long. So: a while (some 50 microseconds).
export OMP_WAIT_POLICY ?= PASSIVE
export GOMP_SPINCOUNT ?= 20000

SUPPORTED := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
VERSION := import platform; print(platform.python_version())
CANDIDATES := $(if $(PYTHON),"$(PYTHON)",python3.11 python3.12 python3.13 python3)
CHROMIUM := $(firstword $(foreach name,chromium chromium-browser google-chrome google-chrome-stable,$(shell command -v $(name) 2>/dev/null)))

.NOTPARALLEL:
.PHONY: help setup book pdf test check serve lab repeat lock browser clean

help: ## list the targets
	@echo "Inside Learning - targets:"
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile
	@echo "Python 3.11, 3.12 or 3.13; choose one with PYTHON=/path/to/python. Size of the runs: BOOK_PRESET=smoke|book|paper."

# The environment is made anew when the lock file or Python changes, and the project is installed into it again when
# pyproject.toml does. Each stamp is written after its work is done and holds the hash of what it was done for. Compiling all
# of 7 GB to bytecode beforehand would take two minutes of four, for modules of which few are ever imported.
setup:
	@set -eu; \
	python=""; \
	if [ -z "$(PYTHON)" ] && $(PY) -c '$(SUPPORTED)' 2>/dev/null; then python=$(PY); else \
	  for each in $(CANDIDATES); do \
	    if "$$each" -c '$(SUPPORTED)' >/dev/null 2>&1; then python=$$each; break; fi; \
	  done; \
	fi; \
	if [ -z "$$python" ]; then \
	  found=$$($(if $(PYTHON),"$(PYTHON)",python3) -c '$(VERSION)' 2>/dev/null || echo "none that runs"); \
	  echo "The book needs Python 3.11, 3.12 or 3.13 (found: $$found); name one with PYTHON=/path/to/python." >&2; \
	  exit 1; \
	fi; \
	version=$$("$$python" -c '$(VERSION)'); \
	packages="$$version $$(cksum < requirements.txt)"; \
	project="$$packages $$(cksum < pyproject.toml) $(CURDIR)"; \
	if [ "$$(cat $(VENV)/.packages 2>/dev/null)" != "$$packages" ]; then \
	  base=$$("$$python" -c 'import sys; print(getattr(sys, "_base_executable", sys.executable))'); \
	  if ! "$$base" -c 'import venv, ensurepip' >/dev/null 2>&1; then \
	    echo "Python's venv module is missing: install it (Debian and Ubuntu: apt-get install python3-venv) and repeat." >&2; \
	    exit 1; \
	  fi; \
	  echo "Making the environment $(VENV) with Python $$version."; \
	  rm -rf $(VENV); \
	  "$$base" -m venv $(VENV); \
	  echo "Installing the packages of requirements.txt (some 7 GB with PyTorch; minutes)."; \
	  $(PY) -m pip install --quiet --disable-pip-version-check --no-compile -r requirements.txt; \
	  echo "$$packages" > $(VENV)/.packages; \
	fi; \
	if [ "$$(cat $(VENV)/.project 2>/dev/null)" != "$$project" ]; then \
	  echo "Installing the book's own package in editable mode and checking that all packages fit together."; \
	  $(PY) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .; \
	  $(PY) -m pip --disable-pip-version-check check; \
	  echo "$$project" > $(VENV)/.project; \
	fi

book: setup ## build the book and print where it is
	@$(PY) -m lib.build

pdf: setup browser ## print the whole book into one PDF
	@$(PY) -m lib pdf

test: setup browser ## run all tests, linters and type checker (TESTS=path for some of them)
ifeq ($(strip $(TESTS)),)
	@echo "Running all tests; lib must be covered."
	@$(PY) -m pytest --cov --cov-report=term:skip-covered
else
	@echo "Running $(TESTS)."
	@$(PY) -m pytest $(TESTS)
endif

check: setup browser ## test the book as built by `make book`: every page, in HTML and in a browser
	@if [ ! -f _build/html/index.html ]; then echo "There is no built book to check: run make book first." >&2; exit 1; fi
	@echo "Checking the book in _build/html."
	@BOOK_HTML="$(CURDIR)/_build/html" $(PY) -m pytest tests/book/test_html.py tests/book/test_browser.py

serve: book ## build the book and serve it to this machine (PORT=8000)
	@echo "The book is at http://127.0.0.1:$(PORT)/ until you press Ctrl-C."
	@$(PY) -m http.server --bind 127.0.0.1 --directory _build/html $(PORT) 2>/dev/null || \
	  { echo "Port $(PORT) cannot be used: try make serve PORT=$$(($(PORT) + 1))." >&2; exit 1; }

lab: setup ## open the chapters in JupyterLab
	@echo "Opening JupyterLab on the chapters; Ctrl-C ends it."
	@$(PY) -m jupyter lab chapters $(if $(filter 0,$(shell id -u)),--allow-root)

repeat: setup ## execute every page with interaction N=20 times and report hangs and failures
	@$(PY) -m tests.book.repeat $(N)

lock: setup ## make requirements.txt again from pyproject.toml (UPGRADE=1 takes the newest versions)
	@set -eu; \
	echo "Resolving pyproject.toml into requirements.txt for Python 3.11 to 3.13."; \
	work=$$(mktemp -d); trap 'rm -rf "$$work"' EXIT; trap 'exit 130' INT TERM; \
	$(PY) -m venv "$$work/venv"; \
	"$$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check uv; \
	cp requirements.txt "$$work/requirements.txt"; \
	"$$work/venv/bin/uv" pip compile --quiet --universal --python-version 3.11 --all-extras --no-emit-index-url \
	  --custom-compile-command "make lock" $(if $(UPGRADE),--upgrade) pyproject.toml -o "$$work/requirements.txt"; \
	cp "$$work/requirements.txt" requirements.txt.new; mv requirements.txt.new requirements.txt; \
	echo "requirements.txt is in step with pyproject.toml."

# The browser tests drive the system's Chromium. A container that runs as root gets Debian's; nobody else's machine is touched.
browser:
ifeq ($(CHROMIUM),)
	@if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  echo "Installing Debian's chromium for the browser tests."; \
	  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends chromium; } \
	    >/dev/null 2>&1 || echo "Chromium could not be installed: the browser tests will be skipped."; \
	else \
	  echo "No Chromium found, so the browser tests will be skipped: install chromium or google-chrome to run them."; \
	fi
endif

clean: ## remove what was built and cached, but not the environment
	@echo "Removing _build and the caches of the tools."
	@rm -rf _build .pytest_cache .mypy_cache .ruff_cache .coverage htmlcov
	@find . -name __pycache__ -type d -not -path './$(VENV)/*' -prune -exec rm -rf {} +
