// How the pages look: on a phone and on a desktop, in light and dark mode, in English and in Arabic.
//
// `make screenshots` writes a picture of each to docs/images/pages. Any other run writes them to `screenshots/`, so that
// the test still notices a change that breaks them.

import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Admin } from './support/admin.mjs';
import { DESKTOP, PHONE, openBrowser } from './support/browser.mjs';
import { accounts, root } from './support/config.mjs';
import { DEVICE_GRANT, Device } from './support/device.mjs';
import { startWorkerd } from './support/harness.mjs';
import { Person } from './support/person.mjs';
import { at } from './support/places.mjs';

const folder = process.env.IMAGES ? join(root, 'docs/images/pages') : join(import.meta.dirname, 'screenshots');
const LIMIT = 600_000;
/** The document that shows every page. */
const manual = readFileSync(join(root, 'docs/pages.md'), 'utf8');
/** No picture may be larger, in bytes: they are downloaded with the repository. */
const LARGEST = 45_000;
/** No page may be larger, in bytes. */
const HEAVIEST = 30_000;
/** The path of a client ID metadata document. */
const DOCUMENT = '/client.json';
const LANGUAGES = ['en', 'de', 'fr', 'es', 'pt-BR', 'ja', 'zh-Hans', 'ar'];
const TELEVISION = 'Mozilla/5.0 (SMART-TV; LINUX; Tizen 6.0) AppleWebKit/537.36 Chrome/76.0 Safari/537.36';
const BERLIN = { city: 'Berlin', region: 'Berlin', country: 'DE', latitude: '52.52', longitude: '13.41', asn: 3320, asOrganization: 'Example Telecom', colo: 'TXL' };
const LAGOS = { city: 'Lagos', region: 'Lagos', country: 'NG', latitude: '6.45', longitude: '3.39', asn: 37148, asOrganization: 'Example Mobile', colo: 'LOS' };
const CLOUD = { city: 'Frankfurt am Main', country: 'DE', latitude: '50.11', longitude: '8.68', asn: 16509, asOrganization: 'Example Cloud', colo: 'FRA' };
const PLACES = { near: BERLIN, unknown: CLOUD, far: LAGOS };

let browser;
let server;
/** The server by its name: passkeys need one. */
let named;
let provider;

before(async () => {
  mkdirSync(folder, { recursive: true });
  const vars = { OPEN_REGISTRATION: 'true', OPEN_REGISTRATION_SCOPES: 'openid profile email offline_access' };
  [browser, server, provider] = await Promise.all([openBrowser(), startWorkerd({ vars }), openProvider()]);
  named = { origin: server.origin.replace('127.0.0.1', 'localhost') };
});
after(() => Promise.all([browser?.close(), server?.stop(), provider?.close()]));

/** Starts a television at a place. */
const television = (place, options) => Device.start(named, { headers: { 'user-agent': TELEVISION, ...at(place) }, ...options });

/**
 * Opens a provider that answers 204 instead of showing its sign-in page. A browser then stays where it is, so that the
 * page that goes on to the provider can be looked at.
 */
async function openProvider() {
  let origin;
  const listener = createServer((request, response) => {
    if (request.url === DOCUMENT) return response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ client_id: origin + DOCUMENT, client_name: 'Photo Frame', grant_types: [DEVICE_GRANT] }));
    if (!request.url.startsWith('/.well-known/')) return response.writeHead(204).end();
    const paths = { authorization_endpoint: '/authorize', token_endpoint: '/token', jwks_uri: '/jwks' };
    const endpoints = Object.fromEntries(Object.entries(paths).map(([name, path]) => [name, origin + path]));
    return response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ issuer: origin, ...endpoints }));
  });
  await new Promise((resolve) => listener.listen(0, '127.0.0.1', resolve));
  origin = `http://localhost:${listener.address().port}`;
  const close = () => new Promise((resolve) => {
    listener.close(resolve);
    listener.closeAllConnections();
  });
  return { origin, close };
}

/** Opens the consent page for a television at a place. */
async function considers(place, options) {
  const device = await television(place, options);
  await browser.open(device.codes.verification_uri_complete);
  await browser.choose('.main');
  if (await browser.has('password')) await signIn();
  return device;
}

async function signIn() {
  await browser.type('username', accounts.alice.username);
  await browser.type('password', accounts.alice.password);
  await browser.choose('form:has(#password) .button');
}

/** Allows everything but what these rules deny. */
async function setPolicy(rules, access_requests = false) {
  const all = { id: 'all', description: 'Everybody', effect: 'allow' };
  const body = { default: 'enforced', access_requests, contact: 'security@example.com', help_uri: 'https://help.example.com/devices', rules: [all, ...rules], reason: 'For the pictures' };
  const { status } = await new Admin(named).ask('PUT', '/policy', { body, ifMatch: '*' });
  assert.equal(status, 200);
}

/** Lets the person ask for access, and looks at each page of that. An administrator refuses, and the person asks again. */
async function asks(look) {
  const admin = new Admin(named);
  const answer = async (message) => {
    const { body } = await admin.ask('GET', '/access-requests?state=open');
    for (const { id } of body.access_requests) assert.equal((await admin.ask('POST', `/access-requests/${id}/refuse`, { body: { message } })).status, 200);
  };
  const far = (id, message) => ({ id, description: 'Only near the person', effect: 'deny', message, when: { verdict: ['far'] } });
  await setPolicy([far('far', 'Sign in only at devices that are near you.')], true);
  await considers(LAGOS);
  await look('denied-ask');
  await browser.type('reason', 'The show in Lagos opens on Friday, and this is its screen.');
  await browser.choose('.main');
  await look('waiting');
  await answer('Please use the screen in the office.');
  await browser.choose('.outline');
  await browser.type('reason', 'No');
  await browser.choose('.main');
  await browser.open(`${named.origin}/account/access?client_id=demo-tv&rule=far`);
  await look('access-requests');
}

/** Returns a function that looks at a page in every mode and at every size, and the faults that it finds. */
function looker(language) {
  const faults = [];
  const look = async (name) => {
    const bytes = await browser.run(() => performance.getEntriesByType('navigation')[0].decodedBodySize);
    assert.ok(bytes > 5_000 && bytes < HEAVIEST, `${name} has ${bytes} bytes`);
    assert.ok(await browser.run(() => document.querySelector('.languages button')?.form), `${name} has no language menu`);
    assert.ok(manual.includes(`"images/pages/${name}-`), `docs/pages.md does not show ${name}`);
    faults.push(...(await browser.faults(`${name} (${language})`)));
    for (const [size, screen] of [[{ ...PHONE, deviceScaleFactor: 1 }, 'phone'], [DESKTOP, 'desktop']]) {
      for (const scheme of ['light', 'dark']) {
        const picture = await browser.picture(size, scheme, 30);
        assert.ok(picture.length < LARGEST, `${name} has ${picture.length} bytes`);
        writeFileSync(join(folder, `${name}-${screen}-${scheme}-${language}.webp`), picture);
      }
    }
  };
  return { faults, look };
}

/** Opens a browser in Berlin that nobody has used. */
async function begins(language) {
  await browser.restart();
  await browser.sends({ ...at(BERLIN), 'accept-language': language });
}

/** Registers a client as anybody can. */
async function registered() {
  const body = JSON.stringify({ client_name: 'Photo Frame', grant_types: [DEVICE_GRANT], token_endpoint_auth_method: 'none' });
  const answer = await fetch(`${server.origin}/register`, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
  return answer.json();
}

/** Lets in a client that a document of the provider's web server describes. */
async function described() {
  const client_id = `${provider.origin}${DOCUMENT}`;
  const { status } = await new Admin(server).ask('PUT', `/documents/${encodeURIComponent(client_id)}`, { body: { scope: 'openid profile' } });
  assert.ok(status === 200 || status === 201);
  return { client_id };
}

describe('the pages', { timeout: LIMIT }, () => {
  for (const language of ['en', 'ar']) {
    test(`in ${language} have no faults in any mode and at any size`, async () => {
      const { faults, look } = looker(language);

      await begins(language);
      await browser.open(`${named.origin}/device`);
      await look('enter');
      await browser.type('user_code', 'WDJB-MJ');
      await browser.choose('.main');
      await look('enter-problem');
      await browser.open((await television(BERLIN)).codes.verification_uri_complete);
      await look('compare');
      await browser.choose('.main');
      await look('sign-in');
      for (const [verdict, place] of Object.entries(PLACES)) {
        await considers(place);
        await look(`consent-${verdict}`);
      }
      await browser.choose('.far button');
      await look('refused');
      await considers(LAGOS);
      await browser.choose('.report');
      await look('reported');
      await considers(BERLIN);
      await browser.tick('confirm_device');
      await browser.choose('.outline');
      await look('approved');
      await browser.choose('.button.report');
      await look('access-ended');
      await considers(BERLIN, { client: await registered(), scope: 'openid profile' });
      await look('consent-unchecked');
      await considers(BERLIN, { client: await described(), scope: 'openid profile' });
      await look('consent-vouched');
      await browser.open(`${named.origin}/device?request=unknown`);
      await look('ended');
      await browser.open(`${named.origin}/nowhere`);
      await look('nothing-here');
      await setPolicy([{ id: 'far', description: 'Only near the person', effect: 'deny', message: 'Sign in only at devices that are near you.', when: { verdict: ['far'] } }]);
      await considers(LAGOS);
      await look('denied');
      await asks(look);
      await setPolicy([{ id: 'digits', description: 'Digits at the device', effect: 'require', require: { initiation_verification: true } }]);
      const tv = await considers(BERLIN, { initiation_verification_supported: 'true' });
      await browser.tick('confirm_device');
      await browser.choose('.outline');
      await look('digits');
      for (const typed of ['0000', '1111', '2222', '3333']) await tv.ask('/token', { grant_type: DEVICE_GRANT, device_code: tv.codes.device_code, initiation_verification_code: typed });
      await browser.choose('a.outline');
      await look('unverified');
      await setPolicy([{ id: 'ours', description: 'Only devices of ours', effect: 'require', require: { out_of_band_binding: true } }]);
      await new Admin(named).ask('PUT', '/inventory/SN-0042-AB17', { body: { accounts: ['local:alice'] } });
      await considers(BERLIN, { device_identifier: 'SN-0042-AB17' });
      await look('binding');
      await browser.tick('confirm_device');
      await browser.type('identifier_end', 'AAAA');
      await browser.choose('.outline');
      await look('binding-problem');
      await setPolicy([]);

      assert.deepEqual(faults, []);
    });
  }

  test('of accounts have no faults either', async () => {
    const admin = new Admin(named);
    const created = await admin.ask('POST', '/providers', {
      body: { id: 'example', name: 'Example ID', issuer: provider.origin, client_id: 'rp', client_secret: 'a secret of sixteen bytes or more', scope: 'openid' },
    });
    assert.equal(created.status, 201, JSON.stringify(created.body));
    for (const language of ['en', 'ar']) {
      const { faults, look } = looker(language);
      await begins(language);
      await browser.plugAuthenticator();
      const { body } = await admin.ask('POST', '/invitations', { body: { kind: 'account' } });
      await browser.open(body.link);
      await look('invitation');
      await browser.type('username', `carol-${language}`);
      await browser.type('name', 'Carol Danvers');
      await browser.choose('.main');
      await look('invitation-ready');
      await browser.open(`${named.origin}/account/passkeys`);
      await browser.type('name', 'Laptop');
      await browser.choose('[value="rename"]');
      await look('passkeys');
      await browser.unplugAuthenticator();

      await begins(language);
      await browser.open((await television(BERLIN)).codes.verification_uri_complete);
      await browser.choose('.main');
      await look('sign-in-with-provider');
      await browser.choose('[name="provider"]');
      await browser.arrives('a.main');
      await look('going');

      assert.deepEqual(faults, []);
    }
  });

  test('show the buttons of a near request on a phone without scrolling', async () => {
    await begins('en');
    await considers(BERLIN);
    await browser.resize(PHONE);

    assert.equal(await browser.run(() => document.querySelectorAll('.permissions li').length), 4);
    for (const decision of ['deny', 'approve']) {
      const { bottom } = await browser.edges(`[value="${decision}"]`);
      assert.ok(bottom <= PHONE.height, `${decision} ends at ${bottom} px`);
    }
    const height = await browser.run(() => document.documentElement.scrollHeight);
    assert.ok(height <= 900, `the page is ${height} px high`);
  });

  test('put the danger of a far request and the button that refuses first on a phone', async () => {
    await considers(LAGOS);
    await browser.resize(PHONE);

    const heading = await browser.run(() => document.querySelector('.far h2').innerText);
    assert.equal(heading, 'This request comes from Lagos, Nigeria. You are in Berlin, Germany.');
    const [block, refuse, question] = await Promise.all(['.far', '.far button', 'h1'].map((found) => browser.edges(found)));
    assert.ok(block.top < 120 && refuse.bottom < 400 && block.bottom < question.top);
    assert.equal(await browser.run(() => document.activeElement.className), 'far', 'a screen reader begins there');
  });

  test('move nothing for people who asked for less motion', async () => {
    await browser.open(`${named.origin}/device`);
    const moving = () => browser.run(() => [...document.querySelectorAll('*')].filter((element) => {
      const { transitionDuration, animationName } = getComputedStyle(element);
      return transitionDuration !== '0s' || animationName !== 'none';
    }).length);

    await browser.resize(PHONE, 'no-preference');
    assert.ok((await moving()) > 0, 'colors change gently for everybody else');
    await browser.resize(PHONE);
    assert.equal(await moving(), 0);
  });

  test('show Continue on a phone while the keyboard is open', async () => {
    await browser.open(`${named.origin}/device`);
    await browser.resize({ ...PHONE, height: 480 });

    const [field, button, warning] = await Promise.all(['#user_code', '.main', '.warn'].map((found) => browser.edges(found)));
    assert.ok(field.bottom < button.top && button.bottom <= 480 && button.bottom < warning.top, JSON.stringify({ field, button, warning }));
  });
});

test('no page of any language has more than 30 KB', async () => {
  for (const language of LANGUAGES) {
    const person = new Person(named, { headers: { ...at(BERLIN), 'accept-language': language } });
    const weigh = (name) => {
      const bytes = Buffer.byteLength(person.page.html);
      assert.ok(bytes > 5_000 && bytes < HEAVIEST, `${name} in ${language} has ${bytes} bytes`);
    };
    await person.enter((await television(LAGOS)).userCode);
    weigh('the sign-in page');
    await person.signIn();
    weigh('the consent page');
    await person.decide('approve');
    weigh('the result');
  }
});
