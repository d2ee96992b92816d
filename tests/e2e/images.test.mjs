// The pictures in the README: the consent page on a phone, and the terminal that plays the device.
//
// `make screenshots` writes them to docs/images. Any other run writes them to `screenshots/`, so that the test still notices a
// change that breaks them.

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { PHONE, openBrowser } from './support/browser.mjs';
import { accounts, root } from './support/config.mjs';
import { Device } from './support/device.mjs';
import { startWorkerd, within } from './support/harness.mjs';
import { at } from './support/places.mjs';

const folder = process.env.IMAGES ? join(root, 'docs/images') : join(import.meta.dirname, 'screenshots');
/** No picture may be larger, in bytes: they are downloaded with the repository and with the README. */
const LARGEST = 60_000;
const LIMIT = 30_000;
const TELEVISION = 'Mozilla/5.0 (SMART-TV; LINUX; Tizen 6.0) AppleWebKit/537.36 Chrome/76.0 Safari/537.36';
const LYON = { city: 'Lyon', country: 'FR', asn: 64500, asOrganization: 'Example Telecom', colo: 'CDG' };

let browser;
let server;

before(async () => {
  mkdirSync(folder, { recursive: true });
  await promisify(execFile)('cargo', ['build', '--quiet', '--example', 'device'], { cwd: root });
  [browser, server] = await Promise.all([openBrowser(), startWorkerd()]);
});
after(() => Promise.all([browser?.close(), server?.stop()]));

test('the README shows the terminal and the consent page', { timeout: 120_000 }, async (t) => {
  const device = play({ ISSUER: server.origin });
  t.after(device.stop);
  const screen = await device.screen(/Waiting for you to approve\..*/);

  await browser.open(page(screen.replaceAll(server.origin, 'http://localhost:8787')));
  keep('terminal.webp', await browser.picture({ width: 640, height: 600, deviceScaleFactor: 1, mobile: false }));

  const television = await Device.start(server, { headers: { 'user-agent': TELEVISION, ...at(LYON) } });
  await browser.sends(at(LYON));
  await browser.open(television.codes.verification_uri_complete);
  await browser.press('Yes, continue');
  await browser.type('username', accounts.alice.username);
  await browser.type('password', accounts.alice.password);
  await browser.press('Sign in');
  await browser.sees('Let Demo TV use your account?');
  keep('consent-phone.webp', await browser.picture({ ...PHONE, deviceScaleFactor: 1 }));
});

function keep(name, picture) {
  assert.ok(picture.length > 5_000 && picture.length < LARGEST, `${name} has ${picture.length} bytes`);
  writeFileSync(join(folder, name), picture);
}

/** Runs the device. `screen` waits until it shows `pattern`. */
function play(env) {
  const child = spawn(join(root, 'target/debug/examples/device'), { env, stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  const shown = (pattern) =>
    new Promise((resolve) => {
      child.stdout.setEncoding('utf8').on('data', (more) => {
        text += more;
        if (pattern.test(text)) resolve(text);
      });
    });
  return {
    screen: (pattern) => within(LIMIT, shown(pattern), 'the device did not show its code'),
    stop: () => child.kill(),
  };
}

/** A page that looks like a terminal after `make device`. */
function page(screen) {
  const text = `$ make device\n${screen}`.trimEnd().replace(/&/g, '&amp;').replace(/</g, '&lt;');
  // Scanners need dark on light with a margin, as the device itself shows it. The margin is lines of spaces.
  const isCode = (line) => /^[ ▀▄█]{30,}$/.test(line);
  const lines = text.split('\n').map((line) => (isCode(line) ? `<b>${line.slice(6).padEnd(37)}</b>` : `${line}\n`));
  const style = `
    body { margin: 0; background: #16181d; }
    pre { margin: 0; padding: 20px 16px; color: #e6e8ec; font: 15px/1.25 'Liberation Mono', monospace; }
    b { display: block; width: max-content; margin-left: 6ch; font: 15px/17px 'Liberation Mono', monospace; color: #000; background: #fff; }`;
  const html = `<!DOCTYPE html><meta charset="utf-8"><title>Terminal</title><style>${style}</style><pre>${lines.join('')}</pre>`;
  return `data:text/html;charset=utf-8,${encodeURIComponent(html)}`;
}
