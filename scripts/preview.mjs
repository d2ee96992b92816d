// Deploys or deletes the preview of a branch with `wrangler preview`, and reports the result in a few lines. Its first
// deployment gets a master key, an admin token and the policy of examples/policy.toml, without which nobody would get a code.

import { execFileSync, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { stripVTControlCharacters } from 'node:util';
import { parse } from 'smol-toml';
import { UserError, connect, problem } from './admin-api.mjs';
import { previewConfig, previewName } from './preview-settings.mjs';

const KEY = 'MASTER_KEY';
const TOKEN = 'ADMIN_TOKEN_SHA256';
/** How long a new preview may take to answer at its address. */
const { PREVIEW_PATIENCE: PATIENCE = 60_000 } = process.env;
const PAUSE = 2_000;
// Cloudflare's codes for a missing Worker, preview or preview deployment, and wrangler's messages for the last two.
const ABSENT = /\[code: (10007|10090|10025|10222)\]|The Preview ".*" was not found|no deployments for the Preview/;

// Patterns of wrangler's errors, each with advice.
const ADVICE = [
  [/CLOUDFLARE_API_TOKEN|not logged in|wrangler login/i, 'Sign in with `scripts/wrangler login`, or set CLOUDFLARE_API_TOKEN.'],
  [/account_id|CLOUDFLARE_ACCOUNT_ID/, 'Choose an account: set CLOUDFLARE_ACCOUNT_ID.'],
  [/\[code: (10000|9109|6003|6111)\]/, 'The token needs "Workers Scripts: Edit" and "Workers KV Storage: Edit" on the account.'],
];

const root = resolve(import.meta.dirname, '..');
const config = parse(readFileSync(join(root, 'wrangler.toml'), 'utf8'));

/** An error that ends the script. Its message says what to do, followed by wrangler's own error if there is one. */
class Refusal extends Error {}

const commands = { deploy, delete: remove };
try {
  const command = commands[process.argv[2]] ?? quit('usage: scripts/preview deploy|delete');
  const branch = process.env.BRANCH || checkedOut();
  await command(branch, previewName(branch, config.name));
} catch (error) {
  if (!(error instanceof Refusal)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}

async function deploy(branch, name) {
  // Needs the credentials, so it runs before the long build: missing ones are reported at once.
  const keyed = await hasKey(name);
  await build();
  const home = temporaryDirectory();
  const settings = keep(home, 'wrangler.json', previewConfig(config, name, root));
  const args = ['preview', '--config', settings, '--name', name, '--json'];
  const token = keyed ? process.env.ADMIN_TOKEN : randomBytes(32).toString('hex');
  if (!keyed) {
    const secrets = { [KEY]: randomBytes(32).toString('base64'), [TOKEN]: createHash('sha256').update(token).digest('hex') };
    args.push('--secrets-file', keep(home, 'secrets.json', secrets));
  }

  process.stdout.write(`Deploying the preview ${name}... `);
  const started = Date.now();
  const { code, stdout, stderr } = await wrangler(args);
  console.log(code === 0 ? `${Math.round((Date.now() - started) / 1000)} s` : 'failed');
  if (code !== 0) refused(`The preview of ${branch} was not deployed.`, stderr);
  const url = report(branch, JSON.parse(stdout), keyed);
  if (token) await addPolicy(url, token, keyed);
}

/** Writes the policy of the example, unless the preview has one, and shows the admin token of a new preview. */
async function addPolicy(url, token, keyed) {
  // Others can read the log of a workflow.
  if (!keyed && !process.env.GITHUB_OUTPUT) console.log(`  ADMIN_TOKEN  ${token}\n\n  It opens the admin API of the preview, and is shown only once.\n`);
  const server = connect(url, token);
  const { body, etag } = (await answered(() => server('GET', '/policy'))) ?? {};
  if (!body) console.log(`  It does not answer yet, so it has no policy, and nobody gets a code: make apply FILE=examples/policy.toml ISSUER=${url}\n`);
  if (!body || body.version > 0) return;
  const { policy } = parse(readFileSync(join(root, 'examples/policy.toml'), 'utf8'));
  const written = await server('PUT', '/policy', { body: { ...policy, reason: 'The example, by make preview' }, etag });
  if (written.status !== 200) quit(`The policy was not written: ${problem(written.body).join('\n')}`);
  console.log('  It has the policy of examples/policy.toml: see docs/governance.md.\n');
}

/** Repeats a request until the preview answers. Returns nothing if that takes too long. */
async function answered(request) {
  for (const started = Date.now(); ; ) {
    try {
      return await request();
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
    }
    if (Date.now() - started >= PATIENCE) return undefined;
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
  }
}

async function remove(branch, name) {
  const { code, stderr } = await wrangler(['preview', 'delete', '--name', name, '--skip-confirmation']);
  if (code === 0) console.log(`Deleted the preview ${name} of ${branch}, with all its state.`);
  else if (ABSENT.test(stderr)) console.log(`Nothing to delete: ${branch} has no preview (${name}).`);
  else refused(`The preview of ${branch} was not deleted.`, stderr);
}

/**
 * Returns whether the preview already has a master key. A preview keeps its first key across deployments, because it
 * could not read its stored state with another one. So this fails unless Cloudflare gives a clear answer.
 */
async function hasKey(name) {
  const { code, stdout, stderr } = await wrangler(['preview', 'secret', 'list', '--name', name, '--json']);
  if (code === 0) return JSON.parse(stdout).some((secret) => secret.name === KEY);
  return ABSENT.test(stderr) ? false : refused(`Cannot tell whether the preview ${name} exists.`, stderr);
}

function report(branch, { preview, deployment }, keyed) {
  const [url, ...others] = preview.urls ?? [];
  if (!url) quit('The preview is deployed but has no address. Set `preview_urls = true` in wrangler.toml, then run `make deploy`.');
  const urls = others.map((other) => `\n      ${other}`).join('');
  const fixed = deployment.urls?.[0] ? `\n  This deployment only:  ${deployment.urls[0]}` : '';
  const state = keyed ? 'It has kept its state and its master key' : 'Its state and its master key are new';
  console.log(`
  The preview of ${branch}

      ${url}${urls}
${fixed}
  ${state}. \`make preview-delete\` deletes all of it.
`);
  if (process.env.GITHUB_OUTPUT) appendFileSync(process.env.GITHUB_OUTPUT, `url=${url}\n`);
  return url;
}

function checkedOut() {
  try {
    const args = ['symbolic-ref', '--quiet', '--short', 'HEAD'];
    return execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return quit('No branch is checked out here. Name the branch, as in `make preview BRANCH=my-branch`.');
  }
}

/** Installs and compiles whatever is missing, with visible progress. wrangler would do the same, but silently. */
async function build() {
  for (const command of [['scripts/setup', 'build'], ['scripts/build']]) {
    const { code } = await ended(spawn(command[0], command.slice(1), { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] }));
    if (code !== 0) process.exit(1);
  }
}

/** Runs wrangler without a terminal, so that it asks no questions. */
async function wrangler(args) {
  const cli = join(root, 'node_modules/wrangler/wrangler-dist/cli.js');
  const options = { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] };
  const { code, stdout, stderr } = await ended(spawn(process.execPath, ['--no-warnings', cli, ...args], options));
  return { code, stdout, stderr: stripVTControlCharacters(stderr) };
}

async function ended(child) {
  const closed = new Promise((done, fail) => child.on('close', done).on('error', fail));
  const [code, stdout, stderr] = await Promise.all([closed, ...[child.stdout, child.stderr].map((stream) => stream && text(stream))]);
  return { code, stdout, stderr };
}

function temporaryDirectory() {
  const path = mkdtempSync(join(tmpdir(), 'device-grant-preview-'));
  process.on('exit', () => rmSync(path, { recursive: true, force: true }));
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(1));
  return path;
}

/** Writes a value to a file as JSON, secrets too: in a dotenv file, wrangler would expand `$NAME`. */
function keep(directory, name, value) {
  const file = join(directory, name);
  writeFileSync(file, JSON.stringify(value), { mode: 0o600 });
  return file;
}

/** Ends the script with what failed, what to do about it if that is known, and wrangler's own error. */
function refused(what, stderr) {
  const message = said(stderr);
  const [, advice = ''] = ADVICE.find(([pattern]) => pattern.test(message)) ?? [];
  quit([[what, advice].filter(Boolean).join(' '), ...message.split('\n').map((line) => `  ${line}`.trimEnd())].join('\n'));
}

/** Returns wrangler's first error, which is the cause, without markup, stack trace and the path of its log. */
function said(stderr) {
  const [, first = stderr] = stderr.split(/^✘ \[ERROR\] /m);
  const lines = first.split('\n').map((line) => line.trim());
  const end = lines.findIndex((line) => /^(🪵|\w*Error:|If you think this is a bug|\()/u.test(line));
  return lines.slice(0, end < 0 ? undefined : end).filter(Boolean).join('\n');
}

function quit(message) {
  throw new Refusal(message);
}
