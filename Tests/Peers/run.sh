#!/usr/bin/env bash
# Runs other people's libraries on the sandbox: discord.py and hikari, each with zlib-stream and zstd-stream, discord.py
# once more with all that a bot does to a guild, nextcord and disnake. Each has a sandbox of its own on a free port, and all run at once. Needs python3 with venv.
#
#   ADJUTANT_TEST_BIN=.build/release/adjutant Tests/Peers/run.sh [PEER...]
#
# PEERS_VENV keeps the Python environment for the next run. A peer is the name of a library, as "discordpy zlib-stream".
# Fails when a step does not happen within a minute or a library logs a warning.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
: "${ADJUTANT_TEST_BIN:?set it to the adjutant executable}"
[ -x "$ADJUTANT_TEST_BIN" ] || { echo "ADJUTANT_TEST_BIN is no executable: $ADJUTANT_TEST_BIN" >&2; exit 66; }
ADJUTANT_TEST_BIN=$(cd "$(dirname "$ADJUTANT_TEST_BIN")" && pwd)/$(basename "$ADJUTANT_TEST_BIN")

work=$(mktemp -d)
runs=()
finish() {
  for run in ${runs[@]+"${runs[@]}"}; do kill "$run" 2>/dev/null || true; done
  wait
  rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM

venv=${PEERS_VENV:-$work/venv}
requirements=('discord.py==2.*' 'hikari==2.*' 'nextcord==2.*' 'disnake==2.*' 'zstandard==0.*' 'backports.zstd==1.*')
if [ "$(cat "$venv/installed" 2>/dev/null)" != "${requirements[*]}" ]; then
  echo "installing ${requirements[*]}"
  python3 -m venv "$venv"
  timeout 300 "$venv/bin/pip" install --quiet --disable-pip-version-check --timeout 20 "${requirements[@]}"
  echo "${requirements[*]}" >"$venv/installed"
fi

# One peer: a sandbox on a free port, the library's script, both ended within a minute.
run_peer() {
  local name=$1 directory=$work/$1 url=
  server=
  shift
  mkdir -p "$directory"
  cd "$directory"
  trap '[ -z "$server" ] || kill "$server" 2>/dev/null || true' EXIT
  trap 'exit 1' TERM
  "$ADJUTANT_TEST_BIN" sandbox --listen 127.0.0.1:0 >sandbox.log 2>&1 &
  server=$!
  for _ in $(seq 100); do
    url=$(sed -n 's/^ *playground  *\(http:[^ ]*\)$/\1/p' sandbox.log)
    [ -z "$url" ] || break
    kill -0 "$server" 2>/dev/null || break
    sleep 0.1
  done
  [ -n "$url" ] || { echo "FAIL $name: the sandbox did not start:"; cat sandbox.log; return 1; }
  local status=0
  SANDBOX_URL=$url PYTHONDONTWRITEBYTECODE=1 timeout -k 5 60 "$venv/bin/python" "$@" || status=$?
  case $status in
    0) ;;
    124 | 137) echo "FAIL $name: not done after 60 s" ;;
    *) echo "FAIL $name: exit status $status; the sandbox's last lines:" && tail -n 20 sandbox.log ;;
  esac
  return "$status"
}

peers=("$@")
[ $# -gt 0 ] || peers=("discordpy zlib-stream" "discordpy zstd-stream" discordpy_guild "hikari zlib-stream" "hikari zstd-stream" nextcord disnake)
for peer in "${peers[@]}"; do
  read -r library compression <<<"$peer"
  case $library in
    discordpy | discordpy_guild | hikari) script=("$here/${library}_peer.py" "${compression:-zlib-stream}") ;;
    nextcord | disnake) script=("$here/forks_peer.py" "$library") ;;
    *) echo "no such peer: $library" >&2; exit 64 ;;
  esac
  (run_peer "${peer/ /-}" "${script[@]}") >"$work/${peer/ /-}.out" 2>&1 &
  runs+=($!)
done

failed=0
for index in "${!peers[@]}"; do
  wait "${runs[$index]}" || failed=1
  cat "$work/${peers[$index]/ /-}.out"
done
runs=()
[ "$failed" = 0 ] || echo "a peer failed" >&2
exit "$failed"
