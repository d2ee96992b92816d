// The shard's alarm deletes a code's row soon after the code ends, and the ledger records how it ended.
//
// Alarms ring on the minute, so the test moves the stored state in time until the next alarm is due in a few seconds.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { describe, test } from 'node:test';
import { past, until } from './support/bounded.mjs';
import { clients } from './support/config.mjs';
import { Device } from './support/device.mjs';
import { change, startFaulty } from './support/faults.mjs';
import { startWorkerd, temporaryDirectory } from './support/harness.mjs';
import { Person } from './support/person.mjs';
import { MINUTE, dueIn } from './support/redate.mjs';
import { endDiscreetly } from './support/secrets.mjs';
import { grants, ledger, ledgers, outbox, rows } from './support/stored.mjs';

const LIFETIME = 10_000;
/** Milliseconds from the restart of the server to the alarm: enough to look at the rows first. */
const SOON = 2_000;
/** Milliseconds by which a busy machine may ring an alarm late. */
const LATE = 8_000;
const vars = { CODE_LIFETIME_SECONDS: String(LIFETIME / 1000), REDEMPTION_GRACE_SECONDS: '0', SHARDS_PER_REGION: '1' };

describe('after the end of a code', () => {
  test('its row is deleted, even if the runtime was killed in between, and one event says how it ended', async (t) => {
    const { server, startLater } = await storedIn(t);
    await endsInOneMinute();
    const devices = {
      pending: await Device.start(server),
      approved: await Device.start(server, { client: clients.printer }),
      denied: await Device.start(server),
      redeemed: await Device.start(server, { scope: 'openid' }),
    };
    const alice = new Person(server);
    for (const name of ['approved', 'redeemed']) await alice.approve(devices[name].userCode);
    await alice.deny(devices.denied.userCode);
    await devices.redeemed.redeem();
    const subjects = Object.fromEntries(grants(server).map(({ key, record }) => [record.state.is, key]));
    assert.deepEqual(Object.keys(subjects).sort(), ['approved', 'denied', 'pending', 'redeemed']);

    await server.kill9();
    await startLater();
    assert.equal(grants(server).length, 4, 'the rows are still there');
    await swept(server);

    const recorded = (subject) => ledger(server).map(({ record }) => record.event).filter((event) => event.subject === subject);
    const ends = Object.entries(subjects).map(([state, subject]) => [state, recorded(subject).map(({ what }) => what)]);
    assert.deepEqual(Object.fromEntries(ends), {
      pending: ['device_authorization', 'expired'],
      approved: ['device_authorization', 'consent_opened', 'approved', 'expired'],
      denied: ['device_authorization', 'consent_opened', 'denied'],
      redeemed: ['device_authorization', 'consent_opened', 'approved', 'redeemed'],
    });
    assertChained(server);
    assertNoCodeStored(server, devices);
    await Device.start(server);
  });
});

describe('an alarm that cannot delete what has ended', () => {
  for (const [className, table] of [['LimiterShard', 'counters'], ['AccountShard', 'sessions']]) {
    test(`in ${className} says so in the log, and a later alarm deletes it`, async (t) => {
      const { server, later } = await startFaulty(t, { vars });
      const person = new Person(server);
      await person.approve((await Device.start(server)).userCode);
      // A wrong code is counted, a right one is not.
      await person.enter('BBBB-BBBB');
      const stuck = `CREATE TRIGGER stuck BEFORE DELETE ON ${table} BEGIN SELECT RAISE(ABORT, 'provoked'); END`;

      await later(() => change(server, className, `${stuck}; UPDATE ${table} SET ends_at = 1`, isUsed));
      await until(() => server.logs().includes('{"what":"sweep","outcome":"unavailable"'), LATE, 'the failure was not logged');
      assert.ok(ended(server, className, table) > 0, 'the rows are still there');
      await later(() => change(server, className, 'DROP TRIGGER IF EXISTS stuck'));

      await until(() => ended(server, className, table) === 0, LATE, 'the rows were not deleted');
    });
  }
});

test('an alarm that has deleted all that it may rings again at once', async (t) => {
  const { server, later } = await startFaulty(t, { vars });
  await Device.start(server);
  const copies = `INSERT INTO grants (key, live_until, network, ends_at, record)
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5200)
    SELECT printf('%022d', i), live_until, network, 1, record FROM grants, n`;

  await later(() => change(server, 'GrantShard', copies));

  await until(() => rows(server, 'GrantShard', 'SELECT 1 FROM grants WHERE ends_at = 1').length === 0, LATE, 'the rows were not deleted');
});

test('an alarm deletes no more attempts and sessions than it may, and the next ones the rest', async (t) => {
  const { server, later } = await startFaulty(t, { vars });
  const person = new Person(server);
  await person.approve((await Device.start(server)).userCode);
  await person.enter('BBBB-BBBB');
  await until(() => rows(server, 'LimiterShard', 'SELECT 1 FROM counters').length > 0, LATE, 'the wrong code was not counted');
  // Within one statement, SQLite's clock stands still.
  const many = (columns, values, table) => `INSERT INTO ${table} (${columns})
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5200) SELECT ${values} FROM n;
    CREATE TABLE deleted (at TEXT);
    CREATE TRIGGER notes AFTER DELETE ON ${table} BEGIN INSERT INTO deleted VALUES (julianday('now')); END`;

  await later(() => {
    change(server, 'LimiterShard', many('key, ends_at, record', "'k' || i, 1, '{}'", 'counters'), hasRows('counters'));
    change(server, 'AccountShard', many('id, account, ends_at, record', "'s' || i, 'a', 1, '{}'", 'sessions'), hasRows('sessions'));
  });

  const left = () => ended(server, 'LimiterShard', 'counters') + ended(server, 'AccountShard', 'sessions');
  await until(() => left() === 0, LATE, 'the rows were not deleted');
  for (const className of ['LimiterShard', 'AccountShard']) {
    const statements = deletions(server, className);
    assert.ok(statements.length > 1 && statements.every(({ deleted }) => deleted <= 5_000), JSON.stringify(statements));
  }
});

/** Returns whether an object has rows in a table, so that its alarm is set. */
function hasRows(table) {
  return (database) => isUsed(database) && database.prepare(`SELECT 1 FROM ${table}`).get() !== undefined;
}

/** Returns how many rows each statement has deleted in the objects of a class that note it. */
function deletions(server, className) {
  const noting = server.sqliteFiles(className).map((file) => new DatabaseSync(file, { readOnly: true })).filter((database) => database.prepare("SELECT 1 FROM sqlite_master WHERE name = 'deleted'").get());
  return noting.flatMap((database) => database.prepare('SELECT count(*) AS deleted FROM deleted GROUP BY at').all());
}

/** Returns whether an object has made its tables. */
function isUsed(database) {
  return database.prepare("SELECT 1 FROM sqlite_master WHERE name IN ('counters', 'sessions')").get() !== undefined;
}

function ended(server, className, table) {
  return rows(server, className, `SELECT 1 FROM ${table} WHERE ends_at = 1`).length;
}

/** Waits until all codes would end in the same minute. Otherwise, two alarms would sweep them. */
async function endsInOneMinute() {
  const left = MINUTE - ((Date.now() + LIFETIME) % MINUTE);
  if (left < 3_000) await past(Date.now() + left);
}

/** Starts a server. Once it is killed, `startLater` moves its stored state in time, and starts it again. */
async function storedIn(t) {
  const directory = temporaryDirectory();
  const server = await startWorkerd({ vars, dir: directory.path });
  t.after(async () => {
    await endDiscreetly(server);
    directory.remove();
  });
  const startLater = async () => {
    dueIn(SOON, server, directory.path);
    await server.restart();
  };
  return { server, startLater };
}

/** Waits for the sweep without sending requests, so that only the alarm can wake the object. */
async function swept(server) {
  await until(() => grants(server).length === 0, SOON + LATE, 'the rows were not swept');
  await until(() => outbox(server).length === 0, LATE, 'the events were not shipped');
}

/** Checks that no file contains a device code or a user code. */
function assertNoCodeStored(server, devices) {
  const files = ['GrantShard', 'LimiterShard', 'AccountShard', 'Registry', 'Ledger', 'Counts', 'Courier'].flatMap(server.sqliteFiles);
  for (const file of files) {
    const bytes = readFileSync(file, 'latin1');
    for (const { codes } of Object.values(devices)) {
      const secrets = [codes.device_code, codes.user_code, codes.user_code.replaceAll('-', '')];
      assert.ok(!secrets.some((secret) => bytes.includes(secret)), `a code in ${file}`);
    }
  }
}

/** Checks that every head is the hash of the previous head and the record. */
function assertChained(server) {
  for (const ledger of ledgers(server)) {
    ledger.reduce((before, { record, head }) => {
      assert.equal(head, link(before, record));
      return head;
    }, '');
  }
}

function link(head, record) {
  return createHash('sha256').update(`${head}\n${JSON.stringify(record)}`).digest('base64url');
}
