// Client of the Star Citizen Kill Tracker API v1. Runs in browsers and in Node 18 or later, without dependencies.

/** What the server, or the way to it, refused. */
export class KillTrackerError extends Error {
  constructor(message, { code, status, details, requestId, retryAfter, cause } = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'KillTrackerError';
    this.code = code;
    this.status = status;
    this.details = details;
    this.requestId = requestId;
    this.retryAfter = retryAfter;
  }
}

const defaults = { baseURL: 'http://localhost:3001', timeout: 30_000, retries: 2 };
// What may be sent again without doing it twice.
const repeatable = new Set(['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE']);

export class SCKillTrackerAPI {
  #options;
  #token;

  constructor(options = {}) {
    this.#options = { ...defaults, ...options };
    this.#options.baseURL = String(this.#options.baseURL).replace(/\/+$/, '');
    this.#options.fetch ??= (...parameters) => globalThis.fetch(...parameters);
    this.#token = options.token;
    const request = this.request.bind(this);
    this.auth = new Auth(request, (token) => { this.#token = token; });
    this.users = new Users(request);
    this.kills = new Kills(request);
    this.leaderboards = new Leaderboards(request);
    this.servers = new Servers(request);
    this.bot = new Bot(request);
    this.apiKeys = new APIKeys(request);
    this.webhooks = new Webhooks(request);
    this.analytics = new Analytics(request);
    this.game = new Game(request);
    this.logs = new Logs(request);
  }

  /** The token or API key that requests carry now: `auth` changes it. */
  get token() { return this.#token; }

  /**
   * Sends a request below `/api/v1` and returns the `data` of its answer. `root` is another beginning: with `/api`, the
   * reference's, the answer is what stands under `data`, or the body as it is.
   */
  async request(method, path, { query, body, headers, repeat = repeatable.has(method), signal, root = '/api/v1' } = {}) {
    const url = new URL(`${this.#options.baseURL}${root}${path}`);
    for (const [name, value] of Object.entries(query ?? {})) {
      if (value !== undefined && value !== null) url.searchParams.set(name, toText(value));
    }
    const all = { Accept: 'application/json', ...headers };
    if (this.#token) all.Authorization = `Bearer ${this.#token}`;
    if (body !== undefined) all['Content-Type'] = 'application/json';
    for (let attempt = 0; ; attempt += 1) {
      const mayRepeat = repeat && attempt < this.#options.retries;
      const timeout = AbortSignal.timeout(this.#options.timeout);
      let response;
      let text;
      try {
        response = await this.#options.fetch(url.href, {
          method,
          headers: all,
          body: body === undefined ? undefined : JSON.stringify(body),
          signal: signal ? anySignal(signal, timeout) : timeout,
        });
        text = await response.text();
      } catch (cause) {
        if (signal?.aborted) throw signal.reason;
        if (mayRepeat) {
          await pause(backoff(attempt), signal);
          continue;
        }
        throw new KillTrackerError(`no answer from ${url.origin}: ${cause.message}`, { code: 'NO_ANSWER', cause });
      }
      const retryAfter = seconds(response.headers.get('Retry-After'));
      // A refused request was not carried out: it may always be sent again.
      if (response.status === 429 && attempt < this.#options.retries && (retryAfter ?? 1) <= 60) {
        await pause((retryAfter ?? 1) * 1000, signal);
        continue;
      }
      if (response.status >= 500 && mayRepeat) {
        await pause(backoff(attempt), signal);
        continue;
      }
      return read(response, text, retryAfter, root === '/api/v1');
    }
  }

  /**
   * Listens to events. Connects anew when the connection is lost; events of the meantime do not come again.
   * Needs a global WebSocket (browsers, Node 22) or `options.WebSocket`.
   */
  connect(handlers = {}) {
    const WebSocket = this.#options.WebSocket ?? globalThis.WebSocket;
    if (!WebSocket) throw new KillTrackerError('there is no WebSocket here: pass one as options.WebSocket');
    return new Connection(WebSocket, this.#options.baseURL.replace(/^http/, 'ws') + '/ws', () => this.#token, handlers);
  }
}

class Auth {
  #request;
  #setToken;
  constructor(request, setToken) {
    this.#request = request;
    this.#setToken = setToken;
  }
  /** Logs in with the code of a Discord authorization; later requests carry the token. */
  async discord({ code, state }) {
    const login = await this.#request('POST', '/auth/discord', { body: { code, state } });
    this.#setToken(login.token);
    return login;
  }
  /** Renews the token, which ends; later requests carry the new one. */
  async refresh() {
    const renewed = await this.#request('POST', '/auth/refresh');
    this.#setToken(renewed.token);
    return renewed;
  }
  /** Ends the login. */
  async logout() {
    const done = await this.#request('POST', '/auth/logout');
    this.#setToken(undefined);
    return done;
  }
}

class Users {
  #request;
  constructor(request) { this.#request = request; }
  me() { return this.#request('GET', '/users/me'); }
  update(changes) { return this.#request('PATCH', '/users/me', { body: changes }); }
  getStats() { return this.#request('GET', '/users/me/stats'); }
}

class Kills {
  #request;
  constructor(request) { this.#request = request; }
  list(filter = {}) { return this.#request('GET', '/kills', { query: filter }); }
  /** All kills of a filter, page by page. */
  async *all(filter = {}) {
    for (let page = filter.page ?? 1; ; page += 1) {
      const { kills, pagination } = await this.list({ limit: 100, ...filter, page });
      yield* kills;
      if (kills.length === 0 || page >= pagination.pages) return;
    }
  }
  get(id) { return this.#request('GET', `/kills/${part(id)}`); }
  /**
   * Records a kill. Each call is one kill, however often it has to be sent: it carries an `Idempotency-Key`. Give your own
   * to make several calls one kill.
   */
  create(kill, { idempotencyKey = globalThis.crypto.randomUUID() } = {}) {
    return this.#request('POST', '/kills', {
      body: kill, headers: { 'Idempotency-Key': idempotencyKey }, repeat: true,
    });
  }
  update(id, changes) { return this.#request('PATCH', `/kills/${part(id)}`, { body: changes }); }
  delete(id) { return this.#request('DELETE', `/kills/${part(id)}`); }
}

class Leaderboards {
  #request;
  constructor(request) { this.#request = request; }
  get(filter = {}) { return this.#request('GET', '/leaderboards', { query: filter }); }
}

class Servers {
  #request;
  constructor(request) { this.#request = request; }
  list() { return this.#request('GET', '/servers'); }
  get(id) { return this.#request('GET', `/servers/${part(id)}`); }
  getSettings(id) { return this.#request('GET', `/servers/${part(id)}/settings`); }
  updateSettings(id, settings) { return this.#request('PATCH', `/servers/${part(id)}/settings`, { body: settings }); }
}

class Bot {
  #request;
  constructor(request) { this.#request = request; }
  status() { return this.#request('GET', '/bot/status'); }
  statistics() { return this.#request('GET', '/bot/statistics'); }
  restart() { return this.#request('POST', '/bot/restart'); }
}

class APIKeys {
  #request;
  constructor(request) { this.#request = request; }
  list() { return this.#request('GET', '/api-keys'); }
  /** The answer holds the key's text, this once. */
  create(key) { return this.#request('POST', '/api-keys', { body: key }); }
  update(id, changes) { return this.#request('PATCH', `/api-keys/${part(id)}`, { body: changes }); }
  delete(id) { return this.#request('DELETE', `/api-keys/${part(id)}`); }
}

class Webhooks {
  #request;
  constructor(request) { this.#request = request; }
  list() { return this.#request('GET', '/webhooks'); }
  create(webhook) { return this.#request('POST', '/webhooks', { body: webhook }); }
  test(id) { return this.#request('POST', `/webhooks/${part(id)}/test`); }
  delete(id) { return this.#request('DELETE', `/webhooks/${part(id)}`); }
}

class Analytics {
  #request;
  constructor(request) { this.#request = request; }
  kills(filter = {}) { return this.#request('GET', '/analytics/kills', { query: filter }); }
  users(filter = {}) { return this.#request('GET', '/analytics/users', { query: filter }); }
  servers(filter = {}) { return this.#request('GET', '/analytics/servers', { query: filter }); }
}

/** What is known of the game: of the reference. */
class Game {
  #request;
  constructor(request) {
    this.#request = (path) => request('GET', path, { root: '/api' });
  }
  ships() { return this.#request('/sc/ships'); }
  ship(name) { return this.#request(`/sc/ships/${part(name)}`); }
  player(handle) { return this.#request(`/sc/players/${part(handle)}`); }
  location(name) { return this.#request(`/sc/locations/${part(name)}`); }
  system(name) { return this.#request(`/sc/systems/${part(name)}`); }
}

/** Logs on the server's machine: of the reference. */
class Logs {
  #request;
  constructor(request) {
    this.#request = (method, path, body) => request(method, path, { root: '/api', body });
  }
  async directories() { return (await this.#request('GET', '/logs/directories')).directories; }
  async files() { return (await this.#request('GET', '/logs/files')).files; }
  validate(filePath) { return this.#request('POST', '/logs/validate', { filePath }); }
  /** Records what a log tells. Parsing it again changes nothing. */
  parse(filePath, { includePvE, includePvP, serverId } = {}) {
    return this.#request('POST', '/logs/parse', { filePath, serverId, parseOptions: { includePvE, includePvP } });
  }
}

/** A connection for events that comes back by itself until it is closed. */
class Connection {
  #socket;
  #isClosed = false;
  #failures = 0;
  #timer;

  constructor(WebSocket, url, token, handlers) {
    const open = () => {
      const socket = new WebSocket(url);
      this.#socket = socket;
      socket.onopen = () => socket.send(JSON.stringify({ type: 'auth', token: token() }));
      socket.onmessage = (message) => {
        this.#failures = 0;
        let event;
        try {
          event = JSON.parse(message.data);
        } catch (error) {
          handlers.onError?.(error);
          return;
        }
        handlers.onEvent?.(event);
        handlers[event.type]?.(event.data);
      };
      socket.onerror = (error) => handlers.onError?.(error);
      socket.onclose = ({ code, reason }) => {
        handlers.onClose?.({ code, reason });
        // 4xxx: the server has said no for good, for example to the token.
        if (this.#isClosed || (code >= 4000 && code < 5000)) return;
        this.#timer = setTimeout(open, backoff(this.#failures));
        this.#failures += 1;
      };
    };
    open();
  }

  close() {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#socket?.close(1000);
  }
}

function read(response, text, retryAfter, isWrapped) {
  let body;
  try {
    body = text === '' ? {} : JSON.parse(text);
  } catch {
    body = undefined;
  }
  if (response.ok && body?.success !== false) return isWrapped ? body?.data : (body?.data ?? body);
  const error = body?.error ?? {};
  throw new KillTrackerError(error.message ?? `the server answered ${response.status}`, {
    code: error.code,
    status: response.status,
    details: error.details,
    requestId: response.headers.get('X-Request-Id') ?? undefined,
    retryAfter,
  });
}

const part = (text) => encodeURIComponent(String(text));
const toText = (value) => (value instanceof Date ? value.toISOString() : String(value));
const seconds = (text) => (text !== null && /^\d+$/.test(text) ? Number(text) : undefined);
const backoff = (failures) => Math.min(500 * 2 ** failures, 30_000) * (0.75 + Math.random() / 2);

function pause(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, milliseconds);
    signal?.addEventListener('abort', stop, { once: true });
  });
}

// AbortSignal.any is younger than Node 18.
function anySignal(...signals) {
  const controller = new AbortController();
  for (const signal of signals) {
    if (signal.aborted) controller.abort(signal.reason);
    else signal.addEventListener('abort', () => controller.abort(signal.reason), { once: true });
  }
  return controller.signal;
}
