// Everything secret that the tests were given or made up, and the search for it in a server's log.

import assert from 'node:assert/strict';
import { accounts, clients, development } from './config.mjs';

/** What each secret of this process is, by its text. */
const secrets = new Map();

for (const { username, password } of Object.values(accounts)) keepSecret(`the password of ${username}`, password);
for (const { client_id, client_secret } of Object.values(clients)) keepSecret(`the secret of ${client_id}`, client_secret);
keepSecret('the master key', development.MASTER_KEY);

/** Clients that the tests registered. */
const registered = new Set(Object.values(clients).map(({ client_id }) => client_id));

/** Remembers that a log may name this client. Returns its identifier. */
export function knowClient(client_id) {
  registered.add(client_id);
  return client_id;
}

/** Remembers a secret, so that no log may contain it. Returns it. */
export function keepSecret(what, text) {
  if (text) secrets.set(text, what);
  return text;
}

/** A user code is as secret without its dashes. */
export function keepUserCode(text) {
  keepSecret('a user code', text?.replaceAll('-', ''));
  return keepSecret('a user code', text);
}

/** What of all that was kept secret stands in `text`, in words. */
export function disclosures(text) {
  return [...secrets].filter(([secret]) => text.includes(secret)).map(([, what]) => what);
}

/** The decisions in a server's log: what, client, outcome, reason, ray, ms. */
export function decisions(server) {
  return logLines(server).map(parsed).filter((line) => line?.ms !== undefined);
}

/**
 * Stops a server and reads its log: no secret is in it, and every line is a decision.
 * `besides` are patterns of other lines that the tests provoked.
 */
export async function endDiscreetly(server, { besides = [] } = {}) {
  await server?.stop();
  if (!server) return;
  assert.deepEqual(disclosures(server.logs()), [], 'the log discloses nothing');
  const lines = logLines(server).filter((line) => !besides.some((pattern) => pattern.test(line)));
  assert.deepEqual(lines.filter((line) => !isDecision(line)).slice(0, 20), [], 'every line of the log is a decision');
}

function isDecision(line) {
  const { what, client, outcome, reason, ray, ms, ...others } = parsed(line) ?? {};
  const words = [what, outcome, reason].every((word) => /^[a-z][a-z0-9_]*$/.test(word));
  const known = client === undefined || registered.has(client);
  return words && known && typeof ray === 'string' && Number.isInteger(ms) && ms >= 0 && Object.keys(others).length === 0;
}

function logLines(server) {
  return server.logs().split('\n').filter((line) => line !== '');
}

function parsed(line) {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
