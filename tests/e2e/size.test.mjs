// The size of the Worker: budgets, and what has grown since they were set.
//
// `size.json` has the budgets, and under `parts` the bytes of each crate, and of each module of our own, when they were set.
// Whoever makes the Worker smaller lowers them; whoever needs more room raises them, and says why in the commit. For new
// `parts`, run `scripts/sizes.mjs build`.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { sizes } from '../../scripts/sizes.mjs';
import { builds, root } from './support/config.mjs';

const budgets = JSON.parse(readFileSync(join(root, 'tests/e2e/size.json'), 'utf8'));
const { bytes, gzipped, functions, parts } = sizes(builds.release);

test('the module that is deployed stays within its budgets', () => {
  for (const [what, size] of Object.entries({ bytes, gzipped })) {
    assert.ok(size <= budgets[what], `${what}: ${size}, and at most ${budgets[what]} are allowed. ${grown()}`);
  }
});

test('no function is so large that the compiler must have put many into one', () => {
  const large = functions.filter((one) => one.bytes > budgets.largest);
  const named = large.map((one) => `${one.bytes} bytes: ${one.name}`);

  assert.deepEqual(named, [], `at most ${budgets.largest} bytes are allowed. Put its parts into boxes: see src/endpoint/boxed.rs`);
});

test('nearly every function has a name that says what it is part of', () => {
  const all = Object.values(parts).reduce((sum, part) => sum + part, 0);

  assert.ok(parts['device_grant::endpoint'] > all / 10, JSON.stringify(parts));
  assert.ok(parts.others < all / 20, JSON.stringify(parts));
});

/** Says what is larger than when the budgets were set, the most first. */
function grown() {
  const growth = Object.entries(parts).map(([name, now]) => ({ name, more: now - (budgets.parts[name] ?? 0) }));
  const more = growth.filter(({ more }) => more > 0).sort((a, b) => b.more - a.more).slice(0, 12);
  return `Since the budgets were set, these have grown:\n${more.map(({ name, more }) => `  ${name}: ${more} bytes`).join('\n')}`;
}
