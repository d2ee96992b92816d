// The workflows on GitHub, read as data: when previews come and go, with what rights, and that nobody's branch name is
// ever part of a command.

import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { test } from 'node:test';
import { root } from './support/config.mjs';

// The validator of the OpenAPI document brings it.
const { parse } = createRequire(createRequire(import.meta.url).resolve('@seriousme/openapi-schema-validator'))('yaml');

const directory = join(root, '.github/workflows');
const workflows = Object.fromEntries(readdirSync(directory).map((name) => [name, parse(readFileSync(join(directory, name), 'utf8'))]));
const preview = workflows['preview.yml'];
const { ready, deploy, delete: removal } = preview.jobs;

/** Every step of every job. */
const steps = (workflow) => Object.values(workflow.jobs).flatMap((job) => job.steps);
const commands = (job) => job.steps.flatMap(({ run = [] }) => run);

/** What a pull request's author can choose freely (a commit's hash is not that). */
const CHOSEN = /\$\{\{[^}]*\bgithub\.(head_ref|ref_name|event\.(?!pull_request\.(number|head\.sha)\b|action\b))/;

test('a preview comes with a pull request and each push to it, and goes when it is closed', () => {
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

test('what the workflows run is there', () => {
  const makefile = readFileSync(join(root, 'Makefile'), 'utf8');
  for (const [, target] of Object.values(workflows).flatMap(steps).flatMap(({ run = '' }) => [...run.matchAll(/^make ([\w-]+)/gm)])) {
    assert.match(makefile, new RegExp(`^${target}:`, 'm'));
  }
});

test('a branch has one run at a time, and none is cut off half-way', () => {
  assert.deepEqual(preview.concurrency, { group: 'preview-${{ github.event.pull_request.head.label }}', 'cancel-in-progress': false });
});

test('no workflow may do more than it needs', () => {
  assert.deepEqual(preview.permissions, {});
  assert.equal(ready.permissions, undefined);
  for (const job of [deploy, removal]) assert.deepEqual(job.permissions, { contents: 'read', 'pull-requests': 'write' });
  assert.deepEqual(workflows['ci.yml'].permissions, { contents: 'read' });
  for (const [name, workflow] of Object.entries(workflows)) {
    // It would run with secrets and rights for whoever opens a pull request.
    for (const trigger of ['pull_request_target', 'workflow_run']) assert.ok(!(trigger in workflow.on), `${name}: ${trigger}`);
  }
  for (const job of [deploy, removal]) {
    for (const step of job.steps.filter(({ uses }) => uses?.startsWith('actions/checkout@'))) assert.equal(step.with['persist-credentials'], false);
  }
});

test('no value is written into a command: what somebody chose gets there by the environment only', () => {
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

test('credentials are in the environment of what deploys and deletes alone, and never where there is a fork', () => {
  const secret = (value) => /\$\{\{[^}]*\bsecrets\b/.test(JSON.stringify(value ?? {}));
  const withSecrets = steps(preview).filter(secret).map(({ run, id }) => id ?? run);
  assert.deepEqual(withSecrets, ['look', 'preview', 'make preview-delete']);
  for (const step of steps(preview)) assert.ok(!secret({ ...step, env: undefined }), 'not outside of the environment');
  assert.deepEqual(ready.steps.map(({ env }) => env), [{
    OWN: '${{ github.event.pull_request.head.repo.full_name == github.repository }}',
    TOKEN: "${{ secrets.CLOUDFLARE_API_TOKEN != '' }}",
  }]);
  assert.ok(!secret(workflows['ci.yml']));
  assert.equal(removal.steps[0].with.ref, '${{ github.base_ref }}', 'what deletes is not of the pull request');
});
