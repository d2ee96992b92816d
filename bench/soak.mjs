// Keeps the built Worker under load on plain workerd, and watches what must not grow: the memory of the process, the age of
// the oldest event that has not reached the ledger, and the rows of codes that have ended.
//
// Four people approve as fast as the server answers, and their devices redeem, refresh and revoke. Other devices start codes
// that nobody enters, and poll. An operator changes a client and an account all the time. Run it with `make soak TIME=600`. It fails if a request fails, if an event waits longer
// than five minutes, or if memory in the last quarter is more than a third above that in the second quarter.

import { readFileSync, statSync } from 'node:fs';
import { Admin } from '../tests/e2e/support/admin.mjs';
import { Device } from '../tests/e2e/support/device.mjs';
import { accounts } from '../tests/e2e/support/config.mjs';
import { startWorkerd } from '../tests/e2e/support/harness.mjs';
import { Person } from '../tests/e2e/support/person.mjs';
import { grants, outboxOf } from '../tests/e2e/support/stored.mjs';

const seconds = Number(process.env.TIME || 3_600);
const EVERY = Math.max(10, Math.min(60, seconds / 20));
const LONGEST_WAIT = 300;
const ALLOWED_GROWTH = 4 / 3;
/** The classes whose objects have an outbox. */
const SENDERS = ['GrantShard', 'AccountShard', 'Registry'];

const server = await startWorkerd({
  vars: { LIVE_CODES_PER_CLIENT_AND_NETWORK: '10000', LIVE_CODES_PER_SHARD: '100000', CODE_LIFETIME_SECONDS: '60' },
});
const began = Date.now();
const end = began + seconds * 1_000;
const counts = {};
const samples = [];
let left = true;

try {
  console.log(`${'s'.padStart(6)}${'requests/s'.padStart(12)}${'memory MiB'.padStart(12)}${'codes'.padStart(9)}${'outbox'.padStart(9)}${'oldest s'.padStart(10)}${'disk MiB'.padStart(10)}`);
  const people = [accounts.alice, accounts.bob, accounts.alice, accounts.bob];
  const loops = [...people.map(approvals), ...Array.from({ length: 8 }, (_, number) => idle(number)), administration()];
  await Promise.race([Promise.all(loops), watch()]);
  left = false;
  await Promise.all(loops);
} finally {
  await server.stop();
}
report();

/** One person, who approves one device after another. */
async function approvals(account, number) {
  const headers = { 'cf-connecting-ip': `198.51.${number}.1` };
  const person = new Person(server, { account, headers });
  while (going()) {
    const tv = new Device(server, { headers });
    expect('start', await tv.start(), [200]);
    expect('poll', await tv.poll(), [400]);
    await person.approve(tv.userCode);
    count('approve', 'approved');
    expect('redeem', await tv.poll(), [200]);
    for (let i = 0; i < 3; i++) expect('refresh', await tv.refresh(), [200]);
    const revoked = await fetch(`${server.origin}/revoke`, { method: 'POST', headers, body: new URLSearchParams({ client_id: tv.client.client_id, token: tv.tokens.refresh_token }) });
    expect('revoke', revoked, [200]);
    await revoked.arrayBuffer();
  }
}

/** A device that starts one code after another, and polls each of them three times. */
async function idle(number) {
  const headers = { 'cf-connecting-ip': `203.0.${number}.1` };
  while (going()) {
    const tv = new Device(server, { headers });
    expect('start', await tv.start(), [200, 429]);
    for (let i = 0; tv.codes && i < 3; i++) expect('poll', await tv.poll(), [400]);
  }
}

/** An operator, who changes a client and an account, one after the other: events of the registry and of an account. */
async function administration() {
  const admin = new Admin(server, { headers: { 'cf-connecting-ip': '192.0.2.1' } });
  const client = { client_id: 'soak', client_name: 'Soak', token_endpoint_auth_method: 'none' };
  expect('create client', await admin.ask('POST', '/clients', { body: client }), [201]);
  expect('create account', await admin.ask('POST', '/accounts', { body: { username: 'soak' } }), [201]);
  for (let number = 0; going(); number++) {
    expect('change client', await admin.patch('soak', { client_name: `Soak ${number}` }), [200]);
    const groups = number % 2 ? [] : ['local:soak'];
    expect('change account', await admin.ask('PUT', '/accounts/local%3Asoak/groups', { body: { groups } }), [200]);
  }
}

function going() {
  return left && Date.now() < end;
}

function expect(what, { status }, allowed) {
  count(what, status);
  if (!allowed.includes(status)) throw new Error(`${what}: status ${status}\n${server.logs().slice(-2_000)}`);
}

function count(what, outcome) {
  counts[`${what} ${outcome}`] = (counts[`${what} ${outcome}`] ?? 0) + 1;
}

async function watch() {
  for (let requests = 0; going(); ) {
    await new Promise((resolve) => setTimeout(resolve, EVERY * 1_000));
    const total = Object.values(counts).reduce((sum, one) => sum + one, 0);
    const sample = { at: (Date.now() - began) / 1_000, rate: (total - requests) / EVERY, ...measured() };
    requests = total;
    samples.push(sample);
    const { at, rate, memory, codes, waiting, oldest, disk } = sample;
    console.log(`${at.toFixed(0).padStart(6)}${rate.toFixed(0).padStart(12)}${memory.toFixed(0).padStart(12)}${String(codes).padStart(9)}${String(waiting).padStart(9)}${oldest.toFixed(0).padStart(10)}${disk.toFixed(0).padStart(10)}`);
  }
}

/** Memory and disk in MiB; codes and waiting events as numbers of rows; the age of the oldest event in seconds. */
function measured() {
  const memory = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${server.pid}/status`, 'utf8'))[1]) / 1_024;
  const outboxes = Object.fromEntries(SENDERS.map((name) => [name, outbox(name)]));
  const waiting = SENDERS.reduce((sum, name) => sum + outboxes[name].waiting, 0);
  const oldest = Math.max(...SENDERS.map((name) => outboxes[name].oldest));
  const files = ['GrantShard', 'AccountShard', 'LimiterShard', 'Registry', 'Ledger', 'Counts', 'Courier'].flatMap((name) => server.sqliteFiles(name));
  const disk = files.reduce((sum, file) => sum + statSync(file).size, 0) / 2 ** 20;
  return { memory, codes: grants(server).length, outboxes, waiting, oldest, disk };
}

/** How many events wait in the objects of a class, and for how many seconds the oldest of them has waited. */
function outbox(className) {
  const times = outboxOf(server, className).map(({ event }) => event.at);
  return { waiting: times.length, oldest: times.length ? (Date.now() - Math.min(...times)) / 1_000 : 0 };
}

function report() {
  console.log(`\n${Object.entries(counts).map(([what, times]) => `${what}: ${times}`).join(', ')}`);
  const quarter = (number) => samples.filter(({ at }) => at > (seconds * (number - 1)) / 4 && at <= (seconds * number) / 4 + EVERY / 2);
  const most = (part) => Math.max(...part.map(({ memory }) => memory));
  const [early, late] = [most(quarter(2)), most(quarter(4))];
  console.log(`Memory at most ${early.toFixed(0)} MiB in the second quarter, ${late.toFixed(0)} MiB in the last.`);
  for (const name of SENDERS) {
    const most = (what) => Math.max(...samples.map(({ outboxes }) => outboxes[name][what])).toFixed(0);
    console.log(`${name}: at most ${most('waiting')} events waited, the oldest for ${most('oldest')} s.`);
  }
  const oldest = Math.max(...samples.map((sample) => sample.oldest));
  if (late > early * ALLOWED_GROWTH) throw new Error('memory has grown');
  if (oldest > LONGEST_WAIT) throw new Error('events have waited too long');
}
