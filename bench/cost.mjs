// Counts what Cloudflare bills for one login, and prices a million. Every count is the runtime's own.
//
// One device signs in on an idle server, and then the alarms ring until nothing of its code is left. So nothing is shared
// with other logins: under load, one alarm serves many. Nobody waits for that: the server's clock is put forward.

import { mapped, startCounted } from '../tests/e2e/support/counted.mjs';
import { listen } from '../tests/e2e/support/listener.mjs';
import { rows } from '../tests/e2e/support/stored.mjs';
import { Caller } from './caller.mjs';
import { ours } from './servers.mjs';

const CLASSES = ['GrantShard', 'AccountShard', 'LimiterShard', 'Registry', 'Ledger', 'Counts', 'Courier'];
/** Pending polls of a person who takes 30 s, at one every 5 s. The next poll redeems. */
export const POLLS = 6;
const INTERVAL = 5_000;
/** One shard, so that no login is the first one of an object. How long a code lives is the default. */
const VARS = { SHARDS_PER_REGION: '1' };
/** Milliseconds until a code of the default lifetime has ended, and every alarm has rung that this leads to. */
const UNTIL_SWEPT = 600_000;
/** The memory that is billed for an object. */
const OBJECT_GIGABYTES = 0.128;

/** US dollars for a million, beyond what the paid plan includes. See docs/performance.md. */
const PRICES = { 'Requests': 0.3, 'CPU time, ms': 0.02, 'Requests to objects, and alarms': 0.15, 'Run time of objects, GB-s': 12.5, 'Rows read': 0.001, 'Rows written': 1, 'Lines of the log': 0.6 };

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
 * Returns what `logins` cost on average, each until its code is gone: of a device that is `polling`, and of one with a WebSocket
 * that hears `instant`ly. Each has `httpRequests`, the counts of all `classes`, and `kept`, the rows of its tokens, its device
 * and its events, which are deleted later.
 */
export async function countLogin(logins = 3) {
  const counted = await startCounted(VARS);
  try {
    return { polling: await lives(counted, polling, logins), instant: await lives(counted, instant, logins) };
  } finally {
    await counted.server.stop();
  }
}

/** A person signs in, and one device after the other `login`s. The first one is not counted: objects and keys are there then. */
async function lives({ server, during, later }, login, logins) {
  const caller = new Caller(server);
  const steps = await ours.flow(server, caller, 0);
  const life = async () => {
    await login({ server, steps, later, caller });
    await later(UNTIL_SWEPT);
  };
  await life();
  const [before, seen] = [stored(server), caller.count];
  const sum = await during(async () => {
    for (let i = 0; i < logins; i++) await life();
  });
  caller.close();
  return divided({ ...sum, kept: stored(server) - before, httpRequests: caller.count - seen }, logins);
}

async function polling({ steps, later }) {
  const codes = await steps.start();
  for (let i = 0; i < POLLS; i++) {
    await later(INTERVAL);
    await steps.poll(codes);
  }
  await steps.approve(codes);
  await steps.redeem(codes);
}

async function instant({ server, steps, later, caller }) {
  const codes = await steps.start();
  const line = await listen({ server, codes });
  caller.count += 1;
  await steps.poll(codes);
  await later(POLLS * INTERVAL);
  await steps.approve(codes);
  await line.heard;
  await steps.redeem(codes);
  line.close();
}

function divided(counts, by) {
  return mapped(counts, (count) => (typeof count === 'object' ? divided(count, by) : count / by));
}

/** Returns `[what, per login, price of a million, price of a million logins]` for each thing that Cloudflare bills. */
export function bill({ httpRequests, requests, alarms, messages, awake, rowsRead, rowsWritten, alarmsSet, kept, lines }, milliseconds) {
  const amounts = {
    'Requests': httpRequests,
    'CPU time, ms': milliseconds,
    // Twenty messages of WebSockets are billed as one request.
    'Requests to objects, and alarms': requests + alarms + messages / 20,
    'Run time of objects, GB-s': (awake / 1_000) * OBJECT_GIGABYTES,
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
  } catch (error) {
    // Not every object of a class has every table.
    if (error.message.startsWith('no such table')) return 0;
    throw error;
  }
}
