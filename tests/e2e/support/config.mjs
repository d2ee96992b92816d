// The project as the tests know it: paths, wrangler.toml, and the development server's clients and accounts.

import { spawnSync } from 'node:child_process';
import { accessSync, constants, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { parse } from 'smol-toml';

export const root = resolve(import.meta.dirname, '../../..');

/** Where `scripts/setup` keeps what it installs outside of the project. */
const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'device-grant');

/** `wrangler.toml`, parsed. */
export const wrangler = parse(readFileSync(join(root, 'wrangler.toml'), 'utf8'));

/** The output directories of `scripts/build`, `scripts/build --probe` and `scripts/build --api`. */
export const builds = {
  release: join(root, 'build'),
  probe: join(root, 'build-probe'),
  api: join(root, 'examples/api/build'),
};

/** The values of `make dev`: ENVIRONMENT, ISSUER (empty: taken from the request), MASTER_KEY. */
export const development = dotenv(join(root, '.dev.vars'));

export const clients = {
  tv: { client_id: 'demo-tv' },
  printer: { client_id: 'demo-printer', client_secret: 'demo-printer-secret' },
};

export const accounts = {
  alice: { username: 'alice', password: 'wonderland-8787', groups: ['local:developers'] },
  bob: { username: 'bob', password: 'builder-8787', groups: [] },
  nora: { username: 'nora', password: 'keeper-8787', groups: ['local:administrators'] },
};

/** The path of Debian's Chromium, or of Chrome. */
export const chromium = () => findProgram('chromium', 'google-chrome');
export const chromedriver = () => findProgram('chromedriver');

/** Returns a Python that has PyJWT and cryptography: the first on the PATH, or Debian's. */
export function python() {
  const isUsable = (program) => spawnSync(program, ['-c', 'import jwt, cryptography']).status === 0;
  const found = ['python3', '/usr/bin/python3'].find(isUsable);
  if (!found) throw new Error('no python3 has PyJWT and cryptography: `scripts/setup test` installs them on Debian');
  return found;
}

/** Returns the schemathesis that `scripts/setup test` installed. */
export function schemathesis() {
  const [, version] = /^schemathesis_version=(.*)$/m.exec(readFileSync(join(root, 'scripts/lib.sh'), 'utf8'));
  const program = join(cache, `schemathesis-${version}`, 'bin/st');
  if (!isExecutable(program)) throw new Error(`schemathesis ${version} is not installed: \`scripts/setup test\` installs it`);
  return program;
}

/** The Python with the parser of OpenMetrics that `scripts/setup test` installs. */
export const metricsPython = join(cache, 'openmetrics/bin/python');

/** The Python with the client libraries that `scripts/setup clients` installs. */
export const clientsPython = join(cache, 'clients/bin/python');

function dotenv(file) {
  const lines = readFileSync(file, 'utf8').split('\n').filter((line) => /^\w+=/.test(line));
  return Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]));
}

export function findProgram(...names) {
  const found = names.flatMap((name) => process.env.PATH.split(delimiter).map((folder) => join(folder, name)));
  const program = found.find(isExecutable);
  if (!program) throw new Error(`${names.join(' or ')} is not on the PATH: \`scripts/setup test\` installs it on Debian`);
  return program;
}

function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
