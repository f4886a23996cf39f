import json
import threading
import unittest
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from sckilltracker import KillTrackerError, SCKillTrackerAPI


class Handler(BaseHTTPRequestHandler):
    """Answers what a test lists, and remembers what it was asked."""

    def answer(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        self.server.requests.append((self.command, self.path, dict(self.headers), json.loads(body) if body else None))
        status, document, headers = (self.server.answers or [(200, {"success": True, "data": {}}, {})]).pop(0)
        text = document if isinstance(document, bytes) else json.dumps(document).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = do_PATCH = do_DELETE = answer

    def log_message(self, *_):
        pass


def good(data, status=200):
    return (status, {"success": True, "data": data}, {})


KILL = {
    "id": "kill_1",
    "killer": {"id": "1", "username": "Killer", "avatar": None},
    "victim": {"id": "2", "username": "Victim", "avatar": None},
    "server": {"id": "3", "name": "Org"},
    "weapon": "Laser Cannon",
    "location": "Stanton System",
    "timestamp": "2024-01-01T12:00:00.000Z",
    "isPvP": True,
    "isSuicide": False,
    "isEnvironmental": False,
    "aFieldOfTomorrow": 1,
}


class ClientTests(unittest.TestCase):
    def setUp(self):
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.answers, self.server.requests = [], []
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)
        self.api = SCKillTrackerAPI(base_url=f"http://127.0.0.1:{self.server.server_port}/", token="TOKEN")
        self.pauses = []
        self.api._sleep = self.pauses.append

    def test_the_documented_samples(self):
        stats = {
            "totalKills": 127,
            "totalDeaths": 89,
            "killDeathRatio": 1.43,
            "favoriteWeapon": "Laser Cannon",
            "totalPlayTime": "45h 30m",
            "rank": 15,
            "recentKills": [],
        }
        self.server.answers = [good(stats), good(KILL, 201)]
        self.assertEqual(self.api.users.get_stats().total_kills, 127)
        kill = self.api.kills.create(victim_id="victim_id", server_id="server_id", weapon="Laser Cannon")
        self.assertTrue(kill.is_pvp)
        self.assertEqual(kill.timestamp, datetime(2024, 1, 1, 12, tzinfo=timezone.utc))
        first, second = self.server.requests
        self.assertEqual(first[:2], ("GET", "/api/v1/users/me/stats"))
        self.assertEqual(first[2]["Authorization"], "Bearer TOKEN")
        self.assertEqual(second[3], {"victimId": "victim_id", "serverId": "server_id", "weapon": "Laser Cannon"})
        self.assertEqual(len(second[2]["Idempotency-Key"]), 36)

    def test_a_refusal_has_the_words_of_the_server(self):
        error = {"code": "VALIDATION_ERROR", "message": "limit: no", "details": {"field": "limit", "reason": "no"}}
        self.server.answers = [(422, {"success": False, "error": error}, {"X-Request-Id": "abc"})]
        with self.assertRaises(KillTrackerError) as caught:
            self.api.kills.list(limit=500, start_date=datetime(2024, 1, 1))
        self.assertEqual(caught.exception.code, "VALIDATION_ERROR")
        self.assertEqual(caught.exception.status, 422)
        self.assertEqual(caught.exception.details["field"], "limit")
        self.assertEqual(caught.exception.request_id, "abc")
        path = self.server.requests[0][1]
        self.assertEqual(path, "/api/v1/kills?limit=500&startDate=2024-01-01T00%3A00%3A00.000Z")

    def test_a_rate_limit_is_waited_for(self):
        refused = {"success": False, "error": {"code": "RATE_LIMIT_EXCEEDED", "message": "later"}}
        self.server.answers = [(429, refused, {"Retry-After": "7"}), good(KILL, 201)]
        self.api.kills.create(victim_name="x", is_pvp=False)
        self.assertEqual(self.pauses, [7.0])
        self.assertEqual(len({request[2]["Idempotency-Key"] for request in self.server.requests}), 1)
        self.assertEqual(self.server.requests[0][3], {"victimName": "x", "isPvP": False})

    def test_what_could_be_done_twice_is_not_repeated(self):
        self.server.answers = [(500, b"no json", {})]
        with self.assertRaises(KillTrackerError) as caught:
            self.api.webhooks.create("a", "https://a.example", ["kill.created"])
        self.assertEqual(caught.exception.status, 500)
        self.assertEqual(len(self.server.requests), 1)

    def test_servers_game_data_and_logs_are_where_the_documents_have_them(self):
        features = {"killTracker": True, "leaderboard": True, "notifications": False}
        settings = {"prefix": "?", "language": "en", "features": features, "leaderboardChannel": None}
        self.server.answers = [
            good(settings),
            (200, {"success": True, "data": [{"name": "Aurora MR"}], "count": 1}, {}),
            (200, {"success": True, "data": {"name": "Aurora MR"}}, {}),
            (200, {"files": [{"filePath": "/logs/Game.log"}]}, {}),
            (200, {"filePath": "/logs/Game.log", "lines": 4}, {}),
        ]
        changed = self.api.servers.update_settings("9", notifications=False, leaderboard_channel="")
        self.assertEqual((changed.prefix, changed.features.notifications), ("?", False))
        self.assertEqual(self.api.game.ships()[0]["name"], "Aurora MR")
        self.assertEqual(self.api.game.ship("Aurora MR")["name"], "Aurora MR")
        path = self.api.logs.files()[0]["filePath"]
        self.assertEqual(self.api.logs.parse(path, include_pve=False)["lines"], 4)
        self.assertEqual(
            [request[:2] for request in self.server.requests],
            [
                ("PATCH", "/api/v1/servers/9/settings"),
                ("GET", "/api/sc/ships"),
                ("GET", "/api/sc/ships/Aurora%20MR"),
                ("GET", "/api/logs/files"),
                ("POST", "/api/logs/parse"),
            ],
        )
        self.assertEqual(
            self.server.requests[0][3], {"features": {"notifications": False}, "leaderboardChannel": None}
        )
        self.assertEqual(
            self.server.requests[4][3], {"filePath": "/logs/Game.log", "parseOptions": {"includePvE": False}}
        )

    def test_all_kills_come_page_by_page(self):
        def page(number):
            pagination = {"page": number, "limit": 1, "total": 2, "pages": 2}
            return good({"kills": [dict(KILL, id=f"kill_{number}")], "pagination": pagination})

        self.server.answers = [page(1), page(2)]
        self.assertEqual([kill.id for kill in self.api.kills.all(limit=1)], ["kill_1", "kill_2"])

    def test_a_login_is_carried_on(self):
        user = {"id": "1", "username": "u", "discriminator": "0", "avatar": None}
        self.server.answers = [good({"user": user, "token": "NEW", "expiresIn": 86400}), good({})]
        self.api.token = None
        login = self.api.auth.discord("code", "state")
        self.assertNotIn("NEW", repr(login))
        self.api.auth.logout()
        self.assertNotIn("Authorization", self.server.requests[0][2])
        self.assertEqual(self.server.requests[1][2]["Authorization"], "Bearer NEW")
        self.assertIsNone(self.api.token)

    def test_a_redirect_does_not_get_the_token(self):
        self.server.answers = [(302, b"", {"Location": "http://127.0.0.1:1/"})]
        with self.assertRaises(KillTrackerError) as caught:
            self.api.users.me()
        self.assertEqual(caught.exception.status, 302)

    def test_no_answer(self):
        api = SCKillTrackerAPI(base_url="http://127.0.0.1:1", retries=0)
        with self.assertRaises(KillTrackerError) as caught:
            api.users.me()
        self.assertEqual(caught.exception.code, "NO_ANSWER")


if __name__ == "__main__":
    unittest.main()
