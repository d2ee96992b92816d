// A deception that a person reports reaches the log, the ledger and the webhook, whatever the receiver does.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { Webhook } from 'standardwebhooks';
import { Admin } from './support/admin.mjs';
import { past, until } from './support/bounded.mjs';
import { accounts } from './support/config.mjs';
import { Device } from './support/device.mjs';
import { startWorkerd } from './support/harness.mjs';
import { listen } from './support/listener.mjs';
import { Person } from './support/person.mjs';
import { at } from './support/places.mjs';
import { endDiscreetly, keepSecret } from './support/secrets.mjs';
import { grants, ledger, rows } from './support/stored.mjs';

const LATE = 60_000;
const [OLD, NEW] = ['MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 'q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQ'].map((key) => keepSecret('a secret of the webhook', `whsec_${key}`));
const LAGOS = { city: 'Lagos', country: 'NG', latitude: '6.45407', longitude: '3.39467', asn: 37148, asOrganization: 'Example Mobile', colo: 'LOS' };
const BERLIN = { city: 'Berlin', region: 'Berlin', country: 'DE', latitude: '52.52437', longitude: '13.41053', asn: 3320, asOrganization: 'Example Telecom', colo: 'TXL' };
/** The warnings that wait; with `first` 0, also the row that says how long they do. */
const deliveries = (server, first = 1) => rows(server, 'GrantShard', `SELECT seq, due FROM deliveries WHERE seq >= ${first}`);
/** What a log has besides decisions: failures of the webhook. */
const besides = [/"what":"webhook","outcome":"unavailable"/];

test('a report is delivered to a receiver that redirects, is slow, and then answers; meanwhile the ledger has it', async (t) => {
  const receiver = await openReceiver(t);
  const server = await started(t, receiver);
  receiver.answers.push(
    (response) => response.writeHead(302, { location: '/elsewhere' }).end(),
    () => {},
    (response) => response.writeHead(204).end(),
  );

  await report(server);
  await until(() => receiver.received.length === 1, LATE, 'nothing was delivered');
  await until(() => ledger(server).some(({ record }) => record.event.what === 'reported'), LATE, 'the ledger waits for the webhook');
  assert.equal(deliveries(server).length, 1);
  await server.kill9();
  await server.restart();
  await until(() => receiver.received.length === 3 && deliveries(server, 0).length === 0, LATE, 'the delivery was not repeated until it arrived');

  assert.deepEqual(receiver.received.map(({ url }) => url), ['/hook', '/hook', '/hook'], 'no redirect is followed');
  const bodies = receiver.received.map(({ headers, body }) => {
    for (const secret of [OLD, NEW]) assert.deepEqual(new Webhook(secret).verify(body, headers), JSON.parse(body));
    assert.throws(() => new Webhook(OLD).verify(body.replace('Lagos', 'Berlin'), headers));
    return body;
  });
  assert.equal(new Set(bodies).size, 1, 'each attempt says the same');
  assert.equal(new Set(receiver.received.map(({ headers }) => headers['webhook-id'])).size, 1);
  const { type, data } = JSON.parse(bodies[0]);
  const [{ key }] = grants(server);
  assert.deepEqual([type, data.event.subject, data.event.account, data.event.client_id], ['grant.reported', key, 'acct-7f3a51c2', 'demo-tv']);
  const { body } = await new Admin(server).ask('GET', '/events?what=reported&account=acct-7f3a51c2');
  assert.deepEqual(body, { events: [data] }, 'the API returns what was delivered');
  assert.match(server.logs(), /"what":"webhook".*the response has status 302/);
  assert.match(server.logs(), /"what":"webhook".*no response in time/);
});

test('a code in two hands is delivered, and the warning in the log names both accounts', async (t) => {
  const receiver = await openReceiver(t);
  const server = await started(t, receiver);
  receiver.answers.push((response) => response.writeHead(200).end('x'.repeat(1_000_000)));
  const device = await Device.start(server, { headers: at(LAGOS) });
  await new Person(server, { headers: at(BERLIN) }).consider(device.userCode);

  const bob = new Person(server, { account: accounts.bob, headers: at(BERLIN) });
  await bob.enter(device.userCode);
  await bob.signIn();

  await until(() => receiver.received.length === 1 && deliveries(server).length === 0, LATE, 'nothing was delivered');
  const { event } = JSON.parse(receiver.received[0].body).data;
  assert.deepEqual([event.what, event.account, event.other_account], ['contested', 'acct-b42c9e07', 'acct-7f3a51c2']);
  const warnings = server.logs().split('\n').filter((line) => line.includes('"what":"warning"')).map((line) => JSON.parse(line));
  assert.deepEqual(warnings, [{ what: 'warning', outcome: 'contested', event }]);
});

test('the owner of an exception hears a day before its end', async (t) => {
  const receiver = await openReceiver(t);
  const server = await started(t, receiver);
  const expires_at = new Date(Date.now() + 86_401_000).toISOString();
  const exception = { id: 'bob', when: { clients: ['tv'], accounts: ['local:bob'] }, owner: 'alice@example.com', reason: 'A test', ticket: 'SEC-1', expires_at };
  const { status, body } = await new Admin(server).ask('POST', '/exceptions', { body: exception });
  assert.equal(status, 201, JSON.stringify(body));

  // The alarm rings on the minute.
  await until(() => receiver.received.length > 0, 2 * LATE, 'nothing was delivered');

  const { type, data: { event } } = JSON.parse(receiver.received[0].body);
  assert.deepEqual([type, event.subject, event.by], ['registry.exception_ending', 'bob', 'server']);
  assert.deepEqual(event.exception, { owner: 'alice@example.com', expires_at: Date.parse(expires_at) });
  assert.match(server.logs(), /"what":"warning","outcome":"exception_ending"/);
});

test('without a webhook, a report is still in the log, and nothing waits', async (t) => {
  const server = await started(t);

  const person = await report(server);

  assert.match(person.consent, /This request comes from Lagos ?, Nigeria ?\. You are in Berlin ?, Germany ?\./);
  assert.match(person.consent, /about 5,200 km away/);
  const [warning] = server.logs().split('\n').filter((line) => line.includes('"what":"warning"')).map((line) => JSON.parse(line));
  assert.deepEqual([warning.outcome, warning.event.comparison], [
    'reported',
    {
      verdict: { is: 'far' },
      kilometers: 5_200,
      device: { country: 'NG', city: 'Lagos', asn: 37148, kind: 'Unknown device' },
      person: { country: 'DE', city: 'Berlin', asn: 3320, kind: 'Unknown device' },
    },
  ]);
  assert.deepEqual(deliveries(server), []);
});

test('an invitation into administration, and a new admin token, are delivered with who made them', async (t) => {
  const receiver = await openReceiver(t);
  const server = await started(t, receiver);
  const admin = new Admin(server);
  for (let count = 0; count < 2; count++) receiver.answers.push((response) => response.writeHead(204).end());

  const { body: token } = await admin.ask('POST', '/tokens', { body: { id: 'root', owner: 'Team', scopes: ['people', 'tokens'] } });
  const maker = new Admin(server, { token: token.token });
  assert.equal((await maker.ask('POST', '/invitations', { body: { groups: ['local:staff'] } })).status, 201);
  const { body: invited } = await maker.ask('POST', '/invitations', { body: { kind: 'first_administrator' } });

  await until(() => receiver.received.length === 2, LATE, 'nothing was delivered');
  const told = receiver.received.map(({ headers, body }) => new Webhook(NEW).verify(body, headers));
  assert.deepEqual(told.map(({ type, data: { event } }) => [type, event.subject, event.granted]), [
    ['registry.admin_token_created', 'root', ['people', 'tokens']],
    ['registry.administrator_invited', invited.id, ['administration']],
  ]);
  assert.deepEqual(told[1].data.event.by, { token: { id: 'root', owner: 'Team' } });
  await until(() => rows(server, 'Registry', 'SELECT seq FROM deliveries').length === 0, LATE, 'the deliveries stay');
});

test('the first access of a client to an account is delivered as a notice, once, and is no warning', async (t) => {
  const receiver = await openReceiver(t);
  const server = await started(t, receiver);
  receiver.answers.push((response) => response.writeHead(204).end());
  for (let count = 0; count < 2; count++) {
    const device = await Device.start(server, { headers: at(LAGOS) });
    await new Person(server, { headers: at(BERLIN) }).approve(device.userCode);
    await device.redeem();
  }

  await until(() => receiver.received.length === 1, LATE, 'nothing was delivered');
  const { type, data } = new Webhook(NEW).verify(receiver.received[0].body, receiver.received[0].headers);
  assert.deepEqual([type, data.event.client_id, data.event.account], ['grant.first_access', 'demo-tv', 'acct-7f3a51c2']);
  await until(() => rows(server, 'AccountShard', 'SELECT seq FROM deliveries').length === 0, LATE, 'the delivery stays');
  await until(() => ledger(server).some(({ record }) => record.event.what === 'first_access'), LATE, 'the ledger has no event');
  assert.equal(ledger(server).filter(({ record }) => record.event.what === 'first_access').length, 1);
  assert.doesNotMatch(server.logs(), /"what":"warning"/);
});

test('a receiver that does not answer delays the end of no WebSocket', async (t) => {
  const receiver = await openReceiver(t);
  const server = await started(t, receiver, { CODE_LIFETIME_SECONDS: '15', REDEMPTION_GRACE_SECONDS: '600' });
  const device = await Device.start(server);
  const [{ record }] = grants(server);
  const line = await listen(device);
  const person = await considering(server);
  await past(record.expires_at - 2_000);
  assert.ok(line.isOpen());

  await person.decide('report');
  await until(() => receiver.received.length === 1, LATE, 'nothing was delivered');
  assert.ok(Date.now() < record.expires_at, 'the alarm began before the end of the code');

  assert.equal(await line.heard, 'ask now');
  assert.doesNotMatch(server.logs(), /no response in time/, 'the alarm still waits for the receiver');
});

async function started(t, receiver, more) {
  const vars = { SHARDS_PER_REGION: '1', ...receiver?.vars, ...more };
  const server = await startWorkerd({ vars });
  t.after(() => endDiscreetly(server, { besides }));
  return server;
}

/** Alice in Berlin looks at a code that was requested in Lagos. */
async function considering(server) {
  const device = await Device.start(server, { headers: { ...at(LAGOS), 'user-agent': '' } });
  const person = new Person(server, { headers: { ...at(BERLIN), 'user-agent': '' } });
  await person.consider(device.userCode);
  person.consent = person.page.text;
  return person;
}

/** Then she reports it. */
async function report(server) {
  const person = await considering(server);
  await person.decide('report');
  person.mustRead(200, 'Refused and reported');
  return person;
}

/** A receiver that notes what it gets, and answers as `answers` says, one function for each request. */
async function openReceiver(t) {
  const [received, answers] = [[], []];
  const receiver = createServer(async (request, response) => {
    received.push({ url: request.url, headers: request.headers, body: await text(request) });
    answers.shift()?.(response);
  });
  receiver.listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  t.after(() => {
    receiver.closeAllConnections();
    receiver.close();
  });
  const vars = { EVENTS_WEBHOOK: `http://127.0.0.1:${receiver.address().port}/hook`, EVENTS_WEBHOOK_SECRET: `${NEW},${OLD}` };
  return { received, answers, vars };
}
