// Servers with faults: the build with the panic probe, and changes to the state of a server while it is stopped.
//
//     const { server, later, send } = await startFaulty(t, { vars });
//     await send('/panic-probe/transaction');             // the next transaction traps
//     await later(() => change(server, 'Ledger', 'DROP TRIGGER full'));

import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { builds } from './config.mjs';
import { startWorkerd, temporaryDirectory } from './harness.mjs';
import { endDiscreetly } from './secrets.mjs';

/** Milliseconds from a restart by `later` to the alarms. */
const SOON = 1_500;
const CLASSES = ['GrantShard', 'AccountShard', 'LimiterShard', 'Registry'];
/** What a log may have besides the usual: complaints, traps, and what the runtime says about both. */
export const besides = [/"what":"(ledger|counts|outbox|event|report|alarm|sweep|object|trap)"|panic|wasm|RuntimeError|^\s+at |^workerd\/|^stack: |code had hung|start again|previous WASM|provoked|SQLITE|a ledger/i];

/** Starts the build with faults, or another one. `later` kills the server, does something to its state, and lets its alarms ring soon. */
export async function startFaulty(t, { vars, build = builds.probe }) {
  const directory = temporaryDirectory();
  const server = await startWorkerd({ vars, dir: directory.path, build });
  t.after(async () => {
    await endDiscreetly(server, { besides });
    directory.remove();
  });
  const later = async (meanwhile = () => {}) => {
    await server.kill9();
    meanwhile();
    for (const className of CLASSES) ringIn(SOON, server, className);
    await server.restart();
  };
  const send = (path, init) => fetch(`${server.origin}${path}`, init);
  return { server, later, send };
}

/** Lets every alarm that is set in a class of a stopped server ring in `milliseconds`. */
export function ringIn(milliseconds, server, className) {
  const at = BigInt(Date.now() + milliseconds) * 1_000_000n;
  for (const [table, column] of [['_cf_METADATA', 'value'], ['_cf_ALARM', 'scheduled_time']]) {
    const later = `UPDATE ${table} SET ${column} = ${at} WHERE typeof(${column}) = 'integer' AND ${column} > 1500000000000000000`;
    change(server, className, later, (database) => database.prepare('SELECT 1 FROM sqlite_master WHERE name = ?').get(table), true);
  }
}

/** Changes the databases of a class of a stopped server, or those that `wanted` picks. */
export function change(server, className, statement, wanted = () => true, metadata = false) {
  const files = server.sqliteFiles(className);
  if (metadata && files.length) files.push(join(dirname(files[0]), 'metadata.sqlite'));
  for (const file of files) {
    const database = new DatabaseSync(file);
    if (wanted(database)) database.exec(statement);
    database.close();
  }
}
