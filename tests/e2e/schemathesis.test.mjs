// An outsider's tool tries the OpenAPI document of the admin API on the server: schemathesis makes up requests that the
// document accepts and requests that it refuses, and compares every answer with it. The seed is fixed.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ADMIN_TOKEN, Admin } from './support/admin.mjs';
import { root, schemathesis } from './support/config.mjs';
import { startWorkerd } from './support/harness.mjs';
import { operations } from './support/openapi.mjs';

/** In milliseconds. It ends a run that hangs; a run takes about two minutes, and on a slow machine three times as long. */
const LIMIT = 590_000;
/** Paths with the largest bodies. They are tried beside the others, because that takes half of the time. */
const LARGE = '^/(policy|exceptions)';
const home = join(root, 'tests/e2e/schemathesis');

let server;
before(async () => {
  server = await startWorkerd();
  const admin = new Admin(server);
  for (const client_id of ['tried', 'rotated']) await admin.create({ client_id, client_name: 'Tried' });
  await admin.ask('PUT', '/scopes/fly', { body: { description: 'Fly' } });
  const provider = { id: 'tried', name: 'Tried', issuer: 'https://id.example', client_id: 'a', token_endpoint_auth_method: 'private_key_jwt' };
  await admin.ask('POST', '/providers', { body: provider });
  await admin.ask('PUT', '/policy', { body: { default: 'enforced', reason: 'A test' }, ifMatch: '*' });
  const exception = { when: { clients: ['tv'] }, owner: 'Alice', reason: 'A test', ticket: 'SEC-1', expires_at: new Date(Date.now() + 86_400_000).toISOString() };
  for (const id of ['tried', 'ended']) await admin.ask('POST', '/exceptions', { body: { ...exception, id } });
  const killSwitch = { id: 'tried', target: { client: 'nobody' }, reason: 'A test', until: exception.expires_at };
  await admin.ask('POST', '/kill-switches', { body: killSwitch });
  const destination = { id: 'tried', kind: 'webhook', url: 'https://siem.example/events', enabled: false };
  await admin.ask('POST', '/destinations', { body: destination });
});
after(() => server.stop());

test('schemathesis finds no request on which the document and the server disagree', { timeout: LIMIT + 10_000 }, async () => {
  const runs = await Promise.all(['--include-path-regex', '--exclude-path-regex'].map((option) => run('src/endpoint/admin/openapi.json', option, LARGE)));

  for (const { code, output } of runs) assert.equal(code, 0, output);
  const tested = runs.map(({ output }) => Number(output.match(/Tested: (\d+)/)?.[1]));
  assert.equal(tested[0] + tested[1], operations.length, 'every operation is tried');
});

/** Runs schemathesis with an OpenAPI document and more options. */
async function run(document, ...options) {
  const args = ['--config-file', join(home, 'schemathesis.toml'), 'run', join(root, document), '--url', `${server.origin}/admin/api`, '--no-color', ...options];
  args.push('--header', `Authorization: Bearer ${ADMIN_TOKEN}`);
  const env = { ...process.env, SCHEMATHESIS_HOOKS: 'hooks', PYTHONPATH: home, PYTHONDONTWRITEBYTECODE: '1', NETWORK: options[0] === '--include-path-regex' ? '10' : '11' };
  const child = spawn(schemathesis(), args, { cwd: home, env, stdio: ['ignore', 'pipe', 'pipe'], timeout: LIMIT, killSignal: 'SIGKILL' });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text));
  const [code] = await once(child, 'close');
  return { code, output };
}
