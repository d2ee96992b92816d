// How long some computations take in wasm. Decisions 58 and 60 have the figures; nothing here depends on the machine.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { builds } from './support/config.mjs';
import { startWorkerd, temporaryDirectory } from './support/harness.mjs';
import { endDiscreetly } from './support/secrets.mjs';

/** How often the probe repeats what it is asked for. */
const TIMES = 10_000;

let server, directory;

before(async () => {
  directory = temporaryDirectory();
  server = await startWorkerd({ build: builds.probe, dir: directory.path });
});

after(async () => {
  await endDiscreetly(server);
  directory.remove();
});

test('a policy of 200 rules decides in the runtime, and the time is printed', async (t) => {
  const allowed = await printed(t, 'policy', 'a decision');
  assert.ok(allowed.every((count) => count === allowed[0]) && [0, TIMES].includes(allowed[0]), `${allowed} of ${TIMES} are allowed: a decision is always the same`);
});

test('a code is drawn for a shard in the runtime, and the time is printed', async (t) => {
  const right = await printed(t, 'codes', 'a code');
  assert.ok(right.every((count) => count === TIMES), `${right} of ${TIMES} codes lead back to the shard`);
});

/** Asks the probe five times, prints the times, and returns the answers. */
async function printed(t, path, what) {
  const [took, answers] = [[], []];
  for (let round = 0; round < 5; round += 1) {
    const begin = performance.now();
    const response = await fetch(`${server.origin}/panic-probe/${path}`);
    took.push(((performance.now() - begin) * 1_000) / TIMES);
    answers.push(Number(await response.text()));
  }
  t.diagnostic(`µs for ${what}: ${took.map((micros) => micros.toFixed(1)).join(', ')}`);
  return answers;
}
