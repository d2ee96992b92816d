// A code's row is gone at the code's end, by the shard's own alarm, and the ledger knows why.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { past, until } from './bounded.mjs';
import { Device } from './device.mjs';
import { startWorkerd } from './harness.mjs';
import { Person } from './person.mjs';
import { at } from './places.mjs';
import { endDiscreetly } from './secrets.mjs';
import { grants, ledger, ledgers, outbox } from './stored.mjs';

const LIFETIME = 10;
/** An alarm rings on time; a busy machine may be a little late. */
const LATE = 5_000;
/** A sweep rests for a minute after each, so what must end on time needs a shard of its own: a region each. */
const regions = { pending: 'CDG', approved: 'IAD', denied: 'NRT' };

let server, crashed;
before(async () => {
  const vars = { CODE_LIFETIME_SECONDS: String(LIFETIME), REDEMPTION_GRACE_SECONDS: '0', SHARDS_PER_REGION: '1' };
  [server, crashed] = await Promise.all([startWorkerd({ vars }), startWorkerd({ vars })]);
});
after(() => endDiscreetly(server));
after(() => endDiscreetly(crashed));

describe('at the end of its life', { concurrency: true }, () => {
  test('a code leaves no row, and one event that says how it ended', async () => {
    const devices = {};
    for (const [name, colo] of Object.entries(regions)) {
      devices[name] = await Device.start(server, { headers: at({ colo }) });
    }
    await new Person(server).approve(devices.approved.userCode);
    await new Person(server).deny(devices.denied.userCode);
    assert.equal(grants(server).length, 3);
    const subjects = Object.fromEntries(grants(server).map(({ key, record }) => [record.state.is, key]));
    const end = Math.max(...grants(server).map(({ record }) => record.expires_at));

    await past(end);
    await until(() => grants(server).length === 0, LATE, 'the rows were not swept');
    await until(() => outbox(server).length === 0, LATE, 'the events were not shipped');

    const told = (subject) => ledger(server).map(({ record }) => record.event).filter((event) => event.subject === subject);
    const whats = Object.entries(subjects).map(([state, subject]) => [state, told(subject).map(({ what }) => what)]);
    assert.deepEqual(Object.fromEntries(whats), {
      pending: ['device_authorization', 'expired'],
      approved: ['device_authorization', 'claimed', 'approved', 'expired'],
      denied: ['device_authorization', 'claimed', 'denied'],
    });
    assertNothingLeft(server, devices);
    assertChained(server);
    for (const device of Object.values(devices)) assert.equal((await device.poll()).error, 'expired_token');
  });

  test('an alarm that was set before a crash rings after it', async () => {
    const device = await Device.start(crashed);
    const [{ record, key }] = grants(crashed);

    await crashed.kill9();
    await past(record.expires_at);
    await crashed.restart();
    // Nobody asks for anything: the alarm alone wakes the object.
    await until(() => grants(crashed).length === 0, LATE, 'the row was not swept');
    await until(() => outbox(crashed).length === 0, LATE, 'the events were not shipped');

    const expired = ledger(crashed).map((row) => row.record.event).filter(({ what }) => what === 'expired');
    assert.deepEqual(expired.map(({ subject }) => subject), [key]);
    assert.equal((await device.poll()).error, 'expired_token');
  });
});

/** Neither the rows nor the codes themselves are anywhere in the files. */
function assertNothingLeft(server, devices) {
  const files = ['GrantShard', 'LimiterShard', 'AccountShard', 'Registry', 'Ledger'].flatMap(server.sqliteFiles);
  for (const file of files) {
    const bytes = readFileSync(file, 'latin1');
    for (const { codes } of Object.values(devices)) {
      const secrets = [codes.device_code, codes.user_code, codes.user_code.replaceAll('-', '')];
      assert.ok(!secrets.some((secret) => bytes.includes(secret)), `a code in ${file}`);
    }
  }
}

/** Every head is the hash of the head before and of the record. */
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
