# make run    install everything and start Zhike on http://127.0.0.1:8000
# make test   install what tests need and run all of them
# Needs Python 3.11+ and make; nothing is installed outside this folder, except by `make test` as root.

PYTHON ?= python3
VENV := .venv
UV := .uv/bin/uv
STAMP := $(VENV)/.stamp
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help run install test checks lint types assets browser clean

help:
	@sed -n 's/^# //p' Makefile | head -3

run: $(STAMP)
	@exec $(VENV)/bin/zhike up $(ARGS)

install: $(STAMP)

$(UV):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "需要 Python 3.11 以上 / Python 3.11 or later is needed (make run PYTHON=python3.12)"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || \
	  { echo "缺少 venv / venv is missing: apt install python3-venv"; exit 1; }
	@echo "安装 uv / Installing uv ..."
	@$(PYTHON) -m venv .uv && .uv/bin/python -m pip install --quiet --disable-pip-version-check uv

# A stamp, so that the second start goes straight to Zhike. The group `dev` is added by `make test`.
$(STAMP): pyproject.toml uv.lock | $(UV)
	@echo "安装依赖 / Installing dependencies ..."
	@UV_PROJECT_ENVIRONMENT=$(VENV) $(UV) sync --frozen --no-dev --python $(PYTHON)
	@touch $(STAMP)

$(VENV)/.stamp-dev: pyproject.toml uv.lock | $(UV)
	@UV_PROJECT_ENVIRONMENT=$(VENV) $(UV) sync --frozen --python $(PYTHON)
	@touch $(STAMP) $(VENV)/.stamp-dev

# Chromium, Chinese fonts and a PostgreSQL with contrib for the tests that want a real server.
browser:
	@missing=""; \
	command -v chromium >/dev/null || command -v chromium-browser >/dev/null || missing="$$missing chromium"; \
	fc-list 2>/dev/null | grep -qi cjk || missing="$$missing fonts-noto-cjk"; \
	ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || missing="$$missing postgresql"; \
	if [ -n "$$missing" ]; then \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    echo "apt-get install$$missing"; \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing >/dev/null; \
	  else \
	    echo "请先安装 / please install first: sudo apt-get install$$missing"; exit 1; \
	  fi; \
	fi

test: $(VENV)/.stamp-dev browser
	@if [ -x tests/run.sh ]; then exec tests/run.sh $(ARGS); else $(VENV)/bin/python -m pytest -q $(ARGS); fi

lint: $(VENV)/.stamp-dev
	@$(VENV)/bin/ruff check --quiet src $(wildcard tests tools)
	@$(VENV)/bin/ruff format --check --quiet src $(wildcard tests tools)

types: $(VENV)/.stamp-dev
	@$(VENV)/bin/mypy --strict src

# What a change has to pass; `make test` runs the stories on top.
checks: lint types
	@if [ -f .importlinter ] || grep -q importlinter pyproject.toml; then $(VENV)/bin/lint-imports; fi

# Front-end packages are pinned in package.json and copied into the package; not needed to run.
assets: $(VENV)/.stamp-dev
	npm ci --no-audit --no-fund
	$(VENV)/bin/python tools/copy_assets.py

clean:
	@rm -rf $(VENV) .uv node_modules build dist
