// Out-of-band binding in the real runtime: an inventory and a rule from a file, a device that says what it is called, and a
// person who knows how that ends.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { Admin } from './support/admin.mjs';
import { until } from './support/bounded.mjs';
import { Key, openBrowser } from './support/browser.mjs';
import { accounts, root } from './support/config.mjs';
import { Device } from './support/device.mjs';
import { startWorkerd } from './support/harness.mjs';
import { Person } from './support/person.mjs';
import { endDiscreetly } from './support/secrets.mjs';

const LIMIT = 30_000;
const FILE = `
[policy]
default = "enforced"

[[policy.rules]]
id = "all"
description = "Everybody"
effect = "allow"

[[policy.rules]]
id = "ours"
description = "Only devices of ours"
effect = "require"
require = { out_of_band_binding = true }

[[inventory]]
identifier = "SN-0042-AB17"
accounts = ["local:alice"]
note = "Room 4"
`;

let server, home;
before(async () => {
  server = await startWorkerd({ vars: { POLL_INTERVAL_SECONDS: '1' } });
  home = mkdtempSync(join(tmpdir(), 'binding-'));
  writeFileSync(join(home, 'devices.toml'), FILE);
  assert.match(await apply(), /\+ device SN-0042-AB17[^]*Done: /);
  assert.match(await apply(), /Nothing to change\./, 'a second time changes nothing');
});
after(() => {
  rmSync(home, { recursive: true });
  return endDiscreetly(server);
});

async function apply() {
  const env = { PATH: process.env.PATH, ISSUER: server.origin, FILE: join(home, 'devices.toml'), YES: '1', REASON: 'A test' };
  const running = promisify(execFile)(process.execPath, [join(root, 'scripts/apply.mjs')], { env });
  running.child.stdin.end();
  return (await running).stdout;
}

const start = (device_identifier) => Device.start(server, { device_identifier });
/** Approves with this as the end of the identifier. */
const type = (person, identifier_end) => person.submit({ step: 'decide', decision: 'approve', confirm_device: 'yes', identifier_end });

test('whoever knows how the identifier of their device ends signs it in, and the page never shows it', async () => {
  const tv = await start('sn 0042 ab17');
  const alice = new Person(server);
  await alice.consider(tv.codes.user_code);
  assert.doesNotMatch(alice.page.html, /0042|AB17/i);
  assert.match(alice.page.html, /Last four characters of the device’s serial number or name/);

  await type(alice, 'AB1');
  assert.match(alice.page.problem, /Type exactly the last four letters or digits/);
  await type(alice, 'AB18');
  assert.match(alice.page.problem, /another serial number or name/);
  await type(alice, 'ab-17');

  alice.mustRead(200, 'Approved');
  assert.equal((await tv.poll()).status, 200);
});

test('the third wrong end denies the request, with a warning', async () => {
  const tv = await start('SN-0042-AB17');
  const alice = new Person(server);
  await alice.consider(tv.codes.user_code);
  for (const end of ['AAAA', 'BBBB', 'CCCC']) await type(alice, end);

  alice.mustRead(200, 'No access given');
  assert.equal((await tv.poll()).error, 'access_denied');
  await until(() => server.logs().includes('"what":"warning","outcome":"binding_failed"'), LIMIT, 'there is no warning');
});

test('a device of somebody else, one that nobody knows and one without a name are refused alike', async () => {
  const unnamed = await new Device(server).start();
  assert.equal(unnamed.error, 'invalid_request');
  assert.match(unnamed.error_description, /device_identifier/);

  const pages = [];
  for (const [identifier, account] of [['SN-0042-AB17', accounts.bob], ['SN-9999-ZZ99', accounts.alice]]) {
    const person = new Person(server, { account });
    await person.enter((await start(identifier)).codes.user_code);
    await person.signIn();
    pages.push([person.page.status, person.page.text]);
  }
  assert.equal(pages[0][0], 403);
  assert.deepEqual(pages[0], pages[1]);

  assert.equal((await new Admin(server).ask('DELETE', '/inventory/SN-0042-AB17')).status, 204);
  const alice = new Person(server);
  await alice.enter((await start('SN-0042-AB17')).codes.user_code);
  await alice.signIn();
  assert.deepEqual([alice.page.status, alice.page.text], pages[0], 'a device that was taken out is refused, too');
  assert.match(await apply(), /\+ device SN-0042-AB17/, 'what was changed elsewhere is found');
});

test('Enter in the field neither approves nor refuses', async (t) => {
  const tv = await start('SN-0042-AB17');
  const browser = await openBrowser();
  t.after(() => browser.close());
  await browser.open(tv.codes.verification_uri);
  await browser.leaving(() => browser.keys(tv.codes.user_code, Key.ENTER));
  await browser.type('username', accounts.alice.username);
  await browser.type('password', accounts.alice.password);
  await browser.leaving(() => browser.keys(Key.ENTER));
  await browser.type('identifier_end', 'AB17');
  await browser.leaving(() => browser.keys(Key.ENTER));

  assert.match(await browser.problem(), /Nothing/);
  assert.equal((await tv.poll()).error, 'authorization_pending');
});
