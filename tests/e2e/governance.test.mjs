// Governance as people meet it: administrators at the console and persons with codes, each in a browser of their own.

import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { Admin } from './support/admin.mjs';
import { ASKING } from './support/asking.mjs';
import { until } from './support/bounded.mjs';
import { openBrowser } from './support/browser.mjs';
import { accounts, builds, clients } from './support/config.mjs';
import { Keeper } from './support/console.mjs';
import { Device } from './support/device.mjs';
import { change, ringIn, startFaulty } from './support/faults.mjs';
import { Person } from './support/person.mjs';
import { ledger, outboxOf } from './support/stored.mjs';

const LATE = 60_000;
const DAY = 86_400_000;
/** Milliseconds from a restart to an alarm. */
const SOON = 1_500;
const vars = { SHARDS_PER_REGION: '1', POLL_INTERVAL_SECONDS: '1' };
const CONSENT = 'Let Demo TV use your account?';
const ENFORCED = { default: 'enforced', contact: 'security@example.com', rules: [] };
const REPORT_ONLY = { ...ENFORCED, default: 'report_only' };
const { alice, bob, nora } = accounts;

/** The browser of a person, and that of an administrator. */
let person, desk;

before(async () => {
  [person, desk] = await Promise.all([openBrowser(), openBrowser()]);
});

beforeEach(() => Promise.all([person.restart(), desk.restart()]));

afterEach(async () => {
  for (const browser of [person, desk]) assert.deepEqual(await browser.complaints(), [], 'the browser reports no problem');
});

after(() => Promise.all([person?.close(), desk?.close()]));

/** The person enters the code of a device, and signs in unless that has happened before. */
async function enters(device, { username, password }) {
  await person.open(`${device.server.origin}/device`);
  await person.type('user_code', device.userCode);
  await person.press('Continue');
  if (!(await person.has('password'))) return;
  await person.type('username', username);
  await person.type('password', password);
  await person.choose('form:has(#password) .button');
}

/** The person, who sees the consent page, approves. */
async function approves(heading = CONSENT) {
  await person.sees(heading);
  await person.tick('confirm_device');
  await person.press('Approve');
  await person.sees('Approved');
}

test('a policy blocks, then only reports, and lets through by an exception until that ends', async (t) => {
  const { server, later } = await startFaulty(t, { vars, build: builds.release });
  const waiting = await Device.start(server);
  const keeper = await Keeper.enters(desk, server);
  const refused = async () => {
    const { status, error, error_description } = await new Device(server).start();
    assert.deepEqual([status, error], [400, 'unauthorized_client']);
    assert.match(error_description, /security@example\.com/);
  };
  /** Adds the exception that the report drafts, under another name. */
  const excepts = async (id, reason) => {
    await keeper.goes('Would have been blocked');
    await keeper.presses('Draft an exception', 'Exceptions');
    assert.deepEqual(JSON.parse(await desk.value('when')), { accounts: ['local:alice'], clients: ['demo-tv'] });
    await keeper.fills({ id, owner: 'Nora Keeper', reason, ticket: 'SEC-1', expires_at: new Date(Date.now() + 2 * DAY) });
    const added = await keeper.presses('Add an exception', 'Exceptions');
    assert.match(added, new RegExp(`The exception ${id} counts now\\.`));
    assert.match(added, /1 day left/);
  };

  const { tried } = await keeper.makesPolicy(ENFORCED, 'Block by default');
  assert.match(tried, /Protecting: what no rule allows is refused\./);
  await refused();
  await enters(waiting, alice);
  assert.match(await person.sees('Not allowed'), /security@example\.com/);
  assert.equal((await waiting.poll()).error, 'authorization_pending');

  await keeper.makesPolicy(REPORT_ONLY, 'Watch first');
  assert.match(await keeper.goes('Policy'), /Not protecting: what no rule allows goes on\./);
  await enters(waiting, alice);
  await approves();
  assert.ok((await waiting.redeem()).access_token, 'the same code completes');

  await later(() => ringIn(SOON, server, 'GrantShard'));
  await until(() => isReported(server), LATE, 'the login was not counted');
  await desk.open(`${server.origin}/admin/ledger?what=approved`);
  await desk.choose('td[data-label="Event"] a');
  assert.match(await desk.sees('approved'), /"would": \{\s+"decided_by": "default",\s+"outcome": "refuse"/);
  const report = await keeper.goes('Would have been blocked');
  assert.match(report, /demo-tv\s+new\s+1 approval\s+1 redemption\b[^]*\bdefault\b/);

  await excepts('lobby', 'Alice shows photos in the lobby.');
  const { tried: again } = await keeper.makesPolicy(ENFORCED, 'Block again');
  assert.match(again, /Protecting: what no rule allows is refused\./);
  const tv = await Device.start(server);
  const stranger = new Person(server, { account: bob });
  await stranger.enter(tv.userCode);
  await stranger.signIn();
  assert.equal(stranger.page.heading, 'Not allowed');
  await enters(tv, alice);
  await approves();
  await tv.redeem();

  await later(() => change(server, 'Registry', ended('lobby'), (database) => database.prepare("SELECT 1 FROM sqlite_master WHERE name = 'exceptions'").get()));
  await refused();
  assert.equal((await tv.refresh()).error, 'invalid_grant');
  await until(() => changes(server).some(({ what, subject }) => what === 'exception_lapsed' && subject === 'lobby'), LATE, 'the end is no event');
  assert.match(await keeper.goes('Exceptions'), /No exception lets anybody through\.[^]*\bOver\b[^]*lobby[^]*\bover\b/);

  await excepts('lobby-again', 'The show goes on.');
  assert.equal((await tv.refresh()).status, 200, 'the device goes on');
  await keeper.presses('lobby-again', 'lobby-again');
  assert.match(await keeper.presses('End it now', 'lobby-again'), /The exception has ended\./);
  assert.equal((await tv.refresh()).error, 'invalid_grant');
  await refused();
});

test('an administrator who asks for access cannot grant it, another one does, and the same code completes', async (t) => {
  const { server } = await startFaulty(t, { vars, build: builds.release });
  const admin = new Admin(server);
  assert.equal((await admin.ask('PUT', '/policy', { body: ASKING, ifMatch: '*' })).status, 200);
  const other = new Keeper(desk, server);
  await other.signsIn(alice);
  assert.match(await desk.text(), /none of the groups of administrators/);
  const groups = await admin.ask('PUT', '/accounts/local:alice/groups', { body: { groups: nora.groups }, ifMatch: '*' });
  assert.equal(groups.status, 200, JSON.stringify(groups.body));
  const device = await Device.start(server);
  await enters(device, nora);
  await person.sees('Not allowed');
  await person.type('reason', 'I release on Friday.');
  await person.press('Ask for access');
  await person.sees('Waiting for an answer');
  const waiting = await person.window();

  await person.openWindow();
  await person.open(`${server.origin}/admin`);
  await person.sees('Overview');
  const own = new Keeper(person, server);
  assert.match(await own.answers('Nora Keeper', 'Grant access'), /somebody else must grant it/);
  assert.equal(await person.status(), 409);
  await person.switchTo(waiting);
  await person.press('Look now');
  await person.sees('Waiting for an answer');
  assert.equal((await device.poll()).error, 'authorization_pending');

  await desk.reload();
  await desk.sees('Overview');
  assert.match(await other.answers('Nora Keeper', 'Grant access'), /Access is granted\.[^]*Granted by/);
  await until(async () => (await person.text().catch(() => '')).includes(CONSENT), LATE, 'the page does not go on');
  await approves();
  assert.ok((await device.redeem()).access_token);
  assert.match(await other.goes('Exceptions'), /accounts: local:nora/);
});

/** Returns whether the report of the policy has the approval of the only login. */
async function isReported(server) {
  const { body } = await new Admin(server).ask('GET', '/policy/report');
  return body.rows.some(({ would_refuse }) => would_refuse.approval === 1);
}

/** Returns the changes of the registry so far, shipped or not. */
function changes(server) {
  return [...ledger(server).map(({ record }) => record.event), ...outboxOf(server, 'Registry').map(({ event }) => event)];
}

/** Returns the statement that moves the end of an exception to a second ago. */
function ended(id) {
  const end = Date.now() - 1_000;
  return `UPDATE exceptions SET ends_at = ${end}, due = ${end}, record = json_set(record, '$.expires_at', '${new Date(end).toISOString()}') WHERE id = '${id}'`;
}
