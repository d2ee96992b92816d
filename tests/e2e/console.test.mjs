// The console in Chromium, on a server where things have happened: every page on a phone and on a desktop, in light and dark mode,
// by keyboard alone, and without scripts.
//
// `make screenshots` writes the pictures of the documents to docs/images. Any other run writes them to `screenshots/`.

import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { DESKTOP, Key, PHONE, openBrowser } from './support/browser.mjs';
import { accounts, root } from './support/config.mjs';
import { BERLIN, startFilled } from './support/filled.mjs';
import { at } from './support/places.mjs';
import { disclosures } from './support/secrets.mjs';

const folder = process.env.IMAGES ? join(root, 'docs/images') : join(import.meta.dirname, 'screenshots');
/** No picture may be larger, in bytes: they are downloaded with the repository. */
const LARGEST = 120_000;
/** The pages in documents: name, screen and color scheme. */
const PICTURES = {
  overview: [DESKTOP, 'light'],
  'access-request': [{ ...PHONE, deviceScaleFactor: 1 }, 'light'],
  policy: [DESKTOP, 'dark'],
  report: [DESKTOP, 'light'],
  exceptions: [DESKTOP, 'light'],
  alerts: [DESKTOP, 'light'],
  'kill-switches': [DESKTOP, 'light'],
  'what-if-decided': [DESKTOP, 'light'],
  client: [DESKTOP, 'light'],
  person: [DESKTOP, 'light'],
  codes: [DESKTOP, 'light'],
  devices: [DESKTOP, 'light'],
  ledger: [DESKTOP, 'light'],
  verification: [{ ...PHONE, deviceScaleFactor: 1 }, 'dark'],
  keys: [DESKTOP, 'dark'],
  provider: [DESKTOP, 'light'],
  doctor: [DESKTOP, 'light'],
};

/** How each page is looked at: label, size, color scheme, and no forced colors. */
const LOOKS = [PHONE, DESKTOP].flatMap((size) => ['light', 'dark'].map((scheme) => [`${size.width} px, ${scheme}`, size, scheme, 'none']));

/**
 * The pages, in two lists for two browsers: the name, the address below `/admin` or what to press on the page before, and the
 * heading.
 */
const PAGES = [[
  ['overview', '', 'Overview'],
  ['alerts', '/alerts', 'Alerts'],
  ['alert-event', 'td a', 'Device authorization'],
  ['alerts-closed', '/alerts?state=closed', 'Alerts'],
  ['access-requests', '/access-requests', 'Access requests'],
  ['access-request', 'td a', 'Bob Builder asks for Demo Printer'],
  ['report', '/report', 'Would have been blocked'],
  ['report-draft', 'td:last-child a', 'Exceptions'],
  ['exceptions', '/exceptions', 'Exceptions'],
  ['exception', 'td a', 'bob-lisbon'],
  ['policy', '/policy', 'Policy'],
  ['policy-draft', '/policy/draft', 'Draft of a policy'],
  ['policy-draft-tried', '.stack button', 'What the draft would change'],
  ['what-if', '/policy/what-if', 'What would the policy decide?'],
  ['what-if-decided', '.stack button', 'What the policy would decide'],
  ['versions', '/policy/versions', 'History of the policy'],
  ['version', '/policy/versions/2', 'Version 2'],
  ['kill-switches', '/kill-switches', 'Kill switches'],
], [
  ['clients', '/clients', 'Clients'],
  ['client', 'td a', 'Demo Printer'],
  ['people', '/people', 'People'],
  ['person', '/people/local%3Aalice', 'Alice Liddell'],
  ['invitations', '/invitations', 'Invitations'],
  ['codes', '/codes', 'Live codes'],
  ['devices', '/devices', 'Devices'],
  ['devices-found', '/devices?client_id=demo-tv', 'Devices'],
  ['devices-to-end', '.stack .report', 'End devices?'],
  ['sessions', '/sessions', 'Sessions'],
  ['ledger', '/ledger?client_id=demo-printer', 'Ledger'],
  ['event', 'td:last-child a', undefined],
  ['verification', `/ledger/verify?day=${new Date().toISOString().slice(0, 10)}`, 'Verify a day'],
  ['keys', '/keys', 'Keys'],
  ['key-to-retire', 'td .small', undefined],
  ['providers', '/providers', 'Providers'],
  ['provider', 'td a', 'Example ID'],
  ['settings', '/settings', 'Settings'],
  ['doctor', '.stack button', 'Doctor'],
  ['absent', '/clients/absent', 'That did not work'],
]];

describe('the console', { timeout: 300_000 }, () => {
  let browsers, plain, filled, home;

  before(async () => {
    mkdirSync(folder, { recursive: true });
    [filled, plain, ...browsers] = await Promise.all([startFilled(), openBrowser({ javascript: false }), openBrowser(), openBrowser()]);
    home = `${filled.server.origin}/admin`;
    for (const one of [plain, ...browsers]) await one.sends(at(BERLIN));
    for (const one of browsers) await signIn(one, accounts.nora);
  });

  after(async () => {
    await Promise.all([plain, ...(browsers ?? [])].map((one) => one?.close()));
    await filled?.stop();
  });

  async function signIn(browser, { username, password }) {
    await browser.open(home);
    await browser.type('username', username);
    await browser.type('password', password);
    await browser.press('Sign in');
  }

  /** Goes to a page of the list: to its address below the console's, or by what a selector finds. */
  const go = (browser, address) => (/^(\/|$)/.test(address) ? browser.open(home + address) : browser.choose(address));

  test('shows every page without faults, and lets the keyboard reach whatever can be used, on a phone and on a desktop', async () => {
    const faults = await Promise.all(PAGES.map(async (pages, index) => {
      const [browser, found] = [browsers[index], []];
      for (const [name, address, heading] of pages) {
        await go(browser, address);
        found.push(...(await look(browser, name, heading)));
        await picture(browser, name);
        found.push(...(await browser.faults(name, LOOKS)));
        for (const size of [PHONE, DESKTOP]) {
          await browser.resize(size);
          found.push(...(await tabbed(browser)).map((fault) => `${name} at ${size.width} px: ${fault}`));
        }
      }
      return [...found, ...(await browser.complaints())];
    }));
    assert.deepEqual(faults.flat(), []);
  });

  /** Returns what is wrong with the headings and the source of a page. */
  async function look(browser, name, heading) {
    const { headings, title, source, scripts } = await browser.run(() => ({
      headings: [...document.querySelectorAll('h1')].map(({ innerText }) => innerText),
      title: document.title,
      source: document.documentElement.outerHTML,
      scripts: document.scripts.length,
    }));
    const faults = disclosures(source).map((secret) => `discloses ${secret}`);
    if (headings.length !== 1 || (heading && headings[0] !== heading)) faults.push(`has the headings ${headings.join(', ')}`);
    if (title !== `${headings[0]} · Device sign-in`) faults.push(`has the title ${title}`);
    if (scripts > 0) faults.push('has a script');
    return faults.map((fault) => `${name} ${fault}`);
  }

  async function picture(browser, name) {
    if (!(name in PICTURES)) return;
    const image = await browser.picture(...PICTURES[name], 40);
    assert.ok(image.length > 5_000 && image.length < LARGEST, `${name} has ${image.length} bytes`);
    writeFileSync(join(folder, `console-${name}.webp`), image);
  }

  /** Presses Tab through the page. Returns what was not reached, or had no visible focus. */
  async function tabbed(browser) {
    const presses = await browser.run(() => {
      const usable = document.querySelectorAll('a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex="0"]');
      const left = new Set([...usable].filter((element) => element.checkVisibility()));
      const times = document.querySelectorAll('[type=datetime-local]').length;
      const blurred = [];
      const name = (element) => `${element.localName} ${element.name ?? ''} ${element.textContent.trim().slice(0, 40)}`;
      document.activeElement.blur();
      document.addEventListener('focusin', ({ target }) => {
        left.delete(target);
        const { outlineStyle, outlineWidth } = getComputedStyle(target);
        if (outlineStyle === 'none' || Number.parseFloat(outlineWidth) < 2) blurred.push(name(target));
      });
      window.tabbed = () => [...[...left].map((element) => `not reached: ${name(element)}`), ...blurred.map((text) => `no focus: ${text}`)];
      return left.size + 8 * times + 4;
    });
    await browser.keys(...Array(presses).fill(Key.TAB));
    return browser.run(() => window.tabbed());
  }

  test('stops an attack by keyboard alone: from the alert to the kill switch', async () => {
    const [browser] = browsers;
    const choose = async (label) => {
      await browser.tabTo((stop) => stop.label === label, 60);
      await browser.leaving(() => browser.keys(Key.ENTER));
    };
    await browser.resize(DESKTOP);
    await browser.open(`${home}/alerts`);
    await browser.tabTo((stop) => stop.label === 'Skip the menu');
    await browser.keys(Key.ENTER);
    assert.ok((await browser.tabTo((stop) => stop.label === 'state=open')).length === 1, 'the menu is skipped');
    await choose('Prepare a kill switch');
    await browser.sees('Kill switches');
    assert.match(await browser.value('reason'), /code_burst/);
    await choose('Count what it would end');
    assert.match(await browser.sees('What the kill switch would end'), /This would end 1 device, 0 sessions and \d codes?\. Nothing has ended yet\./);
    await choose('Set the kill switch');
    assert.match(await browser.sees('Kill switches'), /The kill switch is on\. It has ended 1 device/);
  });

  test('needs no scripts, and is only for administrators', async () => {
    await signIn(plain, accounts.bob);
    assert.match(await plain.sees('The console is for administrators'), /none of the groups of administrators/);
    await plain.press('Sign out');
    await signIn(plain, accounts.nora);
    await plain.open(`${home}/access-requests`);
    await plain.press('Bob Builder');
    await plain.press('Grant access');
    assert.match(await plain.sees('Bob Builder asks for Demo Printer'), /Access is granted\./);
    await plain.open(`${home}/exceptions`);
    assert.match(await plain.sees('Exceptions'), /access-[\w-]+\n.*\n?accounts: local:bob/);

    await plain.open(`${home}/policy/draft`);
    await plain.type('document', '{"default": "report_only", "access_requests": true}');
    await plain.press('Show what it would change');
    assert.match(await plain.sees('What the draft would change'), /Not protecting: .*\/rules\/televisions/s);
    await plain.type('reason', 'We watch again for a week');
    await plain.press('Make it the policy');
    assert.match(await plain.sees('Draft of a policy'), /Version 4 is in force\./);
  });
});
