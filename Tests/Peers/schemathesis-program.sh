#!/usr/bin/env bash
# Holds the whole program against its own OpenAPI: `adjutant run` with the sandbox, every listener with what is mounted
# on it, asked by an admin.
# Usage: schemathesis-program.sh BINARY, the built `adjutant`. Uses the virtual environment PEERS_VENV, or makes one.
set -euo pipefail
binary=$(realpath "${1:?usage: schemathesis-program.sh BINARY}")
work=$(mktemp -d)
venv=${PEERS_VENV:-$work/venv}
server=
finish() {
  [ -z "$server" ] || kill "$server" 2>/dev/null || true
  [ -z "$server" ] || wait "$server" 2>/dev/null || true
  rm -rf "$work"
}
trap finish EXIT

[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check 'schemathesis==4.*' 'openapi-spec-validator==0.*'

cd "$work"
export ADJUTANT_SANDBOX_LISTEN=127.0.0.1:0 ADJUTANT_PLUGINS_HTTPAPI_RATELIMITS=false
export ADJUTANT_OWNERS=100000000000000001
export ADJUTANT_DISCORD_PUBLICKEY=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
for name in MAIN TRACKER PANEL METRICS; do
  export "ADJUTANT_PLUGINS_HTTPAPI_LISTENERS_${name}_LISTEN=127.0.0.1:0"
done
timeout 600 "$binary" run >output.txt 2>log.txt &
server=$!
for _ in $(seq 300); do
  ! grep -q 'is connected' output.txt || break
  sleep 0.2
done
mapfile -t bases < <(grep 'described at /docs' output.txt | awk '{ print $1 }')
[ ${#bases[@]} -gt 0 ] || { echo "no listener is open"; cat output.txt log.txt; exit 1; }

# Left out: what a schema cannot say (an expiry lies in the future), and that a path with a name in it also answers for
# one with a parameter. Requests that end the login or the program are for other tests.
failed=0
for base in "${bases[@]}"; do
  echo "== $base"
  "$venv/bin/python" - "${base}openapi.json" <<'PY'
import json, sys, urllib.request
from openapi_spec_validator import validate
validate(json.load(urllib.request.urlopen(sys.argv[1], timeout=10)))
print("the document is valid OpenAPI")
PY
  token=$("$binary" token --user 100000000000000001 --admin 2>/dev/null | tail -n 1)
  timeout 240 "$venv/bin/schemathesis" run "${base}openapi.json" --header "Authorization: Bearer $token" \
    --exclude-path-regex 'logout|refresh|restart|/ws$' \
    --checks all --exclude-checks positive_data_acceptance,allow_header_conformance \
    --phases examples,coverage,fuzzing --max-examples "${SCHEMATHESIS_EXAMPLES:-20}" --seed 1 \
    --generation-deterministic --request-timeout 10 --no-color || failed=1
done
exit $failed
