#!/usr/bin/env bash
# Installs what the tests need and runs all of them: unit and flow tests on SQLite and PostgreSQL, then other people's
# Discord libraries against the sandbox. Needs no Discord account. Extra arguments go to `swift test`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. scripts/packages.sh

require_swift
install_packages "${build_packages[@]}" postgresql

work=$(mktemp -d)
chmod 711 "$work" # PostgreSQL runs as a user of its own and must reach its directory
finish() {
  [ ! -d "$work/postgres" ] || Tests/Support/postgres.sh stop "$work/postgres" || true
  rm -rf "$work"
}
trap finish EXIT

ADJUTANT_TEST_POSTGRES=$(Tests/Support/postgres.sh start "$work/postgres" | tail -n 1)
export ADJUTANT_TEST_POSTGRES

# What the bot sends in the tests is kept, to be held against Discord's own description of its API.
export ADJUTANT_TEST_REQUEST_LOG="$work/requests.jsonl"

swift build --build-tests
# One after the other: beside CPU-bound tests, those that keep to a protocol's time limits would need luck.
if ! swift test --skip-build --no-parallel "$@" 2>&1 | tee "$work/tests.log"; then
  mapfile -t failed < <(grep -aoP '^✘ Test \K[A-Za-z0-9_]+(?=\()' "$work/tests.log" | sort -u)
  echo "== failed: ${failed[*]:-no test; the test process ended early}"
  grep -a 'recorded an issue' "$work/tests.log" | cut -c1-1000 || true
  # On a machine that stood still for seconds, a test through sockets may miss its time limit: it gets a second chance,
  # said loudly, and so does a run that broke off. What fails for a reason fails again; many at once are no accident.
  [ ${#failed[@]} -le 3 ] || exit 1
  again=()
  [ ${#failed[@]} -eq 0 ] || again=(--filter "/($(IFS='|'; echo "${failed[*]}"))\\(")
  swift test --skip-build --no-parallel "$@" "${again[@]}"
  echo "== UNSTEADY, passed when run again: ${failed[*]:-the whole run}"
fi

if ! command -v python3 >/dev/null 2>&1 || ! python3 -c 'import venv, ensurepip' >/dev/null 2>&1; then
  echo "skipped: other Discord libraries against the sandbox (no python3 with venv here)"
  exit 0
fi
export PEERS_VENV="$work/venv"
ADJUTANT_TEST_BIN="$PWD/.build/debug/adjutant" Tests/Peers/run.sh
Tests/Peers/sdk.sh .build/debug/adjutant
if [ -z "${ADJUTANT_TEST_DISCORD_OPENAPI:-}" ]; then
  echo "skipped: requests against Discord's OpenAPI (set ADJUTANT_TEST_DISCORD_OPENAPI to its openapi.json)"
else
  "$PEERS_VENV/bin/pip" install --quiet --disable-pip-version-check 'jsonschema==4.*'
  "$PEERS_VENV/bin/python" Tests/Peers/openapi_requests.py "$ADJUTANT_TEST_DISCORD_OPENAPI" "$ADJUTANT_TEST_REQUEST_LOG"
fi
