// Makes a running server's clients, scopes, documents, OpenID Providers, admin tokens, policy, exceptions and inventory match a file: shows what would
// change, asks, and changes it.
//
//     ISSUER=https://login.example.com ADMIN_TOKEN=… FILE=clients.toml scripts/apply
//     … FILE=policy.toml REASON="Staff use the new command line" scripts/apply
//
// Exits with 0 if nothing is left to change, 1 on an error, and 2 if DRY_RUN=1 found something to change.

import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { TomlError, parse } from 'smol-toml';
import { UserError, adminToken, connect as connectTo, escaped, issuerUrl, paint, problem } from './admin-api.mjs';
import { canonical, policyLines, text } from './policy-lines.mjs';

/** Members of an answer that are not part of the definition of a client, scope or provider. */
const READ_ONLY = [
  'client_id_issued_at', 'client_secret_expires_at', 'previous_client_secret_expires_at', 'created_at', 'changed_at', 'version', 'registered_by', 'last_used_at', 'warnings',
  'client_secret', 'client_secret_changed', 'redirect_uri', 'backchannel_logout_uri', 'security_events_uri',
  'created_by', 'renewals', 'wide', 'is_live', 'secret', 'secrets', 'has_authorization', 'authorization_changed', 'deliveries',
];
/** The arrays of tables of a file: what one item is called, and the member that identifies it. */
const ARRAYS = { clients: { kind: 'client', key: 'client_id' }, documents: { kind: 'document', key: 'entry' }, providers: { kind: 'provider', key: 'id' }, tokens: { kind: 'token', key: 'id' }, exceptions: { kind: 'exception', key: 'id' }, destinations: { kind: 'destination', key: 'id' }, inventory: { kind: 'device', key: 'identifier' } };
/** The member of a provider in a file that names the environment variable with its secret. */
const SECRET_ENV = 'client_secret_env';
/** The same for the `Authorization` header of a destination. */
const AUTHORIZATION_ENV = 'authorization_env';

const { FILE, ISSUER = 'http://localhost:8787', DRY_RUN, YES, PRUNE, REASON } = process.env;
const [bold, dim, red, green, yellow] = [1, 2, 31, 32, 33].map(paint);

/** `[client_id, secret]` of each secret that the server has just generated. It never shows them again. */
const secrets = [];

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof UserError)) throw error;
  console.error(error.message.split('\n').map(escaped).join('\n'));
  process.exitCode = 1;
} finally {
  showSecrets();
}

async function main() {
  const file = read(FILE);
  const server = connect(ISSUER);
  const plan = await compare(file, server);
  show(plan);
  if (plan.changes.length === 0) return 0;
  if (DRY_RUN) return 2;
  await agree(plan.changes.length);
  for (const change of plan.changes) await change.apply();
  console.log(green(`Done: ${count(plan.changes.length, 'change')}.`));
  return 0;
}

// --- The file ---

/** Reads and checks a file. Returns its tables, and its name and text, for the line numbers in messages. */
function read(name) {
  if (!name) throw new UserError('Which file? make apply FILE=clients.toml');
  let text;
  try {
    text = readFileSync(name, 'utf8');
  } catch (error) {
    throw new UserError(`${name} cannot be read: ${error.code}`);
  }
  const file = { name, text, ...toml(name, text) };
  const faults = [...misplaced(file)];
  if (faults.length > 0) throw new UserError(faults.join('\n'));
  return file;
}

function toml(name, text) {
  try {
    const { scopes = {}, clients = [], documents = [], providers = [], tokens = [], policy, exceptions = [], destinations = [], inventory = [], ...others } = parse(text);
    return { scopes, clients, documents, providers, tokens, policy, exceptions, destinations, inventory, others };
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const [first] = error.message.replace('Invalid TOML document: ', '').split('\n');
    throw new UserError(`${name}:${error.line}:${error.column}: ${first}\n\n${error.codeblock}`);
  }
}

/** Yields mistakes that need no server to find: unknown tables, items without a name or with the same, and secrets. */
function* misplaced(file) {
  const { name, text, scopes, policy = {}, others } = file;
  for (const other of Object.keys(others)) {
    yield `${name}:${lineOf(text, other)}: ${other} is not allowed here; a file has only [scopes], [[clients]], [[documents]], [[providers]], [[tokens]], [policy], [[exceptions]], [[destinations]] and [[inventory]]`;
  }
  if (typeof scopes !== 'object' || Array.isArray(scopes)) yield `${name}:${lineOf(text, 'scopes')}: scopes must be a table: [scopes]`;
  if (typeof policy !== 'object' || Array.isArray(policy)) yield `${name}:${lineOf(text, 'policy')}: policy must be a table: [policy]`;
  for (const array of Object.keys(ARRAYS)) yield* misnamed(file, array);
  yield* misplacedSecrets(file, 'providers', 'client_secret', SECRET_ENV, 'the secret that the provider issued');
  yield* misplacedSecrets(file, 'destinations', 'authorization', AUTHORIZATION_ENV, 'the Authorization header that the receiver wants');
}

/** Yields an array that is not one of tables, and items of it whose key is missing or used twice. */
function* misnamed(file, array) {
  const { name, text, [array]: items } = file;
  const { kind, key } = ARRAYS[array];
  if (!Array.isArray(items) || items.some((item) => typeof item !== 'object')) {
    yield `${name}:${lineOf(text, array)}: ${array} must be an array of tables: [[${array}]]`;
    return;
  }
  const seen = new Set();
  for (const [index, { [key]: id }] of items.entries()) {
    const line = lineOfItem(text, array, index, key);
    if (typeof id !== 'string') yield `${name}:${line}: every ${kind} in the file needs ${/^[aeiou]/.test(key) ? 'an' : 'a'} ${key}, a string`;
    else if (seen.has(id)) yield `${name}:${line}: the ${kind} ${id} is already defined above`;
    seen.add(id);
  }
}

/** Yields secrets in the file, and environment variables that are named but not set. */
function* misplacedSecrets(file, array, secret, env, what) {
  const { name, text, [array]: items } = file;
  if (!Array.isArray(items)) return;
  for (const [index, item] of items.entries()) {
    if (typeof item !== 'object') continue;
    const at = (member) => `${name}:${lineOfItem(text, array, index, member)}`;
    const variable = item[env];
    if (secret in item) yield `${at(secret)}: a secret does not belong in a file: name the environment variable that has it in ${env}`;
    if (variable === undefined) continue;
    if (typeof variable !== 'string') yield `${at(env)}: ${env} must be the name of an environment variable`;
    else if (!process.env[variable]) yield `${at(env)}: the environment variable ${variable} is not set: it must have ${what}`;
  }
}

/** Returns the line number of the first table or key with this name, or 1. */
function lineOf(text, name) {
  const escaped = RegExp.escape?.(name) ?? name.replace(/[^\w]/g, '\\$&');
  const found = text.split('\n').findIndex((line) => new RegExp(`^\\s*(\\[+\\s*)?["']?${escaped}["']?\\s*(=|\\]|\\.)`).test(line));
  return found + 1 || 1;
}

/** Returns the line number of a member of item `index` (from 0) of an array of tables, or the item's first line if it has none. */
function lineOfItem(text, array, index, member) {
  const lines = text.split('\n');
  let [item, begins] = [-1, 1];
  for (const [at, line] of lines.entries()) {
    const table = line.match(/^\s*\[\[\s*(\w+)\s*\]\]/)?.[1];
    if (table in ARRAYS) {
      if (table === array) item += 1;
      if (table === array && item === index) begins = at + 1;
      else if (item === index) return begins;
    } else if (item === index && new RegExp(`^\\s*(\\[+\\s*${array}\\.)?["']?${member.replace(/[^\w]/g, '\\$&')}["']?\\s*[=\\].]`).test(line)) {
      return at + 1;
    }
  }
  return begins;
}

/** Returns the line number of the member of the policy that a JSON pointer leads to, or of the table around it. */
function lineOfPolicy(text, pointer = '') {
  const steps = pointer.split('/').slice(1);
  const name = steps.findLast((step) => step !== '' && !/^\d+$/.test(step));
  if (steps[0] !== 'rules' || steps.length < 2) return lineOf(text, name ?? 'policy');
  const lines = text.split('\n');
  const begins = lines.flatMap((line, at) => (/^\s*\[\[\s*policy\.rules\s*\]\]/.test(line) ? [at] : []))[Number(steps[1])];
  if (begins === undefined) return lineOf(text, 'rules');
  const rest = lines.slice(begins + 1);
  const ends = rest.findIndex((line) => /^\s*\[\[/.test(line));
  const found = rest.slice(0, ends < 0 ? undefined : ends).findIndex((line) => new RegExp(`(^|[\\s{,.])${name}\\s*[=\\]]`).test(line));
  return begins + 1 + (found + 1);
}

// --- The server ---

/** Returns a function that sends requests to the admin API, and keeps the secrets in its answers. */
function connect(issuer) {
  const token = adminToken(issuerUrl(issuer));
  if (!token) throw new UserError('ADMIN_TOKEN is missing: set it to the token whose SHA-256 the server has in ADMIN_TOKEN_SHA256.');
  const ask = connectTo(issuer, token);
  return async (...request) => {
    const answer = await ask(...request);
    if (answer.body?.client_secret) secrets.push([answer.body.client_id, answer.body.client_secret]);
    if (answer.body?.secret) secrets.push([answer.body.id, answer.body.secret]);
    if (answer.body?.token) secrets.push([answer.body.id, answer.body.token]);
    return answer;
  };
}

/** Waits for a change; throws if the server refused it. */
async function must(what, promise) {
  const answer = await promise;
  const { status, body } = answer;
  if (status === 412) throw new UserError(`${what} was changed by somebody else in the meantime: run the same command again`);
  if (status >= 300) throw new UserError(`${what}: ${problem(body).join('\n')}`);
  return answer;
}

// --- What differs ---

async function compare(file, ask) {
  const faults = [];
  const refuse = (line, body) => faults.push(...(body.errors ?? [{ detail: problem(body)[0] }]).map((error) => `${file.name}:${line(error.pointer)}: ${error.detail}`));
  const known = new Map((await all(ask, '/scopes')).map((scope) => [scope.name, scope]));
  const [clients, documents, providers] = [await all(ask, '/clients'), await all(ask, '/documents'), await all(ask, '/providers')];
  const scopes = Object.entries(file.scopes).map(([name, value]) => [name, typeof value === 'object' ? value : { description: value }]);

  const changes = [];
  const same = [];
  for (const [name, wanted] of scopes) {
    const change = await compareScope(ask, name, wanted, known.get(name), (body) => refuse(() => lineOf(file.text, name), body));
    (change?.lines ? changes : same).push(change ?? `scope ${name}`);
  }
  const assumed = encodeURIComponent(scopes.map(([name]) => name).join(' '));
  for (const [index, wanted] of file.clients.entries()) {
    const change = await compareClient(ask, wanted, assumed, (body) => refuse((pointer) => lineOfItem(file.text, 'clients', index, member(pointer) ?? 'client_id'), body));
    (change?.lines ? changes : same).push(change ?? `client ${wanted.client_id}`);
  }
  for (const [index, wanted] of file.documents.entries()) {
    const now = documents.find(({ entry }) => entry === wanted.entry);
    const change = await compareDocument(ask, wanted, now, assumed, (body) => refuse((pointer) => lineOfItem(file.text, 'documents', index, member(pointer) ?? 'entry'), body));
    (change?.lines ? changes : same).push(change ?? `document ${wanted.entry}`);
  }
  for (const [index, wanted] of file.providers.entries()) {
    const written = (pointer) => member(pointer)?.replace(/^client_secret$/, SECRET_ENV) ?? 'id';
    const change = await compareProvider(ask, wanted, (body) => refuse((pointer) => lineOfItem(file.text, 'providers', index, written(pointer)), body));
    (change?.lines ? changes : same).push(change ?? `provider ${wanted.id}`);
  }
  const policy = file.policy && (await comparePolicy(ask, file, (body) => refuse((pointer) => lineOfPolicy(file.text, pointer), body)));
  if (file.policy) (policy?.lines ? changes : same).push(policy ?? 'policy');
  const exceptions = file.policy || file.exceptions.length > 0 ? (await all(ask, '/exceptions')).filter(({ is_live }) => is_live) : [];
  for (const [index, wanted] of file.exceptions.entries()) {
    const change = await compareException(ask, wanted, file.policy, (body) => refuse((pointer) => lineOfItem(file.text, 'exceptions', index, member(pointer) ?? 'id'), body));
    (change?.lines ? changes : same).push(change ?? `exception ${wanted.id}`);
  }
  const destinations = file.destinations.length > 0 ? await all(ask, '/destinations') : [];
  for (const [index, wanted] of file.destinations.entries()) {
    const written = (pointer) => member(pointer)?.replace(/^authorization$/, AUTHORIZATION_ENV) ?? 'id';
    const change = await compareDestination(ask, wanted, (body) => refuse((pointer) => lineOfItem(file.text, 'destinations', index, written(pointer)), body));
    (change?.lines ? changes : same).push(change ?? `destination ${wanted.id}`);
  }
  for (const [index, wanted] of file.inventory.entries()) {
    const change = await compareDevice(ask, wanted, (body) => refuse((pointer) => lineOfItem(file.text, 'inventory', index, member(pointer) ?? 'identifier'), body));
    (change?.lines ? changes : same).push(change ?? `device ${wanted.identifier}`);
  }
  const tokens = file.tokens.length > 0 ? (await all(ask, '/tokens')).filter((token) => !token.has_ended) : [];
  for (const [index, wanted] of file.tokens.entries()) {
    const now = tokens.find(({ id }) => id === wanted.id);
    const change = await compareToken(ask, wanted, now, (body) => refuse((pointer) => lineOfItem(file.text, 'tokens', index, member(pointer) ?? 'id'), body));
    (change?.lines ? changes : same).push(change ?? `token ${wanted.id}`);
  }
  if (faults.length > 0) throw new UserError(`${faults.join('\n')}\n\nNothing was changed.`);

  const unlisted = [
    ...missing(clients, file.clients, 'client_id').map((client_id) => removal(ask, 'client', client_id)),
    ...missing(documents, file.documents, 'entry').map((entry) => removal(ask, 'document', entry)),
    ...missing(providers, file.providers, 'id').map((id) => removal(ask, 'provider', id)),
    ...missing(destinations, file.destinations, 'id').map((id) => removal(ask, 'destination', id)),
    // Without the token that this script uses, it could not finish its work.
    ...missing(tokens.filter(({ current }) => !current), file.tokens, 'id').map((id) => removal(ask, 'token', id)),
    ...missing(exceptions, file.exceptions, 'id').map((id) => ending(ask, id)),
    ...[...known.values()].filter(({ name, standard }) => !standard && !Object.hasOwn(file.scopes, name)).map(({ name }) => removal(ask, 'scope', name)),
  ];
  return PRUNE ? { changes: [...changes, ...unlisted], same, unlisted: [] } : { changes, same, unlisted };
}

/** Returns the member that a JSON pointer leads into; `undefined` if there is no pointer. */
function member(pointer) {
  return pointer?.split('/')[1].replaceAll('~1', '/').replaceAll('~0', '~');
}

/** Returns the keys of the items that the file does not have. */
function missing(items, wanted, key) {
  const listed = new Set(wanted.map((item) => item[key]));
  return items.map((item) => item[key]).filter((id) => !listed.has(id));
}

/** Returns all items of a list, read page by page. */
async function all(ask, path) {
  const items = [];
  for (let cursor; ; ) {
    const { body } = await ask('GET', path + (cursor ? `?limit=200&cursor=${cursor}` : ''));
    items.push(...body[path.slice(1)]);
    cursor = body.next_cursor;
    if (!cursor) return items;
  }
}

async function compareScope(ask, name, wanted, now, refuse) {
  const path = `/scopes/${encodeURIComponent(name)}`;
  const tried = await ask('PUT', `${path}?dry_run=true`, { body: wanted });
  if (tried.status !== 200) return refuse(tried.body);
  const lines = now ? difference(now, tried.body) : beginning(tried.body, ['description', ...Object.keys(wanted)]);
  if (now && lines.length === 0) return undefined;
  return { title: title(now, `scope ${name}`), lines, apply: () => must(`The scope ${name}`, ask('PUT', path, { body: wanted })) };
}

/** Compares a client with what the file would make of it, defaults included. The server computes that (`dry_run`). */
async function compareClient(ask, wanted, assumed, refuse) {
  const path = `/clients/${encodeURIComponent(wanted.client_id)}`;
  const now = await ask('GET', path);
  const isThere = now.status === 200;
  const query = `?dry_run=true&assuming_scope=${assumed}`;
  const [method, target, etag] = isThere ? ['PUT', path, now.etag] : ['POST', '/clients', undefined];
  const tried = await ask(method, target + query, { body: wanted, etag });
  if (tried.status !== 200) return refuse(tried.body);
  const lines = isThere ? difference(now.body, tried.body) : beginning(tried.body, [...Object.keys(wanted), 'grant_types', 'scope', 'token_endpoint_auth_method']);
  if (isThere && lines.length === 0) return undefined;
  lines.push(...(tried.body.warnings ?? []).map((warning) => yellow(`! ${escaped(warning)}`)));
  const apply = async () => {
    const { body } = await must(`The client ${wanted.client_id}`, ask(method, target, { body: wanted, etag }));
    // A dry run fetches no logo.
    const found = (body.warnings ?? []).filter((warning) => !tried.body.warnings?.includes(warning));
    for (const warning of found) console.log(yellow(`! ${escaped(wanted.client_id)}: ${escaped(warning)}`));
  };
  return { title: title(isThere, `client ${wanted.client_id}`), lines, apply };
}

/** Compares an entry of the allow list of client ID metadata documents with what the file would make of it. */
async function compareDocument(ask, wanted, now, assumed, refuse) {
  const path = `/documents/${encodeURIComponent(wanted.entry)}`;
  const tried = await ask('PUT', `${path}?dry_run=true&assuming_scope=${assumed}`, { body: wanted });
  if (tried.status !== 200) return refuse(tried.body);
  const lines = now ? difference(now, tried.body) : beginning(tried.body, ['scope', ...Object.keys(wanted)]);
  if (now && lines.length === 0) return undefined;
  return { title: title(now, `document ${wanted.entry}`), lines, apply: () => must(`The document ${wanted.entry}`, ask('PUT', path, { body: wanted })) };
}

/** Compares an entry of the inventory with what the file would make of it. Entries that the file does not have stay: an inventory is large. */
async function compareDevice(ask, wanted, refuse) {
  const path = `/inventory/${encodeURIComponent(wanted.identifier)}`;
  const tried = await ask('PUT', `${path}?dry_run=true`, { body: wanted });
  if (tried.status !== 200) return refuse(tried.body);
  const now = await ask('GET', path);
  const isThere = now.status === 200;
  const lines = isThere ? difference(now.body, tried.body) : beginning(tried.body, Object.keys(wanted), ['identifier']);
  if (isThere && lines.length === 0) return undefined;
  return { title: title(isThere, `device ${wanted.identifier}`), lines, apply: () => must(`The device ${wanted.identifier}`, ask('PUT', path, { body: wanted })) };
}

/** Compares a provider with what the file and the environment would make of it. A secret that the file does not name stays. */
async function compareProvider(ask, { [SECRET_ENV]: variable, ...wanted }, refuse) {
  const path = `/providers/${encodeURIComponent(wanted.id)}`;
  const now = await ask('GET', path);
  const isThere = now.status === 200;
  const body = { ...wanted, ...(variable && { client_secret: process.env[variable] }) };
  const [method, target, etag] = isThere ? ['PUT', path, now.etag] : ['POST', '/providers', undefined];
  const tried = await ask(method, `${target}?dry_run=true`, { body, etag });
  if (tried.status !== 200) return refuse(tried.body);
  const lines = isThere ? difference(now.body, tried.body) : beginning(tried.body, [...Object.keys(wanted), 'redirect_uri'], ['id']);
  if (tried.body.client_secret_changed) lines.push(yellow('~ client_secret'));
  if (isThere && lines.length === 0) return undefined;
  lines.push(...(tried.body.warnings ?? []).map((warning) => yellow(`! ${escaped(warning)}`)));
  const apply = () => must(`The provider ${wanted.id}`, ask(method, target, { body, etag }));
  return { title: title(isThere, `provider ${wanted.id}`), lines, apply };
}

/** Compares a destination of events with what the file and the environment would make of it. */
async function compareDestination(ask, { [AUTHORIZATION_ENV]: variable, ...wanted }, refuse) {
  const path = `/destinations/${encodeURIComponent(wanted.id)}`;
  const now = await ask('GET', path);
  const isThere = now.status === 200;
  const body = { ...wanted, ...(variable && { authorization: process.env[variable] }) };
  const [method, target, etag] = isThere ? ['PUT', path, now.etag] : ['POST', '/destinations', undefined];
  const tried = await ask(method, `${target}?dry_run=true`, { body, etag });
  if (tried.status !== 200) return refuse(tried.body);
  const lines = isThere ? difference(now.body, tried.body) : beginning(tried.body, Object.keys(wanted), ['id']);
  if (tried.body.authorization_changed) lines.push(yellow('~ authorization'));
  if (isThere && lines.length === 0) return undefined;
  const apply = () => must(`The destination ${wanted.id}`, ask(method, target, { body, etag }));
  return { title: title(isThere, `destination ${wanted.id}`), lines, apply };
}

/** Compares an admin token with the file: its owner and its scopes. A token cannot be changed, so another takes its place. */
async function compareToken(ask, wanted, now, refuse) {
  const tried = await ask('POST', '/tokens?dry_run=true', { body: wanted });
  if (tried.status !== 200) return refuse(tried.body);
  const definition = ({ owner, scopes }) => ({ owner, scopes });
  const lines = now ? difference(definition(now), definition(tried.body)) : beginning(tried.body, ['owner', 'scopes']);
  if (now && lines.length === 0) return undefined;
  if (now) lines.push(yellow('! the token gets another text, and the old one ends at once'));
  const what = `The token ${wanted.id}`;
  const apply = async () => {
    if (now) await must(what, ask('DELETE', `/tokens/${wanted.id}`));
    await must(what, ask('POST', '/tokens', { body: wanted }));
  };
  return { title: title(now, `token ${wanted.id}`), lines, apply };
}

/** Compares the policy with the file. The server says what would change. */
async function comparePolicy(ask, { name, policy }, refuse) {
  const body = { reason: REASON || `Applied from ${basename(name)}`, ...policy };
  const { etag } = await ask('GET', '/policy');
  const tried = await ask('PUT', '/policy?dry_run=true', { body, etag });
  if (tried.status !== 200) return refuse(tried.body);
  const { changes, warnings, version } = tried.body;
  if (changes.length === 0) return undefined;
  const lines = policyLines({ changes, warnings });
  return { title: title(version > 1, 'policy'), lines, apply: () => must('The policy', ask('PUT', '/policy', { body, etag })) };
}

/** Compares an exception with the file. What only the policy of the file makes possible is no fault: it is applied first. */
async function compareException(ask, wanted, policy, refuse) {
  const path = `/exceptions/${encodeURIComponent(wanted.id)}`;
  const now = await ask('GET', path);
  const isThere = now.status === 200;
  const [method, target, etag] = isThere ? ['PUT', path, now.etag] : ['POST', '/exceptions', undefined];
  const tried = await ask(method, `${target}?dry_run=true`, { body: wanted, etag });
  const isLater = tried.status === 422 && tried.body.errors.every((error) => comesWith(policy, error));
  if (tried.status !== 200 && !isLater) return refuse(tried.body);
  const after = isLater ? wanted : tried.body;
  const lines = isThere ? difference(now.body, after) : beginning(after, Object.keys(wanted), ['id']);
  if (isThere && lines.length === 0) return undefined;
  lines.push(...(after.warnings ?? []).map((warning) => yellow(`! ${escaped(warning)}`)));
  return { title: title(isThere, `exception ${wanted.id}`), lines, apply: () => must(`The exception ${wanted.id}`, ask(method, target, { body: wanted, etag })) };
}

/** Returns whether a fault of an exception is only that the policy of the file does not apply yet. */
function comesWith(policy, { pointer, detail }) {
  const named = detail.match(/ has "([^"]+)"/)?.[1];
  if (pointer === '/lifts') return policy?.rules?.some(({ id, effect }) => id === named && effect === 'deny');
  if (pointer.endsWith('/networks')) return Object.hasOwn(policy?.networks ?? {}, named);
  return pointer === '/expires_at' && detail.includes('longest_exception_days') && policy?.longest_exception_days !== undefined;
}

/** Ends an exception. Its record stays. */
function ending(ask, id) {
  const apply = () => must(`The exception ${id}`, ask('POST', `/exceptions/${encodeURIComponent(id)}/end`, { etag: '*' }));
  return { title: red(`- exception ${escaped(id)}`), name: `exception ${escaped(id)}`, lines: [], apply };
}

function removal(ask, kind, name) {
  const path = `/${kind}s/${encodeURIComponent(name)}`;
  const apply = () => must(`The ${kind} ${name}`, ask('DELETE', path, { etag: '*' }));
  return { title: red(`- ${kind} ${escaped(name)}`), name: `${kind} ${escaped(name)}`, lines: [], apply };
}

function title(isThere, name) {
  return isThere ? yellow(`~ ${escaped(name)}`) : green(`+ ${escaped(name)}`);
}

/** Returns the lines to show for a new item: the members that `names` lists. */
function beginning(after, names, unshown = ['client_id', 'entry', 'name']) {
  const shown = names.filter((name) => !unshown.includes(name) && after[name] !== undefined);
  return [...new Set(shown)].map((name) => green(`+ ${name} = ${text(after[name])}`));
}

/** Returns a line for each member that was removed or added, and two for each that was changed. */
function difference(before, after) {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter((name) => !READ_ONLY.includes(name)).sort();
  return names.flatMap((name) => {
    const [was, is] = [before[name], after[name]];
    if (canonical(was) === canonical(is)) return [];
    return [
      ...(was === undefined ? [] : [red(`- ${escaped(name)} = ${text(was)}`)]),
      ...(is === undefined ? [] : [green(`+ ${escaped(name)} = ${text(is)}`)]),
    ];
  });
}

// --- The terminal ---

function show({ changes, same, unlisted }) {
  console.log(`${bold(ISSUER)}${DRY_RUN ? dim('  (DRY_RUN: nothing will be changed)') : ''}\n`);
  for (const { title, lines } of changes) console.log([title, ...lines.map((line) => `    ${line}`), ''].join('\n'));
  if (same.length > 0) console.log(`${dim(`${count(same.length, 'item')} unchanged`)}\n`);
  if (unlisted.length > 0) {
    console.log(`${yellow('?')} not in the file, and kept (PRUNE=1 deletes them):\n    ${unlisted.map(({ name }) => name).join('\n    ')}\n`);
  }
  console.log(changes.length === 0 ? green('Nothing to change.') : `${bold(count(changes.length, 'change'))} to make.`);
}

async function agree(changes) {
  if (YES) return;
  if (!process.stdin.isTTY) throw new UserError('Nothing was changed: no terminal to ask on. YES=1 skips the question, DRY_RUN=1 only shows the changes.');
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  const answer = await terminal.question(`Make ${changes === 1 ? 'it' : 'them'}? [y/N] `);
  terminal.close();
  if (!/^y(es)?$/i.test(answer.trim())) throw new UserError('Nothing was changed.');
}

function showSecrets() {
  if (secrets.length === 0) return;
  const shown = secrets.map(([client_id, secret]) => [escaped(client_id), escaped(secret)]);
  const hasTokens = secrets.some(([, secret]) => secret.startsWith('dgat_'));
  const hasWebhooks = secrets.some(([, secret]) => secret.startsWith('whsec_'));
  const heading = hasWebhooks ? 'Secrets' : hasTokens ? 'Client secrets and admin tokens' : 'Client secrets';
  const width = Math.max(...shown.map(([client_id]) => client_id.length));
  console.log(`\n${bold(`${heading}, shown only once:`)}\n`);
  for (const [client_id, secret] of shown) console.log(`  ${client_id.padEnd(width)}  ${secret}`);
  console.log('');
}

function count(number, noun) {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
