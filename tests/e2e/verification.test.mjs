// Initiation verification in the real runtime, with the device of `make device`: digits travel from the phone to the terminal.

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { Admin } from './support/admin.mjs';
import { until } from './support/bounded.mjs';
import { root } from './support/config.mjs';
import { Device } from './support/device.mjs';
import { startWorkerd, within } from './support/harness.mjs';
import { Person } from './support/person.mjs';
import { endDiscreetly, keepUserCode } from './support/secrets.mjs';

const LIMIT = 30_000;
const TITLE = 'Type these digits at your device';

let server, alice;
before(async () => {
  await promisify(execFile)('cargo', ['build', '--quiet', '--example', 'device'], { cwd: root });
  server = await startWorkerd({ vars: { POLL_INTERVAL_SECONDS: '1' } });
  alice = new Person(server);
  const all = { id: 'all', description: 'Everybody', effect: 'allow' };
  const digits = { id: 'digits', description: 'Everybody types digits', effect: 'require', require: { initiation_verification: true } };
  const body = { default: 'enforced', rules: [all, digits], reason: 'For this test' };
  const { status } = await new Admin(server).ask('PUT', '/policy', { body, ifMatch: '*' });
  assert.equal(status, 200);
});
after(() => endDiscreetly(server));

/** Lets alice approve. Returns the digits that her page shows. */
async function approve(user_code) {
  await alice.consider(user_code);
  await alice.decide('approve');
  alice.mustRead(200, TITLE);
  return shown();
}

const shown = () => alice.page.html.match(/translate="no">(\d{4})<\/span>/)?.[1];
const other = (digits, by) => String((Number(digits) + by) % 10_000).padStart(4, '0');

/** Looks at the page again, at the address that its link has. */
const look = () => alice.open(alice.page.html.match(/href="(\/device\?request=[^"]+)"/)[1].replaceAll('&amp;', '&'));

test('the digits on the phone sign the device in', async () => {
  const device = play();
  const digits = await approve(await device.code());
  await look();
  assert.equal(shown(), digits, 'the page can be loaded again');

  await device.shows('Type them here:');
  device.types('12');
  await device.shows('These are not four digits.');
  device.types(other(digits, 1));
  await device.shows('Those are not the digits on your phone.');
  device.types(digits);

  assert.equal(await device.ended(), 0, device.screen());
  assert.match(device.screen(), /Refreshed: the server sent a new access token/);
  await look();
  alice.mustRead(200, 'Approved');
});

test('wrong digits end the request the third time, with a warning, and the person learns it', async () => {
  const device = play();
  const digits = await approve(await device.code());
  for (const by of [1, 2, 3]) {
    await device.shows('Type them here:', by);
    device.types(other(digits, by));
  }

  assert.equal(await device.ended(), 1, device.screen());
  assert.match(device.screen(), /The request has ended, because the digits were wrong three times/);
  await look();
  alice.mustRead(200, 'No access given');
  const warned = () => server.logs().split('"what":"warning","outcome":"verification_failed"').length === 2;
  await until(warned, LIMIT, 'there is no warning');
});

test('a device that cannot ask is told at once what to send', async () => {
  const answer = await new Device(server).start();
  assert.equal(answer.error, 'invalid_request');
  assert.match(answer.error_description, /send initiation_verification_supported=true/);
});

/** Starts the device. Returns what its user sees and does. */
function play() {
  const child = spawn(join(root, 'target', 'debug/examples/device'), [], { env: { ISSUER: server.origin }, stdio: ['pipe', 'pipe', 'inherit'] });
  const closed = once(child, 'close');
  let screen = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    screen += text;
  });
  const found = () => screen.match(/enter the code\s+(\S+)/)?.[1];
  return {
    screen: () => screen,
    shows: (text, times = 1) => until(() => screen.split(text).length > times, LIMIT, `the device does not show ${text}`),
    types: (text) => child.stdin.write(`${text}\n`),
    code: async () => {
      await until(found, LIMIT, 'the device shows no code');
      keepUserCode(found());
      return found();
    },
    ended: async () => {
      const [code] = await within(LIMIT, closed, 'the device did not end').finally(() => child.kill('SIGKILL'));
      return code;
    },
  };
}
