// Starts the built Worker for a test, on one of two runtimes.
//
// `startWorkerd` runs plain `workerd serve` with the five object classes, but without KV and the rate limiter. It is
// fast, can be killed, and its SQLite files can be read. The header `x-test-cf` (JSON) of a request becomes its
// `request.cf`, and `x-test-proto` (`https`) its scheme.
//
//     const server = await startWorkerd({ vars: { POLL_INTERVAL_SECONDS: '1' } });
//     await fetch(`${server.origin}/healthz`);
//     await server.kill9(); await server.restart();      // same state, same port
//     await server.stop();
//
// `startWrangler` runs everything that wrangler.toml declares, with KV and the rate limiter.
//
// All waits have a time limit, and a server that a test forgets to stop ends with the test's process.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after } from 'node:test';
import { builds, development, root, wrangler } from './config.mjs';

const START_LIMIT = 20_000;
const STOP_LIMIT = 30_000;
const MODULES = ['index.js', 'index_bg.wasm'];

/** Functions that end what still runs and delete what is left over. They run when the process ends. */
const cleanups = new Set();
process.on('exit', () => cleanups.forEach(attempt));

/** Runs a cleanup. If it fails, the others must still run. */
function attempt(clean) {
  try {
    clean();
  } catch (error) {
    console.error(error);
  }
}

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));

/** wrangler's servers. They keep the process alive, so each test file closes those that a failed test left open. */
const harnesses = new Set();
if (process.env.NODE_TEST_CONTEXT) after(() => Promise.all([...harnesses].map((harness) => harness.close())));

/**
 * @param {object} [options]
 * @param {Record<string, string>} [options.vars] settings besides ENVIRONMENT and MASTER_KEY; `undefined` removes one
 * @param {string} [options.dir] where the objects are stored; kept at the end, unlike the temporary directory by default
 * @param {string} [options.build] the directory of the built Worker; `builds.release` by default
 * @param {object[]} [options.objects] its bindings to objects; those of wrangler.toml by default
 * @param {number} [options.port] the port it listens on; a free one by default
 * @param {boolean} [options.twin] whether a second Worker, an isolate with its own memory, uses the same objects
 * @param {string[]} [options.modules] the files in `build` that the Worker consists of, the main module first
 * @param {number} [options.outside] the port on this machine that gets, as plain HTTP, all requests to other servers
 * @param {string[]} [options.flags] its compatibility flags; and `options.v8`, flags of V8, such as `--expose-gc`
 * @param {boolean} [options.d1] whether the Worker has the binding `DB` to a D1 database, workerd's own
 */
export async function startWorkerd({ vars = {}, dir, build = builds.release, objects, port = 0, twin = false, modules = MODULES, d1 = false, outside, flags = [], v8 = [] } = {}) {
  const home = temporaryDirectory();
  const state = dir ?? join(home.path, 'state');
  mkdirSync(state, { recursive: true });
  for (const module of modules) copyFileSync(join(build, module), join(home.path, module));
  const config = join(home.path, 'config.capnp');
  const all = { ENVIRONMENT: development.ENVIRONMENT, MASTER_KEY: development.MASTER_KEY, ...vars };
  writeFileSync(config, capnp({ vars: all, objects, twin, modules, d1, outside, flags, v8 }));

  const log = [];
  const ports = { http: port, ...(twin && { twin: 0 }) };
  let workerd = await launch();

  async function launch() {
    const started = await runWorkerd({ config, state, ports, log, experimental: d1 });
    Object.assign(ports, started.ports);
    return started;
  }

  return {
    get origin() {
      return `http://127.0.0.1:${ports.http}`;
    },
    /** The number of the process, for its memory. */
    get pid() {
      return workerd.pid;
    },
    /** The second Worker, or `false`. */
    twin: twin && { origin: `http://127.0.0.1:${ports.twin}` },
    /** Returns all output so far, over all restarts. */
    logs: () => log.join('\n'),
    /** Lists the database files of a class's objects. There are none before the first write. */
    sqliteFiles: (className) => sqliteFiles(join(state, className)),
    kill9: () => workerd.end('SIGKILL'),
    async restart() {
      await workerd.end('SIGTERM');
      workerd = await launch();
    },
    async stop() {
      await workerd.end('SIGTERM');
      home.remove();
    },
  };
}

/**
 * Starts the Worker as wrangler.toml describes it, with simulated KV, rate limiter and version metadata. `vars` and `build`
 * are those of `startWorkerd`.
 */
export async function startWrangler({ vars = {}, build = builds.release } = {}) {
  process.env.CLOUDFLARE_CF_FETCH_ENABLED = 'false';
  process.env.WRANGLER_SEND_METRICS = 'false';
  const { createTestHarness } = await import('wrangler');
  const home = temporaryDirectory();
  await bundle(home.path, { build });
  const { MASTER_KEY = development.MASTER_KEY, ...plain } = vars;
  const harness = createTestHarness({
    root,
    workers: [
      {
        configPath: 'wrangler.toml',
        prebuiltWorkerDir: home.path,
        vars: { ENVIRONMENT: development.ENVIRONMENT, ISSUER: development.ISSUER, ...plain },
        secrets: { MASTER_KEY },
      },
    ],
  });
  harnesses.add(harness);
  const { url } = await within(START_LIMIT, harness.listen(), 'wrangler did not start');
  return {
    origin: url.origin,
    logs: () => harness.getLogs().map((entry) => entry.message).join('\n'),
    /** wrangler's handle to the Worker, for its storage, eviction and KV. */
    worker: harness.getWorker(),
    async stop() {
      harnesses.delete(harness);
      await within(STOP_LIMIT, harness.close(), 'wrangler did not stop');
      home.remove();
    },
  };
}

/**
 * Writes what `wrangler deploy` would upload to `outDir`. `config` is a wrangler.toml, `build` the directory of the built
 * Worker; that of `config` by default. Returns wrangler's output.
 */
export async function bundle(outDir, { config = join(root, 'wrangler.toml'), build } = {}) {
  const cli = join(root, 'node_modules/wrangler/wrangler-dist/cli.js');
  const main = build ? [join(build, 'index.js')] : [];
  const args = ['--no-warnings', cli, 'deploy', ...main, '--dry-run', '--config', config, '--outdir', outDir];
  const env = { ...process.env, PREBUILT: 'yes', WRANGLER_SEND_METRICS: 'false', WRANGLER_HIDE_BANNER: 'true', NO_COLOR: '1' };
  const child = spawn(process.execPath, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text));
  const kill = () => child.kill('SIGKILL');
  cleanups.add(kill);
  const [code] = await within(60_000, once(child, 'close'), 'wrangler deploy --dry-run did not end').finally(kill);
  cleanups.delete(kill);
  if (code !== 0) throw new Error(`wrangler deploy --dry-run failed:\n${output}`);
  return output;
}

/** Makes a temporary directory. It is removed when the process ends, if not before. */
export function temporaryDirectory() {
  const path = mkdtempSync(join(realpathSync(tmpdir()), 'device-grant-'));
  const remove = () => {
    rmSync(path, { recursive: true, force: true });
    cleanups.delete(remove);
  };
  cleanups.add(remove);
  return { path, remove };
}

/** Rejects with `message` if the promise does not settle in time. */
export function within(milliseconds, promise, message) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${message} within ${milliseconds} ms`)), milliseconds);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Starts workerd, and resolves when it listens. `state` is a directory with one subdirectory per class. */
async function runWorkerd({ config, state, ports, log, experimental }) {
  const sockets = Object.entries(ports).map(([name, port]) => `--socket-addr=${name}=127.0.0.1:${port}`);
  const args = ['serve', config, '--control-fd=3', `--directory-path=state=${state}`, ...sockets, ...(experimental ? ['--experimental'] : [])];
  const child = spawn(workerdBinary(), args, { stdio: ['ignore', 'pipe', 'pipe', 'pipe'] });
  const kill = () => child.kill('SIGKILL');
  cleanups.add(kill);
  // A server that a failed test did not stop ends with this process, so it must not keep the process alive.
  for (const handle of [child, ...child.stdio.slice(1)]) handle.unref();
  const exited = once(child, 'close').then(([code, signal]) => {
    cleanups.delete(kill);
    return `workerd ended (${signal ?? code})`;
  });
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => log.push(line));
  }
  const first = await within(START_LIMIT, Promise.race([listenEvents(child.stdio[3], Object.keys(ports)), exited]), 'workerd did not start');
  if (typeof first === 'string') throw new Error(`${first}:\n${log.join('\n')}`);
  return {
    ports: first,
    pid: child.pid,
    async end(signal) {
      child.kill(signal);
      await within(STOP_LIMIT, exited, `workerd did not end on ${signal}`).catch((error) => {
        kill();
        throw error;
      });
    },
  };
}

/** Reads the ports from workerd's control channel. A line: `{"event":"listen","socket":"http","port":12345}`. */
async function listenEvents(channel, names) {
  const ports = {};
  for await (const line of createInterface({ input: channel })) {
    const message = JSON.parse(line);
    if (message.event === 'listen') ports[message.socket] = message.port;
    if (names.every((name) => ports[name])) return ports;
  }
  // workerd has ended, or is about to; the caller hears that from `exited`.
  return new Promise(() => {});
}

/** Returns the path of the workerd that wrangler pins. */
function workerdBinary() {
  const require = createRequire(createRequire(import.meta.url).resolve('wrangler'));
  return require('workerd').default;
}

/**
 * Returns a configuration with the date of wrangler.toml and only two kinds of bindings: objects and vars. The Worker
 * can fetch only from this machine. The twin has the same modules and vars, and uses the objects of the first Worker.
 */
function capnp({ vars, objects = wrangler.durable_objects.bindings, twin, modules, d1, outside, flags, v8 }) {
  const text = (value) => JSON.stringify(String(value));
  const list = (items) => `[\n    ${items.join(',\n    ')}\n  ]`;
  const namespaces = objects.map(({ class_name: name }) => `(className = "${name}", uniqueKey = "${name}", enableSql = true)`);
  const bindings = (reference) => [
    ...objects.map(({ name, class_name }) => `(name = "${name}", durableObjectNamespace = ${reference(class_name)})`),
    ...Object.entries(vars)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => `(name = ${text(name)}, text = ${text(value)})`),
    ...(d1 ? [D1_BINDING] : []),
  ];
  const kind = (module) => (module.endsWith('.wasm') ? 'wasm' : 'esModule');
  const code = `
  compatibilityDate = "${wrangler.compatibility_date}",
  compatibilityFlags = ${list(flags.map(text))},
  modules = ${list(modules.map((module) => `(name = ${text(module)}, ${kind(module)} = embed ${text(module)})`))},`;
  return `using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  v8Flags = ${list(v8.map(text))},
  services = [
    (name = "main", worker = .main),${d1 ? '\n    (name = "d1", worker = .d1),' : ''}${twin ? '\n    (name = "twin", worker = .twin),' : ''}
    (name = "state", disk = (path = "overridden", writable = true)),
    (name = "internet", ${outside ? `external = (address = "127.0.0.1:${outside}", http = ())` : 'network = (allow = ["local"])'}),
  ],
  sockets = [
    (name = "http", address = "overridden", http = (cfBlobHeader = "x-test-cf", forwardedProtoHeader = "x-test-proto"), service = "main"),${twin ? '\n    (name = "twin", address = "overridden", http = (), service = "twin"),' : ''}
  ],
);

const main :Workerd.Worker = (${code}
  durableObjectStorage = (localDisk = "state"),
  durableObjectNamespaces = ${list(namespaces)},
  bindings = ${list(bindings((className) => text(className)))},
);

const twin :Workerd.Worker = (${code}
  bindings = ${list(bindings((className) => `(className = "${className}", serviceName = "main")`))},
);
${d1 ? D1_SERVICE : ''}`;
}

/** The D1 that workerd brings along: a Durable Object whose SQLite database the Worker queries through the binding. */
const D1_BINDING = `(name = "DB", wrapped = (moduleName = "cloudflare-internal:d1-api",
      innerBindings = [(name = "fetcher", service = (name = "d1", props = (json = "{\\"database\\":\\"bench\\"}")))]))`;
const D1_SERVICE = `
const d1 :Workerd.Worker = (
  compatibilityDate = "${wrangler.compatibility_date}",
  modules = [(name = "d1.js", bundled = "/workerd/d1.js")],
  durableObjectStorage = (localDisk = "state"),
  durableObjectNamespaces = [(className = "D1Database", uniqueKey = "D1Database", enableSql = true)],
  bindings = [(name = "DATABASE", durableObjectNamespace = "D1Database")],
);
`;

function sqliteFiles(directory) {
  try {
    const files = readdirSync(directory).filter((name) => name.endsWith('.sqlite') && name !== 'metadata.sqlite');
    return files.map((name) => join(directory, name));
  } catch {
    return [];
  }
}
