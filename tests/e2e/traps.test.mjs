// After a trap of the wasm module, such as a panic, later requests of the Worker and of all its objects work, nothing
// is half written, and the requests in flight fail instead of waiting for ever.
//
// In workerd, all objects share one instance of the module with the Worker, so a trap in one of them ends them all.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ADMIN_TOKEN, Admin } from './support/admin.mjs';
import { until } from './support/bounded.mjs';
import { Device } from './support/device.mjs';
import { startFaulty } from './support/faults.mjs';
import { within } from './support/harness.mjs';
import { listen } from './support/listener.mjs';
import { Person } from './support/person.mjs';
import { keepSecret } from './support/secrets.mjs';
import { events, families, grants, ledger, liveCodes, outbox, rows } from './support/stored.mjs';

const LATE = 10_000;
/** Milliseconds within which a request in flight must fail. */
const PROMPT = 5_000;
const one = { SHARDS_PER_REGION: '1' };
const authorized = { authorization: `Bearer ${ADMIN_TOKEN}` };
/** A destination that gets no event in these tests. */
const DESTINATION = { id: 'nobody', kind: 'webhook', url: 'https://nobody.example/', what: ['approved'] };

describe('a trap', () => {
  test('in a call without an await, the constructor of an object, leaves the Worker and the object usable', async (t) => {
    const { server, send } = await startFaulty(t, { vars: one });
    await send('/.well-known/openid-configuration');

    await trapped(server, 'constructor', () => new Device(server).start());

    await wholeFlow(server);
    assert.equal(grants(server).length, 1);
  });

  test('after an await in the Worker leaves the Worker and the object usable', async (t) => {
    const { server } = await startFaulty(t, { vars: one });
    const device = await Device.start(server);
    const before = stored(server);

    await trapped(server, 'answer', () => device.poll());

    assert.deepEqual(stored(server), before);
    await new Person(server).approve(device.userCode);
    await device.redeem();
    await wholeFlow(server);
  });

  test('after an await in an object drops what the object has written outside a transaction', async (t) => {
    const { server } = await startFaulty(t, { vars: one });
    const person = new Person(server);
    await person.approve((await Device.start(server)).userCode);
    const guess = () => person.enter('BBBB-BBBB');

    await trapped(server, 'write', guess);

    assert.equal(wrongEntries(server), 0);
    await guess();
    assert.equal(wrongEntries(server), 1);
    await wholeFlow(server);
  });

  test('in a timer keeps what it has stored, and the object goes on', async (t) => {
    const { server } = await startFaulty(t, { vars: one });
    const guess = async () => assert.equal((await fetch(`${server.origin}/admin/api/clients`, { headers: { authorization: 'Bearer a guess' } })).status, 401);
    const areStored = (number) => until(() => attempts(server) === number, LATE, `the attempts were not ${number}`);
    await guess();
    await areStored(1);

    await trapped(server, 'write', async () => {
      await guess();
      return until(() => server.logs().includes('provoked after a write'), LATE, 'the attempt was not stored');
    });

    assert.equal(attempts(server), 2);
    await guess();
    await areStored(3);
    await wholeFlow(server);
  });

  test('in a transaction changes nothing, and the object goes on', async (t) => {
    const { server } = await startFaulty(t, { vars: one });
    const device = await Device.start(server);
    await new Person(server).approve(device.userCode);
    const before = stored(server);

    await trapped(server, 'transaction', () => new Device(server).start());

    assert.deepEqual(stored(server), before);
    assert.equal((await device.redeem()).status, 200);
    assert.equal((await device.refresh()).status, 200);
    assert.equal(events(server).filter(({ what }) => what === 'redeemed').length, 1);
    await wholeFlow(server);
  });

  test('in an alarm leaves nothing half done, and the runtime rings the alarm again', async (t) => {
    const vars = { ...one, CODE_LIFETIME_SECONDS: '10', REDEMPTION_GRACE_SECONDS: '0' };
    const { server, later } = await startFaulty(t, { vars });
    await Device.start(server);
    await until(() => grants(server)[0].ends_at < Date.now(), 12_000, 'the code did not end');
    await later();

    await trapped(server, 'alarm', () => until(() => server.logs().includes('provoked in an alarm'), LATE, 'the alarm did not ring'));

    await until(() => grants(server).length === 0 && outbox(server).length === 0, LATE, 'the alarm did not ring again');
    assert.deepEqual(ledger(server).map(({ record }) => record.event.what), ['device_authorization', 'expired']);
    await wholeFlow(server);
  });

  test('at a message over a WebSocket changes nothing, and devices hear that they should ask', async (t) => {
    const { server } = await startFaulty(t, { vars: one });
    const [talker, listener] = [await Device.start(server), await Device.start(server)];
    const [spoken, line] = [await listen(talker), await listen(listener)];
    const before = stored(server);

    await trapped(server, 'message', async () => {
      spoken.send('hello');
      return until(() => server.logs().includes('"what":"trap"'), LATE, 'the message was not heard');
    });

    assert.deepEqual(stored(server), before);
    await new Person(server).approve(listener.userCode);
    assert.deepEqual(await line.ended, { messages: ['ask now'], code: 1000, reason: 'ask now' });
    await listener.redeem();
    spoken.send('hello again');
    assert.deepEqual(await spoken.ended, { messages: [], code: 1008, reason: 'send nothing' });
    await wholeFlow(server);
  });

  test('in a transaction of the object that counts and has the destinations changes nothing, and the object goes on', async (t) => {
    const { server, send } = await startFaulty(t, { vars: one });
    const admin = new Admin(server);
    await admin.ask('GET', '/destinations');

    await trapped(server, 'transaction', () => send('/admin/api/destinations', posting(DESTINATION)));

    assert.deepEqual([counted(server, 'destinations'), counted(server, 'outbox')], [0, 0]);
    await addDestination(admin);
    assert.deepEqual([counted(server, 'destinations'), counted(server, 'outbox')], [1, 1]);
    await wholeFlow(server);
  });

  test('in the alarm of a courier leaves nothing half done, and the runtime rings the alarm again', async (t) => {
    const { server, send } = await startFaulty(t, { vars: one });
    const admin = new Admin(server);
    await addDestination(admin);
    await admin.ask('GET', `/destinations/${DESTINATION.id}`);
    assert.equal(couriers(server), 1);

    // The object that belonged to the destination deletes all that it has, in its alarm.
    await trapped(server, 'courier', async () => {
      await send(`/admin/api/destinations/${DESTINATION.id}`, { method: 'DELETE', headers: { ...authorized, 'if-match': '*' } }).catch(() => {});
      return until(() => server.logs().includes('provoked in a courier'), LATE, 'the alarm did not ring');
    });

    await until(() => couriers(server) === 0, LATE, 'the alarm did not ring again');
    assert.equal((await admin.ask('GET', `/destinations/${DESTINATION.id}`)).status, 404);
    await wholeFlow(server);
  });
});

/**
 * Arms a fault, and runs `provoke` while another request waits for another object, the registry. Checks that both end
 * promptly, and neither well.
 */
async function trapped(server, fault, provoke) {
  await fetch(`${server.origin}/panic-probe/slow-registry`);
  const beside = fetch(`${server.origin}/admin/api/clients`, { headers: authorized });
  await until(() => server.logs().includes('the registry waits'), LATE, 'no request waited for the registry');
  await fetch(`${server.origin}/panic-probe/slow-registry,${fault}`);

  const provoked = await within(LATE, provoke(), 'the request that trapped had no answer').catch(failure);
  const inFlight = await within(PROMPT, beside, 'the request in flight had no answer').catch(failure);

  if (provoked !== true) assert.ok(provoked.failed || provoked.status >= 500, JSON.stringify(provoked));
  assert.ok(inFlight.failed || inFlight.status >= 500, `the request in flight: ${inFlight.status}`);
  assert.equal(server.logs().split('"what":"trap"').length, 2, 'the module was started again once');
}

/** Returns a request that failed otherwise than by having no answer. */
function failure(error) {
  if (/had no answer/.test(error.message)) throw error;
  return { failed: error.message };
}

/** Starts, approves, redeems, refreshes, lists alerts and outboxes, and reads a destination, which needs every class of objects. */
async function wholeFlow(server) {
  assert.equal((await fetch(`${server.origin}/healthz`)).status, 200);
  const device = await Device.start(server);
  await new Person(server).approve(device.userCode);
  await device.redeem();
  assert.equal((await device.refresh()).status, 200);
  const alerts = await fetch(`${server.origin}/admin/api/alerts`, { headers: authorized });
  assert.equal(alerts.status, 200);
  const admin = new Admin(server);
  assert.equal((await admin.ask('GET', '/outboxes')).status, 200, 'the ledger answers');
  const destination = { id: 'signals', kind: 'shared_signals', url: 'https://signals.example/', audience: 'https://signals.example', enabled: false };
  assert.equal((await admin.ask('POST', '/destinations', { body: destination })).status, 201);
  assert.equal((await admin.ask('GET', '/destinations/signals')).status, 200, 'the courier answers');
}

/** Returns the options of a request that posts JSON to the admin API. */
function posting(body) {
  return { method: 'POST', headers: { ...authorized, 'content-type': 'application/json' }, body: JSON.stringify(body) };
}

/** Adds the destination, whose secret is in no log. */
async function addDestination(admin) {
  const { status, body } = await admin.ask('POST', '/destinations', { body: DESTINATION });
  assert.equal(status, 201, JSON.stringify(body));
  keepSecret('the secret of a destination', body.secret);
}

/** Returns how many rows a table of the object that counts has. */
function counted(server, table) {
  return rows(server, 'Counts', `SELECT 1 FROM ${table}`).length;
}

/** Returns how many couriers have tables. */
function couriers(server) {
  return rows(server, 'Courier', "SELECT 1 FROM sqlite_master WHERE name = 'deliveries'").length;
}

/** Returns how many attempts count. A record has them in buckets: `[at, gap, number, …]`. */
function attempts(server) {
  const buckets = rows(server, 'LimiterShard', 'SELECT record FROM counters').flatMap(({ record }) => record.attempts ?? []);
  return buckets.reduce((sum, [, , number]) => sum + number, 0);
}

/** Returns how many wrong user codes were reported. */
function wrongEntries(server) {
  const entries = rows(server, 'LimiterShard', 'SELECT record FROM counters').flatMap(({ record }) => record.entries ?? []);
  return entries.reduce((sum, { wrong }) => sum + wrong, 0);
}

function grantsAndEvents(server) {
  return { grants: grants(server), families: families(server), outbox: outbox(server) };
}

/** Returns what is stored about grants, with the counters of live codes. */
function stored(server) {
  return { ...grantsAndEvents(server), counts: liveCodes(server) };
}
