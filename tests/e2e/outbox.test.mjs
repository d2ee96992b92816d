// Events reach the ledger, each once, whatever happens on the way: crashes, and ledgers that refuse or are slow.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, test } from 'node:test';
import { calculateJwkThumbprint, exportJWK, generateKeyPair } from 'jose';
import { Admin } from './support/admin.mjs';
import { until } from './support/bounded.mjs';
import { DEVICE_GRANT, Device } from './support/device.mjs';
import { change, ringIn, startFaulty } from './support/faults.mjs';
import { from } from './support/places.mjs';
import { keepSecret, knowClient } from './support/secrets.mjs';
import { ledger, ledgers, outbox, recorded, rows } from './support/stored.mjs';

const LATE = 60_000;
const DAY = 86_400_000;
const one = { SHARDS_PER_REGION: '1', CODE_LIFETIME_SECONDS: '600' };

describe('while events ship', () => {
  test('more than fit into one alarm reach the ledger, and a crash loses and doubles none', async (t) => {
    const { server, later } = await startFaulty(t, { vars: one });
    await Device.start(server);
    await later(() => copyEvents(server, 52_000));
    const numbers = outbox(server).map(({ seq }) => seq);

    for (const killed of [1, 10_000, 30_000]) {
      await until(() => recorded(server) >= killed, LATE, `${killed} events did not arrive`);
      await later();
    }
    await until(() => waitingShards(server) === 0, 2 * LATE, 'the events were not shipped');

    const ids = ledger(server).map(({ id }) => Number(id.split('/').at(-1)));
    assert.deepEqual(ids.sort((a, b) => a - b), numbers, 'each is recorded once');
    assertChained(server);
  });

  test('a row that cannot be read is set aside and named in the log, and those behind it arrive', async (t) => {
    const { server, later } = await startFaulty(t, { vars: one });
    await Device.start(server);
    await later(() => {
      copyEvents(server, 400);
      change(server, 'GrantShard', `UPDATE outbox SET event = '{"secret' WHERE seq IN (1, 300)`);
      // Alone in its batch, because it is for another ledger.
      change(server, 'GrantShard', `UPDATE outbox SET event = x'00', at = at - ${DAY} WHERE seq = 400`);
    });

    await until(() => waitingShards(server) === 0, LATE, 'the events were not shipped');

    assert.equal(ledger(server).length, 397);
    assert.deepEqual(rows(server, 'GrantShard', 'SELECT seq FROM set_aside').map(({ seq }) => seq), [1, 300, 400]);
    const lines = server.logs().split('\n').filter((line) => line.includes('"what":"event"'));
    assert.equal(lines.length, 3);
    assert.match(lines[1], /event weur\/0\/300 was set aside: it does not parse/);
    assert.match(lines[2], /event weur\/0\/400 was set aside: it is not a text/);
    assert.ok(!server.logs().includes('secret'));
    assert.equal((await outboxes(server)).set_aside, 3);
  });

  test('a ledger that is full delays only its own events, which arrive once it has room', async (t) => {
    const vars = { ...one, SHARDS_PER_REGION: '2' };
    const { server, later } = await startFaulty(t, { vars });
    await startIn(server, 2);
    await later();
    await until(() => outbox(server).length === 0, LATE, 'the first events were not shipped');
    const full = `CREATE TRIGGER full BEFORE INSERT ON events BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END`;
    const before = ledger(server).length;
    await startIn(server, 2);
    await later(() => {
      change(server, 'Ledger', full, (database) => holds(database, 'weur/0'));
      // Between two events for the next day's ledger, one for the ledger that is full.
      for (const later of [DAY, 0, DAY]) change(server, 'GrantShard', `INSERT INTO outbox (at, event) SELECT at + ${later}, event FROM outbox ORDER BY seq LIMIT 1`);
    });
    await until(() => waitingShards(server) === 1, LATE, 'the other shard did not ship');
    await until(() => server.logs().includes('"what":"ledger"'), LATE, 'the failure was not logged');
    const kept = outbox(server);
    assert.ok(kept.length > 0 && ledger(server).length > before);
    const { oldest_age: age, waiting } = await until(async () => {
      const found = await outboxes(server);
      return found.waiting === kept.length && found;
    }, LATE, 'the outbox was not reported');
    assert.ok(age >= 0 && waiting === kept.length);

    await later(() => change(server, 'Ledger', 'DROP TRIGGER IF EXISTS full'));

    await until(() => outbox(server).length === 0, LATE, 'the events were not shipped');
    for (const object of ['weur/0', 'weur/1']) {
      const numbers = ledger(server).filter(({ id }) => id.startsWith(`${object}/`)).map(({ id }) => Number(id.split('/').at(-1)));
      assert.deepEqual(numbers.sort((a, b) => a - b), numbers.map((_, at) => at + 1), `${object}: each is recorded once`);
    }
    assertChained(server);
  });

  test('a ledger that does not answer in time is tried again, and records each event once', async (t) => {
    const { server, later, send } = await startFaulty(t, { vars: one });
    await Device.start(server);
    await later(() => change(server, 'GrantShard', `UPDATE outbox SET at = at - ${11 * 60_000}`));
    await send('/panic-probe/slow-ledger');

    await until(() => server.logs().includes('no answer within 10 s'), 20_000, 'the wait was not given up');
    const { status } = await send('/healthz');
    assert.equal(status, 200, 'the shard does not wait for the ledger');
    await until(() => server.logs().includes('"what":"outbox"'), LATE, 'the late event is not in the log');
    assert.match(server.logs(), /"what":"outbox".*1 events of weur\/0 wait, the oldest for \d+ s/);
    await Device.start(server);
    // It also makes itself known before its first record, to a ledger that is just as slow.
    await until(() => ledger(server).length > 0, 45_000, 'the slow ledger records');
    assert.ok(outbox(server).length > 0, 'an event is deleted only once it is acknowledged');
    await later();
    await until(() => outbox(server).length === 0, LATE, 'the events were not shipped');

    assert.equal(ledger(server).length, 2);
  });
});

test('a change through the admin API and a self-registration reach the ledger', async (t) => {
  const { server, later, send } = await startFaulty(t, { vars: { ...one, OPEN_REGISTRATION: 'true' } });
  await Device.start(server);
  const admin = new Admin(server);
  const created = await admin.ask('PUT', '/scopes/fly', { body: { description: 'Fly' } });
  assert.equal(created.status, 201);
  const { jwk, thumbprint } = await ownKey();
  const imported = await admin.ask('POST', '/keys', { body: { jwk, alg: 'ES256' } });
  assert.equal(imported.status, 201, JSON.stringify(imported.body));
  const registered = await send('/register', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ client_name: 'Code', grant_types: [DEVICE_GRANT] }) });
  const client_id = knowClient((await registered.json()).client_id);
  await later();

  await until(() => rows(server, 'Registry', 'SELECT seq FROM outbox').length === 0, LATE, 'the event was not shipped');

  const found = ledger(server).filter(({ id }) => id.startsWith('registry/'));
  assert.deepEqual(found.map(({ record }) => [record.event.what, record.event.subject]), [['scope_described', 'fly'], ['key_imported', thumbprint], ['client_created', client_id]]);
  assert.match(found[0].record.event.by.operator, /^[0-9a-f]{8}$/);
  assert.deepEqual(found[1].record.event.by, found[0].record.event.by);
  assert.equal(found[2].record.event.by, 'registration');
  assert.ok(!JSON.stringify(found).includes(jwk.d));
});

test('a ledger is emptied 400 days after its first event', async (t) => {
  const { server, later } = await startFaulty(t, { vars: one });
  await Device.start(server);
  await later();
  await until(() => outbox(server).length === 0, LATE, 'the event was not shipped');
  assert.equal(ledger(server).length, 1);
  // The alarm that comes sooner is that of the index, which closes the day.
  const days = () => alarms(server, 'Ledger').map((at) => (at - Date.now()) / DAY).filter((days) => days > 2);
  const left = await until(() => days()[0] && days(), LATE, 'the ledger has not told its record');
  assert.ok(left.length === 1 && left[0] > 399.9 && left[0] < 400.1, String(left));

  await later(() => {
    change(server, 'Ledger', 'UPDATE told SET ends_at = 1');
    ringIn(1_500, server, 'Ledger');
  });

  await until(() => ledger(server).length === 0, LATE, 'the ledger was not emptied');
});

/** Makes an ES256 key for an operator to import. */
async function ownKey() {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true });
  const jwk = await exportJWK(privateKey);
  keepSecret('a private key of the operator', jwk.d);
  return { jwk, thumbprint: await calculateJwkThumbprint(jwk) };
}

/** Returns when the alarms of a class ring, in milliseconds since 1970. */
function alarms(server, className) {
  const [first] = server.sqliteFiles(className);
  const database = new DatabaseSync(join(dirname(first), 'metadata.sqlite'));
  const found = database.prepare('SELECT scheduled_time / 1000000 AS at FROM _cf_ALARM').all();
  database.close();
  return found.map(({ at }) => at);
}

/** Fills the outbox with copies of its first event, up to this number. */
function copyEvents(server, count) {
  const numbers = `WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < ${count}) SELECT i FROM n`;
  change(server, 'GrantShard', `INSERT OR IGNORE INTO outbox (seq, at, event) SELECT i, at, event FROM outbox, (${numbers}) WHERE seq = 1`);
}

/** Starts grants until `shards` shards have events. */
async function startIn(server, shards) {
  // The codes of a network are all in one shard of its region.
  let network = 0;
  await until(async () => {
    await Device.start(server, { headers: from(`203.0.${network++}.9`) });
    return waitingShards(server) === shards;
  }, LATE, `${shards} shards did not get events`);
}

/** Returns the number of shards whose events wait. */
function waitingShards(server) {
  return rows(server, 'GrantShard', 'SELECT count(*) AS waiting FROM outbox').filter(({ waiting }) => waiting > 0).length;
}

/** Returns whether a ledger holds events of this object. */
function holds(database, object) {
  return database.prepare('SELECT 1 FROM events WHERE id LIKE ?').get(`${object}/%`) !== undefined;
}

async function outboxes(server) {
  return (await new Admin(server).ask('GET', '/outboxes')).body;
}

/** Checks that every head is the hash of the previous head and the record. */
function assertChained(server) {
  for (const chain of ledgers(server)) {
    chain.reduce((before, { record, head }) => {
      assert.equal(head, createHash('sha256').update(`${before}\n${JSON.stringify(record)}`).digest('base64url'));
      return head;
    }, '');
  }
}
