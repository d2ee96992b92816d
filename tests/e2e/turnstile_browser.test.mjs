// The entry page with the Turnstile widget, in Chromium. The browser can reach only this machine, so the widget's
// script never loads, just as if a network or an extension blocked it.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { openBrowser } from './support/browser.mjs';
import { accounts } from './support/config.mjs';
import { Device } from './support/device.mjs';
import { startWorkerd } from './support/harness.mjs';
import { endDiscreetly } from './support/secrets.mjs';
import { openSiteverify } from './support/siteverify.mjs';

const screenshots = join(import.meta.dirname, 'screenshots');
const ENTER = 'Enter the code shown on your device';
const COMPARE = 'Does your device show exactly this code?';
const NOT_LOADED = /challenges\.cloudflare\.com\/turnstile\/v0\/api\.js - Failed to load resource: net::ERR_NAME_NOT_RESOLVED/;

describe('a person who has to pass the check', { timeout: 120_000 }, () => {
  let siteverify;
  let server;

  before(async () => {
    siteverify = await openSiteverify();
    server = await startWorkerd({ vars: { ...siteverify.vars, TURNSTILE: 'always' } });
  });

  after(async () => {
    await siteverify.close();
    await endDiscreetly(server);
  });

  test('reads what to do if the widget does not load, and can go on once it does', async (t) => {
    const browser = await openBrowser();
    t.after(() => browser.close());
    const faults = [];
    const look = async (name) => faults.push(...(await browser.inspect(screenshots, name)));
    const device = await Device.start(server);

    await browser.open(`${server.origin}/device`);
    const page = await browser.sees(ENTER);
    assert.match(page, /Confirm that you’re a person\n.*If it doesn’t appear here, allow scripts from challenges\.cloudflare\.com/);
    assert.doesNotMatch(page, /needs JavaScript/);
    await look('check-not-loaded');

    await browser.type('user_code', device.userCode);
    await browser.press('Continue');
    await browser.sees(COMPARE);
    assert.equal(await browser.problem(), 'Your code hasn’t been looked up yet. It’s still filled in: complete the check below, then continue.');
    assert.equal(await browser.value('user_code'), device.userCode);
    assert.equal(await browser.address(), `${server.origin}/device`);

    await standInForWidget(browser, siteverify.solve({ hostname: 'other.example' }));
    assert.doesNotMatch(await browser.text(), /If it doesn’t appear here/, 'the widget has loaded');
    await look('check');
    await browser.press('Yes, continue');
    assert.match(await browser.problem(), /^The check wasn’t accepted/);
    assert.equal(await browser.value('user_code'), device.userCode);
    await look('check-not-accepted');

    await standInForWidget(browser, siteverify.solve());
    await browser.press('Yes, continue');
    await browser.sees('Sign in to continue');
    await browser.type('username', accounts.alice.username);
    await browser.type('password', accounts.alice.password);
    await browser.press('Sign in');
    await browser.sees('Let Demo TV use your account?');

    assert.deepEqual(faults, []);
    const complaints = await browser.complaints();
    assert.equal(complaints.length, 3, 'one for each page with the widget');
    for (const complaint of complaints) assert.match(complaint, NOT_LOADED);
  });

  test('reads that the check needs JavaScript, if it is turned off', async (t) => {
    const browser = await openBrowser({ javascript: false });
    t.after(() => browser.close());

    await browser.open(`${server.origin}/device`);
    const page = await browser.sees(ENTER);

    assert.match(page, /This check needs JavaScript, which is turned off in your browser\./);
    assert.doesNotMatch(page, /If it doesn’t appear here/);
    assert.deepEqual(await browser.complaints(), []);
  });
});

/** Puts what the widget would put into its place: a box of its size, and the token. */
function standInForWidget(browser, token) {
  const build = (value) => {
    const box = document.createElement('div');
    Object.assign(box.style, { minWidth: '300px', height: '65px', border: '1px solid' });
    const field = Object.assign(document.createElement('input'), { type: 'hidden', name: 'cf-turnstile-response', value });
    box.append(field);
    document.querySelector('.cf-turnstile').append(box);
  };
  return browser.run(build, token);
}
