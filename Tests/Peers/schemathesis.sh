#!/usr/bin/env bash
# Holds the HTTP room's OpenAPI against the specification, and a server against its own OpenAPI: openapi-spec-validator
# reads the document, schemathesis sends what it promises to take, and much that it does not.
# Usage: schemathesis.sh BINARY, the built `http-sample`. Uses the virtual environment PEERS_VENV, or makes one.
set -euo pipefail
binary=${1:?usage: schemathesis.sh BINARY}
work=$(mktemp -d)
venv=${PEERS_VENV:-$work/venv}
server=
finish() {
  [ -z "$server" ] || kill "$server" 2>/dev/null || true
  rm -rf "$work"
}
trap finish EXIT

[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check 'schemathesis==4.*' 'openapi-spec-validator==0.*'

"$binary" 127.0.0.1:0 120 >"$work/address" &
server=$!
for _ in $(seq 100); do
  [ ! -s "$work/address" ] || break
  sleep 0.1
done
base=$(head -n 1 "$work/address")

"$venv/bin/python" - "$base/api/openapi.json" <<'PY'
import json, sys, urllib.request
from openapi_spec_validator import validate
validate(json.load(urllib.request.urlopen(sys.argv[1], timeout=10)))
print("the document is valid OpenAPI")
PY

timeout 50 "$venv/bin/schemathesis" run "$base/api/openapi.json" --header 'Authorization: Bearer sample' \
  --checks all --phases examples,coverage,fuzzing,stateful \
  --max-examples "${SCHEMATHESIS_EXAMPLES:-40}" --seed 1 --generation-deterministic --request-timeout 10 --no-color
