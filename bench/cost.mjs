// Counts what Cloudflare bills for one login, and prices a million. Every count is the runtime's own.
//
// One device signs in on an idle server, and then the alarms ring until nothing of its code is left. So nothing is shared
// with other logins: under load, one alarm serves many.

import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { builds, root } from '../tests/e2e/support/config.mjs';
import { startWorkerd, temporaryDirectory } from '../tests/e2e/support/harness.mjs';
import { listen } from '../tests/e2e/support/listener.mjs';
import { rows } from '../tests/e2e/support/stored.mjs';
import { Caller } from './caller.mjs';
import { form, ours } from './servers.mjs';

const CLASSES = ['GrantShard', 'AccountShard', 'LimiterShard', 'Registry', 'Ledger', 'Counts', 'Courier'];
/** Pending polls of a person who takes 30 s, at one every 5 s. The next poll redeems. */
export const POLLS = 6;
/** Codes whose rows are swept soon. How long a code lives changes no count. */
const VARS = { CODE_LIFETIME_SECONDS: '10', REDEMPTION_GRACE_SECONDS: '10', SHARDS_PER_REGION: '1' };
/** Milliseconds until the codes of a login have ended, and every alarm has rung that this leads to. */
const UNTIL_SWEPT = 150_000;
/** Seconds that an object is awake for one request or alarm: more than any takes here, as the network is slower. */
const AWAKE = 0.01;
const OBJECT_GIGABYTES = 0.128;

/** US dollars for a million, beyond what the paid plan includes. See docs/performance.md. */
const PRICES = { 'Requests': 0.3, 'CPU time, ms': 0.02, 'Requests to objects, and alarms': 0.15, 'Run time of objects, GB-s': 12.5, 'Rows read': 0.001, 'Rows written': 1, 'Lines of the log': 0.6 };

/** Starts the built Worker inside of tests/e2e/support/counted.js. */
export async function startCounted(vars) {
  const home = temporaryDirectory();
  for (const file of ['index.js', 'index_bg.wasm']) copyFileSync(join(builds.release, file), join(home.path, file));
  copyFileSync(join(root, 'tests/e2e/support/counted.js'), join(home.path, 'counted.js'));
  const server = await startWorkerd({ build: home.path, modules: ['counted.js', 'index.js', 'index_bg.wasm'], vars });
  const read = async () => (await fetch(`${server.origin}/counted`)).json();
  /** Returns what `run` adds to the counts: of all classes together, and in `classes` of each. */
  const during = async (run) => {
    const before = await read();
    await run();
    const classes = mapped(await read(), (counts, name) => mapped(counts, (count, what) => count - before[name][what]));
    const all = Object.values(classes).reduce((sum, counts) => mapped(sum, (count, what) => count + counts[what]));
    return { ...all, classes };
  };
  return { server, during };
}

function mapped(object, change) {
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [name, change(value, name)]));
}

/** Returns how many of the calls to objects in a whole flow write, each of which is one commit. */
export async function countCommits() {
  const { server, during } = await startCounted(VARS);
  const caller = new Caller(server);
  try {
    const login = await ours.flow(server, caller, 0);
    await login();
    return (await during(login)).commits;
  } finally {
    caller.close();
    await server.stop();
  }
}

/**
 * Returns the counts of one login until its code is gone; `httpRequests`; and `kept`, the rows of its tokens, its device and
 * its events, which are deleted later: of a device that is `polling`, and of one with a WebSocket that hears `instant`ly.
 */
export async function countLogin() {
  const { server, during } = await startCounted(VARS);
  const caller = new Caller(server);
  try {
    const login = await ours.flow(server, caller, 0);
    await login();
    await wait(UNTIL_SWEPT);
    const before = stored(server);
    caller.count = 0;
    const life = await during(async () => {
      await login();
      await wait(UNTIL_SWEPT);
    });
    // The life has one pending poll. A device with a WebSocket needs no other.
    const httpRequests = caller.count;
    const kept = stored(server) - before;
    const codes = await caller.start(form(ours.start));
    const poll = await during(() => caller.send('/token', { device: true, form: form(ours.poll, codes.device_code).body }));
    const lines = [];
    const upgrade = await during(async () => lines.push(await listen({ server, codes })));
    lines.forEach((line) => line.close());
    const { classes: _, ...counts } = life;
    const plus = (times, more) => ({
      ...mapped(counts, (count, name) => count + times * more[name]),
      kept,
      httpRequests: httpRequests + times,
    });
    return { polling: plus(POLLS - 1, poll), instant: plus(1, upgrade) };
  } finally {
    caller.close();
    await server.stop();
  }
}

/** Returns `[what, per login, price of a million, price of a million logins]` for each thing that Cloudflare bills. */
export function bill({ httpRequests, requests, alarms, rowsRead, rowsWritten, alarmsSet, kept, lines }, milliseconds) {
  const objects = requests + alarms;
  const amounts = {
    'Requests': httpRequests,
    'CPU time, ms': milliseconds,
    'Requests to objects, and alarms': objects,
    'Run time of objects, GB-s': objects * AWAKE * OBJECT_GIGABYTES,
    'Rows read': rowsRead,
    'Rows written': rowsWritten + alarmsSet + kept,
    'Lines of the log': lines,
  };
  return Object.entries(PRICES).map(([what, price]) => [what, amounts[what], price, amounts[what] * price]);
}

/** Counts the rows of all tables. The deletion of one counts as one row written, whatever indexes it is in. */
function stored(server) {
  let sum = 0;
  for (const name of CLASSES) {
    const tables = rows(server, name, "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_cf%' ESCAPE '\\' AND name NOT LIKE 'sqlite%'");
    for (const of of new Set(tables.map((table) => table.name))) sum += entries(server, name, of);
  }
  return sum;
}

function entries(server, className, table) {
  try {
    return rows(server, className, `SELECT COUNT(*) AS count FROM "${table}"`).reduce((sum, { count }) => sum + count, 0);
  } catch {
    return 0;
  }
}
