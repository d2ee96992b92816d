// Runs `make preview` and `make preview-delete` with the real wrangler, against a stand-in for Cloudflare's API.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, beforeEach, test } from 'node:test';
import { parse } from 'smol-toml';
import { previewConfig, previewName } from '../../scripts/preview-settings.mjs';
import { ACCOUNT, startCloudflare } from './support/cloudflare.mjs';
import { builds, development, root, wrangler } from './support/config.mjs';
import { startWrangler, temporaryDirectory, within } from './support/harness.mjs';
import { endDiscreetly, keepSecret } from './support/secrets.mjs';

const WORKER = wrangler.name;
const OTHER_ACCOUNT = ACCOUNT.replace('0', 'f');

let home;
let cloudflare;
/** The first deployment of a branch: its output, requests and upload, and what it passed on to a workflow. */
let first;
before(async () => {
  home = temporaryDirectory();
  cloudflare = await startCloudflare({ worker: WORKER });
  const passedOn = join(home.path, 'passed-on');
  const { code, output } = await preview('deploy', { BRANCH: 'feat/Login', GITHUB_OUTPUT: passedOn });
  assert.equal(code, 0, output);
  const { requests } = cloudflare;
  const [upload, ...others] = uploads();
  assert.equal(others.length, 0);
  first = { output, requests, ...upload, passedOn: readFileSync(passedOn, 'utf8'), name: previewName('feat/Login', WORKER) };
});
beforeEach(async () => {
  await cloudflare?.stop();
  cloudflare = await startCloudflare({ worker: WORKER });
});
after(() => cloudflare?.stop());

test('the name of a preview comes from the branch, and different branches get different names', () => {
  const names = {
    main: 'main',
    'feature-login': 'feature-login',
    '42': '42',
    'feat/a': 'feat-a-d54ad782',
    'feat-a': 'feat-a',
    'Feat-A': 'feat-a-10e3eb0e',
    'feat_a': 'feat-a-a40a7050',
    'feat--a': 'feat-a-6ebc1fa1',
    'feat-a-': 'feat-a-0a618c03',
    'xn--feat': 'xn-feat-86031298',
    'fix/#12: ü': 'fix-12-070dc658',
    日本語: 'branch-77710aed',
  };
  assert.deepEqual(Object.fromEntries(Object.keys(names).map((branch) => [branch, previewName(branch, WORKER)])), names);
});

test('the names of preview and Worker fit into one label of a host name, even for a long branch', () => {
  const branches = [...'a/-Z'].flatMap((filler) => [1, 48, 49, 50, 51, 52, 63, 64, 250].map((length) => `x${filler.repeat(length - 1)}`));
  for (const worker of [WORKER, 'w', 'a-worker-with-a-rather-long-name-here']) {
    const names = branches.map((branch) => previewName(branch, worker));
    for (const name of names) assert.match(`${name}-${worker}`, /^(?=.{3,63}$)[a-z0-9]+(-[a-z0-9]+)*$/);
    assert.equal(new Set(names).size, new Set(branches).size, 'all are different');
  }
  assert.equal(previewName('a'.repeat(50), 'device-grant'), 'a'.repeat(50), 'a branch that fits is not changed');
});

test('each preview counts requests in its own namespace, the same at every deployment', () => {
  const id = (name, config = wrangler) => previewConfig(config, name, root).previews.ratelimits[0].namespace_id;
  const many = Array.from({ length: 500 }, (_, index) => id(`branch-${index}`));

  assert.equal(new Set(many).size, many.length);
  for (const one of many) assert.match(one, /^1\d{9}$/);
  assert.equal(id('main'), id('main'));
  assert.notEqual(id('main'), id('main', { ...wrangler, name: 'another-worker' }));
});

test('the first deployment of a branch uploads the Worker with the bindings of a preview', () => {
  const { name, metadata, files, requests } = first;
  const { MASTER_KEY, ADMIN_TOKEN_SHA256, NETWORK_LIMIT, ...bindings } = metadata.env;
  const declared = wrangler.durable_objects.bindings.map(({ name, class_name }) => [name, { type: 'durable_object_namespace', class_name }]);
  const vars = Object.entries(wrangler.previews.vars).map(([name, text]) => [name, { type: 'plain_text', text }]);
  assert.deepEqual(bindings, {
    ...Object.fromEntries([...declared, ...vars]),
    SNAPSHOT: { type: 'kv_namespace' },
    VERSION: { type: 'version_metadata' },
  });
  assert.deepEqual([bindings.ENVIRONMENT.text, bindings.ISSUER.text], ['preview', '']);
  for (const name of ['GRANTS', 'ACCOUNTS', 'LIMITS', 'REGISTRY', 'LEDGER', 'COUNTS', 'COURIERS']) assert.ok(name in bindings);
  const [{ namespace_id }] = previewConfig(wrangler, name, root).previews.ratelimits;
  assert.deepEqual(NETWORK_LIMIT, { type: 'ratelimit', namespace_id, simple: { limit: 60, period: 60 } });
  assert.notEqual(namespace_id, wrangler.previews.ratelimits[0].namespace_id, 'not the shared one of wrangler.toml');
  assert.equal(MASTER_KEY.type, 'secret_text');
  assert.equal(Buffer.from(MASTER_KEY.text, 'base64').length, 32);

  assert.deepEqual(metadata.exports, JSON.parse(JSON.stringify(wrangler.exports)), 'every class is stored in SQLite');
  assert.equal(metadata.compatibility_date, wrangler.compatibility_date);
  const wasm = Object.values(files).filter(({ type }) => type === 'application/wasm');
  assert.deepEqual(wasm.map(({ bytes }) => bytes), [readFileSync(join(builds.release, 'index_bg.wasm'))]);
  assert.equal(files[metadata.main_module].type, 'application/javascript+module');

  const created = requests.find(({ method, path }) => method === 'POST' && path.endsWith('/previews'));
  assert.deepEqual(created.json, { name, observability: { enabled: true, redact_query_string: true } });
});

test('no development value is uploaded, and the new key appears nowhere else', () => {
  const { output, metadata, files } = first;
  // The WebAssembly contains the development key, in order to refuse it.
  const bytes = Buffer.concat(Object.entries(files).filter(([, { type }]) => type !== 'application/wasm').map(([, file]) => file.bytes));
  for (const text of [JSON.stringify(metadata), bytes.toString()]) {
    assert.equal(text.includes(development.MASTER_KEY), false);
    assert.equal(text.includes('"development"'), false);
  }
  const key = metadata.env.MASTER_KEY.text;
  assert.equal(output.includes(key), false, 'not in the output');
  const logs = readdirSync(join(home.path, 'logs'));
  assert.notDeepEqual(logs, []);
  for (const log of logs) {
    assert.equal(readFileSync(join(home.path, 'logs', log), 'utf8').includes(key), false, "not in wrangler's log");
  }
  assert.deepEqual(readdirSync(join(home.path, 'tmp')), [], 'not in a file that stays');
});

test('the uploaded Worker serves with its own address as the issuer', async () => {
  const { ENVIRONMENT, ISSUER, MASTER_KEY } = first.metadata.env;
  const vars = { ENVIRONMENT: ENVIRONMENT.text, ISSUER: ISSUER.text, MASTER_KEY: keepSecret('a preview key', MASTER_KEY.text) };
  const server = await startWrangler({ vars });
  for (const address of ['https://a-device-grant.team.workers.dev', 'https://b.previews.example.com']) {
    const metadata = await (await server.worker.fetch(`${address}/.well-known/oauth-authorization-server`)).json();
    assert.equal(metadata.issuer, address);
    const { keys } = await (await server.worker.fetch(metadata.jwks_uri)).json();
    assert.notEqual(keys.length, 0, 'the server accepts the generated key');
  }
  assert.equal((await server.worker.fetch('http://a-device-grant.team.workers.dev/healthz')).status, 421, 'https only');
  await endDiscreetly(server);
});

test('a new preview gets the policy of the example, by an admin token that is shown once', async (t) => {
  const asked = [];
  let version = 0;
  const server = createServer(async (request, response) => {
    const body = await text(request);
    asked.push({ method: request.method, url: request.url, authorization: request.headers.authorization, body: body && JSON.parse(body) });
    if (request.method === 'PUT') version = 1;
    response.writeHead(200, { 'content-type': 'application/json', etag: '"0.0"' }).end(JSON.stringify({ version }));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  await cloudflare.stop();
  cloudflare = await startCloudflare({ worker: WORKER, urls: [`http://127.0.0.1:${server.address().port}`] });

  const { code, output } = await preview('deploy', { BRANCH: 'main' });

  assert.equal(code, 0, output);
  const token = keepSecret('the admin token of a preview', output.match(/^ {2}ADMIN_TOKEN {2}([0-9a-f]{64})$/m)[1]);
  const { ADMIN_TOKEN_SHA256 } = cloudflare.previews(WORKER).get('main').secrets;
  assert.equal(createHash('sha256').update(token).digest('hex'), ADMIN_TOKEN_SHA256);
  assert.deepEqual(asked.map(({ method, url, authorization }) => [method, url, authorization]), ['GET', 'PUT'].map((method) => [method, '/admin/api/policy', `Bearer ${token}`]));
  const { policy } = parse(readFileSync(join(root, 'examples/policy.toml'), 'utf8'));
  assert.deepEqual(asked[1].body, { ...JSON.parse(JSON.stringify(policy)), reason: 'The example, by make preview' });
  assert.match(output, /It has the policy of examples\/policy\.toml/);

  const again = await preview('deploy', { BRANCH: 'main' });
  assert.doesNotMatch(again.output, /ADMIN_TOKEN|policy/, 'it has both');
  assert.equal((await preview('deploy', { BRANCH: 'main', ADMIN_TOKEN: token })).code, 0);
  assert.deepEqual(asked.slice(2).map(({ method }) => method), ['GET'], 'a policy that is there stays');
  const inWorkflow = await preview('deploy', { BRANCH: 'other', GITHUB_OUTPUT: join(home.path, 'others') });
  assert.doesNotMatch(inWorkflow.output, /ADMIN_TOKEN/, 'others can read the log of a workflow');
});

test('a preview that does not answer is deployed, and the output says what is missing', () => {
  assert.match(first.output, /It does not answer yet, so it has no policy, and nobody gets a code: make apply FILE=examples\/policy\.toml ISSUER=https:/);
});

test('a later deployment keeps the key, and each branch has its own', async () => {
  for (const BRANCH of ['main', 'main', 'other']) assert.equal((await preview('deploy', { BRANCH })).code, 0);

  const [first, second, other] = uploads().map(({ metadata }) => metadata.env.MASTER_KEY);
  assert.deepEqual([first.type, second.type, other.type], ['secret_text', 'inherit', 'secret_text']);
  assert.notEqual(first.text, other.text);
  const previews = cloudflare.previews(WORKER);
  assert.deepEqual([...previews.keys()], ['main', 'other']);
  assert.equal(previews.get('main').deployments.length, 2);
  assert.equal(previews.get('main').secrets.MASTER_KEY, first.text);
});

test('the address is printed at the end, and passed on in a workflow', () => {
  const address = `https://${first.name}-${WORKER}.team.workers.dev`;

  assert.equal(first.passedOn, `url=${address}\n`);
  assert.match(first.output, new RegExp(`^  The preview of feat/Login\n\n      ${address}\n`, 'm'));
  assert.doesNotMatch(first.output, /WARNING|wrangler|\x1b/);
});

test('a preview without an address is a failure', async () => {
  await cloudflare.stop();
  cloudflare = await startCloudflare({ worker: WORKER, urls: [] });
  const { code, output } = await preview('deploy', { BRANCH: 'main' });

  assert.equal(code, 1);
  assert.match(output, /^The preview is deployed but has no address\. Set `preview_urls = true`/m);
});

test('the first preview creates a Worker that was never deployed', async () => {
  await cloudflare.stop();
  cloudflare = await startCloudflare();

  assert.equal((await preview('deploy', { BRANCH: 'main' })).code, 0);
  assert.deepEqual([...cloudflare.previews(WORKER).keys()], ['main']);
});

test('the default branch is the one that is checked out', async () => {
  const { code } = await make('preview', { GIT_DIR: gitDirectory('ref: refs/heads/on/it') });

  assert.equal(code, 0);
  assert.deepEqual([...cloudflare.previews(WORKER).keys()], [previewName('on/it', WORKER)]);
});

test('without a branch nothing is sent', async () => {
  for (const target of ['preview', 'preview-delete']) {
    const { code, output } = await make(target, { GIT_DIR: gitDirectory('0'.repeat(39) + '1') });
    assert.notEqual(code, 0);
    assert.match(output, /^No branch is checked out here\. Name the branch, as in `make preview BRANCH=my-branch`\.\n/);
  }
  assert.deepEqual(cloudflare.requests, []);
});

test('a branch name is never run as a command', async () => {
  const BRANCH = 'a$(shell touch pwned);`touch pwned`';
  const { code } = await make('preview-delete', { BRANCH });

  assert.equal(code, 0);
  assert.deepEqual(called(), [`DELETE ${path(previewName(BRANCH, WORKER))}`]);
  assert.equal(readdirSync(root).includes('pwned'), false);
});

test('a deletion deletes only the preview of the branch', async () => {
  for (const BRANCH of ['feat/a', 'feat-a']) assert.equal((await preview('deploy', { BRANCH })).code, 0);
  cloudflare.requests.length = 0;
  const { code, output } = await make('preview-delete', { BRANCH: 'feat/a' });

  assert.equal(code, 0);
  assert.equal(output, `Deleted the preview ${previewName('feat/a', WORKER)} of feat/a, with all its state.\n`);
  assert.deepEqual(called(), [`DELETE ${path(previewName('feat/a', WORKER))}`]);
  assert.deepEqual([...cloudflare.previews(WORKER).keys()], ['feat-a']);
});

test('deleting a preview that does not exist is not a failure', async () => {
  const gone = 'Nothing to delete: main has no preview (main).\n';
  assert.deepEqual(await preview('delete', { BRANCH: 'main' }), { code: 0, output: gone });

  await cloudflare.stop();
  cloudflare = await startCloudflare();
  assert.deepEqual(await preview('delete', { BRANCH: 'main' }), { code: 0, output: gone }, 'without a Worker, too');
});

/** A request that the API refuses, its refusal, and the first line of the output. */
const REFUSALS = [
  ['GET', /latest$/, 403, 10000, 'Authentication error', /^Cannot tell whether the preview main exists\. The token needs "Workers Scripts: Edit"/],
  ['GET', /latest$/, 500, 10001, 'An internal error occurred.', /^Cannot tell whether the preview main exists\.$/],
  ['POST', /previews$/, 400, 10061, 'You have reached the limit of previews.', /^The preview of main was not deployed\.$/],
  ['POST', /deployments$/, 403, 10000, 'Authentication error', /^The preview of main was not deployed\. The token needs/],
  ['POST', /deployments$/, 503, 10001, 'Service unavailable', /^The preview of main was not deployed\.$/],
];

for (const [method, where, status, errorCode, message, first] of REFUSALS) {
  test(`${status} (${message}) for ${method} ${where.source} ends the deployment with wrangler's error`, async () => {
    cloudflare.refuse(method, where, status, errorCode, message);
    const { code, output } = await preview('deploy', { BRANCH: 'main' });

    assert.equal(code, 1);
    const lines = output.split('\n').filter((line) => !line.startsWith('Deploying'));
    assert.match(lines[0], first);
    assert.deepEqual(lines.slice(2), [`  ${message} [code: ${errorCode}]`, '']);
    assert.deepEqual(cloudflare.previews(WORKER).get('main')?.deployments ?? [], []);
    const keys = uploads().map(({ metadata }) => metadata.env.MASTER_KEY.text);
    for (const key of keys) assert.equal(output.includes(key), false);
  });
}

test('while it is unknown whether a preview has a key, no key is generated', async () => {
  await preview('deploy', { BRANCH: 'main' });
  const { MASTER_KEY } = cloudflare.previews(WORKER).get('main').secrets;
  cloudflare.refuse('GET', /latest$/, 500, 10001, 'An internal error occurred.', 1);
  const { code } = await preview('deploy', { BRANCH: 'main' });

  assert.equal(code, 1);
  assert.equal(uploads().length, 1);
  assert.equal(cloudflare.previews(WORKER).get('main').secrets.MASTER_KEY, MASTER_KEY);
});

test('after a failed deployment the next one succeeds', async () => {
  cloudflare.refuse('POST', /deployments$/, 503, 10001, 'Service unavailable');
  assert.equal((await preview('deploy', { BRANCH: 'main' })).code, 1);
  cloudflare.relent();

  assert.equal((await preview('deploy', { BRANCH: 'main' })).code, 0);
  assert.equal(uploads().at(-1).metadata.env.MASTER_KEY.type, 'secret_text');
});

test('a refused deletion is a failure', async () => {
  await preview('deploy', { BRANCH: 'main' });
  cloudflare.refuse('DELETE', /main$/, 403, 10000, 'Authentication error');
  const { code, output } = await preview('delete', { BRANCH: 'main' });

  assert.equal(code, 1);
  assert.match(output, /^The preview of main was not deleted\. The token needs .*\n.* failed\.\n  Authentication error \[code: 10000\]\n$/);
  assert.equal(cloudflare.previews(WORKER).size, 1);
});

test('without a token the first line says what to do', async () => {
  for (const command of ['deploy', 'delete']) {
    const { code, output } = await preview(command, { BRANCH: 'main', CLOUDFLARE_API_TOKEN: undefined });
    assert.equal(code, 1);
    assert.match(output.split('\n')[0], / Sign in with `scripts\/wrangler login`, or set CLOUDFLARE_API_TOKEN\.$/);
  }
  assert.deepEqual(cloudflare.requests, []);
});

test('with a token for several accounts the first line says to choose one', async () => {
  await cloudflare.stop();
  cloudflare = await startCloudflare({ worker: WORKER, accounts: [ACCOUNT, OTHER_ACCOUNT] });
  const { code, output } = await preview('deploy', { BRANCH: 'main', CLOUDFLARE_ACCOUNT_ID: undefined });

  assert.equal(code, 1);
  assert.match(output.split('\n')[0], / Choose an account: set CLOUDFLARE_ACCOUNT_ID\.$/);
  assert.match(output, new RegExp(`${ACCOUNT}[^]*${OTHER_ACCOUNT}`), "wrangler's list of accounts is shown");
});

test('a pull request gets one comment, which is edited later', async () => {
  const deployed = ['deployed', 'https://x.example', 'abc123'];
  const list = 'api --paginate repos/o/r/issues/7/comments --jq';

  const [asked, created] = (await comment(deployed, '')).calls;
  assert.ok(asked.startsWith(list));
  assert.match(created, /^api --silent --method POST repos\/o\/r\/issues\/7\/comments --raw-field body=<!-- preview -->\n[^]*https:\/\/x\.example[^]*abc123/);

  const edited = (await comment(deployed, '11\n12')).calls[1];
  assert.match(edited, /^api --silent --method PATCH repos\/o\/r\/issues\/comments\/11 --raw-field body=<!-- preview -->\n/);

  assert.match((await comment(['deleted'], '11')).calls[1], /^api --silent --method PATCH .*comments\/11 .*\n.* has been deleted\.$/);
  assert.equal((await comment(['deleted'], '')).calls.length, 1, 'there is no comment about a preview that never existed');

  const blind = await comment(deployed, '', 1);
  assert.notEqual(blind.code, 0);
  assert.equal(blind.calls.length, 1, 'no comment is posted while it is unknown whether there is one');
});

function preview(command, env) {
  return run([join(root, 'scripts/preview'), command], env);
}

function make(target, env) {
  return run(['make', '--no-print-directory', target], env);
}

/** Runs a command that can reach only the stand-in. `output` is what a terminal would show. */
async function run([command, ...args], changes) {
  for (const directory of ['tmp', 'logs', 'config', 'cache']) mkdirSync(join(home.path, directory), { recursive: true });
  const outside = /^(CLOUDFLARE_|CF_|GITHUB_|GIT_|WRANGLER_|MAKE|MFLAGS|CI$|BRANCH$|XDG_CONFIG_HOME$|NODE_TEST)/;
  const env = {
    ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !outside.test(name))),
    CLOUDFLARE_API_BASE_URL: cloudflare.origin,
    CLOUDFLARE_API_TOKEN: 'dummy',
    CLOUDFLARE_ACCOUNT_ID: ACCOUNT,
    PREBUILT: 'yes',
    PREVIEW_PATIENCE: '0',
    TMPDIR: join(home.path, 'tmp'),
    WRANGLER_LOG_PATH: join(home.path, 'logs'),
    // Hides who is signed in on this machine, and the account that wrangler remembers.
    XDG_CONFIG_HOME: join(home.path, 'config'),
    WRANGLER_CACHE_DIR: join(home.path, 'cache'),
    ...changes,
  };
  const child = spawn('sh', ['-c', 'exec "$@" 2>&1', 'sh', command, ...args], { cwd: root, env, stdio: ['ignore', 'pipe', 'inherit'] });
  const closed = new Promise((done) => child.on('close', done));
  const [code, output] = await within(60_000, Promise.all([closed, text(child.stdout)]), `${command} did not end`).finally(() => child.kill());
  return { code, output };
}

/** Runs the comment script with a `gh` that prints `ids` and exits with `status`. `calls` are gh's command lines. */
async function comment(args, ids, status = 0) {
  const directory = temporaryDirectory();
  const log = join(directory.path, 'log');
  writeFileSync(log, '');
  writeFileSync(join(directory.path, 'gh'), `#!/bin/sh\nprintf '%s\\036' "$*" >>"$LOG"\nprintf '%s' "$IDS"\nexit ${status}\n`, { mode: 0o755 });
  const env = { LOG: log, IDS: ids, PATH: `${directory.path}:${process.env.PATH}`, GITHUB_REPOSITORY: 'o/r', PULL_REQUEST: '7' };
  const { code } = await run([join(root, '.github/preview-comment'), ...args], env);
  const calls = readFileSync(log, 'utf8').split('\x1e').slice(0, -1);
  directory.remove();
  return { code, calls };
}

/** Makes a directory that git takes for a repository, with this HEAD. */
function gitDirectory(head) {
  const { path } = temporaryDirectory();
  for (const directory of ['objects', 'refs']) mkdirSync(join(path, directory));
  writeFileSync(join(path, 'HEAD'), `${head}\n`);
  return path;
}

function uploads() {
  return cloudflare.requests.filter(({ form }) => form).map(({ form }) => form);
}

function called() {
  return cloudflare.requests.map(({ method, path }) => `${method} ${path}`);
}

function path(name) {
  return `/accounts/${ACCOUNT}/workers/workers/${WORKER}/previews/${name}`;
}
