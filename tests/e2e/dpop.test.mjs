// Tokens and codes bound to a key: with unmodified client libraries, and under attack.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import * as jose from 'jose';
import * as oauth from 'oauth4webapi';
import * as openid from 'openid-client';
import { clients } from './support/config.mjs';
import { ALL_SCOPES, Device } from './support/device.mjs';
import { Key, post, userinfo } from './support/dpop.mjs';
import { startWorkerd } from './support/harness.mjs';
import { Person } from './support/person.mjs';
import { decisions, endDiscreetly } from './support/secrets.mjs';
import { events, families } from './support/stored.mjs';
import { startTap } from './support/tap.mjs';

const vars = { POLL_INTERVAL_SECONDS: '1' };

for (const nonces of ['optional', 'required']) {
  describe(`stock clients, nonces ${nonces}`, { concurrency: true }, () => {
    let server, approve;
    before(async () => {
      server = await startWorkerd({ vars: { ...vars, DPOP_NONCE: nonces } });
      approve = approver(server);
    });
    after(() => endDiscreetly(server));

    for (const client of Object.values(clients)) {
      test(`openid-client, as ${client.client_id}, signs in, refreshes, reads userinfo, introspects and revokes`, async (t) => {
        const tap = await startTap(server);
        t.after(() => tap.stop());
        await withOpenidClient(approve, tap.origin, client);
        const refused = tap.polls().filter(({ error }) => error === 'use_dpop_nonce');
        assert.equal(refused.length, nonces === 'required' ? 1 : 0, 'only the first request lacks a nonce');
      });

      test(`oauth4webapi, as ${client.client_id}, signs in, refreshes, reads userinfo, introspects and revokes`, async (t) => {
        const tap = await startTap(server);
        t.after(() => tap.stop());
        await withOauth4webapi(approve, tap.origin, client);
      });
    }

    for (const alg of ['ES256', 'RS256', 'PS256', 'PS384', 'PS512', 'Ed25519']) {
      test(`a key for ${alg} is accepted`, async (t) => {
        const tap = await startTap(server);
        t.after(() => tap.stop());
        await withOpenidClient(approve, tap.origin, clients.printer, alg);
      });
    }
  });
}

/** Returns a function with which one person, signed in once, approves one code after another. */
function approver(server) {
  const alice = new Person(server);
  let last = Promise.resolve();
  return (code) => (last = last.then(() => alice.approve(code)));
}

async function withOpenidClient(approve, issuer, { client_id, client_secret }, alg = 'ES256') {
  const execute = [openid.allowInsecureRequests];
  const config = await openid.discovery(new URL(issuer), client_id, client_secret, undefined, { execute });
  const DPoP = openid.getDPoPHandle(config, await openid.randomDPoPKeyPair(alg));
  const jkt = await DPoP.calculateThumbprint();

  const codes = await openid.initiateDeviceAuthorization(config, { scope: ALL_SCOPES, dpop_jkt: jkt });
  const polled = openid.pollDeviceAuthorizationGrant(config, codes, undefined, { DPoP });
  const [tokens] = await Promise.all([polled, approve(codes.user_code)]);
  assert.deepEqual([tokens.token_type, jose.decodeJwt(tokens.access_token).cnf], ['dpop', { jkt }]);

  const next = await openid.refreshTokenGrant(config, tokens.refresh_token, undefined, { DPoP });
  assert.deepEqual([next.token_type, jose.decodeJwt(next.access_token).cnf], ['dpop', { jkt }]);
  const { sub } = next.claims();
  const person = await openid.fetchUserInfo(config, next.access_token, sub, { DPoP });
  assert.equal(person.email, 'alice@example.com');
  await assert.rejects(openid.fetchUserInfo(config, next.access_token, sub), 'without the key');
  if (client_secret) {
    const facts = await openid.tokenIntrospection(config, next.access_token);
    assert.deepEqual([facts.active, facts.token_type, facts.cnf], [true, 'DPoP', { jkt }]);
  }
  await openid.tokenRevocation(config, next.refresh_token);
  await assert.rejects(openid.fetchUserInfo(config, next.access_token, sub, { DPoP }));
  await assert.rejects(openid.refreshTokenGrant(config, next.refresh_token, undefined, { DPoP }), { error: 'invalid_grant' });
}

async function withOauth4webapi(approve, issuer, { client_id, client_secret }) {
  const insecure = { [oauth.allowInsecureRequests]: true };
  const client = { client_id };
  const authentication = client_secret ? oauth.ClientSecretPost(client_secret) : oauth.None();
  const as = await oauth.processDiscoveryResponse(new URL(issuer), await oauth.discoveryRequest(new URL(issuer), insecure));
  const DPoP = oauth.DPoP(client, await oauth.generateKeyPair('ES256'));
  const options = { ...insecure, DPoP };

  const started = await oauth.deviceAuthorizationRequest(as, client, authentication, { scope: ALL_SCOPES }, insecure);
  const codes = await oauth.processDeviceAuthorizationResponse(as, client, started);
  await approve(codes.user_code);
  const tokens = await again(async () => {
    const response = await oauth.deviceCodeGrantRequest(as, client, authentication, codes.device_code, options);
    return oauth.processDeviceCodeResponse(as, client, response);
  });
  assert.equal(tokens.token_type, 'dpop');
  const next = await again(async () => {
    const response = await oauth.refreshTokenGrantRequest(as, client, authentication, tokens.refresh_token, options);
    return oauth.processRefreshTokenResponse(as, client, response);
  });
  assert.deepEqual(jose.decodeJwt(next.access_token).cnf, { jkt: await DPoP.calculateThumbprint() });
  const { sub } = oauth.getValidatedIdTokenClaims(next);
  const person = await again(async () => {
    return oauth.processUserInfoResponse(as, client, sub, await oauth.userInfoRequest(as, client, next.access_token, options));
  });
  assert.equal(person.name, 'Alice Liddell');
  if (client_secret) {
    const facts = await introspect();
    assert.deepEqual([facts.active, facts.token_type], [true, 'DPoP']);
  }
  const revoked = await oauth.revocationRequest(as, client, authentication, next.refresh_token, insecure);
  await oauth.processRevocationResponse(revoked);
  if (client_secret) assert.equal((await introspect()).active, false);

  async function introspect() {
    const response = await oauth.introspectionRequest(as, client, authentication, next.access_token, insecure);
    return oauth.processIntrospectionResponse(as, client, response);
  }
}

/** Repeats a request once if the server demands its nonce, as in the library's own examples. */
async function again(request) {
  try {
    return await request();
  } catch (error) {
    if (!oauth.isDPoPNonceError(error)) throw error;
    return request();
  }
}

describe('one server, plain requests', () => {
  let server;
  before(async () => {
    server = await startWorkerd({ vars });
  });
  after(() => endDiscreetly(server));

  const start = (form, dpop) => post(server, '/device_authorization', { client_id: 'demo-tv', scope: ALL_SCOPES, ...form }, dpop);
  const approve = ({ user_code }) => new Person(server).approve(user_code);

  test('Ed25519 is accepted by its older name EdDSA, too', async () => {
    const key = await Key.generate('EdDSA');

    assert.equal((await key.poll(server, 'forged')).error, 'invalid_grant', 'the proof was accepted');
  });

  test('a proof that is replayed, altered or made for another request is refused', async () => {
    const key = await Key.generate();
    const codes = await start();
    const form = { grant_type: 'urn:ietf:params:oauth:grant-type:device_code', client_id: 'demo-tv', device_code: codes.device_code };
    const token = `${server.origin}/token`;
    const good = await key.proof(token);
    assert.equal((await post(server, '/token', form, good)).error, 'authorization_pending');
    await approve(codes);

    const signature = `${good.slice(0, -4)}${good.endsWith('AAAA') ? 'BBBB' : 'AAAA'}`;
    for (const bad of [`${good}, ${good}`, '', signature, await key.proof(codes.verification_uri), await key.proof(token, { htm: 'GET' })]) {
      const answer = await post(server, '/token', form, bad);
      assert.deepEqual([answer.status, answer.error], [400, 'invalid_dpop_proof'], bad);
    }
    const [first, second] = await Promise.all([post(server, '/token', form, good), post(server, '/token', form, good)]);
    assert.deepEqual([first.status, second.status].sort(), [200, 400], 'of two requests with one proof, one succeeds');

    const next = await start();
    await approve(next);
    assert.equal((await post(server, '/token', { ...form, device_code: next.device_code }, good)).error, 'invalid_dpop_proof');
    assert.equal((await key.poll(server, next.device_code)).status, 200, 'the refused request did not spend the code');
  });

  test('an invalid key is refused as a bad proof, not answered as a server error', async () => {
    const key = await Key.generate();
    const rsa = await Key.generate('RS256');
    const broken = [
      [key, { ...key.jwk, y: key.jwk.x }],
      [key, { ...key.jwk, x: 'A'.repeat(43), y: 'A'.repeat(43) }],
      [rsa, { ...rsa.jwk, e: 'AQ' }],
      [rsa, { ...rsa.jwk, e: 'Ag' }],
      [rsa, { ...rsa.jwk, n: `A${rsa.jwk.n.slice(1)}` }],
      [rsa, { ...rsa.jwk, n: 'A'.repeat(rsa.jwk.n.length) }],
    ];
    for (const [signer, jwk] of broken) {
      const answer = await signer.poll(server, 'forged', { header: { jwk } });
      assert.deepEqual([answer.status, answer.error], [400, 'invalid_dpop_proof'], JSON.stringify(jwk));
    }
  });

  test('a device without a clock gets a nonce, and then its tokens', async () => {
    const key = await Key.generate();
    const codes = await start();
    await approve(codes);

    const refused = await key.poll(server, codes.device_code, { claims: { iat: 12 } });
    assert.deepEqual([refused.status, refused.error], [400, 'use_dpop_nonce']);

    assert.equal((await key.poll(server, codes.device_code, { claims: { iat: 12 }, nonce: refused.nonce })).status, 200);
  });

  test('a stolen device code is worthless without the key, whether named by proof or by thumbprint', async () => {
    const [key, thief] = [await Key.generate(), await Key.generate()];
    const proof = await key.proof(`${server.origin}/device_authorization`);
    for (const codes of [await start({}, proof), await start({ dpop_jkt: key.jkt })]) {
      const steal = () => [thief.poll(server, codes.device_code), new Device(server).poll(codes.device_code)];
      const before = await Promise.all(Array.from({ length: 5 }, steal).flat());
      assert.equal((await key.poll(server, codes.device_code)).error, 'authorization_pending', 'the holder of the key is not slowed down');
      await approve(codes);
      const afterwards = await Promise.all(Array.from({ length: 5 }, steal).flat());

      assert.ok([...before, ...afterwards].every(({ status, error }) => status === 400 && error === 'invalid_grant'));
      const tokens = await key.poll(server, codes.device_code);
      assert.deepEqual([tokens.status, jose.decodeJwt(tokens.access_token).cnf], [200, { jkt: key.jkt }]);
      assert.equal((await thief.refresh(server, tokens.refresh_token)).error, 'invalid_grant');
      assert.equal((await key.refresh(server, tokens.refresh_token)).status, 200);
    }
    const recorded = events(server).filter(({ what }) => what === 'device_code_without_key');
    assert.equal(recorded.length, 2, 'once for each code');
    assert.ok(decisions(server).some(({ reason }) => reason === 'device_code_without_key'));
  });

  test('of a hundred parallel polls with proofs, exactly one gets the tokens', async () => {
    const key = await Key.generate();
    const codes = await start({ dpop_jkt: key.jkt });
    await approve(codes);
    const before = families(server).length;

    const answers = await Promise.all(Array.from({ length: 100 }, () => key.poll(server, codes.device_code)));

    const winners = answers.filter(({ status }) => status === 200);
    const losers = answers.filter(({ status, error }) => status === 400 && error === 'invalid_grant');
    assert.deepEqual([winners.length, losers.length], [1, 99]);
    assert.equal((await key.refresh(server, winners[0].refresh_token)).status, 200, "the winner's tokens are not revoked");
    assert.equal(families(server).length, before + 1);
  });

  test('a bound token is refused as a bearer token, and a proof works for one request', async () => {
    const key = await Key.generate();
    const codes = await start();
    await approve(codes);
    const { access_token: token } = await key.poll(server, codes.device_code);
    const proof = await key.proof(`${server.origin}/userinfo`, { htm: 'GET', token });

    assert.equal((await userinfo(server, 'DPoP', token, proof)).name, 'Alice Liddell');
    const again = await userinfo(server, 'DPoP', token, proof);
    assert.deepEqual([again.status, again.error], [401, 'invalid_dpop_proof']);
    assert.match(again.challenge, /^DPoP .*error="invalid_dpop_proof", algs="ES256 /);
    const bearer = await userinfo(server, 'Bearer', token);
    assert.deepEqual([bearer.status, bearer.error], [401, 'invalid_token']);
  });

  test('openid-client uses PKCE with the device grant, and only its own verifier redeems', async () => {
    const execute = [openid.allowInsecureRequests];
    const config = await openid.discovery(new URL(server.origin), 'demo-tv', undefined, openid.None(), { execute });
    const code_verifier = openid.randomPKCECodeVerifier();
    const code_challenge = await openid.calculatePKCECodeChallenge(code_verifier);
    const codes = await start({ code_challenge, code_challenge_method: 'S256' });
    await approve(codes);
    const poll = (parameters) => openid.pollDeviceAuthorizationGrant(config, codes, parameters);

    await assert.rejects(poll(), { error: 'invalid_grant' });
    await assert.rejects(poll({ code_verifier: openid.randomPKCECodeVerifier() }), { error: 'invalid_grant' });

    const tokens = await poll({ code_verifier });
    await openid.tokenRevocation(config, tokens.access_token);
  });
});
