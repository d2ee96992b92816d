// What a decision by a large policy costs in wasm. docs/decisions/0060 has the figures; nothing here depends on the machine.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { builds } from './support/config.mjs';
import { startWorkerd, temporaryDirectory } from './support/harness.mjs';
import { endDiscreetly } from './support/secrets.mjs';

const DECISIONS = 10_000;

test('a policy of 200 rules decides in the runtime, and the time is printed', async (t) => {
  const directory = temporaryDirectory();
  const server = await startWorkerd({ build: builds.probe, dir: directory.path });
  t.after(async () => {
    await endDiscreetly(server);
    directory.remove();
  });
  const took = [];
  for (let round = 0; round < 5; round += 1) {
    const begin = performance.now();
    const response = await fetch(`${server.origin}/panic-probe/policy`);
    took.push(((performance.now() - begin) * 1_000) / DECISIONS);
    const allowed = Number(await response.text());
    assert.ok(allowed === 0 || allowed === DECISIONS, `${allowed} of ${DECISIONS}: a decision is always the same`);
  }
  t.diagnostic(`µs for a decision: ${took.map((micros) => micros.toFixed(1)).join(', ')}`);
});
