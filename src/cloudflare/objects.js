// Calls of Durable Objects, and the transactions in them. Commands and replies are texts, and travel as arguments and results
// of RPC.

import { env } from 'cloudflare:workers';

/** Identifiers of objects by binding and name: to hash a name takes longer than the rest of a call. */
const ids = new Map();
/** How many identifiers to remember: far more than there are shards. */
const MOST_IDS = 10_000;

/** What `request.cf` says of a client's place. */
const PLACE = ['country', 'region', 'city', 'latitude', 'longitude', 'asOrganization', 'asn', 'timezone', 'colo'];

/** Returns the place of a request as JSON. */
export function cf({ cf = {} }) {
  return JSON.stringify(cf, PLACE);
}

/** Sends a command to an object, with the `CF-Ray` of the request that led to it. `locationHint` says where an object that is new shall live. */
export function command(binding, name, locationHint, text, request) {
  return stub(binding, name, locationHint).command(text, request);
}

/** Sends a command to an object for the task with this number, which is not 0. */
export function hop(binding, name, locationHint, text, request, task) {
  return { reply: command(binding, name, locationHint, text, request), task };
}

/** Takes a snapshot at the registry: a Uint8Array. */
export function snapshot(binding, name, locationHint) {
  return stub(binding, name, locationHint).snapshot();
}

/** Asks an object for a WebSocket. Returns it, or the text that says why there is none. */
export async function listen(binding, name, locationHint, text) {
  const headers = { upgrade: 'websocket', 'x-listen': text };
  const response = await stub(binding, name, locationHint).fetch('http://object/', { headers });
  return response.webSocket ?? response.text();
}

/** Runs `run` in one transaction of an object's storage. If it throws, nothing is written, and the caller gets what it threw. */
export function transaction(storage, run) {
  storage.transactionSync(run);
}

function stub(binding, name, locationHint) {
  const key = `${binding}/${name}`;
  let id = ids.get(key);
  if (!id) {
    if (ids.size >= MOST_IDS) ids.clear();
    ids.set(key, (id = env[binding].idFromName(name)));
  }
  return env[binding].get(id, locationHint && { locationHint });
}

/** Runs a statement that returns no rows. */
export function run(sql, statement, values) {
  sql.exec(statement, ...values);
}

/** Returns the rows of a query, each an array of its columns. */
export function rows(sql, query, values) {
  return [...sql.exec(query, ...values).raw()];
}

/** Returns the first column of the first row; `undefined` without a row. */
export function first(sql, query, values) {
  return sql.exec(query, ...values).raw().next().value?.[0];
}
