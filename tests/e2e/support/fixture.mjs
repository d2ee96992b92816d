// The stored state of a running flow, kept in fixtures/ so that tests can start later builds on it. Each storage format
// has one directory, which never changes once the format is released.
//
//     UPDATE_FIXTURE=1 node --test tests/e2e/fixture.test.mjs       # rewrites fixtures/v1; only before v1 is released
//
// A directory contains `state/`, the SQLite files of all objects, and `flow.json`, the codes and tokens of the flow's
// devices. Everything is made under the development key, which is public, so nothing in it is secret.

import assert from 'node:assert/strict';
import { createHmac, hkdfSync } from 'node:crypto';
import { cpSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { past, until } from './bounded.mjs';
import { accounts, clients, development, root } from './config.mjs';
import { Device } from './device.mjs';
import { startWorkerd, temporaryDirectory } from './harness.mjs';
import { Person } from './person.mjs';
import { redate } from './redate.mjs';
import { keepSecret, keepUserCode } from './secrets.mjs';
import { families, grants, outbox } from './stored.mjs';

const home = join(root, 'tests/e2e/fixtures');

/** Lists the formats, oldest first. */
export const formats = () => readdirSync(home).sort();

/** Returns a format's flow, and a copy of its state, moved in time as if the flow had stopped at `dated(flow)`. */
export function copyOf(format, dated) {
  const flow = JSON.parse(readFileSync(join(home, format, 'flow.json'), 'utf8'));
  const directory = temporaryDirectory();
  cpSync(join(home, format, 'state'), directory.path, { recursive: true });
  for (const { device_code, user_code, refresh_token, spent_token } of Object.values(flow.devices)) {
    keepUserCode(user_code);
    for (const text of [device_code, refresh_token, spent_token]) keepSecret('a code or token of the fixture', text);
  }
  return redated(flow, directory, dated(flow) - flow.at);
}

export function sizeOf(format) {
  const files = readdirSync(join(home, format), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return files.reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0);
}

/** Moves every instant in the state, as if the flow had stopped `delta` milliseconds later. */
function redated(flow, directory, delta) {
  if (delta === 0) return { flow, directory };
  redate(directory.path, delta);
  const devices = Object.entries(flow.devices).map(([name, device]) => {
    return [name, { ...device, device_code: keepSecret('a device code', redatedCode(flow, device, delta)) }];
  });
  const refresh_ends_at = flow.refresh_ends_at + delta;
  return { flow: { ...flow, at: flow.at + delta, refresh_ends_at, devices: Object.fromEntries(devices) }, directory };
}

/** Returns the device code with its expiry moved. A code of format 1 ends with the expiry (6 bytes) and a tag (16). */
function redatedCode({ vars }, { device_code, client }, delta) {
  const bytes = Buffer.from(device_code, 'base64url');
  const body = bytes.subarray(0, -16);
  const expiry = body.length - 6;
  assert.equal(body[0], 1, 'a device code of format 1');
  body.writeUIntBE(body.readUIntBE(expiry, 6) + delta, expiry, 6);
  const key = hkdfSync('sha256', Buffer.from(vars.MASTER_KEY, 'base64'), 'device-grant', 'device code', 32);
  const tag = createHmac('sha256', Buffer.from(key)).update(body).update(clients[client].client_id).digest();
  return Buffer.concat([body, tag.subarray(0, 16)]).toString('base64url');
}

/** Plays the flow, and keeps the state that is stored when it stops. */
export async function write(format) {
  const directory = temporaryDirectory();
  // All codes in one object: fewer files.
  const vars = { MASTER_KEY: development.MASTER_KEY, SHARDS_PER_REGION: '1', REFRESH_TOKEN_SECONDS: '31536000' };
  await playExpiry(directory, { ...vars, CODE_LIFETIME_SECONDS: '10', REDEMPTION_GRACE_SECONDS: '0' });
  const server = await startWorkerd({ dir: directory.path, vars: { ...vars, CODE_LIFETIME_SECONDS: '1800', REDEMPTION_GRACE_SECONDS: '600' } });
  const devices = await playFlow(server);
  const at = Date.now();
  const { keys } = await (await fetch(`${server.origin}/jwks.json`)).json();
  const refresh_ends_at = Math.min(...families(server).map(({ ends_at }) => ends_at));
  await server.stop();
  tidy(directory.path);

  const flow = { at, vars, keys, refresh_ends_at, devices };
  rmSync(join(home, format), { recursive: true, force: true });
  cpSync(directory.path, join(home, format, 'state'), { recursive: true });
  writeFileSync(join(home, format, 'flow.json'), `${JSON.stringify(flow, null, 2)}\n`);
  directory.remove();
}

/** Moves what waits in a database's write-ahead log into the database, so that neither the log nor its index is kept. */
function tidy(path) {
  for (const file of readdirSync(path, { recursive: true }).filter((file) => file.endsWith('.sqlite'))) {
    const database = new DatabaseSync(join(path, file));
    database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    database.close();
  }
}

/** Lets one code expire, so that its events reach the ledger. */
async function playExpiry(directory, vars) {
  const server = await startWorkerd({ dir: directory.path, vars });
  const { codes } = await Device.start(server);
  await past(Date.now() + codes.expires_in * 1000);
  await until(() => grants(server).length === 0 && outbox(server).length === 0, 150_000, 'the events were not shipped');
  await server.stop();
}

/** Leads one device into each state. */
async function playFlow(server) {
  const start = (client) => Device.start(server, { client: clients[client] });
  const [alice, bob] = Object.values(accounts).map((account) => new Person(server, { account }));
  const [pending, claimed, approved, denied, redeemed, refreshed] = [
    await start('tv'), await start('tv'), await start('printer'), await start('tv'), await start('tv'), await start('printer'),
  ];
  await pending.poll();
  await alice.consider(claimed.userCode);
  await alice.approve(approved.userCode);
  await bob.deny(denied.userCode);
  await alice.approve(redeemed.userCode);
  await redeemed.redeem();
  await alice.approve(refreshed.userCode);
  const spent = await refreshed.redeem();
  // Used twice, so that the first token is older than the one whose response might have been lost.
  await refreshed.refresh();
  await refreshed.refresh();
  for (let wrong = 0; wrong < 3; wrong += 1) await bob.enter('BBBB-BBBB');
  // A limiter stores attempts after a second.
  await past(Date.now() + 3_000);
  return {
    pending: held(pending),
    claimed: held(claimed),
    approved: held(approved),
    denied: held(denied),
    redeemed: held(redeemed),
    refreshed: { ...held(refreshed), spent_token: spent.refresh_token },
  };
}

function held({ client, codes, tokens }) {
  const [name] = Object.entries(clients).find(([, other]) => other === client);
  const { device_code, user_code } = codes;
  return { client: name, device_code, user_code, ...(tokens && { refresh_token: tokens.refresh_token }) };
}
