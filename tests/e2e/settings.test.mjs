// A misconfigured server says so in every answer, and a production server has no demo data.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { accounts, clients, development } from './support/config.mjs';
import { Device } from './support/device.mjs';
import { startWorkerd } from './support/harness.mjs';
import { Person } from './support/person.mjs';
import { send } from './support/raw.mjs';
import { decisions, disclosures, endDiscreetly, keepSecret } from './support/secrets.mjs';

const KEY = keepSecret('the master key of production', 'q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA=');
const ISSUER = 'http://localhost:8443';
const widget = { site: '0x4AAAAAAAsitekeyofours0', secret: keepSecret('a Turnstile secret key', '0x4AAAAAAAsecretkeyofours0123456789') };
const production = { ENVIRONMENT: 'production', ISSUER, MASTER_KEY: KEY };

const sha256 = (text) => createHash('sha256').update(text).digest('base64');

const routes = [
  ['GET', '/healthz'],
  ['GET', '/jwks.json'],
  ['GET', '/ledger/roots'],
  ['GET', '/.well-known/oauth-authorization-server'],
  ['GET', '/.well-known/openid-configuration'],
  ['GET', '/device'],
  ['POST', '/device'],
  ['GET', '/device/qr'],
  ['GET', '/invitation'],
  ['POST', '/invitation'],
  ['GET', '/account'],
  ['POST', '/account'],
  ['GET', '/account/passkeys'],
  ['POST', '/account/passkeys'],
  ['GET', '/account/access'],
  ['POST', '/account/access'],
  ['GET', '/logo/x'],
  ['POST', '/device_authorization'],
  ['POST', '/token'],
  ['GET', '/instant'],
  ['POST', '/introspect'],
  ['POST', '/revoke'],
  ['GET', '/userinfo'],
  ['GET', '/authorize'],
  ['GET', '/callback/corp'],
  ['GET', '/scim/v2/Users'],
  ['POST', '/backchannel-logout/corp'],
  ['POST', '/security-events/corp'],
  ['GET', '/admin/api/clients'],
  ['DELETE', '/admin/api/clients/demo-tv'],
  ['POST', '/register'],
  ['GET', '/nothing'],
];

const number = (low, high) => `must be a whole number from ${low} to ${high}`;

for (const [name, value, allowed] of [
  ['ENVIRONMENT', 'staging', 'must be production, preview or development'],
  ['ISSUER', 'login.example.com', 'must be an https URL'],
  ['ISSUER', 'http://login.example.com', 'must be an https URL'],
  ['POLL_INTERVAL_SECONDS', '0', number(1, 60)],
  ['CODE_LIFETIME_SECONDS', '9', number(10, 1800)],
  ['CODE_LIFETIME_SECONDS', '5m', number(10, 1800)],
  ['REDEMPTION_GRACE_SECONDS', '601', number(0, 600)],
  ['ACCESS_TOKEN_SECONDS', '1', number(60, 86400)],
  ['ID_TOKEN_SECONDS', '-1', number(60, 86400)],
  ['REFRESH_TOKEN_SECONDS', '31536001', number(60, 31536000)],
  ['REFRESH_TOKEN_IDLE_SECONDS', '2592001', 'must not be longer than REFRESH_TOKEN_SECONDS, which is 2592000'],
  ['SIGNING_KEY_ROTATION_DAYS', '3651', number(0, 3650)],
  ['LIVE_CODES_PER_CLIENT_AND_NETWORK', '0', number(1, 1000000)],
  ['LIVE_CODES_PER_SHARD', 'many', number(1, 100000)],
  ['INSTANT_SOCKETS_PER_SHARD', '10001', number(0, 10000)],
  ['OPEN_REGISTRATION', 'yes', 'must be true or false'],
  ['OPEN_REGISTRATION_SCOPES', 'a b c d e f g h i j k', 'must have at most 10 scopes'],
  ['REGISTRATION_AUDIENCE', 'api.example.com', 'must be at most 20 absolute URIs'],
  ['ADMIN_GROUPS', 'administrators', 'must be at most 20 groups by their full names'],
  ['ADMIN_GROUPS', 'entra:platform', 'must have a local group'],
  ['TRUSTED_REDIRECTS', 'http://127.0.0.1/', 'must be https URLs'],
  ['PASSWORDS', 'yes', 'must be true or false'],
  ['ACCESS_TEAM', 'https://access.example.com', 'must be the name of the team, or its domain'],
  ['ACCESS_AUDIENCE', '4714C1', 'must be the application\'s audience tag'],
  ['ACCESS_MANAGED_POSTURE', 'Firewall', 'must be at most 20 identifiers'],
  ['SHARDS_PER_REGION', '65', number(1, 64)],
  ['SHARDS_PER_REGION_PREVIOUS', '0', number(1, 64)],
  ['REGISTRY_REPLICAS', '17', number(0, 16)],
  ['REGISTRY_LEASE_SECONDS', '4', number(5, 60)],
  ['REGISTRY_LOCATION', 'europe', 'must be wnam, enam, weur, eeur, apac or oc'],
  ['RETIRED_KEY_PAIRS', '1', 'must be at most 8 of pair:shards with commas between them, such as 48213:8'],
  ['USER_CODE_LENGTH', '3', number(4, 24)],
  ['USER_CODE_CHARSET', 'BCDB', "'B' appears twice in the character set"],
  ['USER_CODE_CHARSET', 'ABCD1234', '12 characters would pass (ALLOW_WEAK_USER_CODES=true overrides this)'],
  ['USER_CODE_CHARSET', '0123456789', '12 characters would pass (ALLOW_WEAK_USER_CODES=true overrides this)'],
  ['ALLOW_WEAK_USER_CODES', 'yes', 'must be true or false'],
  ['DEVICE_CLIENT_AUTHENTICATION', 'on', 'must be true or false'],
  ['PROVENANCE_CLAIMS', 'on', 'must be true or false'],
  ['LOG_PENDING_POLLS', '1', 'must be true or false'],
  ['LOG_STARTS', 'yes', 'must be true or false'],
  ['SERVICE_NAME', ' TV', 'must be visible text, but it begins or ends with a space'],
  ['SERVICE_LOGO', 'http://cdn.example/logo.png', 'must be the https URL of an image'],
  ['SUPPORT_URL', 'mailto:help@example.com', 'must be an https URL'],
  ['ACCENT_COLOR', '#ffcc00', 'has a contrast of 1.5 with white text, and must have at least 4.5'],
  ['EVENTS_WEBHOOK', 'http://alerts.example/', 'must be an https URL'],
  ['TURNSTILE', 'on', 'must be strained or always'],
  ['TURNSTILE', 'always', 'needs TURNSTILE_SITE_KEY and TURNSTILE_SECRET_KEY'],
  ['TURNSTILE_SITEVERIFY_URL', 'http://verify.example.com', 'must be an https URL'],
  ['REGISTRATION_SCOPES', 'a"b', 'must be space-separated scopes'],
]) {
  test(`${name}=${value} is refused on every route, and the answer says what is allowed`, async (t) => {
    const server = await misconfigured(t, { [name]: value });

    const sentence = await refusal(server);

    assert.ok(sentence.startsWith(`This server is not configured: ${name} is ${JSON.stringify(value)}: `), sentence);
    assert.ok(sentence.includes(allowed), sentence);
  });
}

for (const [what, vars, expected] of [
  ['without a master key', { MASTER_KEY: undefined }, /: MASTER_KEY: must be set: 32 random bytes or more in base64/],
  ['with a short master key', { MASTER_KEY: keepSecret('a short key', 'c2hvcnQ') }, /: MASTER_KEY: must be 32 random bytes or more/],
  ['for production with the development key', { ...production, MASTER_KEY: development.MASTER_KEY }, /: MASTER_KEY: is the development key, which is public/],
  ['for a preview with the development key', { ENVIRONMENT: 'preview' }, /: MASTER_KEY: is the development key, which is public/],
  ['for production with the development key as its previous one', { ...production, MASTER_KEY_PREVIOUS: development.MASTER_KEY }, /: MASTER_KEY_PREVIOUS: is the development key/],
  ['with a Turnstile site key alone', { TURNSTILE_SITE_KEY: widget.site }, /: TURNSTILE_SECRET_KEY: must be set together with TURNSTILE_SITE_KEY/],
  ['with its Turnstile keys swapped', { TURNSTILE_SITE_KEY: widget.secret, TURNSTILE_SECRET_KEY: widget.site }, /: TURNSTILE_SITE_KEY: is not shorter than TURNSTILE_SECRET_KEY/],
  ['for production with a Turnstile key for tests', { ...production, TURNSTILE_SITE_KEY: widget.site, TURNSTILE_SECRET_KEY: '1x0000000000000000000000000000000AA' }, /: TURNSTILE_SECRET_KEY: is a test key that Cloudflare publishes/],
  ['with a team of Cloudflare Access alone', { ACCESS_TEAM: 'acme' }, /: ACCESS_AUDIENCE: must be set together with ACCESS_TEAM/],
  ['with a webhook that nothing signs', { EVENTS_WEBHOOK: 'https://alerts.example/' }, /: EVENTS_WEBHOOK_SECRET: must be set, because EVENTS_WEBHOOK is/],
  ['with a weak secret of its webhook', { EVENTS_WEBHOOK: 'https://alerts.example/', EVENTS_WEBHOOK_SECRET: keepSecret('a weak secret', 'hunter2-hunter2') }, /: EVENTS_WEBHOOK_SECRET: must be whsec_/],
  ['for production without an issuer', { ...production, ISSUER: undefined }, /: ISSUER: must be set to this server's https URL/],
  ['without ENVIRONMENT, which is production,', { ENVIRONMENT: undefined, ISSUER }, /: MASTER_KEY: is the development key/],
  ['for production with the development admin token', { ...production, ADMIN_TOKEN_SHA256: sha256('development-admin-token') }, /: ADMIN_TOKEN_SHA256: is the digest of the development token, which is public/],
  ['for a preview with the development admin token', { ...production, ENVIRONMENT: 'preview', ADMIN_TOKEN_SHA256: sha256('development-admin-token') }, /: ADMIN_TOKEN_SHA256: is the digest of the development token/],
  ['with a token where its digest should be', { ADMIN_TOKEN_SHA256: keepSecret('a token that was set by mistake', 'a-token-not-a-digest') }, /: ADMIN_TOKEN_SHA256: must be the SHA-256 of the token, in hex or base64/],
  ['with checks of posture, but no team of Cloudflare Access', { ACCESS_MANAGED_POSTURE: 'f6f9391e-6776-4878-9c60-0cc807dc7dc8' }, /: ACCESS_TEAM: must be set if ACCESS_MANAGED_POSTURE is/],
  ['with one token for two uses', { ADMIN_TOKEN_SHA256: sha256('a'), INITIAL_ACCESS_TOKEN_SHA256: sha256('a') }, /: INITIAL_ACCESS_TOKEN_SHA256: is the digest of the admin token/],
]) {
  test(`a server ${what} refuses to serve, and does not show the key`, async (t) => {
    const server = await misconfigured(t, vars);

    assert.match(await refusal(server), expected);
  });
}

test('an empty setting counts as absent', async (t) => {
  const server = await startWorkerd({ vars: { POLL_INTERVAL_SECONDS: '', ISSUER: '', USER_CODE_CHARSET: '' } });
  t.after(() => endDiscreetly(server));

  const { codes } = await Device.start(server);

  assert.equal(codes.interval, 5);
});

test('production has no demo client and no demo account', async (t) => {
  const server = await startWorkerd({ vars: production });
  t.after(() => endDiscreetly(server));
  const inProduction = toProduction(server);

  for (const client of Object.values(clients)) {
    const body = new URLSearchParams({ ...client, scope: 'openid' }).toString();
    const answer = await inProduction('/device_authorization', { body });
    assert.deepEqual([answer.status, JSON.parse(answer.text).error], [401, 'invalid_client']);
  }
  const known = await inProduction('/.well-known/openid-configuration', { method: 'GET' });
  assert.equal(JSON.parse(known.text).issuer, ISSUER);
  for (const { username, password } of Object.values(accounts)) {
    const page = await signInToProduction(inProduction, username, password);
    assert.match(page.text, /Wrong username or password/);
  }
});

test('production has no admin API and no registration unless their tokens are set', async (t) => {
  const server = await startWorkerd({ vars: production });
  t.after(() => endDiscreetly(server));
  const inProduction = toProduction(server);

  const authorization = 'Bearer development-admin-token';
  for (const [method, path] of [['GET', '/admin/api/clients'], ['GET', '/admin/api/openapi.json'], ['OPTIONS', '/admin/api/clients'], ['POST', '/register']]) {
    const { status, text } = await inProduction(path, { method, headers: { authorization } });
    assert.deepEqual([status, text], [404, 'There is nothing here.\n'], `${method} ${path}`);
  }
  await inProduction('/device_authorization', { body: 'client_id=demo-tv' });
});

test('the admin API of production accepts the token whose digest is set, and no other', async (t) => {
  const token = keepSecret('the admin token of production', 'an-admin-token-of-production');
  const server = await startWorkerd({ vars: { ...production, ADMIN_TOKEN_SHA256: sha256(token) } });
  t.after(() => endDiscreetly(server));
  const list = (bearer) => toProduction(server)('/admin/api/clients', { method: 'GET', headers: { authorization: `Bearer ${bearer}` } });

  const opened = await list(token);
  assert.deepEqual([opened.status, JSON.parse(opened.text)], [200, { clients: [] }]);
  assert.equal((await list('development-admin-token')).status, 401);
});

test('production answers only requests for its own issuer', async (t) => {
  const server = await startWorkerd({ vars: production });
  t.after(() => endDiscreetly(server));
  const inProduction = toProduction(server);

  assert.equal((await inProduction('/healthz', { method: 'GET' })).status, 200);
  assert.equal((await send(server, '/healthz', { method: 'GET' })).status, 421);
  assert.equal((await inProduction('/device_authorization', { body: 'client_id=demo-tv' })).status, 401, 'so that the log has a decision');
});

test('an issuer can have a path, and every route is under it', async (t) => {
  const server = await startWorkerd({ vars: { ISSUER: `${ISSUER}/auth` } });
  t.after(() => endDiscreetly(server));
  const ask = toProduction(server);
  const body = new URLSearchParams({ ...clients.tv, scope: 'openid' }).toString();

  const started = await ask('/auth/device_authorization', { body });

  const { verification_uri, device_code, user_code } = JSON.parse(started.text);
  keepSecret('a device code', device_code);
  keepSecret('a user code', user_code);
  assert.equal(verification_uri, `${ISSUER}/auth/device`);
  assert.equal((await ask('/device_authorization', { body })).status, 404);
  const metadata = await ask('/.well-known/oauth-authorization-server/auth', { method: 'GET' });
  assert.equal(JSON.parse(metadata.text).issuer, `${ISSUER}/auth`);
  assert.equal((await ask('/auth/.well-known/openid-configuration', { method: 'GET' })).text, metadata.text);
  assert.match((await ask('/auth/device', { method: 'GET' })).text, /<form [^>]*action="\/auth\/device"/);
});

test('weak user codes have to be allowed, and the log says so at every start', async (t) => {
  const vars = { USER_CODE_CHARSET: '0123456789', USER_CODE_LENGTH: '6', ALLOW_WEAK_USER_CODES: 'true' };
  const server = await startWorkerd({ vars });
  t.after(() => endDiscreetly(server, { besides: [/ALLOW_WEAK_USER_CODES is on/] }));
  const device = await Device.start(server);

  assert.match(device.userCode, /^\d{3}-\d{3}$/);
  await new Person(server).approve(device.userCode);
  await device.redeem();
  await server.restart();
  await fetch(`${server.origin}/healthz`);

  assert.equal(server.logs().match(/ALLOW_WEAK_USER_CODES is on/g).length, 2, 'once per start');
});

test('a code of digits is entered on a number pad, and O and l are read as 0 and 1', async (t) => {
  const server = await startWorkerd({ vars: { USER_CODE_CHARSET: '0123456789', USER_CODE_LENGTH: '12' } });
  t.after(() => endDiscreetly(server));
  const device = await Device.start(server);
  const alice = new Person(server);

  assert.match(device.userCode, /^\d{4}-\d{4}-\d{4}$/);
  await alice.open();
  assert.match(alice.page.html, /inputmode="numeric"/);
  await alice.approve(device.userCode.replaceAll('-', ' ').replaceAll('0', 'O').replaceAll('1', 'l'));
  await device.redeem();
});

test('client authentication at the device authorization endpoint can be turned off', async (t) => {
  const server = await startWorkerd({ vars: { DEVICE_CLIENT_AUTHENTICATION: 'false' } });
  t.after(() => endDiscreetly(server));
  const printer = await Device.start(server, { client: { client_id: clients.printer.client_id } });
  await new Person(server).approve(printer.userCode);

  assert.equal((await printer.poll()).error, 'invalid_client', 'the token endpoint still requires it');
  printer.client = clients.printer;
  printer.by = 'post';
  await printer.redeem();
});

test('lifetimes are as configured', async (t) => {
  const vars = { ACCESS_TOKEN_SECONDS: '60', ID_TOKEN_SECONDS: '120', CODE_LIFETIME_SECONDS: '1800', POLL_INTERVAL_SECONDS: '60' };
  const server = await startWorkerd({ vars });
  t.after(() => endDiscreetly(server));
  const device = await Device.start(server);
  await new Person(server).approve(device.userCode);

  const { expires_in, access_token, id_token } = await device.redeem();

  const lifetime = (token) => {
    const { iat, exp } = JSON.parse(Buffer.from(token.split('.')[1], 'base64url'));
    return exp - iat;
  };
  assert.deepEqual([device.codes.expires_in, device.codes.interval], [1800, 60]);
  assert.deepEqual([expires_in, lifetime(access_token), lifetime(id_token)], [60, 60, 120]);
});

/** Starts a misconfigured server. At the end, its log must have the error, no decision and no secret. */
async function misconfigured(t, vars) {
  const server = await startWorkerd({ vars });
  t.after(async () => {
    await server.stop();
    assert.deepEqual(disclosures(server.logs()), []);
    assert.deepEqual(decisions(server), []);
    assert.match(server.logs(), /This server is not configured: /);
  });
  return server;
}

/** Returns the sentence that every route must answer with. */
async function refusal(server) {
  const answers = new Set();
  for (const [method, path] of routes) {
    const { status, text } = await send(server, path, { method });
    assert.equal(status, 503, `${method} ${path}`);
    answers.add(text);
  }
  assert.equal(answers.size, 1);
  const [sentence] = answers;
  assert.deepEqual(disclosures(sentence), []);
  return sentence;
}

/** Returns a function that sends a form with the issuer as `Host`, whatever port the server is really on. */
function toProduction(server) {
  const headers = { host: new URL(ISSUER).host, 'content-type': 'application/x-www-form-urlencoded' };
  return (path, init) => send(server, path, { ...init, headers: { ...headers, ...init.headers } });
}

/** Enters a code, which need not exist, and signs in. */
async function signInToProduction(ask, username, password) {
  const post = (page, fields) => {
    const hidden = (name) => page.text.match(new RegExp(`name="${name}" value="([^"]*)"`))?.[1] ?? '';
    const body = new URLSearchParams({ csrf: hidden('csrf'), transaction: hidden('transaction'), ...fields }).toString();
    return ask('/device', { body, headers: { cookie } });
  };
  const first = await ask('/device', { method: 'GET' });
  const cookie = first.headers['set-cookie'][0].split(';')[0];
  const signIn = await post(first, { step: 'code', user_code: 'BBBB-BBBB' });
  return post(signIn, { step: 'sign_in', username, password });
}
