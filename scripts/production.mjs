// What `make setup-production` does through wrangler, and to wrangler.toml.

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { stripVTControlCharacters } from 'node:util';
import { UserError, isLocal } from './admin-api.mjs';

/** Cloudflare's code for a Worker that does not exist yet. */
const NO_WORKER = /\[code: 10007\]|does not exist/;

/** Returns the names of the Worker's secrets; none if there is no Worker yet. */
export async function secretNames(config) {
  const { code, stdout, stderr } = await wrangler(['secret', 'list', '--format', 'json', '--config', config]);
  if (code === 0) return JSON.parse(stdout).map(({ name }) => name);
  if (NO_WORKER.test(stderr)) return [];
  throw new UserError(`wrangler cannot list the secrets. Sign in with \`scripts/wrangler login\`, or set CLOUDFLARE_API_TOKEN.\n\n${stderr}`);
}

/** Deploys the Worker together with new secrets, so that no version runs without them. */
export async function deploy(config, secrets) {
  const home = mkdtempSync(join(tmpdir(), 'device-grant-secrets-'));
  const clean = () => rmSync(home, { recursive: true, force: true });
  process.on('exit', clean);
  const args = ['deploy', '--config', config];
  if (Object.keys(secrets).length > 0) {
    const file = join(home, 'secrets.json');
    // JSON, because wrangler expands $NAME in a dotenv file.
    writeFileSync(file, JSON.stringify(secrets), { mode: 0o600 });
    args.push('--secrets-file', file);
  }
  process.stdout.write('Deploying ... ');
  const { code, stderr, stdout } = await wrangler(args);
  clean();
  console.log(code === 0 ? 'done' : 'failed');
  if (code !== 0) throw new UserError(`wrangler did not deploy:\n\n${stderr || stdout}`);
}

/** Returns the text of wrangler.toml with this issuer, and with a custom domain for its host unless it has routes. */
export function withIssuer(toml, issuer) {
  const { hostname } = new URL(issuer);
  const changed = toml.replace(/^ISSUER = ".*"$/m, `ISSUER = ${JSON.stringify(issuer)}`);
  const isRouted = /^(routes?|workers_dev)\b/m.test(toml) || hostname.endsWith('.workers.dev') || isLocal(hostname);
  if (isRouted) return changed;
  return changed.replace(/^\[build\]$/m, `# The host of ISSUER.\nroutes = [{ pattern = ${JSON.stringify(hostname)}, custom_domain = true }]\n\n[build]`);
}

/** Runs wrangler without a terminal, so that it asks no questions. */
async function wrangler(args) {
  const child = spawn('wrangler', args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const closed = new Promise((done, fail) => child.on('close', done).on('error', fail));
  const [code, stdout, stderr] = await Promise.all([closed, text(child.stdout), text(child.stderr)]);
  return { code, stdout, stderr: stripVTControlCharacters(stderr).trim() };
}
