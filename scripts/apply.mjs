// Makes the clients and scopes of a running server those of a file: shows what would change, asks, changes it.
//
//     ISSUER=https://login.example.com ADMIN_TOKEN=… FILE=clients.toml scripts/apply
//
// Ends with 0 if nothing is left to change, 1 if something is wrong, 2 if DRY_RUN=1 found something to change.

import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline/promises';
import { TomlError, parse } from 'smol-toml';

/** The token of `make dev`; it is public, and sent to this machine only. */
const DEVELOPMENT_TOKEN = 'development-admin-token';
/** What an answer tells beside the metadata. */
const READ_ONLY = ['client_id_issued_at', 'client_secret_expires_at', 'previous_client_secret_expires_at', 'changed_at', 'version', 'client_secret'];

const { FILE, ISSUER = 'http://127.0.0.1:8787', DRY_RUN, YES, PRUNE } = process.env;
const colours = process.env.NO_COLOR ? false : process.env.FORCE_COLOR ? true : process.stdout.isTTY;
const paint = (code) => (text) => (colours ? `\x1b[${code}m${text}\x1b[0m` : text);
const [bold, dim, red, green, yellow] = [1, 2, 31, 32, 33].map(paint);

/** Something that the person who runs this can put right. */
class Wrong extends Error {}

/** Secrets that the server has just drawn: it will not show them again. */
const secrets = [];

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof Wrong)) throw error;
  console.error(error.message);
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

/** The scopes and clients of a file, and where in it they are. */
function read(name) {
  if (!name) throw new Wrong('Which file? make apply FILE=clients.toml');
  let text;
  try {
    text = readFileSync(name, 'utf8');
  } catch (error) {
    throw new Wrong(`${name} cannot be read: ${error.code}`);
  }
  const file = { name, text, ...toml(name, text) };
  const faults = [...misplaced(file)];
  if (faults.length > 0) throw new Wrong(faults.join('\n'));
  return file;
}

function toml(name, text) {
  try {
    const { scopes = {}, clients = [], ...others } = parse(text);
    return { scopes, clients, others };
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const [first] = error.message.replace('Invalid TOML document: ', '').split('\n');
    throw new Wrong(`${name}:${error.line}:${error.column}: ${first}\n\n${error.codeblock}`);
  }
}

/** What the server could not be asked about. */
function* misplaced({ name, text, scopes, clients, others }) {
  for (const other of Object.keys(others)) {
    yield `${name}:${lineOf(text, other)}: there is no ${other}; a file has [scopes] and [[clients]]`;
  }
  if (typeof scopes !== 'object' || Array.isArray(scopes)) yield `${name}:${lineOf(text, 'scopes')}: scopes must be a table: [scopes]`;
  if (!Array.isArray(clients) || clients.some((client) => typeof client !== 'object')) {
    yield `${name}:${lineOf(text, 'clients')}: clients must be an array of tables: [[clients]]`;
    return;
  }
  const seen = new Set();
  for (const [index, { client_id }] of clients.entries()) {
    const line = lineOfClient(text, index, 'client_id');
    if (typeof client_id !== 'string') yield `${name}:${line}: a client in a file needs a client_id`;
    else if (seen.has(client_id)) yield `${name}:${line}: ${client_id} is there twice`;
    seen.add(client_id);
  }
}

/** The line of the first table or key of that name. */
function lineOf(text, name) {
  const escaped = RegExp.escape?.(name) ?? name.replace(/[^\w]/g, '\\$&');
  const found = text.split('\n').findIndex((line) => new RegExp(`^\\s*(\\[+\\s*)?["']?${escaped}["']?\\s*(=|\\]|\\.)`).test(line));
  return found + 1 || 1;
}

/** The line of a member of the client that is the `index`th in the file; where the client begins, if it has none. */
function lineOfClient(text, index, member) {
  const lines = text.split('\n');
  let [client, begins] = [-1, 1];
  for (const [at, line] of lines.entries()) {
    if (/^\s*\[\[\s*clients\s*\]\]/.test(line)) {
      client += 1;
      if (client === index) begins = at + 1;
    } else if (client === index && new RegExp(`^\\s*(\\[+\\s*clients\\.)?["']?${member.replace(/[^\w]/g, '\\$&')}["']?\\s*[=\\].]`).test(line)) {
      return at + 1;
    }
  }
  return begins;
}

// --- The server ---

/** Asks the admin API. */
function connect(issuer) {
  const url = URL.canParse(issuer) ? new URL(issuer) : undefined;
  const isLocal = ['127.0.0.1', 'localhost', '[::1]'].includes(url?.hostname);
  if (!url || (url.protocol !== 'https:' && !isLocal)) throw new Wrong(`ISSUER is ${issuer}: it must be an https URL`);
  const token = process.env.ADMIN_TOKEN || (isLocal && DEVELOPMENT_TOKEN);
  if (!token) throw new Wrong('ADMIN_TOKEN is missing: the token whose SHA-256 the server has in ADMIN_TOKEN_SHA256');
  const base = `${issuer.replace(/\/$/, '')}/admin/api`;

  return async function ask(method, path, { body, etag } = {}) {
    const headers = { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }), ...(etag && { 'if-match': etag }) };
    let response;
    try {
      // A redirection would take the token elsewhere.
      response = await fetch(base + path, { method, headers, body: body && JSON.stringify(body), redirect: 'error' });
    } catch (error) {
      throw new Wrong(`${issuer} cannot be reached: ${error.cause?.code ?? error.cause?.message ?? error.message}`);
    }
    const text = await response.text();
    const isJson = /json/.test(response.headers.get('content-type') ?? '');
    const answer = { status: response.status, etag: response.headers.get('etag'), body: isJson ? JSON.parse(text) : undefined, text };
    if (answer.body?.client_secret) secrets.push([answer.body.client_id, answer.body.client_secret]);
    if (answer.status === 401) throw new Wrong(`${issuer} does not take this ADMIN_TOKEN`);
    if (answer.status === 404 && !isJson) throw new Wrong(`${issuer} has no admin API: is ADMIN_TOKEN_SHA256 set there?`);
    if (answer.status === 429 || answer.status >= 500) throw new Wrong(`${issuer}: ${answer.body ? `${answer.body.title}. ${answer.body.detail}` : text.trim()}`);
    return answer;
  };
}

/** A change that must go well. */
async function must(what, promise) {
  const { status, body } = await promise;
  if (status === 412) throw new Wrong(`${what} was changed by somebody else meanwhile: look again, with the same command`);
  if (status >= 300) throw new Wrong(`${what}: ${problem(body).join('\n')}`);
}

/** What a problem document says, line by line. */
function problem({ title, detail, errors }) {
  return errors?.map((error) => error.detail) ?? [`${title}: ${detail}`];
}

// --- What differs ---

async function compare(file, ask) {
  const faults = [];
  const refuse = (line, body) => faults.push(...(body.errors ?? [{ detail: problem(body)[0] }]).map((error) => `${file.name}:${line(error.pointer)}: ${error.detail}`));
  const known = new Map((await all(ask, '/scopes')).map((scope) => [scope.name, scope]));
  const clients = await all(ask, '/clients');
  const scopes = Object.entries(file.scopes).map(([name, value]) => [name, typeof value === 'object' ? value : { description: value }]);

  const changes = [];
  const same = [];
  for (const [name, wanted] of scopes) {
    const change = await compareScope(ask, name, wanted, known.get(name), (body) => refuse(() => lineOf(file.text, name), body));
    (change?.lines ? changes : same).push(change ?? `scope ${name}`);
  }
  const assumed = encodeURIComponent(scopes.map(([name]) => name).join(' '));
  for (const [index, wanted] of file.clients.entries()) {
    const member = (pointer) => pointer?.split('/')[1].replaceAll('~1', '/').replaceAll('~0', '~') ?? 'client_id';
    const change = await compareClient(ask, wanted, assumed, (body) => refuse((pointer) => lineOfClient(file.text, index, member(pointer)), body));
    (change?.lines ? changes : same).push(change ?? `client ${wanted.client_id}`);
  }
  if (faults.length > 0) throw new Wrong(`${faults.join('\n')}\n\nNothing was changed.`);

  const wanted = new Set(file.clients.map(({ client_id }) => client_id));
  const strange = [
    ...clients.filter(({ client_id }) => !wanted.has(client_id)).map(({ client_id }) => removal(ask, 'client', client_id)),
    ...[...known.values()].filter(({ name, standard }) => !standard && !Object.hasOwn(file.scopes, name)).map(({ name }) => removal(ask, 'scope', name)),
  ];
  return PRUNE ? { changes: [...changes, ...strange], same, strange: [] } : { changes, same, strange };
}

/** Every item of a list, page by page. */
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

/** The server says what the client would be, defaults and all; that is held against what it is. */
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
  const apply = () => must(`The client ${wanted.client_id}`, ask(method, target, { body: wanted, etag }));
  return { title: title(isThere, `client ${wanted.client_id}`), lines, apply };
}

function removal(ask, kind, name) {
  const path = `/${kind}s/${encodeURIComponent(name)}`;
  const apply = () => must(`The ${kind} ${name}`, ask('DELETE', path, { etag: '*' }));
  return { title: red(`- ${kind} ${name}`), name: `${kind} ${name}`, lines: [], apply };
}

function title(isThere, name) {
  return isThere ? yellow(`~ ${name}`) : green(`+ ${name}`);
}

/** Of something new, what the file says of it and what matters most, as lines. */
function beginning(after, names) {
  const shown = names.filter((name) => name !== 'client_id' && name !== 'name' && after[name] !== undefined);
  return [...new Set(shown)].map((name) => green(`+ ${name} = ${text(after[name])}`));
}

/** Member by member, as lines. */
function difference(before, after) {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter((name) => !READ_ONLY.includes(name)).sort();
  return names.flatMap((name) => {
    const [old, young] = [before[name], after[name]];
    if (canonical(old) === canonical(young)) return [];
    return [
      ...(old === undefined ? [] : [red(`- ${name} = ${text(old)}`)]),
      ...(young === undefined ? [] : [green(`+ ${name} = ${text(young)}`)]),
    ];
  });
}

/** A value on one line. */
function text(value) {
  if (typeof value === 'string') return value;
  const isList = Array.isArray(value) && value.every((item) => typeof item === 'string');
  return isList ? value.join(', ') : canonical(value);
}

/** JSON whose members have an order. */
function canonical(value) {
  const ordered = (item) => (item && typeof item === 'object' && !Array.isArray(item) ? Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1))) : item);
  return JSON.stringify(value, (_, item) => ordered(item));
}

// --- The terminal ---

function show({ changes, same, strange }) {
  console.log(`${bold(ISSUER)}${DRY_RUN ? dim('  (DRY_RUN: nothing is changed)') : ''}\n`);
  for (const { title, lines } of changes) console.log([title, ...lines.map((line) => `    ${line}`), ''].join('\n'));
  if (same.length > 0) console.log(`${dim(`${count(same.length, 'item')} as in the file`)}\n`);
  if (strange.length > 0) {
    console.log(`${yellow('?')} not in the file, and left alone (PRUNE=1 deletes):\n    ${strange.map(({ name }) => name).join('\n    ')}\n`);
  }
  console.log(changes.length === 0 ? green('Nothing to change.') : `${bold(count(changes.length, 'change'))} to make.`);
}

async function agree(changes) {
  if (YES) return;
  if (!process.stdin.isTTY) throw new Wrong('Nothing was changed: nobody can be asked here. YES=1 goes on without asking, DRY_RUN=1 only looks.');
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  const answer = await terminal.question(`Make ${changes === 1 ? 'it' : 'them'}? [y/N] `);
  terminal.close();
  if (!/^y(es)?$/i.test(answer.trim())) throw new Wrong('Nothing was changed.');
}

function showSecrets() {
  if (secrets.length === 0) return;
  const width = Math.max(...secrets.map(([client_id]) => client_id.length));
  console.log(`\n${bold('Client secrets, shown this once:')}\n`);
  for (const [client_id, secret] of secrets) console.log(`  ${client_id.padEnd(width)}  ${secret}`);
  console.log('');
}

function count(number, noun) {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
