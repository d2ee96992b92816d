// A server in production settings on raw workerd, set up by the script behind `make setup-production`. A program in place
// of wrangler records what it is asked to do, and its `deploy` starts the server.
//
//     const place = await newPlace(t);
//     const { link, token } = await firstRun(place);

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { delimiter, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { parse } from 'smol-toml';
import { until } from './bounded.mjs';
import { root } from './config.mjs';
import { startWorkerd, temporaryDirectory, within } from './harness.mjs';
import { endDiscreetly, keepSecret } from './secrets.mjs';

const LATE = 60_000;

/** The policy of a server on which everybody signs in at devices, as a part of a file for `make apply`. */
export const ALLOW_ALL = `
[policy]
default = "enforced"

[[policy.rules]]
id = "all"
description = "Everything is allowed"
effect = "allow"
`;

/** Returns a place without a server: a copy of wrangler.toml, a free port, and a program in place of wrangler. */
export async function newPlace(t) {
  const { path, remove } = temporaryDirectory();
  t.after(remove);
  const [config, bin, calls, secrets, deployed] = ['wrangler.toml', 'bin', 'calls.jsonl', 'secrets.json', 'deployed'].map((name) => join(path, name));
  copyFileSync(join(root, 'wrangler.toml'), config);
  mkdirSync(bin);
  writeFileSync(join(bin, 'wrangler'), STUB.replace('NODE', process.execPath), { mode: 0o755 });
  const port = await freePort();
  const place = {
    path,
    config,
    issuer: `http://localhost:${port}`,
    env: { STUB_HOME: path, PATH: bin + delimiter + process.env.PATH, CONFIG: config, ISSUER: `http://localhost:${port}`, NO_COLOR: '1' },
    calls: () => (existsSync(calls) ? readFileSync(calls, 'utf8').trim().split('\n').map((line) => JSON.parse(line)) : []),
    secrets: () => (existsSync(secrets) ? JSON.parse(readFileSync(secrets, 'utf8')) : {}),
    isDeployed: () => existsSync(deployed),
    /** Deploys these secrets and the issuer, as Cloudflare's page for its button does. */
    enter(values) {
      writeFileSync(config, readFileSync(config, 'utf8').replace(/^ISSUER = ".*"$/m, `ISSUER = "${place.issuer}"`));
      writeFileSync(secrets, JSON.stringify(values));
      writeFileSync(deployed, '');
    },
    /** Starts the server with what was deployed. */
    async serve() {
      const { ISSUER } = parse(readFileSync(config, 'utf8')).vars;
      const { MASTER_KEY, ADMIN_TOKEN_SHA256 } = place.secrets();
      keepSecret('the master key of a new server', MASTER_KEY);
      place.server = await startWorkerd({ port, dir: join(path, 'state'), vars: { ENVIRONMENT: 'production', ISSUER, MASTER_KEY, ADMIN_TOKEN_SHA256 } });
    },
    /** Stops the server, so that the next deployment starts it again. */
    async undeploy() {
      await place.server.stop();
      place.server = undefined;
      rmSync(deployed);
    },
  };
  t.after(() => endDiscreetly(place.server));
  return place;
}

/** Runs the script behind `make setup-production`, without make, and starts the server as soon as it is deployed. */
export async function setUp(place, env) {
  const given = Object.entries({ ...place.env, ...env }).filter(([, value]) => value !== undefined);
  const child = spawn(process.execPath, [join(root, 'scripts/setup-production.mjs')], { env: Object.fromEntries(given), stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = Promise.all([once(child, 'close'), text(child.stdout), text(child.stderr)]);
  if (!place.server) {
    let isOver = false;
    ended.then(() => (isOver = true));
    await until(() => isOver || place.isDeployed(), LATE, 'nothing was deployed');
    if (place.isDeployed()) await place.serve();
  }
  const [[code], stdout, stderr] = await within(LATE, ended, 'setup-production did not end').finally(() => child.kill('SIGKILL'));
  for (const [, secret] of stdout.matchAll(/secret=(\S{43})/g)) keepSecret('the secret of a link', secret);
  for (const [, token] of stdout.matchAll(/ADMIN_TOKEN {2}(\S+)/g)) keepSecret('an admin token', token);
  return { code, stdout, stderr };
}

/** Sets a server up, for people with passkeys by default. Returns the link of the first administrator, and the admin token. */
export async function firstRun(place, env = { SIGN_IN: 'passkeys' }) {
  const { code, stdout, stderr } = await setUp(place, { YES: '1', ...env });
  assert.deepEqual([code, stderr], [0, ''], stdout);
  return { stdout, link: stdout.match(/^ {4}(\S+\/invitation\?secret=\S{43})$/m)[1], token: stdout.match(/^ {2}ADMIN_TOKEN {2}(\S+)$/m)[1] };
}

/** Runs the script behind `make apply` with a file of this text. Returns its output. */
export async function applyText(place, content, env) {
  const file = join(place.path, 'server.toml');
  writeFileSync(file, content);
  const child = spawn(process.execPath, [join(root, 'scripts/apply.mjs')], {
    env: { ...process.env, FILE: file, ISSUER: place.issuer, YES: '1', NO_COLOR: '1', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = Promise.all([once(child, 'close'), text(child.stdout), text(child.stderr)]);
  const [[code], stdout, stderr] = await within(LATE, ended, 'apply did not end').finally(() => child.kill('SIGKILL'));
  assert.deepEqual([code, stderr], [0, ''], stdout);
  return stdout;
}

async function freePort() {
  const listener = createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address();
  await new Promise((resolve) => listener.close(resolve));
  return port;
}

const STUB = `#!NODE
const { appendFileSync, existsSync, readFileSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');
const { STUB_HOME: home, STUB_FAILS: fails } = process.env;
const args = process.argv.slice(2);
appendFileSync(join(home, 'calls.jsonl'), JSON.stringify(args) + '\\n');
if (args[0] === fails) {
  console.error(args[0] + ' failed');
  process.exit(1);
}
const file = join(home, 'secrets.json');
const secrets = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined;
if (args[0] === 'secret') {
  if (!secrets) {
    console.error('This Worker does not exist on your account. [code: 10007]');
    process.exit(1);
  }
  console.log(JSON.stringify(Object.keys(secrets).map((name) => ({ name, type: 'secret_text' }))));
} else if (args[0] === 'deploy') {
  const at = args.indexOf('--secrets-file');
  const added = at < 0 ? {} : JSON.parse(readFileSync(args[at + 1], 'utf8'));
  writeFileSync(file, JSON.stringify({ ...secrets, ...added }));
  writeFileSync(join(home, 'deployed'), '');
}
`;
