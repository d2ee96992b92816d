// Many simultaneous requests for something that only one of them can get.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { accounts, clients } from './support/config.mjs';
import { Device } from './support/device.mjs';
import { startWorkerd } from './support/harness.mjs';
import { Person } from './support/person.mjs';
import { endDiscreetly } from './support/secrets.mjs';
import { events, families, grants } from './support/stored.mjs';

let server;
before(async () => {
  server = await startWorkerd();
});
after(() => endDiscreetly(server));

test('of a hundred parallel polls on an approved code, exactly one gets the tokens, and they work', async () => {
  const device = await Device.start(server);
  await new Person(server).approve(device.userCode);

  const answers = await Promise.all(Array.from({ length: 100 }, () => device.poll()));

  const winners = answers.filter(({ status }) => status === 200);
  const losers = answers.filter(({ status, error }) => status === 400 && error === 'invalid_grant');
  assert.deepEqual([winners.length, losers.length], [1, 99]);
  assert.equal((await device.refresh(winners[0].refresh_token)).status, 200, "the winner's tokens are not revoked");
  assert.equal(families(server).length, 1, 'the losers left nothing behind');
  assert.equal(count('redeemed'), 1);
  assert.equal(count('device_code_replayed'), 0);
});

test('a hundred parallel polls on a pending code are all answered, and raise the interval only to its maximum', async () => {
  const device = await Device.start(server);

  const answers = await Promise.all(Array.from({ length: 100 }, () => device.poll()));

  const errors = answers.map(({ error }) => error);
  assert.equal(errors.filter((error) => error === 'authorization_pending').length, 1, 'the first poll is on time');
  assert.equal(errors.filter((error) => error === 'slow_down').length, 99);
  assert.equal(Math.max(...answers.map(({ interval }) => interval)), 60);
  await new Person(server).approve(device.userCode);
  await device.redeem();
});

test('of parallel decisions on one page exactly one counts, all pages show it, and the device gets it', async () => {
  for (const choices of [['approve', 'deny'], ['deny', 'approve'], ['report', 'approve'], ['approve', 'approve', 'deny', 'deny']]) {
    const device = await Device.start(server);
    const alice = new Person(server);
    await alice.consider(device.userCode);

    const pages = await Promise.all(choices.map((choice) => alice.decide(choice)));

    const headings = new Set(pages.map(({ status, heading }) => `${status} ${heading}`));
    assert.equal(headings.size, 1, `all pages say the same: ${[...headings]}`);
    const [page] = headings;
    const poll = await device.poll();
    const expected = page === '200 Approved' ? [200, undefined] : [400, 'access_denied'];
    assert.deepEqual([poll.status, poll.error], expected, page);
    const result = { '200 Approved': 'approve', '200 Refused': 'deny', '200 Refused and reported': 'report' }[page];
    const kept = pages.filter(({ text }) => text.includes('changed nothing')).length;
    assert.equal(kept, choices.filter((choice) => choice !== result).length, 'the other buttons changed nothing');
  }
});

test('a poll during a decision gets either authorization_pending or the result', async () => {
  const device = await Device.start(server);
  const alice = new Person(server);
  await alice.consider(device.userCode);

  const [, poll] = await Promise.all([alice.decide('approve'), device.poll()]);

  alice.mustRead(200, 'Approved');
  assert.ok(poll.status === 200 || poll.error === 'authorization_pending', poll.error);
  if (poll.status !== 200) await device.redeem();
});

test('of two tabs either can decide, and the other shows it', async () => {
  const device = await Device.start(server);
  const alice = new Person(server);
  await alice.consider(device.userCode);
  const older = alice.page;
  await alice.consider(device.userCode);
  const newer = alice.page;

  alice.page = older;
  await alice.decide('approve');
  alice.mustRead(200, 'Approved');
  alice.page = newer;
  await alice.decide('approve');
  alice.mustRead(200, 'Approved');

  await device.redeem();
});

test('of fifty parallel refreshes exactly one succeeds, and its tokens work: the others do not end the family', async () => {
  const device = await Device.start(server, { client: clients.printer });
  await new Person(server).approve(device.userCode);
  const { refresh_token } = await device.redeem();
  const reused = count('refresh_token_reused');

  const answers = await Promise.all(Array.from({ length: 50 }, () => device.refresh(refresh_token)));

  const winners = answers.filter(({ status }) => status === 200);
  const losers = answers.filter(({ status, error }) => status === 400 && error === 'invalid_grant');
  assert.deepEqual([winners.length, losers.length], [1, 49]);
  const { active } = await device.ask('/introspect', { token: winners[0].access_token });
  assert.equal(active, true);
  assert.equal((await device.refresh(winners[0].refresh_token)).status, 200);
  assert.equal(count('refresh_token_reused'), reused);
});

test('twelve simultaneous devices each get their own tokens', async () => {
  const bob = new Person(server, { account: accounts.bob });
  const devices = await Promise.all(Array.from({ length: 12 }, () => Device.start(server)));
  for (const device of devices) await bob.approve(device.userCode);

  const tokens = await Promise.all(devices.map((device) => device.redeem()));

  assert.equal(new Set(devices.map((device) => device.userCode)).size, devices.length);
  assert.equal(new Set(tokens.map(({ refresh_token }) => refresh_token)).size, devices.length);
  const redeemed = grants(server).filter(({ record }) => record.state.is === 'redeemed');
  assert.equal(new Set(redeemed.map(({ record }) => record.state.family)).size, redeemed.length);
});

function count(event) {
  return events(server).filter(({ what }) => what === event).length;
}
