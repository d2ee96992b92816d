// The names of the Worker's functions, which are not in the module that is deployed but in a twin of it.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { sections } from '../../scripts/names.mjs';
import { until } from './support/bounded.mjs';
import { builds, root } from './support/config.mjs';
import { startFaulty } from './support/faults.mjs';

test('the module has no names, and its twin has nothing else besides', () => {
  for (const build of [builds.release, builds.probe]) {
    const [module, twin] = ['index_bg.wasm', 'index_bg.named.wasm'].map((name) => readFileSync(join(build, name)));
    const [kept, named] = [module, twin].map((wasm) => [...sections(wasm)].map(({ custom, begin, end }) => ({ custom, digest: sha256(wasm.subarray(begin, end)) })));

    assert.deepEqual(kept, named.filter(({ custom }) => custom !== 'name'));
    assert.equal(named.length, kept.length + 1);
  }
});

test('the twin tells which functions a stack trace is about', async (t) => {
  const { server, send } = await startFaulty(t, { vars: {} });
  await send('/panic-probe').catch(() => {});
  await until(() => /wasm-function\[\d+\]/.test(server.logs()), 10_000, 'there is no stack trace');
  assert.doesNotMatch(server.logs(), /device_grant::/);

  const named = join(builds.probe, 'index_bg.named.wasm');
  const { stdout, status } = spawnSync(process.execPath, [join(root, 'scripts/names.mjs'), 'resolve', named], { input: server.logs(), encoding: 'utf8' });

  assert.equal(status, 0);
  assert.match(stdout, /wasm-function\[\d+\] device_grant::cloudflare::(probe|entry)::/);
  assert.doesNotMatch(stdout, /\(unknown\)/);
});

function sha256(bytes) {
  return createHash('sha256').update(bytes).digest('hex');
}
