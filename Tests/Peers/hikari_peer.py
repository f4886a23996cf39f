"""hikari on the sandbox: log in, register, talk, answer a command, lose the connection, resume."""
import asyncio
import logging
import sys

COMPRESSION = sys.argv[1]
if COMPRESSION == "zlib-stream":
    # The library prefers zstd wherever it is installed; here it must not find it.
    for name in ("backports.zstd", "compression.zstd"):
        sys.modules[name] = None

import hikari

from peer import BASE, GENERAL, GUILD, Complaints, act, finish, token

APPLICATION = 820000000000000001 if COMPRESSION == "zlib-stream" else 820000000000000002

EXPECTED = [
    "started", "guild available with its channels and members", "guild command registered", "message sent and received",
    "message edited and deleted", "file uploaded", "members requested", "command answered",
    "deferred answer edited", "button answered", "missed message replayed", "resumed after a dropped connection",
    "resumed after a reconnect request", "identified anew after an invalid session",
]

complaints = Complaints(allowed=(
    # What the faults that this script orders rightly cause.
    "Socket has closed",
))
logging.getLogger().addHandler(complaints)
steps: list[str] = []

bot = hikari.GatewayBot(
    token(APPLICATION), banner=None, rest_url=BASE + "/api/v10", intents=hikari.Intents.ALL, suppress_optimization_warning=True,
    logs=None)


@bot.listen()
async def on_interaction(event: hikari.InteractionCreateEvent) -> None:
    interaction = event.interaction
    if isinstance(interaction, hikari.CommandInteraction):
        if interaction.command_name == "slow":
            await interaction.create_initial_response(hikari.ResponseType.DEFERRED_MESSAGE_CREATE)
            await interaction.edit_initial_response("late")
            await interaction.execute("later")
            return
        row = bot.rest.build_message_action_row()
        row.add_interactive_button(hikari.ButtonStyle.PRIMARY, "press", label="Press")
        await interaction.create_initial_response(
            hikari.ResponseType.MESSAGE_CREATE, str(interaction.options[0].value), component=row)
    elif isinstance(interaction, hikari.ComponentInteraction):
        await interaction.create_initial_response(hikari.ResponseType.MESSAGE_UPDATE, "pressed", components=[])


async def message(content: str) -> None:
    await bot.wait_for(hikari.GuildMessageCreateEvent, 10, lambda event: event.content == content)


async def script() -> None:
    guild = bot.cache.get_guild(GUILD) or bot.cache.get_unavailable_guild(GUILD)
    for _ in range(50):
        guild = bot.cache.get_available_guild(GUILD)
        if guild:
            break
        await asyncio.sleep(0.1)
    if guild and len(guild.get_channels()) == 3 and len(guild.get_members()) >= 4 and len(guild.get_roles()) >= 4:
        steps.append("guild available with its channels and members")
    application = await bot.rest.fetch_application()
    echo = bot.rest.slash_command_builder("echo", "Says it again").add_option(
        hikari.CommandOption(type=hikari.OptionType.STRING, name="text", description="What", is_required=True))
    slow = bot.rest.slash_command_builder("slow", "Takes its time")
    registered = await bot.rest.set_application_commands(application.id, [echo, slow], guild=GUILD)
    if application.id == APPLICATION and [command.name for command in registered] == ["echo", "slow"]:
        steps.append("guild command registered")

    waiting = asyncio.create_task(message("hello"))
    await asyncio.sleep(0.1)
    sent = await bot.rest.create_message(GENERAL, "hello", embed=hikari.Embed(title="t").add_field("n", "v"))
    await waiting
    steps.append("message sent and received")
    edited = await sent.edit("hello again")
    await sent.delete()
    try:
        await bot.rest.fetch_message(GENERAL, sent.id)
    except hikari.NotFoundError as error:
        if edited.content == "hello again" and error.code == 10008:
            steps.append("message edited and deleted")
    uploaded = await bot.rest.create_message(GENERAL, attachment=hikari.Bytes(b"some bytes", "notes.txt"))
    if await uploaded.attachments[0].read() == b"some bytes":
        steps.append("file uploaded")
    waiting = asyncio.create_task(bot.wait_for(hikari.MemberChunkEvent, 10))
    await asyncio.sleep(0.1)
    await bot.request_guild_members(GUILD, query="mar", limit=5)
    if list((await waiting).members) == [100000000000000002]:
        steps.append("members requested")

    answered = await act("/commands", {"application": str(APPLICATION), "text": "/echo text:two words"})
    if answered["messages"] and answered["messages"][0]["content"] == "two words":
        steps.append("command answered")
    pressed = await act("/components", {"message": answered["messages"][0]["id"], "customID": "press"})
    if pressed["source"]["content"] == "pressed":
        steps.append("button answered")
    await act("/commands", {"application": str(APPLICATION), "text": "/slow"})
    await asyncio.sleep(0.5)
    newest = [m.content for m in await bot.rest.fetch_messages(GENERAL).limit(2)]
    if newest == ["later", "late"]:
        steps.append("deferred answer edited")

    resumed = asyncio.create_task(bot.wait_for(hikari.ShardResumedEvent, 30))
    waiting = asyncio.create_task(bot.wait_for(hikari.GuildMessageCreateEvent, 30, lambda event: event.content == "missed"))
    await asyncio.sleep(0.1)
    await act("/faults/gateway", {"action": "drop", "application": str(APPLICATION)})
    await act("/messages", {"content": "missed"})
    await waiting
    steps.append("missed message replayed")
    await resumed
    steps.append("resumed after a dropped connection")
    resumed = asyncio.create_task(bot.wait_for(hikari.ShardResumedEvent, 30))
    await asyncio.sleep(0.1)
    await act("/faults/gateway", {"action": "reconnect", "application": str(APPLICATION)})
    await resumed
    steps.append("resumed after a reconnect request")
    ready = asyncio.create_task(bot.wait_for(hikari.ShardReadyEvent, 40))
    await asyncio.sleep(0.1)
    await act("/faults/gateway", {"action": "invalidate", "application": str(APPLICATION)})
    await ready
    steps.append("identified anew after an invalid session")


async def main() -> None:
    await bot.start()
    steps.append("started")
    try:
        await asyncio.wait_for(script(), 50)
    except Exception as error:
        logging.getLogger("peer").exception("the script failed: %r", error)
    await bot.close()


asyncio.run(main())
finish(f"hikari {hikari.__version__} {COMPRESSION}", complaints, steps, EXPECTED)
