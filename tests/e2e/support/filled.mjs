// A server on which things have happened: logins from near and far, a policy with versions, people who asked for access,
// exceptions, a kill switch, alerts, and counts of two weeks.
//
//     const { server, stop } = await startFilled();

import assert from 'node:assert/strict';
import { Admin } from './admin.mjs';
import { until } from './bounded.mjs';
import { accounts, clients } from './config.mjs';
import { Device } from './device.mjs';
import { change, ringIn } from './faults.mjs';
import { startWorkerd, temporaryDirectory } from './harness.mjs';
import { Person } from './person.mjs';
import { at } from './places.mjs';
import { endDiscreetly } from './secrets.mjs';
import { outbox, outboxOf, recorded, rows } from './stored.mjs';

const DAY = 86_400_000;
const LATE = 60_000;
/** Milliseconds from a restart to the alarms. */
const SOON = 500;
const TELEVISION = 'Mozilla/5.0 (SMART-TV; LINUX; Tizen 6.0) AppleWebKit/537.36 Chrome/76.0 Safari/537.36';
export const BERLIN = { city: 'Berlin', region: 'Berlin', country: 'DE', latitude: '52.52', longitude: '13.41', asn: 3320, asOrganization: 'Example Telecom', colo: 'TXL' };
const LYON = { city: 'Lyon', country: 'FR', latitude: '45.76', longitude: '4.84', asn: 64500, asOrganization: 'Example Telecom', colo: 'CDG' };
const LAGOS = { city: 'Lagos', country: 'NG', latitude: '6.45', longitude: '3.39', asn: 37148, asOrganization: 'Example Mobile', colo: 'LOS' };
const CLOUD = { city: 'Frankfurt am Main', country: 'DE', latitude: '50.11', longitude: '8.68', asn: 16509, asOrganization: 'Example Cloud', colo: 'FRA' };

const RULES = [
  { id: 'televisions', description: 'Anybody signs in at a television', effect: 'allow', when: { clients: ['demo-tv'], only_scopes: ['openid', 'profile', 'email', 'offline_access'] }, limit: { refresh_token_lifetime: 2_592_000 } },
  { id: 'developers-print', description: 'Developers use the printers', effect: 'allow', when: { clients: ['demo-printer'], groups: ['local:developers'] }, require: { max_age: 3_600 } },
  { id: 'abroad', description: 'Only where we have offices', effect: 'deny', message: 'Sign in at devices in Germany or France.', unless: { device: { countries: ['DE', 'FR', 'XX'] } } },
  { id: 'servers', description: 'Watch who signs in from rented servers before we deny it', effect: 'deny', state: 'report_only', when: { device: { hosting: true } }, unless: { device: { networks: ['build'] } } },
  { id: 'night', description: 'At night, a passkey used just before', effect: 'require', state: 'disabled', when: { time: { hours: '20:00-06:00', offset: '+01:00' } }, require: { fresh_passkey: true } },
];
const POLICY = { contact: 'security@example.com', help_uri: 'https://help.example.com/devices', access_requests: true, longest_exception_days: 60, networks: { office: ['192.0.2.0/24', '2001:db8:1::/48'], build: ['AS64501'] } };

/** What a log says when the doctor asks the provider, which does not exist. */
const UNREACHABLE = [/^workerd\/jsg\/util\.c\+\+:\d+: error: .* failed to lookup address information/, /^stack: /, /^\{"what":"document","outcome":"unavailable",/];

/** Starts a server, and fills it. */
export async function startFilled() {
  const directory = temporaryDirectory();
  const server = await startWorkerd({ dir: directory.path, vars: { SHARDS_PER_REGION: '1' } });
  const admin = new Admin(server);
  const calls = async (method, path, body, ifMatch) => {
    const { status, body: answer } = await admin.ask(method, path, { body, ifMatch });
    assert.ok(status < 300, `${method} ${path}: ${JSON.stringify(answer)}`);
    return answer;
  };
  await calls('PUT', '/policy', { default: 'report_only', reason: 'Watch for a month what a policy would refuse' }, '*');
  await calls('PUT', '/policy', { default: 'report_only', ...POLICY, rules: RULES.map((rule) => ({ ...rule, state: 'report_only' })), reason: 'Rules for the two clients that we have' }, '*');
  await calls('PUT', '/policy', { default: 'enforced', ...POLICY, rules: RULES, reason: 'Nobody was refused who should not be: SEC-1207' }, '*');
  await governs(calls);
  await admin.patch('photo-frame', { enabled: false });
  await logins(server);
  await ship(server);
  await alerts(calls, server);
  return {
    server,
    admin,
    async stop() {
      await endDiscreetly(server, { besides: UNREACHABLE });
      directory.remove();
    },
  };
}

/** Makes what administrators make. */
async function governs(calls) {
  const inDays = (days) => new Date(Date.now() + days * DAY + 3_600_000).toISOString();
  const exception = (id, days, when, reason, ticket) => calls('POST', '/exceptions', { id, when, owner: 'alice@example.com', reason, ticket, lifts: ['abroad'], expires_at: inDays(days) });
  await exception('bob-lisbon', 45, { clients: ['demo-tv'], accounts: ['local:bob'], device: { countries: ['PT'] } }, 'Bob works in Lisbon until the office there opens.', 'SEC-1234');
  await exception('trade-fair', 3, { clients: ['demo-tv'], device: { countries: ['ES'] } }, 'Our stand at the trade fair in Barcelona.', 'SEC-1240');
  await exception('summer-school', 20, { clients: ['demo-printer'], groups: ['local:teachers'] }, 'Printers of the summer school.', 'SEC-1198');
  await calls('POST', '/exceptions/summer-school/end', undefined, '*');
  await calls('POST', '/kill-switches', { id: 'campaign-7', target: { asn: 'AS64999', country: 'XX' }, reason: 'Codes from this network were sent to our staff by mail.', until: inDays(1) });
  await calls('POST', '/clients', { client_name: 'Photo Frame in the Entrance Hall', client_id: 'photo-frame', scope: 'openid profile', owner: 'Facilities', token_endpoint_auth_method: 'none' });
  await calls('POST', '/accounts', { username: 'carol', name: 'Carol Danvers', email: 'carol@example.com', groups: ['local:staff', 'local:developers'] });
  await calls('POST', '/accounts/local%3Acarol/block', { why: 'On leave until March' });
  await calls('POST', '/invitations', { kind: 'account', username: 'dave', groups: ['local:staff'] });
  await calls('POST', '/providers', { id: 'example', name: 'Example ID', issuer: 'https://id.example.com', client_id: 'device-sign-in', client_secret: 'a secret of sixteen bytes or more', scope: 'openid', strong_amr: ['hwk'] });
}

/** Lets people sign in at devices, refuse, and be refused. */
async function logins(server) {
  const start = (place, options) => Device.start(server, { headers: { 'user-agent': TELEVISION, ...at(place) }, ...options });
  const [alice, bob] = [accounts.alice, accounts.bob].map((account) => new Person(server, { account, headers: at(BERLIN) }));
  for (const [person, place, client] of [[alice, BERLIN, clients.tv], [alice, LYON, clients.tv], [alice, BERLIN, clients.printer], [bob, BERLIN, clients.tv], [bob, CLOUD, clients.tv]]) {
    const device = await start(place, { client });
    await person.approve(device.userCode);
    await device.redeem();
  }
  await alice.deny((await start(LYON)).userCode);
  const waiting = await start(BERLIN);
  await alice.consider(waiting.userCode);
  await start(CLOUD);
  // Bob is no developer, so no rule lets him use a printer.
  const printer = await start(BERLIN, { client: clients.printer });
  await bob.enter(printer.userCode);
  const request = bob.page.html.match(/name="request" value="([^"]+)"/)?.[1];
  assert.ok(request, bob.page.text);
  await bob.submit({ step: 'ask', request, reason: 'I print the badges for the visitors on Friday.', transaction: undefined });
  assert.equal(bob.page.heading, 'Waiting for an answer', bob.page.text);
  await new Device(server, { headers: at(LAGOS) }).start();
}

/** Lets the alarms ring that carry events to the ledgers, and from there to the counts. */
async function ship(server) {
  const restart = async (...classes) => {
    await server.kill9();
    if (classes.includes('GrantShard')) burst(server);
    for (const name of classes) ringIn(SOON, server, name);
    await server.restart();
    await fetch(`${server.origin}/healthz`);
  };
  const waits = () => outbox(server).length + outboxOf(server, 'Registry').length + outboxOf(server, 'AccountShard').length;
  await restart('GrantShard', 'Registry', 'AccountShard');
  await until(() => waits() === 0, LATE, 'the events did not reach the ledgers');
  await restart('Ledger');
  await until(() => rows(server, 'Ledger', 'SELECT seq FROM told').reduce((sum, { seq }) => sum + seq, 0) === recorded(server), LATE, 'the events were not counted');
}

/** Repeats the event of a device in Lyon that asked for a code, until that is a burst. The events wait in the outbox. */
function burst(server) {
  const started = "json_extract(event, '$.what') = 'device_authorization' AND json_extract(event, '$.started.asn') = 64500";
  const one = `(SELECT at, event, note FROM outbox WHERE ${started} LIMIT 1)`;
  const numbers = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 110) SELECT i FROM n';
  const isThere = (database) => database.prepare(`SELECT 1 FROM outbox WHERE ${started}`).get() !== undefined;
  change(server, 'GrantShard', `INSERT INTO outbox (seq, at, event, note) SELECT (SELECT max(seq) FROM outbox) + i, at, event, note FROM ${one}, (${numbers})`, isThere);
}

/** What is counted, and how often for each login that succeeded. */
const SHARES = [
  ['started', 'demo-tv', 1], ['started', 'demo-printer', 0.4], ['entered', 'demo-tv', 0.85], ['entered', 'demo-printer', 0.35],
  ['approved', 'demo-tv', 0.78], ['approved', 'demo-printer', 0.32], ['redeemed', 'demo-tv', 0.7], ['redeemed', 'demo-printer', 0.3],
  ['denied', 'demo-tv', 0.06], ['refused', 'demo-tv', 0.1], ['expired', 'demo-tv', 0.2],
  ['started_in_country', 'DE', 1.1], ['started_in_country', 'FR', 0.25], ['started_in_country', 'NG', 0.05],
  ['latency', '10', 0.05], ['latency', '20', 0.3], ['latency', '30', 0.35], ['latency', '60', 0.25], ['latency', '120', 0.1], ['latency', '300', 0.05],
];

/** Adds the counts of the days before today, and closes an alert. */
async function alerts(calls, server) {
  const today = Math.floor(Date.now() / DAY);
  const days = Array.from({ length: 13 }, (_, index) => today - 13 + index);
  const values = days.flatMap((day, index) => {
    const logins = [0, 6].includes((day + 4) % 7) ? 9 + index : 38 + 7 * (index % 4) + index;
    return SHARES.map(([kind, key, share]) => `(${day}, '${kind}', '${key}', ${Math.round(logins * share)})`);
  });
  await server.kill9();
  change(server, 'Counts', `INSERT OR REPLACE INTO counts (day, kind, key, count) VALUES ${values.join(', ')}`);
  await server.restart();
  const { alerts: open } = await calls('GET', '/alerts');
  assert.deepEqual(open.map(({ detection }) => detection).sort(), ['code_burst', 'far_approval', 'first_sign_in', 'first_sign_in'], JSON.stringify(open));
  await calls('POST', `/alerts/${open.find(({ detection }) => detection === 'first_sign_in').id}/close`);
}
