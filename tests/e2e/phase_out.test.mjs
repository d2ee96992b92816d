// `make phase-out` lets those who use a client go on until its end, lets in nobody new, and asks before it changes anything.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { before, after, test } from 'node:test';
import { Admin } from './support/admin.mjs';
import { accounts, clients, root } from './support/config.mjs';
import { Device } from './support/device.mjs';
import { startWorkerd } from './support/harness.mjs';
import { Person } from './support/person.mjs';
import { endDiscreetly } from './support/secrets.mjs';

const ALLOW_ALL = { default: 'enforced', rules: [{ id: 'all', description: 'Everybody, for the tests', effect: 'allow' }] };
const DAY = 86_400_000;
const CLIENT = clients.tv.client_id;
const [YESTERDAY, TOMORROW] = [-1, 1].map((days) => new Date(Date.now() + days * DAY).toISOString().slice(0, 10));

let server, admin;
before(async () => {
  server = await startWorkerd();
  admin = new Admin(server);
});
after(() => endDiscreetly(server));

test('a client that is phased out keeps its people until its end', async () => {
  const nothing = await phaseOut({ CLIENT, NEW_UNTIL: YESTERDAY, END: TOMORROW, YES: '1' });
  assert.match(nothing.stderr, /has no policy yet: write one first/);
  await admin.ask('PUT', '/policy', { body: { ...ALLOW_ALL, reason: 'For the tests' }, ifMatch: '*' });
  const [alice, bob] = [new Person(server), new Person(server, { account: accounts.bob })];
  const device = await Device.start(server);
  await alice.approve(device.userCode);
  await device.redeem();

  const tried = await phaseOut({ CLIENT, NEW_UNTIL: YESTERDAY, END: TOMORROW, DRY_RUN: '1' });
  assert.equal(tried.code, 2, tried.stderr);
  assert.match(tried.stdout, /\+ rules\/demo-tv-no-new-people = .*"first":\["client"\]/);
  const asked = await phaseOut({ CLIENT, NEW_UNTIL: YESTERDAY, END: TOMORROW });
  assert.deepEqual([asked.code, asked.stderr], [1, 'Nothing was changed: no terminal to ask on: Go on?\nYES=1 skips the question, DRY_RUN=1 only shows the changes.\n']);
  assert.equal((await admin.ask('GET', '/policy')).body.version, 1);
  const done = await phaseOut({ CLIENT, NEW_UNTIL: YESTERDAY, END: TOMORROW, MESSAGE: 'Install the new app.', YES: '1' });
  assert.deepEqual([done.code, done.stderr], [0, ''], done.stdout);

  assert.equal((await device.refresh()).status, 200, 'who is in stays in');
  const second = await Device.start(server);
  await alice.approve(second.userCode);
  await second.redeem();
  const third = await Device.start(server);
  await bob.enter(third.userCode);
  await bob.signIn();
  assert.equal(bob.page.status, 403);
  assert.match(bob.page.html, /Install the new app\./);

  const again = await phaseOut({ CLIENT, NEW_UNTIL: YESTERDAY, END: TOMORROW, MESSAGE: 'Install the new app.', YES: '1' });
  assert.deepEqual([again.code, again.stdout], [0, 'Nothing to change.\n']);
  const ended = await phaseOut({ CLIENT, NEW_UNTIL: '2020-01-01', END: YESTERDAY, YES: '1' });
  assert.equal(ended.code, 0, ended.stderr);
  assert.equal((await admin.ask('GET', '/policy')).body.rules.length, 3, 'the days are moved');
  assert.equal((await device.refresh()).error, 'invalid_grant');
});

test('a client by its document is phased out, too', async () => {
  const url = 'https://tool.example.org/client.json';
  const days = { CLIENT: url, NEW_UNTIL: YESTERDAY, END: TOMORROW, DRY_RUN: '1' };
  assert.match((await phaseOut(days)).stderr, /has no client https:\/\/tool\.example\.org\/client\.json$/m);
  assert.equal((await admin.ask('PUT', '/documents/tool.example.org', { body: { scope: 'openid' } })).status, 201);

  const tried = await phaseOut(days);

  assert.equal(tried.code, 2, tried.stderr);
  assert.match(tried.stdout, /rules\/https-tool-example-org-client-json-end = /);
});

test('an error names what was wrong, and nothing is changed', async () => {
  const days = { NEW_UNTIL: YESTERDAY, END: TOMORROW };
  for (const [env, expected] of [
    [{ ...days }, /^Which client\? make phase-out CLIENT=/],
    [{ ...days, CLIENT, END: '' }, /^END is missing: it must be a date such as 2027-03-01/],
    [{ ...days, CLIENT, NEW_UNTIL: 'soon' }, /^NEW_UNTIL is soon: it must be a date/],
    [{ CLIENT, NEW_UNTIL: TOMORROW, END: YESTERDAY }, /^END is .*: it must be later than NEW_UNTIL/],
    [{ ...days, CLIENT: 'nobody' }, /has no client nobody$/m],
    [{ ...days, CLIENT, ADMIN_TOKEN: 'wrong' }, /does not accept this ADMIN_TOKEN/],
  ]) {
    const { code, stderr } = await phaseOut({ YES: '1', ...env });
    assert.equal(code, 1);
    assert.match(stderr, expected);
  }
});

function phaseOut(env) {
  return new Promise((resolve) => {
    const options = { env: { ISSUER: server.origin, PATH: process.env.PATH, NO_COLOR: '1', ...env } };
    execFile(process.execPath, [join(root, 'scripts/phase-out.mjs')], options, (error, stdout, stderr) => {
      resolve({ code: error?.code ?? 0, stdout, stderr });
    }).stdin.end();
  });
}
