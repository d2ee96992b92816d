// Signing keys during flows in progress: every algorithm, the schedule, and an operator's changes. Libraries in two
// languages verify the tokens against /jwks.json.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { createLocalJWKSet, createRemoteJWKSet, decodeProtectedHeader, exportJWK, generateKeyPair, jwtVerify } from 'jose';
import { clients, python } from './support/config.mjs';
import { Device } from './support/device.mjs';
import { startWorkerd } from './support/harness.mjs';
import { Person } from './support/person.mjs';
import { ageKeys } from './support/registry.mjs';
import { endDiscreetly, keepSecret } from './support/secrets.mjs';
import { rows } from './support/stored.mjs';

const ALGORITHMS = ['ES256', 'RS256', 'PS256', 'PS384', 'PS512', 'EdDSA'];
const DAY = 86_400_000;
const ADMIN = 'development-admin-token';

let server;
before(async () => {
  server = await startWorkerd({ vars: { LIVE_CODES_PER_CLIENT_AND_NETWORK: '1000' } });
});
// workerd's own messages when an RSA key cannot sign.
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

/** Verifies tokens as a resource server and a client do, with the keys that are published now. */
async function verify(tokens, alg) {
  return verifyWith(createRemoteJWKSet(new URL(`${server.origin}/jwks.json`)), tokens, alg);
}

async function verifyWith(keys, { access_token, id_token }, alg) {
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
    test(`${alg}: registering it for a client makes keys, and jose and this server verify its tokens`, async () => {
      await signWith(alg);
      const published = (await jwks()).filter((key) => key.alg === alg).map((key) => key.kid);
      assert.equal(published.length, 2, 'before the first use there is one to sign, and the next one');
      const signing = await active(alg);
      assert.ok(published.includes(signing));

      const tokens = await (await approved()).redeem();

      assert.deepEqual([kid(tokens.access_token), kid(tokens.id_token)], [signing, signing]);
      assert.equal((await verify(tokens, alg)).payload.preferred_username, 'alice');
      assert.equal(await isActive(tokens.access_token), true);
      const forged = tokens.access_token.replace(/\.[^.]*$/, (signature) => `.${signature[1] === 'A' ? 'B' : 'A'}${signature.slice(2)}`);
      assert.equal(await isActive(keepSecret('a forged token', forged)), false);
      issued.push({ alg, ...tokens });
    });
  }

  test('PyJWT verifies all of them, and refuses forged ones', async () => {
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

  test('the metadata lists them', async () => {
    const metadata = await (await fetch(`${server.origin}/.well-known/openid-configuration`)).json();
    assert.deepEqual(metadata.id_token_signing_alg_values_supported.toSorted(), ALGORITHMS.toSorted());
  });
});

function withPyJwt(asked) {
  return new Promise((resolve, reject) => {
    const child = execFile(python(), [join(import.meta.dirname, 'support/verify.py')], { timeout: 60_000 }, (error, stdout) => {
      if (error) reject(error);
      else resolve(JSON.parse(stdout));
    });
    child.stdin.end(JSON.stringify(asked));
  });
}

describe('between approval and redemption', () => {
  const changes = {
    'a rotation': () => ask('POST', '/keys/rotate'),
    'an immediate rotation': () => ask('POST', '/keys/rotate', { at_once: true }),
    "an operator's key": async () => ask('POST', '/keys', { jwk: await ownKey('ES256'), alg: 'ES256', at_once: true }),
    'a retirement': async () => ask('POST', `/keys/${await active('ES256')}/retire`),
    'another retirement': async () => ask('POST', `/keys/${await active('RS256')}/retire`),
  };
  for (const [what, change] of Object.entries(changes)) {
    test(`${what}: the tokens are valid, and their keys are published`, async () => {
      const device = await approved();
      const earlier = await (await approved()).redeem();

      assert.ok((await change()).status < 300);

      const tokens = await device.redeem();
      await verify(tokens);
      assert.equal(await isActive(tokens.access_token), true);
      const next = await device.refresh();
      await verify(next);
      assert.equal((await device.refresh(earlier.refresh_token)).status, 200, 'refresh tokens depend on no signing key');
    });
  }

  test('keys rotate and retire while ten devices redeem: every token is valid unless its key is retired', async () => {
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
    const count = (alg, state) => keys.filter((key) => key.alg === alg && key.state === state).length;
    for (const alg of ['ES256', 'RS256']) {
      assert.equal(count(alg, 'active'), 1, 'one key signs');
      assert.ok(count(alg, 'announced') >= 1, 'the next one is announced');
    }
  });
});

describe('a retired key', () => {
  test('is no longer published, and its tokens are refused, both with immediate effect', async () => {
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

describe('a verifier with a cached copy of the keys', () => {
  const changes = {
    'a retirement': async () => {
      for (const alg of ['ES256', 'RS256']) assert.equal((await ask('POST', `/keys/${await active(alg)}/retire`)).status, 200);
    },
    'an immediate rotation': () => ask('POST', '/keys/rotate', { at_once: true }),
    'another retirement': () => changes['a retirement'](),
  };
  for (const [what, change] of Object.entries(changes)) {
    test(`verifies tokens issued after ${what}, and a new key is announced`, async () => {
      const device = await approved();
      const before = await jwks();
      const signed = [await active('ES256'), await active('RS256')];

      await change();

      const tokens = await device.redeem();
      assert.ok(!signed.includes(kid(tokens.access_token)) && !signed.includes(kid(tokens.id_token)));
      await verifyWith(createLocalJWKSet({ keys: before }), tokens);
      const added = (await jwks()).filter((key) => !before.some((other) => other.kid === key.kid));
      for (const alg of ['ES256', 'RS256']) assert.equal(added.filter((key) => key.alg === alg).length, 1, alg);
    });
  }
});

describe("an operator's own key", () => {
  for (const alg of ALGORITHMS) {
    test(`${alg}: signs, and its private part is stored sealed and never shown`, async () => {
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

  test('is refused if its public and private parts do not belong together', async () => {
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

  test('the next key is published from the start, then signs, and the previous one stays published for a week', async () => {
    const first = await (await approved()).redeem();
    const old = kid(first.access_token);
    const names = async () => (await jwks()).filter(({ alg }) => alg === 'ES256').map((key) => key.kid);
    const others = async (...known) => (await names()).filter((name) => !known.includes(name));
    const standby = await others(old);
    assert.deepEqual([standby.length, (await names()).length], [1, 2]);

    await ageKeys(server, 89 * DAY);
    const third = await others(old, standby[0]);
    assert.deepEqual([third.length, (await names()).length], [1, 3], 'the standby key signs a day later');
    const during = await approved();
    const last = await (await approved()).redeem();
    assert.equal(kid(last.access_token), old);

    await ageKeys(server, DAY + 60_000);
    const next = await during.redeem();
    assert.equal(kid(next.access_token), standby[0]);
    await verify(next);
    await verify(last);
    assert.equal(await isActive(last.access_token), true);

    await ageKeys(server, 7 * DAY);
    assert.deepEqual((await names()).toSorted(), [...standby, ...third].toSorted());
    assert.equal((await during.refresh()).status, 200);
  });

  test('a rotation to a key that was published long ago takes effect at once', async () => {
    await ageKeys(server, 3_600_000);
    const before = await jwks();
    const signed = await active('ES256');

    assert.equal((await ask('POST', '/keys/rotate')).status, 200);

    const tokens = await (await approved()).redeem();
    assert.notEqual(kid(tokens.access_token), signed);
    await verifyWith(createLocalJWKSet({ keys: before }), tokens);
  });
});
