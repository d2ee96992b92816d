// Governance as people meet it: administrators at the console and persons with codes, each in a browser of their own.

import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { Admin } from './support/admin.mjs';
import { ASKING } from './support/asking.mjs';
import { until } from './support/bounded.mjs';
import { openBrowser } from './support/browser.mjs';
import { accounts, builds, clients } from './support/config.mjs';
import { Keeper } from './support/console.mjs';
import { Device } from './support/device.mjs';
import { change, ringIn, startFaulty } from './support/faults.mjs';
import { Person } from './support/person.mjs';
import { at } from './support/places.mjs';
import { ledger, outboxOf } from './support/stored.mjs';

const LATE = 60_000;
const DAY = 86_400_000;
/** Milliseconds from a restart to an alarm. */
const SOON = 1_500;
const vars = { SHARDS_PER_REGION: '1', POLL_INTERVAL_SECONDS: '1' };
const CONSENT = 'Let Demo TV use your account?';
const ENFORCED = { default: 'enforced', contact: 'security@example.com', rules: [] };
const REPORT_ONLY = { ...ENFORCED, default: 'report_only' };
const BERLIN = { city: 'Berlin', region: 'Berlin', country: 'DE', latitude: '52.52', longitude: '13.41', asn: 3320, asOrganization: 'Example Telecom', colo: 'TXL' };
const LAGOS = { city: 'Lagos', country: 'NG', latitude: '6.45', longitude: '3.39', asn: 37148, asOrganization: 'Example Mobile', colo: 'LOS' };
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
async function enters(device, { username, password } = {}) {
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
    assert.match(added, new RegExp(`The exception ${id} is in force\\.`));
    assert.match(added, /1 day left/);
  };

  const { tried } = await keeper.makesPolicy(ENFORCED, 'Block by default');
  assert.match(tried, /Protecting: a login that no rule allows is refused\./);
  await refused();
  await enters(waiting, alice);
  assert.match(await person.sees('Not allowed'), /security@example\.com/);
  assert.equal((await waiting.poll()).error, 'authorization_pending');

  await keeper.makesPolicy(REPORT_ONLY, 'Watch first');
  assert.match(await keeper.goes('Policy'), /Not protecting: a login that no rule allows goes on\./);
  await enters(waiting, alice);
  await approves();
  assert.ok((await waiting.redeem()).access_token, 'the same code completes');

  await later(() => ringIn(SOON, server, 'GrantShard'));
  await until(() => isReported(server), LATE, 'the login was not counted');
  await desk.open(`${server.origin}/admin/ledger?what=approved`);
  await desk.choose('td[data-label="Event"] a');
  assert.match(await desk.sees('Approved'), /"would": \{\s+"decided_by": "default",\s+"outcome": "refuse"/);
  const report = await keeper.goes('Would have been blocked');
  assert.match(report, /demo-tv\s+new\s+1 approval\s+1 redemption\b[^]*\bdefault\b/);

  await excepts('lobby', 'Alice shows photos in the lobby.');
  const { tried: again } = await keeper.makesPolicy(ENFORCED, 'Block again');
  assert.match(again, /Protecting: a login that no rule allows is refused\./);
  const tv = await Device.start(server);
  const stranger = new Person(server, { account: bob });
  await stranger.enter(tv.userCode);
  await stranger.signIn();
  assert.equal(stranger.page.heading, 'Not allowed');
  await enters(tv, alice);
  await approves();
  await tv.redeem();

  await later(() => change(server, 'Registry', ended('lobby'), hasTable('exceptions')));
  await refused();
  assert.equal((await tv.refresh()).error, 'invalid_grant');
  await until(() => changes(server).some(({ what, subject }) => what === 'exception_lapsed' && subject === 'lobby'), LATE, 'the end is no event');
  assert.match(await keeper.goes('Exceptions'), /No exception lets anybody through\.[^]*\bEnded\b[^]*lobby[^]*\bended\b/);

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
  await person.press('Check now');
  await person.sees('Waiting for an answer');
  assert.equal((await device.poll()).error, 'authorization_pending');

  await desk.reload();
  await desk.sees('Overview');
  assert.match(await other.answers('Nora Keeper', 'Grant access'), /Access is granted\.[^]*Granted by/);
  // The page would go on by itself a little later.
  await person.reload();
  await approves();
  assert.ok((await device.redeem()).access_token);
  assert.match(await other.goes('Exceptions'), /accounts: local:nora/);
});

test('five people who are lured by one network are an alert, and a kill switch makes the tokens of that network inactive', async (t) => {
  const { server: unnamed, later } = await startFaulty(t, { vars, build: builds.release });
  // Passkeys need a name.
  const server = { origin: unnamed.origin.replace('127.0.0.1', 'localhost') };
  const admin = new Admin(server);
  const start = (place) => Device.start(server, { client: clients.printer, headers: at(place) });
  const isActive = async ({ tokens }) => (await new Device(server, { client: clients.printer }).ask('/introspect', { token: tokens.access_token })).active;
  await person.sends(at(BERLIN));
  const lured = [];
  for (const username of ['carol', 'dave', 'erin', 'frank', 'grace']) {
    await person.restart();
    await joins(admin, username);
    const device = await start(LAGOS);
    await enters(device);
    await approves('Let Demo Printer use your account?');
    await device.redeem();
    lured.push(device);
  }
  const elsewhere = await start(BERLIN);
  await enters(elsewhere);
  await approves('Let Demo Printer use your account?');
  await elsewhere.redeem();

  await later(() => ringIn(SOON, unnamed, 'GrantShard'));
  const isNoticed = async () => (await admin.ask('GET', '/alerts')).body.alerts.some(({ detection }) => detection === 'campaign');
  await until(isNoticed, LATE, 'nobody noticed the campaign');
  const keeper = await Keeper.enters(desk, server);
  assert.match(await keeper.goes('Alerts'), /\bcampaign\s+AS37148\s+5\b/);
  await keeper.presses('Prepare a kill switch', 'Kill switches');
  assert.deepEqual([await desk.value('asn'), await desk.value('client')], ['AS37148', '']);
  const late = await start(LAGOS);
  const counted = await keeper.presses('Count what it would end', 'What the kill switch would end');
  assert.match(counted, /This would end 5 devices, 0 sessions and 1 code\. Nothing has ended yet\./);
  assert.deepEqual(await Promise.all(lured.map(isActive)), Array(5).fill(true));
  const set = await keeper.presses('Set the kill switch', 'Kill switches');
  assert.match(set, /The kill switch is on\. It has ended 5 devices, 0 sessions and 1 code\./);

  assert.deepEqual(await Promise.all(lured.map(isActive)), Array(5).fill(false));
  assert.equal((await lured[0].refresh()).error, 'invalid_grant');
  assert.equal((await late.poll()).error, 'access_denied');
  assert.equal(await isActive(elsewhere), true);
  assert.equal((await new Device(server, { client: clients.printer, headers: at(LAGOS) }).start()).error, 'unauthorized_client');
});

/** Somebody who is invited makes an account with a passkey of a machine of their own, and is signed in. */
async function joins(admin, username) {
  const { status, body } = await admin.ask('POST', '/invitations', { body: { kind: 'account' } });
  assert.equal(status, 201, JSON.stringify(body));
  await person.plugAuthenticator();
  await person.open(body.link);
  await person.type('username', username);
  await person.type('name', username);
  await person.choose('.main');
  await person.sees('Your account is ready');
  await person.unplugAuthenticator();
}

test('an event that is altered in the SQLite file is named by the page that verifies its day', async (t) => {
  const { server, later } = await startFaulty(t, { vars, build: builds.release });
  const device = await Device.start(server);
  await enters(device, alice);
  await approves();
  await device.redeem();
  const twoDaysAgo = Math.floor(Date.now() / DAY) - 2;
  const [day, instant] = [new Date(twoDaysAgo * DAY).toISOString().slice(0, 10), `${twoDaysAgo * DAY} + at % ${DAY}`];
  await later(() => change(server, 'GrantShard', `UPDATE outbox SET at = ${instant}, event = json_set(event, '$.at', ${instant})`));
  await until(async () => (await fetch(`${server.origin}/ledger/roots/${twoDaysAgo}`)).ok, LATE, 'the day is not closed');
  const keeper = await Keeper.enters(desk, server);
  await keeper.goes('Ledger');
  await keeper.presses('Find out whether a day was altered', 'Verify a day');
  const verifies = async () => {
    await keeper.fills({ day });
    return keeper.presses('Verify', 'Verify a day');
  };
  assert.match(await verifies(), /Read: 4 events in 1 ledger\. None was altered\. The signed root is good\./);
  const { id } = ledger(server).map(({ record }) => record).find(({ event }) => event.what === 'approved');
  const alters = (from, to) => {
    const statement = `UPDATE events SET record = replace(record, '"${from}"', '"${to}"') WHERE record LIKE '{"id":"${id}"%'`;
    return () => change(server, 'Ledger', statement, hasTable('events'));
  };

  await later(alters('acct-7f3a51c2', 'acct-00000000'));

  assert.match(await verifies(), new RegExp(`Somebody altered the ledger\\.[^]*\\bchanged\\b[^]*${id}\n`));
  await later(alters('acct-00000000', 'acct-7f3a51c2'));
  assert.match(await verifies(), /None was altered\. The signed root is good\./);
});

/** Returns a function that picks databases with a table. An object that was only just made has none. */
function hasTable(name) {
  return (database) => database.prepare('SELECT 1 FROM sqlite_master WHERE name = ?').get(name);
}

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
