// The languages of the pages, with the runtime's own rules for countries, plurals, times and lists (Intl), and the menu
// in a browser.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { past } from './support/bounded.mjs';
import { openBrowser } from './support/browser.mjs';
import { Device } from './support/device.mjs';
import { accounts } from './support/config.mjs';
import { startWorkerd } from './support/harness.mjs';
import { Person } from './support/person.mjs';

const LYON = { city: 'Lyon', country: 'FR', asOrganization: 'Example Telecom', asn: 64500, colo: 'CDG' };
const OSLO = { city: 'Oslo', country: 'NO', asOrganization: 'Example Mobile', asn: 64501, colo: 'OSL' };
const at = (place) => ({ 'x-test-cf': JSON.stringify(place) });

/** Seconds for which a code lives here: through all the minutes for which a language has the same words. */
const LIFETIME = 600;

/** What a consent page says in each language: the question, both places, the time, and the expiry in 9 minutes. */
const CONSENT = {
  de: [/^Darf Demo TV Ihr Konto verwenden\?/, 'Lyon, Frankreich', 'Oslo, Norwegen', /Gerade eben, \d\d:\d\d UTC/, 'läuft in 9 Minuten ab'],
  fr: [/^Autoriser Demo TV à utiliser votre compte\u202f\?/, 'Lyon, France', 'Oslo, Norvège', /À l’instant, \d\d:\d\d UTC/, 'expire dans 9 minutes'],
  es: [/^¿Permitir que Demo TV use su cuenta\?/, 'Lyon, Francia', 'Oslo, Noruega', /Ahora mismo, \d\d:\d\d UTC/, 'caduca en 9 minutos'],
  'pt-BR': [/^Permitir que Demo TV use sua conta\?/, 'Lyon, França', 'Oslo, Noruega', /Agora mesmo, \d\d:\d\d UTC/, 'expira em 9 minutos'],
  ja: [/^Demo TV にアカウントの使用を許可しますか？/, 'フランス Lyon', 'ノルウェー Oslo', /たった今（\d\d:\d\d UTC）/, 'あと 9 分で期限切れ'],
  'zh-Hans': [/^允许 Demo TV 使用您的账号吗？/, '法国 Lyon', '挪威 Oslo', /刚刚（UTC \d\d:\d\d）/, '将在 9 分钟后过期'],
  ar: [/^هل تسمح بأن يستخدم Demo TV حسابك؟/, 'Lyon، فرنسا', 'Oslo، النرويج', /الآن، \d\d:\d\d UTC/, 'خلال 9 دقائق'],
};

let server;
let alice;
before(async () => {
  server = await startWorkerd({ vars: { CODE_LIFETIME_SECONDS: String(LIFETIME) } });
  alice = await signedIn(server);
});
after(() => server?.stop());

/** Returns what a page shows, without markup and without the space that it leaves. */
const shown = (html) => html.replace(/<[^>]*>/g, '').replace(/[^\S\u202f\u00a0]+/g, ' ').trim();

/** Returns a person who is signed in. */
async function signedIn(server) {
  const person = new Person(server);
  await person.consider((await Device.start(server)).userCode);
  return person;
}

/**
 * Opens the consent page in the browser where alice is signed in. Tests that did so at the same time would need more tries
 * than an account has: an entry takes one until its code proves to be right.
 */
async function consentOf(device, headers) {
  const person = new Person(server, { headers: { ...at(OSLO), ...headers } });
  person.cookies = new Map(alice.cookies);
  await person.enter(device.userCode);
  return person;
}

/** Returns all numbers of whole minutes that a code may have left which was started at `start` or later. */
function minutesLeft(lifetime, start) {
  const [least, most] = [start + lifetime * 1000 - Date.now(), lifetime * 1000].map((left) => Math.max(0, Math.floor(left / 60_000)));
  return Array.from({ length: most - least + 1 }, (_, index) => least + index);
}

describe('the consent page', () => {
  for (const [tag, [question, there, here, time, expiry]] of Object.entries(CONSENT)) {
    test(`in ${tag} names countries, times and minutes by the rules of the language`, async () => {
      const start = Date.now();
      const device = await Device.start(server, { headers: at(LYON) });

      const { page } = await consentOf(device, { 'accept-language': tag });

      const possible = minutesLeft(LIFETIME, start).map((minutes) => expiry.replace('9', minutes));
      assert.match(page.html, new RegExp(`<html lang="${tag}" dir="${tag === 'ar' ? 'rtl' : 'ltr'}">`));
      assert.equal(page.headers.get('content-language'), tag);
      assert.match(shown(page.html.match(/<h1>(.*?)<\/h1>/s)[1]), question);
      const text = shown(page.html);
      for (const words of [there, here]) assert.ok(text.includes(words), `${words} is not in ${text}`);
      assert.match(text, time);
      assert.ok(possible.some((words) => text.toLowerCase().includes(words.toLowerCase())), text);
      assert.match(page.html, new RegExp(`dir="ltr" translate="no">${device.userCode}<`), 'a code is always written from left to right');
      assert.ok(Buffer.byteLength(page.html) < 30_000);
    });
  }

  test('says how long ago a request was by the rules of the language', async () => {
    const formats = ['en', 'de', 'ar', 'ja'].map((tag) => [tag, new Intl.RelativeTimeFormat(`${tag}-u-nu-latn`)]);
    const start = Date.now();
    const device = await Device.start(server, { headers: at(LYON) });
    await past(Date.now() + 10_000);

    for (const [tag, format] of formats) {
      const { page } = await consentOf(device, { 'accept-language': tag });
      const seconds = Array.from({ length: 50 }, (_, index) => format.format(-10 - index, 'second'));
      const minutes = Array.from({ length: (Date.now() - start) / 60_000 }, (_, index) => format.format(-1 - index, 'minute'));
      const possible = [...seconds, ...minutes];
      assert.ok(possible.some((words) => shown(page.html).includes(words)), `${tag}: ${shown(page.html)}`);
    }
  });
});

test('times are in the time zone of the reader, by the names of the language', async () => {
  const device = await Device.start(server, { headers: at(LYON) });
  for (const [tag, timezone, named] of [
    ['en', 'America/Sao_Paulo', /Just now, \d\d:\d\d GMT-3/],
    ['de', 'Europe/Berlin', /Gerade eben, \d\d:\d\d MES?Z/],
    ['ja', 'Asia/Tokyo', /たった今（\d\d:\d\d JST）/],
    ['en', 'Mars/Olympus', /Just now, \d\d:\d\d UTC/],
    ['en', undefined, /Just now, \d\d:\d\d UTC/],
  ]) {
    const { page } = await consentOf(device, { ...at({ ...OSLO, timezone }), 'accept-language': tag });
    assert.match(shown(page.html), named);
    if (!timezone?.startsWith('America')) continue;
    const clock = new Intl.DateTimeFormat('en-u-nu-latn', { hour: '2-digit', minute: '2-digit', hourCycle: 'h23', timeZone: timezone });
    const [minute, before] = [0, 60_000].map((ago) => clock.format(Date.now() - ago));
    assert.ok([minute, before].some((time) => shown(page.html).includes(`Just now, ${time} GMT-3`)));
  }
});

describe('minutes in Arabic', { concurrency: true }, () => {
  /** Says in how many minutes something is over: there are words for one and two, and for three to ten. */
  const within = (minutes) =>
    ['خلال أقل من دقيقة', 'خلال دقيقة واحدة', 'خلال دقيقتين'][minutes] ?? `خلال ${minutes} ${minutes <= 10 ? 'دقائق' : 'دقيقة'}`;

  for (const seconds of [59, 119, 179, 239, 899]) {
    test(`${seconds} seconds`, async (t) => {
      const short = await startWorkerd({ vars: { CODE_LIFETIME_SECONDS: String(seconds) } });
      t.after(() => short.stop());
      const person = await signedIn(short);
      person.headers = { 'accept-language': 'ar' };
      const start = Date.now();
      const device = await Device.start(short);

      await person.enter(device.userCode);

      const possible = minutesLeft(seconds, start).map(within);
      assert.ok(possible.some((words) => shown(person.page.html).includes(words)), shown(person.page.html));
    });
  }
});

test('the language is chosen by the person, then by the browser, and last by the device', async () => {
  const started = await Device.start(server, { ui_locales: 'ar' });
  const lang = (person) => person.page.html.match(/<html lang="([^"]*)"/)[1];

  assert.equal(lang(await consentOf(started, { 'accept-language': 'sv' })), 'ar', 'nothing else is known');
  const person = await consentOf(started, { 'accept-language': 'ja, en;q=0.5' });
  assert.equal(lang(person), 'ja');
  await person.submit({ step: 'decide', language: 'de' });
  assert.equal(lang(person), 'de');
  const cookie = person.page.headers.getSetCookie().find((line) => line.includes('language'));
  assert.match(cookie, /^device-grant-language=de; Path=\/; Max-Age=\d+; HttpOnly; SameSite=Lax$/);
  await person.open();
  assert.equal(lang(person), 'de', 'the choice is remembered');
});

describe('the menu in a browser', () => {
  let browser;
  before(async () => (browser = await openBrowser({ javascript: false })));
  after(() => browser?.close());

  test('needs no script, keeps what was typed, and turns the page around for Arabic', async () => {
    const device = await Device.start(server);
    await browser.open(`${server.origin}/device`);
    await browser.sees('Enter the code shown on your device');
    await browser.type('user_code', device.userCode.slice(0, 3));

    await browser.click('Language: English');
    await browser.press('العربية');

    await browser.sees('أدخِل الرمز الظاهر على جهازك');
    assert.equal(await browser.value('user_code'), device.userCode.slice(0, 3));
  });

  test('shows a result in another language, and decides nothing again', async () => {
    const device = await Device.start(server);
    await browser.open(device.codes.verification_uri_complete);
    await browser.choose('.main');
    await browser.type('username', accounts.alice.username);
    await browser.type('password', accounts.alice.password);
    await browser.choose('.main');
    await browser.choose('.choice .refuse');
    await browser.click('اللغة: العربية');
    await browser.press('English');
    await browser.sees('Refused');

    await browser.click('Language: English');
    await browser.press('Deutsch');

    await browser.sees('Abgelehnt');
    assert.match(await browser.address(), /\/device\?request=[\w-]{22}$/);
    await browser.reload();
    await browser.sees('Abgelehnt');
  });
});
