// Stock clients that authenticate with keys (RFC 7523) of each algorithm, in their `jwks` or at their `jwks_uri`.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { after, before, describe, test } from 'node:test';
import * as oauth from 'oauth4webapi';
import * as openid from 'openid-client';
import { until } from './support/bounded.mjs';
import { Device, ALL_SCOPES, DEVICE_GRANT } from './support/device.mjs';
import { startWorkerd } from './support/harness.mjs';
import { Person } from './support/person.mjs';
import { changeClients } from './support/registry.mjs';
import { decisions, endDiscreetly, keepSecret, keepUserCode } from './support/secrets.mjs';
import { rows } from './support/stored.mjs';

const PRINTER = 'demo-printer';
const TV = 'demo-tv';
const RSA = { modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]) };
const PARAMETERS = {
  ES256: { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' },
  RS256: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', ...RSA },
  PS256: { name: 'RSA-PSS', hash: 'SHA-256', saltLength: 32, ...RSA },
  PS384: { name: 'RSA-PSS', hash: 'SHA-384', saltLength: 48, ...RSA },
  PS512: { name: 'RSA-PSS', hash: 'SHA-512', saltLength: 64, ...RSA },
  EdDSA: { name: 'Ed25519' },
};
const ALGORITHMS = Object.keys(PARAMETERS);
const INSECURE = { [oauth.allowInsecureRequests]: true };

const keys = {};
let server, published, as;
before(async () => {
  for (const alg of ALGORITHMS) keys[alg] = await makeKey(alg);
  keys.foreign = await makeKey('ES256');
  published = await publish({ keys: [keys.ES256.jwk] });
  server = await startWorkerd();
  const authentication = { method: 'private_key_jwt' };
  await changeClients(server, {
    [PRINTER]: { authentication, jwks: { keys: ALGORITHMS.map((alg) => keys[alg].jwk) } },
    [TV]: { authentication, jwks_uri: published.url },
  });
  as = await discovered(server);
});
after(async () => {
  await published.close();
  // The server logs a line whenever a test makes the published keys fail.
  await endDiscreetly(server, { besides: [/"what":"document"/] });
});

async function makeKey(alg) {
  const pair = await crypto.subtle.generateKey(PARAMETERS[alg], true, ['sign', 'verify']);
  const { kty, crv, x, y, n, e } = await crypto.subtle.exportKey('jwk', pair.publicKey);
  const kid = `${alg}-${Math.random().toString(36).slice(2)}`;
  return { key: pair.privateKey, kid, parameters: PARAMETERS[alg], alg, jwk: { kty, crv, x, y, n, e, kid, use: 'sig' } };
}

/** Starts a client's web server, which publishes its keys. If `instead` is set, it answers every request. */
async function publish(jwks) {
  const site = { jwks, instead: undefined, fetches: 0 };
  const http = createServer((request, response) => {
    site.fetches += 1;
    if (site.instead) return site.instead(request, response);
    return response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(site.jwks));
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  const close = async () => {
    http.closeAllConnections();
    http.close();
    await once(http, 'close');
  };
  return Object.assign(site, { url: `http://127.0.0.1:${http.address().port}/jwks.json`, close });
}

async function discovered({ origin }) {
  return oauth.processDiscoveryResponse(new URL(origin), await oauth.discoveryRequest(new URL(origin), INSECURE));
}

/** Makes an assertion by hand. `claims` and `header` override its contents; `undefined` leaves a claim out. */
async function assertion({ key, kid, parameters, alg }, claims = {}, header = {}) {
  const now = Math.floor(Date.now() / 1000);
  const all = { iss: PRINTER, sub: PRINTER, aud: server.origin, exp: now + 60, iat: now, jti: crypto.randomUUID(), ...claims };
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const input = `${part({ alg, kid, ...header })}.${part(all)}`;
  const signature = await crypto.subtle.sign(parameters, key, Buffer.from(input));
  return keepSecret('an assertion', `${input}.${Buffer.from(signature).toString('base64url')}`);
}

async function post(path, text, form = {}) {
  const client_assertion_type = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
  const body = new URLSearchParams({ client_assertion_type, client_assertion: text, ...form });
  const response = await fetch(server.origin + path, { method: 'POST', body });
  return { status: response.status, ...(await response.json()) };
}

const start = (text) => post('/device_authorization', text, { scope: 'openid' });
const refused = (answer) => [answer.status, answer.error];
const REFUSED = [401, 'invalid_client'];
const lastReason = () => decisions(server).at(-1).reason;

describe('s5: oauth4webapi completes the whole flow with a key', () => {
  for (const alg of ALGORITHMS) {
    test(`for ${alg}`, async () => {
      const client = { client_id: PRINTER };
      const by = oauth.PrivateKeyJwt(keys[alg]);
      const started = await oauth.deviceAuthorizationRequest(as, client, by, { scope: ALL_SCOPES }, INSECURE);
      const codes = await oauth.processDeviceAuthorizationResponse(as, client, started);
      await new Person(server).approve(codes.user_code);

      const answer = await oauth.deviceCodeGrantRequest(as, client, by, codes.device_code, INSECURE);
      const tokens = await oauth.processDeviceCodeResponse(as, client, answer);
      const again = await oauth.refreshTokenGrantRequest(as, client, by, tokens.refresh_token, INSECURE);
      const next = await oauth.processRefreshTokenResponse(as, client, again);
      const introspect = async () => {
        const response = await oauth.introspectionRequest(as, client, by, next.access_token, INSECURE);
        return (await oauth.processIntrospectionResponse(as, client, response)).active;
      };
      for (const token of [tokens, next]) ['access_token', 'refresh_token', 'id_token'].forEach((name) => keepSecret(name, token[name]));

      assert.equal(await introspect(), true);
      await oauth.processRevocationResponse(await oauth.revocationRequest(as, client, by, next.refresh_token, INSECURE));
      assert.equal(await introspect(), false);
    });
  }
});

test('openid-client signs in with a key that the client publishes', async () => {
  const execute = [openid.allowInsecureRequests];
  const config = await openid.discovery(new URL(server.origin), TV, undefined, openid.PrivateKeyJwt(keys.ES256), { execute });

  const codes = await openid.initiateDeviceAuthorization(config, { scope: ALL_SCOPES });
  await new Person(server).approve(codes.user_code);
  const tokens = await openid.pollDeviceAuthorizationGrant(config, { ...codes, interval: 1 });

  assert.equal((await openid.tokenIntrospection(config, tokens.access_token)).client_id, TV);
  assert.equal(published.fetches, 1, 'the server fetched the keys only once');
});

test('s13: the audience must be the issuer or the URL of the request, as one string', async () => {
  const { origin } = server;
  assert.equal((await start(await assertion(keys.ES256, { aud: origin }))).status, 200);
  assert.equal((await start(await assertion(keys.ES256, { aud: `${origin}/device_authorization` }))).status, 200);
  for (const aud of [`${origin}/token`, [origin], [origin, `${origin}/token`], 'https://other.example', undefined]) {
    assert.deepEqual(refused(await start(await assertion(keys.ES256, { aud }))), REFUSED, JSON.stringify(aud));
    assert.equal(lastReason(), 'assertion_audience_wrong');
  }
});

test('an assertion works only once, even if it is sent many times at once', async () => {
  const text = await assertion(keys.ES256);

  const answers = await Promise.all(Array.from({ length: 8 }, () => start(text)));

  assert.equal(answers.filter(({ status }) => status === 200).length, 1);
  assert.deepEqual(refused(await post('/token', text, { grant_type: DEVICE_GRANT, device_code: 'x' })), REFUSED);
  assert.equal(lastReason(), 'assertion_replayed');
});

test('a pending poll uses up its assertion, too, once it is answered', async () => {
  const { device_code, user_code } = await start(await assertion(keys.ES256));
  keepSecret('a device code', device_code);
  keepUserCode(user_code);
  const used = () => rows(server, 'LimiterShard', "SELECT key FROM counters WHERE key LIKE 'assertion/%'").length;
  const before = used();
  const text = await assertion(keys.ES256);

  const poll = await post('/token', text, { grant_type: DEVICE_GRANT, device_code });

  assert.deepEqual(refused(poll), [400, 'authorization_pending']);
  await until(() => used() === before + 1, 5_000, 'the limiter did not record the assertion');
  assert.deepEqual(refused(await start(text)), REFUSED);
});

test('a stale assertion, a foreign key, a symmetric algorithm and alg none all get the same refusal', async () => {
  const now = Math.floor(Date.now() / 1000);
  const bodies = new Set();
  for (const [text, reason] of [
    [await assertion(keys.ES256, { exp: now - 60 }), 'assertion_expired'],
    [await assertion(keys.ES256, { exp: now + 3600 }), 'assertion_too_long'],
    [await assertion(keys.ES256, { nbf: now + 60 }), 'assertion_too_early'],
    [await assertion(keys.ES256, { jti: undefined }), 'assertion_nameless'],
    [await assertion({ ...keys.foreign, kid: keys.ES256.kid }), 'assertion_signature_wrong'],
    [await assertion(keys.foreign), 'assertion_signature_wrong'],
    [await assertion(keys.RS256, {}, { alg: 'PS256' }), 'assertion_signature_wrong'],
    [await assertion(keys.ES256, {}, { alg: 'HS256' }), 'assertion_algorithm_unknown'],
    [await assertion(keys.ES256, {}, { alg: 'none' }), 'assertion_algorithm_unknown'],
    [await assertion(keys.ES256, { iss: 'nobody', sub: 'nobody' }), 'unknown_client'],
  ]) {
    const answer = await start(text);
    assert.deepEqual(refused(answer), REFUSED);
    assert.equal(lastReason(), reason);
    bodies.add(JSON.stringify(answer));
  }
  assert.equal(bodies.size, 1);
});

test('a key that was removed between approval and redemption redeems nothing', async (t) => {
  const other = await startWorkerd();
  t.after(() => endDiscreetly(other));
  const authentication = { method: 'private_key_jwt' };
  const setKeys = (...names) => changeClients(other, { [PRINTER]: { authentication, jwks: { keys: names.map((name) => keys[name].jwk) } } });
  await setKeys('ES256');
  const client = { client_id: PRINTER };
  const metadata = await discovered(other);
  const redeem = async (name) => {
    const response = await oauth.deviceCodeGrantRequest(metadata, client, oauth.PrivateKeyJwt(keys[name]), device_code, INSECURE);
    return oauth.processDeviceCodeResponse(metadata, client, response);
  };
  const started = await oauth.deviceAuthorizationRequest(metadata, client, oauth.PrivateKeyJwt(keys.ES256), { scope: 'openid' }, INSECURE);
  const { device_code, user_code } = await oauth.processDeviceAuthorizationResponse(metadata, client, started);
  await new Person(other).approve(user_code);

  await setKeys('EdDSA');

  const refused = await oauth.deviceCodeGrantRequest(metadata, client, oauth.PrivateKeyJwt(keys.ES256), device_code, INSECURE);
  assert.deepEqual([refused.status, (await refused.json()).error], REFUSED);
  const tokens = await redeem('EdDSA');
  for (const name of ['access_token', 'id_token']) keepSecret(name, tokens[name]);
});

describe('fetching the keys that a client publishes has limits', () => {
  const bad = {
    'a redirect': (request, response) => response.writeHead(302, { location: '/jwks.json' }).end(),
    'a failure': (request, response) => response.writeHead(500).end(),
    'too much': (request, response) => response.writeHead(200).end(`{"keys":[],"a":"${'a'.repeat(70_000)}"}`),
    'no set of keys': (request, response) => response.writeHead(200).end('[]'),
    'no answer': () => {},
  };
  for (const [what, instead] of Object.entries(bad)) {
    test(`${what} leads to 503`, async (t) => {
      const site = await publish({ keys: [keys.ES256.jwk] });
      const other = await startWorkerd();
      t.after(async () => {
        await site.close();
        await endDiscreetly(other, { besides: [/"what":"document"/] });
      });
      await changeClients(other, { [TV]: { authentication: { method: 'private_key_jwt' }, jwks_uri: site.url } });
      site.instead = instead;
      const text = await assertion(keys.ES256, { iss: TV, sub: TV, aud: other.origin });

      const device = new Device(other, { client: { client_id: TV } });
      const parameters = { client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer', client_assertion: text };
      const answer = await device.ask('/device_authorization', parameters);

      assert.deepEqual([answer.status, answer.error, site.fetches], [503, 'temporarily_unavailable', 1]);
    });
  }
});
