// glewlwyd as a peer: an OpenID Provider in C, packaged by Debian, with SQLite.

import { execFileSync, spawnSync } from 'node:child_process';
import { setTimeout as wait } from 'node:timers/promises';
import { glewlwyd, openGlewlwyd } from '../tests/e2e/support/glewlwyd.mjs';
import { form, mustSay, requests } from './servers.mjs';

/** Milliseconds, a little longer than its interval. */
const INTERVAL = 1_100;
const CAROL = { username: 'carol', password: 'carol-password' };
const CLIENT = {
  client_id: 'demo-tv',
  name: 'Demo TV',
  enabled: true,
  confidential: false,
  authorization_type: ['device_authorization', 'refresh_token'],
  scope: ['openid'],
};

/** Throws if Debian's package is not installed. */
export function glewlwydPeer() {
  if (!glewlwyd()) throw new Error(`not installed, ${isKnown() ? 'although apt knows the package' : 'and apt does not know the package: run apt-get update on Debian'}`);
  const description = {
    name: `glewlwyd ${version()}, SQLite`,
    forgets: true,
    ...requests({ start: '/api/oidc/device_authorization', token: '/api/oidc/token', plain: '/api/oidc/jwks', refusal: 'access_denied' }),
    async open() {
      const server = await openGlewlwyd({ callback: 'http://127.0.0.1/callback', device: { client: CLIENT, person: CAROL } });
      return { origin: server.origin, pids: [server.pid], stop: () => server.close() };
    },
    flow: approver,
  };
  return description;

  async function approver(server, caller) {
    await caller.send('/api/auth/', { json: CAROL });
    await caller.send('/api/auth/grant/demo-tv', { method: 'PUT', json: { scope: 'openid' } });
    return async () => {
      const { device_code, user_code } = await caller.start(form(description.start));
      await mustSay(caller, form(description.poll, device_code), 'authorization_pending');
      // Its page approves on load for whoever is signed in and has consented before.
      await caller.send(`/api/oidc/device?code=${user_code}&g_continue=`);
      await redeem(caller, form(description.poll, device_code));
    };
  }
}

/** Redeems a code. Sometimes it answers `slow_down` to the second poll, whatever the state of the code: then once more, later. */
async function redeem(caller, { path, body }) {
  const { text } = await caller.send(path, { device: true, form: body });
  if (!text.includes('slow_down')) return mustContain(text);
  await wait(INTERVAL);
  mustContain((await caller.send(path, { device: true, form: body })).text);
}

function mustContain(text) {
  if (!text.includes('access_token')) throw new Error(`glewlwyd answered a redemption: ${text.slice(0, 500)}`);
}

function isKnown() {
  return spawnSync('apt-cache', ['show', 'glewlwyd']).status === 0;
}

function version() {
  return execFileSync('dpkg-query', ['--show', '--showformat=${Version}', 'glewlwyd'], { encoding: 'utf8' }).split('-')[0];
}
