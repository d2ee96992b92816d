// Signing keys under flows in progress: every algorithm, the schedule, and what an operator does. Tokens are verified by
// libraries of two languages against /jwks.json.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { createRemoteJWKSet, decodeProtectedHeader, exportJWK, generateKeyPair, jwtVerify } from 'jose';
import { clients, python } from './config.mjs';
import { Device } from './device.mjs';
import { startWorkerd } from './harness.mjs';
import { Person } from './person.mjs';
import { ageKeys } from './registry.mjs';
import { endDiscreetly, keepSecret } from './secrets.mjs';
import { rows } from './stored.mjs';

const ALGORITHMS = ['ES256', 'RS256', 'PS256', 'PS384', 'PS512', 'EdDSA'];
const DAY = 86_400_000;
const ADMIN = 'development-admin-token';

let server;
before(async () => {
  server = await startWorkerd({ vars: { LIVE_CODES_PER_CLIENT_AND_NETWORK: '1000' } });
});
// What workerd itself says when an RSA key does not sign.
after(() => endDiscreetly(server, { besides: [/EVP_DigestSignFinal/, /^stack: /] }));

const ask = async (method, path, json) => {
  const headers = { authorization: `Bearer ${ADMIN}`, ...(json && { 'content-type': 'application/json' }), 'if-match': '*' };
  const response = await fetch(`${server.origin}/admin/api${path}`, { method, headers, body: json && JSON.stringify(json) });
  return { status: response.status, ...(await response.json()) };
};
const jwks = async () => (await (await fetch(`${server.origin}/jwks.json`)).json()).keys;
const kid = (token) => decodeProtectedHeader(token).kid;
const active = async (alg) => (await ask('GET', '/keys')).keys.find((key) => key.alg === alg && key.state === 'active').kid;

async function approved() {
  const device = await Device.start(server, { client: clients.printer });
  await new Person(server).approve(device.userCode);
  return device;
}

/** What a resource server and a client do, each with the keys that are published now. */
async function verify({ access_token, id_token }, alg) {
  const keys = createRemoteJWKSet(new URL(`${server.origin}/jwks.json`));
  const common = { issuer: server.origin, algorithms: alg && [alg] };
  await jwtVerify(access_token, keys, { ...common, audience: server.origin, typ: 'at+jwt' });
  return jwtVerify(id_token, keys, { ...common, audience: clients.printer.client_id });
}

async function isActive(token) {
  return (await new Device(server, { client: clients.printer }).ask('/introspect', { token })).active;
}

async function signWith(alg) {
  const change = { access_token_signed_response_alg: alg, id_token_signed_response_alg: alg };
  const { status } = await ask('PATCH', '/clients/demo-printer', change);
  assert.equal(status, 200);
}

describe('tokens of every algorithm', () => {
  const issued = [];
  after(() => signWith('ES256'));

  for (const alg of ALGORITHMS) {
    test(`${alg}: there is a key once a client is registered with it, and jose and this server verify its tokens`, async () => {
      await signWith(alg);
      const published = (await jwks()).filter((key) => key.alg === alg);
      assert.equal(published.length, 1, 'before the first use');

      const tokens = await (await approved()).redeem();

      assert.deepEqual([kid(tokens.access_token), kid(tokens.id_token)], [published[0].kid, published[0].kid]);
      assert.equal((await verify(tokens, alg)).payload.preferred_username, 'alice');
      assert.equal(await isActive(tokens.access_token), true);
      const forged = tokens.access_token.replace(/\.[^.]*$/, (signature) => `.${signature[1] === 'A' ? 'B' : 'A'}${signature.slice(2)}`);
      assert.equal(await isActive(keepSecret('a forged token', forged)), false);
      issued.push({ alg, ...tokens });
    });
  }

  test('PyJWT verifies all of them, and no forged one', async () => {
    const of = (token, alg, audience) => ({ token, alg, audience, issuer: server.origin });
    const tokens = issued.flatMap(({ alg, access_token, id_token }) => [
      of(access_token, alg, server.origin),
      of(id_token, alg, clients.printer.client_id),
      of(`${access_token.slice(0, -8)}AAAAAAAA`, alg, server.origin),
    ]);

    const answers = await withPyJwt({ jwks: `${server.origin}/jwks.json`, tokens });

    assert.equal(answers.length, 3 * ALGORITHMS.length);
    answers.forEach(({ claims, error }, index) => {
      if (index % 3 === 2) assert.equal(error, 'InvalidSignatureError', tokens[index].alg);
      else assert.equal(claims?.iss, server.origin, `${tokens[index].alg}: ${error}`);
    });
  });

  test('discovery names them', async () => {
    const metadata = await (await fetch(`${server.origin}/.well-known/openid-configuration`)).json();
    assert.deepEqual(metadata.id_token_signing_alg_values_supported.toSorted(), ALGORITHMS.toSorted());
  });
});

function withPyJwt(asked) {
  return new Promise((resolve, reject) => {
    const child = execFile(python(), [join(import.meta.dirname, 'verify.py')], { timeout: 60_000 }, (error, stdout) => {
      if (error) reject(error);
      else resolve(JSON.parse(stdout));
    });
    child.stdin.end(JSON.stringify(asked));
  });
}

describe('between approval and redemption', () => {
  const changes = {
    'a rotation': () => ask('POST', '/keys/rotate'),
    'a rotation at once': () => ask('POST', '/keys/rotate', { at_once: true }),
    'a key of the operator': async () => ask('POST', '/keys', { jwk: await ownKey('ES256'), alg: 'ES256', at_once: true }),
    'a retirement': async () => ask('POST', `/keys/${await active('ES256')}/retire`),
    'another retirement': async () => ask('POST', `/keys/${await active('RS256')}/retire`),
  };
  for (const [what, change] of Object.entries(changes)) {
    test(`${what}: the tokens are good, and their keys are published`, async () => {
      const device = await approved();
      const earlier = await (await approved()).redeem();

      assert.ok((await change()).status < 300);

      const tokens = await device.redeem();
      await verify(tokens);
      assert.equal(await isActive(tokens.access_token), true);
      const next = await device.refresh();
      await verify(next);
      assert.equal((await device.refresh(earlier.refresh_token)).status, 200, 'refresh tokens have no key');
    });
  }

  test('keys rotate and retire while ten devices redeem: every token they get is good or of a retired key', async () => {
    const devices = [];
    for (let count = 0; count < 10; count++) devices.push(await approved());

    const [tokens] = await Promise.all([
      Promise.all(devices.map((device) => device.redeem())),
      ask('POST', '/keys/rotate', { at_once: true }),
      active('ES256').then((name) => ask('POST', `/keys/${name}/retire`)),
      ask('POST', '/keys/rotate', { at_once: true }),
    ]);

    const { keys } = await ask('GET', '/keys');
    const retired = keys.filter(({ state }) => state === 'retired').map((key) => key.kid);
    for (const token of tokens) {
      if (retired.includes(kid(token.access_token))) assert.equal(await isActive(token.access_token), false);
      else await verify(token);
    }
    for (const alg of ['ES256', 'RS256']) {
      assert.equal(keys.filter((key) => key.alg === alg && key.state === 'active').length, 1, 'one signs');
    }
  });
});

describe('a retired key', () => {
  test('is not published any more, and its tokens are refused, both at once', async () => {
    const tokens = await (await approved()).redeem();
    assert.equal(await isActive(tokens.access_token), true);

    const { status } = await ask('POST', `/keys/${kid(tokens.access_token)}/retire`);

    assert.equal(status, 200);
    assert.equal(await isActive(tokens.access_token), false);
    const authorization = `Bearer ${tokens.access_token}`;
    assert.equal((await fetch(`${server.origin}/userinfo`, { headers: { authorization } })).status, 401);
    assert.ok(!(await jwks()).some((key) => key.kid === kid(tokens.access_token)));
  });
});

describe("an operator's own key", () => {
  for (const alg of ALGORITHMS) {
    test(`${alg}: signs, and its private half is kept sealed and never shown`, async () => {
      await signWith(alg);
      const jwk = await ownKey(alg);

      const brought = await ask('POST', '/keys', { jwk, alg, at_once: true });

      assert.deepEqual([brought.status, brought.state, brought.imported], [201, 'active', true]);
      const tokens = await (await approved()).redeem();
      assert.equal(kid(tokens.access_token), brought.kid);
      await verify(tokens, alg);
      const shown = JSON.stringify([brought, await ask('GET', '/keys'), await jwks()]);
      const stored = JSON.stringify(rows(server, 'Registry', 'SELECT * FROM signing_keys'));
      assert.ok(stored.includes(brought.kid) && !stored.includes(jwk.d) && !shown.includes(jwk.d));
      await signWith('ES256');
    });
  }

  test('with halves of two keys is refused', async () => {
    for (const alg of ['ES256', 'EdDSA', 'RS256']) {
      const [one, other] = [await ownKey(alg), await ownKey(alg)];
      const { d, p, q, dp, dq, qi } = other;
      const mixed = await ask('POST', '/keys', { jwk: { ...one, d, p, q, dp, dq, qi }, alg });
      assert.deepEqual([mixed.status, mixed.errors?.[0].pointer], [422, '/jwk'], alg);
    }
  });
});

async function ownKey(alg) {
  const { privateKey } = await generateKeyPair(alg, { extractable: true, modulusLength: 2048 });
  const jwk = await exportJWK(privateKey);
  keepSecret('a private key', jwk.d);
  return jwk;
}

describe('as time goes by', () => {
  let own;
  before(async () => {
    own = server;
    server = await startWorkerd();
  });
  after(async () => {
    await endDiscreetly(server);
    server = own;
  });

  test('the next key is published, then signs, and the last one verifies for a week', async () => {
    const first = await (await approved()).redeem();
    const old = kid(first.access_token);
    const names = async () => (await jwks()).filter(({ alg }) => alg === 'ES256').map((key) => key.kid);
    assert.deepEqual(await names(), [old]);

    await ageKeys(server, 89 * DAY);
    const announced = (await names()).filter((name) => name !== old);
    assert.equal(announced.length, 1);
    const during = await approved();
    const last = await (await approved()).redeem();
    assert.equal(kid(last.access_token), old);

    await ageKeys(server, DAY + 60_000);
    const next = await during.redeem();
    assert.equal(kid(next.access_token), announced[0]);
    await verify(next);
    await verify(last);
    assert.equal(await isActive(last.access_token), true);

    await ageKeys(server, 7 * DAY);
    assert.deepEqual(await names(), announced);
    assert.equal((await during.refresh()).status, 200);
  });
});
