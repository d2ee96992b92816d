// A kill switch in the real runtime: one call ends tokens, sessions and codes, and refuses what comes next.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Admin } from './support/admin.mjs';
import { clients } from './support/config.mjs';
import { Device } from './support/device.mjs';
import { startWorkerd } from './support/harness.mjs';
import { Person } from './support/person.mjs';
import { endDiscreetly } from './support/secrets.mjs';

let server, admin;
before(async () => {
  server = await startWorkerd();
  admin = new Admin(server);
});
after(() => endDiscreetly(server));

const killSwitch = (target) => ({ id: 'stop', target, reason: 'A campaign', until: new Date(Date.now() + 3_600_000).toISOString() });
const active = async (token) => (await new Device(server, { client: clients.printer }).ask('/introspect', { token })).active;

test('a kill switch makes tokens inactive at once, ends codes, and refuses starts until it is ended', async () => {
  const device = await Device.start(server, { client: clients.printer });
  await new Person(server).approve(device.userCode);
  const { access_token } = await device.redeem();
  const waiting = await Device.start(server, { client: clients.printer });
  assert.equal(await active(access_token), true);
  const target = { client: clients.printer.client_id };

  const tried = await admin.ask('POST', '/kill-switches?dry_run=true', { body: killSwitch(target) });
  assert.deepEqual([tried.status, tried.body.devices, tried.body.codes], [200, 1, 1], JSON.stringify(tried.body));
  assert.equal(await active(access_token), true, 'a dry run changes nothing');
  const set = await admin.ask('POST', '/kill-switches', { body: killSwitch(target) });

  assert.deepEqual([set.status, set.body.devices, set.body.codes, set.body.next_cursor], [201, 1, 1, undefined], JSON.stringify(set.body));
  assert.equal(await active(access_token), false);
  assert.equal((await waiting.poll()).error, 'access_denied');
  assert.equal((await device.refresh()).error, 'invalid_grant');
  assert.equal((await new Device(server, { client: clients.printer }).start()).error, 'unauthorized_client');
  assert.equal((await new Device(server).start()).status, 200, 'other clients go on');

  assert.equal((await admin.ask('POST', '/kill-switches/stop/end')).status, 200);
  assert.equal((await new Device(server, { client: clients.printer }).start()).status, 200);
  assert.equal(await active(access_token), false, 'what has ended stays ended');
});
