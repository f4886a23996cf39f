#!/usr/bin/env bash
# A throw-away PostgreSQL for the tests.
#   postgres.sh start DIR   makes a cluster in DIR, starts it, prints its URL on the last line
#   postgres.sh stop DIR    stops it and removes DIR
#   postgres.sh kill DIR    SIGKILLs the postmaster, as a power cut would; `start DIR` brings the same cluster back
# Listens on 127.0.0.1 only, on a port that is free; data is flushed to disk as in production (fsync on).
# initdb refuses root: as root everything runs as the user `postgres`.
set -euo pipefail

usage() { sed -n '2,5p' "$0" | sed 's/^# \{0,1\}//' >&2; exit 64; }
[ $# -eq 2 ] || usage
command=$1 directory=$2

binaries=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -1 || true)
[ -n "$binaries" ] || binaries=$(dirname "$(command -v initdb 2>/dev/null || echo /nowhere/initdb)")
[ -x "$binaries/initdb" ] || { echo "postgres.sh: no PostgreSQL server here (apt-get install postgresql)" >&2; exit 69; }

as_owner() {
  if [ "$(id -u)" -eq 0 ]; then (cd / && exec runuser -u postgres -- "$@"); else "$@"; fi
}

free_port() {
  local port
  for _ in $(seq 100); do
    port=$((20000 + RANDOM % 20000))
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return; }
  done
  echo "postgres.sh: no free port" >&2; return 1
}

case $command in
start)
  mkdir -p "$directory"
  directory=$(cd "$directory" && pwd)
  if [ ! -f "$directory/data/PG_VERSION" ]; then
    [ "$(id -u)" -ne 0 ] || chown postgres "$directory"
    od -An -N16 -tx1 /dev/urandom | tr -d ' \n' >"$directory/password"
    chmod 600 "$directory/password"
    [ "$(id -u)" -ne 0 ] || chown postgres "$directory/password"
    as_owner "$binaries/initdb" --pgdata="$directory/data" --username=adjutant --pwfile="$directory/password" \
      --auth=scram-sha-256 --encoding=UTF8 --locale=C.UTF-8 >"$directory/initdb.log" 2>&1 ||
      { cat "$directory/initdb.log" >&2; exit 1; }
    free_port >"$directory/port"
  fi
  port=$(cat "$directory/port")
  if ! as_owner "$binaries/pg_ctl" --pgdata="$directory/data" status >/dev/null; then
    # A killed postmaster leaves its lock file; pg_ctl sees that nobody holds it.
    as_owner "$binaries/pg_ctl" --pgdata="$directory/data" --log="$directory/data/server.log" --timeout=60 --wait \
      --options="-c listen_addresses=127.0.0.1 -c port=$port -c unix_socket_directories='' -c fsync=on \
        -c max_connections=300 -c shared_buffers=32MB -c deadlock_timeout=20ms" start >/dev/null ||
      { cat "$directory/data/server.log" >&2; exit 1; }
  fi
  echo "postgres://adjutant:$(cat "$directory/password")@127.0.0.1:$port/postgres"
  ;;
stop)
  [ -d "$directory" ] || exit 0
  directory=$(cd "$directory" && pwd)
  if [ -f "$directory/data/postmaster.pid" ]; then
    as_owner "$binaries/pg_ctl" --pgdata="$directory/data" --mode=immediate --timeout=60 --wait stop >/dev/null || true
  fi
  rm -rf "$directory"
  ;;
kill)
  # Its children end by themselves when they see that it is gone; waiting for them lets `start` find the port free.
  pid=$(head -1 "$directory/data/postmaster.pid")
  children=$(ps -o pid= --ppid "$pid" || true)
  kill -KILL "$pid"
  for child in $children; do
    for _ in $(seq 200); do kill -0 "$child" 2>/dev/null || break; sleep 0.05; done
  done
  ;;
*) usage ;;
esac
