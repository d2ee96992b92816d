// What is measured, apart from the peers: this server and the floors, on plain workerd.
//
// A server has a name, `open({ dir })`, the `worker` that it opens in workerd, and what is sent to it: `plain`, a path; `start`,
// `poll` and `forged`, forms as bench/load.lua takes them; `flow`, one whole sign-in. `open` resolves to
// `{ origin, pids, stop }`.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { accounts } from '../tests/e2e/support/config.mjs';
import { DEVICE_GRANT } from '../tests/e2e/support/device.mjs';
import { startWorkerd } from '../tests/e2e/support/harness.mjs';
import { Person } from '../tests/e2e/support/person.mjs';

const floor = join(import.meta.dirname, 'floor');
const GRANT = `grant_type=${encodeURIComponent(DEVICE_GRANT)}`;

/** As many objects as the floors have, and no limit that a load from many networks would meet. */
export const VARS = {
  LIVE_CODES_PER_CLIENT_AND_NETWORK: '10000',
  LIVE_CODES_PER_SHARD: '100000',
  SHARDS_PER_REGION: '32',
  POLL_INTERVAL_SECONDS: '1',
  CODE_LIFETIME_SECONDS: '1800',
};

/** The requests of a device, which are the same form everywhere. */
export function requests({ client = 'demo-tv', start = '/device_authorization', token = '/token', plain = '/healthz', refusal = 'invalid_grant' } = {}) {
  const poll = `client_id=${client}&${GRANT}&device_code=`;
  return {
    plain,
    start: { path: start, body: `client_id=${client}&scope=openid`, expected: 'device_code' },
    poll: { path: token, body: poll, expected: 'authorization_pending' },
    forged: { path: token, body: poll + 'x'.repeat(99), expected: refusal },
  };
}

export async function open(options) {
  const server = await startWorkerd(options);
  return { origin: server.origin, pids: [server.pid], logs: server.logs, stop: () => server.stop() };
}

function floorWorker(name, build, modules) {
  const worker = { build, modules, objects: [{ name: 'GRANTS', class_name: 'GrantShard' }] };
  return { name, ...requests(), worker, open: ({ dir }) => open({ ...worker, dir }) };
}

export const ours = {
  name: 'device-grant',
  ...requests(),
  worker: { vars: VARS },
  open: ({ dir }) => open({ vars: VARS, dir }),
  flow: (...whom) => approver('ES256', ...whom),
  also: { name: 'device-grant, RS256', flow: (...whom) => approver('RS256', ...whom) },
};

/** This server, if V8 does not wait for the first call of a function to compile it. */
export const compiledAtOnce = { ...ours, open: ({ dir }) => open({ vars: VARS, dir, v8: ['--no-wasm-lazy-compilation'] }) };

/** Targets are stated against the first one. */
export const floors = [
  { ...floorWorker('Floor: JavaScript, `fetch`', floor, ['fetch.js', 'floor.js']), targets: true },
  floorWorker('Floor: JavaScript, RPC', floor, ['rpc.js', 'floor.js']),
  floorWorker('Floor: JavaScript, RPC, our rows', floor, ['rows.js', 'floor.js']),
  ...(existsSync(join(floor, 'rust/build/index.js'))
    ? [floorWorker('Floor: Rust, RPC', join(floor, 'rust/build'), ['index.js', 'index_bg.wasm'])]
    : []),
];

/**
 * Signs a person in. Returns the function that lets a device start and poll, the person approve, and the device redeem, with
 * these steps as its members. Access token and ID token are signed with `alg`.
 */
async function approver(alg, server, caller, number) {
  const client = await register(server, alg);
  const { start, poll } = requests({ client });
  // One account may enter at most five codes at the same moment.
  const account = number % 2 ? accounts.alice : accounts.bob;
  const person = new Person(server, { account, headers: { 'cf-connecting-ip': `60.0.${number}.1` } });
  await person.consider((await caller.start(form(start))).user_code);
  Object.assign(caller, { cookies: person.cookies, headers: person.headers });
  const headers = { origin: server.origin, 'sec-fetch-site': 'same-origin' };
  const submit = (page, fields) => caller.send('/device', { form: { ...hidden(page.text), ...fields }, headers });
  const enter = async (user_code) => submit(await caller.send('/device'), { step: 'code', user_code });
  const steps = {
    start: (scope = 'openid') => caller.start({ path: start.path, body: `client_id=${client}&scope=${encodeURIComponent(scope)}` }),
    poll: ({ device_code }) => mustSay(caller, form(poll, device_code), 'authorization_pending'),
    /** Enters a code that is wrong, or one that leads to the consent page. */
    enter,
    /** Approves on the consent page. */
    async decide(page) {
      const { text } = await submit(page, { step: 'decide', decision: 'approve', confirm_device: 'yes' });
      if (!text.includes('<title>Approved')) throw new Error(`Not approved: ${text}`);
    },
    approve: async ({ user_code }) => steps.decide(await enter(user_code)),
    redeem: ({ device_code }) => mustSay(caller, form(poll, device_code), 'access_token'),
    refresh: ({ refresh_token }) => mustSay(caller, { path: poll.path, body: `client_id=${client}&grant_type=refresh_token&refresh_token=${refresh_token}` }, 'access_token'),
  };
  const login = async () => {
    const codes = await steps.start();
    await steps.poll(codes);
    await steps.approve(codes);
    await steps.redeem(codes);
  };
  return Object.assign(login, steps);
}

/** Registers a public client, and returns its `client_id`. */
async function register(server, alg) {
  const client = {
    client_name: `Signs with ${alg}`,
    grant_types: [DEVICE_GRANT, 'refresh_token'],
    scope: 'openid offline_access',
    token_endpoint_auth_method: 'none',
    access_token_signed_response_alg: alg,
    id_token_signed_response_alg: alg,
  };
  const headers = { authorization: 'Bearer development-admin-token', 'content-type': 'application/json' };
  const response = await fetch(`${server.origin}/admin/api/clients`, { method: 'POST', headers, body: JSON.stringify(client) });
  if (!response.ok) throw new Error(await response.text());
  return (await response.json()).client_id;
}

/** The path and the text of a form of `requests`. */
export function form({ path, body }, code = '') {
  return { path, body: body + code };
}

/** Sends a form as a device does, and throws unless the answer contains `expected`. Returns the answer's members. */
export async function mustSay(caller, { path, body }, expected) {
  const { status, text } = await caller.send(path, { device: true, form: body });
  if (!text.includes(expected)) throw new Error(`${caller.origin}${path} answered ${status}: ${text.slice(0, 500)}`);
  return JSON.parse(text);
}

function hidden(html) {
  const field = (name) => html.match(new RegExp(`<input type="hidden" name="${name}" value="([^"]*)"`))?.[1];
  return Object.fromEntries(['csrf', 'transaction'].map((name) => [name, field(name)]).filter(([, value]) => value));
}
