"""discord.py on the sandbox: log in, register, talk, answer a command, lose the connection, resume."""
import asyncio
import logging
import sys

COMPRESSION = sys.argv[1]
if COMPRESSION == "zlib-stream":
    # The library prefers zstd wherever it is installed; here it must not find it.
    for name in ("zstandard", "backports.zstd", "compression.zstd"):
        sys.modules[name] = None

import yarl
import discord
import discord.gateway
import discord.http
from discord import app_commands

from peer import BASE, GENERAL, GUILD, USER, Complaints, act as act_in_general, finish, token

APPLICATION = 810000000000000001 if COMPRESSION == "zlib-stream" else 810000000000000002

# The base addresses are class attributes; nothing else is changed.
discord.http.Route.BASE = BASE + "/api/v10"
discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(BASE.replace("http", "ws", 1) + "/gateway")

EXPECTED = [
    "ready", "guild with channels, roles and members", "compressed with " + COMPRESSION, "global command registered",
    "message sent and received", "message edited", "file uploaded", "history read", "members requested",
    "command answered", "deferred answer followed up", "selects answered", "button answered", "autocomplete answered", "modal answered",
    "missed message replayed", "resumed after a dropped connection", "resumed after a reconnect request",
    "identified anew after an invalid session", "rate limit waited for",
]

complaints = Complaints(allowed=("PyNaCl is not installed", "davey is not installed", "We are being rate limited"))
logging.getLogger().addHandler(complaints)
steps: list[str] = []


class Question(discord.ui.Modal, title="Question"):
    answer = discord.ui.TextInput(label="Answer")

    async def on_submit(self, interaction: discord.Interaction) -> None:
        await interaction.response.send_message(f"modal {self.answer.value}", ephemeral=True)


class Buttons(discord.ui.View):
    @discord.ui.button(label="Press", style=discord.ButtonStyle.primary, custom_id="press")
    async def press(self, interaction: discord.Interaction, button: discord.ui.Button) -> None:
        await interaction.response.edit_message(content="pressed", view=None)

    @discord.ui.select(custom_id="pick", max_values=2, options=[discord.SelectOption(label=l) for l in ("a", "b", "c")])
    async def pick(self, interaction: discord.Interaction, select: discord.ui.Select) -> None:
        await interaction.response.send_message("picked " + " ".join(select.values))

    @discord.ui.select(cls=discord.ui.UserSelect, custom_id="whom")
    async def whom(self, interaction: discord.Interaction, select: discord.ui.UserSelect) -> None:
        await interaction.response.send_message(f"whom {select.values[0]}")


class Peer(discord.Client):
    def __init__(self) -> None:
        super().__init__(intents=discord.Intents.all(), max_messages=100)
        self.tree = app_commands.CommandTree(self)
        self.resumed = asyncio.Event()
        self.readied = asyncio.Queue()

    async def setup_hook(self) -> None:
        synced = await self.tree.sync()
        if [command.name for command in synced] == ["echo", "slow", "ask", "buttons", "find"]:
            steps.append("global command registered")

    async def on_ready(self) -> None:
        await self.readied.put(True)

    async def on_resumed(self) -> None:
        self.resumed.set()


client = Peer()


@client.tree.command(description="Says it again")
async def echo(interaction: discord.Interaction, text: str, times: app_commands.Range[int, 1, 5], who: discord.Member | None = None):
    await interaction.response.send_message(" ".join([text] * times) + f" {who}", ephemeral=True)


@client.tree.command(description="Takes its time")
async def slow(interaction: discord.Interaction):
    await interaction.response.defer(thinking=True)
    await interaction.followup.send("late")
    await interaction.followup.send("later")


@client.tree.command(description="Opens a modal")
async def ask(interaction: discord.Interaction):
    await interaction.response.send_modal(Question())


@client.tree.command(description="Shows buttons")
async def buttons(interaction: discord.Interaction):
    await interaction.response.send_message("press it", view=Buttons())


@client.tree.command(description="Suggests")
async def find(interaction: discord.Interaction, what: str):
    await interaction.response.send_message(what)


@find.autocomplete("what")
async def suggest(interaction: discord.Interaction, current: str):
    return [app_commands.Choice(name=current + "!", value=current)]


async def act(path: str, body: dict) -> dict:
    return await act_in_general(path, {"application": str(APPLICATION), **body})


async def message(content: str) -> discord.Message:
    return await client.wait_for("message", check=lambda m: m.content == content, timeout=10)


async def script() -> None:
    await asyncio.wait_for(client.readied.get(), 20)
    steps.append("ready")
    guild = client.get_guild(GUILD)
    channel = client.get_channel(GENERAL)
    if guild and channel.topic and guild.me.guild_permissions.administrator and len(guild.text_channels) == 2 \
            and guild.owner_id == int(USER) and len(guild.members) >= 4:
        steps.append("guild with channels, roles and members")
    if client.ws._decompressor is not None and COMPRESSION == client.ws._decompressor.COMPRESSION_TYPE:
        steps.append("compressed with " + COMPRESSION)

    waiting = asyncio.create_task(message("hello"))
    sent = await channel.send("hello", embed=discord.Embed(title="t", description="d").add_field(name="n", value="v"))
    if (await waiting).id == sent.id:
        steps.append("message sent and received")
    if (await sent.edit(content="hello again")).content == "hello again":
        steps.append("message edited")
    import io
    uploaded = await channel.send(file=discord.File(io.BytesIO(b"some bytes"), "notes.txt"))
    if await uploaded.attachments[0].read() == b"some bytes":
        steps.append("file uploaded")
    if [m async for m in channel.history(limit=2)][1].id == sent.id:
        steps.append("history read")
    if [m.id for m in await guild.query_members("mar")] == [100000000000000002]:
        steps.append("members requested")

    answered = await act("/commands", {"text": "/echo text:hi times:2 who:@nadia"})
    if answered["messages"] and answered["messages"][0]["content"] == "hi hi nadia" and answered["messages"][0]["flags"] == 64:
        steps.append("command answered")
    await act("/commands", {"text": "/slow"})
    await asyncio.sleep(0.5)
    if [m.content async for m in channel.history(limit=2)] == ["later", "late"]:
        steps.append("deferred answer followed up")
    shown = await act("/commands", {"text": "/buttons"})
    picked = await act("/components", {"message": shown["messages"][0]["id"], "customID": "pick", "values": ["a", "c"]})
    whom = await act("/components", {"message": shown["messages"][0]["id"], "customID": "whom", "values": ["100000000000000003"]})
    if [m["content"] for m in picked["messages"] + whom["messages"]] == ["picked a c", "whom nadia"]:
        steps.append("selects answered")
    pressed = await act("/components", {"message": shown["messages"][0]["id"], "customID": shown["messages"][0]["components"][0]["components"][0]["custom_id"]})
    if pressed["source"]["content"] == "pressed" and not pressed["source"]["components"]:
        steps.append("button answered")
    found = await act("/commands", {"command": "find", "options": {"what": "ab"}, "focused": "what"})
    if found.get("choices") == [{"name": "ab!", "value": "ab"}]:
        steps.append("autocomplete answered")
    opened = await act("/commands", {"text": "/ask"})
    field = opened["modal"]["components"][0]
    field = field.get("component") or field["components"][0]
    filled = await act("/modals", {"interaction": opened["id"], "fields": {field["custom_id"]: "42"}})
    if filled["messages"][0]["content"] == "modal 42":
        steps.append("modal answered")

    # What is said while the connection is down comes with the resume.
    waiting = asyncio.create_task(message("missed"))
    await act("/faults/gateway", {"action": "drop", "application": str(APPLICATION)})
    await act("/messages", {"content": "missed"})
    await waiting
    steps.append("missed message replayed")
    await asyncio.wait_for(client.resumed.wait(), 20)
    steps.append("resumed after a dropped connection")
    client.resumed.clear()
    await act("/faults/gateway", {"action": "reconnect", "application": str(APPLICATION)})
    await asyncio.wait_for(client.resumed.wait(), 20)
    steps.append("resumed after a reconnect request")
    await act("/faults/gateway", {"action": "invalidate", "application": str(APPLICATION)})
    await asyncio.wait_for(client.readied.get(), 30)
    steps.append("identified anew after an invalid session")

    for number in range(7):
        await channel.send(str(number))
    if [m.content async for m in channel.history(limit=7)] == [str(n) for n in reversed(range(7))]:
        steps.append("rate limit waited for")


async def main() -> None:
    async with client:
        running = asyncio.create_task(client.start(token(APPLICATION)))
        scripted = asyncio.create_task(script())
        done, _ = await asyncio.wait({running, scripted}, timeout=50, return_when=asyncio.FIRST_COMPLETED)
        if not done:
            complaints.lines.append("the script did not end in 50 s")
        for task in done:
            if task.exception():
                complaints.lines.append(repr(task.exception()))
        await client.close()


asyncio.run(main())
finish(f"discord.py {discord.__version__} {COMPRESSION}", complaints, steps, EXPECTED)
