// One page asks every five seconds: twelve of the thirty requests that an address may make in a minute. Further pages of
// the same browser listen to it; a hidden page does not ask at all.
'use strict';

const interval = 5000;
const address = '/monitor/live';
const tokenName = 'adjutant-token';
const element = id => document.getElementById(id);
const number = new Intl.NumberFormat();
const latencies = [];

let isPaused = false;
let lastAnswer = null;
let lastStatus = '';

// Asking

const sleep = (milliseconds, signal) => new Promise(resolve => {
  const timer = setTimeout(resolve, milliseconds);
  signal.addEventListener('abort', () => { clearTimeout(timer); resolve(); }, { once: true });
});

/// Asks once. Returns what to show, and how long to wait.
async function ask() {
  const headers = {};
  const token = sessionStorage.getItem(tokenName);
  if (token) headers.Authorization = 'Bearer ' + token;
  try {
    const response = await fetch(address, { headers, cache: 'no-store', signal: AbortSignal.timeout(10000) });
    if (response.status === 401 || response.status === 403) {
      return { message: { login: true, refused: token !== null }, pause: null };
    }
    if (response.status === 429) {
      const seconds = Number(response.headers.get('Retry-After')) || 10;
      return { message: { trouble: `Asked too often from this address; the next figures come in ${seconds} s.` }, pause: seconds * 1000 };
    }
    const body = await response.json();
    if (!response.ok) return { message: { trouble: body.error?.message ?? `The bot answers ${response.status}.` }, pause: interval };
    return { message: { data: body }, pause: interval };
  } catch {
    return { message: { trouble: 'The bot does not answer. Trying again.' }, pause: interval };
  }
}

const channel = 'BroadcastChannel' in window ? new BroadcastChannel('adjutant-monitor') : null;
if (channel) channel.onmessage = event => { if (!isPaused) show(event.data); };

async function lead(signal) {
  while (!signal.aborted) {
    const { message, pause } = await ask();
    if (signal.aborted) return;
    show(message);
    // A token is this page's own: what it opens is not for pages without one.
    if (message.data && !sessionStorage.getItem(tokenName)) channel?.postMessage(message);
    if (pause === null) return;
    await sleep(pause, signal);
  }
}

let work = null;

function begin() {
  if (work || document.hidden || isPaused) return;
  work = new AbortController();
  const { signal } = work;
  if (navigator.locks && channel && !sessionStorage.getItem(tokenName)) {
    navigator.locks.request('adjutant-monitor', { signal }, () => lead(signal)).catch(() => {});
  } else {
    lead(signal);
  }
}

function end() {
  work?.abort();
  work = null;
}

document.addEventListener('visibilitychange', () => document.hidden ? end() : begin());

element('pause').addEventListener('click', event => {
  isPaused = !isPaused;
  event.target.setAttribute('aria-pressed', String(isPaused));
  event.target.textContent = isPaused ? 'Continue' : 'Pause';
  isPaused ? end() : begin();
});

element('login').addEventListener('submit', event => {
  event.preventDefault();
  sessionStorage.setItem(tokenName, element('token').value.trim());
  element('token').value = '';
  element('login').hidden = true;
  end();
  begin();
});

// Showing

function show(message) {
  if (message.login) {
    sessionStorage.removeItem(tokenName);
    element('login').hidden = false;
    setTrouble(message.refused ? 'That token was refused.' : '');
    setStatus('unknown', 'token needed');
    return;
  }
  if (message.trouble) {
    setTrouble(lastAnswer ? `${message.trouble} Last figures: ${lastAnswer.toLocaleTimeString()}.` : message.trouble);
    element('main').classList.add('stale');
    setStatus('unknown', 'no answer');
    return;
  }
  element('login').hidden = true;
  element('main').classList.remove('stale');
  lastAnswer = new Date();
  draw(message.data);
}

function setTrouble(text) {
  const place = element('trouble');
  // Said once, not with every attempt.
  if (place.textContent !== text) place.textContent = text;
  place.hidden = text === '';
}

function setStatus(status, words) {
  if (words === lastStatus) return;
  lastStatus = words;
  const pill = element('status');
  pill.dataset.status = status;
  pill.textContent = words;
  document.title = words === 'healthy' ? 'Adjutant monitoring' : `${words} · Adjutant monitoring`;
}

function set(id, value) {
  element(id).textContent = typeof value === 'number' ? number.format(value) : value ?? '–';
}

function setPill(id, status) {
  element(id).dataset.status = status;
  element(id).textContent = status;
}

function setBar(bar, share) {
  bar.firstElementChild.style.width = `${Math.round(Math.min(1, Math.max(0, share || 0)) * 100)}%`;
}

function make(name, text, className) {
  const node = document.createElement(name);
  if (text !== undefined) node.textContent = text;
  if (className) node.className = className;
  return node;
}

function uptime(seconds) {
  const days = Math.floor(seconds / 86400), hours = Math.floor(seconds / 3600) % 24, minutes = Math.floor(seconds / 60) % 60;
  if (days > 0) return `up ${days} d ${hours} h`;
  return hours > 0 ? `up ${hours} h ${minutes} min` : minutes > 0 ? `up ${minutes} min` : `up ${seconds} s`;
}

function size(bytes) {
  const units = ['B', 'KiB', 'MiB', 'GiB'];
  let unit = 0;
  while (bytes >= 1024 && unit < units.length - 1) { bytes /= 1024; unit += 1; }
  return `${bytes.toFixed(bytes < 10 && unit > 0 ? 1 : 0)} ${units[unit]}`;
}

function draw({ health, shards, stats, logs, error }) {
  const { discord, database, memory } = health.checks;
  setStatus(health.status, health.status);
  setTrouble(error ?? (database.status === 'unhealthy' ? 'The database does not answer: statistics and the audit log cannot be shown.' : ''));
  set('version', `version ${health.version}`);
  set('uptime', uptime(health.uptime));
  set('updated', `as of ${new Date(health.timestamp).toLocaleTimeString()}`);
  const maintenance = element('maintenance');
  maintenance.hidden = !health.maintenance;
  if (health.maintenance) {
    const since = new Date(health.maintenance.since).toLocaleString();
    const reason = health.maintenance.reason ? `: ${health.maintenance.reason}` : '';
    maintenance.textContent = `Maintenance since ${since}${reason}. Only owners can use commands.`;
  }

  set('guilds', discord.guilds);
  set('users', discord.users);
  setPill('discord-status', discord.status);
  setPill('database-status', database.status);
  setPill('memory-status', memory.status);
  set('latency', discord.latency);
  drawLatency(discord.latency);
  const { active, idle, total } = database.connections;
  set('connections', `${active} of ${total} connections at work, ${idle} idle`);
  setBar(element('connections-bar'), total ? active / total : 0);
  const { heapUsed, heapTotal, rss, external } = memory.usage;
  set('memory', `${size(rss)} in RAM; heap ${size(heapUsed)} of ${size(heapTotal)} used; ${size(external)} outside`);
  setBar(element('memory-bar'), heapTotal ? heapUsed / heapTotal : 0);
  drawShards(shards);
  if (stats) drawStatistics(stats);
  if (logs) drawLog(logs);
}

function drawLatency(latency) {
  latencies.push(latency);
  if (latencies.length > 120) latencies.shift();
  const highest = Math.max(50, ...latencies);
  const points = latencies.map((value, index) => `${120 - (latencies.length - 1 - index)},${(30 - 28 * value / highest).toFixed(1)}`);
  const chart = element('latency-chart');
  chart.firstElementChild.setAttribute('points', points.join(' '));
  chart.setAttribute('aria-label', `Latency since this page was opened: ${latency} ms now, ${Math.max(...latencies)} ms at most`);
}

function drawShards(shards) {
  const ready = shards.filter(shard => shard.ready).length;
  set('shard-count', shards.length ? `${number.format(ready)} of ${number.format(shards.length)} ready` : '');
  // Those that need somebody come first; a bot may have hundreds.
  const some = [...shards].sort((a, b) => a.ready - b.ready || a.id - b.id).slice(0, 200);
  const rows = some.map(shard => {
    const row = make('tr');
    const state = make('td');
    state.append(make('span', shard.state, 'pill'));
    state.firstChild.dataset.status = shard.ready ? 'healthy' : shard.state === 'failed' ? 'unhealthy' : 'degraded';
    row.append(make('td', `${shard.id} of ${shard.total}`), state,
      make('td', shard.latency === null ? '–' : `${number.format(shard.latency)} ms`, 'number'),
      make('td', number.format(shard.disconnections), 'number'));
    return row;
  });
  element('shards').replaceChildren(...(rows.length ? rows : [emptyRow('No shard yet', 4)]));
}

function emptyRow(text, columns) {
  const row = make('tr', undefined, 'none');
  const cell = make('td', text);
  cell.colSpan = columns;
  row.append(cell);
  return row;
}

function drawRanking(list, entries, none) {
  const highest = Math.max(1, ...entries.map(entry => entry.count));
  const items = entries.map(({ label, count }) => {
    const item = make('li');
    const bar = make('div', undefined, 'bar');
    bar.setAttribute('aria-hidden', 'true');
    bar.append(make('i'));
    setBar(bar, count / highest);
    item.append(make('b', label), make('span', number.format(count)), bar);
    return item;
  });
  list.replaceChildren(...(items.length ? items : [make('li', none, 'none')]));
}

function drawStatistics({ bot, database, activity, topCommands, rateLimit }) {
  set('channels', bot.channels);
  set('daily', activity.daily_actions);
  set('weekly', activity.weekly_actions);
  set('active-users', activity.daily_active_users);
  set('active-guilds', activity.daily_active_guilds);
  set('db-guilds', database.guilds);
  set('db-users', database.users);
  set('db-tracked', database.tracked_guilds);
  set('db-economy', database.economy_users);
  set('db-tickets', database.open_tickets);
  set('db-giveaways', database.active_giveaways);
  set('limit-entries', rateLimit.totalEntries);
  set('limit-blocked', rateLimit.blacklistedCount);
  drawRanking(element('commands'), topCommands.map(({ command, count }) => ({ label: command, count })), 'No command was used yet');
  drawRanking(element('offenders'), rateLimit.topOffenders.map(({ id, category, count }) => ({ label: `${id} (${category})`, count })), 'Nobody was refused');
}

function details(values) {
  return Object.entries(values).map(([name, value]) => `${name}: ${typeof value === 'string' ? value : JSON.stringify(value)}`).join(' · ');
}

function drawLog(lines) {
  const rows = lines.map(line => {
    const row = make('tr');
    const at = new Date(line.created_at);
    const isToday = at.toDateString() === new Date().toDateString();
    const time = make('time', isToday ? at.toLocaleTimeString() : at.toLocaleString());
    time.dateTime = line.created_at;
    time.title = at.toLocaleString();
    const when = make('td');
    when.append(time);
    row.append(when, make('td', line.action), make('td', line.user_id === '0' ? '–' : line.user_id, 'id'),
      make('td', line.guild_id === '0' ? '–' : line.guild_id, 'id'), make('td', details(line.details), 'details'));
    return row;
  });
  element('log').replaceChildren(...(rows.length ? rows : [emptyRow('Nothing was done yet', 5)]));
}

begin();
