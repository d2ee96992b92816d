// The example of a protected API accepts the server's tokens, and refuses those that are forged, altered or stolen.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { calculateJwkThumbprint, decodeJwt, exportJWK, generateKeyPair } from 'jose';
import * as oauth from 'oauth4webapi';
import { allowResource } from '../../scripts/resource.mjs';
import { Admin } from './support/admin.mjs';
import { freePort, startApi, startApiOf, startIssuer } from './support/api.mjs';
import { builds } from './support/config.mjs';
import { Device } from './support/device.mjs';
import { startWorkerd, temporaryDirectory } from './support/harness.mjs';
import { Person } from './support/person.mjs';
import { redate } from './support/redate.mjs';
import { endDiscreetly, keepSecret } from './support/secrets.mjs';

/** The only authentication context class (`acr`) that a sign-in at the server satisfies. */
const PASSWORD = 'urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport';
const ALGORITHMS = ['ES256', 'RS256', 'PS256', 'PS384', 'PS512', 'EdDSA'];

describe('tokens of the server', () => {
  let server, api;
  const directory = temporaryDirectory();
  before(async () => {
    server = await startWorkerd({ dir: directory.path });
    api = await startApiOf(server);
  });
  after(async () => {
    await api?.end();
    await endDiscreetly(server);
  });

  async function signedIn(options) {
    const device = await Device.start(server, { resource: api.origin, ...options });
    await new Person(server).approve(device.userCode);
    return device.redeem();
  }

  test('the API greets the subject of the token, and accepts a fresh sign-in', async () => {
    const { access_token } = await signedIn();

    const { sub } = decodeJwt(access_token);
    const hello = await api.get('/hello', access_token);
    assert.deepEqual([hello.status, hello.hello, hello.client], [200, sub, 'demo-tv']);
    assert.equal((await api.get('/payments', access_token)).status, 200);
  });

  test('a token without the scope, an ID token, a refresh token and a changed token are refused', async () => {
    const { access_token, id_token, refresh_token } = await signedIn();
    const narrow = await signedIn({ scope: 'openid email' });
    const [header, payload, signature] = access_token.split('.');
    const changed = keepSecret('a changed token', `${header}.${payload.slice(0, -4)}AAAA.${signature}`);

    for (const [token, status, error] of [
      [narrow.access_token, 403, 'insufficient_scope'],
      [id_token, 401, 'invalid_token'],
      [refresh_token, 401, 'invalid_token'],
      [changed, 401, 'invalid_token'],
    ]) {
      const answer = await api.get('/hello', token);
      assert.deepEqual([answer.status, answer.error], [status, error], answer.error_description);
      assert.match(answer.challenge, new RegExp(`^Bearer error="${error}", .*resource_metadata="${api.origin}/`));
    }
  });

  test('a sign-in that does not meet the requirements is stepped up, and the challenge says what to request', async (t) => {
    const strict = await startApiOf(server, { vars: { STEP_UP_ACR: `urn:example:strong ${PASSWORD}` } });
    t.after(() => strict.end());
    const { access_token } = await signedIn({ resource: strict.origin });

    const answer = await strict.get('/payments', access_token);

    assert.deepEqual([answer.status, answer.error], [401, 'insufficient_user_authentication']);
    const { max_age, acr_values } = wanted(answer);
    assert.deepEqual([max_age, acr_values], ['300', `urn:example:strong ${PASSWORD}`]);
    assert.equal((await strict.get('/hello', access_token)).status, 200);
    const stepped = await signedIn({ resource: strict.origin, max_age, acr_values });
    assert.equal(decodeJwt(stepped.access_token).acr, PASSWORD);
    assert.equal((await strict.get('/payments', stepped.access_token)).status, 200);
  });

  test('an old sign-in is stepped up: a person who is still signed in has to sign in again', async () => {
    const alice = new Person(server);
    const tv = await Device.start(server, { resource: api.origin });
    await alice.approve(tv.userCode);
    await tv.redeem();
    await server.kill9();
    redate(directory.path, -600_000);
    await server.restart();

    const { access_token } = await tv.refresh();
    const answer = await api.get('/payments', access_token);
    assert.deepEqual([answer.status, answer.error], [401, 'insufficient_user_authentication']);
    const stepped = await Device.start(server, { resource: api.origin, ...wanted(answer) });
    await alice.enter(stepped.userCode);
    assert.equal(alice.page.heading, 'Sign in again to continue');
    await alice.signIn();
    await alice.decide('approve');

    const tokens = await stepped.redeem();
    assert.equal((await api.get('/payments', tokens.access_token)).status, 200);
    assert.equal((await api.get('/hello', access_token)).status, 200);
  });

  test('a token for another API is refused, and so is one that names no API', async (t) => {
    const other = await startApiOf(server);
    t.after(() => other.end());

    for (const resource of [other.origin, undefined]) {
      const { access_token } = await signedIn({ resource });
      const answer = await api.get('/hello', access_token);
      assert.deepEqual([answer.status, answer.error_description], [401, 'The token is meant for another API.']);
    }
  });

  /** Returns what a challenge demands of the next sign-in (RFC 9470 §3), as request parameters. */
  function wanted({ challenge }) {
    const parameters = [...challenge.matchAll(/ (max_age|acr_values)="([^"]*)"/g)];
    return Object.fromEntries(parameters.map(([, name, value]) => [name, value]));
  }
});

describe('tokens of any issuer', () => {
  let issuer, api;
  before(async () => {
    issuer = await startIssuer(ALGORITHMS);
    api = await startApi({ issuer: issuer.origin });
  });
  after(async () => {
    await api?.end();
    await issuer?.stop();
  });

  for (const alg of ALGORITHMS) {
    test(`${alg} is verified`, async () => {
      const token = await issuer.token(api.origin, { alg });
      const stranger = await generateKeyPair(alg);
      const forged = await issuer.token(api.origin, { alg, key: stranger.privateKey });

      assert.equal((await api.get('/hello', token)).status, 200);
      assert.equal((await api.get('/hello', forged)).error_description, "The token's signature is not valid.");
    });
  }

  test('expired, foreign and mislabeled tokens are refused', async () => {
    const now = Math.floor(Date.now() / 1000);
    const publicKey = new TextEncoder().encode(JSON.stringify(issuer.keys[0]));

    for (const [options, reason] of [
      [{ claims: { exp: now } }, 'The token has expired.'],
      [{ claims: { nbf: now + 60 } }, 'The token is not valid yet.'],
      [{ claims: { iss: 'https://login.example.com' } }, 'The token comes from another issuer.'],
      [{ claims: { aud: 'https://api.example.com' } }, 'The token is meant for another API.'],
      [{ header: { typ: 'JWT' } }, 'The token is not an access token: its type is not at+jwt.'],
      [{ header: { kid: 'unknown' } }, "The token's key is not one of the authorization server's."],
      [{ header: { kid: 'RS256' } }, "The token's key is not one of the authorization server's."],
      [{ alg: 'HS256', header: { kid: 'ES256' }, key: publicKey }, "The token's algorithm is not accepted."],
    ]) {
      const answer = await api.get('/hello', await issuer.token(api.origin, options));
      assert.deepEqual([answer.status, answer.error, answer.error_description], [401, 'invalid_token', reason]);
    }
  });

  test('an old sign-in is stepped up', async () => {
    const auth_time = Math.floor(Date.now() / 1000) - 360;
    const token = await issuer.token(api.origin, { claims: { auth_time } });

    const answer = await api.get('/payments', token);

    assert.deepEqual([answer.status, answer.error], [401, 'insufficient_user_authentication']);
    assert.match(answer.challenge, /max_age="300"/);
    assert.equal((await api.get('/hello', token)).status, 200);
  });

  for (const alg of ['ES256', 'PS256', 'Ed25519']) {
    test(`oauth4webapi calls the API with a token bound to a key for ${alg}`, async () => {
      const { bound, token } = await bind(alg);

      for (const path of ['/hello', '/hello', '/payments']) {
        const answer = await call(token, path, bound);
        assert.equal(answer.status, 200, await answer.text());
      }
    });
  }

  test('a bound token is refused without its key, and a proof is refused the second time', async () => {
    const { token, bound } = await bind('ES256');
    const thief = oauth.DPoP({ client_id: 'demo-tv' }, await oauth.generateKeyPair('ES256'));
    let proof;
    await call(token, '/hello', bound, (url, init) => {
      proof = keepSecret('a proof', new Headers(init.headers).get('dpop'));
      return fetch(url, init);
    });

    const asBearer = await api.get('/hello', token);
    assert.deepEqual([asBearer.error, asBearer.challenge.split(' ')[0]], ['invalid_token', 'DPoP']);
    await assert.rejects(call(token, '/hello', thief), /WWWAuthenticate|challenge/i);
    const twice = await api.send('/hello', { authorization: `DPoP ${token}`, dpop: proof });
    assert.deepEqual([twice.error, twice.error_description], ['invalid_dpop_proof', 'The proof was used before.']);
    const elsewhere = await api.send('/payments', { authorization: `DPoP ${token}`, dpop: proof });
    assert.equal(elsewhere.error_description, 'The proof is for another address.');
    const two = await api.send('/hello', [['authorization', `DPoP ${token}`], ['dpop', proof], ['dpop', proof]]);
    assert.equal(two.error_description, 'There is more than one DPoP header.');
  });

  /** Returns a handle that makes proofs with a new key, and a token that is bound to the key. */
  async function bind(alg) {
    const pair = await oauth.generateKeyPair(alg, { extractable: true });
    const jkt = await calculateJwkThumbprint(await exportJWK(pair.publicKey));
    return { bound: oauth.DPoP({ client_id: 'demo-tv' }, pair), token: await issuer.token(api.origin, { claims: { cnf: { jkt } } }) };
  }

  function call(token, path, DPoP, customFetch = fetch) {
    const options = { DPoP, [oauth.allowInsecureRequests]: true, [oauth.customFetch]: customFetch };
    return oauth.protectedResourceRequest(token, 'GET', new URL(path, api.origin), undefined, undefined, options);
  }
});

test('`make dev API=1` lets the demo clients get tokens for the API, and keeps their default resource', async (t) => {
  const server = await startWorkerd();
  t.after(() => endDiscreetly(server));
  const admin = new Admin(server);
  const [first, second] = ['http://127.0.0.1:8788', 'http://127.0.0.1:8798'];
  await admin.patch('demo-printer', { audience: ['https://print.example.com'] });
  const registered = async () => Promise.all(['demo-tv', 'demo-printer'].map(async (id) => (await admin.read(id)).body));

  for (const resource of [first, second]) assert.equal(await allowResource(server.origin, resource, ['nobody', 'demo-tv', 'demo-printer']), undefined);
  const after = await registered();
  assert.equal(await allowResource(server.origin, first, ['demo-tv', 'demo-printer']), undefined);

  assert.deepEqual(after.map(({ audience }) => audience), [[server.origin, first, second], ['https://print.example.com', first, second]]);
  assert.deepEqual(await registered(), after, 'the second time changes nothing');
  assert.match(await allowResource(server.origin, 'nonsense', ['demo-tv']), /^demo-tv cannot have tokens for nonsense: audience\W.*nonsense/);
});

test('while the issuer cannot be reached, the API says so and lets nobody in', async (t) => {
  const issuer = await startIssuer(['ES256']);
  const api = await startApi({ issuer: `http://127.0.0.1:${await freePort()}` });
  t.after(() => api.end({ besides: [/cannot be fetched$/, /Connection refused|connect\(/] }));
  t.after(issuer.stop);

  const answer = await api.get('/hello', await issuer.token(api.origin));

  assert.deepEqual([answer.status, answer.error, answer.headers.get('retry-after')], [503, 'temporarily_unavailable', '5']);
});

test('a misconfigured API says what is wrong', async (t) => {
  const server = await startWorkerd({ build: builds.api, vars: { ISSUER: 'x' }, objects: [] });
  t.after(() => server.stop());

  const answer = await fetch(`${server.origin}/hello`);

  assert.equal(answer.status, 503);
  assert.match(await answer.text(), /^This API is not configured: ISSUER must be an https URL/);
});
