// Two Workers and three replicas of the registry: a change that was acknowledged is effective in all of them at once, even if
// one is out of reach.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Admin } from './support/admin.mjs';
import { builds } from './support/config.mjs';
import { Device } from './support/device.mjs';
import { besides } from './support/faults.mjs';
import { startWorkerd } from './support/harness.mjs';
import { Person } from './support/person.mjs';
import { from } from './support/places.mjs';
import { endDiscreetly } from './support/secrets.mjs';
import { rows } from './support/stored.mjs';

const REPLICAS = ['replica/weur/0', 'replica/weur/1', 'replica/weur/2'];
const VARS = { REGISTRY_REPLICAS: '3', SHARDS_PER_REGION: '3', POLL_INTERVAL_SECONDS: '1' };
const CLIENT = 'demo-tv';

test('a change that was acknowledged is effective in all replicas and in both Workers', async (t) => {
  const { server, admin, devices } = await start(t, VARS);

  await cut(server, 'failing-registry');
  assert.deepEqual(await refreshed(server, devices), everywhere(200), 'the replicas answer, not the registry');
  await cut(server);

  for (const [enabled, outcome] of [[false, 'invalid_grant'], [true, 200], [false, 'invalid_grant']]) {
    const { status, headers } = await admin.patch(CLIENT, { enabled });
    assert.deepEqual([status, headers.get('registry-replicas-expired')], [200, null]);
    assert.deepEqual(await refreshed(server, devices), everywhere(outcome), `enabled: ${enabled}`);
  }
});

test('a replica that is out of reach delays a change until its lease has ended, and is named', async (t) => {
  const { server, admin, devices } = await start(t, { ...VARS, REGISTRY_LEASE_SECONDS: '5' });
  assert.equal(rows(server, 'Registry', "SELECT name FROM sqlite_master WHERE name IN ('clients', 'replicas')").length, 2, 'replicas store nothing');

  await cut(server, `cut-${REPLICAS[1]}`);
  assert.deepEqual(await refreshed(server, devices), everywhere(200), 'it answers within its lease');
  await named(REPLICAS[1], { enabled: false });
  assert.deepEqual(await refreshed(server, devices), everywhere('invalid_grant'), 'also where the Workers have to ask the registry');

  await cut(server);
  await named(null, { enabled: true });
  assert.deepEqual(await refreshed(server, devices), everywhere(200));

  // What the source has stored is all that it knows after a restart.
  await server.kill9();
  await server.restart();
  await cut(server, `cut-${REPLICAS[2]}`);
  await named(REPLICAS[2], { enabled: false });
  assert.deepEqual(await refreshed(server, devices), everywhere('invalid_grant'));

  async function named(replica, change) {
    const { status, headers } = await admin.patch(CLIENT, change);
    assert.deepEqual([status, headers.get('registry-replicas-expired')], [200, replica]);
  }
});

test('a kill switch waits for a replica that is out of reach before it ends anything, and names it', async (t) => {
  const { server, admin, devices } = await start(t, { ...VARS, REGISTRY_LEASE_SECONDS: '5' });
  const until = new Date(Date.now() + 3_600_000).toISOString();
  const body = { id: 'stop', target: { client: CLIENT }, reason: 'A campaign', until };

  await cut(server, `cut-${REPLICAS[1]}`);
  const { status, headers, body: set } = await admin.ask('POST', '/kill-switches', { body });

  assert.deepEqual([status, headers.get('registry-replicas-expired')], [201, REPLICAS[1]]);
  assert.ok(set.devices >= REPLICAS.length, JSON.stringify(set));
  assert.deepEqual(await refreshed(server, devices), everywhere('invalid_grant'));
});

test('a replica that is read renews its leases behind the answers', async (t) => {
  const { server, devices } = await start(t, { ...VARS, REGISTRY_LEASE_SECONDS: '60' });

  await later(server, 40);
  assert.deepEqual(await refreshed(server, devices), everywhere(200), 'more than half of the leases is over');
  assert.deepEqual(await refreshed(server, devices), everywhere(200), 'and they are renewed meanwhile');
  await cut(server, 'failing-registry');
  await later(server, 40);
  // The first Worker keeps the registry's snapshot for 30 s of its own clock, which went forward with that of the replicas.
  const atSecond = (await refreshed(server, devices)).slice(REPLICAS.length);
  assert.deepEqual(atSecond, REPLICAS.map(() => 200), 'the first leases, which began 80 s ago, have ended');
  await later(server, 40);
  assert.deepEqual(await refreshed(server, devices), everywhere('temporarily_unavailable'), 'nothing was renewed from a registry that fails');
});

test('when the registry cannot be reached, replicas answer until their leases have ended, then the answer is 503', async (t) => {
  const { server, devices } = await start(t, VARS);
  await cut(server, 'failing-registry');

  assert.deepEqual(await refreshed(server, devices), everywhere(200));
  await later(server, 40);
  assert.deepEqual(await refreshed(server, devices), everywhere('temporarily_unavailable'));

  await cut(server);
  assert.deepEqual(await refreshed(server, devices), everywhere(200));
});

test('a signing key that was retired signs nothing more at any replica', async (t) => {
  const { server, admin, devices } = await start(t, VARS);
  const signer = (device) => JSON.parse(Buffer.from(device.tokens.access_token.split('.')[0], 'base64url')).kid;
  const kid = signer(devices[0]);

  assert.equal((await admin.ask('POST', `/keys/${kid}/retire`)).status, 200);

  for (const origin of [server.origin, server.twin.origin]) {
    for (const device of devices) {
      device.server = { origin };
      assert.equal((await device.refresh()).status, 200);
      assert.notEqual(signer(device), kid);
    }
  }
});

/** Starts both Workers, and signs a device in at each shard, whose replica has then answered both Workers. */
async function start(t, vars) {
  const server = await startWorkerd({ vars, build: builds.probe, twin: true });
  t.after(() => endDiscreetly(server, { besides: [...besides, /"what":"(replica|object)"|has not confirmed a change/] }));
  const devices = [];
  for (let network = 0; devices.filter(Boolean).length < REPLICAS.length; network++) {
    const device = await Device.start(server, { headers: from(`203.0.${network}.9`) });
    const person = new Person(server);
    await person.approve(device.userCode);
    await device.redeem();
    devices[shardOf(device)] ??= device;
  }
  assert.deepEqual(await refreshed(server, devices), everywhere(200));
  return { server, admin: new Admin(server), devices };
}

/** Returns the number of the shard that issued a device's tokens, which their `sid` begins with. */
function shardOf({ tokens }) {
  const { sid } = JSON.parse(Buffer.from(tokens.access_token.split('.')[1], 'base64url'));
  return Buffer.from(sid, 'base64url')[1];
}

/** Chooses the faults of the server's objects. */
async function cut(server, fault = 'none') {
  assert.equal((await fetch(`${server.origin}/panic-probe/${fault}`)).status, 200);
}

/** Sets the server's clock forward. */
async function later(server, seconds) {
  for (let ten = 0; ten < seconds; ten += 10) assert.equal((await fetch(`${server.origin}/panic-probe/later`)).status, 200);
}

/** Refreshes the tokens of each device at each Worker. Returns the outcomes. */
async function refreshed(server, devices) {
  const outcomes = [];
  for (const { origin } of [server, server.twin]) {
    for (const device of devices) {
      device.server = { origin };
      const { status, error } = await device.refresh();
      outcomes.push(error ?? status);
    }
  }
  return outcomes;
}

function everywhere(outcome) {
  return new Array(2 * REPLICAS.length).fill(outcome);
}
