// Verifies the ledger of a running server: the signed roots here, and the events by the server itself.
//
//     ISSUER=https://login.example.com ADMIN_TOKEN=… DAYS=30 KEEP=roots.json scripts/verify-ledger
//
// KEEP names a file with the roots of the last time. They must still be the same, and newer ones are added. Exits with 0 if
// nothing was found, 1 if events or roots are not as they were, and 2 if that could not be verified.

import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { UserError, adminToken, connect, escaped, issuerUrl, problem, reason } from './admin-api.mjs';

const TYPE = 'device-grant-ledger-root+jwt';
const { ISSUER = 'http://127.0.0.1:8787', KEEP } = process.env;
const DAYS = process.env.DAYS || '30';
const issuer = ISSUER.replace(/\/$/, '');
/** What is wrong with a root whose state is one of these. */
const states = {
  overdue: 'its root should be there by now: it was deleted, or days are not closed any more',
  missing: 'its root is missing',
  unreadable: 'what is kept as its root is none',
  wrong_signature: 'the signature of its root is wrong',
  wrong_heads: 'its ledgers do not end as the root says',
  wrong_previous: 'its root does not link the root before',
};
const say = (line) => console.log(escaped(line));
let faults = 0;

try {
  const url = issuerUrl(ISSUER);
  const token = adminToken(url);
  if (!token) throw new UserError('Set ADMIN_TOKEN to an admin token with the scope events.');
  if (!/^\d{1,4}$/.test(DAYS)) throw new UserError(`DAYS is ${DAYS}: it must be a number of days`);
  const roots = await allRoots();
  await verifyRoots(roots);
  compareWithKept(roots);
  const today = Math.floor(Date.now() / 86_400_000);
  for (let day = today - Number(DAYS); day <= today; day++) await verifyDay(connect(ISSUER, token), day);
  say(faults ? `${faults === 1 ? '1 fault was' : `${faults} faults were`} found.` : 'No fault was found.');
  process.exitCode = faults ? 1 : 0;
} catch (error) {
  if (!(error instanceof UserError)) throw error;
  console.error(error.message.split('\n').map(escaped).join('\n'));
  process.exitCode = 2;
}

function fault(line) {
  faults++;
  say(`✗ ${line}`);
}

/** Returns all published roots, oldest first. */
async function allRoots() {
  const all = [];
  for (;;) {
    const before = all.length ? `?before=${all.at(-1).day}` : '';
    const { roots } = await document(`/ledger/roots${before}`);
    if (!roots.length) return all.reverse();
    all.push(...roots);
  }
}

async function document(path) {
  let response;
  try {
    response = await fetch(issuer + path, { redirect: 'error' });
  } catch (error) {
    throw new UserError(`${issuer} cannot be reached: ${reason(error)}`);
  }
  if (response.status !== 200) throw new UserError(`${issuer}${path}: ${(await response.text()).trim()}`);
  return response.json();
}

/** Verifies each root by its own key, if that is still published, and by the root after it. */
async function verifyRoots(roots) {
  const { keys } = await document('/jwks.json');
  let previous;
  for (const { day, root } of roots) {
    const { header, payload } = read(root);
    if (header?.typ !== TYPE || payload?.day !== day) fault(`${date(day)}: this is no root of the day`);
    else {
      if (payload.previous !== previous) fault(`${date(day)}: its root does not link the root before`);
      const key = keys.find(({ kid }) => kid === header.kid);
      if (key && !(await isSigned(root, key))) fault(`${date(day)}: the signature of its root is wrong`);
      if (!key && root === roots.at(-1).root) fault(`${date(day)}: the newest root is signed with a key that is not published`);
    }
    previous = createHash('sha256').update(root).digest('base64url');
  }
  say(`${roots.length} roots were read.`);
}

function read(root) {
  const [header, payload] = root.split('.', 2).map(parsed);
  return { header, payload };
}

function parsed(part) {
  try {
    return JSON.parse(Buffer.from(part, 'base64url'));
  } catch {
    return undefined;
  }
}

async function isSigned(root, { kty, crv, x, y }) {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const end = root.lastIndexOf('.');
  const key = await crypto.subtle.importKey('jwk', { kty, crv, x, y }, algorithm, false, ['verify']);
  return crypto.subtle.verify(algorithm, key, Buffer.from(root.slice(end + 1), 'base64url'), Buffer.from(root.slice(0, end)));
}

/** Compares the roots with those of the last time, and adds the new ones to the file. */
function compareWithKept(roots) {
  if (!KEEP) return;
  const kept = existsSync(KEEP) ? JSON.parse(readFileSync(KEEP, 'utf8')) : {};
  const now = Object.fromEntries(roots.map(({ day, root }) => [day, root]));
  for (const [day, root] of Object.entries(kept)) {
    if (now[day] !== root) fault(`${date(day)}: its root is not the one in ${KEEP}`);
  }
  writeFileSync(KEEP, `${JSON.stringify({ ...now, ...kept }, null, 2)}\n`);
}

async function verifyDay(ask, day) {
  let [records, ledgers, cursor] = [0, 0, ''];
  for (;;) {
    const { status, body } = await ask('GET', `/ledger/verification?day=${day}${cursor}`);
    if (status !== 200) throw new UserError(problem(body).join('\n'));
    records += body.records;
    ledgers += body.ledgers.length;
    for (const found of body.faults) fault(`${date(day)}: ${sentence(found)}`);
    if (!body.next_cursor) {
      const state = states[body.root];
      if (state) fault(`${date(day)}: ${state}`);
      if (ledgers) say(`${date(day)}: ${records} events in ${ledgers} ledgers, root ${body.root}`);
      return;
    }
    cursor = `&cursor=${body.next_cursor}`;
  }
}

function sentence({ ledger, what, events = [], records }) {
  const cutOff = records && (records.first === records.last ? `record ${records.first}` : `each of the records ${records.first} to ${records.last}`);
  const names = events.join(', ') || cutOff || `an event of ledger ${ledger}`;
  return what === 'rewritten' ? `ledger ${ledger} was rewritten: it does not end as the root says` : `${names} was ${what} (ledger ${ledger})`;
}

function date(day) {
  return new Date(day * 86_400_000).toISOString().slice(0, 10);
}
