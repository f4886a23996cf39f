"""Client of the Star Citizen Kill Tracker API v1.

>>> from sckilltracker import SCKillTrackerAPI
>>> api = SCKillTrackerAPI(base_url="http://localhost:3001", token="YOUR_JWT_TOKEN")
>>> api.users.get_stats().total_kills
"""

from ._client import SCKillTrackerAPI
from ._errors import KillTrackerError
from ._models import (
    APIKey,
    BotStatus,
    DailyKills,
    Kill,
    KillAnalytics,
    KillPage,
    Leaderboard,
    LeaderboardEntry,
    Login,
    NewAPIKey,
    Pagination,
    Player,
    Rank,
    RecentKill,
    Server,
    ServerFeatures,
    ServerInfo,
    ServerSettings,
    Share,
    Token,
    UserProfile,
    UserStats,
    Webhook,
)

__all__ = [
    "APIKey",
    "BotStatus",
    "DailyKills",
    "Kill",
    "KillAnalytics",
    "KillPage",
    "KillTrackerError",
    "Leaderboard",
    "LeaderboardEntry",
    "Login",
    "NewAPIKey",
    "Pagination",
    "Player",
    "Rank",
    "RecentKill",
    "SCKillTrackerAPI",
    "Server",
    "ServerFeatures",
    "ServerInfo",
    "ServerSettings",
    "Share",
    "Token",
    "UserProfile",
    "UserStats",
    "Webhook",
]
