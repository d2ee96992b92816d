// Runs `wrangler dev`, prints how to use the server once it answers, and leaves no process behind. With API=1, a second
// `wrangler dev` serves the example of a protected API on the next port. With UPSTREAM=1, an OpenID Provider for tests serves
// on the port after that.

import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import { addProvider } from './provider.mjs';
import { allowResource } from './resource.mjs';

const port = Number(process.env.PORT || 8787);
const origin = `http://localhost:${port}`;
const api = process.env.API ? `http://127.0.0.1:${port + 1}` : undefined;
const upstream = process.env.UPSTREAM ? `http://127.0.0.1:${port + 2}` : undefined;
const START_LIMIT = 60_000;
const STOP_LIMIT = 5_000;

let serving = false;
let stopping = false;

await refuseBusyPort(port);
if (api) await refuseBusyPort(port + 1);
if (upstream) await refuseBusyPort(port + 2);
const workers = [start('.', port)];
if (api) workers.push(start('examples/api', port + 1, [`ISSUER=${origin}`, `RESOURCE=${api}`]));
if (upstream) workers.push(provide());
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => stop(0));

const health = await answer(`${origin}/healthz`);
const apiHealth = api ? await answer(api) : health;
if (health.status !== 200) {
  console.error(`The server refuses to start: ${health.text}`);
  stop(1);
} else if (apiHealth.status !== 200) {
  console.error(`The API refuses to start: ${apiHealth.text}`);
  stop(1);
} else {
  serving = true;
  const refused = api && (await allowResource(origin, api, ['demo-tv', 'demo-printer']));
  const unknown = upstream && (await addProvider(origin, upstream));
  console.log(await welcome());
  if (unknown) console.error(`${unknown}\n`);
  if (refused) console.error(`${refused}\n`);
}

/** Exits if the port is taken. wrangler's own message about that is a page long. */
function refuseBusyPort(port) {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => {
      console.error(`Port ${port} is in use. Stop the program that listens there, or choose another port: \`make dev PORT=${port + 10}\``);
      process.exit(1);
    });
    probe.listen(port, '127.0.0.1', () => probe.close(resolve));
  });
}

/** Starts serving the Worker in a directory. `VARS` from the environment apply to every Worker and override `vars`. */
function start(directory, port, vars = []) {
  const given = (process.env.VARS ?? '').split(/\s+/).filter(Boolean);
  const args = ['dev', 'build-dev/index.js', '--ip', '127.0.0.1', '--port', port, '--inspector-port', 0, '--show-interactive-dev-session=false'];
  for (const pair of [...vars, ...given]) args.push('--var', pair.replace('=', ':'));
  const wrangler = spawn(process.execPath, ['--no-warnings', resolve('node_modules/wrangler/wrangler-dist/cli.js'), ...args.map(String)], {
    cwd: directory,
    // In its own process group, so that Ctrl-C reaches only this script, which can then end the whole group.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    // SERVING is for scripts/build, which wrangler runs. wrangler's trace store would write every request to disk, with
    // its codes.
    env: { ...process.env, SERVING: 'yes', X_LOCAL_OBSERVABILITY: 'false', X_LOCAL_EXPLORER: 'false' },
  });
  const exited = new Promise((resolve) => wrangler.on('exit', (code) => resolve(code ?? 1)));
  const recent = [];
  const show = quieten((line) => console.log(line));
  for (const stream of [wrangler.stdout, wrangler.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      recent.push(line);
      if (recent.length > 40) recent.shift();
      if (!stopping) show(line);
    });
  }
  exited.then((code) => {
    if (stopping) return;
    if (!serving) console.error(recent.join('\n'));
    console.error('wrangler has stopped.');
    stop(code || 1);
  });
  return { pid: wrangler.pid, exited };
}

/** Starts the provider that the tests use, too. */
function provide() {
  const program = resolve('tests/e2e/support/oidc_provider.mjs');
  const args = ['--no-warnings', program, port + 2, `${origin}/callback/example`, `${origin}/backchannel-logout/example`];
  const provider = spawn(process.execPath, args.map(String), { detached: true, stdio: 'ignore' });
  const exited = new Promise((resolve) => provider.on('exit', (code) => resolve(code ?? 1)));
  exited.then((code) => {
    if (stopping) return;
    console.error('The OpenID Provider has stopped.');
    stop(code || 1);
  });
  return { pid: provider.pid, exited };
}

/** Passes on the Worker's log, warnings and errors, and drops wrangler's messages about its own progress. */
function quieten(print) {
  const chatter = [
    /^\s*(\[custom build\])?\s*$/,
    /^─+$/,
    /^\[custom build\] Running/,
    /^Using secrets defined in/,
    /^Your Worker has access to/,
    /^Binding\s+Resource/,
    /^env\.\w+ /,
    /^⎔ /,
    /^\[wrangler:info\]/,
    /^Cloudflare collects anonymous telemetry/,
    /^Terminated$/,
  ];
  const offline = /Unable to fetch the `Request\.cf` object/;
  let skipping = false;
  return (raw) => {
    const line = raw.replace(/\x1b\[[0-9;]*m/g, '').replace(/^\[custom build\] (?!Running)/, '');
    skipping = offline.test(line) || (skipping && /^(Error:|\s+at )/.test(line));
    if (!skipping && !chatter.some((pattern) => pattern.test(line))) print(line);
  };
}

/** Waits for the first answer at an address. Unless `status` is 200, `text` says what is wrong; 0 means no answer. */
async function answer(address) {
  const deadline = Date.now() + START_LIMIT;
  while (Date.now() < deadline && !stopping) {
    try {
      const response = await fetch(address, { signal: AbortSignal.timeout(5_000) });
      return { status: response.status, text: (await response.text()).trim() };
    } catch {
      await wait(100);
    }
  }
  return { status: 0, text: `${address} does not answer.` };
}

async function welcome() {
  const response = await fetch(`${origin}/.well-known/oauth-authorization-server`);
  const issuer = response.ok ? (await response.json()).issuer : origin;
  const chosen = port === 8787 ? '' : ` PORT=${port}`;
  const device = `make device${chosen}${api ? ' API=1' : ''}`;
  const protectedApi = api ? `\n  Serving ${api}  (a protected API, examples/api)` : '';
  const provider = upstream ? `\n  Serving ${upstream}  (an OpenID Provider: carol or dave, any password)` : '';
  return `
  Serving ${issuer}  (the issuer; Ctrl-C stops it)${protectedApi}${provider}

  Clients    demo-tv       public
             demo-printer  client_secret_post, secret demo-printer-secret
  Accounts   alice         password wonderland-8787, group local:developers
             bob           password builder-8787
             nora          password keeper-8787, an administrator
  Console    /admin        for nora
  Admin API  /admin/api    token development-admin-token; make apply${chosen} FILE=examples/clients.toml

  Sign a device in:  ${device}  in another terminal
  Stored in .wrangler/state until \`make reset\`. What follows is the log.
`;
}

/** Asks every wrangler to stop, which stops its workerd. After `STOP_LIMIT`, kills what is left, then exits. */
async function stop(code) {
  if (stopping) return;
  stopping = true;
  signalGroups('SIGTERM');
  await Promise.race([Promise.all(workers.map(({ exited }) => exited)), wait(STOP_LIMIT)]);
  signalGroups('SIGKILL');
  process.exit(code);
}

function signalGroups(signal) {
  for (const { pid } of workers) {
    try {
      process.kill(-pid, signal);
    } catch {
      // The group has ended already.
    }
  }
}
