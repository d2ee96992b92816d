// A trial for every entry of every member of the metadata. An entry without a trial fails the test, so each new entry
// needs one.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose';
import * as oauth from 'oauth4webapi';
import { ALL_SCOPES, DEVICE_GRANT } from './device.mjs';
import { Key } from './dpop.mjs';
import { INITIAL_ACCESS_TOKEN } from './installation.mjs';
import { listen } from './listener.mjs';
import { Person } from './person.mjs';
import { keepSecret, knowClient } from './secrets.mjs';

/** Returns a trial, `{ name, run }`, for every entry of a document. */
export function everyEntry(document, trials) {
  return Object.entries(document).flatMap(([member, value]) => {
    const trial = trials[member] ?? (() => assert.fail(`there is no trial for ${member}`));
    const entries = isPlain(value) ? Object.entries(value) : [value].flat();
    return entries.map((entry) => ({ name: `${member}: ${isPlain(value) ? entry.join(' ') : entry}`, run: (place) => trial(entry, place) }));
  });
}

const isPlain = (value) => typeof value === 'object' && !Array.isArray(value);

/** Returns the table's value for an entry; fails the test if it has none. */
export function known(table, entry) {
  assert.ok(Object.hasOwn(table, entry), `there is no trial for ${entry}`);
  return table[entry];
}

const ENDPOINTS = {
  async device_authorization_endpoint(place, client) {
    const codes = await place.start(client);
    assert.ok(codes.device_code && codes.user_code && codes.verification_uri && codes.expires_in > 0);
    assert.match((await (await fetch(codes.verification_uri_complete)).text()), /<html lang=/);
  },
  async token_endpoint(place, client) {
    const tokens = await place.signIn(client);
    assert.equal((await place.refresh(client, tokens)).status, 200);
  },
  async introspection_endpoint(place, client) {
    const { access_token } = await place.signIn(client);
    const { active, iss, client_id } = await place.introspect(client, access_token);
    assert.deepEqual([active, iss, client_id], [true, place.issuer, client.client_id]);
  },
  async revocation_endpoint(place, client) {
    const tokens = await place.signIn(client);
    assert.equal((await place.revoke(client, tokens.refresh_token)).status, 200);
    assert.equal((await place.refresh(client, tokens)).error, 'invalid_grant');
  },
  async userinfo_endpoint(place, client) {
    const { access_token, id_token } = await place.signIn(client);
    for (const method of ['GET', 'POST']) {
      assert.equal((await place.userinfo(client, access_token, { method })).sub, decodeJwt(id_token).sub, method);
    }
  },
};

/** Returns a trial: the URL is at the issuer, works, and refuses GET unless the endpoint is userinfo. */
const endpoint = (name) => async (url, place) => {
  assert.ok(url.startsWith(`${place.issuer}/`));
  await ENDPOINTS[name](place, await place.register());
  assert.equal((await fetch(url)).status, name === 'userinfo_endpoint' ? 401 : 405);
};

const GRANTS = {
  [DEVICE_GRANT]: async (place, client) => assert.ok((await place.signIn(client)).access_token),
  refresh_token: async (place, client) => assert.equal((await place.refresh(client, await place.signIn(client))).status, 200),
};

/** The trial of each endpoint where a client authenticates. */
const AUTHENTICATED = {
  token: ENDPOINTS.token_endpoint,
  revocation: ENDPOINTS.revocation_endpoint,
  introspection: ENDPOINTS.introspection_endpoint,
};
const method = (at) => async (entry, place) => AUTHENTICATED[at](place, await place.register({ token_endpoint_auth_method: entry }));
const assertionBy = (at) => async (alg, place) => {
  await AUTHENTICATED[at](place, await place.register({ token_endpoint_auth_method: 'private_key_jwt' }, alg));
};

export async function verified(place, token, options) {
  const keys = createRemoteJWKSet(new URL(place.document.jwks_uri));
  return (await jwtVerify(token, keys, { issuer: place.issuer, ...options })).payload;
}

const SCOPES = {
  openid: ({ id_token }) => assert.ok(id_token),
  offline_access: ({ refresh_token }) => assert.ok(refresh_token),
  profile: ({ access_token }, person) => assert.ok(access_token && person.name && person.preferred_username && !person.email),
  email: ({ access_token }, person) => assert.ok(access_token && person.email && person.email_verified && !person.name),
};

/** Tries a scope together with `openid`, which userinfo requires. */
export async function scope(entry, place) {
  const both = [...new Set(['openid', entry])].sort().join(' ');
  const client = await place.register({ scope: both });
  const tokens = await place.signIn(client, { scope: both });
  assert.deepEqual(tokens.scope.split(' ').sort().join(' '), both);
  const person = await place.userinfo(client, tokens.access_token);
  assert.equal(person.status, 200);
  // What an operator's own scope means is up to their API.
  if (ALL_SCOPES.split(' ').includes(entry)) SCOPES[entry](tokens, person);
  else assert.equal((await place.admin.ask('GET', `/scopes/${entry}`)).status, 200);
}

export async function proofBy(alg, place) {
  const key = await Key.generate(alg);
  const client = await place.register();
  const tokens = await place.signIn(client, {}, { key });
  assert.deepEqual([tokens.token_type, decodeJwt(tokens.access_token).cnf], ['DPoP', { jkt: key.jkt }]);
  assert.equal((await place.userinfo(client, tokens.access_token, { key })).status, 200);
  assert.equal((await place.userinfo(client, tokens.access_token)).status, 401, 'without the key');
}

export async function certificateBound(entry, place) {
  assert.equal(entry, true);
  const members = { token_endpoint_auth_method: 'tls_client_auth', tls_client_certificate_bound_access_tokens: true };
  const client = await place.register(members);
  const { access_token } = await place.signIn(client);
  const thumbprint = Buffer.from(client.certificate.certFingerprintSHA256, 'hex').toString('base64url');
  assert.deepEqual(decodeJwt(access_token).cnf, { 'x5t#S256': thumbprint });
  assert.equal((await place.userinfo(client, access_token)).status, 200);
  const another = { ...client, certificate: { ...client.certificate, certFingerprintSHA256: '0'.repeat(64) } };
  assert.equal((await place.userinfo(another, access_token)).status, 401);
}

/** All claims about one sign-in, cached per server. */
const sayings = new WeakMap();
export function said(place) {
  if (!sayings.has(place)) sayings.set(place, saidIn(place));
  return sayings.get(place);
}

async function saidIn(place) {
  const client = await place.register();
  const { access_token, id_token } = await place.signIn(client, { nonce: 'n', acr_values: place.document.acr_values_supported[0] });
  const { status: _, challenge: __, ...userinfo } = await place.userinfo(client, access_token);
  return { id_token: decodeJwt(id_token), access_token: decodeJwt(access_token), userinfo };
}

const SUBJECTS = {
  /** A person has the same `sub` at every client. */
  async public(place) {
    const [one, other] = [await place.register(), await place.register()];
    const [here, there] = [await place.signIn(one), await place.signIn(other)];
    assert.equal(decodeJwt(here.id_token).sub, decodeJwt(there.id_token).sub);
  },
};

const CHALLENGES = {
  S256: (verifier) => createHash('sha256').update(verifier).digest('base64url'),
  plain: (verifier) => verifier,
};

export async function challenged(entry, place, verifier = 'v'.repeat(43)) {
  const client = await place.register();
  const challenge = { code_challenge: known(CHALLENGES, entry)('v'.repeat(43)), code_challenge_method: entry };
  const codes = await place.ask('device_authorization_endpoint', client, { scope: 'openid', ...challenge });
  if (codes.status !== 200) return codes;
  await place.alice.approve(codes.user_code);
  return place.redeem(client, codes, { code_verifier: verifier });
}

/** The server fetches no `request_uri`. */
async function requestUri(entry, place) {
  assert.equal(entry, false);
  let fetched = 0;
  const site = createServer((_, response) => response.end(String(++fetched)));
  site.listen(0, '127.0.0.1');
  await once(site, 'listening');
  const request_uri = `http://127.0.0.1:${site.address().port}/`;
  await place.ask('device_authorization_endpoint', await place.register(), { request_uri, scope: 'openid' });
  await fetch(`${place.document.authorization_endpoint}?${new URLSearchParams({ request_uri })}`);
  site.closeAllConnections();
  site.close();
  assert.equal(fetched, 0);
}

/** The trials for authorization server metadata (RFC 8414 §2, OpenID Connect Discovery §3). */
export const AUTHORIZATION_SERVER = {
  async issuer(entry, place) {
    assert.equal(entry, place.issuer);
    const { access_token, id_token } = await place.signIn(await place.register());
    for (const token of [access_token, id_token]) assert.equal(decodeJwt(token).iss, entry);
  },
  device_authorization_endpoint: endpoint('device_authorization_endpoint'),
  token_endpoint: endpoint('token_endpoint'),
  introspection_endpoint: endpoint('introspection_endpoint'),
  revocation_endpoint: endpoint('revocation_endpoint'),
  userinfo_endpoint: endpoint('userinfo_endpoint'),
  /** Exists because some clients require it (decision 3). No response type works, and it says so. */
  async authorization_endpoint(url, place) {
    assert.ok(url.startsWith(`${place.issuer}/`));
    const response = await fetch(`${url}?response_type=code&client_id=demo-tv`, { redirect: 'manual' });
    assert.deepEqual([response.status, /Sign in on your device/.test(await response.text())], [400, true]);
  },
  /** An error that is sent back names the issuer (RFC 9207). */
  async authorization_response_iss_parameter_supported(entry, place) {
    assert.equal(entry, true);
    const { client_id } = await place.register({ redirect_uris: ['http://127.0.0.1/'] });
    const query = new URLSearchParams({ client_id, redirect_uri: 'http://127.0.0.1:1/', state: 's' });
    const response = await fetch(`${place.document.authorization_endpoint}?${query}`, { redirect: 'manual' });
    const { searchParams } = new URL(response.headers.get('location'));
    assert.deepEqual([response.status, searchParams.get('error'), searchParams.get('iss')], [303, 'unauthorized_client', place.issuer]);
  },
  async registration_endpoint(url, place) {
    const body = JSON.stringify({ grant_types: [DEVICE_GRANT], token_endpoint_auth_method: 'client_secret_basic', client_name: 'TV' });
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${INITIAL_ACCESS_TOKEN}` };
    const response = await fetch(url, { method: 'POST', headers, body });
    const { client_id, client_secret } = await response.json();
    assert.equal(response.status, 201);
    const authenticate = oauth.ClientSecretBasic(keepSecret('a registered secret', client_secret));
    assert.equal((await place.signIn({ client_id: knowClient(client_id), authenticate }, { scope: 'openid' })).scope, 'openid');
  },
  async jwks_uri(url, place) {
    const { keys } = await (await fetch(url)).json();
    assert.ok(keys.length > 0 && keys.every((key) => key.kid && key.alg && !('d' in key)));
    assert.ok(await verified(place, (await place.signIn(await place.register())).access_token));
  },
  response_types_supported: () => assert.fail('no response type works'),
  grant_types_supported: async (entry, place) => known(GRANTS, entry)(place, await place.register()),
  token_endpoint_auth_methods_supported: method('token'),
  token_endpoint_auth_signing_alg_values_supported: assertionBy('token'),
  revocation_endpoint_auth_methods_supported: method('revocation'),
  revocation_endpoint_auth_signing_alg_values_supported: assertionBy('revocation'),
  introspection_endpoint_auth_methods_supported: method('introspection'),
  introspection_endpoint_auth_signing_alg_values_supported: assertionBy('introspection'),
  tls_client_certificate_bound_access_tokens: certificateBound,
  async mtls_endpoint_aliases([name, url], place) {
    assert.ok(url.startsWith(`${place.mtls.origin}/`));
    await known(ENDPOINTS, name)(place, await place.register({ token_endpoint_auth_method: 'self_signed_tls_client_auth' }));
  },
  scopes_supported: scope,
  subject_types_supported: (entry, place) => known(SUBJECTS, entry)(place),
  async id_token_signing_alg_values_supported(alg, place) {
    const client = await place.register({ id_token_signed_response_alg: alg, access_token_signed_response_alg: alg });
    const { id_token, access_token } = await place.signIn(client);
    await verified(place, id_token, { algorithms: [alg], audience: client.client_id });
    await verified(place, access_token, { algorithms: [alg], audience: place.issuer });
  },
  async userinfo_signing_alg_values_supported(alg, place) {
    const client = await place.register({ userinfo_signed_response_alg: alg });
    const { text } = await place.userinfo(client, (await place.signIn(client)).access_token);
    assert.equal((await verified(place, text, { algorithms: [alg], audience: client.client_id })).name, 'Alice Liddell');
  },
  async acr_values_supported(acr, place) {
    const client = await place.register();
    const { id_token } = await place.signIn(client, { acr_values: `urn:example:unknown ${acr}` });
    // Signing in here is by password, which does not meet `phr`. That a passkey does is shown in passkeys.test.mjs.
    assert.equal(decodeJwt(id_token).acr, acr === 'phr' ? undefined : acr);
  },
  async ui_locales_supported(locale, place) {
    const codes = await place.start(await place.register(), { ui_locales: locale });
    const person = new Person(place.front);
    await person.enter(codes.user_code);
    await person.signIn();
    assert.match(person.page.html, new RegExp(`<html lang="${locale}"`));
  },
  async claims_supported(claim, place) {
    const found = Object.entries(await said(place)).filter(([, claims]) => claims[claim] !== undefined);
    assert.ok(found.length > 0, `nothing has ${claim}`);
  },
  request_uri_parameter_supported: requestUri,
  dpop_signing_alg_values_supported: proofBy,
  async device_authorization_dpop_supported(entry, place) {
    assert.equal(entry, true);
    const [client, key] = [await place.register(), await Key.generate()];
    for (const [parameters, options] of [[{}, { key }], [{ dpop_jkt: key.jkt }, {}]]) {
      const codes = await place.start(client, parameters, options);
      await place.alice.approve(codes.user_code);
      assert.equal((await place.redeem(client, codes)).error, 'invalid_grant', 'without the key');
      assert.equal((await place.redeem(client, codes, {}, { key })).status, 200);
    }
  },
  /** Where a rule requires it, a device that can ask its user gets tokens with the digits on the person's page only. */
  async initiation_verification_supported(entry, place) {
    assert.equal(entry, true);
    const client = await place.register();
    const all = { id: 'all', description: 'Everybody', effect: 'allow' };
    const digits = { id: 'digits', description: 'This client', effect: 'require', when: { clients: [client.client_id] }, require: { initiation_verification: true } };
    const body = { default: 'enforced', rules: [all, digits], reason: 'To try it' };
    assert.equal((await place.admin.ask('PUT', '/policy', { body, ifMatch: '*' })).status, 200);
    const codes = await place.start(client, { initiation_verification_supported: 'true' });
    await place.alice.consider(codes.user_code);
    await place.alice.decide('approve');
    const shown = place.alice.page.html.match(/translate="no">(\d{4})<\/span>/)[1];
    assert.equal((await place.redeem(client, codes)).error, 'initiation_verification_required');
    assert.equal((await place.redeem(client, codes, { initiation_verification_code: shown })).status, 200);
  },
  /** A device that waits there hears that it should ask. */
  async devicegrant_instant_uri(entry, place) {
    const client = await place.register();
    const codes = await place.start(client);
    assert.equal(codes.devicegrant_instant_uri, `${entry}?client_id=${client.client_id}`);
    const line = await listen({ codes, server: place.front });
    await place.alice.approve(codes.user_code);
    assert.equal(await line.heard, 'ask now');
    assert.equal((await place.redeem(client, codes)).status, 200);
  },
  async refresh_token_expiration_types_supported(entry, place) {
    const member = known({ authorization: 'authorization_expires_in', token_timeout: 'refresh_token_timeout' }, entry);
    const client = await place.register();
    const codes = await place.start(client);
    await place.alice.approve(codes.user_code);
    const tokens = await place.redeem(client, codes);
    assert.ok(tokens.refresh_token && Number.isInteger(tokens[member]) && tokens[member] > 0, member);
  },
  async code_challenge_methods_supported(entry, place) {
    assert.equal((await challenged(entry, place)).status, 200);
    assert.equal((await challenged(entry, place, 'w'.repeat(43))).error, 'invalid_grant');
  },
};
