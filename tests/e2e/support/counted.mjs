// Starts the built Worker inside of counted.js, and reads its counts.
//
//     const { server, during, later } = await startCounted(vars);
//     const { requests, classes } = await during(() => fetch(`${server.origin}/healthz`));
//     await later(60_000);                    // a minute of the server's clock; alarms ring

import assert from 'node:assert/strict';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { builds } from './config.mjs';
import { startWorkerd, temporaryDirectory } from './harness.mjs';

/** How often `staysWithin` may let something happen. */
export const MOST_RUNS = 5;
const BUILT = ['index.js', 'index_bg.wasm'];
const COUNTING = ['counted.js', 'ahead.js', 'awake.js'];
/** Milliseconds of the server's clock that pass at once, and those that its alarms then have to ring. */
const STEP = 20_000;
const RINGING = 100;

export async function startCounted(vars) {
  const home = temporaryDirectory();
  for (const file of BUILT) copyFileSync(join(builds.release, file), join(home.path, file));
  for (const file of COUNTING) copyFileSync(join(import.meta.dirname, file), join(home.path, file));
  const server = await startWorkerd({ build: home.path, modules: [...COUNTING, ...BUILT], flags: ['nodejs_als'], vars });
  const read = async () => (await fetch(`${server.origin}/counted`)).json();
  /** Returns what `run` adds to the counts: of all classes together, and in `classes` of each. */
  const during = async (run) => {
    const before = await read();
    await run();
    const classes = mapped(await read(), (counts, name) => mapped(counts, (count, what) => count - before[name][what]));
    const all = Object.values(classes).reduce((sum, counts) => mapped(sum, (count, what) => count + counts[what]));
    return { ...all, classes };
  };
  /** Lets so many milliseconds pass for the server, in steps that are shorter than the time between two alarms. */
  const later = async (milliseconds) => {
    for (let left = milliseconds; left > 0; left -= STEP) {
      await fetch(`${server.origin}/counted?later=${Math.min(left, STEP)}`);
      await wait(RINGING);
    }
  };
  return { server, during, later };
}

/** Fails unless most of the runs stay within the ceilings: in others, an object may create its tables, or an alarm ring. */
export async function staysWithin(ceilings, spend) {
  const [over, majority] = [[], Math.ceil(MOST_RUNS / 2)];
  for (let within = 0; within < majority; ) {
    const spent = await spend();
    if (Object.entries(ceilings).every(([what, most]) => spent[what] <= most)) within++;
    else over.push(spent);
    assert.ok(over.length < majority, `${JSON.stringify(ceilings)} is less than ${JSON.stringify(over)}`);
  }
}

/** Returns an object with each value changed. */
export function mapped(object, change) {
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [name, change(value, name)]));
}
