// The message field: plain messages, the command menu, and a command's options as fields.
import { node } from "/messages.js";

const kinds = { 3: "text", 4: "whole number", 5: "true or false", 6: "member", 7: "channel", 8: "role", 9: "member or role", 10: "number", 11: "file" };

export class Composer {
  constructor({ call, context, state }) {
    Object.assign(this, { call, context, state });
    this.input = document.getElementById("input");
    this.menu = document.getElementById("menu");
    this.pills = document.getElementById("pills");
    this.notice = document.getElementById("notice");
    this.hint = document.getElementById("hint");
    this.commands = [];
    this.contextCommands = [];
    this.chosen = null;
    this.items = [];
    this.selected = 0;
    this.input.addEventListener("input", () => this.typed());
    this.input.addEventListener("keydown", (event) => this.key(event));
    this.input.addEventListener("blur", () => setTimeout(() => { if (!this.isInside(document.activeElement)) this.hideMenu(); }, 120));
  }

  isInside(element) { return element === this.input || this.pills.contains(element); }

  focus() { (this.chosen ? this.pills.querySelector("input") ?? this.pills.querySelector(".send") : this.input)?.focus(); }

  setPlace(name) { this.input.placeholder = `Message ${name}, or / for commands`; }

  complain(text) {
    this.notice.textContent = text;
    this.notice.hidden = !text;
    clearTimeout(this.noticeTimer);
    if (text) this.noticeTimer = setTimeout(() => { this.notice.hidden = true; }, 8000);
  }

  /// The commands that this member may use here, every sub-command on its own.
  async load() {
    try {
      const list = await this.call("GET", `/commands?user=${this.state.user}&channel=${this.state.channel}`);
      this.contextCommands = list.filter((c) => c.type === 2 || c.type === 3);
      this.commands = list.filter((c) => c.type === 1).flatMap((command) => leaves(command, command.name, command.description, command.options ?? []));
    } catch (error) {
      this.commands = [];
      this.contextCommands = [];
      this.complain("The commands could not be loaded: " + error.message);
    }
    document.getElementById("messages").classList.toggle("has-apps", this.contextCommands.length > 0);
    if (!this.chosen && this.input.value.startsWith("/")) this.typed();
  }

  // MARK: Writing

  typed() {
    this.complain("");
    this.input.style.height = "auto";
    this.input.style.height = this.input.scrollHeight + "px";
    const text = this.input.value;
    if (!text.startsWith("/") || text.includes("\n")) { this.hideMenu(); this.hint.textContent = ""; return; }
    const written = text.slice(1).toLowerCase();
    const exact = this.commands.find((c) => written.startsWith(c.name + " ") && written.includes(":"));
    if (exact) { this.hideMenu(); this.hint.textContent = "Enter sends, as name:value"; return; }
    const found = this.commands.filter((c) => c.name.startsWith(written.trimEnd()))
      .concat(this.commands.filter((c) => !c.name.startsWith(written.trimEnd()) && c.name.includes(written.trimEnd())));
    this.showMenu(written ? "Commands matching /" + written : "Commands", found.map((c) => ({
      name: "/" + c.name, what: c.description, bot: c.command.application_name,
      options: c.options.map((o) => o.required ? o.name : `[${o.name}]`).join(" "), pick: () => this.choose(c),
    })), this.commands.length ? "No command matches." : "No commands yet: no bot has registered one for you here.");
    this.hint.textContent = found.length ? "↑ ↓ to move, Tab or Enter to choose, Esc to close" : "";
  }

  async key(event) {
    if (!this.menu.hidden && this.items.length && this.menuKey(event)) return;
    if (event.key === "Escape") { this.hideMenu(); return; }
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    const text = this.input.value.trim();
    if (!text) return;
    try {
      if (text.startsWith("/")) await this.call("POST", "/commands", { user: this.state.user, channel: this.state.channel, text });
      else await this.call("POST", "/messages", { user: this.state.user, channel: this.state.channel, content: text });
      this.clear();
      this.toEnd();
    } catch (error) { this.complain(error.message); }
  }

  toEnd() { const list = document.getElementById("messages"); list.scrollTop = list.scrollHeight; }

  clear() {
    this.chosen = null;
    this.pills.hidden = true;
    this.pills.replaceChildren();
    this.input.hidden = false;
    this.input.value = "";
    this.input.style.height = "auto";
    this.hint.textContent = "";
    this.hideMenu();
  }

  // MARK: The menu

  showMenu(title, items, nothing) {
    this.items = items.slice(0, 100);
    this.selected = 0;
    this.menu.replaceChildren(node("h3", {}, title));
    this.items.forEach((item, index) => {
      const row = node("div", { class: "item", role: "option", id: "item-" + index }, node("span", { class: "name" }, item.name),
        item.options && node("span", { class: "options" }, item.options), node("span", { class: "what" }, item.what ?? ""),
        item.bot && node("span", { class: "bot" }, item.bot));
      row.addEventListener("mousedown", (event) => { event.preventDefault(); item.pick(); });
      row.addEventListener("mousemove", () => this.select(index));
      this.menu.append(row);
    });
    if (!items.length) this.menu.append(node("div", { class: "nothing" }, nothing));
    this.menu.hidden = false;
    this.select(0);
  }

  hideMenu() {
    this.menu.hidden = true;
    this.items = [];
    document.activeElement?.removeAttribute?.("aria-activedescendant");
  }

  select(index) {
    if (!this.items.length) return;
    this.selected = (index + this.items.length) % this.items.length;
    this.menu.querySelectorAll(".item").forEach((row, place) => {
      row.setAttribute("aria-selected", String(place === this.selected));
      if (place === this.selected) row.scrollIntoView({ block: "nearest" });
    });
    document.activeElement?.setAttribute?.("aria-activedescendant", "item-" + this.selected);
  }

  /// Whether the menu took the key.
  menuKey(event) {
    switch (event.key) {
      case "ArrowDown": this.select(this.selected + 1); break;
      case "ArrowUp": this.select(this.selected - 1); break;
      case "Tab": case "Enter": if (event.shiftKey) return false; this.items[this.selected].pick(); break;
      case "Escape": this.hideMenu(); break;
      default: return false;
    }
    event.preventDefault();
    event.stopPropagation();
    return true;
  }

  // MARK: A command's options

  choose(leaf) {
    const written = this.input.value.trim();
    this.hideMenu();
    this.chosen = { leaf, fields: new Map() };
    if (!leaf.options.length && written === "/" + leaf.name) { this.send(); return; }
    this.input.hidden = true;
    this.pills.hidden = false;
    this.pills.replaceChildren(node("span", { class: "command" }, "/" + leaf.name));
    this.rest = node("span");
    this.sendButton = node("button", { type: "button", class: "send" }, "Send");
    this.sendButton.addEventListener("click", () => this.send());
    this.pills.append(this.rest, this.sendButton);
    this.pills.onkeydown = (event) => {
      if (event.key === "Escape" && this.menu.hidden) { this.clear(); this.input.focus(); }
      if (event.key === "Backspace" && event.target === this.sendButton) { this.clear(); this.input.value = "/"; this.input.focus(); this.typed(); }
    };
    for (const option of leaf.options) if (option.required) this.addField(option);
    this.drawOptional();
    this.hint.textContent = leaf.description;
    this.focus();
  }

  drawOptional() {
    const open = this.chosen.leaf.options.filter((o) => !this.chosen.fields.has(o.name));
    this.rest.replaceChildren(...open.map((option) => {
      const chip = node("button", { type: "button", class: "add", title: option.description }, "+ " + option.name);
      chip.addEventListener("click", () => { this.addField(option).focus(); this.drawOptional(); });
      return chip;
    }));
    this.rest.style.display = "contents";
  }

  addField(option) {
    const isFile = option.type === 11;
    const control = node("input", {
      type: isFile ? "file" : "text", placeholder: option.choices?.length ? "choose one" : kinds[option.type] ?? "", autocomplete: "off", "aria-label": option.name + ": " + option.description,
      inputmode: option.type === 4 ? "numeric" : option.type === 10 ? "decimal" : null, "aria-required": String(Boolean(option.required)),
    });
    const label = node("label", { class: option.required ? "required" : "", title: option.description }, node("span", {}, option.name), control);
    this.chosen.fields.set(option.name, { option, control, label, value: undefined });
    this.rest.before(label);
    control.addEventListener("focus", () => { this.hint.textContent = describe(option); this.suggest(option); });
    control.addEventListener("input", () => {
      label.classList.remove("wrong");
      this.complain("");
      this.chosen.fields.get(option.name).value = undefined;
      this.suggest(option);
    });
    control.addEventListener("blur", () => setTimeout(() => { if (!this.isInside(document.activeElement)) this.hideMenu(); }, 120));
    control.addEventListener("keydown", (event) => this.fieldKey(event, option));
    return control;
  }

  fieldKey(event, option) {
    const field = this.chosen.fields.get(option.name);
    const isFilled = field.control.value !== "";
    // Enter in a filled free field sends; in a list it takes what is selected, unless a value was taken already.
    const takesFromMenu = !this.menu.hidden && this.items.length && field.value === undefined && (isFilled || event.key !== "Enter" || option.required);
    if (takesFromMenu && this.menuKey(event)) return;
    if (event.key === "Enter") { event.preventDefault(); this.send(); }
    if (event.key === "Backspace" && !isFilled) {
      event.preventDefault();
      if (option.required) { this.clear(); this.input.value = "/"; this.input.focus(); this.typed(); return; }
      field.label.remove();
      this.chosen.fields.delete(option.name);
      this.drawOptional();
      this.hideMenu();
      this.focus();
    }
  }

  /// Offers what may stand in an option: its choices, members, channels, roles, or what the bot suggests.
  async suggest(option) {
    const field = this.chosen.fields.get(option.name);
    const text = field.control.value.toLowerCase().replace(/^[@#]/, "");
    const offer = (list) => this.showMenu(option.name, list.map((entry) => ({
      name: entry.label, what: entry.note, pick: () => {
        field.control.value = entry.label;
        field.value = entry.value;
        this.hideMenu();
        this.next(field);
      },
    })), "Nothing matches.");
    if (option.choices?.length) {
      offer(option.choices.filter((c) => c.name.toLowerCase().includes(text)).map((c) => ({ label: c.name, value: c.value })));
    } else if (option.type === 5) {
      offer([{ label: "true", value: true }, { label: "false", value: false }].filter((c) => c.label.startsWith(text)));
    } else if ([6, 7, 8, 9].includes(option.type)) {
      const kind = { 6: 5, 7: 8, 8: 6, 9: 7 }[option.type];
      let list = this.context.entities(kind);
      if (option.type === 7 && option.channel_types?.length) list = list.filter((c) => option.channel_types.includes(0) || !c.type);
      offer(list.filter((e) => e.label.toLowerCase().includes(text) || e.note?.toLowerCase().includes(text)));
    } else if (option.autocomplete) {
      clearTimeout(this.autocompleteTimer);
      this.autocompleteTimer = setTimeout(async () => {
        try {
          const answer = await this.call("POST", "/commands", { ...this.body(true), focused: option.name, wait: 3000 });
          if (document.activeElement === field.control && field.control.value.toLowerCase().replace(/^[@#]/, "") === text) {
            offer((answer.choices ?? []).map((c) => ({ label: c.name, value: c.value })));
          }
        } catch (error) { this.complain(error.message); }
      }, 150);
    } else {
      this.hideMenu();
    }
  }

  next(after) {
    const open = [...this.chosen.fields.values()].find((f) => f !== after && f.option.required && f.control.value === "");
    (open?.control ?? this.sendButton).focus();
  }

  body(isPartial) {
    const { leaf, fields } = this.chosen;
    const options = {};
    for (const { option, control, value, file } of fields.values()) {
      if (option.type === 11) { if (file) options[option.name] = file; continue; }
      if (control.value === "" && !(isPartial && control === document.activeElement)) continue;
      options[option.name] = value ?? control.value;
    }
    return { user: this.state.user, channel: this.state.channel, application: leaf.command.application_id, command: leaf.name, options };
  }

  async send() {
    const { fields } = this.chosen;
    for (const field of fields.values()) {
      if (field.option.required && field.control.value === "") {
        field.label.classList.add("wrong");
        field.control.focus();
        this.complain(`The option ${field.option.name} is required.`);
        return;
      }
      const upload = field.control.files?.[0];
      if (upload) field.file = { filename: upload.name, contentType: upload.type || undefined, base64: await base64(upload) };
    }
    try {
      await this.call("POST", "/commands", this.body(false));
      this.clear();
      this.input.focus();
      this.toEnd();
    } catch (error) {
      const wrong = [...fields.values()].find((f) => error.message.startsWith(f.option.name + " ") || error.message.startsWith(f.option.name + ":"));
      wrong?.label.classList.add("wrong");
      wrong?.control.focus();
      this.complain(error.message);
      if (this.pills.hidden) this.chosen = null;
    }
  }

  // MARK: Scripts

  /// Types and sends lines one after the other (`/?run=/ping&run=hello`), waiting for a command to be registered.
  async play(lines) {
    for (const line of lines) {
      const name = line.slice(1).split(" ")[0];
      for (let tries = 0; line.startsWith("/") && tries < 50; tries++) {
        if (this.commands.some((c) => c.name === name || c.name.startsWith(name + " "))) break;
        await new Promise((done) => setTimeout(done, 200));
        await this.load();
      }
      this.input.value = line;
      // A command alone is left open with its menu: `/?run=/`.
      if (line === "/" || line.endsWith(" ")) { this.input.focus(); this.typed(); return; }
      await this.key(new KeyboardEvent("keydown", { key: "Enter" }));
      await new Promise((done) => setTimeout(done, 400));
    }
  }
}

function leaves(command, name, description, options) {
  const inner = options.filter((o) => o.type <= 2);
  if (!inner.length) return [{ command, name, description, options }];
  return inner.flatMap((o) => leaves(command, name + " " + o.name, o.description, o.options ?? []));
}

function describe(option) {
  const range = [option.min_value !== undefined && `at least ${option.min_value}`, option.max_value !== undefined && `at most ${option.max_value}`,
    option.min_length && `at least ${option.min_length} characters`, option.max_length && `at most ${option.max_length} characters`].filter(Boolean);
  return `${option.name} (${[kinds[option.type], ...range].join(", ")}): ${option.description}`;
}

export async function base64(file) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  let text = "";
  for (let index = 0; index < bytes.length; index += 32768) text += String.fromCharCode(...bytes.subarray(index, index + 32768));
  return btoa(text);
}
