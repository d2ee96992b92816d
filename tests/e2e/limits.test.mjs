// Limits on live codes, wrong codes and wrong passwords, and what the answers to wrong codes reveal.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { interval, past } from './support/bounded.mjs';
import { accounts, clients } from './support/config.mjs';
import { Device } from './support/device.mjs';
import { startWorkerd } from './support/harness.mjs';
import { Person } from './support/person.mjs';
import { from } from './support/places.mjs';
import { endDiscreetly } from './support/secrets.mjs';
import { grants, liveCodes } from './support/stored.mjs';

const LIFETIME = 10;

let server;
before(async () => {
  server = await startWorkerd({ vars: { LIVE_CODES_PER_CLIENT_AND_NETWORK: '20' } });
});
after(() => endDiscreetly(server));

/** Returns headers from a new network, so that no test uses up another's limits. */
let networks = 0;
const ownNetwork = () => from(`198.51.${++networks}.1`);

describe('live codes of a client on a network', () => {
  test('are at most as many as the setting says; the next device has to wait until one ends, and the answer says how long', async () => {
    const headers = ownNetwork();
    const devices = await Promise.all(Array.from({ length: 20 }, () => Device.start(server, { headers })));

    const refused = await new Device(server, { headers }).start();

    assert.deepEqual([refused.status, refused.error], [429, 'temporarily_unavailable']);
    const wait = Number(refused.retryAfter);
    assert.ok(wait > 280 && wait <= 300, `not until the first one ends: ${refused.retryAfter}`);
    await Device.start(server, { headers, client: clients.printer });
    await Device.start(server, { headers: ownNetwork() });
    assert.equal((await devices[0].poll()).error, 'authorization_pending', 'the twenty are not affected');
  });

  test('no longer count once redeemed or refused', async () => {
    const headers = ownNetwork();
    const devices = await Promise.all(Array.from({ length: 20 }, () => Device.start(server, { headers })));
    const startIsRefused = async () => (await new Device(server, { headers }).start()).status === 429;
    const bob = new Person(server, { account: accounts.bob, headers: ownNetwork() });

    await bob.approve(devices[0].userCode);
    assert.ok(await startIsRefused(), 'an approved code still counts');
    await devices[0].redeem();
    assert.equal(await startIsRefused(), false);
    await bob.deny(devices[1].userCode);
    assert.equal(await startIsRefused(), false);
    assert.ok(await startIsRefused(), 'the two that ended were replaced');
  });

  test('are counted on all prefixes of an IPv6 address, for the client and in the shard', async (t) => {
    const small = await startWorkerd({ vars: { LIVE_CODES_PER_CLIENT_AND_NETWORK: '5', LIVE_CODES_PER_SHARD: '30', SHARDS_PER_REGION: '1' } });
    t.after(() => endDiscreetly(small));
    const start = (subnet, client) => new Device(small, { client, headers: from(`2001:db8:666:${subnet.toString(16)}::1`) }).start();
    const taken = [];
    for (let subnet = 0; subnet < 16; subnet += 1) taken.push((await start(subnet * 4096, clients.tv)).status);

    // x codes are fewer than half of the 30 - x that are left: ten fit.
    assert.deepEqual(taken, [...Array(10).fill(200), ...Array(6).fill(429)]);
    assert.equal(grants(small).length, 10);
    assert.equal(new Set(grants(small).map(({ record }) => record.request.network)).size, 10);
    assert.ok(grants(small).every(({ network, record }) => record.request.network.startsWith(`${network}/56.`)));
    assert.deepEqual(liveCodes(small).map(({ network }) => network), [grants(small)[0].network], 'one row counts them all');
    for (let count = 0; count < 2; count += 1) await Device.start(small, { headers: from('203.0.113.9') });
  });

  test('of all clients in a shard are limited by a setting', async (t) => {
    const full = await startWorkerd({ vars: { LIVE_CODES_PER_SHARD: '3', SHARDS_PER_REGION: '1' } });
    t.after(() => endDiscreetly(full));
    for (const client of [clients.tv, clients.printer, clients.tv]) await Device.start(full, { client, headers: ownNetwork() });

    const refused = await new Device(full, { headers: ownNetwork() }).start();

    assert.deepEqual([refused.status, refused.error], [429, 'temporarily_unavailable']);
    assert.ok(Number(refused.retryAfter) > 280, refused.retryAfter);
    assert.equal(grants(full).length, 3);
  });
});

describe('wrong user codes', () => {
  test('are limited to five per account, then the page says how long to wait, wherever the account is used', async () => {
    const bob = await signedIn(accounts.bob);
    const right = await Device.start(server, { headers: ownNetwork() });
    for (let count = 0; count < 5; count += 1) {
      await bob.enter('BBBB-BBBB');
      assert.deepEqual([bob.page.status, bob.page.problem.slice(0, 21)], [400, 'That code didn’t work']);
    }

    await bob.enter(right.userCode);

    assert.equal(bob.page.status, 429);
    assert.match(bob.page.problem, /^Too many tries\. Wait 5 minutes, then try again\.$/);
    const wait = Number(bob.page.headers.get('retry-after'));
    assert.ok(wait > 280 && wait <= 300, `${wait}`);
    const elsewhere = new Person(server, { account: accounts.bob, headers: ownNetwork() });
    await elsewhere.enter(right.userCode);
    await elsewhere.signIn();
    assert.equal(elsewhere.page.status, 429);
    const alice = await signedIn(accounts.alice);
    await alice.approve(right.userCode);
    await right.redeem();
  });

  test('do not count if they could never be codes', async (t) => {
    const fresh = await startWorkerd();
    t.after(() => endDiscreetly(fresh));
    const bob = await signedIn(accounts.bob, fresh);
    const right = await Device.start(fresh);

    for (const typed of ['', 'AEIOU', 'BBBB', '1234-5678', 'B'.repeat(40)]) {
      await bob.enter(typed);
      assert.equal(bob.page.status, 400);
    }

    await bob.approve(right.userCode);
  });

  test('all get the same answer, byte for byte but for the code itself: wrong, used, expired, refused and contested codes', async (t) => {
    const short = await startWorkerd({ vars: { CODE_LIFETIME_SECONDS: String(LIFETIME) } });
    t.after(() => endDiscreetly(short));
    const alice = await signedIn(accounts.alice, short);
    const bob = await signedIn(accounts.bob, short);
    const expired = await Device.start(short);
    await past(Date.now() + expired.codes.expires_in * 1000);
    const [used, refused, reported, contested] = await Promise.all([1, 2, 3, 4].map(() => Device.start(short)));
    await alice.approve(used.userCode);
    await used.redeem();
    await alice.deny(refused.userCode);
    await alice.consider(reported.userCode);
    await alice.decide('report');
    await alice.consider(contested.userCode);
    await bob.enter(contested.userCode);
    assert.equal(bob.page.status, 400, 'alice has the consent page open');

    // An account has five tries, so two people share the entries. Their names are on the pages, so each person's pages
    // are compared only with one another.
    const pages = { bob: { contested: answer(bob.page) }, alice: {} };
    const wrong = { userCode: 'BBBB-BBBB' };
    for (const [why, { userCode }] of Object.entries({ reported, wrong })) pages.bob[why] = answer(await bob.enter(userCode));
    for (const [why, { userCode }] of Object.entries({ expired, used, refused, contested, wrong })) pages.alice[why] = answer(await alice.enter(userCode));

    for (const seen of Object.values(pages)) {
      assert.equal(seen.wrong.status, 400);
      for (const [why, page] of Object.entries(seen)) assert.deepEqual(page, seen.wrong, why);
    }
    assert.equal((await contested.poll()).error, 'access_denied');
    assert.equal((await expired.poll()).error, 'expired_token');
  });
});

describe('wrong passwords', () => {
  test('lead to waits that the page announces, and never lock anybody out', async () => {
    const device = await Device.start(server, { headers: ownNetwork() });
    const alice = new Person(server, { headers: ownNetwork() });
    await alice.enter(device.userCode);

    for (let tries = 0; alice.page.status !== 429; tries += 1) {
      assert.ok(tries < 10, 'there is no wait after ten wrong passwords');
      await alice.signIn({ username: 'alice', password: 'wrong' });
      if (alice.page.status === 400) assert.equal(alice.page.problem, 'Wrong username or password.');
    }

    assert.match(alice.page.problem, /^Too many tries\. Wait \d+ seconds?, then try again\.$/);
    const wait = Number(alice.page.headers.get('retry-after'));
    assert.ok(wait >= 1 && wait <= 15, `${wait}`);
    await interval(wait);
    await alice.signIn();
    alice.mustRead(200, 'Approve or refuse');
  });

  test('get the same answer whether the account exists or not', async () => {
    const device = await Device.start(server, { headers: ownNetwork() });
    const person = new Person(server, { headers: ownNetwork() });
    const pages = [];
    for (const username of ['bob', 'b0b']) {
      await person.enter(device.userCode);
      await person.signIn({ username, password: 'wrong' });
      const { status, html } = person.page;
      pages.push([status, html.replaceAll(username, 'name').replaceAll(person.page.transaction, 'transaction')]);
    }

    assert.deepEqual(pages[0], pages[1]);
    assert.equal(pages[0][0], 400);
  });
});

describe('a code that two accounts enter', () => {
  test('in two browsers is dead', async (t) => {
    const fresh = await startWorkerd();
    t.after(() => endDiscreetly(fresh));
    const [device, other] = [await Device.start(fresh), await Device.start(fresh)];
    const alice = new Person(fresh);
    const mallory = new Person(fresh, { account: accounts.bob });
    await alice.consider(device.userCode);

    await mallory.enter(device.userCode);
    await mallory.signIn();

    assert.match(mallory.page.problem, /^That code didn’t work/);
    const late = await alice.decide('approve');
    assert.deepEqual([late.status, late.heading], [409, 'This request has ended']);
    assert.equal((await device.poll()).error, 'access_denied');
    assert.equal((await other.poll()).error, 'authorization_pending', 'no other code is affected');
  });

  test('in one browser, where a person switches accounts, still works', async (t) => {
    const fresh = await startWorkerd();
    t.after(() => endDiscreetly(fresh));
    const device = await Device.start(fresh);
    const person = new Person(fresh);
    await person.consider(device.userCode);

    await person.submit({ step: 'switch_account' });
    await person.signIn(accounts.bob);
    await person.decide('approve');

    person.mustRead(200, 'Approved');
    const { id_token } = await device.redeem();
    const claims = JSON.parse(Buffer.from(id_token.split('.')[1], 'base64url'));
    assert.equal(claims.preferred_username, 'bob');
  });
});

/** Returns a person who is already signed in, because they refused another code. */
async function signedIn(account, where = server) {
  const person = new Person(where, { account, headers: ownNetwork() });
  const device = await Device.start(where, { headers: ownNetwork() });
  await person.deny(device.userCode);
  return person;
}

/** Returns everything in an answer by which a person could tell it from another, apart from the code that was typed. */
function answer({ status, html, headers }) {
  return { status, html: html.replace(/(name="user_code" type="text" value=")[^"]*/, '$1'), headers: Object.fromEntries([...headers].filter(([name]) => name !== 'date')) };
}
