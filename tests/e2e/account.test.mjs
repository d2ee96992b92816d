// The page on which people see what has access to their account, in Chromium, against the built Worker in workerd.

import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { DESKTOP, PHONE, openBrowser } from './support/browser.mjs';
import { accounts, clients, root } from './support/config.mjs';
import { Device } from './support/device.mjs';
import { startWorkerd } from './support/harness.mjs';
import { Person } from './support/person.mjs';
import { at } from './support/places.mjs';

const screenshots = join(import.meta.dirname, 'screenshots');
/** `make screenshots` writes pictures to docs/images/pages. Any other run writes them to `screenshots/`. */
const folder = process.env.IMAGES ? join(root, 'docs/images/pages') : screenshots;
const TELEVISION = 'Mozilla/5.0 (SMART-TV; LINUX; Tizen 6.0) AppleWebKit/537.36 Chrome/76.0 Safari/537.36';
const BERLIN = { city: 'Berlin', region: 'Berlin', country: 'DE', latitude: '52.52', longitude: '13.41', asn: 3320, asOrganization: 'Example Telecom', colo: 'TXL', timezone: 'Europe/Berlin' };
const LAGOS = { city: 'Lagos', country: 'NG', latitude: '6.45', longitude: '3.39', asn: 37148, asOrganization: 'Example Mobile', colo: 'LOS' };
const { alice } = accounts;

describe('a person who sees what has access to their account', { timeout: 600_000 }, () => {
  let browser;
  let plain;
  let server;

  before(async () => {
    mkdirSync(screenshots, { recursive: true });
    [browser, plain] = await Promise.all([openBrowser(), openBrowser({ javascript: false })]);
  });

  beforeEach(async () => {
    server = await startWorkerd();
    await browser.restart();
    await browser.sends({ ...at(BERLIN), 'accept-language': 'en' });
  });

  afterEach(async () => {
    await server.stop();
    assert.deepEqual(await browser.complaints(), [], 'the browser reports no problem');
  });

  after(() => Promise.all([browser?.close(), plain?.close()]));

  /** Starts a device at a place, which alice approves, and returns it with its tokens. */
  async function approved(place = BERLIN, client = clients.tv) {
    const device = await Device.start(server, { client, headers: { 'user-agent': TELEVISION, ...at(place) } });
    await new Person(server, { headers: at(BERLIN) }).approve(device.userCode);
    await device.redeem();
    return device;
  }

  async function signIn(at = browser) {
    await at.open(`${server.origin}/account`);
    await at.type('username', alice.username);
    await at.type('password', alice.password);
    await at.press('Sign in');
    return at.sees('Your account');
  }

  const isActive = async (device) => {
    const resource = new Device(server, { client: device.client });
    return (await resource.ask('/introspect', { token: device.tokens.access_token })).active;
  };

  test('names a device, and ends its access at once', async () => {
    const tv = await approved();
    const printer = await approved(LAGOS, clients.printer);
    assert.equal(await isActive(printer), true);
    const page = await signIn();
    assert.match(page, /Demo Printer has access to your account for the first time\. Approved: .*\. Started from: Samsung TV.*, Lagos, Nigeria\./);

    await browser.click('Demo Printer');
    assert.match(await browser.sees('Demo Printer'), /Started\nSamsung TV.*, Lagos, Nigeria/);
    await browser.type('name', 'Office');
    await browser.press('Save name');
    await browser.sees('Office');
    await browser.press('End access');
    assert.match(await browser.sees('Your account'), /1 device has lost its access\./);

    assert.equal(await isActive(printer), false);
    assert.equal((await printer.refresh()).error, 'invalid_grant');
    const userinfo = await fetch(`${server.origin}/userinfo`, { headers: { authorization: `Bearer ${printer.tokens.access_token}` } });
    assert.equal(userinfo.status, 401);
    assert.equal((await tv.refresh()).status, 200, 'the other device goes on');
  });

  test('needs no scripts', async () => {
    const tv = await approved();
    await signIn(plain);
    await plain.press('That was me');
    assert.doesNotMatch(await plain.sees('Your account'), /for the first time/);
    await plain.click('End the access of all devices');
    await plain.tick('confirm');
    await plain.choose('details .report');
    assert.match(await plain.sees('Your account'), /No device has access to your account\./);
    assert.equal((await tv.refresh()).error, 'invalid_grant');
  });

  test('signs out other browsers', async () => {
    await signIn(plain);
    assert.match(await signIn(), /Where you’re signed in/);
    await browser.press('Sign out everywhere else');
    await browser.sees('Your account');
    await plain.open(`${server.origin}/account`);
    await plain.sees('Sign in to continue');
  });

  test('ends what a reported network obtained before', async () => {
    const phished = await approved(LAGOS);
    const { codes } = await Device.start(server, { headers: at(LAGOS) });
    await browser.open(codes.verification_uri_complete);
    await browser.press('Yes, continue');
    await browser.type('username', alice.username);
    await browser.type('password', alice.password);
    await browser.press('Sign in');
    await browser.press('I didn’t start this');
    assert.match(await browser.sees('Refused and reported'), /In the last 24 hours, 1 device got access to your account/);
    assert.deepEqual(await browser.inspect(screenshots, 'account-source'), []);
    await browser.press('End this access as well');
    assert.match(await browser.sees('Refused and reported'), /1 device has lost its access\./);
    assert.equal((await phished.refresh()).error, 'invalid_grant');
  });

  for (const language of ['en', 'ar']) {
    test(`reads every page in ${language}, in any mode and at any size`, async () => {
      const faults = [];
      const look = async (name) => {
        faults.push(...(await browser.faults(`${name} (${language})`)));
        for (const [size, screen] of [[{ ...PHONE, deviceScaleFactor: 1 }, 'phone'], [DESKTOP, 'desktop']]) {
          for (const scheme of ['light', 'dark']) {
            writeFileSync(join(folder, `${name}-${screen}-${scheme}-${language}.webp`), await browser.picture(size, scheme, 30));
          }
        }
      };
      await browser.sends({ ...at(BERLIN), 'accept-language': language });
      await browser.open(`${server.origin}/account`);
      await look('account-sign-in');
      await browser.type('username', alice.username);
      await browser.type('password', alice.password);
      await browser.choose('#form .button');
      await look('account-empty');
      await approved();
      await approved(LAGOS, clients.printer);
      await signIn(plain);
      await browser.open(`${server.origin}/account`);
      await look('account');
      await browser.run(() => document.querySelector('details.details').setAttribute('open', ''));
      await look('account-end-all');
      await browser.choose('.things a');
      await look('account-device');

      assert.deepEqual(faults, []);
    });
  }
});
