// Turnstile on the entry page, with the real `fetch` to a stand-in for siteverify.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { accounts } from './support/config.mjs';
import { Device } from './support/device.mjs';
import { startWorkerd } from './support/harness.mjs';
import { Person } from './support/person.mjs';
import { decisions, endDiscreetly } from './support/secrets.mjs';
import { openSiteverify } from './support/siteverify.mjs';

const WIDGET = /<div class="cf-turnstile" data-sitekey="0x4AAAAAAAsitekeyofours0" data-action="device_code"/;
const CLOUDFLARE = 'https://challenges.cloudflare.com';
const UNCHECKED = /^Your code hasn’t been looked up yet\. It’s still filled in/;
const NOT_ACCEPTED = /^The check wasn’t accepted: a check works only once, and only for five minutes\. Your code is still filled in/;

test('the check appears only while codes are being guessed', async (t) => {
  // Such codes leave five guesses while one is live: 7^8 / 2^20.
  const { server, siteverify } = await start(t, { USER_CODE_CHARSET: 'BCDFGHJ', ALLOW_WEAK_USER_CODES: 'true' });
  const device = await Device.start(server);
  const [alice, bob] = [new Person(server), new Person(server, { account: accounts.bob })];
  await alice.enter('BBBB-BBBB');
  assert.doesNotMatch(alice.page.html, /class="cf-turnstile"|<script/);
  await alice.signIn();
  for (const wrong of ['CCCC-CCCC', 'DDDD-DDDD', 'FFFF-FFFF', 'GGGG-GGGG']) await alice.enter(wrong);
  const calm = alice.page.headers.get('content-security-policy');
  assert.match(alice.page.problem, /^That code didn’t work/);
  await bob.enter('HHHH-HHHH');
  await bob.signIn();

  await bob.enter(device.userCode);

  assert.equal(bob.page.status, 400);
  assert.match(bob.page.problem, UNCHECKED);
  assert.match(bob.page.html, WIDGET);
  assert.match(bob.page.html, new RegExp(`value="${device.userCode}"`));
  const policy = bob.page.headers.get('content-security-policy');
  assert.equal(policy, `${calm}; script-src ${CLOUDFLARE}; frame-src ${CLOUDFLARE}`);
  assert.deepEqual(siteverify.asked, []);
  const token = siteverify.solve();
  await send(bob, device.userCode, token);
  assert.equal(bob.page.headers.get('content-security-policy'), calm);
  await bob.decide('approve');
  bob.mustRead(200, 'Approved');
  await device.redeem();
  const form = { secret: siteverify.vars.TURNSTILE_SECRET_KEY, response: token };
  assert.deepEqual(siteverify.asked, [{ method: 'POST', path: '/siteverify', form }], 'the request contains nothing about the person');
});

test('a token of another page or action, and a used or invented one, is refused', async (t) => {
  const { server, siteverify } = await start(t, { TURNSTILE: 'always' });
  const device = await Device.start(server);
  const alice = new Person(server);
  const used = siteverify.solve();
  await alice.open(`/device?user_code=${device.userCode}`);
  await send(alice, device.userCode, used);
  alice.mustRead(200, 'Sign in');
  await alice.open();

  for (const token of [siteverify.solve({ hostname: 'evil.example' }), siteverify.solve({ action: 'login' }), used, 'invented']) {
    await send(alice, device.userCode, token);

    assert.equal(alice.page.status, 400);
    assert.match(alice.page.problem, NOT_ACCEPTED);
    assert.match(alice.page.html, new RegExp(`value="${device.userCode}"`));
  }

  await send(alice, device.userCode, siteverify.solve());
  await alice.signIn();
  alice.mustRead(200, 'Approve or refuse');
  const reasons = decisions(server).filter(({ outcome }) => outcome === 'unchecked').map(({ reason }) => reason);
  assert.deepEqual(reasons, ['other_host', 'other_action', 'spent', 'invalid'].map((why) => `turnstile_${why}`));
});

test('while siteverify fails the answer is 503, and later the same form works', async (t) => {
  const { server, siteverify } = await start(t, { TURNSTILE: 'always' });
  const device = await Device.start(server);
  const alice = new Person(server);
  const token = siteverify.solve();
  const failures = {
    'an error': (response) => response.writeHead(500).end('{"success":true}'),
    'another page': (response) => response.end('<h1>Maintenance</h1>'),
    'a redirect': (response) => response.writeHead(307, { location: '/elsewhere' }).end(),
    'no end': (response) => void response.write('{"success":true,"x":"'.padEnd(20_000, 'x')),
    'a broken connection': (response) => response.destroy(),
    silence: () => {},
  };

  for (const [what, instead] of Object.entries(failures)) {
    siteverify.instead = instead;
    await alice.open();
    await send(alice, device.userCode, token);

    assert.deepEqual([alice.page.status, alice.page.heading], [503, 'Please try again'], what);
    assert.equal(alice.page.headers.get('retry-after'), '5', what);
  }

  siteverify.instead = undefined;
  await alice.open();
  await send(alice, device.userCode, token);
  await alice.signIn();
  await alice.decide('approve');
  await device.redeem();
  assert.deepEqual([...new Set(siteverify.asked.map(({ path }) => path))], ['/siteverify'], 'no redirect was followed');
});

/** Starts a server with a Turnstile widget, and the siteverify that verifies its tokens. */
async function start(t, vars = {}) {
  const siteverify = await openSiteverify();
  const server = await startWorkerd({ vars: { ...siteverify.vars, ...vars } });
  t.after(async () => {
    await siteverify.close();
    // workerd itself reports the broken connection, and the Worker the failed fetch.
    await endDiscreetly(server, { besides: [/^ALLOW_WEAK_USER_CODES is on: |^workerd\/|^stack: |^\{"what":"fetch","outcome":"unavailable","reason":"/] });
  });
  return { server, siteverify };
}

/** Submits the code form of the current page. */
function send(person, user_code, token) {
  return person.submit({ step: 'code', user_code, 'cf-turnstile-response': token });
}
