// What the floors share: they make the hop that a start and a poll need, and know no rule of OAuth. A Worker can hardly do
// less. A command to an object is `i KEY STATE ENDS`, which inserts a row, or `s KEY`, which reads one.

const SHARDS = 32;
const LIFETIME = 1_800_000;
const HEADERS = { 'content-type': 'application/json', 'cache-control': 'no-store' };
const ids = [];

/** Returns the stub of the n-th object. */
export function object(env, n) {
  return env.GRANTS.get((ids[n] ??= env.GRANTS.idFromName(`r/${n}`)));
}

/** Creates the table, and returns the function that runs a command. */
export function open(sql) {
  sql.exec('CREATE TABLE IF NOT EXISTS grants (key TEXT PRIMARY KEY, state TEXT, ends_at INTEGER) WITHOUT ROWID');
  return (text) => {
    const [operation, key, state, ends] = text.split(' ');
    if (operation === 's') return sql.exec('SELECT state FROM grants WHERE key = ?', key).toArray()[0]?.state ?? 'absent';
    sql.exec('INSERT INTO grants VALUES (?, ?, ?)', key, state, Number(ends));
    return 'ok';
  };
}

/** Answers a request. `hop(n, command)` asks the n-th object. */
export async function answer(request, hop) {
  const { pathname } = new URL(request.url);
  if (pathname === '/healthz') return json(200, '{"version":"floor"}');
  const form = new URLSearchParams(await request.text());
  if (pathname === '/device_authorization') return start(form, hop);
  if (pathname === '/token') return poll(form, hop);
  return new Response('', { status: 404 });
}

async function start(form, hop) {
  if (!form.get('client_id')) return json(400, '{"error":"invalid_request"}');
  const bytes = crypto.getRandomValues(new Uint8Array(25));
  const key = btoa(String.fromCharCode(...bytes)).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
  const n = bytes[0] % SHARDS;
  await hop(n, `i ${key} pending ${Date.now() + LIFETIME}`);
  const verification_uri = 'http://127.0.0.1/device';
  return json(200, JSON.stringify({ device_code: `${n}.${key}`, user_code: 'ABCD-EFGH', verification_uri, expires_in: 1800, interval: 5 }));
}

async function poll(form, hop) {
  const [n, key] = (form.get('device_code') ?? '').split('.');
  if (!key) return json(400, '{"error":"invalid_grant"}');
  const state = await hop(n, `s ${key}`);
  return json(400, state === 'pending' ? '{"error":"authorization_pending"}' : '{"error":"invalid_grant"}');
}

function json(status, body) {
  return new Response(body, { status, headers: HEADERS });
}
