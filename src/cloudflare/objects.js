// Calls of Durable Objects, and the transactions in them. Commands and replies are texts, and travel as arguments and results
// of RPC.

import { env } from 'cloudflare:workers';

/** What `request.cf` says of a client's place. */
const PLACE = ['country', 'region', 'city', 'latitude', 'longitude', 'asOrganization', 'asn', 'timezone', 'colo'];

/** Returns the place of a request as JSON. */
export function cf({ cf }) {
  return cf ? JSON.stringify(cf, PLACE) : '{}';
}

/** Finds an object by its name. `locationHint` says where it shall live if it is new. */
export function object(binding, name, locationHint) {
  const namespace = env[binding];
  return { namespace, id: namespace.idFromName(name), options: locationHint && { locationHint } };
}

/** Returns a stub, which is good for one request. */
function stub({ namespace, id, options }) {
  return namespace.get(id, options);
}

/** Sends a command to an object, with the `CF-Ray` of the request that led to it. */
export function command(object, text, request) {
  return stub(object).command(text, request);
}

/** Sends a command to an object for the task with this number, which is not 0. */
export function hop(object, text, request, task) {
  return { reply: command(object, text, request), task };
}

/** Takes a snapshot at the registry: a Uint8Array. */
export function snapshot(object) {
  return stub(object).snapshot();
}

/** Asks an object for a WebSocket. Returns it, or the text that says why there is none. */
export async function listen(object, text) {
  const headers = { upgrade: 'websocket', 'x-listen': text };
  const response = await stub(object).fetch('http://object/', { headers });
  return response.webSocket ?? response.text();
}

/** Runs `run` in one transaction of an object's storage. If it throws, nothing is written, and the caller gets what it threw. */
export function transaction(storage, run) {
  storage.transactionSync(run);
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
