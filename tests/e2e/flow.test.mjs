// Devices are approved, refused, reported and kept waiting, in the real runtime.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { request } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { createRemoteJWKSet, decodeProtectedHeader, jwtVerify } from 'jose';
import { interval } from './support/bounded.mjs';
import { accounts, clients } from './support/config.mjs';
import { ALL_SCOPES, Device } from './support/device.mjs';
import { startWorkerd } from './support/harness.mjs';
import { Person } from './support/person.mjs';
import { at } from './support/places.mjs';
import { decisions, endDiscreetly } from './support/secrets.mjs';

const INTERVAL = 2;
/** Number of tests that run at once. Each has alice enter a code; five entries in flight would use up her attempts. */
const concurrency = 4;

let server;
before(async () => {
  server = await startWorkerd({ vars: { POLL_INTERVAL_SECONDS: String(INTERVAL) } });
});
after(() => endDiscreetly(server));

describe('the device grant', { concurrency }, () => {
  for (const [who, options] of Object.entries({
    'a public client': { client: clients.tv },
    'a client with a secret in the form': { client: clients.printer, by: 'post' },
    'a client with a secret in the header': { client: clients.printer, by: 'basic' },
  })) {
    test(`${who} goes from discovery to tokens`, async () => {
      const began = Math.floor(Date.now() / 1000);
      const metadata = await discover();
      const device = new Device(server, options);

      const codes = await device.start({ scope: ALL_SCOPES, nonce: `nonce of ${who}` });

      assert.equal(codes.status, 200);
      assert.match(codes.user_code, /^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$/);
      assert.equal(codes.verification_uri, `${server.origin}/device`);
      assert.match(codes.verification_uri_complete, new RegExp(`^${server.origin}/device\\?user_code=${codes.user_code}&e=[\\w-]{12}$`));
      assert.deepEqual([codes.expires_in, codes.interval], [300, INTERVAL]);
      const { status, error } = await device.poll();
      assert.deepEqual([status, error], [400, 'authorization_pending']);

      await new Person(server).approve(device.userCode);
      const tokens = await device.redeem();

      assert.deepEqual(tokens.scope.split(' ').sort(), ALL_SCOPES.split(' ').sort());
      assert.deepEqual([tokens.token_type, tokens.expires_in], ['Bearer', 900]);
      await verifyTokens(metadata, tokens, { client_id: options.client.client_id, nonce: `nonce of ${who}`, began });
    });
  }

  test('only requested scopes are granted, and without openid and offline_access there is no ID or refresh token', async () => {
    const device = await Device.start(server, { scope: 'email' });
    await new Person(server).approve(device.userCode);

    const tokens = await device.redeem();

    assert.deepEqual([tokens.scope, tokens.id_token, tokens.refresh_token], ['email', undefined, undefined]);
  });

  test('a device that polls too soon is slowed down, and gets its tokens once it waits', async () => {
    const device = await Device.start(server);
    assert.equal((await device.poll()).error, 'authorization_pending');

    const early = await device.poll();

    assert.deepEqual([early.status, early.error, early.interval], [400, 'slow_down', INTERVAL + 5]);
    assert.equal(early.retryAfter, String(INTERVAL + 5));
    await interval(early.interval);
    const onTime = await device.poll();
    assert.deepEqual([onTime.error, onTime.interval], ['authorization_pending', INTERVAL + 5], 'the longer interval stays');
    await new Person(server).approve(device.userCode);
    await device.redeem();
  });

  test('a refusal reaches the device, and is final', async () => {
    const device = await Device.start(server);
    const bob = new Person(server, { account: accounts.bob });

    await bob.deny(device.userCode);

    assert.equal((await device.poll()).error, 'access_denied');
    assert.equal((await device.poll()).error, 'access_denied');
    await bob.enter(device.userCode);
    assert.match(bob.page.problem, /^That code didn’t work/);
  });

  test('"I didn’t start this" reaches the device as a refusal, and is logged', async () => {
    const device = await Device.start(server);
    const alice = new Person(server);
    await alice.consider(device.userCode);

    await alice.decide('report');

    alice.mustRead(200, 'Refused and reported');
    assert.equal((await device.poll()).error, 'access_denied');
    assert.ok(decisions(server).some(({ what, outcome }) => what === 'decision' && outcome === 'reported'));
  });

  test('a code from a link is shown for comparison, and goes on only when confirmed', async () => {
    const device = await Device.start(server);
    const alice = new Person(server);

    await alice.open(device.codes.verification_uri_complete.slice(server.origin.length));

    assert.ok(alice.page.html.includes(device.userCode));
    assert.equal((await device.poll()).error, 'authorization_pending', 'a GET changes nothing');
    await alice.submit({ step: 'code', user_code: device.userCode });
    await alice.signIn();
    alice.mustRead(200, 'Approve or refuse');
    await alice.decide('approve');
    alice.mustRead(200, 'Approved');
    await device.redeem();
  });

  test('nothing is decided unless the box is ticked and a button pressed', async () => {
    const device = await Device.start(server);
    const alice = new Person(server);
    await alice.consider(device.userCode);

    await alice.decide('approve', { confirmed: false });
    assert.deepEqual([alice.page.status, /^Nothing was approved/.test(alice.page.problem)], [400, true]);
    await alice.decide(undefined);
    assert.deepEqual([alice.page.status, /^Nothing was decided/.test(alice.page.problem)], [400, true]);

    assert.equal((await device.poll()).error, 'authorization_pending');
    await alice.decide('approve');
    alice.mustRead(200, 'Approved');
    await device.redeem();
  });

  test('a form that the server did not make, or that comes from another site, is refused', async () => {
    const device = await Device.start(server);
    const alice = new Person(server);
    await alice.consider(device.userCode);
    const { csrf } = alice.page;

    await alice.submit({ step: 'decide', decision: 'approve', confirm_device: 'yes', csrf: 'x'.repeat(csrf.length) });
    assert.equal(alice.page.status, 403);
    const mallory = new Person(server, { headers: { origin: 'https://evil.example' } });
    mallory.cookies = alice.cookies;
    await mallory.open();
    const foreign = await fetch(`${server.origin}/device`, {
      method: 'POST',
      body: new URLSearchParams({ csrf, step: 'sign_out' }),
      headers: { origin: 'https://evil.example', cookie: [...alice.cookies].map((pair) => pair.join('=')).join('; ') },
    });

    assert.equal(foreign.status, 403);
    assert.equal((await device.poll()).error, 'authorization_pending');
  });

  test('the consent page shows where the request came from, next to where the person is', async () => {
    const lyon = { city: 'Lyon', region: 'Auvergne-Rhône-Alpes', country: 'FR', asOrganization: 'Réseau', asn: 64500, colo: 'CDG' };
    const oslo = { city: 'Oslo', country: 'NO', asn: 64501, colo: 'OSL' };
    const device = await Device.start(server, { headers: { ...at(lyon), 'user-agent': 'Roku/DVP' } });
    const alice = new Person(server, { headers: { ...at(oslo), 'user-agent': 'curl/8' } });

    await alice.consider(device.userCode);

    const cells = [...alice.page.html.matchAll(/<td role="cell">(.+?)<\/td>/g)].map(([, html]) => html.replace(/<[^>]*>/g, ''));
    const [there, here, network, ours, kind, mine, time] = cells;
    assert.deepEqual([there, here], ['Lyon, Auvergne-Rhône-Alpes, France', 'Oslo, Norway']);
    assert.deepEqual([network, ours], ['Réseau', 'Unknown network']);
    assert.deepEqual([kind, mine], ['Roku TV', 'Command line (curl)']);
    assert.match(time, /^Just now, \d\d:\d\d UTC$/);
  });
});

describe('refresh tokens', { concurrency }, () => {
  test('each use returns the next one, and scopes may shrink but never grow', async () => {
    const { device, tokens: first } = await signedIn();

    const second = await device.refresh();
    assert.equal(second.status, 200);
    assert.notEqual(second.refresh_token, first.refresh_token);
    const narrow = await device.refresh(second.refresh_token, { scope: 'openid' });

    assert.deepEqual([narrow.status, narrow.scope], [200, 'openid']);
    const other = await device.refresh(narrow.refresh_token, { scope: 'admin' });
    assert.equal(other.error, 'invalid_scope');
    assert.equal((await device.refresh(narrow.refresh_token)).status, 200, 'a refused refresh spends nothing');
    const wide = await device.refresh(undefined, { scope: `${ALL_SCOPES} admin` });
    assert.equal(wide.scope, first.scope, 'a scope that was not granted is cut');
  });

  test('reuse of a token whose successor was used ends the family', async () => {
    const { device, tokens: first } = await signedIn();
    const second = await device.refresh(first.refresh_token);
    const third = await device.refresh(second.refresh_token);

    const again = await device.refresh(first.refresh_token);

    assert.deepEqual([again.status, again.error], [400, 'invalid_grant']);
    assert.equal((await device.refresh(third.refresh_token)).error, 'invalid_grant');
  });

  test('another client cannot use a token, and does no harm by trying', async () => {
    const { device, tokens } = await signedIn();

    const stranger = await new Device(server, { client: clients.printer }).refresh(tokens.refresh_token);

    assert.equal(stranger.error, 'invalid_grant');
    assert.equal((await device.refresh()).status, 200);
  });

  test('replaying the device code at once changes nothing, but later ends the family', async () => {
    const { device, tokens } = await signedIn();

    assert.equal((await device.poll()).error, 'invalid_grant');
    const second = await device.refresh(tokens.refresh_token);
    assert.equal(second.status, 200);
    await interval(3.1);
    const replayed = await device.poll();

    assert.deepEqual([replayed.status, replayed.error], [400, 'invalid_grant']);
    assert.equal((await device.refresh(second.refresh_token)).error, 'invalid_grant');
  });

  test('another client cannot replay a device code, and does no harm by trying', async () => {
    const { device, tokens } = await signedIn();
    await interval(3.1);

    const stranger = await new Device(server, { client: clients.printer }).poll(device.codes.device_code);

    assert.equal(stranger.error, 'invalid_grant');
    assert.equal((await device.refresh(tokens.refresh_token)).status, 200);
  });
});

describe('the routes', () => {
  const pages = ['/.well-known/oauth-authorization-server', '/.well-known/openid-configuration', '/jwks.json', '/ledger/roots', '/healthz', '/device'];

  test('HEAD answers like GET, without the body', async () => {
    for (const path of pages) {
      const [get, head] = await Promise.all(['GET', 'HEAD'].map((method) => fetch(server.origin + path, { method })));
      const [there, none] = await Promise.all([get.text(), head.text()]);
      assert.deepEqual([get.status, head.status, there === '', none], [200, 200, false, ''], path);
      assert.equal(head.headers.get('content-type'), get.headers.get('content-type'), path);
    }
  });

  test('a script of another site can read the keys, but neither the token endpoint nor the pages', async () => {
    const headers = { origin: 'https://app.example', 'access-control-request-method': 'POST' };
    const preflight = (path) => fetch(server.origin + path, { method: 'OPTIONS', headers });
    const [keys, token] = await Promise.all(['/jwks.json', '/token'].map(preflight));
    assert.deepEqual([keys.status, await keys.text()], [204, '']);
    assert.equal(keys.headers.get('access-control-allow-origin'), '*');
    assert.deepEqual([token.status, await token.text()], [403, "No client lists the origin 'https://app.example' in allowed_origins.\n"]);
    assert.equal(token.headers.get('access-control-allow-origin'), null);
    assert.equal((await fetch(`${server.origin}/device`, { headers })).headers.get('access-control-allow-origin'), null);
  });

  test('any other method gets 405, with the allowed methods', async () => {
    const wrong = [
      ...pages.slice(0, 4).flatMap((path) => ['POST', 'PUT', 'DELETE'].map((method) => [method, path, 'GET, HEAD'])),
      ...['PUT', 'DELETE', 'OPTIONS'].map((method) => [method, '/device', 'GET, HEAD, POST']),
      ...['GET', 'HEAD', 'PUT'].flatMap((method) => ['/token', '/device_authorization', '/introspect', '/revoke', '/backchannel-logout/corp', '/security-events/corp'].map((path) => [method, path, 'POST'])),
      ...['PUT', 'DELETE'].map((method) => [method, '/userinfo', 'GET, HEAD, POST']),
      ...['HEAD', 'POST'].map((method) => [method, '/instant', 'GET']),
    ];
    for (const [method, path, allow] of wrong) {
      const response = await fetch(server.origin + path, { method });
      await response.text();
      assert.deepEqual([response.status, response.headers.get('allow')], [405, allow], `${method} ${path}`);
    }
  });

  test('any other path gets 404', async () => {
    for (const path of ['/', '/token/', '/device/x', '/.well-known', '/jwks', '/panic-probe', '/TOKEN', '/register', '/admins']) {
      const response = await fetch(server.origin + path, { method: 'POST' });
      assert.deepEqual([response.status, await response.text()], [404, 'There is nothing here.\n'], path);
    }
  });

  test('a request for another host gets 421', async () => {
    for (const host of ['login.example.com', 'localhost.example.com', '127.0.0.1.example.com:80']) {
      assert.equal(await statusFor(host), 421, host);
    }
    assert.equal(await statusFor('localhost:1'), 200, 'in development any loopback host is accepted');
  });

  test('the authorization endpoint, which strict clients demand, refuses and explains itself', async () => {
    const { authorization_endpoint, response_types_supported } = await discover();
    const response = await fetch(`${authorization_endpoint}?response_type=code&client_id=demo-tv`, { redirect: 'manual' });

    assert.deepEqual(response_types_supported, []);
    assert.equal(response.status, 400);
    assert.match(await response.text(), /Sign in on your device/);
  });

  test('the log contains the ray ID of a request', async () => {
    const device = new Device(server, { headers: { 'cf-ray': '8f00ba4-test' } });

    await device.start({ scope: 'nothing-known' });

    const line = decisions(server).find(({ ray }) => ray === '8f00ba4-test');
    assert.deepEqual([line.what, line.client, line.outcome, line.reason],
      ['device_authorization', 'demo-tv', 'invalid_scope', 'scope_not_allowed']);
  });

  test('a made-up ray ID does not get into the log', async () => {
    for (const ray of ['made-up-'.repeat(1_000), '{"made":"up"}']) {
      await new Device(server, { headers: { 'cf-ray': ray } }).start({ scope: 'nothing-known' });
    }

    assert.equal(decisions(server).at(-1).ray, '');
    assert.doesNotMatch(server.logs(), /made/);
  });
});

/** Returns the metadata, which must be the same at both URLs. */
async function discover() {
  const places = ['oauth-authorization-server', 'openid-configuration'];
  const urls = places.map((name) => `${server.origin}/.well-known/${name}`);
  const [oauth, openid] = await Promise.all(urls.map(async (url) => (await fetch(url)).json()));
  assert.deepEqual(oauth, openid);
  assert.deepEqual(
    [oauth.issuer, oauth.device_authorization_endpoint, oauth.token_endpoint],
    [server.origin, `${server.origin}/device_authorization`, `${server.origin}/token`],
  );
  return openid;
}

async function signedIn() {
  const device = await Device.start(server);
  await new Person(server).approve(device.userCode);
  return { device, tokens: await device.redeem() };
}

/** Verifies the ID token as a client would, and the access token as a resource server would. */
async function verifyTokens({ issuer, jwks_uri }, tokens, { client_id, nonce, began }) {
  const keys = createRemoteJWKSet(new URL(jwks_uri));
  const id = await jwtVerify(tokens.id_token, keys, { issuer, audience: client_id, algorithms: ['RS256'] });
  const access = await jwtVerify(tokens.access_token, keys, {
    issuer,
    audience: issuer,
    algorithms: ['ES256'],
    typ: 'at+jwt',
  });
  const now = Math.floor(Date.now() / 1000);
  const half = createHash('sha256').update(tokens.access_token).digest().subarray(0, 16).toString('base64url');
  assert.deepEqual([id.payload.nonce, id.payload.at_hash], [nonce, half]);
  assert.deepEqual([id.payload.name, id.payload.email], ['Alice Liddell', 'alice@example.com']);
  assert.equal(id.payload.preferred_username, accounts.alice.username);
  assert.equal(access.payload.client_id, client_id);
  assert.equal(access.payload.scope, tokens.scope);
  assert.notEqual(decodeProtectedHeader(tokens.id_token).kid, decodeProtectedHeader(tokens.access_token).kid);
  for (const { payload } of [id, access]) {
    assert.deepEqual(payload.amr, ['pwd']);
    assert.ok(began <= payload.auth_time && payload.auth_time <= payload.iat && payload.iat <= now, 'in this order');
    assert.equal(payload.exp - payload.iat, 900);
    assert.equal(payload.sub, id.payload.sub);
    assert.equal(payload.sid, id.payload.sid);
  }
}

/** Returns the status of `GET /healthz` with a `Host` header, which fetch cannot set. */
function statusFor(host) {
  const { port } = new URL(server.origin);
  return new Promise((resolve, reject) => {
    const asked = request({ port, host: '127.0.0.1', path: '/healthz', headers: { host } }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    asked.on('error', reject).end();
  });
}
