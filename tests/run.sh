#!/bin/sh
# Everything a change has to pass, in the order of what fails soonest. `make test` installs what is needed and calls this.
#   tests/run.sh            all of it
#   tests/run.sh quick      checks and the fast tests, no browser and nothing slow
#   tests/run.sh ARGS...    only pytest, with these arguments
# The last line is the closing line of pytest over all tests but those in the browser, whose line stands before it.
set -u
cd "$(dirname "$0")/.." || exit 2
BIN=.venv/bin
WORKERS=${ZHIKE_TEST_WORKERS:-2}
export PYTHONDONTWRITEBYTECODE=1 DJANGO_SETTINGS_MODULE=zhike.server.settings

failed=""
step() {
  name=$1; shift
  started=$(date +%s)
  if output=$("$@" 2>&1); then
    echo "ok      $name ($(($(date +%s) - started)) s)"
  else
    echo "FAILED  $name"; echo "$output" | tail -40; failed="$failed $name"
  fi
}

case "${1:-all}" in
  all | quick) ;;
  *) exec $BIN/python -m pytest "$@" ;;
esac

# What needs Django's settings gets a home of its own: nothing is read from or written to the user's.
ZHIKE_HOME=$(mktemp -d /tmp/zhike-checks-XXXXXX); export ZHIKE_HOME
trap 'rm -rf "$ZHIKE_HOME"' EXIT

step "ruff" $BIN/ruff check --quiet src tests tools conftest.py
step "format" $BIN/ruff format --check --quiet src tests tools conftest.py
step "sizes" $BIN/python tools/ratchet.py
step "imports" $BIN/lint-imports
# Without a cache: the plugin for Django answers differently for models that come from one.
step "types" $BIN/mypy --cache-dir=/dev/null
step "translations" $BIN/python tools/translations.py --check
step "migrations" $BIN/python -m pytest -q -p no:cacheprovider tests/test_migrations.py

if [ "${1:-all}" = quick ]; then
  $BIN/python -m pytest -q -n "$WORKERS" --dist loadfile || failed="$failed tests"
else
  # Browser stories keep a company of their own in the tests' database, so they come in a run of their own.
  $BIN/python -m pytest -q -n "$WORKERS" --dist loadfile -m browser || failed="$failed browser"
  $BIN/python -m pytest -q -n "$WORKERS" --dist loadfile -m "not browser" || failed="$failed tests"
fi

if [ -n "$failed" ]; then
  echo "failed:$failed" >&2
  exit 1
fi
