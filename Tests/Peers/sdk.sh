#!/usr/bin/env bash
# The client libraries under sdk/: their own tests, then both against a running program.
# Usage: sdk.sh PATH-TO-ADJUTANT
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
bin=$(realpath "$1")

work=$(mktemp -d)
pid=
finish() {
  [ -z "$pid" ] || kill "$pid" 2>/dev/null || true
  rm -rf "$work"
}
trap finish EXIT
cd "$work"

export ADJUTANT_SANDBOX_LISTEN=127.0.0.1:0
for name in MAIN TRACKER PANEL METRICS; do export "ADJUTANT_PLUGINS_HTTPAPI_LISTENERS_${name}_LISTEN=127.0.0.1:0"; done
timeout 300 "$bin" run >out.txt 2>err.txt &
pid=$!
for _ in $(seq 300); do
  base=$(grep -oE 'http://[^ ]+/  tracker' out.txt | cut -d' ' -f1 || true)
  [ -z "$base" ] || break
  kill -0 "$pid" || { cat err.txt; exit 1; }
  sleep 0.2
done
[ -n "$base" ] || { echo "the program did not start"; cat out.txt err.txt; exit 1; }
token=$("$bin" token --user 100000000000000002 --ttl 10m 2>/dev/null | tail -n 1)
export BASE="$base" TOKEN="$token"

if command -v node >/dev/null 2>&1 && node -e 'process.exit(Number(process.versions.node.split(".")[0]) >= 18 ? 0 : 1)'; then
  (cd "$root/sdk/javascript" && node --test test/ >"$work/node.txt" 2>&1) || { cat node.txt; exit 1; }
  cat >client.mjs <<JS
import assert from 'node:assert/strict';
import { SCKillTrackerAPI } from '$root/sdk/javascript/index.js';
const api = new SCKillTrackerAPI({ baseURL: process.env.BASE, token: process.env.TOKEN });
const kill = await api.kills.create({ victimName: 'EnemyPlayer', weapon: 'Laser Cannon', location: 'Stanton System', isPvP: true });
assert.equal(kill.victim.username, 'EnemyPlayer');
assert.equal((await api.kills.get(kill.id)).weapon, 'Laser Cannon');
assert.ok((await api.users.getStats()).totalKills >= 1);
assert.equal((await api.leaderboards.get({ type: 'kills', period: 'all_time' })).userRank.rank, 1);
const [server] = await api.servers.list();
assert.equal((await api.servers.getSettings(server.id)).features.killTracker, true);
await assert.rejects(api.servers.updateSettings(server.id, { prefix: '?' }), { status: 403 });
assert.equal((await api.bot.status()).isOnline, true);
// The name of before leads to the ship as it is called now.
assert.equal((await api.game.ship('aurora mr')).name, 'Aurora Mk I MR');
assert.deepEqual(await api.logs.files(), []);
const key = await api.apiKeys.create({ name: 'sdk' });
assert.match(key.key, /^adj_/);
await api.apiKeys.delete(key.id);
await assert.rejects(api.kills.list({ limit: 101 }), { code: 'VALIDATION_ERROR', status: 422 });
JS
  node client.mjs
  echo "sdk: JavaScript passed"
else
  echo "skipped: the JavaScript client (no Node 18 or later here)"
fi

(cd "$root/sdk/python" && PYTHONDONTWRITEBYTECODE=1 python3 -m unittest discover -s tests >"$work/python.txt" 2>&1) || {
  cat python.txt
  exit 1
}
cat >client.py <<'PY'
import os
from sckilltracker import KillTrackerError, SCKillTrackerAPI

api = SCKillTrackerAPI(base_url=os.environ["BASE"], token=os.environ["TOKEN"])
kill = api.kills.create(victim_id="AnotherPlayer", weapon="Missile", is_pvp=True)
assert kill.victim.username == "AnotherPlayer" and kill.is_pvp
assert api.kills.get(kill.id) == kill
assert kill.id in [each.id for each in api.kills.all(weapon="Missile")]
assert api.users.get_stats().total_kills >= 1
assert api.leaderboards.get().user_rank.rank == 1
assert api.analytics.kills(period="week").total_kills >= 1
server = api.servers.list()[0]
assert api.servers.get_settings(server.id).features.kill_tracker
assert api.bot.status().is_online
assert api.game.system("stanton")["planets"]
[uploads] = api.logs.directories()
assert uploads["path"].startswith("uploads/") and not uploads["exists"], uploads
assert api.users.update(privacy_level="PRIVATE").privacy_level == "PRIVATE"
hook = api.webhooks.create("sdk", "https://example.com/hook", ["kill.created"])
api.webhooks.delete(hook.id)
try:
    api.kills.get("kill_999999")
except KillTrackerError as error:
    assert (error.status, error.code) == (404, "RESOURCE_NOT_FOUND"), error
else:
    raise AssertionError("a kill that is not there was found")
PY
PYTHONPATH="$root/sdk/python" PYTHONDONTWRITEBYTECODE=1 python3 client.py
echo "sdk: Python passed"
kill "$pid"
wait "$pid" || true
pid=
