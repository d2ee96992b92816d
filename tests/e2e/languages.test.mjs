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

/** What a consent page says in each language: the question, both places, the time and the expiry. */
const CONSENT = {
  de: [/^Darf Demo TV Ihr Konto verwenden\?/, 'Lyon, Frankreich', 'Oslo, Norwegen', /Gerade eben, \d\d:\d\d UTC/, /läuft in 4 Minuten ab/i],
  fr: [/^Autoriser Demo TV à utiliser votre compte\u202f\?/, 'Lyon, France', 'Oslo, Norvège', /À l’instant, \d\d:\d\d UTC/, /expire dans 4 minutes/i],
  es: [/^¿Permitir que Demo TV use su cuenta\?/, 'Lyon, Francia', 'Oslo, Noruega', /Ahora mismo, \d\d:\d\d UTC/, /caduca en 4 minutos/i],
  'pt-BR': [/^Permitir que Demo TV use sua conta\?/, 'Lyon, França', 'Oslo, Noruega', /Agora mesmo, \d\d:\d\d UTC/, /expira em 4 minutos/i],
  ja: [/^Demo TV にアカウントの使用を許可しますか？/, 'フランス Lyon', 'ノルウェー Oslo', /たった今（\d\d:\d\d UTC）/, /あと 4 分で期限切れ/],
  'zh-Hans': [/^允许 Demo TV 使用您的账号吗？/, '法国 Lyon', '挪威 Oslo', /刚刚（UTC \d\d:\d\d）/, /将在 4 分钟后过期/],
  ar: [/^هل تسمح بأن يستخدم Demo TV حسابك؟/, 'Lyon، فرنسا', 'Oslo، النرويج', /الآن، \d\d:\d\d UTC/, /خلال 4 دقائق/],
};

let server;
before(async () => (server = await startWorkerd()));
after(() => server?.stop());

/** Returns what a page shows, without markup and without the space that it leaves. */
const shown = (html) => html.replace(/<[^>]*>/g, '').replace(/[^\S\u202f\u00a0]+/g, ' ').trim();

async function consentOf(device, headers) {
  const person = new Person(server, { headers: { ...at(OSLO), ...headers } });
  await person.enter(device.userCode);
  await person.signIn();
  return person;
}

describe('the consent page', { concurrency: true }, () => {
  for (const [tag, [question, there, here, time, expiry]] of Object.entries(CONSENT)) {
    test(`in ${tag} names countries, times and minutes by the rules of the language`, async () => {
      const device = await Device.start(server, { headers: at(LYON) });

      const { page } = await consentOf(device, { 'accept-language': tag });

      assert.match(page.html, new RegExp(`<html lang="${tag}" dir="${tag === 'ar' ? 'rtl' : 'ltr'}">`));
      assert.equal(page.headers.get('content-language'), tag);
      assert.match(shown(page.html.match(/<h1>(.*?)<\/h1>/s)[1]), question);
      const text = shown(page.html);
      for (const words of [there, here]) assert.ok(text.includes(words), `${words} is not in ${text}`);
      assert.match(text, time);
      assert.match(text, expiry);
      assert.match(page.html, new RegExp(`dir="ltr" translate="no">${device.userCode}<`), 'a code is always written from left to right');
      assert.ok(Buffer.byteLength(page.html) < 30_000);
    });
  }

  test('says how long ago a request was by the rules of the language', async () => {
    const formats = ['en', 'de', 'ar', 'ja'].map((tag) => [tag, new Intl.RelativeTimeFormat(`${tag}-u-nu-latn`)]);
    const device = await Device.start(server, { headers: at(LYON) });
    await past(Date.now() + 10_000);

    for (const [tag, format] of formats) {
      const { page } = await consentOf(device, { 'accept-language': tag });
      const possible = Array.from({ length: 50 }, (_, index) => format.format(-10 - index, 'second'));
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
  for (const [seconds, words] of [
    [115, 'خلال دقيقة واحدة'],
    [175, 'خلال دقيقتين'],
    [235, 'خلال 3 دقائق'],
    [895, 'خلال 14 دقيقة'],
    [40, 'خلال أقل من دقيقة'],
  ]) {
    test(`${seconds} seconds`, async (t) => {
      const short = await startWorkerd({ vars: { CODE_LIFETIME_SECONDS: String(seconds) } });
      t.after(() => short.stop());
      const device = await Device.start(short);
      const person = new Person(short, { headers: { 'accept-language': 'ar' } });

      await person.enter(device.userCode);
      await person.signIn();

      assert.ok(shown(person.page.html).includes(words), shown(person.page.html));
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
