// Moves the stored state of a stopped server in time: everything ends, and every alarm rings, later or earlier.

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { families, grants } from './stored.mjs';

/** Alarms ring on the minute. In milliseconds. */
export const MINUTE = 60_000;

/** Moves the state of a stopped server so that the alarm for the first end in it rings in `milliseconds`. */
export function dueIn(milliseconds, server, directory) {
  const end = Math.min(...[...grants(server), ...families(server)].map(({ ends_at }) => ends_at));
  redate(directory, Date.now() + milliseconds - Math.ceil(end / MINUTE) * MINUTE);
}

/** Moves every instant that is stored in a directory of objects by `delta` milliseconds. */
export function redate(directory, delta, classes = ['GrantShard', 'AccountShard', 'LimiterShard']) {
  for (const className of classes) {
    const folder = join(directory, className);
    for (const name of readdirSync(folder).filter((name) => name.endsWith('.sqlite'))) {
      const database = new DatabaseSync(join(folder, name));
      redateRows(database, delta);
      redateAlarms(database, delta);
      database.close();
    }
  }
}

/** Moves the instants in rows. Each is a number of milliseconds, in a column or inside a JSON record. */
function redateRows(database, delta) {
  const later = (value) => (Number.isInteger(value) && value > 1_500_000_000_000 ? value + delta : value);
  const inside = (text) => (text.startsWith('{') ? JSON.stringify(JSON.parse(text), (_, value) => later(value)) : text);
  const tables = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_cf%' ESCAPE '\\' AND name NOT LIKE 'sqlite%'").all();
  for (const { name: table } of tables) {
    for (const row of database.prepare(`SELECT * FROM ${table}`).all()) {
      const [key, ...columns] = Object.keys(row);
      const values = columns.map((column) => (typeof row[column] === 'string' ? inside(row[column]) : later(row[column])));
      const changes = columns.map((column) => `${column} = ?`).join(', ');
      database.prepare(`UPDATE ${table} SET ${changes} WHERE ${key} = ?`).run(...values, row[key]);
    }
  }
}

/** Moves the runtime's alarms (nanoseconds): each object's in its file, and all of a class in `metadata.sqlite`. */
function redateAlarms(database, delta) {
  for (const [table, column] of [['_cf_METADATA', 'value'], ['_cf_ALARM', 'scheduled_time']]) {
    if (!database.prepare('SELECT 1 FROM sqlite_master WHERE name = ?').get(table)) continue;
    const later = `UPDATE ${table} SET ${column} = ${column} + ? WHERE typeof(${column}) = 'integer' AND ${column} > 1500000000000000000`;
    database.prepare(later).run(BigInt(delta) * 1_000_000n);
  }
}
