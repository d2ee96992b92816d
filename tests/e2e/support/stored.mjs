// Reads what a server has stored, from the SQLite files of its objects, while it runs.

import { DatabaseSync } from 'node:sqlite';

/** Milliseconds to wait for a file that is locked or gone. */
const LIMIT = 2_000;
/** SQLite's code for a file that is not there. */
const CANNOT_OPEN = 14;

/** Returns the rows that `query` finds in all objects of a class, with parsed `record` and `event` columns. */
export function rows(server, className, query) {
  return server.sqliteFiles(className).flatMap((file) => rowsOf(file, query));
}

export const grants = (server) => rows(server, 'GrantShard', 'SELECT * FROM grants');
export const families = (server) => rows(server, 'GrantShard', 'SELECT * FROM families');
/** Returns the counts of live codes of each network in each object. */
export const liveCodes = (server) => rows(server, 'GrantShard', 'SELECT * FROM live_codes');
export const outbox = (server) => outboxOf(server, 'GrantShard');
/** Returns the events in the outboxes of all objects of a class. */
export const outboxOf = (server, className) => rows(server, className, 'SELECT seq, event FROM outbox ORDER BY seq');
export const ledger = (server) => ledgers(server).flat();

/** Returns the rows of each ledger, in order. */
export function ledgers(server) {
  return ledgerFiles(server).map((file) => rowsOf(file, 'SELECT seq, id, record, head FROM events ORDER BY seq'));
}

/** Returns how many events are in ledgers. */
export function recorded(server) {
  return ledgerFiles(server).reduce((sum, file) => sum + rowsOf(file, 'SELECT count(*) AS count FROM events')[0].count, 0);
}

/** Returns the events that wait at couriers. */
export function waiting(server) {
  const query = 'SELECT record FROM deliveries WHERE is_dead = 0';
  const found = server.sqliteFiles('Courier').flatMap((file) => rowsOf(file, query, 'deliveries'));
  return found.map(({ record }) => JSON.parse(record.event));
}

function ledgerFiles(server) {
  return filesWith(server, 'Ledger', 'events');
}

/** Returns the files of a class that have a table. An object that was only just made has none. */
function filesWith(server, className, table) {
  return server.sqliteFiles(className).filter((file) => rowsOf(file, `SELECT 1 FROM sqlite_master WHERE name = '${table}'`).length);
}

/** Returns every event so far, shipped or not. */
export function events(server) {
  return [...ledger(server).map(({ record }) => record.event), ...outbox(server).map(({ event }) => event)];
}

/** Reads a file; with `table`, nothing from a file without it. While an object deletes everything, it has no file for a moment. */
function rowsOf(file, query, table) {
  for (const end = Date.now() + LIMIT; ; ) {
    try {
      return read(file, query, table);
    } catch (error) {
      if (error.errcode !== CANNOT_OPEN || Date.now() > end) throw error;
    }
  }
}

function read(file, query, table) {
  const database = new DatabaseSync(file, { readOnly: true, timeout: LIMIT });
  try {
    if (table && !database.prepare('SELECT 1 FROM sqlite_master WHERE name = ?').get(table)) return [];
    return database.prepare(query).all().map(parsed);
  } finally {
    database.close();
  }
}

function parsed(row) {
  const json = (name, value) => (name === 'record' || name === 'event' ? JSON.parse(value) : value);
  return Object.fromEntries(Object.entries(row).map(([name, value]) => [name, json(name, value)]));
}
