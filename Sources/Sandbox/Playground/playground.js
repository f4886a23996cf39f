// The playground: who you are, where you are, and what is said there.
import { node, markdown, message as drawMessage } from "/messages.js";
import { Composer, base64 } from "/composer.js";

const $ = (id) => document.getElementById(id);
const query = new URLSearchParams(location.search);

const state = {
  world: null, user: query.get("user") ?? localStorage.getItem("user") ?? "100000000000000001",
  channel: null, messages: [], dismissed: new Set(), unread: new Set(), socket: null, version: 0, stale: false,
};

export async function call(method, path, body) {
  const response = await fetch("/sandbox" + path, {
    method, headers: body ? { "Content-Type": "application/json" } : {}, body: body && JSON.stringify(body),
  });
  const text = await response.text();
  let data = {};
  try { data = text ? JSON.parse(text) : {}; } catch { /* the status says enough */ }
  if (!response.ok) throw new Error(data.error ?? `the sandbox answered ${response.status}`);
  return data;
}

// MARK: What the world is made of

const guild = () => state.world.guilds.find((g) => g.channels.some((c) => c.id === state.channel)) ?? state.world.guilds[0];
const members = () => guild().members;
const allChannels = () => [...state.world.guilds.flatMap((g) => g.channels), ...state.world.direct];
const channel = () => allChannels().find((c) => c.id === state.channel);
const display = (user, member) => member?.nick ?? user?.global_name ?? user?.username;

const context = {
  me: () => state.user,
  userName(id, fallback) {
    const member = state.world.guilds.flatMap((g) => g.members).find((m) => m.user.id === id);
    return display(member?.user ?? fallback, member) ?? "unknown-user";
  },
  roleName: (id) => guild().roles.find((r) => r.id === id)?.name ?? "unknown-role",
  channelName: (id) => allChannels().find((c) => c.id === id)?.name ?? "unknown",
  /// Context menu commands have no slash.
  commandName: (name) => composer.contextCommands.some((c) => c.name === name) ? name : "/" + name,
  /// The choices of a user, role, mentionable or channel select.
  entities(kind, types) {
    const people = members().map((m) => ({ label: "@" + display(m.user, m), value: m.user.id, note: m.user.username }));
    const roles = guild().roles.filter((r) => r.id !== guild().id).map((r) => ({ label: "@" + r.name, value: r.id, note: "role" }));
    const places = guild().channels.filter((c) => c.type !== 4 && (!types?.length || types.includes(c.type))).map((c) => ({ label: "#" + c.name, value: c.id }));
    return { 5: people, 6: roles, 7: [...people, ...roles], 8: places }[kind] ?? [];
  },
  async use(message, customID, values) {
    try {
      await call("POST", "/components", { user: state.user, message: message.id, customID, values });
    } catch (error) { composer.complain(error.message); }
  },
  /// The context menu commands that fit a message: on itself, and on who wrote it.
  actions(message) {
    const run = (command, target) => async () => {
      try {
        await call("POST", "/commands", { user: state.user, channel: state.channel, application: command.application_id, command: command.name, target });
      } catch (error) { composer.complain(error.message); }
    };
    return composer.contextCommands.map((c) => c.type === 3
      ? { label: c.name, note: "message", run: run(c, message.id) }
      : { label: c.name, note: context.userName(message.author.id, message.author), run: run(c, message.author.id) });
  },
  dismiss(message) {
    state.dismissed.add(message.id);
    draw();
  },
};

// MARK: Drawing

function drawSidebar() {
  $("guild-name").textContent = guild().name;
  const list = $("channels");
  list.replaceChildren();
  const item = (c, mark, name) => {
    const button = node("button", { type: "button", "aria-current": c.id === state.channel ? "page" : null, class: state.unread.has(c.id) ? "unread" : "" },
      node("span", { class: "mark", "aria-hidden": "true" }, mark), name);
    button.addEventListener("click", () => { enter(c.id); showSidebar(false); });
    return button;
  };
  for (const g of state.world.guilds) {
    if (state.world.guilds.length > 1) list.append(node("h2", {}, g.name));
    const places = [...g.channels].sort((a, b) => a.position - b.position);
    const top = places.filter((c) => c.type !== 4 && !c.parent_id);
    for (const c of top) list.append(item(c, "#", c.name));
    for (const category of places.filter((c) => c.type === 4)) {
      list.append(node("h2", {}, category.name));
      for (const c of places.filter((p) => p.parent_id === category.id)) list.append(item(c, "#", c.name));
    }
  }
  const direct = state.world.direct.filter((c) => c.recipients.some((r) => r.id === state.user));
  const apps = state.world.applications;
  if (direct.length || apps.length) list.append(node("h2", {}, "Direct messages"));
  for (const app of apps) {
    const known = direct.find((c) => c.recipients.some((r) => r.id === app.id));
    if (known) { list.append(item(known, "@", app.name)); continue; }
    const button = node("button", { type: "button" }, node("span", { class: "mark", "aria-hidden": "true" }, "@"), app.name);
    button.addEventListener("click", async () => {
      const made = await call("POST", "/direct", { user: state.user, application: app.id });
      await loadWorld();
      await enter(made.id);
      showSidebar(false);
    });
    list.append(button);
  }
  drawSwitcher();
}

function drawSwitcher() {
  const people = members().filter((m) => !m.user.bot).slice(0, 200);
  $("user").replaceChildren(...people.map((m) => node("option", { value: m.user.id, selected: m.user.id === state.user }, display(m.user, m))));
  const own = people.find((m) => m.user.id === state.user);
  const roles = own ? guild().roles.filter((r) => own.roles.includes(r.id)).map((r) => r.name) : [];
  $("role-note").textContent = [guild().owner_id === state.user ? "Owner" : null, ...roles.reverse()].filter(Boolean).join(" · ");
}

function drawHead() {
  const place = channel();
  const partner = place.recipients?.find((r) => r.id !== state.user);
  const name = partner ? "@ " + partner.username : "# " + place.name;
  $("channel-name").textContent = name;
  $("topic").textContent = place.topic ?? "";
  document.title = name + " – Sandbox";
  const apps = state.world.applications;
  const online = apps.filter((a) => a.connected);
  $("bots").replaceChildren(node("span", { class: "dot" + (online.length && !state.stale ? " on" : ""), "aria-hidden": "true" }),
    state.stale ? "The sandbox does not answer. Reconnecting…" : apps.length === 0 ? "No bot yet" : online.length ? online.map((a) => a.name).join(", ") + " online" : apps[0].name + " offline");
  composer.setPlace(partner ? "@" + partner.username : "#" + place.name);
}

/// What is drawn already, by message: what has not changed stays, with its focus, its open menus and its images.
let drawn = new Map();

function draw() {
  const list = $("messages");
  const wasAtEnd = scroll.isAtEnd;
  const elements = [];
  const next = new Map();
  const keep = (id, key, make) => {
    const known = drawn.get(id);
    const element = known?.key === key ? known.element : make();
    next.set(id, { key, element });
    elements.push(element);
  };
  const place = channel();
  const partner = place.recipients?.find((r) => r.id !== state.user);
  const name = partner ? "@" + partner.username : "#" + place.name;
  keep("welcome", name, () => node("li", { class: "spacer" }, node("h2", {}, "Welcome to " + name),
    "Nothing here leaves this machine. Type ", node("kbd", {}, "/"), " to see what the bot can do."));
  let previous = null;
  for (const m of state.messages) {
    if (state.dismissed.has(m.id)) continue;
    const key = m.note ?? JSON.stringify([m, previous && [previous.author.id, previous.flags, previous.timestamp], state.user, state.version]);
    const before = previous;
    keep(m.id, key, () => m.note ? node("li", { class: "message failed" }, m.note) : drawMessage(m, before, context));
    previous = m.note ? null : m;
  }
  drawn = next;
  const wanted = new Set(elements);
  for (const element of [...list.children]) if (!wanted.has(element)) element.remove();
  elements.forEach((element, index) => {
    if (list.children[index] !== element) list.insertBefore(element, list.children[index] ?? null);
  });
  if (wasAtEnd) scroll.toEnd();
}

/// The newest message stays in sight, unless the reader has scrolled up, also when a picture loads or the window changes.
const scroll = {
  isAtEnd: true,
  toEnd() {
    const list = $("messages");
    list.scrollTop = list.scrollHeight;
    scroll.isAtEnd = true;
  },
  follow() {
    const list = $("messages");
    let height = list.clientHeight;
    list.addEventListener("scroll", () => {
      // A change of size scrolls too, and is no wish of the reader.
      if (list.clientHeight === height) scroll.isAtEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 80;
    });
    list.addEventListener("load", () => { if (scroll.isAtEnd) scroll.toEnd(); }, true);
    new ResizeObserver(() => {
      if (scroll.isAtEnd) scroll.toEnd();
      height = list.clientHeight;
    }).observe(list);
  },
};

// MARK: Moving about

async function loadWorld() {
  const world = await call("GET", "/world");
  // Names, roles and channels are part of what messages show.
  if (JSON.stringify(world.guilds) !== JSON.stringify(state.world?.guilds)) state.version += 1;
  state.world = world;
  const people = state.world.guilds[0].members;
  if (!people.some((m) => m.user.id === state.user && !m.user.bot)) state.user = state.world.guilds[0].owner_id;
  if (!channel()) {
    const wanted = query.get("channel");
    const texts = state.world.guilds[0].channels.filter((c) => c.type === 0);
    state.channel = (texts.find((c) => c.id === wanted || c.name === wanted) ?? texts[0]).id;
  }
  drawSidebar();
  drawHead();
}

async function enter(id) {
  state.channel = id;
  state.unread.delete(id);
  drawSidebar();
  drawHead();
  await loadMessages();
  await composer.load();
  if (matchMedia("(min-width: 701px)").matches) composer.focus();
}

async function loadMessages() {
  const wanted = state.channel;
  try {
    const loaded = await call("GET", `/messages?user=${state.user}&channel=${wanted}`);
    if (wanted !== state.channel) return;
    state.messages = loaded;
  } catch (error) {
    state.messages = [];
    composer.complain(error.message);
  }
  draw();
  scroll.toEnd();
}

// MARK: Live

let retry = 500;

function listen() {
  state.socket?.close();
  const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/sandbox/live?user=${state.user}`);
  state.socket = socket;
  socket.addEventListener("open", async () => {
    retry = 500;
    if (!state.stale) return;
    state.stale = false;
    await loadWorld();
    await loadMessages();
    await composer.load();
  });
  socket.addEventListener("message", (event) => { if (state.socket === socket) take(JSON.parse(event.data)); });
  socket.addEventListener("close", () => {
    if (state.socket !== socket) return;
    state.stale = true;
    drawHead();
    setTimeout(() => { if (state.socket === socket) listen(); }, retry);
    retry = Math.min(retry * 2, 8000);
  });
}

let worldTimer = null;

function take(event) {
  switch (event.type) {
    case "message":
      if (event.message.channel_id === state.channel) {
        if (!state.messages.some((m) => m.id === event.message.id)) state.messages.push(event.message);
        draw();
      } else if (event.message.author.id !== state.user) {
        state.unread.add(event.message.channel_id);
        drawSidebar();
      }
      break;
    case "update": {
      const index = state.messages.findIndex((m) => m.id === event.message.id);
      if (index >= 0) { state.messages[index] = event.message; draw(); }
      break;
    }
    case "delete":
      state.messages = state.messages.filter((m) => m.id !== event.id);
      draw();
      break;
    case "interaction":
      if (event.state === "lost") {
        state.messages.push({ id: event.id, note: (event.command ? "/" + event.command + ": " : "") + "The application did not respond." });
        draw();
      }
      if (event.modal) openModal(event.id, event.modal);
      break;
    // Several changes of the world often come together.
    case "world": case "commands":
      clearTimeout(worldTimer);
      worldTimer = setTimeout(async () => { await loadWorld(); draw(); await composer.load(); }, 60);
      break;
  }
}

// MARK: Modals

function openModal(interaction, modal) {
  const dialog = $("modal");
  const form = dialog.querySelector("form");
  const fields = [];
  const wrong = node("p", { class: "failed", role: "alert" });
  const field = (input, label, note) => {
    const isRequired = input.required ?? true;
    let control;
    if (input.type === 4) {
      control = node(input.style === 2 ? "textarea" : "input", {
        placeholder: input.placeholder, maxlength: input.max_length ?? 4000, minlength: input.min_length, required: isRequired, rows: input.style === 2 ? 4 : null,
      });
      control.value = input.value ?? "";
    } else if (input.type === 19) {
      control = node("input", { type: "file", multiple: (input.max_values ?? 1) > 1, required: isRequired, accept: (input.file_types ?? []).map((t) => t.startsWith(".") ? t : t + "/*").join(",") || null });
    } else if (input.type === 23) {
      control = node("input", { type: "checkbox" });
      control.checked = Boolean(input.default);
    } else if (input.type === 21 || input.type === 22) {
      // A group of buttons or boxes has no control of its own: the set stands for it.
      control = node("fieldset", {}, ...input.options.map((o) => {
        const box = node("input", { type: input.type === 21 ? "radio" : "checkbox", name: input.custom_id, value: o.value, required: input.type === 21 && isRequired });
        box.checked = Boolean(o.default);
        return node("label", { class: "box" }, box, node("span", {}, o.label, o.description && node("small", {}, o.description)));
      }));
    } else {
      const options = input.type === 3 ? input.options : context.entities(input.type, input.channel_types);
      const chosen = new Set((input.default_values ?? []).map((v) => v.id));
      const most = input.max_values ?? 1;
      control = node("select", { multiple: most > 1, required: isRequired, size: most > 1 ? Math.min(6, Math.max(2, options.length)) : null },
        most === 1 && node("option", { value: "" }, input.placeholder || "Make a selection"),
        ...options.map((o) => node("option", { value: o.value, selected: Boolean(o.default) || chosen.has(o.value) }, o.label)));
    }
    fields.push({ id: input.custom_id, control, type: input.type });
    if (control.tagName === "FIELDSET") {
      if (note) control.prepend(node("small", {}, note));
      control.prepend(node("legend", {}, label ?? "", isRequired && node("span", { class: "star" }, " *")));
      return control;
    }
    if (input.type === 23) return node("label", { class: "box" }, control, node("span", {}, label ?? "", note && node("small", {}, note)));
    return node("label", {}, node("span", {}, label ?? "", isRequired && node("span", { class: "star" }, " *")), note && node("small", {}, note), control);
  };
  const rows = modal.components.map((row) => {
    if (row.type === 18) return field(row.component, row.label, row.description);
    if (row.type === 10) return markdown(row.content, context);
    const input = row.components[0];
    return field(input, input.label);
  });
  form.replaceChildren(node("h2", { id: "modal-title" }, modal.title), ...rows, wrong, node("div", { class: "end" },
    node("button", { type: "button", onclick: () => dialog.close() }, "Cancel"), node("button", { type: "submit", class: "primary" }, "Submit")));
  form.onsubmit = async (event) => {
    event.preventDefault();
    try {
      const values = Object.fromEntries(await Promise.all(fields.map(async (f) => [f.id, await fieldValue(f)])));
      await call("POST", "/modals", { user: state.user, interaction, fields: values });
      dialog.close();
      composer.focus();
    } catch (error) { wrong.textContent = error.message; }
  };
  if (!dialog.open) dialog.showModal();
  fields[0]?.control.focus();
}

/// What a field of a modal holds, as the control API takes it.
async function fieldValue({ control, type }) {
  switch (type) {
    case 4: return control.value;
    case 19: return Promise.all([...control.files].map(async (f) => ({ filename: f.name, contentType: f.type || undefined, base64: await base64(f) })));
    case 21: return control.querySelector("input:checked")?.value ?? null;
    case 22: return [...control.querySelectorAll("input:checked")].map((box) => box.value);
    case 23: return control.checked;
    default: return [...control.selectedOptions].map((o) => o.value).filter(Boolean);
  }
}

// MARK: Start

const composer = new Composer({ call, context, state });

$("user").addEventListener("change", async () => {
  state.user = $("user").value;
  localStorage.setItem("user", state.user);
  state.stale = false;
  listen();
  await loadWorld();
  await enter(state.channel);
});
function showSidebar(isOpen) {
  $("sidebar").classList.toggle("open", isOpen);
  $("menu-button").setAttribute("aria-expanded", String(isOpen));
}

$("menu-button").addEventListener("click", () => showSidebar(!$("sidebar").classList.contains("open")));
$("shade").addEventListener("click", () => showSidebar(false));
scroll.follow();
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") showSidebar(false);
  // Typing anywhere writes into the message field.
  const isWriting = ["INPUT", "TEXTAREA", "SELECT"].includes(document.activeElement.tagName) || $("modal").open;
  if (!isWriting && event.key.length === 1 && event.key !== " " && !event.ctrlKey && !event.metaKey && !event.altKey) composer.focus();
});

try {
  await loadWorld();
  listen();
  await enter(state.channel);
  const run = query.getAll("run");
  if (run.length) await composer.play(run);
} catch (error) {
  composer.complain("The sandbox does not answer: " + error.message);
}
