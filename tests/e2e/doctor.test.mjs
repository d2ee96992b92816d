// `make doctor` finds nothing wrong with a good server, and names what is wrong with a broken one.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createServer as createListener } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ADMIN_TOKEN, Admin } from './support/admin.mjs';
import { root, wrangler } from './support/config.mjs';
import { startWorkerd, startWrangler, temporaryDirectory } from './support/harness.mjs';
import { disclosures, endDiscreetly, keepSecret } from './support/secrets.mjs';

let server;
before(async () => {
  server = await startWorkerd();
});
after(() => endDiscreetly(server));

test('a good server has no problem, and the table says what was looked at', async () => {
  const { code, stdout, stderr } = await doctor({}, server);

  assert.deepEqual([code, stderr], [0, ''], stdout);
  for (const line of [
    `✔ issuer .*${server.origin} answers; version `, '✔ discovery .*a stock client finds every endpoint', '✔ published keys .*all of them usable', '✔ clock ', '✔ objects ',
    '✔ signing keys .*ES256, RS256 sign', '✔ clients .*2 enabled, all of use', '! environment .*\\n.*→ Set ENVIRONMENT to production',
  ]) assert.match(stdout, new RegExp(line), line);
  assert.match(stdout, /\nNo problems, and \d notices\.\n$/);
  assert.doesNotMatch(stdout, /✘/);
  assert.deepEqual(disclosures(stdout), []);
});

test('with everything that wrangler.toml declares, no binding is missing', async () => {
  const whole = await startWrangler();
  const { checks } = await examined(whole);
  assert.deepEqual(checks.find(({ name }) => name === 'bindings'), { name: 'bindings', state: 'ok', found: 'all of wrangler.toml are there' });
  await endDiscreetly(whole);
});

test('as JSON it says the same, for programs', async () => {
  const made = await examined(server);

  assert.deepEqual([made.issuer, made.ok], [server.origin, true]);
  for (const { name, state, found, todo } of made.checks) {
    assert.ok(['ok', 'notice', 'skipped'].includes(state) && found, name);
    assert.equal(todo === undefined, state === 'ok', `${name} says what to do, or that nothing is to be done`);
  }
});

test('a client that nobody can use, and a key that cannot sign, are problems', async (t) => {
  const own = await startWorkerd();
  t.after(() => own.stop());
  await new Admin(own).create({ client_id: 'useless', client_name: 'Useless' });
  const { code, stdout } = await doctor({}, own);

  assert.equal(code, 1);
  assert.match(stdout, /✘ clients .*nobody can use 1 of 3: useless has no device grant in grant_types\n.*→ Change them/);
  assert.match(stdout, /\n1 problem, and \d notices\.\n$/);
});

test('a master key that opens no key is a problem', async (t) => {
  const { dir, stop } = await withState();
  const MASTER_KEY = keepSecret('another master key', Buffer.alloc(32, 7).toString('base64'));
  const own = await startWorkerd({ dir, vars: { MASTER_KEY } });
  t.after(() => own.stop());
  t.after(stop);

  const { code, stdout } = await doctor({}, own);

  assert.equal(code, 1, stdout);
  assert.match(stdout, /✘ signing keys .*the keys for ES256, RS256 cannot sign\n.*→ MASTER_KEY no longer opens them/);
});

test('a missing class of objects is a problem', async (t) => {
  const objects = wrangler.durable_objects.bindings.filter(({ name }) => name !== 'LEDGER');
  const own = await startWorkerd({ objects });
  t.after(() => own.stop());

  const { code, stdout } = await doctor({}, own);

  assert.equal(code, 1, stdout);
  assert.match(stdout, /✘ issuer .* answers 503: .* a binding is missing \(Binding `LEDGER` is undefined\.\)/);
});

test('a server that refuses its settings, serves another host, or is not there says so', async (t) => {
  const misconfigured = await startWorkerd({ vars: { POLL_INTERVAL_SECONDS: '0' } });
  const elsewhere = await startWorkerd({ vars: { ISSUER: 'http://localhost:1' } });
  const stranger = createServer((request, response) => response.end('{}')).listen(0, '127.0.0.1');
  await once(stranger, 'listening');
  t.after(() => Promise.all([misconfigured.stop(), elsewhere.stop(), stranger.close()]));

  for (const [origin, expected] of [
    [misconfigured.origin, /✘ issuer .*answers 503: This server is not configured: POLL_INTERVAL_SECONDS is "0".*\n.*→ Repair the setting/],
    [elsewhere.origin, /✘ issuer .*does not serve this host\n.*→ Give ISSUER here and in the settings the same host/],
    [`http://127.0.0.1:${stranger.address().port}`, /✘ issuer .*is some other server\n.*→ Route the host to the Worker/],
    [await nobody(), /✘ issuer .*cannot be reached: ECONNREFUSED\n.*→ Check the host name/],
  ]) {
    const { code, stdout } = await doctor({}, { origin });
    assert.equal(code, 1, stdout);
    assert.match(stdout, expected);
  }
});

test('metadata of another issuer is a problem for stock clients', async (t) => {
  const proxy = createServer(async (request, response) => {
    const answer = await fetch(server.origin + request.url, { headers: { authorization: request.headers.authorization ?? '' } });
    const text = await answer.text();
    response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') }).end(text);
  }).listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  t.after(() => proxy.close());

  const { code, stdout } = await doctor({}, { origin: `http://localhost:${proxy.address().port}` });

  assert.equal(code, 1, stdout);
  assert.match(stdout, /✘ discovery .*a stock client refuses the metadata: .*issuer.*\n.*→ The issuer in the metadata must be ISSUER/);
});

test('without a token the server is not asked about itself, and a wrong one ends with 2', async () => {
  const token = keepSecret('a wrong token', 'a-wrong-admin-token');
  const wrong = await doctor({ ADMIN_TOKEN: token }, server);
  assert.deepEqual([wrong.code, wrong.stdout, wrong.stderr], [2, '', `${server.origin} does not accept this ADMIN_TOKEN\n`]);
  const limited = await new Admin(server).ask('POST', '/tokens', { body: { id: 'limited', owner: 'Team', scopes: ['keys'] } });
  const refused = await doctor({ ADMIN_TOKEN: limited.body.token }, server);
  assert.deepEqual([refused.code, refused.stderr], [2, `${server.origin}: This needs an admin token with the scope read.\n`]);
  const bad = await doctor({}, { origin: 'http://login.example.com' });
  assert.deepEqual([bad.code, bad.stderr], [2, 'ISSUER is http://login.example.com: it must be an https URL, or a loopback address\n']);
});

/** Returns a directory in which a server has made its keys. */
async function withState() {
  const { path, remove } = temporaryDirectory();
  const first = await startWorkerd({ dir: path });
  await fetch(`${first.origin}/jwks.json`);
  await first.stop();
  return { dir: path, stop: remove };
}

async function nobody() {
  const listener = createListener().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address();
  await new Promise((resolve) => listener.close(resolve));
  return `http://127.0.0.1:${port}`;
}

async function examined(of) {
  const { code, stdout, stderr } = await doctor({ JSON: '1' }, of);
  assert.deepEqual([code, stderr], [0, ''], stdout);
  return JSON.parse(stdout);
}

/** Runs the script behind `make doctor`, without make. */
function doctor(env, { origin }) {
  const given = Object.entries({ ISSUER: origin, PATH: process.env.PATH, ADMIN_TOKEN, NO_COLOR: '1', ...env }).filter(([, value]) => value !== undefined);
  return new Promise((resolve) => {
    execFile(process.execPath, [join(root, 'scripts/doctor.mjs')], { env: Object.fromEntries(given) }, (error, stdout, stderr) => {
      resolve({ code: error?.code ?? 0, stdout, stderr });
    });
  });
}
