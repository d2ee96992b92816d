// A client registers itself, fails in a browser as VS Code does, signs in with a device code, and is gone when nobody
// has used it for thirty days.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { Admin } from './support/admin.mjs';
import { until } from './support/bounded.mjs';
import { Device } from './support/device.mjs';
import { startWorkerd, temporaryDirectory } from './support/harness.mjs';
import { Person } from './support/person.mjs';
import { MINUTE, redate } from './support/redate.mjs';
import { endDiscreetly, knowClient } from './support/secrets.mjs';
import { rows } from './support/stored.mjs';

const GRANT = 'urn:ietf:params:oauth:grant-type:device_code';
const DAY = 86_400_000;
/** Milliseconds from the restart of the server to the alarm, and by which a busy machine may ring it late. */
const [SOON, LATE] = [2_000, 8_000];
const vars = { OPEN_REGISTRATION: 'true', OPEN_REGISTRATION_SCOPES: 'openid offline_access', POLL_INTERVAL_SECONDS: '1' };

test('a client whose attempt in a browser ends at its loopback server goes on to the device code', async (t) => {
  const server = await startWorkerd({ vars });
  t.after(() => endDiscreetly(server));
  const client = await register(server);
  const loopback = createServer();
  t.after(() => loopback.close());
  loopback.listen(0, '127.0.0.1');
  await once(loopback, 'listening');
  const redirect_uri = `http://127.0.0.1:${loopback.address().port}/`;

  const attempt = once(loopback, 'request');
  const query = new URLSearchParams({ ...client, response_type: 'code', redirect_uri, state: 'q+/7mWb0n3Y2kJ5v8xTzAg==', code_challenge: 'x', code_challenge_method: 'S256' });
  const browser = fetch(`${server.origin}/authorize?${query}`);
  const [request, response] = await attempt;
  const { searchParams } = new URL(request.url, redirect_uri);
  // VS Code does the same, with the description as it comes. A character that is not allowed in a header would throw.
  response.writeHead(302, { location: `/done?error=${searchParams.get('error_description')}` });
  response.end();
  loopback.once('request', (_, done) => done.end('Sign-in failed'));

  assert.equal(await (await browser).text(), 'Sign-in failed');
  assert.deepEqual([searchParams.get('error'), searchParams.get('state'), searchParams.get('iss')], ['unauthorized_client', 'q+/7mWb0n3Y2kJ5v8xTzAg==', server.origin]);
  const device = await Device.start(server, { client, scope: 'openid offline_access' });
  await new Person(server).approve(device.userCode);
  assert.ok((await device.redeem()).access_token);
});

test('clients that nobody has used for thirty days are deleted by the alarm, and the others stay', async (t) => {
  const directory = temporaryDirectory();
  const server = await startWorkerd({ vars, dir: directory.path });
  t.after(async () => {
    await endDiscreetly(server);
    directory.remove();
  });
  const [unused, used] = [await register(server), await register(server)];
  const device = await Device.start(server, { client: used, scope: 'openid offline_access' });
  await new Person(server).approve(device.userCode);
  await device.redeem();
  const ends = Object.fromEntries(open(server).map(({ client_id, ends_at }) => [client_id, ends_at]));
  assert.ok(ends[used.client_id] > ends[unused.client_id], 'its use put the end off');

  await server.kill9();
  putOff(server, used);
  redate(directory.path, Date.now() + SOON - Math.ceil(ends[unused.client_id] / MINUTE) * MINUTE, ['Registry']);
  await server.restart();
  await until(() => open(server).length === 1, SOON + LATE, 'the client was not deleted');

  assert.equal(open(server)[0].client_id, used.client_id);
  const admin = new Admin(server);
  assert.deepEqual([(await admin.read(unused.client_id)).status, (await admin.read(used.client_id)).body.registered_by], [404, 'anyone']);
  assert.deepEqual(rows(server, 'Registry', 'SELECT * FROM removed_clients'), []);
});

test('when open registration is full, a new client takes the place of one that was never used', async (t) => {
  const directory = temporaryDirectory();
  const server = await startWorkerd({ vars, dir: directory.path });
  t.after(async () => {
    await endDiscreetly(server);
    directory.remove();
  });
  const [used, unused] = [await register(server), await register(server)];
  const device = await Device.start(server, { client: used, scope: 'openid offline_access' });
  await new Person(server).approve(device.userCode);
  await device.redeem();
  const { length } = open(server);

  await server.kill9();
  fill(server, unused, 500 - length, DAY);
  await server.restart();
  const fresh = await register(server);

  const left = open(server).map(({ client_id }) => client_id);
  assert.equal(left.length, 500, 'one has left');
  assert.ok(!left.includes('copy-1') && left.includes(used.client_id) && left.includes(unused.client_id) && left.includes(fresh.client_id));
  assert.equal((await device.refresh()).status, 200);
});

/** Stores copies of a client of a stopped server that registered `age` milliseconds earlier, the first before the others. */
function fill(server, { client_id }, count, age) {
  const numbers = `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count}) SELECT i FROM n`;
  for (const file of server.sqliteFiles('Registry')) {
    const database = new DatabaseSync(file);
    database.prepare(`INSERT INTO open_clients SELECT 'copy-' || i, ends_at - ${age} + i FROM open_clients, (${numbers}) WHERE client_id = ?`).run(client_id);
    const earlier = `json_set(record, '$.client_id', 'copy-' || i, '$.history.created_at', json_extract(record, '$.history.created_at') - ${age} + i)`;
    database.prepare(`INSERT INTO clients SELECT 'copy-' || i, ${earlier} FROM clients, (${numbers}) WHERE client_id = ?`).run(client_id);
    database.close();
  }
}

async function register(server) {
  const body = JSON.stringify({ client_name: 'Code', grant_types: ['authorization_code', 'refresh_token', GRANT], redirect_uris: ['http://127.0.0.1/'] });
  const response = await fetch(`${server.origin}/register`, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
  assert.equal(response.status, 201);
  return { client_id: knowClient((await response.json()).client_id) };
}

const open = (server) => rows(server, 'Registry', 'SELECT client_id, ends_at FROM open_clients');

/** Makes the last use of a client of a stopped server a day later. */
function putOff(server, { client_id }) {
  for (const file of server.sqliteFiles('Registry')) {
    const database = new DatabaseSync(file);
    database.prepare('UPDATE open_clients SET ends_at = ends_at + ? WHERE client_id = ?').run(DAY, client_id);
    const later = "UPDATE clients SET record = json_set(record, '$.used_at', json_extract(record, '$.used_at') + ?) WHERE client_id = ?";
    database.prepare(later).run(DAY, client_id);
    database.close();
  }
}
