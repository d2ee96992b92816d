// What the ledger proves: a day that is over gets a signed root, and an event that somebody changes, removes or inserts in the
// SQLite file of its ledger is found and named.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, test } from 'node:test';
import Ajv from 'ajv/dist/2020.js';
import { compactVerify, createLocalJWKSet } from 'jose';
import { ADMIN_TOKEN, Admin } from './support/admin.mjs';
import { until } from './support/bounded.mjs';
import { builds, root } from './support/config.mjs';
import { Device } from './support/device.mjs';
import { change, startFaulty } from './support/faults.mjs';
import { temporaryDirectory } from './support/harness.mjs';
import { Person } from './support/person.mjs';
import { ledger, outbox, outboxOf } from './support/stored.mjs';

const LATE = 60_000;
const DAY = 86_400_000;
const RAY = '9a2b3c4d5e6f7a8b-FRA';
const vars = { SHARDS_PER_REGION: '1', CODE_LIFETIME_SECONDS: '600' };
const twoDaysAgo = Math.floor(Date.now() / DAY) - 2;

describe('a day that is over', () => {
  let server, later, admin, cleanUp;

  before(async () => {
    ({ server, later } = await startFaulty({ after: (end) => (cleanUp = end) }, { vars, build: builds.release }));
    admin = new Admin(server);
    const device = await Device.start(server, { headers: { 'cf-ray': RAY } });
    await new Person(server).approve(device.userCode);
    await device.redeem();
    await device.refresh();
    await later(() => redate(server));
    await until(() => waiting(server) === 0, LATE, 'the events were not shipped');
  });

  after(() => cleanUp());

  test('has events that are all as the schema says, each with the request that led to it', () => {
    const schema = JSON.parse(readFileSync(join(root, 'docs/event.schema.json'), 'utf8'));
    const validate = new Ajv({ strict: true, strictRequired: false }).compile(schema);
    const events = ledger(server).map(({ record }) => record.event);

    for (const event of events) assert.ok(validate(event), `${JSON.stringify(event)}: ${JSON.stringify(validate.errors)}`);
    const kinds = events.map(({ what }) => what);
    for (const what of ['device_authorization', 'consent_opened', 'approved', 'redeemed', 'refreshed', 'first_access', 'signed_in']) {
      assert.ok(kinds.includes(what), `${what} is not in ${kinds}`);
    }
    const of = (what) => events.find((event) => event.what === what);
    assert.equal(of('device_authorization').request_id, RAY);
    assert.equal(of('refreshed').request_id, RAY);
    assert.equal(of('refreshed').approval_id, of('approved').approval_id);
  });

  test('gets a root that everybody can read and verify', async () => {
    const roots = await until(async () => {
      const { roots } = await (await fetch(`${server.origin}/ledger/roots`)).json();
      return roots.length && roots;
    }, LATE, 'no root was signed');

    assert.deepEqual(roots.map(({ day }) => day), [twoDaysAgo]);
    const keys = createLocalJWKSet(await (await fetch(`${server.origin}/jwks.json`)).json());
    const { payload, protectedHeader } = await compactVerify(roots[0].root, keys);
    assert.equal(protectedHeader.typ, 'device-grant-ledger-root+jwt');
    assert.equal(JSON.parse(new TextDecoder().decode(payload)).day, twoDaysAgo);
    const one = await fetch(`${server.origin}/ledger/roots/${twoDaysAgo}`);
    assert.equal(one.headers.get('content-type'), 'application/jose');
    assert.equal(await one.text(), roots[0].root);
    const found = await verification(admin);
    const ofShard = ledger(server).filter(({ record }) => record.id.startsWith('weur/'));
    assert.deepEqual([found.root, found.faults, found.records], ['good', [], ofShard.length]);
    assert.deepEqual(found.ledgers, [{ ledger: `${twoDaysAgo}/weur/0/0`, state: 'sealed' }]);
  });

  test('takes no late event: a ledger of today does', async () => {
    const sealed = await verification(admin);
    await later(() => {
      const late = `INSERT INTO outbox (seq, at, event) SELECT seq + 1, (${twoDaysAgo} * ${DAY}), '{"format":2,"what":"expired","outcome":"ended","at":${twoDaysAgo * DAY},"subject":"late","client_id":"demo-tv"}' FROM outbox_end`;
      change(server, 'GrantShard', late);
    });
    await until(() => waiting(server) === 0, LATE, 'the event was not shipped');

    assert.deepEqual(await verification(admin), sealed);
    const { body } = await admin.ask('GET', `/events?from=${(twoDaysAgo * DAY) / 1_000}&to=${(twoDaysAgo * DAY) / 1_000 + 1}`);
    assert.deepEqual(body.events.map(({ event }) => event.subject), ['late']);
    const one = await admin.ask('GET', `/events/${encodeURIComponent(body.events[0].id)}?at=${(twoDaysAgo * DAY) / 1_000}`);
    assert.deepEqual([one.status, one.body], [200, body.events[0]]);
  });

  test('shows who altered a row in the SQLite file, and which', async () => {
    const { seq, id, record } = second(server);
    const altered = record.replace('"demo-tv"', '"demo-xx"');
    assert.notEqual(altered, record);
    const set = (text) => () => inLedger(server, id, (database) => database.prepare('UPDATE events SET record = ? WHERE seq = ?').run(text, seq));

    await later(set(altered));

    await foundOnly({ what: 'changed', events: [id] });
    const script = verifyLedger(server);
    assert.equal(script.status, 1, script.stdout + script.stderr);
    assert.match(script.stdout, new RegExp(`${id} was changed`));
    await later(set(record));
    assert.deepEqual((await verification(admin)).faults, []);
    const again = verifyLedger(server);
    assert.equal(again.status, 0, again.stdout + again.stderr);
  });

  test('shows that a row was removed from the SQLite file, and which', async () => {
    const { id, row } = second(server);
    const restore = () => inLedger(server, id, (database) => insert(database, row));

    await later(() => inLedger(server, id, (database) => database.prepare('DELETE FROM events WHERE seq = ?').run(row.seq)));

    await foundOnly({ what: 'removed', events: [id] });
    await later(restore);
    assert.deepEqual((await verification(admin)).faults, []);
  });

  test('shows that a row was inserted into the SQLite file, and which', async () => {
    const { id, row } = second(server);
    const object = id.slice(0, id.lastIndexOf('/'));
    const forged = { ...row, seq: row.seq + 1_000_000 - 1, record: row.record.replace(id, `${object}/999999`) };
    if ('id' in row) forged.id = `${object}/999999`;

    await later(() => inLedger(server, id, (database) => insert(database, forged)));

    await foundOnly({ what: 'inserted', events: [`${object}/999999`] });
  });

  async function foundOnly({ what, events }) {
    const { faults } = await verification(admin);
    assert.deepEqual(faults.map(({ ledger: _, ...fault }) => fault), [{ what, events }]);
  }
});

test('the script keeps the roots, and finds one that was replaced', async (t) => {
  const { server, later } = await startFaulty(t, { vars, build: builds.release });
  const directory = temporaryDirectory();
  t.after(directory.remove);
  const KEEP = join(directory.path, 'roots.json');
  await Device.start(server);
  await later(() => redate(server));
  await until(async () => (await (await fetch(`${server.origin}/ledger/roots`)).json()).roots.length, LATE, 'no root was signed');
  // By make, as its users call it: it must not hand on a setting that nobody gave, such as DAYS.
  const first = spawnSync('make', ['-s', 'verify-ledger'], { cwd: root, env: { ...process.env, ISSUER: server.origin, KEEP }, encoding: 'utf8' });
  assert.equal(first.status, 0, first.stdout + first.stderr);

  const kept = JSON.parse(readFileSync(KEEP, 'utf8'));
  assert.deepEqual(Object.keys(kept), [String(twoDaysAgo)]);
  await later(() => change(server, 'Ledger', `UPDATE roots SET root = replace(root, '.', '.e30.')`));

  const { status, stdout } = verifyLedger(server, { KEEP });
  assert.equal(status, 1);
  assert.match(stdout, /its root is not the one in/);
});

test('an export streams every event once', async (t) => {
  const { server, later } = await startFaulty(t, { vars, build: builds.release });
  await Device.start(server);
  await later(() => {
    const numbers = 'WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) SELECT i FROM n';
    change(server, 'GrantShard', `INSERT INTO outbox (seq, at, event) SELECT i, at, event FROM outbox, (${numbers}) WHERE seq = 1`);
  });
  await until(() => waiting(server) === 0, LATE, 'the events were not shipped');
  const read = () => fetch(`${server.origin}/admin/api/events/export?what=device_authorization`, { headers: { authorization: `Bearer ${ADMIN_TOKEN}` } });

  const response = await read();

  assert.equal(response.headers.get('content-type'), 'application/x-ndjson');
  const ids = (await response.text()).trimEnd().split('\n').map((line) => JSON.parse(line).id);
  assert.deepEqual([ids.length, new Set(ids).size], [3_000, 3_000]);
});

/** Moves the waiting events of the shard two days back. So the day is closed at once, and has one ledger. */
function redate(server) {
  const to = twoDaysAgo * DAY;
  change(server, 'GrantShard', `UPDATE outbox SET at = ${to} + at % ${DAY}, event = json_set(event, '$.at', ${to} + at % ${DAY})`);
}

function waiting(server) {
  return outbox(server).length + outboxOf(server, 'AccountShard').length;
}

async function verification(admin) {
  const { status, body } = await admin.ask('GET', `/ledger/verification?day=${twoDaysAgo}`);
  assert.equal(status, 200);
  return body;
}

/** Returns the second event of the shard's ledger: its row, its identifier, and the text of its record. */
function second(server) {
  const found = server.sqliteFiles('Ledger').flatMap((file) => {
    const database = new DatabaseSync(file, { readOnly: true });
    const rows = database.prepare('SELECT * FROM events ORDER BY seq').all();
    database.close();
    return rows.length > 2 && rows[1].record.includes('"weur/') ? [rows[1]] : [];
  });
  const row = { ...found[0] };
  return { row, seq: row.seq, record: row.record, id: JSON.parse(row.record).id };
}

/** Changes the database of the ledger that has, or had, the events of an object in the closed day. */
function inLedger(server, id, work) {
  const object = id.slice(0, id.lastIndexOf('/'));
  change(server, 'Ledger', '', (database) => {
    const like = `{"id":"${object}/%`;
    if (database.prepare('SELECT count(*) AS count FROM events WHERE record LIKE ?').get(like).count > 2) work(database);
    return false;
  });
}

function insert(database, row) {
  const names = Object.keys(row);
  database.prepare(`INSERT INTO events (${names}) VALUES (${names.map(() => '?')})`).run(...Object.values(row));
}

function verifyLedger(server, env = {}) {
  return spawnSync(process.execPath, [join(root, 'scripts/verify-ledger.mjs')], { env: { ...process.env, ISSUER: server.origin, ...env }, encoding: 'utf8' });
}
