"""nextcord and disnake on the sandbox: log in, register a command, answer it, talk, lose the connection, resume."""
import asyncio
import importlib
import logging
import sys

from peer import BASE, GENERAL, GUILD, Complaints, act, commands, finish, token

NAME = sys.argv[1]
library = importlib.import_module(NAME)
http = importlib.import_module(NAME + ".http")
extension = importlib.import_module(NAME + ".ext.commands")

APPLICATION = {"nextcord": 830000000000000001, "disnake": 830000000000000002}[NAME]

# The gateway's address comes from REST.
http.Route.BASE = BASE + "/api/v10"

EXPECTED = [
    "ready", "guild with channels and members", "global command registered", "command answered",
    "message sent and received", "resumed after a dropped connection",
]

complaints = Complaints(allowed=("PyNaCl",))
logging.getLogger().addHandler(complaints)
steps: list[str] = []


def make_client():
    """Both bind a client to the event loop that runs when it is made."""
    # disnake keeps its slash commands in a bot of their own, nextcord in every client.
    make = extension.InteractionBot if NAME == "disnake" else library.Client
    client = make(intents=library.Intents.all())

    @client.slash_command(name="echo", description="Says it again")
    async def echo(interaction, text: str):
        await interaction.response.send_message(text, ephemeral=True)

    return client


async def until(condition, seconds: float = 10) -> bool:
    for _ in range(int(seconds * 20)):
        if await condition():
            return True
        await asyncio.sleep(0.05)
    return False


async def script(client) -> None:
    await client.wait_until_ready()
    steps.append("ready")
    guild = client.get_guild(GUILD)
    channel = client.get_channel(GENERAL)
    if guild and channel and len(guild.text_channels) == 2 and len(guild.members) >= 4:
        steps.append("guild with channels and members")

    async def is_registered() -> bool:
        return [c["name"] for c in await commands(APPLICATION)] == ["echo"]

    if await until(is_registered):
        steps.append("global command registered")
    answered = await act("/commands", {"application": str(APPLICATION), "text": "/echo text:two words"})
    if [m["content"] for m in answered["messages"]] == ["two words"] and answered["messages"][0]["flags"] & 64:
        steps.append("command answered")

    waiting = asyncio.create_task(client.wait_for("message", check=lambda m: m.content == "hello", timeout=10))
    await asyncio.sleep(0)
    sent = await channel.send("hello", embed=library.Embed(title="t", description="d"))
    if (await waiting).id == sent.id:
        steps.append("message sent and received")

    resumed = asyncio.create_task(client.wait_for("resumed", timeout=20))
    await asyncio.sleep(0)
    await act("/faults/gateway", {"action": "drop", "application": str(APPLICATION)})
    await resumed
    steps.append("resumed after a dropped connection")


async def main() -> None:
    client = make_client()
    running = asyncio.create_task(client.start(token(APPLICATION)))
    scripted = asyncio.create_task(script(client))
    done, _ = await asyncio.wait({running, scripted}, timeout=40, return_when=asyncio.FIRST_COMPLETED)
    if not done:
        complaints.lines.append("the script did not end in 40 s")
    for task in done:
        if task.exception():
            complaints.lines.append(repr(task.exception()))
    scripted.cancel()
    await client.close()


asyncio.run(main())
finish(f"{NAME} {library.__version__}", complaints, steps, EXPECTED)
