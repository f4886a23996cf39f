#!/usr/bin/env bash
# Holds both ends of our WebSocket against the Autobahn Testsuite: its fuzzingclient goes at our echo server, our client
# goes through its fuzzingserver. Fails on any case whose behaviour is neither OK, NON-STRICT nor INFORMATIONAL.
#
#   ADJUTANT_TEST_WSTEST=venv/bin/wstest ADJUTANT_TEST_BENCHMARKS=.build/release/benchmarks Tests/Peers/autobahn.sh [DIR]
#
# DIR keeps the suite's reports. The suite is Python 2.7 (`pip install autobahntestsuite==0.8.2` in a virtualenv of
# that); without ADJUTANT_TEST_WSTEST nothing is run. Permessage-deflate (cases 12 and 13) is left out: we do not offer it.
set -euo pipefail
if [ -z "${ADJUTANT_TEST_WSTEST:-}" ]; then
  echo "skipped: the Autobahn Testsuite (set ADJUTANT_TEST_WSTEST to its wstest)"
  exit 0
fi
: "${ADJUTANT_TEST_BENCHMARKS:?set it to the benchmarks executable}"
wstest=$(realpath -s "$ADJUTANT_TEST_WSTEST")
benchmarks=$(realpath "$ADJUTANT_TEST_BENCHMARKS")

work=$(mktemp -d)
reports=${1:-$work}
mkdir -p "$reports"
reports=$(realpath "$reports")
children=()
finish() {
  for child in ${children[@]+"${children[@]}"}; do kill "$child" 2>/dev/null || true; done
  wait
  rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM
cd "$work"
cases='"cases":["1.*","2.*","3.*","4.*","5.*","6.*","7.*","9.*","10.*"],"exclude-cases":[],"exclude-agent-cases":{}'

echo "== our server"
"$benchmarks" websocket-echo --listen 127.0.0.1:0 >echo.log 2>&1 &
children+=($!)
url=
for _ in $(seq 100); do
  url=$(sed -n 's/.*"listening":"\(ws:[^"]*\)".*/\1/p' echo.log)
  [ -z "$url" ] || break
  sleep 0.1
done
[ -n "$url" ] || { echo "the echo server did not start:"; cat echo.log; exit 1; }
echo "{\"outdir\":\"$reports/server\",\"servers\":[{\"agent\":\"adjutant\",\"url\":\"$url\"}],$cases}" >client.json
timeout 900 "$wstest" -m fuzzingclient -s client.json >fuzzingclient.log 2>&1 || { tail -n 20 fuzzingclient.log; exit 1; }

echo "== our client"
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
echo "{\"url\":\"ws://127.0.0.1:$port\",\"outdir\":\"$reports/client\",$cases}" >server.json
timeout 900 "$wstest" -m fuzzingserver -u 0 -s server.json >fuzzingserver.log 2>&1 &
children+=($!)
for _ in $(seq 100); do
  ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
  sleep 0.1
done
timeout 900 "$benchmarks" websocket-client --url "ws://127.0.0.1:$port" --agent adjutant

python3 - "$reports" <<'PYTHON'
import collections, json, sys

failed = False
for side in ("server", "client"):
    with open(f"{sys.argv[1]}/{side}/index.json") as file:
        cases = json.load(file)["adjutant"]
    counts = collections.Counter(case["behavior"] for case in cases.values())
    print(side, len(cases), "cases:", ", ".join(f"{count} {name}" for name, count in counts.most_common()))
    for name, case in cases.items():
        for key in ("behavior", "behaviorClose"):
            if case[key] not in ("OK", "NON-STRICT", "INFORMATIONAL"):
                failed = True
                print(f"  {name}: {key} {case[key]}")
    large = {name: cases[name]["duration"] for name in ("9.1.6", "9.2.6", "9.7.6", "9.8.6") if name in cases}
    print("  milliseconds:", ", ".join(f"{name} {time}" for name, time in large.items()))
sys.exit(failed)
PYTHON
