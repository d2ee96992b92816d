// Events reach their destinations, whatever the receivers do and whatever crashes on the way; security event tokens are what a
// library for JWTs verifies.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { Webhook } from 'standardwebhooks';
import { Admin } from './support/admin.mjs';
import { until } from './support/bounded.mjs';
import { Device } from './support/device.mjs';
import { change, ringIn } from './support/faults.mjs';
import { startWorkerd } from './support/harness.mjs';
import { Person } from './support/person.mjs';
import { endDiscreetly, keepSecret } from './support/secrets.mjs';
import { ledger, rows, waiting } from './support/stored.mjs';

const LATE = 180_000;
const SOON = 500;
const REVOKED = 'https://schemas.openid.net/secevent/caep/event-type/session-revoked';
const AUTHORIZATION = keepSecret('the authorization of a receiver', 'Bearer of-shared-signals');

test('a webhook gets what it wants once its receiver works, although another is dead and everything crashes on the way', async (t) => {
  const [good, dead] = [await openReceiver(t), await openReceiver(t)];
  const server = await started(t);
  const admin = new Admin(server);
  good.answers.push(fails(500), slow, fails(302));
  dead.default = slow;
  const created = await admin.ask('POST', '/destinations', { body: { id: 'good', kind: 'webhook', url: good.url, what: ['approved'] } });
  const old = keepSecret('the secret of a destination', created.body.secret);
  await add(admin, { id: 'dead', kind: 'webhook', url: dead.url });
  const rotated = await admin.ask('POST', '/destinations/good/secret');
  const renewed = keepSecret('the secret of a destination', rotated.body.secret);
  const device = await Device.start(server);
  await new Person(server).approve(device.userCode);

  await arrive(server, () => good.received.length >= 1);
  await until(async () => (await waitingFor(admin, 'good')) > 0, LATE, 'nothing waits');
  await crash(server, () => {});
  await until(() => good.received.length >= 4, LATE, 'the delivery was not repeated until it arrived');
  await until(async () => (await waitingFor(admin, 'good')) === 0, LATE, 'the delivery stays');

  const bodies = good.received.map(({ headers, body }) => {
    for (const secret of [old, renewed]) assert.deepEqual(new Webhook(secret).verify(body, headers), JSON.parse(body));
    return body;
  });
  assert.equal(new Set(bodies).size, 1, 'each attempt says the same');
  assert.equal(new Set(good.received.map(({ headers }) => headers['webhook-id'])).size, 1);
  const { data, type } = JSON.parse(bodies[0]);
  assert.equal(type, 'grant.approved');
  assert.deepEqual((await admin.ask('GET', '/events?what=approved')).body.events, [data], 'the API returns what was delivered');
  assert.ok(dead.received.length >= 1 && (await waitingFor(admin, 'dead')) > 1, 'the other one waits');
  const { body: state } = await admin.ask('GET', '/destinations/dead');
  assert.equal(state.deliveries.last_error, 'timeout');
  assert.ok(state.deliveries.failing_since > 0);

  // A ledger that has forgotten what was acknowledged tells everything again.
  const count = good.received.length;
  await crash(server, () => change(server, 'Ledger', 'UPDATE fed SET seq = 0'));
  await until(() => rows(server, 'Ledger', 'SELECT seq FROM fed').every(({ seq }) => seq > 0), LATE, 'the records were not told again');
  assert.equal(await waitingFor(admin, 'good'), 0);
  assert.equal(good.received.length, count, 'nothing is delivered twice');

  assert.equal((await admin.ask('DELETE', '/destinations/dead', { ifMatch: '*' })).status, 204);
  await until(() => !waiting(server).length, LATE, 'what waited for a destination that is gone is kept');
});

test('a receiver of Shared Signals hears that a device and an account have ended, and what it refuses can be resent', async (t) => {
  const receiver = await openReceiver(t);
  const server = await started(t);
  const admin = new Admin(server);
  const audience = 'https://signals.example';
  await add(admin, { id: 'signals', kind: 'shared_signals', url: receiver.url, audience, authorization: AUTHORIZATION });
  const shown = await admin.ask('GET', '/destinations/signals');
  assert.ok(!JSON.stringify(shown.body).includes(AUTHORIZATION));
  const tried = await admin.ask('POST', '/destinations/signals/test');
  assert.deepEqual([tried.body.delivered, tried.body.status], [true, 202]);
  receiver.received.length = 0;
  receiver.answers.push((response) => response.writeHead(400, { 'content-type': 'application/json' }).end('{"err":"invalid_audience","description":"x"}'));
  const device = await Device.start(server);
  await new Person(server).approve(device.userCode);
  await device.redeem();
  const { body: { devices: [ended] } } = await admin.ask('GET', '/accounts/local:alice/devices');
  await admin.ask('POST', '/accounts/local:alice/devices/end', { body: {} });
  await admin.ask('POST', '/accounts/local:alice/block', { body: {} });

  await arrive(server, () => receiver.received.length >= 2);
  await until(() => !waiting(server).length, LATE, 'a delivery stays');
  const { body: { deliveries: [letter, ...others] } } = await admin.ask('GET', '/destinations/signals/deliveries?state=dead');
  assert.deepEqual([letter.last_error, letter.tries, others], ['status 400, invalid_audience', 1, []]);
  const resent = await admin.ask('POST', `/destinations/signals/deliveries/${letter.id}/resend`);
  assert.deepEqual([resent.status, resent.body], [200, { resent: 1 }]);
  await until(() => receiver.received.length >= 3 && !waiting(server).length, LATE, 'nothing was resent');

  const keys = createRemoteJWKSet(new URL(`${server.origin}/jwks.json`));
  const tokens = await Promise.all(receiver.received.map(async ({ headers, body }) => {
    assert.deepEqual([headers['content-type'], headers.authorization], ['application/secevent+jwt', AUTHORIZATION]);
    const { payload } = await jwtVerify(body, keys, { issuer: server.origin, audience, typ: 'secevent+jwt', algorithms: ['ES256'] });
    return payload;
  }));
  const user = { format: 'iss_sub', iss: server.origin, sub: 'acct-7f3a51c2' };
  const subject = { format: 'complex', user, device: { format: 'opaque', id: ended.approval_id }, session: { format: 'opaque', id: ended.id } };
  assert.deepEqual(tokens.map(({ sub_id }) => sub_id).filter(({ format }) => format === 'complex')[0], subject);
  assert.ok(tokens.some(({ sub_id }) => JSON.stringify(sub_id) === JSON.stringify(user)), 'the account was blocked');
  for (const { events, jti } of tokens) {
    assert.equal(events[REVOKED].initiating_entity, 'admin');
    const recorded = ledger(server).find(({ id }) => id === jti).record.event;
    assert.equal(events[REVOKED].event_timestamp, Math.floor(recorded.at / 1_000));
  }
  assert.equal(tokens.filter(({ jti }) => jti === letter.event_id).length, 2, 'the same token again');
});

/** Adds a destination, whose secret, if it has one, is in no log. */
async function add(admin, destination) {
  const { status, body } = await admin.ask('POST', '/destinations', { body: destination });
  assert.equal(status, 201, JSON.stringify(body));
  keepSecret('the secret of a destination', body.secret);
}

/** Lets the alarms on the way to a courier ring soon, instead of on the minute. */
async function arrive(server, has) {
  await crash(server, () => {});
  await until(has, LATE, 'nothing was delivered');
}

/** Kills the server, does something to its state, and lets all alarms ring soon. */
async function crash(server, meanwhile) {
  await server.kill9();
  meanwhile();
  for (const name of ['GrantShard', 'AccountShard', 'Registry', 'Counts', 'Ledger', 'Courier']) ringIn(SOON, server, name);
  await server.restart();
}

/** Returns how many events wait for a destination. */
async function waitingFor(admin, id) {
  return (await admin.ask('GET', `/destinations/${id}`)).body.deliveries.waiting;
}

async function started(t) {
  const server = await startWorkerd({ vars: { SHARDS_PER_REGION: '1' } });
  t.after(() => endDiscreetly(server, { besides: [/"what":"courier","outcome":"unavailable"/] }));
  return server;
}

const fails = (status) => (response) => response.writeHead(status, { location: '/elsewhere' }).end();
const slow = () => {};
const accepts = (response) => response.writeHead(202).end();

/** A receiver that notes what it gets, and answers as `answers` says, one function for each request, and then as `default`. */
async function openReceiver(t) {
  const receiver = { received: [], answers: [], default: accepts };
  const server = createServer(async (request, response) => {
    receiver.received.push({ headers: request.headers, body: await text(request) });
    (receiver.answers.shift() ?? receiver.default)(response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  receiver.url = `http://127.0.0.1:${server.address().port}/hook`;
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return receiver;
}
