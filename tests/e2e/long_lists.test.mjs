// Lists of 100,000 rows, which the test writes into the SQLite files: every row is on one page, and the last page costs as much
// as the first.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';
import { after, before, test } from 'node:test';
import { Admin } from './support/admin.mjs';
import { until } from './support/bounded.mjs';
import { accounts } from './support/config.mjs';
import { startCounted } from './support/counted.mjs';
import { Device } from './support/device.mjs';
import { change, ringIn } from './support/faults.mjs';
import { Person } from './support/person.mjs';
import { endDiscreetly } from './support/secrets.mjs';
import { recorded } from './support/stored.mjs';

const ROWS = 100_000;
const PAGE = 200;
/** An event is wanted or not, so a page looks at this many: `MOST_LOOKED_AT` in src/audit/reading.rs. */
const LOOKED_AT = 1_000;
const SHARDS = 32;
/** Rows that a page may read besides its own: the administrator's session, the next row, and four rows of each shard. */
const BESIDES = 50 + 4 * SHARDS;
const LATE = 60_000;
const FAMILY_BYTES = 16;
const DAY = 86_400_000;

let counted, admin;

before(async () => {
  counted = await startCounted({ SHARDS_PER_REGION: '1' });
  const { server } = counted;
  admin = new Admin(server);
  for (const username of firsts()) await admin.ask('POST', '/accounts', { body: { username, name: 'First of a shard' } });
  await admin.ask('PUT', '/inventory/SN-0000-AB17', { body: { accounts: ['local:alice'] }, ifMatch: '*' });
  const device = await Device.start(server);
  await new Person(server).approve(device.userCode);
  await device.redeem();
  await server.kill9();
  ringIn(0, server, 'GrantShard');
  await server.restart();
  await until(() => recorded(server) > 3, LATE, 'no event was shipped');
  await server.kill9();
  const people = Map.groupBy(keys(), shardOf);
  fill(server, 'AccountShard', 'accounts', (stored) => copies(stored, people.get(shardOf(stored.key)), 'key'));
  // Only the shard of Alice has a device and a session, so it gets all of these.
  fill(server, 'AccountShard', 'devices', devicesLike);
  fill(server, 'GrantShard', 'families', (stored) => families().map((id) => ({ ...stored, id: id.toString('base64url') })));
  fill(server, 'AccountShard', 'sessions', sessionsLike);
  fill(server, 'Registry', 'inventory', (stored) => copies(stored, numbered('SN', ROWS), 'identifier'));
  fill(server, 'Ledger', 'events', eventsLike);
  // Nothing is left to tell: otherwise an alarm would read the ledger meanwhile.
  change(server, 'Ledger', 'UPDATE told SET seq = (SELECT max(seq) FROM events)', (database) => has(database, 'told'));
  await server.restart();
});

after(() => endDiscreetly(counted.server));

test('accounts', () => walked('/accounts?', 'accounts', 'account', 'AccountShard', ROWS));

test('the accounts of a provider, which come after those of this server', () => walked('/accounts?prefix=oidc:', 'accounts', 'account', 'AccountShard', ROWS / 2));

test('devices', () => walked('/devices?', 'devices', 'id', 'AccountShard', ROWS));

// The API shows no session's id, so each belongs to an account of its own.
test('sessions', () => walked('/sessions?', 'sessions', 'account', 'AccountShard', ROWS));

test('the inventory', () => walked('/inventory?', 'inventory', 'identifier', 'Registry', ROWS));

test('events', () => walked(`/events?from=${seconds(-DAY)}&to=${seconds(DAY)}`, 'events', 'id', 'Ledger', ROWS, LOOKED_AT));

test('the pages of people in the console', async () => {
  const { username, password } = accounts.nora;
  const nora = new Person(counted.server);
  await nora.open('/admin/people');
  await nora.submit({ step: 'sign_in', username, password }, '/admin/people');
  for (let page = 2; page < 12; page += 1) {
    const [, next] = nora.page.html.match(/href="(\/admin\/people\?cursor=[^"]*)"/);
    const { classes } = await counted.during(() => nora.open(next));
    assert.ok(classes.AccountShard.rowsRead <= 50 + BESIDES, `${classes.AccountShard.rowsRead} rows for page ${page}`);
  }
  assert.match(nora.page.text, /person-/);
});

/** Reads all pages of a list, and checks what every twentieth costs in the objects of a class. */
async function walked(path, member, key, className, least, most = PAGE) {
  const seen = new Set();
  let cursor;
  for (let page = 0; cursor || page === 0; page += 1) {
    const address = `${path}&limit=${PAGE}${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`;
    const { status, body } = await admin.ask('GET', address);
    assert.equal(status, 200, JSON.stringify(body));
    for (const row of body[member]) {
      assert.ok(!seen.has(row[key]), `${row[key]} is on two pages`);
      seen.add(row[key]);
    }
    if (page % 20 === 0 || !body.next_cursor) await costsAtMost(most + BESIDES, className, address);
    cursor = body.next_cursor;
  }
  assert.ok(seen.size >= least, `${seen.size} rows are on the pages`);
}

/** Checks how many rows of a class are read for a page. An alarm may read meanwhile, but not each time. */
async function costsAtMost(most, className, address) {
  const costs = [];
  while (costs.length < 3 && !costs.some((cost) => cost <= most)) {
    const { classes } = await counted.during(() => admin.ask('GET', address));
    costs.push(classes[className].rowsRead);
  }
  assert.ok(costs.some((cost) => cost <= most), `${costs} rows were read for ${address}`);
}

/** Writes the rows like the first one of a table into each database of a class that has one. */
function fill(server, className, table, like) {
  for (const file of server.sqliteFiles(className)) {
    const database = new DatabaseSync(file);
    const stored = has(database, table) && database.prepare(`SELECT * FROM ${table} LIMIT 1`).get();
    if (stored) {
      database.exec('BEGIN');
      const names = Object.keys(stored);
      const insert = database.prepare(`INSERT OR IGNORE INTO ${table} (${names}) VALUES (${names.map(() => '?')})`);
      for (const row of like(stored)) insert.run(...names.map((name) => row[name]));
      database.exec('COMMIT');
    }
    database.close();
  }
}

function has(database, table) {
  return database.prepare('SELECT 1 FROM sqlite_master WHERE name = ?').get(table);
}

/** Yields copies of a row with other keys. */
function* copies(stored, others, column) {
  for (const key of others) yield { ...stored, [column]: key, record: JSON.stringify({ ...JSON.parse(stored.record), [column]: key }) };
}

/** Yields copies of an event, in the ledger of the logins only. */
function* eventsLike(stored) {
  const record = JSON.parse(stored.record);
  if (record.event.what !== 'device_authorization') return;
  for (const id of numbered('copy/0/', ROWS)) yield { ...stored, seq: null, id, record: JSON.stringify({ ...record, id }) };
}

/** Yields copies of a device, one for each family. The id of a device is that of its shard, and of its family. */
function* devicesLike(stored) {
  const shard = Buffer.from(stored.id, 'base64url').subarray(0, -FAMILY_BYTES);
  const record = JSON.stringify({ ...JSON.parse(stored.record), state: 'confirmed' });
  for (const family of families()) yield { ...stored, id: Buffer.concat([shard, family]).toString('base64url'), record };
}

/** Returns the ids of families. */
function families() {
  return numbered('family-', ROWS).map((name) => createHash('sha256').update(name).digest().subarray(0, FAMILY_BYTES));
}

/** Yields copies of a session, of one account each. Their ids are digests. */
function* sessionsLike(stored) {
  const record = JSON.parse(stored.record);
  for (const account of numbered('local:session-', ROWS)) {
    const id = createHash('sha256').update(account).digest('base64url');
    yield { ...stored, id, account, record: JSON.stringify({ ...record, account }) };
  }
}

/** Returns the keys of accounts: half are of this server, and half of a provider. */
function keys() {
  return [...numbered('local:person-', ROWS / 2), ...numbered('oidc:corp:', ROWS / 2)];
}

function numbered(prefix, count) {
  return Array.from({ length: count }, (_, number) => `${prefix}${String(number).padStart(6, '0')}`);
}

/** Returns a user name for each shard of accounts. */
function firsts() {
  return [...Map.groupBy(numbered('first-', 1_000), (name) => shardOf(`local:${name}`)).values()].map(([name]) => name);
}

/** Does what `index_of` in src/sharding.rs does. */
function shardOf(key) {
  return createHash('sha256').update(key).digest()[0] % SHARDS;
}

function seconds(from) {
  return Math.floor((Date.now() + from) / 1_000);
}
