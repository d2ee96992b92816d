// The peers: other servers with a device grant, in the versions of bench/peers/package-lock.json and of Debian.

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { build } from 'esbuild';
import { findProgram } from '../tests/e2e/support/config.mjs';
import { glewlwydPeer } from './glewlwyd.mjs';
import { form, mustSay, open, requests } from './servers.mjs';

const here = join(import.meta.dirname, 'peers');
const START_LIMIT = 20_000;

/** Returns the peers that were `found`, ready to be opened, and those that are `missing`, as `{ what, reason }`. */
export async function peers() {
  const [found, missing] = [[], []];
  const all = { 'better-auth': betterAuth, 'oidc-provider in memory': () => oidcProvider('in memory'), 'oidc-provider with Redis': () => oidcProvider('Redis'), glewlwyd: glewlwydPeer };
  for (const [what, peer] of Object.entries(all)) {
    try {
      found.push({ ...(await peer()), peer: true });
    } catch (error) {
      console.error(`Leaving out ${what}:`, error);
      missing.push({ what, reason: error.message });
    }
  }
  return { found, missing };
}

/** The version of an npm package among the peers. */
function version(name) {
  return JSON.parse(readFileSync(join(here, 'node_modules', name, 'package.json'), 'utf8')).version;
}

/** A Worker is one module. better-auth's packages leave it to the application to bundle them. */
function bundleBetterAuth() {
  return build({
    entryPoints: [join(here, 'better_auth.js')],
    outfile: join(here, 'build/better_auth.js'),
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'neutral',
    mainFields: ['module', 'main'],
    conditions: ['worker', 'workerd', 'import'],
    external: ['node:*', 'cloudflare:*'],
    logLevel: 'error',
  });
}

async function betterAuth() {
  await bundleBetterAuth();
  const worker = { build: join(here, 'build'), modules: ['better_auth.js'], objects: [], d1: true };
  const description = {
    name: `better-auth ${version('better-auth')} with its OAuth provider ${version('@better-auth/oauth-provider')}, Worker on D1`,
    ...requests({ start: '/api/auth/device/code', token: '/api/auth/oauth2/token', plain: '/api/auth/ok' }),
    async open({ dir }) {
      if (readdirSync(dir).length === 0) await setUp(dir);
      return open({ ...worker, dir });
    },
    flow: approver,
  };
  return description;

  /** Creates the tables with another process, so that what is measured is as cold as it is for this server. */
  async function setUp(dir) {
    const server = await open({ ...worker, dir });
    const response = await fetch(`${server.origin}/set-up`, { method: 'POST' });
    if (!response.ok) throw new Error(`better-auth cannot be set up: ${await response.text()}\n${server.logs()}`);
    await server.stop();
  }

  async function approver(server, caller) {
    const headers = { origin: server.origin };
    await caller.send('/api/auth/sign-in/email', { json: { email: 'alice@example.com', password: 'wonderland-8787' }, headers });
    return async () => {
      const { device_code, user_code } = await caller.start(form(description.start));
      await mustSay(caller, form(description.poll, device_code), 'authorization_pending');
      await caller.send(`/api/auth/device?user_code=${user_code}`);
      await caller.send('/api/auth/device/approve', { json: { userCode: user_code }, headers });
      await mustSay(caller, form(description.poll, device_code), 'access_token');
    };
  }
}

function oidcProvider(storage) {
  const redis = storage === 'Redis';
  const description = {
    name: `oidc-provider ${version('oidc-provider')} on Node, ${redis ? `Redis ${redisVersion()}` : storage}`,
    forgets: !redis,
    ...requests({ start: '/device/auth', plain: '/jwks' }),
    async open({ dir }) {
      const port = await freePort();
      const database = redis ? await startRedis(dir) : undefined;
      const child = spawn(process.execPath, ['--no-warnings', join(here, 'oidc_provider.mjs'), port, ...(database ? [database.port] : [])], { stdio: ['ignore', 'pipe', 'inherit'] });
      return started(child, `http://127.0.0.1:${port}`, '/jwks', database);
    },
    flow: approver,
  };
  return description;

  async function approver(server, caller) {
    const xsrf = ({ text }) => ({ xsrf: /name="xsrf" value="([^"]*)"/.exec(text)[1] });
    const consent = async (user_code, signedIn) => {
      const entry = await caller.send('/device');
      let page = await caller.send('/device', { form: { ...xsrf(entry), user_code, confirm: 'yes' } });
      if (!signedIn) page = await caller.send(page.path, { form: { prompt: 'login', login: 'carol', password: 'any' } });
      if (page.text.includes('value="consent"')) page = await caller.send(page.path, { form: { prompt: 'consent' } });
      if (!page.text.includes('Sign-in Success')) throw new Error(`Not approved: ${page.path} ${page.text}`);
    };
    await consent((await caller.start(form(description.start))).user_code, false);
    return async () => {
      const { device_code, user_code } = await caller.start(form(description.start));
      await mustSay(caller, form(description.poll, device_code), 'authorization_pending');
      await consent(user_code, true);
      await mustSay(caller, form(description.poll, device_code), 'access_token');
    };
  }
}

function redisVersion() {
  return /v=(\S+)/.exec(execFileSync(findProgram('redis-server'), ['--version'], { encoding: 'utf8' }))[1];
}

/** Starts Debian's Redis with an append-only file, as it must be configured to keep codes across a crash. */
async function startRedis(dir) {
  const port = await freePort();
  const args = ['--port', port, '--bind', '127.0.0.1', '--dir', dir, '--appendonly', 'yes', '--save', ''];
  return { port, child: spawn(findProgram('redis-server'), args.map(String), { stdio: 'ignore' }) };
}

/** Waits until a program answers. Ends it, and its database, with this process. */
export async function started(child, origin, path, database) {
  const children = [child, ...(database ? [database.child] : [])];
  const kill = () => children.forEach((one) => one.kill('SIGKILL'));
  process.on('exit', kill);
  const deadline = Date.now() + START_LIMIT;
  while (!(await fetch(origin + path).catch(() => undefined))?.ok) {
    if (Date.now() > deadline) throw new Error(`${child.spawnfile} does not answer at ${origin}${path}`);
    await wait(20);
  }
  return {
    origin,
    pids: children.map(({ pid }) => pid),
    async stop() {
      for (const one of children) {
        one.kill('SIGTERM');
        await once(one, 'exit');
      }
      process.off('exit', kill);
    },
  };
}

export function freePort() {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}
