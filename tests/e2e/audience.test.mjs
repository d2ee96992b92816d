// A client's registered options for codes and tokens, in the real runtime: resources, opaque tokens, signed userinfo,
// mapped claims and codes of digits. Also, a device that demands a recent sign-in.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import * as oauth from 'oauth4webapi';
import * as openid from 'openid-client';
import { Admin } from './support/admin.mjs';
import { accounts, clients } from './support/config.mjs';
import { ALL_SCOPES, Device } from './support/device.mjs';
import { Person } from './support/person.mjs';
import { startRegistered } from './support/registered.mjs';
import { endDiscreetly, keepSecret, keepUserCode } from './support/secrets.mjs';

const API = 'https://api.example.com';
const FILES = 'https://files.example.com/v1';
const PASSWORD = 'urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport';
const insecure = { [oauth.allowInsecureRequests]: true };

describe('a client with two resources and claims of its own', () => {
  let server, as;
  before(async () => {
    server = await startRegistered({
      'demo-tv': {
        audience: [API, FILES],
        claims: [{ claim: 'roles', from: 'account.groups' }, { claim: 'email', as: 'mail' }],
        userinfo_signed_response_alg: 'ES256',
        user_code_type: 'digits',
        verification_uri_complete: false,
      },
      // A resource server: it has no grant types.
      'demo-printer': { audience: [API], grant_types: [] },
    });
    const found = await oauth.discoveryRequest(new URL(server.origin), insecure);
    as = await oauth.processDiscoveryResponse(new URL(server.origin), found);
  });
  after(() => endDiscreetly(server));

  const client = { client_id: 'demo-tv', userinfo_signed_response_alg: 'ES256' };

  async function started(parameters = {}) {
    const form = new URLSearchParams({ scope: ALL_SCOPES });
    for (const [name, values] of Object.entries(parameters)) [values].flat().forEach((value) => form.append(name, value));
    const response = await oauth.deviceAuthorizationRequest(as, client, oauth.None(), form, insecure);
    const codes = await oauth.processDeviceAuthorizationResponse(as, client, response);
    keepSecret('a device code', codes.device_code);
    keepUserCode(codes.user_code);
    return codes;
  }

  async function redeemed({ device_code }, additionalParameters = {}) {
    const response = await oauth.deviceCodeGrantRequest(as, client, oauth.None(), device_code, { ...insecure, additionalParameters });
    return kept(await oauth.processDeviceCodeResponse(as, client, response));
  }

  async function refreshed({ refresh_token }, additionalParameters = {}) {
    const response = await oauth.refreshTokenGrantRequest(as, client, oauth.None(), refresh_token, { ...insecure, additionalParameters });
    return kept(await oauth.processRefreshTokenResponse(as, client, response));
  }

  test('oauth4webapi requests two resources, and narrows them at redemption and refresh', async () => {
    const codes = await started({ resource: [API, FILES] });
    await new Person(server).approve(codes.user_code);

    await assert.rejects(redeemed(codes, { resource: 'https://evil.example' }), { error: 'invalid_target' });
    const narrow = await redeemed(codes, { resource: FILES });
    assert.equal((await verified(narrow.access_token, { audience: FILES })).aud, FILES);

    const whole = await refreshed(narrow);
    assert.deepEqual((await verified(whole.access_token, { audience: API })).aud, [API, FILES, server.origin]);
    await assert.rejects(refreshed(whole, { resource: 'https://evil.example' }), { error: 'invalid_target' });
    assert.equal((await verified((await refreshed(whole, { resource: API })).access_token, { audience: API })).aud, API);
  });

  test('a resource that the client is not registered for is refused at once', async () => {
    await assert.rejects(started({ resource: 'https://evil.example' }), { error: 'invalid_target' });
    await assert.rejects(started({ resource: `${API}/#fragment` }), { error: 'invalid_target' });
  });

  test('oauth4webapi and jose verify signed userinfo with mapped claims', async () => {
    const codes = await started();
    await new Person(server).approve(codes.user_code);
    const tokens = await redeemed(codes);
    const { sub, roles } = oauth.getValidatedIdTokenClaims(tokens);
    assert.deepEqual(roles, ['local:developers']);

    const response = await oauth.userInfoRequest(as, client, tokens.access_token, insecure);
    const copy = response.clone();
    const person = await oauth.processUserInfoResponse(as, client, sub, response);
    await oauth.validateApplicationLevelSignature(as, response, insecure);

    assert.deepEqual([person.mail, person.email, person.roles], ['alice@example.com', undefined, ['local:developers']]);
    const claims = await verified(await copy.text(), { audience: 'demo-tv' });
    assert.deepEqual([claims.sub, claims.exp], [sub, undefined]);
  });

  test('a resource server can introspect the tokens meant for it, and no others', async () => {
    const { client_id, client_secret } = clients.printer;
    const execute = [openid.allowInsecureRequests];
    const config = await openid.discovery(new URL(server.origin), client_id, client_secret, undefined, { execute });
    const codes = await started({ resource: [API, FILES] });
    await new Person(server).approve(codes.user_code);
    const tokens = await redeemed(codes);

    const seen = await openid.tokenIntrospection(config, tokens.access_token);
    assert.deepEqual([seen.active, seen.client_id, seen.roles], [true, 'demo-tv', ['local:developers']]);
    const elsewhere = await refreshed(tokens, { resource: FILES });
    assert.deepEqual(await openid.tokenIntrospection(config, elsewhere.access_token), { active: false });
    assert.deepEqual(await openid.tokenIntrospection(config, tokens.refresh_token), { active: false });
  });

  test('a code of digits is typed with or without its dashes', async () => {
    const codes = await started();
    assert.match(codes.user_code, /^\d{4}-\d{4}-\d{4}$/);
    assert.equal(codes.verification_uri_complete, undefined);
    const alice = new Person(server);
    assert.match((await alice.open()).text, /It looks like XXXX-XXXX\s*, or 0000-0000-0000/);

    await alice.approve(` ${codes.user_code.replaceAll('-', ' ')} `);

    assert.ok((await redeemed(codes)).access_token);
  });

  async function verified(token, options) {
    const keys = createRemoteJWKSet(new URL(as.jwks_uri));
    return (await jwtVerify(token, keys, { issuer: server.origin, ...options })).payload;
  }
});

describe('a client with opaque tokens', () => {
  let server, config;
  before(async () => {
    server = await startRegistered({
      'demo-printer': { access_token_format: 'opaque', access_token_lifetime: 60 },
      // A client may register RS256 for userinfo, too.
      'demo-tv': { userinfo_signed_response_alg: 'RS256' },
    });
    const { client_id, client_secret } = clients.printer;
    const execute = [openid.allowInsecureRequests];
    config = await openid.discovery(new URL(server.origin), client_id, client_secret, undefined, { execute });
  });
  after(() => endDiscreetly(server));

  test('only this server can read its token, until it is revoked', async () => {
    const device = await Device.start(server, { client: clients.printer });
    await new Person(server).approve(device.codes.user_code);
    const tokens = await device.redeem();
    assert.match(tokens.access_token, /^dgat_[\w-]+$/);
    assert.equal(tokens.expires_in, 60);

    const seen = await openid.tokenIntrospection(config, tokens.access_token);
    assert.deepEqual([seen.active, seen.username, seen.exp - seen.iat], [true, 'alice', 60]);
    const person = await openid.fetchUserInfo(config, tokens.access_token, seen.sub);
    assert.equal(person.email, 'alice@example.com');
    const altered = tokens.access_token.replace(/.(?=.{20}$)/, (letter) => (letter === 'A' ? 'B' : 'A'));
    assert.deepEqual(await openid.tokenIntrospection(config, altered), { active: false });

    await server.restart();
    assert.equal((await openid.tokenIntrospection(config, tokens.access_token)).active, true, 'nothing is stored for it');
    await openid.tokenRevocation(config, tokens.access_token);
    assert.deepEqual(await openid.tokenIntrospection(config, tokens.access_token), { active: false });
    await assert.rejects(openid.refreshTokenGrant(config, tokens.refresh_token), { error: 'invalid_grant' });
  });

  test('userinfo signed with RS256 verifies', async () => {
    const tv = await Device.start(server);
    await new Person(server).approve(tv.codes.user_code);
    const { access_token } = await tv.redeem();

    const response = await fetch(`${server.origin}/userinfo`, { headers: { authorization: `Bearer ${access_token}` } });

    assert.equal(response.headers.get('content-type'), 'application/jwt');
    const keys = createRemoteJWKSet(new URL(`${server.origin}/jwks.json`));
    const { payload, protectedHeader } = await jwtVerify(await response.text(), keys, { issuer: server.origin, audience: 'demo-tv' });
    assert.deepEqual([protectedHeader.alg, payload.name], ['RS256', 'Alice Liddell']);
  });

  test('a device that demands a new sign-in gets one, and its tokens say so', async () => {
    const alice = new Person(server);
    const before = await Device.start(server);
    await alice.consider(before.userCode);

    const device = new Device(server);
    await device.start({ scope: ALL_SCOPES, max_age: 0, acr_values: PASSWORD, login_hint: accounts.bob.username });
    await alice.enter(device.userCode);
    alice.mustRead(200, 'Sign in');
    assert.equal(alice.page.heading, 'Sign in again to continue');
    const signedInAt = Math.floor(Date.now() / 1000);
    await alice.signIn();
    alice.mustRead(200, 'Approve or refuse');
    assert.match(alice.page.text, /The device expects bob to sign in/);
    await alice.decide('approve');
    alice.mustRead(200, 'Approved');

    const { id_token, access_token } = await device.redeem();
    for (const token of [id_token, access_token]) {
      const { auth_time, acr } = claims(token);
      assert.ok(auth_time >= signedInAt, `signed in at ${auth_time}, before ${signedInAt}`);
      assert.equal(acr, PASSWORD);
    }
  });

  test('the admin API shows which claims tokens would have, without issuing them', async () => {
    const admin = new Admin(server);
    const trial = { client_id: 'demo-printer', account: 'alice', scope: ALL_SCOPES };
    const { status, body } = await admin.ask('POST', '/dry-run', { body: trial });
    assert.deepEqual([status, body.allowed, body.access_token_format], [200, true, 'opaque']);
    assert.deepEqual([body.id_token.aud, body.userinfo.name], ['demo-printer', 'Alice Liddell']);

    const rules = { claims: [{ claim: 'tier', value: 'gold', into: ['id_token'] }] };
    assert.deepEqual((await admin.ask('PUT', '/scopes/profile/claims', { body: rules })).body, rules);
    assert.deepEqual((await admin.ask('GET', '/scopes/profile/claims')).body, rules, 'it is stored');
    const mapped = await admin.ask('POST', '/dry-run', { body: trial });
    assert.deepEqual([mapped.body.id_token.tier, mapped.body.userinfo.tier], ['gold', undefined]);
  });
});

function kept(tokens) {
  keepSecret('an access token', tokens.access_token);
  keepSecret('an ID token', tokens.id_token);
  keepSecret('a refresh token', tokens.refresh_token);
  return tokens;
}

function claims(token) {
  return JSON.parse(Buffer.from(token.split('.')[1], 'base64url'));
}
