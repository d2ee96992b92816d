// The verification pages as a person meets them, in Chromium, against the built Worker in workerd.
//
// Every test has its own server and a browser without cookies. After each test, the browser must not have reported any
// problem. Screenshots of all pages are kept in `screenshots/`.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { Key, openBrowser, openSite } from './support/browser.mjs';
import { accounts, clients } from './support/config.mjs';
import { startWorkerd } from './support/harness.mjs';
import { startRegistered } from './support/registered.mjs';

const { alice, bob } = accounts;
const screenshots = join(import.meta.dirname, 'screenshots');

const LYON = { city: 'Lyon', country: 'FR', asn: 64500, asOrganization: 'Example Telecom', colo: 'CDG' };
const TELEVISION = 'Mozilla/5.0 (SMART-TV; LINUX; Tizen 6.0) AppleWebKit/537.36 Chrome/76.0 Safari/537.36';

const ENTER = 'Enter the code shown on your device';
const COMPARE = 'Does your device show exactly this code?';
const SIGN_IN = 'Sign in to continue';
const CONSENT = 'Let Demo TV use your account?';
const WRONG_CODE = /^That code didn’t work\./;

describe('a person at a browser', { timeout: 300_000 }, () => {
  let browser;
  let server;
  let site;

  before(async () => {
    [browser, site] = await Promise.all([openBrowser(), openSite()]);
  });

  beforeEach(async () => {
    [server] = await Promise.all([startWorkerd(), browser.restart()]);
  });

  afterEach(async () => {
    await server.stop();
    assert.deepEqual(await browser.complaints(), [], 'the browser reports no problem');
  });

  after(() => Promise.all([browser?.close(), site?.close()]));

  test('types a code, signs in, reads who asks, and approves', async () => {
    const device = await startDevice(server);
    await browser.open(device.verification_uri);
    await browser.sees(ENTER);

    await browser.type('user_code', device.user_code);
    await browser.press('Continue');
    await browser.sees(SIGN_IN);
    await signIn(browser, alice);
    const consent = await browser.sees(CONSENT);

    assert.ok(consent.includes(device.user_code), 'the code to compare');
    assert.ok(consent.includes('Alice Liddell, alice@example.com'), 'the account');
    assert.match(consent, /^Place Lyon, France Unknown place$/m);
    assert.match(consent, /^Network Example Telecom Unknown network$/m);
    assert.match(consent, /^Device Samsung TV or device Linux computer$/m);
    assert.match(consent, /^Time (Just now|\d+ seconds ago), \d\d:\d\d UTC Just now, \d\d:\d\d UTC$/m);
    assert.match(consent, /^See your name and username$/m);
    assert.match(consent, /^See your email address$/m);

    await browser.tick('confirm_device');
    await browser.press('Approve');
    const result = await browser.sees('Approved');

    assert.match(result, /Now go back to your device\./);
    assert.match(result, /Demo TV is being connected to your account\./);
    const tokens = await device.poll();
    assert.equal(tokens.error, undefined);
    assert.equal(tokens.scope, 'email offline_access openid profile');
    assert.equal(claims(tokens.id_token).email, 'alice@example.com');
    assert.ok(tokens.access_token && tokens.refresh_token);
  });

  test('sees no code in any address after the first', async () => {
    const device = await startDevice(server);
    const addresses = [];
    const step = async (heading) => {
      await browser.sees(heading);
      addresses.push(await browser.address());
    };

    await browser.open(device.verification_uri_complete);
    await step(COMPARE);
    await browser.press('Yes, continue');
    await step(SIGN_IN);
    await signIn(browser, { ...alice, password: 'looking-glass' });
    await step(SIGN_IN);
    await signIn(browser, alice);
    await step(CONSENT);
    await browser.press('Refuse');
    await step('Refused');

    const [first, enter, again, consent, result] = addresses;
    assert.equal(first, device.verification_uri_complete);
    assert.deepEqual([enter, again], [`${server.origin}/device`, `${server.origin}/device`]);
    assert.match(consent, /\/device\?request=[\w-]{22}$/);
    assert.equal(result, consent, 'a request has one address');
  });

  test('learns that a code is wrong only after signing in', async () => {
    const device = await startDevice(server);
    await enter(browser, server, wrong(device.user_code));
    await browser.sees(SIGN_IN);

    await signIn(browser, { ...alice, password: 'looking-glass' });
    await browser.sees(SIGN_IN);
    assert.equal(await browser.problem(), 'Wrong username or password.');
    assert.equal(await browser.value('username'), 'alice', 'the name need not be typed again');
    assert.equal(await browser.value('password'), '');

    await signIn(browser, alice);
    const page = await browser.sees(ENTER);
    assert.match(await browser.problem(), WRONG_CODE);
    assert.match(page, /Signed in as Alice Liddell/);
    assert.equal(await browser.value('user_code'), wrong(device.user_code), 'what was typed stays');

    await browser.type('user_code', device.user_code.toLowerCase().replace('-', ' '));
    await browser.press('Continue');
    await browser.sees(CONSENT);
  });

  test('reads how long to wait after too many wrong codes', async () => {
    const device = await startDevice(server);
    await consentOf(browser, device, alice);

    for (let attempt = 1; attempt <= 5; attempt++) {
      await enter(browser, server, wrong(device.user_code));
      assert.match(await browser.problem(), WRONG_CODE, `attempt ${attempt}`);
    }
    await enter(browser, server, device.user_code);

    assert.equal(await browser.status(), 429);
    assert.match(await browser.problem(), /^Too many tries\. Wait \d+ (minutes|seconds), then try again\.$/);
  });

  test('approves nothing without confirming that the device is theirs', async () => {
    const device = await startDevice(server);
    await consentOf(browser, device, alice);

    await browser.click('Approve');
    assert.equal(await browser.run(() => document.querySelector('form:has(#confirm_device)').checkValidity()), false);
    assert.equal(await browser.title(), 'Approve or refuse · Device sign-in', 'the browser sent nothing');

    await browser.run(() => document.getElementById('confirm_device').removeAttribute('required'));
    await browser.press('Approve');
    await browser.sees(CONSENT);
    assert.equal(await browser.status(), 400);
    assert.match(await browser.problem(), /^Nothing was approved\./);
    assert.equal((await device.poll()).error, 'authorization_pending');

    await browser.tick('confirm_device');
    await browser.press('Approve');
    await browser.sees('Approved');
  });

  test('confirms the code from a link, and refuses', async () => {
    const device = await startDevice(server);
    await browser.open(device.verification_uri_complete);
    await browser.sees(COMPARE);
    assert.equal(await browser.value('user_code'), device.user_code);
    assert.equal((await device.poll()).error, 'authorization_pending', 'opening the link decides nothing');

    await browser.press('Yes, continue');
    await browser.sees(SIGN_IN);
    await signIn(browser, alice);
    await browser.sees(CONSENT);
    await browser.press('Refuse');
    const result = await browser.sees('Refused');

    assert.match(result, /You can go back to your device\./);
    assert.equal((await device.poll()).error, 'access_denied');
  });

  test('corrects the code from a link', async () => {
    const [theirs, own] = [await startDevice(server), await startDevice(server)];
    await browser.open(theirs.verification_uri_complete);
    await browser.sees(COMPARE);

    await browser.type('user_code', own.user_code);
    await browser.press('Yes, continue');
    await browser.sees(SIGN_IN);
    await signIn(browser, alice);
    const consent = await browser.sees(CONSENT);

    assert.ok(consent.includes(own.user_code) && !consent.includes(theirs.user_code));
  });

  test('reports a request that they did not start', async () => {
    const device = await startDevice(server);
    await consentOf(browser, device, alice);

    await browser.press('I didn’t start this');
    const result = await browser.sees('Refused and reported');

    assert.match(result, /Demo TV got no access to your account/);
    assert.match(result, /go back to it and get a new code/);
    assert.equal((await device.poll()).error, 'access_denied');
    await enter(browser, server, device.user_code);
    assert.match(await browser.problem(), WRONG_CODE, 'the code is unusable');
  });

  test('switches to another account, and the older window no longer counts', async () => {
    const device = await startDevice(server);
    await consentOf(browser, device, alice);
    const older = await browser.window();

    await browser.openWindow();
    await browser.open(device.verification_uri_complete);
    await browser.press('Yes, continue');
    await browser.sees(CONSENT);
    await browser.press('Use another account');
    await browser.sees(SIGN_IN);
    await signIn(browser, bob);
    const consent = await browser.sees(CONSENT);
    assert.ok(consent.includes('bob@example.com') && !consent.includes('alice@example.com'));
    const newer = await browser.window();

    await browser.switchTo(older);
    await browser.tick('confirm_device');
    await browser.press('Approve');
    await browser.sees('Opened elsewhere');
    assert.equal((await device.poll()).error, 'authorization_pending');

    await browser.switchTo(newer);
    await browser.tick('confirm_device');
    await browser.press('Approve');
    await browser.sees('Approved');
    assert.equal(claims((await device.poll()).id_token).email, 'bob@example.com');
  });

  test('can decide in any window of one code', async () => {
    const device = await startDevice(server);
    await consentOf(browser, device, alice);
    const older = await browser.window();
    await browser.openWindow();
    await browser.open(device.verification_uri_complete);
    await browser.press('Yes, continue');
    await browser.sees(CONSENT);
    const newer = await browser.window();

    await browser.switchTo(older);
    await browser.tick('confirm_device');
    await browser.press('Approve');
    await browser.sees('Approved');
    assert.ok((await device.poll()).access_token);

    await browser.switchTo(newer);
    await browser.press('Refuse');
    const page = await browser.sees('Approved');
    assert.match(page, /the button that you just pressed changed nothing/);
    await browser.press('End access');
    await browser.sees('Access ended');
  });

  test('cannot lose the code to somebody else: a second person who enters it ends the request', async (t) => {
    const device = await startDevice(server);
    await consentOf(browser, device, alice);
    const other = await openBrowser();
    t.after(() => other.close());

    await enter(other, server, device.user_code);
    await signIn(other, bob);
    await other.sees(ENTER);
    assert.match(await other.problem(), WRONG_CODE);

    await browser.tick('confirm_device');
    await browser.press('Approve');
    await browser.sees('This request has ended');
    assert.equal((await device.poll()).error, 'access_denied');
  });

  test('needs only a keyboard', async () => {
    const device = await startDevice(server);
    await browser.open(device.verification_uri);
    await browser.sees(ENTER);

    assert.equal((await browser.focus()).name, 'user_code', 'the cursor is in the field already');
    await browser.leaving(() => browser.keys(device.user_code, Key.ENTER));
    await browser.sees(SIGN_IN);
    await browser.keys(alice.username);
    assert.deepEqual(await browser.tabTo(({ name }) => name === 'password'), ['password=']);
    await browser.leaving(() => browser.keys(alice.password, Key.ENTER));
    await browser.sees(CONSENT);
    const stops = await browser.tabTo(({ name }) => name === 'confirm_device');
    assert.deepEqual(stops, ['Use another account', 'Compare the details', 'confirm_device=yes']);
    await browser.keys(Key.SPACE);
    const choices = await browser.tabTo(({ value }) => value === 'approve');
    assert.deepEqual(choices, ['decision=deny', 'decision=approve']);
    await browser.leaving(() => browser.keys(Key.SPACE));

    await browser.sees('Approved');
    assert.ok((await device.poll()).access_token);
  });

  test('refuses by pressing Enter, even with the box ticked', async () => {
    const device = await startDevice(server);
    await consentOf(browser, device, alice);

    await browser.tabTo(({ name }) => name === 'confirm_device');
    await browser.leaving(() => browser.keys(Key.SPACE, Key.ENTER));

    await browser.sees('Refused');
    assert.equal((await device.poll()).error, 'access_denied');
  });

  test('needs no scripts', async (t) => {
    const scriptless = await openBrowser({ javascript: false });
    t.after(() => scriptless.close());
    const probe = '<h1>off</h1><script>document.querySelector("h1").textContent = "on"</script>';
    await scriptless.open(site.page(probe, '127.0.0.1'));
    await scriptless.sees('off');

    const approved = await startDevice(server);
    await enter(scriptless, server, wrong(approved.user_code));
    await scriptless.sees(SIGN_IN);
    await signIn(scriptless, alice);
    await scriptless.sees(ENTER);
    await scriptless.type('user_code', approved.user_code);
    await scriptless.press('Continue');
    await scriptless.sees(CONSENT);
    await scriptless.press('Use another account');
    await scriptless.sees(SIGN_IN);
    await signIn(scriptless, bob);
    await scriptless.sees(CONSENT);
    await scriptless.click('Approve');
    await scriptless.sees(CONSENT);
    await scriptless.tick('confirm_device');
    await scriptless.press('Approve');
    await scriptless.sees('Approved');
    assert.equal(claims((await approved.poll()).id_token).email, 'bob@example.com');

    const refused = await startDevice(server);
    await scriptless.open(refused.verification_uri_complete);
    await scriptless.press('Yes, continue');
    await scriptless.sees(CONSENT);
    await scriptless.press('Refuse');
    await scriptless.sees('Refused');
    assert.equal((await refused.poll()).error, 'access_denied');
    assert.deepEqual(await scriptless.complaints(), []);
  });

  test('has a session in a cookie that no script can read, until they sign out', async () => {
    const device = await startDevice(server);
    await browser.open(device.verification_uri);
    const [anonymous] = await browser.cookies();
    await consentOf(browser, device, alice);
    const cookies = await browser.cookies();
    const cookie = cookies.find(({ name }) => name === 'device-grant');

    assert.deepEqual(cookies.map(({ name }) => name).sort(), ['device-grant', 'device-grant-requests']);
    assert.ok(cookies.every(({ httpOnly }) => httpOnly), 'no script can read either');
    const { name, path, httpOnly, sameSite, secure } = cookie;
    assert.deepEqual(
      { name, path, httpOnly, sameSite, secure },
      { name: 'device-grant', path: '/', httpOnly: true, sameSite: 'Lax', secure: false },
    );
    assert.notEqual(cookie.value, anonymous.value, 'signing in changes the cookie');
    assert.equal(await browser.run(() => document.cookie), '');

    await browser.open(device.verification_uri);
    assert.match(await browser.sees(ENTER), /Signed in as Alice Liddell/);
    await browser.press('Sign out');
    assert.doesNotMatch(await browser.sees(ENTER), /Alice/);
    await browser.open(device.verification_uri);
    assert.doesNotMatch(await browser.sees(ENTER), /Alice/);

    await browser.setCookie(cookie);
    await enter(browser, server, device.user_code);
    await browser.sees(SIGN_IN);
  });

  for (const [decision, result, polled] of [
    ['Approve', 'Approved', undefined],
    ['Refuse', 'Refused', 'access_denied'],
    ['I didn’t start this', 'Refused and reported', 'access_denied'],
  ]) {
    test(`decides once: ${decision} with a double click on a slow line, reload, back and a second tab`, async () => {
      const device = await startDevice(server);
      await consentOf(browser, device, alice);
      const tab = await browser.window();
      await browser.openWindow();
      await browser.open(device.verification_uri_complete);
      await browser.press('Yes, continue');
      await browser.sees(CONSENT);
      await browser.tick('confirm_device');
      await browser.delay(300);

      await browser.leaving(() => browser.doubleClick(decision));
      const first = await browser.sees(result);
      await browser.delay(0);
      assert.match(first, /at \d\d:\d\d UTC/);
      assert.doesNotMatch(first, /changed nothing/);
      assert.equal((await device.poll()).error, polled);
      await browser.reload();
      assert.equal(await browser.sees(result), first, 'reloaded');

      await browser.back();
      assert.equal(await browser.sees(result), first, 'back to the consent page');
      await browser.reload();
      assert.equal(await browser.sees(result), first);

      await browser.switchTo(tab);
      await browser.reload();
      assert.equal(await browser.sees(result), first, 'the other tab, reloaded');
    });
  }

  for (const [host, what] of [['localhost', 'another site'], ['127.0.0.1', 'another origin of the same site']]) {
    test(`cannot be made to approve by ${what}`, async () => {
      const device = await startDevice(server);
      await consentOf(browser, device, alice);
      const consent = await browser.window();
      const form = {
        csrf: await browser.value('csrf'),
        transaction: await browser.value('transaction'),
        step: 'decide',
        decision: 'approve',
        confirm_device: 'yes',
      };

      await browser.openWindow();
      await browser.open(site.page(selfSending(`${server.origin}/device`, form), host));
      await browser.sees('Form refused');
      assert.equal(await browser.status(), 403, 'refused even with the right value in every field');
      assert.equal((await device.poll()).error, 'authorization_pending');

      await browser.switchTo(consent);
      await browser.tick('confirm_device');
      await browser.press('Approve');
      await browser.sees('Approved');
    });
  }

  test('cannot be made to approve by a form with a wrong CSRF token', async () => {
    const device = await startDevice(server);
    await consentOf(browser, device, alice);

    await browser.run(() => {
      for (const field of document.getElementsByName('csrf')) field.value = field.value.split('').reverse().join('');
    });
    await browser.tick('confirm_device');
    await browser.press('Approve');

    await browser.sees('Opened elsewhere');
    assert.equal(await browser.status(), 403);
    assert.equal((await device.poll()).error, 'authorization_pending');
  });

  test('signs in again, once, for a device that demands it', async () => {
    await consentOf(browser, await startDevice(server), alice);
    const device = await startDevice(server, { max_age: 0 });
    await browser.open(device.verification_uri_complete);
    await browser.press('Yes, continue');

    const page = await browser.sees('Sign in again to continue');
    assert.match(page, /You’re signed in as Alice Liddell, but the device asks for a more recent sign-in\./);
    assert.equal(await browser.value('username'), 'alice');
    await signIn(browser, alice);
    await browser.sees(CONSENT);
    await browser.tick('confirm_device');
    await browser.press('Approve');
    await browser.sees('Approved');

    assert.ok((await device.poll()).access_token);
  });

  test('can read what a client adds to the pages, on a phone and on a desktop', async () => {
    await server.stop();
    server = await startRegistered({
      'demo-tv': {
        client_uri: 'https://tv.example.com',
        consent_text: 'Demo TV shows your name to whoever watches with you. It keeps what you watched for 30 days.',
        policy_uri: 'https://tv.example.com/privacy',
        tos_uri: 'https://tv.example.com/terms',
        audience: ['https://api.example.com', 'https://a-rather-long-name.media.example.com'],
        user_code_type: 'digits',
      },
    });
    const faults = [];
    const look = async (name) => faults.push(...(await browser.inspect(screenshots, name)));
    const resource = 'https://a-rather-long-name.media.example.com';
    await browser.open(`${server.origin}/device`);
    assert.match(await browser.sees(ENTER), /It looks like XXXX-XXXX, or 0000-0000-0000, sometimes with two more characters\./);
    await look('enter-digits');

    const device = await startDevice(server, { login_hint: 'bob@example.com', resource });
    await browser.type('user_code', device.user_code);
    await browser.press('Continue');
    await signIn(browser, alice);
    const consent = await browser.sees(CONSENT);
    assert.match(consent, /The device expects bob@example\.com to sign in\./);
    assert.match(consent, /It asks to do this at a-rather-long-name\.media\.example\.com\./);
    assert.match(consent, /In the words of Demo TV/);
    assert.match(consent, /Its privacy policy on tv\.example\.com, opens in a new window/);
    await look('consent-with-words');

    const again = await startDevice(server, { max_age: 0 });
    await browser.open(`${server.origin}/device`);
    await browser.type('user_code', again.user_code);
    await browser.press('Continue');
    await browser.sees('Sign in again to continue');
    await look('sign-in-again');

    assert.deepEqual(faults, []);
  });

  test('reads that nobody has checked an app that registered itself', async () => {
    await server.stop();
    server = await startWorkerd({ vars: { OPEN_REGISTRATION: 'true', OPEN_REGISTRATION_SCOPES: 'openid profile offline_access' } });
    const faults = [];
    const grant_types = ['urn:ietf:params:oauth:grant-type:device_code', 'refresh_token'];
    const body = JSON.stringify({ client_name: 'Visual Studio Code', grant_types, token_endpoint_auth_method: 'none' });
    const registered = await fetch(`${server.origin}/register`, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    const { client_id } = await registered.json();
    const { verification_uri_complete } = await post(`${server.origin}/device_authorization`, { client_id, scope: 'openid profile' });

    await browser.open(verification_uri_complete);
    await browser.press('Yes, continue');
    await signIn(browser, alice);
    const consent = await browser.sees('Let Visual Studio Code use your account?');

    assert.match(consent, /Nobody here has checked this app\. It registered itself and chose its own name/);
    faults.push(...(await browser.inspect(screenshots, 'consent-unchecked')));
    assert.deepEqual(faults, []);
  });

  test('mistypes the address and still gets to the page for codes, with an icon', async () => {
    for (const path of ['/', '/Device/', '/device.', '/activate']) {
      await browser.open(server.origin + path);
      await browser.sees(ENTER);
      assert.equal(await browser.address(), `${server.origin}/device`);
    }
    const icon = await browser.run(async () => {
      const image = new Image();
      image.src = document.querySelector('link[rel=icon]').href;
      await image.decode();
      return image.naturalWidth;
    });
    assert.ok(icon > 0, 'the policy lets the icon load');
  });

  test('is told to allow cookies', async (t) => {
    const cookieless = await openBrowser({ cookies: false });
    t.after(() => cookieless.close());
    const device = await startDevice(server);
    for (let attempt = 1; attempt <= 2; attempt++) {
      await enter(cookieless, server, device.user_code);
      await cookieless.sees(ENTER);
      assert.match(await cookieless.problem(), /^This page needs cookies/, `attempt ${attempt}`);
      assert.equal(await cookieless.value('user_code'), device.user_code);
    }
  });

  test('scans the code that the server drew', async () => {
    const { verification_uri_complete: uri } = await startDevice(server);
    const image = uri.replace('/device?', '/device/qr?');
    await browser.open(site.page(`<h1>TV</h1><img src="${image}" alt="QR code" width="185">`, 'localhost'));
    await browser.sees('TV');
    const width = await browser.run(async () => {
      const [drawn] = document.images;
      await drawn.decode();
      return drawn.naturalWidth;
    });
    assert.ok(width > 0, 'a page of another site shows it');
  });

  test('never sees the pages in a frame', async () => {
    const device = await startDevice(server);
    for (const host of ['localhost', '127.0.0.1']) {
      await browser.open(site.page(`<iframe src="${device.verification_uri_complete}"></iframe>`, host));

      assert.deepEqual(await browser.frame(), []);
      const [complaint, ...others] = await browser.complaints();
      assert.match(complaint, /frame-ancestors 'none'/);
      assert.deepEqual(others, []);
    }
  });

  test('can read every page, on a phone and on a desktop, in light and dark mode', async () => {
    const faults = [];
    const look = async (name) => faults.push(...(await browser.inspect(screenshots, name)));
    const device = await startDevice(server);

    await browser.open(device.verification_uri);
    await look('enter');
    await enter(browser, server, 'no code');
    await look('enter-problem');
    await browser.open(device.verification_uri_complete);
    await look('enter-prefilled');
    await browser.press('Yes, continue');
    await look('sign-in');
    await signIn(browser, { ...alice, password: 'looking-glass' });
    await look('sign-in-problem');
    await signIn(browser, alice);
    await look('consent');
    await browser.run(() => document.getElementById('confirm_device').removeAttribute('required'));
    await browser.press('Approve');
    await look('consent-problem');
    await browser.openWindow();
    await browser.open(device.verification_uri);
    await look('enter-signed-in');
    await browser.type('user_code', device.user_code);
    await browser.press('Continue');
    await browser.tick('confirm_device');
    await browser.press('Approve');
    await look('approved');
    await browser.press('End access');
    await look('access-ended');
    const other = await startDevice(server);
    await consentOf(browser, other, alice);
    const older = await browser.window();
    await browser.openWindow();
    await browser.open(other.verification_uri_complete);
    await browser.press('Yes, continue');
    await browser.tick('confirm_device');
    await browser.press('Approve');
    await browser.switchTo(older);
    await browser.press('Refuse');
    await look('decided-before');
    await browser.open(`${server.origin}/device?request=unknown`);
    await look('ended');
    await browser.open(`${server.origin}/nowhere`);
    await look('nothing-here');
    await consentOf(browser, await startDevice(server), alice);
    await browser.press('Refuse');
    await look('refused');
    await consentOf(browser, await startDevice(server), alice);
    await browser.press('I didn’t start this');
    await look('reported');
    await browser.open(site.page(selfSending(device.verification_uri, {}), 'localhost'));
    await browser.sees('Form refused');
    await look('from-elsewhere');

    assert.deepEqual(faults, []);
  });
});

/** Starts a television in Lyon: requests codes, and returns them with a function that polls. */
async function startDevice(server, parameters = {}) {
  const scope = 'openid profile email offline_access';
  const headers = { 'user-agent': TELEVISION, 'x-test-cf': JSON.stringify(LYON) };
  const started = await post(`${server.origin}/device_authorization`, { ...clients.tv, scope, ...parameters }, headers);
  const grant_type = 'urn:ietf:params:oauth:grant-type:device_code';
  const { device_code } = started;
  return { ...started, poll: () => post(`${server.origin}/token`, { ...clients.tv, grant_type, device_code }) };
}

async function post(url, form, headers = {}) {
  const response = await fetch(url, { method: 'POST', headers, body: new URLSearchParams(form) });
  return response.json();
}

/** Opens the entry page and enters a code. */
async function enter(browser, server, code) {
  await browser.open(`${server.origin}/device`);
  await browser.sees(ENTER);
  await browser.type('user_code', code);
  await browser.press('Continue');
}

async function signIn(browser, { username, password }) {
  await browser.type('username', username);
  await browser.type('password', password);
  await browser.press('Sign in');
}

/** Goes from the link to the consent page, signing in if necessary. */
async function consentOf(browser, device, account) {
  await browser.open(device.verification_uri_complete);
  await browser.sees(COMPARE);
  await browser.press('Yes, continue');
  if (await browser.has('password')) await signIn(browser, account);
  await browser.sees(CONSENT);
}

/** Returns another code of the same form. */
function wrong(code) {
  return code.slice(0, -1) + (code.endsWith('B') ? 'C' : 'B');
}

/** Returns a page that submits a form by itself, as a page of another site can. */
function selfSending(action, fields) {
  const inputs = Object.entries(fields).map(([name, value]) => `<input type="hidden" name="${name}" value="${value}">`);
  return `<form method="post" action="${action}">${inputs.join('')}</form><script>document.forms[0].submit()</script>`;
}

function claims(token) {
  return JSON.parse(Buffer.from(token.split('.')[1], 'base64url'));
}
