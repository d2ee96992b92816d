// Kills the runtime between the steps of a flow and during requests: nothing is lost, and nothing happens twice.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from './support/bounded.mjs';
import { accounts, clients } from './support/config.mjs';
import { Device } from './support/device.mjs';
import { startWorkerd } from './support/harness.mjs';
import { Person } from './support/person.mjs';
import { endDiscreetly } from './support/secrets.mjs';
import { events, families, grants, rows } from './support/stored.mjs';

let server;
before(async () => {
  server = await startWorkerd({ vars: { POLL_INTERVAL_SECONDS: '1', LIVE_CODES_PER_CLIENT_AND_NETWORK: '100' } });
});
after(() => endDiscreetly(server));

/** Kills the runtime without warning, and starts it again on its stored state. */
async function crash() {
  await server.kill9();
  await server.restart();
}

describe('after a crash', () => {
  for (const client of Object.values(clients)) {
    test(`at every step, ${client.client_id} still gets its tokens, once`, async () => {
      const keys = await jwks();
      const device = await Device.start(server, { client });
      await crash();
      assert.equal((await device.poll()).error, 'authorization_pending');
      await crash();
      const alice = new Person(server);
      await alice.enter(device.userCode);
      await crash();
      await alice.signIn();
      alice.mustRead(200, 'Approve or refuse');
      await crash();
      await alice.decide('approve');
      alice.mustRead(200, 'Approved');
      await crash();
      const first = await device.redeem();
      await crash();
      assert.equal((await device.poll()).error, 'invalid_grant');
      const second = await device.refresh(first.refresh_token);
      assert.equal(second.status, 200);
      await crash();
      const third = await device.refresh(second.refresh_token);
      assert.equal(third.status, 200);
      assert.equal((await device.refresh(first.refresh_token)).error, 'invalid_grant', 'used before the crash');
      await crash();
      assert.equal((await device.refresh(third.refresh_token)).error, 'invalid_grant', 'the reuse has ended the family');
      assert.deepEqual(await jwks(), keys);
    });
  }

  test('a refused code stays refused', async () => {
    const device = await Device.start(server);
    await new Person(server).deny(device.userCode);

    await crash();

    assert.equal((await device.poll()).error, 'access_denied');
  });

  test('signed-in people stay signed in, and signed-out ones stay signed out', async () => {
    const [alice, bob] = Object.values(accounts).map((account) => new Person(server, { account }));
    const [one, other] = [await Device.start(server), await Device.start(server)];
    await alice.deny(one.userCode);
    await bob.deny(other.userCode);
    await bob.open();
    const signedIn = new Map(bob.cookies);
    await bob.submit({ step: 'sign_out' });

    await crash();

    const third = await Device.start(server);
    await alice.enter(third.userCode);
    alice.mustRead(200, 'Approve or refuse');
    bob.cookies = signedIn;
    await bob.enter(third.userCode);
    bob.mustRead(200, 'Sign in');
  });

  test('wrong codes still count', async () => {
    const bob = new Person(server, { account: accounts.bob });
    await bob.deny((await Device.start(server)).userCode);
    const enterWrong = async () => (await bob.enter('BBBB-BBBB')).status;

    assert.deepEqual([await enterWrong(), await enterWrong(), await enterWrong()], [400, 400, 400]);
    // A limiter stores attempts after a second: see decision 15.
    const stored = `SELECT json_extract(record, '$.attempts[0][2]') AS wrong FROM counters WHERE key LIKE 'code/account/%'`;
    await until(() => rows(server, 'LimiterShard', stored).some(({ wrong }) => wrong === 3), 60_000, 'the attempts were not stored');
    await crash();

    assert.deepEqual([await enterWrong(), await enterWrong(), await enterWrong()], [400, 400, 429]);
  });
});

describe('a crash during a request', () => {
  const alice = () => new Person(server);
  /** Milliseconds from sending the request to the crash: from before it is read to after it is answered. */
  const delays = [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 14, 20];

  test('a redemption happens once or not at all', async () => {
    const person = alice();
    for (const delay of delays) {
      const device = await Device.start(server);
      await person.approve(device.userCode);

      const before = await crashDuring(() => device.poll(), delay);
      const after = await device.poll();

      const issued = [before, after].filter((answer) => answer?.status === 200);
      assert.ok(issued.length <= 1, `two redemptions, ${delay} ms`);
      if (!issued.length) assert.equal(after.error, 'invalid_grant', `the code is spent, ${delay} ms`);
      else assert.equal((await device.refresh(issued[0].refresh_token)).status, 200, `the issued tokens work, ${delay} ms`);
    }
    assertConsistent();
  });

  test('a refresh happens once or not at all', async () => {
    const person = alice();
    const reused = () => families(server).filter(({ record }) => record.ended === 'refresh_token_reused').length;
    const endedBefore = reused();
    for (const delay of delays) {
      const device = await Device.start(server);
      await person.approve(device.userCode);
      const first = await device.redeem();

      const before = await crashDuring(() => device.refresh(first.refresh_token), delay);

      // A device that got its answer goes on with it. A device without an answer tries again. That may be so soon that
      // the server takes it for a race and refuses it, but it must not end the family.
      const next = before?.status === 200 ? before : await device.refresh(first.refresh_token);
      if (next.status === 200) assert.equal((await device.refresh(next.refresh_token)).status, 200, `${delay} ms`);
      else assert.equal(next.error, 'invalid_grant', `${delay} ms`);
      assert.equal(reused(), endedBefore, `${delay} ms`);
    }
    assertConsistent();
  });

  test('a decision happens once or not at all', async () => {
    const person = alice();
    for (const delay of delays) {
      const device = await Device.start(server);
      await person.consider(device.userCode);

      const answered = await crashDuring(() => person.decide('approve'), delay);

      const poll = await device.poll();
      if (answered) assert.equal(poll.status, 200, `a decision shown as approved is stored, ${delay} ms`);
      else assert.ok(poll.status === 200 || poll.error === 'authorization_pending', `${delay} ms: ${poll.error}`);
    }
    assertConsistent();
  });
});

/** Kills and restarts the runtime during a request. Returns the answer, or `undefined` if none arrived. */
async function crashDuring(request, delay) {
  const answer = request().catch(() => undefined);
  await sleep(delay);
  await server.kill9();
  const received = await answer;
  await server.restart();
  return received;
}

/** Checks that the redeemed grants, the families and the `redeemed` events correspond one to one. */
function assertConsistent() {
  const redeemed = grants(server).filter(({ record }) => record.state.is === 'redeemed');
  const recorded = events(server).filter(({ what }) => what === 'redeemed');

  assert.deepEqual(redeemed.map(({ record }) => record.state.family).sort(), families(server).map(({ id }) => id).sort());
  assert.deepEqual(redeemed.map(({ key }) => key).sort(), recorded.map(({ subject }) => subject).sort());
}

async function jwks() {
  return (await fetch(`${server.origin}/jwks.json`)).json();
}
