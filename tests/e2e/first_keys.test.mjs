// The first signing keys of a deployment, which take a while to make: only a redemption waits for them.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from './support/bounded.mjs';
import { Device } from './support/device.mjs';
import { startFaulty } from './support/faults.mjs';
import { Person } from './support/person.mjs';
import { rows } from './support/stored.mjs';

const LATE = 20_000;
const keys = (server) => rows(server, 'Registry', 'SELECT kid FROM signing_keys');

test('devices start and people approve while no key can be made yet, and a redemption waits for one', async (t) => {
  const { server, send } = await startFaulty(t, { vars: {} });
  await send('/panic-probe/no-keys');

  const device = await Device.start(server);
  assert.equal((await device.poll()).error, 'authorization_pending');
  await new Person(server).approve(device.userCode);
  await until(() => server.logs().includes('a key waits'), LATE, 'no key was to be made after an answer');
  assert.deepEqual(keys(server), []);

  let isAnswered = false;
  const redemption = device.poll().finally(() => (isAnswered = true));
  assert.equal((await new Device(server).start()).status, 200);
  assert.deepEqual([isAnswered, keys(server)], [false, []]);
  await send('/panic-probe/none');

  assert.equal((await redemption).status, 200);
  assert.equal(keys(server).length, 4);
});

test('after the first start, the keys are made without another request', async (t) => {
  const { server } = await startFaulty(t, { vars: {} });

  await Device.start(server);

  await until(() => keys(server).length === 4, LATE, 'no keys were made');
});
