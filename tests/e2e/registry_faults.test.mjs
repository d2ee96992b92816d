// What devices, people and operators see while the registry is slow or fails, and that all goes on afterwards.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Admin } from './support/admin.mjs';
import { Device } from './support/device.mjs';
import { startFaulty } from './support/faults.mjs';
import { within } from './support/harness.mjs';
import { Person } from './support/person.mjs';

/** Milliseconds within which every answer arrives: ten seconds of patience with the registry, and a busy machine. */
const PATIENCE = 15_000;

for (const fault of ['slow-registry', 'failing-registry']) {
  test(`with a ${fault.replace('-', ' ')}, codes start and wait, what needs the registry gets 503, and all goes on afterwards`, async (t) => {
    const { server, send } = await startFaulty(t, { vars: {} });
    const [waiting, approved] = await Promise.all([Device.start(server), Device.start(server)]);
    const [alice, carol] = [new Person(server), new Person(server)];
    await alice.approve(approved.userCode);
    await alice.consider(waiting.userCode);
    await Device.start(server);

    await send(`/panic-probe/${fault}`);
    const next = new Device(server);
    const answers = await within(PATIENCE, settled({
      // The isolate has a copy of the clients.
      start: next.start().then(brief),
      poll: waiting.poll().then(brief),
      enter: carol.enter(waiting.userCode).then(page),
      approve: alice.decide('approve').then(page),
      redeem: approved.poll().then(brief),
      admin: new Admin(server).ask('GET', '/clients').then(({ status, headers }) => `${status}, again in ${headers.get('retry-after')} s`),
      health: send('/healthz').then(({ status }) => status),
    }), 'a request had no answer');

    assert.deepEqual(answers, {
      start: 200,
      poll: 'authorization_pending',
      enter: 'Sign in',
      approve: 'Please try again, 503, again in 5 s',
      redeem: 'temporarily_unavailable, 503, again in 5 s',
      admin: '503, again in 5 s',
      health: 200,
    });
    await send('/panic-probe/none');
    await alice.approve(waiting.userCode);
    await waiting.redeem();
    await approved.redeem();
    await alice.approve(next.userCode);
    await next.redeem();
    assert.equal((await new Admin(server).ask('GET', '/clients')).status, 200);
  });
}

/** Waits for every value of an object. */
async function settled(promises) {
  const entries = Object.entries(promises).map(async ([name, promise]) => [name, await promise]);
  return Object.fromEntries(await Promise.all(entries));
}

function brief({ status, error, retryAfter }) {
  return status === 503 ? `${error}, 503, again in ${retryAfter} s` : (error ?? status);
}

function page({ status, title, heading, headers }) {
  return status === 503 ? `${heading}, 503, again in ${headers.get('retry-after')} s` : title.replace(' · Device sign-in', '');
}
