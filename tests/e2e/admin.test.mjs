// An operator's changes are stored, take effect, and are not lost to concurrent changes by somebody else.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import * as oauth from 'oauth4webapi';
import { Admin } from './support/admin.mjs';
import { clients } from './support/config.mjs';
import { DEVICE_GRANT, Device } from './support/device.mjs';
import { startWorkerd, startWrangler } from './support/harness.mjs';
import { Person } from './support/person.mjs';
import { endDiscreetly, keepSecret, knowClient } from './support/secrets.mjs';

const INITIAL_ACCESS_TOKEN = keepSecret('the initial access token', 'an-initial-access-token-of-the-tests');
const sha256 = (text) => createHash('sha256').update(text).digest('hex');

let server, admin;
before(async () => {
  server = await startWorkerd({ twin: true, vars: { POLL_INTERVAL_SECONDS: '1', INITIAL_ACCESS_TOKEN_SHA256: sha256(INITIAL_ACCESS_TOKEN) } });
  admin = new Admin(server);
  // Created before the twin's first request, so that the twin caches these clients and does not have to look them up.
  for (const client_id of ['disabled', 'refreshing']) await admin.create(device(client_id));
});
after(() => endDiscreetly(server));

const device = (client_id, members = {}) => ({
  client_id, client_name: 'A device', grant_types: [DEVICE_GRANT, 'refresh_token'], scope: 'openid offline_access', token_endpoint_auth_method: 'none', ...members,
});

describe('clients', () => {
  test('a client and its scope survive a restart, and a deleted client stays deleted', async () => {
    const own = await startWorkerd();
    const operator = new Admin(own);
    await operator.ask('PUT', '/scopes/fly', { body: { description: 'Fly your drone' } });
    const { etag, body } = await operator.create(device('drone', { scope: 'fly', contacts: ['drone@example.com'] }));
    await operator.ask('DELETE', `/clients/${clients.tv.client_id}`, { ifMatch: '*' });

    await own.kill9();
    await own.restart();

    const read = await operator.read('drone');
    assert.deepEqual([read.etag, read.body], [etag, body]);
    assert.equal((await operator.read(clients.tv.client_id)).status, 404, 'a demo client that was deleted does not come back');
    assert.equal((await operator.ask('GET', '/scopes/fly')).body.description, 'Fly your drone');
    const drone = await Device.start(own, { client: { client_id: 'drone' }, scope: 'fly' });
    const person = new Person(own);
    await person.approve(drone.userCode);
    assert.equal((await drone.redeem()).scope, 'fly');
    await endDiscreetly(own);
  });

  test('listing page by page misses nothing and repeats nothing, even when a client is added in between', async () => {
    for (let n = 0; n < 5; n++) await admin.create(device(`paged-${n}`));
    const seen = [];
    for (let cursor = ''; cursor !== undefined; ) {
      const { body } = await admin.ask('GET', `/clients?limit=2${cursor && `&cursor=${cursor}`}`);
      seen.push(...body.clients.map(({ client_id }) => client_id));
      if (seen.length === 2) await admin.create(device('aaa-before-all'));
      cursor = body.next_cursor;
    }
    assert.deepEqual(seen, [...new Set(seen)].sort());
    assert.deepEqual(seen.filter((id) => id.startsWith('paged-')), [0, 1, 2, 3, 4].map((n) => `paged-${n}`));
  });

  test('of many updates that start from the same state, one succeeds', async () => {
    const { etag } = await admin.create(device('contended'));
    const names = Array.from({ length: 10 }, (_, n) => `Name ${n}`);

    const answers = await Promise.all(names.map((client_name) =>
      admin.ask('PUT', '/clients/contended', { body: device('contended', { client_name }), ifMatch: etag })));

    const [winner, ...others] = answers.filter(({ status }) => status === 200);
    assert.deepEqual(others, []);
    assert.deepEqual(answers.filter(({ status }) => status !== 200).map(({ status }) => status), Array(9).fill(412));
    assert.equal((await admin.read('contended')).body.client_name, winner.body.client_name);
  });

  test('an empty If-Match, which the runtime hides, changes nothing where one is needed', async () => {
    await admin.create(device('unmatched'));

    const refused = [await admin.patch('unmatched', { owner: 'Team' }, ''), await admin.ask('DELETE', '/clients/unmatched', { ifMatch: '' })];

    assert.deepEqual(refused.map(({ status }) => status), [428, 428]);
    assert.equal((await admin.read('unmatched')).body.version, 1);
  });

  test('of many simultaneous patches, none undoes another', async () => {
    await admin.create(device('patched'));
    const members = { owner: 'Team', consent_text: 'Words.', client_uri: 'https://a.example', policy_uri: 'https://b.example', tos_uri: 'https://c.example' };

    const answers = await Promise.all(Object.entries(members).map(([name, value]) => admin.patch('patched', { [name]: value })));

    const { body } = await admin.read('patched');
    const done = Object.keys(members).filter((_, at) => answers[at].status === 200);
    assert.ok(done.length > 0 && answers.every(({ status }) => [200, 412].includes(status)));
    assert.deepEqual(Object.keys(members).filter((name) => body[name]), done);
    assert.equal(body.version, 1 + done.length);
  });

  test('of many attempts to create the same client, one succeeds, and its secret works', async () => {
    const wanted = device('raced', { token_endpoint_auth_method: 'client_secret_post' });
    const answers = await Promise.all(Array.from({ length: 10 }, () => admin.ask('POST', '/clients', { body: wanted })));

    const created = answers.filter(({ status }) => status === 201);
    assert.deepEqual([created.length, answers.filter(({ status }) => status === 409).length], [1, 9]);
    await Device.start(server, { client: { client_id: 'raced', client_secret: created[0].body.client_secret } });
  });

  // The device polls an isolate other than the one that makes the change, and nothing notifies the device's isolate.
  test('a client that is disabled after approval gets no tokens, with immediate effect in every isolate', async () => {
    const tv = await Device.start(server.twin, { client: { client_id: 'disabled' } });
    await new Person(server.twin).approve(tv.userCode);

    assert.equal((await admin.patch('disabled', { enabled: false })).status, 200);

    const { status, error } = await tv.poll();
    assert.deepEqual([status, error], [400, 'access_denied']);
  });

  test('a disabled client cannot refresh, and can again once it is enabled', async () => {
    const tv = await Device.start(server.twin, { client: { client_id: 'refreshing' } });
    await new Person(server.twin).approve(tv.userCode);
    await tv.redeem();

    assert.equal((await admin.patch('refreshing', { enabled: false })).status, 200);
    for (const where of [server.twin, server]) {
      tv.server = where;
      const { status, error } = await tv.refresh();
      assert.deepEqual([status, error], [400, 'invalid_grant']);
    }

    assert.equal((await admin.patch('refreshing', { enabled: true })).status, 200);
    for (const where of [server.twin, server]) {
      tv.server = where;
      assert.equal((await tv.refresh()).status, 200);
    }
  });

  test('during an overlap both secrets work, until it ends', async () => {
    const first = await admin.create(device('rotated', { token_endpoint_auth_method: 'client_secret_post' }));
    const client = (answer) => ({ client_id: 'rotated', client_secret: answer.body.client_secret });

    const second = await admin.ask('POST', '/clients/rotated/secret', { body: { overlap: 3600 } });

    for (const answer of [first, second]) await Device.start(server, { client: client(answer) });
    const third = await admin.ask('POST', '/clients/rotated/secret', { body: { overlap: 0 } });
    for (const answer of [first, second]) {
      const tv = new Device(server, { client: client(answer) });
      assert.equal((await tv.start()).error, 'invalid_client');
    }
    await Device.start(server, { client: client(third) });
  });

  test('every change leaves a line in the log, without a secret', async () => {
    await admin.create(device('logged', { token_endpoint_auth_method: 'client_secret_post' }));
    await admin.patch('logged', { enabled: false });
    await admin.ask('POST', '/clients/logged/secret');
    await admin.ask('DELETE', '/clients/logged', { ifMatch: '*' });

    const lines = server.logs().split('\n').filter((line) => line.includes('"logged"')).map((line) => JSON.parse(line));
    assert.deepEqual(lines.map(({ what, outcome }) => [what, outcome]), [
      ['admin', 'client_created'], ['admin', 'client_changed'], ['admin', 'client_secret_rotated'], ['admin', 'client_deleted'],
    ]);
  });
});

test('changes that come faster than KV accepts writes are all published', async (t) => {
  const own = await startWrangler();
  t.after(() => endDiscreetly(own));
  const operator = new Admin(own);
  const names = Array.from({ length: 6 }, (_, n) => `fast-${n}`);

  await Promise.all(names.map((name) => operator.ask('PUT', `/scopes/${name}`, { body: { description: 'Fast' } })));

  const metadata = await (await fetch(`${own.origin}/.well-known/oauth-authorization-server`)).json();
  assert.deepEqual(metadata.scopes_supported.filter((name) => name.startsWith('fast-')), names);
});

describe('dynamic registration', () => {
  test('a stock client registers, and signs somebody in with the credentials it received', async () => {
    const insecure = { [oauth.allowInsecureRequests]: true };
    const issuer = new URL(server.origin);
    const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, insecure));
    assert.equal(as.registration_endpoint, `${server.origin}/register`);
    const metadata = { client_name: 'Registered TV', grant_types: [DEVICE_GRANT], redirect_uris: [], token_endpoint_auth_method: 'client_secret_post' };

    const response = await oauth.dynamicClientRegistrationRequest(as, metadata, { ...insecure, initialAccessToken: INITIAL_ACCESS_TOKEN });
    const client = await oauth.processDynamicClientRegistrationResponse(response);

    keepSecret('a registered secret', client.client_secret);
    knowClient(client.client_id);
    const tv = await Device.start(server, { client, scope: 'openid' });
    await new Person(server).approve(tv.userCode);
    assert.equal((await tv.redeem()).scope, 'openid');
    assert.equal((await admin.read(client.client_id)).body.owner, 'dynamic registration');
  });

  test('without the initial access token registration is refused', async () => {
    const response = await fetch(`${server.origin}/register`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' });
    assert.deepEqual([response.status, (await response.json()).error], [401, 'invalid_token']);
    assert.match(response.headers.get('www-authenticate'), /^Bearer /);
  });
});
