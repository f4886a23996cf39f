"""What the API answers. Fields that a newer server adds are left out; those that it does not send are None."""

from __future__ import annotations

import dataclasses
import re
import sys
import typing
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, List, Mapping, Optional, Type, TypeVar, Union

Model = TypeVar("Model")


def camel(name: str) -> str:
    """``is_pvp`` is ``isPvP`` on the wire, ``server_id`` is ``serverId``."""
    if name == "is_pvp":
        return "isPvP"
    return re.sub(r"_([a-z])", lambda match: match.group(1).upper(), name)


def parse_date(text: str) -> datetime:
    if text.endswith("Z"):
        text = text[:-1] + "+00:00"
    return datetime.fromisoformat(text)


def format_date(value: Union[str, datetime]) -> str:
    """A date without a zone is taken as UTC."""
    if isinstance(value, str):
        return value
    if value.tzinfo is None:
        value = value.replace(tzinfo=timezone.utc)
    text = value.astimezone(timezone.utc).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def decode(model: Type[Model], data: Mapping[str, Any]) -> Model:
    hints = typing.get_type_hints(model, vars(sys.modules[__name__]))
    values = {
        item.name: _value(hints[item.name], data.get(camel(item.name)))
        for item in dataclasses.fields(model)  # type: ignore[arg-type]
    }
    return model(**values)


def _value(hint: Any, value: Any) -> Any:
    if value is None:
        return [] if typing.get_origin(hint) is list else None
    if typing.get_origin(hint) is Union:
        hint = next(choice for choice in typing.get_args(hint) if choice is not type(None))
    if typing.get_origin(hint) is list:
        (element,) = typing.get_args(hint)
        return [_value(element, each) for each in value]
    if hint is datetime:
        return parse_date(value)
    if dataclasses.is_dataclass(hint):
        return decode(typing.cast(type, hint), value)
    return value


@dataclass(frozen=True)
class Player:
    id: str
    username: str
    avatar: Optional[str] = None


@dataclass(frozen=True)
class Server:
    id: str
    name: str


@dataclass(frozen=True)
class Kill:
    id: str
    killer: Player
    victim: Player
    server: Optional[Server]
    weapon: Optional[str]
    location: Optional[str]
    timestamp: datetime
    is_pvp: bool
    is_suicide: bool
    is_environmental: bool


@dataclass(frozen=True)
class Pagination:
    page: int
    limit: int
    total: int
    pages: int
    total_is_estimate: Optional[bool] = None


@dataclass(frozen=True)
class KillPage:
    kills: List[Kill]
    pagination: Pagination


@dataclass(frozen=True)
class UserProfile:
    id: str
    discord_id: str
    username: str
    discriminator: str
    avatar: Optional[str]
    rsi_handle: Optional[str]
    privacy_level: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True)
class RecentKill:
    id: str
    victim: str
    weapon: Optional[str]
    location: Optional[str]
    timestamp: datetime


@dataclass(frozen=True)
class UserStats:
    total_kills: int
    total_deaths: int
    kill_death_ratio: float
    favorite_weapon: Optional[str]
    total_play_time: str
    rank: Optional[int]
    recent_kills: List[RecentKill] = field(default_factory=list)


@dataclass(frozen=True)
class Rank:
    rank: int
    value: float
    #: ``+5``, ``-2``, ``0``
    change: str


@dataclass(frozen=True)
class LeaderboardEntry:
    rank: int
    user: Player
    value: float
    change: str


@dataclass(frozen=True)
class Leaderboard:
    type: str
    period: str
    entries: List[LeaderboardEntry]
    user_rank: Optional[Rank]


@dataclass(frozen=True)
class ServerFeatures:
    kill_tracker: bool
    leaderboard: bool
    notifications: bool


@dataclass(frozen=True)
class ServerSettings:
    prefix: str
    language: str
    features: ServerFeatures
    privacy_level: Optional[str] = None
    kill_notifications: Optional[bool] = None
    leaderboard_channel: Optional[str] = None


@dataclass(frozen=True)
class ServerInfo:
    id: str
    discord_id: str
    name: str
    icon: Optional[str]
    owner_id: Optional[str]
    is_active: bool
    member_count: int
    settings: Optional[ServerSettings]
    created_at: datetime


@dataclass(frozen=True)
class BotStatus:
    is_online: bool
    uptime: str
    server_count: int
    user_count: int
    total_kills: int
    version: str
    last_restart: datetime


@dataclass(frozen=True)
class APIKey:
    id: str
    name: str
    player_name: Optional[str]
    permissions: List[str]
    is_active: bool
    last_used_at: Optional[datetime]
    expires_at: Optional[datetime]
    created_at: datetime


@dataclass(frozen=True)
class NewAPIKey:
    """A key that was just made; ``key`` is its text, told this once."""

    id: str
    key: str = field(repr=False)
    name: str
    player_name: Optional[str]
    permissions: List[str]
    expires_at: Optional[datetime]
    created_at: datetime


@dataclass(frozen=True)
class Webhook:
    id: str
    name: str
    url: str
    events: List[str]
    is_active: bool


@dataclass(frozen=True)
class DailyKills:
    date: str
    kills: int
    deaths: int


@dataclass(frozen=True)
class Share:
    """How many of the kills were made with a weapon, or at a location: the other one of the two is None."""

    weapon: Optional[str]
    location: Optional[str]
    kills: int
    percentage: float


@dataclass(frozen=True)
class KillAnalytics:
    period: str
    total_kills: int
    daily_kills: List[DailyKills]
    weapon_stats: List[Share]
    location_stats: List[Share]


@dataclass(frozen=True)
class Token:
    token: str = field(repr=False)
    #: Seconds.
    expires_in: int


@dataclass(frozen=True)
class LoginUser:
    id: str
    username: str
    discriminator: str
    avatar: Optional[str]


@dataclass(frozen=True)
class Login:
    user: LoginUser
    token: str = field(repr=False)
    expires_in: int
