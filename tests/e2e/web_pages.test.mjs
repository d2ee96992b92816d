// Web pages of other origins, in Chromium, against the built Worker in workerd.
//
// `localhost` is another site than the server's 127.0.0.1; another port of 127.0.0.1 is only another origin, so its
// pages send the person's cookies along.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, beforeEach, afterEach, describe, test } from 'node:test';
import { Admin } from './support/admin.mjs';
import { openBrowser, openSite } from './support/browser.mjs';
import { accounts, clients } from './support/config.mjs';
import { DEVICE_GRANT, Device } from './support/device.mjs';
import { startWorkerd } from './support/harness.mjs';
import { keepSecret, keepUserCode } from './support/secrets.mjs';

const { alice } = accounts;
const screenshots = join(import.meta.dirname, 'screenshots');
const HOSTS = ['localhost', '127.0.0.1'];
const LYON = { city: 'Lyon', country: 'FR', asn: 64500, asOrganization: 'Example Telecom', colo: 'CDG' };
const CONSENT = 'Let Demo TV use your account?';
/** How the consent page says that the device is near. */
const NEAR = /Same area as you/;

describe('a web page of another origin', { timeout: 120_000 }, () => {
  let browser;
  let server;
  let site;

  before(async () => {
    [browser, site] = await Promise.all([openBrowser(), openSite()]);
  });

  beforeEach(async () => {
    // A single counted code would keep the device from starting.
    [server] = await Promise.all([startWorkerd({ vars: { LIVE_CODES_PER_CLIENT_AND_NETWORK: '1' } }), browser.restart()]);
  });

  afterEach(() => server.stop());
  after(() => Promise.all([browser?.close(), site?.close()]));

  test('starts nothing, and nothing is counted', async () => {
    const url = `${server.origin}/device_authorization`;
    for (const host of HOSTS) {
      const page = site.page('', host);
      const origin = new URL(page).origin;
      await browser.open(page);
      const readable = await browser.run(send, url, { client_id: 'demo-tv' }, { mode: 'cors' });
      assert.match(readable, /Failed to fetch/, 'a script cannot read it');
      assert.equal(await browser.run(send, url, { client_id: 'demo-tv' }, { mode: 'no-cors' }), 'opaque', 'it is sent');
      await browser.open(site.page(form(url, { client_id: 'demo-tv' }), host));
      await browser.leaving(() => browser.run(() => document.forms[0].submit()));

      const refusal = JSON.parse(await browser.text());
      assert.equal(refusal.error, 'invalid_request');
      assert.ok(refusal.error_description.includes(`'${origin}'`), refusal.error_description);
    }
    assert.deepEqual(server.sqliteFiles('GrantShard'), [], 'no grant is stored');
    assert.deepEqual(server.sqliteFiles('LimiterShard'), [], 'nothing is counted');
    await Device.start(server);
  });

  test('decides nothing for a person who is signed in and has the consent page open', async () => {
    const device = await Device.start(server);
    await enter(device.userCode);
    const person = await browser.window();
    const url = `${server.origin}/device`;
    await browser.openWindow();
    for (const host of HOSTS) {
      for (const decision of ['approve', 'deny', 'report']) {
        const fields = { step: 'decide', decision, confirm_device: 'yes', csrf: 'guessed', transaction: 'guessed' };
        await browser.open(site.page(form(url, fields), host));
        assert.match(await browser.run(send, url, fields, { mode: 'cors', credentials: 'include' }), /Failed to fetch/);
        assert.equal(await browser.run(send, url, fields, { mode: 'no-cors', credentials: 'include' }), 'opaque');
        await browser.leaving(() => browser.run(() => document.forms[0].submit()));
        await browser.sees('Form refused');
        assert.equal(await browser.status(), 403);
      }
    }
    assert.equal((await device.poll()).error, 'authorization_pending');

    await browser.switchTo(person);
    await browser.tick('confirm_device');
    await browser.press('Approve');
    await browser.sees('Approved');
    await device.redeem();
  });

  test('starts and polls if the client lists its origin, and the person reads where it came from', async () => {
    const page = site.page('', '127.0.0.1');
    const { origin } = new URL(page);
    await list(origin);
    await browser.sends({ 'x-test-cf': JSON.stringify(LYON) });
    await browser.open(page);
    const call = async (path, fields) => JSON.parse(await browser.run(send, server.origin + path, fields, { mode: 'cors' }));

    const codes = kept(await call('/device_authorization', { client_id: 'demo-tv', scope: 'openid' }));
    const poll = { client_id: 'demo-tv', grant_type: DEVICE_GRANT, device_code: codes.device_code };
    assert.equal((await call('/token', poll)).error, 'authorization_pending');
    assert.match((await call('/device_authorization', { client_id: 'demo-tv', max_age: 'x' })).error_description, /max_age/);
    const window = await browser.window();
    await browser.openWindow();
    await browser.sends({ 'x-test-cf': JSON.stringify(LYON) });
    const consent = await enter(codes.user_code);
    assert.ok(consent.includes(`Started from a web page at ${origin}.`), consent);
    assert.match(consent, NEAR);
    const faults = await browser.inspect(screenshots, 'consent-from-a-page');
    await browser.tick('confirm_device');
    await browser.press('Approve');
    await browser.sees('Approved');

    await browser.switchTo(window);
    const tokens = await call('/token', poll);
    keepSecret('an access token', tokens.access_token);
    keepSecret('an ID token', tokens.id_token);
    assert.equal(tokens.token_type, 'Bearer', JSON.stringify(Object.keys(tokens)));
    assert.deepEqual(faults, []);
  });

  test('that hides its address is never said to be near', async () => {
    await list('null');
    await browser.sends({ 'x-test-cf': JSON.stringify(LYON) });
    // The frame is a process of its own, to which the browser's extra headers do not reach.
    const headers = JSON.stringify({ 'x-test-cf': JSON.stringify(LYON) });
    const script = `fetch('${server.origin}/device_authorization', { method: 'POST', headers: ${headers}, body: new URLSearchParams({ client_id: 'demo-tv' }) })
      .then((response) => response.text()).then((text) => parent.postMessage(text, '*'))`;
    await browser.open(site.page('<script>answer = new Promise((done) => (onmessage = ({ data }) => done(data)))</script>' +
      `<iframe sandbox="allow-scripts" srcdoc="<script>${script.replaceAll('"', '&quot;')}</script>"></iframe>`, 'localhost'));
    const codes = kept(JSON.parse(await browser.run(() => window.answer)));

    const consent = await enter(codes.user_code);

    assert.match(consent, /Started from a web page that hides its address\./);
    assert.match(consent, /^Place Lyon, France Lyon, France$/m);
    assert.doesNotMatch(consent, NEAR);
    assert.deepEqual(await browser.inspect(screenshots, 'consent-from-a-hidden-page'), []);
  });

  /** Enters a code, signs in, and returns the text of the consent page. */
  async function enter(code) {
    await browser.open(`${server.origin}/device`);
    await browser.type('user_code', code);
    await browser.press('Continue');
    await browser.type('username', alice.username);
    await browser.type('password', alice.password);
    await browser.press('Sign in');
    return browser.sees(CONSENT);
  }

  /** Lets pages of an origin use the client. */
  async function list(origin) {
    const answer = await new Admin(server).ask('PATCH', `/clients/${clients.tv.client_id}`, { body: { allowed_origins: [origin] }, ifMatch: '*' });
    assert.equal(answer.status, 200, JSON.stringify(answer.body));
  }
});

/** Tells the tests' log check about the codes in an answer, and returns it. */
function kept(codes) {
  assert.ok(codes.device_code, JSON.stringify(codes));
  keepSecret('a device code', codes.device_code);
  keepUserCode(codes.user_code);
  return codes;
}

/** Runs in a page: posts a form. Returns the text of the response, `opaque`, or the error. */
async function send(url, fields, options) {
  try {
    const response = await fetch(url, { method: 'POST', body: new URLSearchParams(fields), ...options });
    return response.type === 'opaque' ? 'opaque' : await response.text();
  } catch (error) {
    return String(error);
  }
}

function form(action, fields) {
  const inputs = Object.entries(fields).map(([name, value]) => `<input type="hidden" name="${name}" value="${value}">`);
  return `<form method="post" action="${action}">${inputs.join('')}</form>`;
}
