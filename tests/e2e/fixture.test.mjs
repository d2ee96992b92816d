// Starts the current build on the state that an earlier build stored, in the middle of a flow and long afterwards.

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { createLocalJWKSet, jwtVerify } from 'jose';
import { interval, until } from './support/bounded.mjs';
import { accounts, clients } from './support/config.mjs';
import { Device } from './support/device.mjs';
import { copyOf, formats, sizeOf, write } from './support/fixture.mjs';
import { startWorkerd } from './support/harness.mjs';
import { Person } from './support/person.mjs';
import { endDiscreetly } from './support/secrets.mjs';
import { grants, ledger, outbox } from './support/stored.mjs';

const NEWEST = 'v1';
const DAY = 86_400_000;

before(async () => {
  if (process.env.UPDATE_FIXTURE) await write(NEWEST);
}, { timeout: 240_000 });

test('a fixture is small', () => {
  assert.ok(formats().includes(NEWEST));
  for (const format of formats()) assert.ok(sizeOf(format) < 1_000_000, `${format} has ${sizeOf(format)} bytes`);
});

for (const format of formats()) {
  describe(`deployed in the middle of a flow stored in format ${format}`, () => {
    const now = () => Date.now();

    test('a waiting device keeps waiting, and a person can still approve it', async (t) => {
      const { server, devices } = await startedOn(t, format, now);
      const { pending } = devices;

      assert.equal((await pending.poll()).error, 'authorization_pending');
      await new Person(server).approve(pending.userCode);

      await pending.redeem();
    });

    test('the account that had opened a consent page can open it again', async (t) => {
      const { server, devices } = await startedOn(t, format, now);

      await new Person(server).approve(devices.claimed.userCode);

      await devices.claimed.redeem();
    });

    test('another account that enters the code of an open consent page ends the request', async (t) => {
      const { server, devices } = await startedOn(t, format, now);
      const bob = new Person(server, { account: accounts.bob });

      await bob.enter(devices.claimed.userCode);
      await bob.signIn();

      assert.match(bob.page.problem, /^That code didn’t work/);
      assert.equal((await devices.claimed.poll()).error, 'access_denied');
    });

    test('an approval is redeemed once, under the keys published before', async (t) => {
      const { server, flow, devices } = await startedOn(t, format, now);

      const { id_token, access_token } = await devices.approved.redeem();

      const keys = createLocalJWKSet({ keys: flow.keys });
      const { payload } = await jwtVerify(id_token, keys, { issuer: server.origin, audience: clients.printer.client_id });
      await jwtVerify(access_token, keys, { issuer: server.origin, typ: 'at+jwt' });
      assert.equal(payload.preferred_username, accounts.alice.username);
      assert.equal((await devices.approved.poll()).error, 'invalid_grant');
      assert.equal((await devices.approved.refresh()).status, 200);
    });

    test('a refused code stays refused', async (t) => {
      const { devices } = await startedOn(t, format, now);

      assert.equal((await devices.denied.poll()).error, 'access_denied');
    });

    test('a device code that was redeemed before counts as a replay, and ends its family', async (t) => {
      const { devices } = await startedOn(t, format, now);
      await interval(3.1);

      assert.equal((await devices.redeemed.poll()).error, 'invalid_grant');

      assert.equal((await devices.redeemed.refresh()).error, 'invalid_grant');
    });

    test('a refresh token that was used before ends its family', async (t) => {
      const { flow, devices } = await startedOn(t, format, now);

      assert.equal((await devices.refreshed.refresh(flow.devices.refreshed.spent_token)).error, 'invalid_grant');

      assert.equal((await devices.refreshed.refresh()).error, 'invalid_grant');
    });

    test('wrong codes entered before still count', async (t) => {
      const { server, devices } = await startedOn(t, format, now);
      const bob = new Person(server, { account: accounts.bob });
      const statuses = [];
      await bob.enter('BBBB-BBBB');
      await bob.signIn();
      statuses.push(bob.page.status);

      for (let entry = 0; entry < 2; entry += 1) statuses.push((await bob.enter('BBBB-BBBB')).status);

      assert.deepEqual(statuses, [400, 400, 429]);
      assert.equal((await devices.pending.poll()).error, 'authorization_pending');
    });
  });

  describe(`started long after a flow stored in format ${format}`, () => {
    const dayAgo = () => Date.now() - DAY;
    const yearsAgo = () => Date.now() - 800 * DAY;

    test('the stored keys, clients and accounts are in use, and next keys are announced', async (t) => {
      const { server, flow } = await startedOn(t, format, dayAgo);
      const { keys } = await (await fetch(`${server.origin}/jwks.json`)).json();

      for (const { alg, kid } of flow.keys) {
        assert.ok(keys.some((key) => key.kid === kid), kid);
        assert.ok(keys.some((key) => key.alg === alg && key.kid !== kid), `the next key for ${alg} is announced`);
      }
      for (const client of Object.values(clients)) {
        const device = await Device.start(server, { client });
        await new Person(server).approve(device.userCode);
        await device.redeem();
        assert.equal((await device.refresh()).status, 200);
      }
    });

    test('every code has expired', async (t) => {
      const { server, devices } = await startedOn(t, format, dayAgo);

      for (const [name, device] of Object.entries(devices)) {
        assert.equal((await device.poll()).error, 'expired_token', name);
      }
      const alice = new Person(server);
      await alice.enter(devices.pending.userCode);
      await alice.signIn();
      assert.match(alice.page.problem, /^That code didn’t work/);
    });

    test('a refresh token works until its stored end', async (t) => {
      const inTime = await startedOn(t, format, dayAgo);
      const late = await startedOn(t, format, yearsAgo);
      assert.ok(late.flow.refresh_ends_at < Date.now() && Date.now() < inTime.flow.refresh_ends_at);

      for (const name of ['redeemed', 'refreshed']) {
        assert.equal((await inTime.devices[name].refresh()).status, 200);
        assert.equal((await late.devices[name].refresh()).error, 'invalid_grant');
      }
    });

    test('ended rows are swept, and every event reaches the ledger', async (t) => {
      const { server } = await startedOn(t, format, dayAgo);
      await fetch(`${server.origin}/jwks.json`);

      await until(() => grants(server).length === 0, 10_000, 'the rows were not swept');
      await until(() => outbox(server).length === 0, 10_000, 'the events were not shipped');

      const recorded = ledger(server).map(({ record }) => record.event.what);
      const count = (what) => recorded.filter((other) => other === what).length;
      assert.deepEqual([count('device_authorization'), count('redeemed'), count('denied')], [7, 2, 1]);
      assert.equal(count('expired'), 4, 'the code that was left to expire, and three that nobody redeemed');
      const device = await Device.start(server);
      assert.equal((await device.poll()).error, 'authorization_pending');
    });
  });
}

/** Starts a server on a copy of the fixture, as if the flow had stopped when `dated` says. Adds the flow's devices. */
async function startedOn(t, format, dated) {
  const { flow, directory } = copyOf(format, dated);
  const server = await startWorkerd({ dir: directory.path, vars: flow.vars });
  t.after(async () => {
    await endDiscreetly(server);
    directory.remove();
  });
  const devices = Object.entries(flow.devices).map(([name, { client, device_code, user_code, refresh_token }]) => {
    const device = new Device(server, { client: clients[client] });
    return [name, Object.assign(device, { codes: { device_code, user_code }, tokens: { refresh_token } })];
  });
  return { server, flow, devices: Object.fromEntries(devices) };
}
