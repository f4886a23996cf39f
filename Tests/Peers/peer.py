"""What the peers share: the address under test, the control API, and a log that fails the run."""
import asyncio
import base64
import json
import logging
import os
import sys
import urllib.error
import urllib.request

BASE = os.environ["SANDBOX_URL"].rstrip("/")
USER = "100000000000000001"
GUILD = 900000000000000001
GENERAL = 900000000000000011


def token(application_id: int) -> str:
    """A token of Discord's form: its first part is the application's id in base64."""
    return base64.b64encode(str(application_id).encode()).decode().rstrip("=") + ".peer.test"


def control(method: str, path: str, body: dict | None = None):
    """One call of the control API. Raises with the sandbox's own words on any status but 2xx."""
    request = urllib.request.Request(
        BASE + "/sandbox" + path, method=method, data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=20) as response:
            text = response.read()
    except urllib.error.HTTPError as error:
        raise RuntimeError(f"{method} {path}: {error.code} {error.read().decode(errors='replace')}") from None
    return json.loads(text) if text else None


async def act(path: str, body: dict) -> dict:
    """What the owner does in #general, and what came of it within 3 s."""
    return await asyncio.to_thread(
        control, "POST", path, {"user": USER, "channel": str(GENERAL), "wait": 3000, **body})


async def commands(application_id: int) -> list[dict]:
    """What an application has registered."""
    registered = await asyncio.to_thread(control, "GET", "/commands")
    return [command for command in registered if command["application_id"] == str(application_id)]


class Complaints(logging.Handler):
    """Collects what the library warns about; an unexpected line fails the run."""

    def __init__(self, allowed: tuple[str, ...] = ()):
        super().__init__(logging.WARNING)
        self.allowed = allowed
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        line = f"{record.name}: {record.getMessage()}"
        if record.exc_info:
            line += " " + logging.Formatter().formatException(record.exc_info)
        if not any(text in line for text in self.allowed):
            self.lines.append(line)


def finish(name: str, complaints: Complaints, steps: list[str], expected: list[str]) -> None:
    """Exits non-zero unless every step was reached and nothing was complained about."""
    missing = [step for step in expected if step not in steps]
    for step in missing:
        print(f"FAIL {name}: {step} did not happen")
    for line in complaints.lines:
        print(f"FAIL {name}: {line}")
    if not missing and not complaints.lines:
        print(f"ok   {name}: {', '.join(expected)}")
    sys.stdout.flush()
    sys.exit(1 if missing or complaints.lines else 0)
