// Checks the GitHub workflows as data: when they deploy and delete previews, their permissions, and that no branch name
// becomes part of a command.

import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readdirSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { root } from './support/config.mjs';

// A YAML parser that the OpenAPI validator depends on.
const { parse } = createRequire(createRequire(import.meta.url).resolve('@seriousme/openapi-schema-validator'))('yaml');

const directory = join(root, '.github/workflows');
const workflows = Object.fromEntries(readdirSync(directory).map((name) => [name, parse(readFileSync(join(directory, name), 'utf8'))]));
const preview = workflows['preview.yml'];
const { ready, deploy, delete: removal } = preview.jobs;

/** Returns every step of every job. */
const steps = (workflow) => Object.values(workflow.jobs).flatMap((job) => job.steps);
const commands = (job) => job.steps.flatMap(({ run = [] }) => run);

/** Expressions that the author of a pull request can choose freely, which a commit's hash is not. */
const CHOSEN = /\$\{\{[^}]*\bgithub\.(head_ref|ref_name|event\.(?!pull_request\.(number|head\.sha)\b|action\b))/;

test('opening or updating a pull request deploys its preview, and closing deletes it', () => {
  assert.deepEqual(preview.on, { pull_request: { types: ['opened', 'synchronize', 'reopened', 'closed'] } });
  assert.equal(deploy.if, "needs.ready.outputs.ready == 'true' && github.event.action != 'closed'");
  assert.equal(removal.if, "needs.ready.outputs.ready == 'true' && github.event.action == 'closed'");
  assert.deepEqual([deploy.needs, removal.needs], ['ready', 'ready']);
  assert.deepEqual([commands(deploy).includes('make preview'), commands(deploy).includes('make preview-delete')], [true, false]);
  assert.deepEqual([commands(removal).includes('make preview'), commands(removal).includes('make preview-delete')], [false, true]);
  for (const job of [deploy, removal]) {
    const { env } = job.steps.find(({ run }) => /^make preview/.test(run));
    assert.equal(env.BRANCH, '${{ github.head_ref }}');
  }
});

test('every make target that the workflows run exists', () => {
  const makefile = readFileSync(join(root, 'Makefile'), 'utf8');
  for (const [, target] of Object.values(workflows).flatMap(steps).flatMap(({ run = '' }) => [...run.matchAll(/^make ([\w-]+)/gm)])) {
    assert.match(makefile, new RegExp(`^${target}:`, 'm'));
  }
});

test('each build that CI tests or deploys keeps the names of its functions and the list of its parts', () => {
  for (const [job, builds] of [[workflows['ci.yml'].jobs.test, 'bash .ci/run'], [deploy, 'make build']]) {
    const at = job.steps.findIndex(({ run }) => run === builds);
    const { uses, if: condition, with: kept } = job.steps[at + 1];
    assert.match(uses, /^actions\/upload-artifact@/);
    assert.equal(condition, undefined, 'only if it was built');
    assert.deepEqual(kept.path.trim().split('\n'), ['build/index_bg.named.wasm', 'build/sbom.cdx.json']);
    assert.equal(kept['if-no-files-found'], 'error');
  }
});

test('a branch has one run at a time, and none is canceled', () => {
  assert.deepEqual(preview.concurrency, { group: 'preview-${{ github.event.pull_request.head.label }}', 'cancel-in-progress': false });
});

test('no workflow has more permissions than it needs', () => {
  assert.deepEqual(preview.permissions, {});
  assert.equal(ready.permissions, undefined);
  for (const job of [deploy, removal]) assert.deepEqual(job.permissions, { contents: 'read', 'pull-requests': 'write' });
  assert.deepEqual(workflows['ci.yml'].permissions, { contents: 'read' });
  for (const [name, workflow] of Object.entries(workflows)) {
    // These triggers would run with secrets and write permissions for anybody who opens a pull request.
    for (const trigger of ['pull_request_target', 'workflow_run']) assert.ok(!(trigger in workflow.on), `${name}: ${trigger}`);
  }
});

test('every action is pinned by its commit, named with its version, and leaves no credentials behind', () => {
  const pins = new Set();
  for (const [name, workflow] of Object.entries(workflows)) {
    const lines = readFileSync(join(directory, name), 'utf8').split('\n').filter((line) => /\buses:/.test(line));
    for (const line of lines) assert.match(line, /^ +(- )?uses: [\w/.-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/, name);
    const used = steps(workflow).filter(({ uses }) => uses);
    assert.equal(used.length, lines.length, `${name}: no job uses a workflow from elsewhere`);
    for (const { uses, with: inputs } of used) {
      pins.add(uses);
      if (uses.startsWith('actions/checkout@')) assert.equal(inputs['persist-credentials'], false, name);
    }
  }
  assert.equal(pins.size, new Set([...pins].map((uses) => uses.split('@')[0])).size, 'every workflow uses the same version');
});

test('known vulnerabilities are looked up every week, in every lock file', () => {
  const { on, permissions, jobs } = workflows['advisories.yml'];
  assert.match(on.schedule[0].cron, /^\d+ \d+ \* \* [0-6]$/);
  assert.deepEqual(permissions, { contents: 'read' });
  assert.ok(commands(jobs.advisories).includes('make advisories'));
  const script = readFileSync(join(root, 'scripts/advisories'), 'utf8');
  const files = execFileSync('git', ['ls-files'], { cwd: root, encoding: 'utf8' }).split('\n');
  const locked = (file) => files.filter((path) => basename(path) === file).map((path) => dirname(path)).sort();
  const named = (command) => [...script.matchAll(new RegExp(`^  look ".*" \\S+ ${command} (.*)$`, 'gm'))].flatMap(([, places]) => places.split(' ')).sort();
  assert.deepEqual(named('crates'), locked('Cargo.lock'));
  assert.deepEqual(named('npm_packages'), locked('package-lock.json'));
  assert.match(script, / npm audit signatures$/m);
  assert.match(script, / node scripts\/pypi-advisories\.mjs$/m);
});

test('a vulnerability of a PyPI package is named, and so is a package that cannot be looked up', async (t) => {
  let answer = () => [];
  const server = createServer(({ url }, response) => {
    const vulnerabilities = answer(url);
    response.writeHead(vulnerabilities ? 200 : 404).end(JSON.stringify({ vulnerabilities }));
  });
  t.after(() => server.close());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const PYPI = `http://127.0.0.1:${server.address().port}`;
  const run = promisify(execFile);
  const lookUp = () => run(process.execPath, [join(root, 'scripts/pypi-advisories.mjs')], { env: { PYPI } }).catch((failed) => failed);
  const lists = ['scripts/schemathesis.txt', 'scripts/clients.txt'].map((list) => readFileSync(join(root, list), 'utf8').match(/^[\w.-]+==\S+/gm));
  const locked = [...new Set(lists.flat())];

  const { code, stdout } = await lookUp();
  assert.deepEqual([code, stdout], [undefined, `${locked.length} packages, 0 known vulnerabilities\n`]);
  const known = [{ id: 'PYSEC-1', fixed_in: ['5.0'], withdrawn: null }, { id: 'PYSEC-2', fixed_in: [], withdrawn: '2026-01-01' }];
  answer = (url) => (url.startsWith('/pypi/anyio/') ? known : []);
  const found = await lookUp();
  assert.equal(found.code, 1);
  assert.match(found.stderr, /^anyio [\d.]+: PYSEC-1, fixed in 5\.0\n$/);
  answer = (url) => (url.startsWith('/pypi/authlib/') ? undefined : []);
  const unknown = await lookUp();
  assert.equal(unknown.code, 1);
  assert.match(unknown.stderr, /^http:\S+\/pypi\/authlib\/[\d.]+\/json answers 404\n$/);
  assert.match(unknown.stdout, /, 1 not looked up$/m);
});

test('tools are installed only with a lock file or with digests', () => {
  const setup = readFileSync(join(root, 'scripts/setup'), 'utf8');
  for (const [line] of setup.matchAll(/^.*\bcargo install\b.*$/gm)) assert.match(line, /^#|cargo install --locked/);
  for (const [line] of setup.matchAll(/^.*\bpip" install\b.*$/gm)) assert.match(line, /--require-hashes --only-binary :all:/);
  assert.doesNotMatch(setup, /npm install/);
});

test('no expression is part of a command: values that people choose come only through the environment', () => {
  for (const [name, workflow] of Object.entries(workflows)) {
    for (const { run, uses, with: inputs = {}, shell } of steps(workflow)) {
      assert.doesNotMatch(run ?? '', /\$\{\{/, `${name}: ${run}`);
      assert.ok(!uses?.includes('${{') && !shell?.includes('${{'), `${name}: ${uses}`);
      for (const input of Object.values(inputs)) assert.doesNotMatch(String(input), CHOSEN, `${name}: ${uses}`);
    }
  }
  for (const job of [deploy, removal]) {
    for (const run of commands(job)) for (const [, quote] of run.matchAll(/(.?)\$[A-Z]/g)) assert.equal(quote, '"', `${run} would be split`);
  }
});

test('only the steps that deploy and delete have credentials, and none of them runs for a fork', () => {
  const secret = (value) => /\$\{\{[^}]*\bsecrets\b/.test(JSON.stringify(value ?? {}));
  const withSecrets = steps(preview).filter(secret).map(({ run, id }) => id ?? run);
  assert.deepEqual(withSecrets, ['look', 'preview', 'make preview-delete']);
  for (const step of steps(preview)) assert.ok(!secret({ ...step, env: undefined }), 'secrets only in the environment');
  assert.deepEqual(ready.steps.map(({ env }) => env), [{
    OWN: '${{ github.event.pull_request.head.repo.full_name == github.repository }}',
    TOKEN: "${{ secrets.CLOUDFLARE_API_TOKEN != '' }}",
  }]);
  assert.ok(!secret(workflows['ci.yml']));
  assert.equal(removal.steps[0].with.ref, '${{ github.base_ref }}', 'the deletion does not run code of the pull request');
});
