// Passkeys in Chromium, with the virtual authenticators of WebDriver, against the built Worker in workerd. The issuer is
// http://localhost, because an RP ID is a name.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { Admin } from './support/admin.mjs';
import { openBrowser } from './support/browser.mjs';
import { accounts } from './support/config.mjs';
import { Device } from './support/device.mjs';
import { startWorkerd } from './support/harness.mjs';

const { alice } = accounts;
const screenshots = join(import.meta.dirname, 'screenshots');

const SIGN_IN = 'Sign in to continue';
const CONSENT = 'Let Demo TV use your account?';
const PASSKEYS = 'Your passkeys';

describe('a person with a passkey', { timeout: 300_000 }, () => {
  let browser;
  let server;
  let origin;

  before(async () => {
    browser = await openBrowser();
  });

  beforeEach(async () => {
    server = await startWorkerd();
    origin = server.origin.replace('127.0.0.1', 'localhost');
    await browser.restart();
    await browser.plugAuthenticator();
  });

  afterEach(async () => {
    await browser.unplugAuthenticator();
    await server.stop();
    assert.deepEqual(await browser.complaints(), [], 'the browser reports no problem');
  });

  after(() => browser?.close());

  /** Signs alice in with her password, and adds a passkey. */
  async function addPasskey() {
    await browser.open(`${origin}/account/passkeys`);
    await browser.sees(SIGN_IN);
    await browser.type('username', alice.username);
    await browser.type('password', alice.password);
    await browser.press('Sign in');
    assert.match(await browser.sees(PASSKEYS), /You have no passkeys yet\./);
    await browser.press('Add a passkey');
    assert.match(await browser.sees(PASSKEYS), /Passkey without a name\nAdded on [A-Z][a-z]+ \d{1,2}, \d{4}\. Not used yet\./);
  }

  /** Starts a device, and enters its code in a browser where nobody is signed in. */
  async function enterCode(request = {}) {
    const device = await Device.start({ origin }, request);
    await browser.restart();
    await browser.open(device.codes.verification_uri_complete);
    await browser.sees('Does your device show exactly this code?');
    await browser.press('Yes, continue');
    return device;
  }

  test('adds a passkey, signs in with one tap, and the code is still there', async () => {
    await addPasskey();
    const [passkey] = await browser.passkeys();
    assert.equal(passkey.isResidentCredential(), true, 'it is found without a username');
    assert.equal(passkey.rpId(), 'localhost');

    // Without the autofill, the button is the way.
    await browser.verifyUser(false);
    const device = await enterCode({ acr_values: 'phr' });
    await browser.sees(SIGN_IN);
    await browser.verifyUser(true);
    await browser.press('Sign in with a passkey');
    assert.match(await browser.sees(CONSENT), /Alice Liddell/);
    await browser.tick('confirm_device');
    await browser.press('Approve');
    await browser.sees('Approved');

    const { acr, amr } = JSON.parse(Buffer.from((await device.redeem()).id_token.split('.')[1], 'base64url'));
    assert.deepEqual({ acr, amr }, { acr: 'phr', amr: ['pop', 'user', 'mfa'] });
  });

  test('chooses the passkey in the field for the username', async () => {
    await addPasskey();
    await enterCode();
    // The virtual authenticator accepts the request that waits in the autofill of the field.
    assert.match(await browser.sees(CONSENT), /Alice Liddell/);
  });

  test('gets nowhere with the answer to a page of another origin', async () => {
    await addPasskey();
    await browser.verifyUser(false);
    await enterCode();
    await browser.sees(SIGN_IN);
    const { challenge, fields } = await browser.run(() => {
      const form = document.querySelector('form[data-passkey]');
      return { challenge: JSON.parse(form.dataset.options).challenge, fields: Object.fromEntries(new FormData(form)) };
    });
    const other = await startWorkerd();
    try {
      // A page of the same host at another port: the browser lets it use the passkey.
      await browser.open(`${other.origin.replace('127.0.0.1', 'localhost')}/device`);
      await browser.verifyUser(true);
      const credential = await browser.run(phish, challenge);
      await browser.verifyUser(false);
      await browser.open(`${origin}/device`);
      await browser.leaving(() => browser.run(submit, `${origin}/device`, { ...fields, credential }));
      await browser.sees(SIGN_IN);
      assert.match(await browser.problem(), /^That passkey didn’t work here\./);
      assert.match(server.logs(), /"reason":"passkey_origin"/);
    } finally {
      await other.stop();
    }
  });

  test('is refused with a copy whose counter is behind', async () => {
    await addPasskey();
    const [before] = await browser.passkeys();
    await enterCode();
    await browser.sees(CONSENT);
    const [after] = await browser.passkeys();
    assert.ok(after.signCount() > before.signCount(), 'each use counts');

    await browser.copyPasskey(before, before.signCount() - 1);
    await enterCode();
    await browser.sees(SIGN_IN);
    assert.match(await browser.problem(), /^That passkey was refused, because it may have been copied\./);
    assert.match(server.logs(), /"reason":"passkey_counter"/);
  });

  test('is refused with a passkey that was removed, and keeps the last way in', async () => {
    await addPasskey();
    await browser.press('Remove');
    assert.match(await browser.sees(PASSKEYS), /You have no passkeys yet\./);

    await enterCode();
    await browser.sees(SIGN_IN);
    assert.match(await browser.problem(), /^That passkey didn’t work here\. It may have been removed/);
    assert.match(server.logs(), /"reason":"passkey_unknown"/);
  });

  test('opens an invitation, makes a passkey, and signs in with it later', async () => {
    const admin = new Admin({ origin });
    const made = await admin.ask('POST', '/invitations', { body: { kind: 'account', groups: ['local:developers'] } });
    assert.equal(made.status, 201, JSON.stringify(made.body));
    const { link } = made.body;
    assert.ok(link.startsWith(origin), link);
    await browser.open(link);
    await browser.sees('Set up your account');
    const faults = await browser.inspect(screenshots, 'invitation');
    await browser.type('username', 'carol');
    await browser.type('name', 'Carol Danvers');
    await browser.press('Create a passkey');
    await browser.sees('Your account is ready');
    faults.push(...(await browser.inspect(screenshots, 'invitation-ready')));
    assert.deepEqual(faults, []);

    await browser.open(link);
    await browser.sees('This link doesn’t work');
    await enterCode();
    assert.match(await browser.sees(CONSENT), /Carol Danvers/);
  });

  test('names a passkey, and can read every page', async () => {
    const faults = [];
    await browser.open(`${origin}/account/passkeys`);
    await browser.sees(SIGN_IN);
    faults.push(...(await browser.inspect(screenshots, 'passkeys-sign-in')));
    await addPasskey();
    await browser.type('name', 'Laptop');
    await browser.press('Save name');
    assert.match(await browser.sees(PASSKEYS), /^Laptop$/m);
    faults.push(...(await browser.inspect(screenshots, 'passkeys')));
    assert.deepEqual(faults, []);
  });

  test('reads why there are no passkeys at an IP address', async () => {
    const device = await Device.start(server);
    await browser.open(device.codes.verification_uri_complete);
    await browser.press('Yes, continue');
    assert.match(await browser.sees(SIGN_IN), /There are no passkeys here: this server’s address is a number/);
  });
});

/** Asks for the passkey with a challenge of another page, and returns the answer as JSON. */
async function phish(challenge) {
  const bytes = Uint8Array.from(atob(challenge.replaceAll('-', '+').replaceAll('_', '/')), (symbol) => symbol.charCodeAt(0));
  const publicKey = { challenge: bytes, rpId: 'localhost', userVerification: 'required' };
  return JSON.stringify(await navigator.credentials.get({ publicKey }));
}

/** Sends a form with these fields. */
function submit(action, fields) {
  const form = Object.assign(document.createElement('form'), { method: 'post', action });
  for (const [name, value] of Object.entries(fields)) form.append(Object.assign(document.createElement('input'), { name, value }));
  document.body.append(form);
  form.submit();
}
