// Draws messages: text, embeds, components. Everything from the network becomes DOM nodes, never markup.

export function node(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "class") element.className = value;
    else if (name in element && typeof value === "boolean") element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== undefined && child !== null && child !== false));
  return element;
}

// MARK: Text

const inline = [
  { pattern: /``(.+?)``|`([^`]+)`/s, make: (m) => [node("code", {}, m[1] ?? m[2])] },
  { pattern: /\\([\\*_~|`<>#@-])/, make: (m) => [m[1]] },
  { pattern: /\*\*\*(.+?)\*\*\*/s, make: (m, c) => [node("b", {}, node("i", {}, ...spans(m[1], c)))] },
  { pattern: /\*\*(.+?)\*\*/s, make: (m, c) => [node("b", {}, ...spans(m[1], c))] },
  { pattern: /__(.+?)__/s, make: (m, c) => [node("u", {}, ...spans(m[1], c))] },
  { pattern: /\*(?!\s)(.+?)(?<!\s)\*|(?<!\w)_(.+?)_(?!\w)/s, make: (m, c) => [node("i", {}, ...spans(m[1] ?? m[2], c))] },
  { pattern: /~~(.+?)~~/s, make: (m, c) => [node("s", {}, ...spans(m[1], c))] },
  { pattern: /\|\|(.+?)\|\|/s, make: (m, c) => [spoiler(spans(m[1], c))] },
  { pattern: /<t:(-?\d{1,13})(?::([tTdDfFR]))?>/, make: (m) => [stamp(Number(m[1]), m[2] ?? "f")] },
  { pattern: /<@!?(\d+)>/, make: (m, c) => [mention("@" + c.userName(m[1]))] },
  { pattern: /<@&(\d+)>/, make: (m, c) => [mention("@" + c.roleName(m[1]))] },
  { pattern: /<#(\d+)>/, make: (m, c) => [mention("#" + c.channelName(m[1]))] },
  { pattern: /<\/([^:>]+):\d+>/, make: (m) => [mention("/" + m[1])] },
  { pattern: /@(everyone|here)\b/, make: (m) => [mention(m[0])] },
  { pattern: /<a?:(\w+):\d+>/, make: (m) => [":" + m[1] + ":"] },
  { pattern: /\[([^\]]+)\]\((https?:\/\/[^\s)]+)\)/, make: (m, c) => [link(m[2], spans(m[1], c))] },
  { pattern: /<?(https?:\/\/[^\s<>]+[^\s<>.,:;"')\]])>?/, make: (m) => [link(m[1], [m[1]])] },
];

const mention = (text) => node("span", { class: "mention" }, text);
const link = (url, children) => node("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, ...children);

function spoiler(children) {
  const element = node("button", { class: "spoiler", type: "button", "aria-label": "Spoiler" }, ...children);
  element.addEventListener("click", () => { element.classList.add("open"); element.removeAttribute("aria-label"); });
  return element;
}

function stamp(seconds, style) {
  const date = new Date(seconds * 1000);
  const forms = {
    t: { timeStyle: "short" }, T: { timeStyle: "medium" }, d: { dateStyle: "short" }, D: { dateStyle: "long" },
    f: { dateStyle: "long", timeStyle: "short" }, F: { dateStyle: "full", timeStyle: "short" },
  };
  if (Number.isNaN(date.getTime())) return `<t:${seconds}>`;
  const full = date.toLocaleString(undefined, forms.F);
  return node("time", { class: "mention", datetime: date.toISOString(), title: full },
    style === "R" ? relative(date) : date.toLocaleString(undefined, forms[style]));
}

function relative(date) {
  const seconds = Math.round((date - Date.now()) / 1000);
  const format = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
  for (const [unit, length] of [["year", 31536000], ["month", 2592000], ["day", 86400], ["hour", 3600], ["minute", 60]]) {
    if (Math.abs(seconds) >= length) return format.format(Math.round(seconds / length), unit);
  }
  return format.format(seconds, "second");
}

function spans(text, context) {
  const result = [];
  let rest = text;
  while (rest) {
    let best = null;
    for (const rule of inline) {
      const match = rule.pattern.exec(rest);
      if (match && (!best || match.index < best.match.index)) best = { rule, match };
    }
    if (!best) { result.push(rest); break; }
    if (best.match.index > 0) result.push(rest.slice(0, best.match.index));
    result.push(...best.rule.make(best.match, context));
    rest = rest.slice(best.match.index + best.match[0].length);
  }
  return result;
}

export function markdown(text, context) {
  const root = node("div", { class: "text" });
  const parts = text.split(/```(?:[a-z0-9+#-]*\n)?([\s\S]*?)```/i);
  parts.forEach((part, index) => {
    if (index % 2) { root.append(node("pre", {}, node("code", {}, part.replace(/\n$/, "")))); return; }
    const lines = part.split("\n");
    lines.forEach((line, number) => {
      const isLast = number === lines.length - 1;
      let match;
      if ((match = /^(#{1,3}) (.+)/.exec(line))) root.append(node("h" + (match[1].length + 2), {}, ...spans(match[2], context)));
      else if ((match = /^>(?:>>)? (.*)/.exec(line))) root.append(node("blockquote", {}, ...spans(match[1], context)));
      else if ((match = /^-# (.+)/.exec(line))) root.append(node("small", {}, ...spans(match[1], context)), isLast ? "" : "\n");
      else if ((match = /^(\s*)[-*] (.+)/.exec(line))) root.append(match[1] + "  • ", ...spans(match[2], context), isLast ? "" : "\n");
      else root.append(...spans(line, context), isLast ? "" : "\n");
    });
  });
  return root;
}

// MARK: Embeds and files

// The sandbox may be open under another name than the one in its URLs.
function local(url) {
  try {
    const parsed = new URL(url);
    if (parsed.pathname.startsWith("/attachments/")) return parsed.pathname;
    return ["https:", "http:"].includes(parsed.protocol) ? url : "";
  } catch { return ""; }
}

function picture(image, kind) {
  return image?.url && node("img", { class: kind, src: local(image.url), alt: image.description ?? "", loading: "lazy" });
}

function embed(data, context) {
  const root = node("article", { class: "embed" });
  if (typeof data.color === "number") root.style.borderLeftColor = "#" + data.color.toString(16).padStart(6, "0");
  if (data.thumbnail) root.append(picture(data.thumbnail, "thumbnail"));
  if (data.author?.name) {
    const url = local(data.author.url ?? "");
    root.append(node("div", { class: "author" }, url ? link(url, [data.author.name]) : data.author.name));
  }
  if (data.title) {
    const url = local(data.url ?? "");
    const title = spans(data.title, context);
    root.append(node("div", { class: "title" }, ...(url ? [link(url, title)] : title)));
  }
  if (data.description) root.append(markdown(data.description, context));
  if (data.fields?.length) {
    const grid = node("div", { class: "fields" });
    // Inline fields stand in rows of up to three, as at Discord.
    for (let index = 0; index < data.fields.length;) {
      let end = index;
      while (data.fields[index].inline && end < data.fields.length && data.fields[end].inline && end - index < 3) end++;
      if (end === index) end++;
      const width = ["", "", "half", "third"][end - index];
      for (; index < end; index++) {
        const field = data.fields[index];
        grid.append(node("div", { class: field.inline ? width : "" }, node("b", {}, ...spans(field.name, context)), markdown(field.value, context)));
      }
    }
    root.append(grid);
  }
  if (data.image) root.append(picture(data.image, "picture"));
  const foot = [data.footer?.text, data.timestamp && when(data.timestamp)].filter(Boolean).join(" • ");
  if (foot) root.append(node("footer", {}, foot));
  return root;
}

function file(data) {
  const url = local(data.url);
  if (data.content_type?.startsWith("image/")) {
    return node("div", { class: "file" }, node("img", { src: url, alt: data.description ?? data.filename, loading: "lazy" }));
  }
  return node("div", { class: "file" },
    node("a", { class: "card", href: url, download: data.filename }, `${data.filename} (${bytes(data.size)})`));
}

const bytes = (size) => size < 1024 ? `${size} B` : size < 1048576 ? `${(size / 1024).toFixed(1)} KB` : `${(size / 1048576).toFixed(1)} MB`;

export function when(text) {
  const date = new Date(text);
  const clock = date.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  const today = new Date();
  if (date.toDateString() === today.toDateString()) return `Today at ${clock}`;
  today.setDate(today.getDate() - 1);
  if (date.toDateString() === today.toDateString()) return `Yesterday at ${clock}`;
  return `${date.toLocaleDateString()} ${clock}`;
}

// MARK: Components

const styles = { 1: "primary", 2: "secondary", 3: "success", 4: "danger" };

function emoji(data) { return data?.name ? (data.id ? `:${data.name}:` : data.name) : ""; }

function button(data, message, context) {
  const label = [emoji(data.emoji), data.label].filter(Boolean).join(" ");
  if (data.style === 6) return node("button", { type: "button", class: "primary", disabled: true, title: "The sandbox sells nothing" }, "Premium");
  if (data.style === 5) {
    return node("a", { class: "button", href: local(data.url), target: "_blank", rel: "noopener noreferrer" }, label + " ↗");
  }
  const element = node("button", { type: "button", class: styles[data.style] ?? "", disabled: Boolean(data.disabled) }, label);
  element.addEventListener("click", () => busy(element, () => context.use(message, data.custom_id)));
  return element;
}

async function busy(element, action) {
  element.classList.add("busy");
  try { await action(); } finally { element.classList.remove("busy"); }
}

function select(data, message, context) {
  const options = data.type === 3
    ? data.options.map((o) => ({ label: [emoji(o.emoji), o.label].filter(Boolean).join(" "), value: o.value, note: o.description, chosen: o.default }))
    : context.entities(data.type, data.channel_types).map((e) => ({ ...e, chosen: (data.default_values ?? []).some((v) => v.id === e.value) }));
  const most = data.max_values ?? 1;
  const least = data.min_values ?? 1;
  const chosen = new Set(options.filter((o) => o.chosen).map((o) => o.value));
  const shown = () => options.filter((o) => chosen.has(o.value)).map((o) => o.label).join(", ");
  const head = node("button", { type: "button", "aria-haspopup": "listbox", "aria-expanded": "false", disabled: Boolean(data.disabled) });
  const list = node("div", { class: "options", role: "listbox", hidden: true });
  const root = node("div", { class: "select" }, head, list);
  const draw = () => {
    const text = shown();
    head.replaceChildren(node("span", {}, text || data.placeholder || "Make a selection"), node("span", { "aria-hidden": "true" }, "▾"));
    head.classList.toggle("empty", !text);
    for (const item of list.children) item.setAttribute("aria-selected", String(chosen.has(item.dataset.value)));
  };
  const send = () => { hide(); busy(head, () => context.use(message, data.custom_id, [...chosen])); };
  const hide = () => { list.hidden = true; head.setAttribute("aria-expanded", "false"); };
  let before = "";
  // As at Discord a select for several values is sent when it closes, if something was changed.
  const close = () => {
    if (most > 1 && [...chosen].join() !== before && chosen.size >= least) send(); else hide();
  };
  for (const option of options) {
    const item = node("button", { type: "button", role: "option", "data-value": option.value }, option.label,
      option.note && node("small", {}, option.note));
    item.addEventListener("click", () => {
      if (most === 1) { chosen.clear(); chosen.add(option.value); draw(); send(); head.focus(); return; }
      if (chosen.has(option.value)) chosen.delete(option.value); else if (chosen.size < most) chosen.add(option.value);
      draw();
    });
    list.append(item);
  }
  head.addEventListener("click", () => {
    if (!list.hidden) { close(); return; }
    before = [...chosen].join();
    list.hidden = false;
    head.setAttribute("aria-expanded", "true");
    root.classList.toggle("up", head.getBoundingClientRect().bottom > innerHeight * 0.6);
    (list.querySelector("[aria-selected=true]") ?? list.firstElementChild)?.focus();
  });
  root.addEventListener("keydown", (event) => {
    const items = [...list.children];
    const place = items.indexOf(document.activeElement);
    if (event.key === "Escape" && !list.hidden) { event.stopPropagation(); close(); head.focus(); }
    if (event.key === "ArrowDown" && place >= 0) { event.preventDefault(); items[(place + 1) % items.length].focus(); }
    if (event.key === "ArrowUp" && place >= 0) { event.preventDefault(); items[(place + items.length - 1) % items.length].focus(); }
  });
  root.addEventListener("focusout", (event) => {
    if (!list.hidden && !root.contains(event.relatedTarget)) close();
  });
  draw();
  return root;
}

/// What is a spoiler is covered until it is clicked.
function hidden(isSpoiler, element) {
  if (!isSpoiler || !element) return element;
  const root = node("div", { class: "covered" }, element);
  const cover = node("button", { type: "button", class: "cover", onclick: () => { cover.remove(); root.classList.remove("covered"); } }, "Spoiler");
  root.append(cover);
  return root;
}

function component(data, message, context) {
  const inner = () => (data.components ?? []).map((child) => component(child, message, context));
  switch (data.type) {
    case 1: return node("div", { class: "row" }, ...inner());
    case 2: return button(data, message, context);
    case 3: case 5: case 6: case 7: case 8: return select(data, message, context);
    case 9: return node("div", { class: "section" }, node("div", {}, ...inner()), data.accessory && component(data.accessory, message, context));
    case 10: return markdown(data.content ?? "", context);
    case 11: return hidden(data.spoiler, picture({ ...data.media, description: data.description }, "thumbnail"));
    case 12: return node("div", { class: "gallery count-" + Math.min(data.items?.length ?? 0, 4) },
      ...(data.items ?? []).map((item) => hidden(item.spoiler, picture({ ...item.media, description: item.description }, "picture"))));
    case 13: return hidden(data.spoiler, node("div", { class: "file" },
      node("a", { class: "card", href: local(data.file?.url ?? ""), download: data.name ?? "" }, data.name ? `${data.name} (${bytes(data.size)})` : "file")));
    case 14: return node("div", { class: data.spacing === 2 ? "gap large" : "gap", role: "separator" }, data.divider !== false && node("hr"));
    case 17: {
      const root = node("div", { class: "container" }, ...inner());
      if (typeof data.accent_color === "number") root.style.borderLeftColor = "#" + data.accent_color.toString(16).padStart(6, "0");
      return root;
    }
    default: return node("div", { class: "failed" }, `(component of type ${data.type})`);
  }
}

// MARK: The message

/// The button that opens a message's context menu commands.
function more(data, context) {
  const list = node("div", { class: "options", role: "menu", hidden: true });
  const head = node("button", { type: "button", class: "head", "aria-haspopup": "menu", "aria-expanded": "false", "aria-label": "Apps for this message", title: "Apps" }, "•••");
  const root = node("div", { class: "more" }, head, list);
  const show = (isOpen) => {
    list.hidden = !isOpen;
    head.setAttribute("aria-expanded", String(isOpen));
    root.classList.toggle("open", isOpen);
  };
  head.addEventListener("click", () => {
    if (!list.hidden) { show(false); return; }
    const actions = context.actions(data);
    list.replaceChildren(...actions.map((action) => node("button", { type: "button", role: "menuitem", onclick: () => { show(false); head.focus(); action.run(); } },
      action.label, node("small", {}, action.note))));
    if (!actions.length) list.append(node("p", {}, "No bot has registered a context menu command."));
    root.classList.toggle("up", head.getBoundingClientRect().bottom > innerHeight * 0.6);
    show(true);
    list.querySelector("button")?.focus();
  });
  root.addEventListener("keydown", (event) => {
    const items = [...list.querySelectorAll("button")];
    const place = items.indexOf(document.activeElement);
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === "Escape" && !list.hidden) { event.stopPropagation(); show(false); head.focus(); }
    if (step && place >= 0) { event.preventDefault(); items[(place + step + items.length) % items.length].focus(); }
  });
  root.addEventListener("focusout", (event) => { if (!root.contains(event.relatedTarget)) show(false); });
  return root;
}

const hues = [235, 150, 15, 280, 45, 195, 330, 100];

export function color(id) {
  const number = [...id].reduce((sum, digit) => (sum * 31 + digit.charCodeAt(0)) >>> 0, 7);
  return `hsl(${hues[number % hues.length]} 50% 42%)`;
}

export function message(data, previous, context) {
  const isEphemeral = Boolean(data.flags & 64);
  const isLoading = Boolean(data.flags & 128);
  const hasLead = data.interaction_metadata?.name || data.message_reference;
  const isFirst = !previous || hasLead || previous.author.id !== data.author.id
    || Boolean(previous.flags & 64) !== isEphemeral
    || new Date(data.timestamp) - new Date(previous.timestamp) > 420000;
  const root = node("li", { class: "message", "data-id": data.id });
  root.classList.toggle("first", Boolean(isFirst));
  root.classList.toggle("ephemeral", isEphemeral);
  root.classList.toggle("mentioned", data.mention_everyone || data.mentions.some((user) => user.id === context.me()));
  if (isFirst) {
    const name = context.userName(data.author.id, data.author);
    if (data.interaction_metadata?.name) {
      root.append(node("div", { class: "lead" }, node("b", {}, context.userName(data.interaction_metadata.user.id, data.interaction_metadata.user)),
        " used ", node("span", { class: "mention" }, context.commandName(data.interaction_metadata.name))));
    } else if (data.message_reference) {
      const target = data.referenced_message;
      root.append(node("div", { class: "lead" }, ...(target
        ? [node("b", {}, context.userName(target.author.id, target.author)), " ", target.content || (target.embeds[0]?.title ?? "message")]
        : ["Original message was deleted"])));
    }
    const avatar = node("div", { class: "avatar", "aria-hidden": "true" }, name.slice(0, 1).toUpperCase());
    avatar.style.background = color(data.author.id);
    if (root.firstChild) avatar.style.top = "26px";
    root.append(avatar, node("div", { class: "by" }, node("b", {}, name), data.author.bot && node("span", { class: "tag" }, "APP"),
      node("time", { datetime: data.timestamp, title: new Date(data.timestamp).toLocaleString() }, when(data.timestamp))));
  }
  if (isLoading) {
    root.append(node("div", { class: "thinking" }, node("i"), node("i"), node("i"), `${context.userName(data.author.id, data.author)} is thinking…`));
  }
  if (data.content) {
    const text = markdown(data.content, context);
    if (data.edited_timestamp) text.append(" ", node("span", { class: "edited", title: new Date(data.edited_timestamp).toLocaleString() }, "(edited)"));
    root.append(text);
  }
  // In a message of components the files stand where the components show them.
  for (const item of data.flags & 32768 ? [] : data.attachments) if (!data.embeds.some((e) => e.image?.url === item.url)) root.append(file(item));
  if (!(data.flags & 4)) for (const item of data.embeds) root.append(embed(item, context));
  for (const item of data.components) root.append(component(item, data, context));
  if (!isEphemeral && !isLoading) root.append(more(data, context));
  if (isEphemeral) {
    root.append(node("div", { class: "only" }, "Only you can see this • ",
      node("button", { type: "button", onclick: () => context.dismiss(data) }, "Dismiss message")));
  }
  return root;
}
