"""discord.py on the sandbox: what a bot does to a guild, and the events that tell of it."""
import asyncio
import datetime
import logging

import yarl
import discord
import discord.gateway
import discord.http

from peer import BASE, GENERAL, GUILD, Complaints, finish, token

APPLICATION = 810000000000000009
MARCUS, NADIA = 100000000000000002, 100000000000000003
PIXEL = bytes.fromhex("89504e470d0a1a0a")

discord.http.Route.BASE = BASE + "/api/v10"
discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(BASE.replace("http", "ws", 1) + "/gateway")

EXPECTED = [
    "reactions", "pins", "threads", "forum", "roles", "member changed", "channel changed", "webhook", "emoji", "invites",
    "bulk delete", "bans", "audit log",
]

complaints = Complaints(allowed=("PyNaCl is not installed", "davey is not installed", "We are being rate limited"))
logging.getLogger().addHandler(complaints)
steps: list[str] = []
client = discord.Client(intents=discord.Intents.all(), max_messages=100)
ready = asyncio.Event()


@client.event
async def on_ready() -> None:
    ready.set()


async def hears(event: str, call, check=lambda *_: True):
    """What a call returns, once the event that it causes is there."""
    waiting = asyncio.ensure_future(client.wait_for(event, check=check, timeout=10))
    await asyncio.sleep(0)
    result = await call
    await waiting
    return result


async def messages(guild: discord.Guild, channel: discord.TextChannel) -> None:
    message = await channel.send("look")
    await hears("raw_reaction_add", message.add_reaction("👍"), lambda e: str(e.emoji) == "👍")
    fetched = await channel.fetch_message(message.id)
    users = [user.id async for user in fetched.reactions[0].users()]
    await hears("raw_reaction_remove", message.remove_reaction("👍", client.user))
    await message.add_reaction("🎉")
    await hears("raw_reaction_clear_emoji", message.clear_reaction("🎉"))
    await hears("raw_reaction_clear", message.clear_reactions())
    if fetched.reactions[0].me and users == [client.user.id]:
        steps.append("reactions")

    await hears("guild_channel_pins_update", message.pin(reason="important"))
    pinned = [m.id async for m in channel.pins()]
    await message.unpin()
    if pinned == [message.id] and [m async for m in channel.pins()] == []:
        steps.append("pins")

    thread = await hears("thread_create", message.create_thread(name="talk", auto_archive_duration=60))
    await thread.send("inside")
    await thread.add_user(guild.get_member(MARCUS))
    members = {member.id for member in await thread.fetch_members()}
    await hears("thread_update", thread.edit(archived=True, locked=True))
    archived = [t.id async for t in channel.archived_threads()]
    private = await channel.create_thread(name="quiet", type=discord.ChannelType.private_thread)
    await hears("thread_delete", private.delete())
    if members == {client.user.id, MARCUS} and archived == [thread.id]:
        steps.append("threads")

    forum = await hears("guild_channel_create", guild.create_forum("questions"))
    post = await forum.create_thread(name="how?", content="like so")
    if post.message.content == "like so" and post.thread.parent_id == forum.id:
        steps.append("forum")

    many = [await channel.send(str(number)) for number in range(3)]
    waiting = asyncio.ensure_future(client.wait_for("raw_bulk_message_delete", timeout=10))
    await channel.delete_messages(many)
    if (await waiting).message_ids == {m.id for m in many}:
        steps.append("bulk delete")


async def people(guild: discord.Guild) -> None:
    nadia = guild.get_member(NADIA)
    role = await hears("guild_role_create", guild.create_role(name="Pilot", permissions=discord.Permissions(1 << 10), colour=0x123456))
    role = await hears("guild_role_update", role.edit(name="Ace", hoist=True))
    await guild.edit_role_positions({role: 2})
    await hears("member_update", nadia.add_roles(role, reason="earned"), lambda _, after: role in after.roles)
    await hears("member_update", nadia.remove_roles(role))
    moved = guild.get_role(role.id)
    await hears("guild_role_delete", role.delete())
    if role.hoist and role.name == "Ace" and moved.position == 2:
        steps.append("roles")
    until = datetime.timedelta(minutes=5)
    await hears("member_update", nadia.edit(nick="Nad", timed_out_until=discord.utils.utcnow() + until))
    changed = guild.get_member(NADIA)
    if changed.nick == "Nad" and changed.is_timed_out():
        steps.append("member changed")
    await hears("member_ban", guild.ban(nadia, delete_message_seconds=60, reason="spam & more"))
    bans = [(ban.user.id, ban.reason) async for ban in guild.bans()]
    await hears("member_unban", guild.unban(nadia))
    if bans == [(NADIA, "spam & more")] and [ban async for ban in guild.bans()] == []:
        steps.append("bans")
    entries = [entry async for entry in guild.audit_logs(action=discord.AuditLogAction.ban)]
    if [(entry.user.id, entry.target.id, entry.reason) for entry in entries] == [(client.user.id, NADIA, "spam & more")]:
        steps.append("audit log")


async def places(guild: discord.Guild, general: discord.TextChannel) -> None:
    channel = await hears("guild_channel_create", guild.create_text_channel("wing", topic="talk", category=general.category))
    channel = await hears("guild_channel_update", channel.edit(slowmode_delay=5, topic="more"))
    await channel.set_permissions(guild.default_role, view_channel=False)
    overwrites = (await client.fetch_channel(channel.id)).overwrites_for(guild.default_role)
    if channel.slowmode_delay == 5 and overwrites.view_channel is False:
        steps.append("channel changed")

    hook = await hears("webhooks_update", channel.create_webhook(name="Feed", reason="kills"))
    sent = await hook.send("from outside", username="Someone", wait=True)
    await hook.edit_message(sent.id, content="changed")
    fetched = await channel.fetch_message(sent.id)
    await hook.delete_message(sent.id)
    await hook.delete()
    if fetched.author.name == "Someone" and fetched.content == "changed" and fetched.webhook_id == hook.id:
        steps.append("webhook")

    emoji = await hears("guild_emojis_update", guild.create_custom_emoji(name="ship", image=PIXEL))
    emoji = await emoji.edit(name="cutter")
    await emoji.delete()
    if emoji.name == "cutter" and await guild.fetch_emojis() == []:
        steps.append("emoji")

    invite = await hears("invite_create", channel.create_invite(max_age=60, max_uses=2))
    listed = [i.code for i in await guild.invites()]
    fetched = await client.fetch_invite(invite.code)
    await hears("invite_delete", invite.delete())
    if listed == [invite.code] and fetched.approximate_member_count >= 4 and await channel.invites() == []:
        steps.append("invites")
    await hears("guild_channel_delete", channel.delete())


async def script() -> None:
    await asyncio.wait_for(ready.wait(), 20)
    guild, channel = client.get_guild(GUILD), client.get_channel(GENERAL)
    await asyncio.gather(messages(guild, channel), places(guild, channel))
    await people(guild)


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
finish(f"discord.py {discord.__version__} guild", complaints, steps, EXPECTED)
