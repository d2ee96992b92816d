// Collects every secret that the tests receive or make up, and searches servers' logs for them.

import assert from 'node:assert/strict';
import { accounts, clients, development } from './config.mjs';

/** Every secret of this process, as a map from its text to what it is. */
const secrets = new Map();

for (const { username, password } of Object.values(accounts)) keepSecret(`the password of ${username}`, password);
for (const { client_id, client_secret } of Object.values(clients)) keepSecret(`the secret of ${client_id}`, client_secret);
keepSecret('the master key', development.MASTER_KEY);

/** The `client_id`s that a log may contain: the demo clients' and those that tests registered. */
const registered = new Set(Object.values(clients).map(({ client_id }) => client_id));

/** Allows logs to name this client. Returns its `client_id`. */
export function knowClient(client_id) {
  registered.add(client_id);
  return client_id;
}

/** Remembers a secret, which must be in no log, and returns it. */
export function keepSecret(what, text) {
  if (text) secrets.set(text, what);
  return text;
}

/** Remembers a user code, with and without its dashes, and returns it. */
export function keepUserCode(text) {
  keepSecret('a user code', text?.replaceAll('-', ''));
  return keepSecret('a user code', text);
}

/** Names each of the secrets that `text` contains. */
export function disclosures(text) {
  return [...secrets].filter(([secret]) => text.includes(secret)).map(([, what]) => what);
}

/** Returns the decisions in a server's log: `{ what, client, outcome, reason, ray, ms }`. */
export function decisions(server) {
  return logLines(server).map(parsed).filter((line) => line?.ms !== undefined);
}

/** What workerd writes when it collects a handle of KV that `getEnv` of wrangler has given a test. The Worker has no such stubs. */
const STUB_COLLECTED = /^An RPC stub was not disposed properly\./;

/** What workerd writes when an object moves its alarm at the very moment at which it rings. It rings again at the new time. */
const ALARM_MOVED = /^workerd\/io\/actor-sqlite\.c\+\+:\d+: warning: NOSENTRY SQLite alarm handler canceled /;

/**
 * Stops a server. Fails the test unless every line of its log is a decision, a warning about one, or says that a
 * Worker starts, and none contains a secret. `besides` are patterns of other lines that the test causes.
 */
export async function endDiscreetly(server, { besides = [] } = {}) {
  await server?.stop();
  if (!server) return;
  assert.deepEqual(disclosures(server.logs()), [], 'the log discloses nothing');
  const lines = logLines(server).filter((line) => ![ALARM_MOVED, STUB_COLLECTED, ...besides].some((pattern) => pattern.test(line)));
  assert.deepEqual(lines.filter((line) => !isDecision(line) && !isStart(line) && !isWarning(line)).slice(0, 20), [], 'every line of the log is a decision');
}

/** The warnings about changes of the registry: they give somebody power over the server, end what people rely on, or wait for an answer. */
const CHANGES = ['admin_token_created', 'administrator_invited', 'administrator_admitted', 'exception_ending', 'kill_switch_set', 'access_requested', 'destination_created', 'destination_changed', 'destination_secret_rotated', 'destination_deleted', 'delivery_discarded'];

/** The line of a Worker that starts: the numbers of its key pairs and their shards, `{"what":"key_pairs","current":"29565:8"}`. */
function isStart(line) {
  const { what, ...pairs } = parsed(line) ?? {};
  const numbers = Object.values(pairs).flat();
  return what === 'key_pairs' && 'current' in pairs && numbers.every((pair) => /^\d{1,5}:\d{1,3}$/.test(pair));
}

function isDecision(line) {
  const { what, client, outcome, reason, ray, ms, key_pair = 0, provider = 'none', verdict = { is: 'near' }, policy, ...others } = parsed(line) ?? {};
  const words = [what, outcome, reason].every((word) => /^[a-z][a-z0-9_]*$/.test(word));
  const known = client === undefined || registered.has(client);
  return words && /^[a-z0-9-]{1,32}$/.test(provider) && known && Number.isInteger(key_pair) && typeof ray === 'string' && ['near', 'far', 'unknown'].includes(verdict.is) && isPolicy(policy) && Number.isInteger(ms) && ms >= 0 && Object.keys(others).length === 0;
}

/** What the policy decided, if it did: numbers, and names of rules. */
function isPolicy({ version, revision, point, outcome, decided_by, matched = [], would, ...others } = { version: 0, revision: 0, point: 'none', outcome: 'allow', decided_by: 'default' }) {
  const words = [point, outcome, ...matched].every((word) => /^[a-z0-9][a-z0-9_-]*$/.test(word));
  const decided = /^((rule|exception|kill_switch) [a-z0-9-]+|default|break_glass)$/.test(decided_by);
  return words && decided && Number.isInteger(version + revision) && (would === undefined || typeof would.decided_by === 'string') && Object.keys(others).length === 0;
}

/** The `sub` of an account: of the demo, or drawn by the server. */
const SUB = /^(acct-[0-9a-f]{8}|[\w-]{22})$/;

/** A warning: an event that somebody should look at. Accounts are named by their `sub`. */
function isWarning(line) {
  const { what, outcome, event, ...others } = parsed(line) ?? {};
  const named = [event?.account, event?.other_account ?? event?.account].every((account) => SUB.test(account));
  const isAlert = outcome === 'alert_opened' && /^[a-z_]+$/.test(event?.detection) && (event.account === undefined || named);
  const known = isAlert || (['reported', 'contested', 'ended_code_entered', 'verification_failed', 'binding_failed'].includes(outcome) && named) || (CHANGES.includes(outcome) && event.by !== undefined);
  return what === 'warning' && known && event.what === outcome && Object.keys(others).length === 0;
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
