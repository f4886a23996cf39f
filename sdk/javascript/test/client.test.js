import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, beforeEach, test } from 'node:test';
import { KillTrackerError, SCKillTrackerAPI } from '../index.js';

let server;
let baseURL;
let requests;
let answers;

before(async () => {
  server = createServer(async (request, response) => {
    let body = '';
    for await (const piece of request) body += piece;
    requests.push({ method: request.method, url: request.url, headers: request.headers, body: body && JSON.parse(body) });
    const [status, json, headers = {}] = answers.shift() ?? [200, { success: true, data: {} }];
    response.writeHead(status, { 'Content-Type': 'application/json', ...headers });
    response.end(typeof json === 'string' ? json : JSON.stringify(json));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  baseURL = `http://127.0.0.1:${server.address().port}/`;
});
after(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  requests = [];
  answers = [];
});

const good = (data, status = 200) => [status, { success: true, data }];
const api = (options = {}) => new SCKillTrackerAPI({ baseURL, token: 'TOKEN', ...options });

test('the documented samples ask for the documented paths', async () => {
  answers = [good({ totalKills: 127 }), good({ id: 'kill_1' }, 201)];
  const stats = await api().users.getStats();
  const kill = await api().kills.create({ victimId: 'victim_id', serverId: 'server_id', weapon: 'Laser Cannon' });
  assert.equal(stats.totalKills, 127);
  assert.equal(kill.id, 'kill_1');
  assert.deepEqual(requests.map(({ method, url }) => `${method} ${url}`), [
    'GET /api/v1/users/me/stats', 'POST /api/v1/kills',
  ]);
  assert.equal(requests[0].headers.authorization, 'Bearer TOKEN');
  assert.deepEqual(requests[1].body, { victimId: 'victim_id', serverId: 'server_id', weapon: 'Laser Cannon' });
  assert.match(requests[1].headers['idempotency-key'], /^[0-9a-f-]{36}$/);
});

test('servers, game data and logs are asked for where the documents have them', async () => {
  answers = [
    good([{ id: '9' }]), good({ prefix: '?' }), [200, { success: true, data: [{ name: 'Aurora MR' }], count: 1 }],
    [200, { success: true, data: { name: 'Aurora MR' } }], [200, { files: [{ filePath: '/logs/Game.log' }] }],
    [200, { filePath: '/logs/Game.log', lines: 4 }],
  ];
  const client = api();
  assert.equal((await client.servers.list())[0].id, '9');
  assert.equal((await client.servers.updateSettings('9', { leaderboardChannel: null })).prefix, '?');
  assert.equal((await client.game.ships())[0].name, 'Aurora MR');
  assert.equal((await client.game.ship('Aurora MR')).name, 'Aurora MR');
  const [file] = await client.logs.files();
  assert.equal((await client.logs.parse(file.filePath, { includePvE: false })).lines, 4);
  assert.deepEqual(requests.map(({ method, url }) => `${method} ${url}`), [
    'GET /api/v1/servers', 'PATCH /api/v1/servers/9/settings', 'GET /api/sc/ships', 'GET /api/sc/ships/Aurora%20MR',
    'GET /api/logs/files', 'POST /api/logs/parse',
  ]);
  assert.deepEqual(requests[1].body, { leaderboardChannel: null });
  assert.deepEqual(requests[5].body, { filePath: '/logs/Game.log', parseOptions: { includePvE: false } });
});

test('a refused request is an error with the words of the server', async () => {
  const error = { code: 'VALIDATION_ERROR', message: 'limit: no', details: { field: 'limit', reason: 'no' } };
  answers = [[422, { success: false, error }, { 'X-Request-Id': 'abc' }]];
  await assert.rejects(api().kills.list({ limit: 500 }), (caught) => {
    assert.ok(caught instanceof KillTrackerError);
    assert.equal(caught.code, 'VALIDATION_ERROR');
    assert.equal(caught.status, 422);
    assert.equal(caught.details.field, 'limit');
    assert.equal(caught.requestId, 'abc');
    return true;
  });
  assert.equal(requests[0].url, '/api/v1/kills?limit=500');
});

test('what was refused for its rate is sent again, with the same key', async () => {
  const error = { code: 'RATE_LIMIT_EXCEEDED', message: 'later' };
  answers = [[429, { success: false, error }, { 'Retry-After': '0' }], good({ id: 'kill_2' }, 201)];
  assert.equal((await api().kills.create({ victimName: 'x' })).id, 'kill_2');
  assert.equal(requests.length, 2);
  assert.equal(requests[0].headers['idempotency-key'], requests[1].headers['idempotency-key']);
});

test('a server error is not repeated where that could do something twice', async () => {
  answers = [[500, 'no json']];
  await assert.rejects(api().webhooks.create({ name: 'a', url: 'https://a.example', events: [] }), { status: 500 });
  assert.equal(requests.length, 1);
});

test('all kills come page by page', async () => {
  const page = (number) =>
    good({ kills: [{ id: `kill_${number}` }], pagination: { page: number, limit: 1, total: 2, pages: 2 } });
  answers = [page(1), page(2)];
  const found = [];
  for await (const kill of api().kills.all({ limit: 1 })) found.push(kill.id);
  assert.deepEqual(found, ['kill_1', 'kill_2']);
});

test('a login is carried by later requests, and by none after the logout', async () => {
  answers = [good({ token: 'NEW', expiresIn: 86400, user: {} }), good({}), good({})];
  const client = api({ token: undefined });
  await client.auth.discord({ code: 'code', state: 'state' });
  await client.auth.logout();
  await client.users.me();
  assert.deepEqual(requests.map((request) => request.headers.authorization), [undefined, 'Bearer NEW', undefined]);
});

test('no answer is an error that says so', async () => {
  const client = new SCKillTrackerAPI({ baseURL: 'http://127.0.0.1:1', retries: 0 });
  await assert.rejects(client.users.me(), { code: 'NO_ANSWER' });
});

test('events are heard, and the connection comes back', async () => {
  const sockets = [];
  class FakeSocket {
    constructor(url) {
      this.url = url;
      this.sent = [];
      sockets.push(this);
    }
    send(text) { this.sent.push(JSON.parse(text)); }
    close(code) { this.closed = code; }
  }
  const heard = [];
  const connection = api({ WebSocket: FakeSocket }).connect({ 'kill.created': (data) => heard.push(data.kill.id) });
  sockets[0].onopen();
  assert.deepEqual(sockets[0].sent, [{ type: 'auth', token: 'TOKEN' }]);
  sockets[0].onmessage({ data: JSON.stringify({ type: 'kill.created', data: { kill: { id: 'kill_9' } } }) });
  assert.deepEqual(heard, ['kill_9']);
  sockets[0].onclose({ code: 1013, reason: '' });
  while (sockets.length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
  sockets[1].onclose({ code: 4401, reason: 'token' });
  connection.close();
  assert.equal(sockets.length, 2);
  assert.equal(sockets[1].closed, 1000);
});
