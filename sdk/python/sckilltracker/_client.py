from __future__ import annotations

import json
import random
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from datetime import datetime
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Sequence, Union

from ._errors import KillTrackerError
from ._models import (
    APIKey,
    BotStatus,
    Kill,
    KillAnalytics,
    KillPage,
    Leaderboard,
    Login,
    NewAPIKey,
    ServerInfo,
    ServerSettings,
    Token,
    UserProfile,
    UserStats,
    Webhook,
    camel,
    decode,
    format_date,
)

Date = Union[str, datetime]

# What may be sent again without doing it twice.
_REPEATABLE = frozenset({"GET", "HEAD", "PUT", "PATCH", "DELETE"})
_TRANSPORT_ERRORS = (OSError, urllib.error.URLError)


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Another server must not get the token."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


class SCKillTrackerAPI:
    """Talks to one server. May be used by several threads.

    :param base_url: without ``/api/v1``.
    :param token: a JWT or an API key.
    :param timeout: for one attempt, in seconds.
    :param retries: how often what may be repeated is sent again.
    """

    def __init__(
        self,
        base_url: str = "http://localhost:3001",
        token: Optional[str] = None,
        *,
        timeout: float = 30.0,
        retries: int = 2,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self.token = token
        self.timeout = timeout
        self.retries = retries
        self._opener = urllib.request.build_opener(_NoRedirects)
        self._sleep: Callable[[float], None] = time.sleep
        self.auth = _Auth(self)
        self.users = _Users(self)
        self.kills = _Kills(self)
        self.leaderboards = _Leaderboards(self)
        self.servers = _Servers(self)
        self.bot = _Bot(self)
        self.api_keys = _APIKeys(self)
        self.webhooks = _Webhooks(self)
        self.analytics = _Analytics(self)
        self.game = _Game(self)
        self.logs = _Logs(self)

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Optional[Mapping[str, Any]] = None,
        body: Optional[Any] = None,
        headers: Optional[Mapping[str, str]] = None,
        repeat: Optional[bool] = None,
        root: str = "/api/v1",
    ) -> Any:
        """Sends a request below ``/api/v1`` and returns the ``data`` of its answer.

        :param root: another beginning: with ``/api``, the reference's, the answer is what stands under ``data``, or the
            body as it is.
        :raises KillTrackerError: if the server refuses, or does not answer.
        """
        url = f"{self.base_url}{root}{path}"
        given = {name: value for name, value in (query or {}).items() if value is not None}
        if given:
            url += "?" + urllib.parse.urlencode(given)
        all_headers = {"Accept": "application/json", **(headers or {})}
        if self.token:
            all_headers["Authorization"] = f"Bearer {self.token}"
        data = None
        if body is not None:
            all_headers["Content-Type"] = "application/json"
            data = json.dumps(body).encode()
        may_repeat = method in _REPEATABLE if repeat is None else repeat
        attempt = 0
        while True:
            is_last = attempt >= self.retries
            outgoing = urllib.request.Request(url, data=data, headers=all_headers, method=method)
            try:
                with self._opener.open(outgoing, timeout=self.timeout) as response:
                    status, answer, answer_headers = response.status, response.read(), response.headers
            except urllib.error.HTTPError as error:
                with error:
                    status, answer, answer_headers = error.code, error.read(), error.headers
            except _TRANSPORT_ERRORS as error:
                if is_last or not may_repeat:
                    raise KillTrackerError(f"no answer from {self.base_url}: {error}", code="NO_ANSWER") from error
                self._sleep(_backoff(attempt))
                attempt += 1
                continue
            retry_after = _seconds(answer_headers.get("Retry-After"))
            # A refused request was not carried out: it may always be sent again.
            if status == 429 and not is_last and (retry_after or 1) <= 60:
                self._sleep(float(retry_after or 1))
                attempt += 1
                continue
            if status >= 500 and not is_last and may_repeat:
                self._sleep(_backoff(attempt))
                attempt += 1
                continue
            return _read(status, answer, answer_headers, retry_after, is_wrapped=root == "/api/v1")


def _read(status: int, answer: bytes, headers: Any, retry_after: Optional[int], *, is_wrapped: bool) -> Any:
    body: Any = None
    try:
        body = json.loads(answer) if answer else {}
    except ValueError:
        pass
    if 200 <= status < 300 and isinstance(body, dict) and body.get("success") is not False:
        return body.get("data") if is_wrapped else body.get("data", body)
    error = body.get("error") if isinstance(body, dict) else None
    if not isinstance(error, dict):
        error = {}
    raise KillTrackerError(
        error.get("message") or f"the server answered {status}",
        code=error.get("code"),
        status=status,
        details=error.get("details"),
        request_id=headers.get("X-Request-Id"),
        retry_after=retry_after,
    )


def _seconds(text: Optional[str]) -> Optional[int]:
    return int(text) if text and text.isdigit() else None


def _backoff(failures: int) -> float:
    return float(min(0.5 * 2**failures, 30.0)) * random.uniform(0.75, 1.25)


def _part(text: str) -> str:
    return urllib.parse.quote(str(text), safe="")


def _wire(values: Mapping[str, Any]) -> Dict[str, Any]:
    """Named parameters as fields of the wire; those that were not given are left out."""
    return {camel(name): value for name, value in values.items() if value is not None}


def _date(value: Optional[Date]) -> Optional[str]:
    return None if value is None else format_date(value)


class _Part:
    def __init__(self, api: SCKillTrackerAPI) -> None:
        self._api = api


class _Auth(_Part):
    def discord(self, code: str, state: Optional[str] = None) -> Login:
        """Logs in with the code of a Discord authorization; later requests carry the token."""
        body = _wire({"code": code, "state": state})
        login = decode(Login, self._api.request("POST", "/auth/discord", body=body))
        self._api.token = login.token
        return login

    def refresh(self) -> Token:
        """Renews the token, which ends; later requests carry the new one."""
        token = decode(Token, self._api.request("POST", "/auth/refresh"))
        self._api.token = token.token
        return token

    def logout(self) -> None:
        """Ends the login."""
        self._api.request("POST", "/auth/logout")
        self._api.token = None


class _Users(_Part):
    def me(self) -> UserProfile:
        return decode(UserProfile, self._api.request("GET", "/users/me"))

    def update(self, *, rsi_handle: Optional[str] = None, privacy_level: Optional[str] = None) -> UserProfile:
        body = _wire({"rsi_handle": rsi_handle, "privacy_level": privacy_level})
        return decode(UserProfile, self._api.request("PATCH", "/users/me", body=body))

    def get_stats(self) -> UserStats:
        return decode(UserStats, self._api.request("GET", "/users/me/stats"))


class _Kills(_Part):
    def list(
        self,
        *,
        page: Optional[int] = None,
        limit: Optional[int] = None,
        server_id: Optional[str] = None,
        weapon: Optional[str] = None,
        location: Optional[str] = None,
        start_date: Optional[Date] = None,
        end_date: Optional[Date] = None,
    ) -> KillPage:
        """One page, the latest kills first. ``limit`` is 1 to 100, by default 20."""
        query = _wire(
            {
                "page": page,
                "limit": limit,
                "server_id": server_id,
                "weapon": weapon,
                "location": location,
                "start_date": _date(start_date),
                "end_date": _date(end_date),
            }
        )
        return decode(KillPage, self._api.request("GET", "/kills", query=query))

    def all(self, **filters: Any) -> Iterator[Kill]:
        """All kills of a filter (see :meth:`list`), page by page."""
        page = filters.pop("page", None) or 1
        filters.setdefault("limit", 100)
        while True:
            found = self.list(page=page, **filters)
            yield from found.kills
            if not found.kills or page >= found.pagination.pages:
                return
            page += 1

    def get(self, kill_id: str) -> Kill:
        return decode(Kill, self._api.request("GET", f"/kills/{_part(kill_id)}"))

    def create(
        self,
        *,
        victim_id: Optional[str] = None,
        victim_name: Optional[str] = None,
        server_id: Optional[str] = None,
        weapon: Optional[str] = None,
        location: Optional[str] = None,
        is_pvp: Optional[bool] = None,
        is_suicide: Optional[bool] = None,
        is_environmental: Optional[bool] = None,
        idempotency_key: Optional[str] = None,
    ) -> Kill:
        """Records a kill.

        Each call is one kill, however often it has to be sent: it carries an ``Idempotency-Key``. Give your own to make
        several calls one kill.
        """
        body = _wire(
            {
                "victim_id": victim_id,
                "victim_name": victim_name,
                "server_id": server_id,
                "weapon": weapon,
                "location": location,
                "is_pvp": is_pvp,
                "is_suicide": is_suicide,
                "is_environmental": is_environmental,
            }
        )
        headers = {"Idempotency-Key": idempotency_key or str(uuid.uuid4())}
        return decode(Kill, self._api.request("POST", "/kills", body=body, headers=headers, repeat=True))

    def update(self, kill_id: str, *, weapon: Optional[str] = None, location: Optional[str] = None) -> Kill:
        body = _wire({"weapon": weapon, "location": location})
        return decode(Kill, self._api.request("PATCH", f"/kills/{_part(kill_id)}", body=body))

    def delete(self, kill_id: str) -> None:
        self._api.request("DELETE", f"/kills/{_part(kill_id)}")


class _Leaderboards(_Part):
    def get(
        self,
        type: str = "kills",
        period: str = "all_time",
        *,
        server_id: Optional[str] = None,
        limit: Optional[int] = None,
    ) -> Leaderboard:
        query = _wire({"type": type, "period": period, "server_id": server_id, "limit": limit})
        return decode(Leaderboard, self._api.request("GET", "/leaderboards", query=query))


class _Servers(_Part):
    def list(self) -> List[ServerInfo]:
        return [decode(ServerInfo, each) for each in self._api.request("GET", "/servers")]

    def get(self, server_id: str) -> ServerInfo:
        return decode(ServerInfo, self._api.request("GET", f"/servers/{_part(server_id)}"))

    def get_settings(self, server_id: str) -> ServerSettings:
        return decode(ServerSettings, self._api.request("GET", f"/servers/{_part(server_id)}/settings"))

    def update_settings(
        self,
        server_id: str,
        *,
        prefix: Optional[str] = None,
        language: Optional[str] = None,
        kill_tracker: Optional[bool] = None,
        leaderboard: Optional[bool] = None,
        notifications: Optional[bool] = None,
        privacy_level: Optional[str] = None,
        kill_notifications: Optional[bool] = None,
        leaderboard_channel: Optional[str] = None,
    ) -> ServerSettings:
        """Changes what is given. An empty ``leaderboard_channel`` takes it away."""
        features = _wire({"kill_tracker": kill_tracker, "leaderboard": leaderboard, "notifications": notifications})
        body = _wire(
            {
                "prefix": prefix,
                "language": language,
                "features": features or None,
                "privacy_level": privacy_level,
                "kill_notifications": kill_notifications,
                "leaderboard_channel": leaderboard_channel or None,
            }
        )
        if leaderboard_channel == "":
            body["leaderboardChannel"] = None
        return decode(ServerSettings, self._api.request("PATCH", f"/servers/{_part(server_id)}/settings", body=body))


class _Bot(_Part):
    def status(self) -> BotStatus:
        return decode(BotStatus, self._api.request("GET", "/bot/status"))

    def statistics(self) -> Dict[str, Any]:
        result: Dict[str, Any] = self._api.request("GET", "/bot/statistics")
        return result

    def restart(self) -> None:
        self._api.request("POST", "/bot/restart")


class _APIKeys(_Part):
    def list(self) -> List[APIKey]:
        return [decode(APIKey, each) for each in self._api.request("GET", "/api-keys")]

    def create(
        self,
        name: str,
        *,
        player_name: Optional[str] = None,
        permissions: Optional[Sequence[str]] = None,
        expires_at: Optional[Date] = None,
    ) -> NewAPIKey:
        body = _wire(
            {
                "name": name,
                "player_name": player_name,
                "permissions": None if permissions is None else [*permissions],
                "expires_at": _date(expires_at),
            }
        )
        return decode(NewAPIKey, self._api.request("POST", "/api-keys", body=body))

    def update(
        self,
        key_id: str,
        *,
        name: Optional[str] = None,
        is_active: Optional[bool] = None,
        permissions: Optional[Sequence[str]] = None,
    ) -> APIKey:
        body = _wire(
            {
                "name": name,
                "is_active": is_active,
                "permissions": None if permissions is None else [*permissions],
            }
        )
        return decode(APIKey, self._api.request("PATCH", f"/api-keys/{_part(key_id)}", body=body))

    def delete(self, key_id: str) -> None:
        self._api.request("DELETE", f"/api-keys/{_part(key_id)}")


class _Webhooks(_Part):
    def list(self) -> List[Webhook]:
        return [decode(Webhook, each) for each in self._api.request("GET", "/webhooks")]

    def create(
        self,
        name: str,
        url: str,
        events: Sequence[str],
        *,
        secret: Optional[str] = None,
        max_retries: Optional[int] = None,
        retry_delay: Optional[int] = None,
        backoff_multiplier: Optional[float] = None,
        headers: Optional[Mapping[str, str]] = None,
    ) -> Webhook:
        """``retry_delay`` is in milliseconds."""
        body = _wire(
            {
                "name": name,
                "url": url,
                "events": [*events],
                "secret": secret,
                "max_retries": max_retries,
                "retry_delay": retry_delay,
                "backoff_multiplier": backoff_multiplier,
                "headers": None if headers is None else dict(headers),
            }
        )
        return decode(Webhook, self._api.request("POST", "/webhooks", body=body))

    def test(self, webhook_id: str) -> None:
        self._api.request("POST", f"/webhooks/{_part(webhook_id)}/test")

    def delete(self, webhook_id: str) -> None:
        self._api.request("DELETE", f"/webhooks/{_part(webhook_id)}")


class _Analytics(_Part):
    def kills(
        self,
        *,
        period: Optional[str] = None,
        server_id: Optional[str] = None,
        start_date: Optional[Date] = None,
        end_date: Optional[Date] = None,
    ) -> KillAnalytics:
        query = _wire(
            {
                "period": period,
                "server_id": server_id,
                "start_date": _date(start_date),
                "end_date": _date(end_date),
            }
        )
        return decode(KillAnalytics, self._api.request("GET", "/analytics/kills", query=query))

    def users(self, **query: Any) -> Dict[str, Any]:
        result: Dict[str, Any] = self._api.request("GET", "/analytics/users", query=_wire(query))
        return result

    def servers(self, **query: Any) -> Dict[str, Any]:
        result: Dict[str, Any] = self._api.request("GET", "/analytics/servers", query=_wire(query))
        return result


class _Game(_Part):
    """What is known of the game: of the reference."""

    def _get(self, path: str) -> Any:
        return self._api.request("GET", path, root="/api")

    def ships(self) -> List[Dict[str, Any]]:
        result: List[Dict[str, Any]] = self._get("/sc/ships")
        return result

    def ship(self, name: str) -> Dict[str, Any]:
        result: Dict[str, Any] = self._get(f"/sc/ships/{_part(name)}")
        return result

    def player(self, handle: str) -> Dict[str, Any]:
        result: Dict[str, Any] = self._get(f"/sc/players/{_part(handle)}")
        return result

    def location(self, name: str) -> Dict[str, Any]:
        result: Dict[str, Any] = self._get(f"/sc/locations/{_part(name)}")
        return result

    def system(self, name: str) -> Dict[str, Any]:
        result: Dict[str, Any] = self._get(f"/sc/systems/{_part(name)}")
        return result


class _Logs(_Part):
    """Logs on the server's machine: of the reference."""

    def directories(self) -> List[Dict[str, Any]]:
        result: List[Dict[str, Any]] = self._api.request("GET", "/logs/directories", root="/api")["directories"]
        return result

    def files(self) -> List[Dict[str, Any]]:
        result: List[Dict[str, Any]] = self._api.request("GET", "/logs/files", root="/api")["files"]
        return result

    def validate(self, file_path: str) -> Dict[str, Any]:
        body = {"filePath": file_path}
        result: Dict[str, Any] = self._api.request("POST", "/logs/validate", body=body, root="/api")
        return result

    def parse(
        self,
        file_path: str,
        *,
        include_pve: Optional[bool] = None,
        include_pvp: Optional[bool] = None,
        server_id: Optional[str] = None,
    ) -> Dict[str, Any]:
        """Records what a log tells. Parsing it again changes nothing."""
        given = {"includePvE": include_pve, "includePvP": include_pvp}
        body = _wire({"file_path": file_path, "server_id": server_id})
        body["parseOptions"] = {name: value for name, value in given.items() if value is not None}
        result: Dict[str, Any] = self._api.request("POST", "/logs/parse", body=body, root="/api")
        return result
