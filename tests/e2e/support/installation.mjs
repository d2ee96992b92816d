// A server that its clients know only by its metadata: every request goes where a document says.
//
//     const place = await install({ certificates: true });
//     const client = await place.register({ token_endpoint_auth_method: 'client_secret_basic' });
//     const tokens = await place.signIn(client);
//     await place.ask('introspection_endpoint', client, { token: tokens.access_token });

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { SignJWT, calculateJwkThumbprint, exportJWK, generateKeyPair } from 'jose';
import * as oauth from 'oauth4webapi';
import { Admin } from './admin.mjs';
import { ALL_SCOPES, DEVICE_GRANT } from './device.mjs';
import { openEdge, shown } from './edge.mjs';
import { startWorkerd } from './harness.mjs';
import { Person } from './person.mjs';
import { endDiscreetly, keepSecret, keepUserCode } from './secrets.mjs';

export const INITIAL_ACCESS_TOKEN = keepSecret('the initial access token', 'an-initial-access-token-of-discovery');
const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
const SUBJECT = 'CN=discovery,O=Example';
const OWN_CERTIFICATE = 'a certificate that a client made';

/** For each method, what a client registers (`members`) and how it authenticates (`by`, `certificate`). */
const METHODS = {
  none: () => ({ by: () => oauth.None() }),
  client_secret_basic: () => ({ by: ({ client_secret }) => oauth.ClientSecretBasic(client_secret) }),
  client_secret_post: () => ({ by: ({ client_secret }) => oauth.ClientSecretPost(client_secret) }),
  private_key_jwt: async (alg = 'ES256') => {
    const { privateKey, jwk } = await keyPair(alg);
    return { members: { jwks: { keys: [jwk] } }, by: () => assertion({ alg, kid: jwk.kid }, privateKey) };
  },
  tls_client_auth: () => ({
    members: { tls_client_auth_subject_dn: SUBJECT },
    by: () => oauth.TlsClientAuth(),
    certificate: shown({ subject: SUBJECT }),
  }),
  self_signed_tls_client_auth: () => ({
    members: { jwks: { keys: [{ kty: 'EC', x5c: [Buffer.from(OWN_CERTIFICATE).toString('base64')] }] } },
    by: () => oauth.TlsClientAuth(),
    certificate: shown({ der: OWN_CERTIFICATE, verified: 'FAILED:self signed certificate' }),
  }),
};

/** One key pair per algorithm, made once, because RSA keys take long to generate. */
const pairs = new Map();
export function keyPair(alg) {
  if (!pairs.has(alg)) pairs.set(alg, makeKeyPair(alg));
  return pairs.get(alg);
}

async function makeKeyPair(alg) {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  const jwk = await exportJWK(publicKey);
  return { alg, privateKey, jwk: { ...jwk, kid: await calculateJwkThumbprint(jwk) } };
}

/** Returns client authentication by a JWT (RFC 7523) with exactly this protected header. */
export function assertion(header, key) {
  return async ({ issuer }, { client_id }, body) => {
    const token = new SignJWT({ jti: crypto.randomUUID() }).setIssuer(client_id).setSubject(client_id).setAudience(issuer);
    const signed = await token.setIssuedAt().setExpirationTime('1m').setProtectedHeader(header).sign(key);
    body.set('client_assertion_type', ASSERTION_TYPE);
    body.set('client_assertion', keepSecret('an assertion', signed));
  };
}

/**
 * @param {object} [options]
 * @param {boolean} [options.certificates] whether there is a second host, where clients use certificates
 * @param {Record<string, string>} [options.vars] settings of the server
 */
export async function install({ certificates = false, vars = {} } = {}) {
  const front = await openEdge();
  const mtls = certificates ? await openEdge('localhost') : undefined;
  const server = await startWorkerd({ vars: { ISSUER: front.origin, POLL_INTERVAL_SECONDS: '1', MTLS_ORIGIN: mtls?.origin, ...vars } });
  front.to(server);
  mtls?.to(server);
  return new Installation({ front, mtls, server });
}

/** The settings that turn on dynamic client registration. */
export const REGISTRATION = { INITIAL_ACCESS_TOKEN_SHA256: createHash('sha256').update(INITIAL_ACCESS_TOKEN).digest('hex') };

class Installation {
  constructor({ front, mtls, server }) {
    Object.assign(this, { front, mtls, server, admin: new Admin(front), alice: new Person(front) });
  }

  get issuer() {
    return this.front.origin;
  }

  async stop() {
    await Promise.all([this.front.close(), this.mtls?.close()]);
    await endDiscreetly(this.server);
  }

  /** Reads a metadata document. The authorization server's becomes `document`. */
  async read(path) {
    const response = await fetch(this.issuer + path);
    assert.deepEqual([response.status, response.headers.get('content-type')], [200, 'application/json'], path);
    const document = await response.json();
    if (document.issuer) this.document = document;
    return document;
  }

  /** Registers a client that authenticates by `method`, with further members. */
  async register({ token_endpoint_auth_method: method = 'client_secret_basic', ...members } = {}, alg) {
    assert.ok(Object.hasOwn(METHODS, method), `METHODS does not say how to authenticate by ${method}`);
    const means = await METHODS[method](alg);
    const { body } = await this.admin.create({
      client_name: 'A device', grant_types: [DEVICE_GRANT, 'refresh_token'], scope: ALL_SCOPES, token_endpoint_auth_method: method,
      ...means.members, ...members,
    });
    return { client_id: body.client_id, authenticate: means.by(body), certificate: means.certificate };
  }

  /** Returns the URL of an endpoint: for a client with a certificate, its mTLS alias (RFC 8705 §5). */
  url(endpoint, client) {
    const url = (client?.certificate ? this.document.mtls_endpoint_aliases : this.document)[endpoint];
    assert.ok(url, `there is no ${endpoint}`);
    return url;
  }

  /** Posts a form as a client. Returns the answer's members, `status` and `challenge`. */
  async ask(endpoint, client, form, { key } = {}) {
    const url = this.url(endpoint, client);
    const body = new URLSearchParams(form);
    const headers = new Headers(key && { dpop: await key.proof(url) });
    await client.authenticate(this.document, client, body, headers);
    return this.#fetch(url, client, { method: 'POST', body, headers });
  }

  /** Requests `/userinfo` with a token in the header, or as `init` says. */
  async userinfo(client, token, { key, ...init } = {}) {
    const url = this.url('userinfo_endpoint', client);
    const headers = key
      ? { authorization: `DPoP ${token}`, dpop: await key.proof(url, { htm: 'GET', token }) }
      : { authorization: `Bearer ${token}` };
    return this.#fetch(url + (init.query ?? ''), client, { headers, ...init });
  }

  async #fetch(url, { certificate }, init) {
    if (this.mtls) this.mtls.certificate = certificate;
    const response = await fetch(url, init);
    const text = await response.text();
    const isJson = response.headers.get('content-type') === 'application/json';
    const answer = { status: response.status, challenge: response.headers.get('www-authenticate'), ...(isJson ? JSON.parse(text) : { text }) };
    for (const name of ['device_code', 'access_token', 'id_token', 'refresh_token']) keepSecret(name, answer[name]);
    keepUserCode(answer.user_code);
    return answer;
  }

  async start(client, { scope = ALL_SCOPES, ...parameters } = {}, options) {
    const codes = await this.ask('device_authorization_endpoint', client, { scope, ...parameters }, options);
    assert.equal(codes.status, 200, JSON.stringify(codes));
    return codes;
  }

  redeem(client, { device_code }, parameters, options) {
    return this.ask('token_endpoint', client, { grant_type: DEVICE_GRANT, device_code, ...parameters }, options);
  }

  refresh(client, { refresh_token }) {
    return this.ask('token_endpoint', client, { grant_type: 'refresh_token', refresh_token });
  }

  /** Goes through the whole grant, and returns the tokens; fails the test if the server refuses. */
  async signIn(client, parameters, options) {
    const codes = await this.start(client, parameters, options);
    await this.alice.approve(codes.user_code);
    const tokens = await this.redeem(client, codes, {}, options);
    assert.equal(tokens.status, 200, JSON.stringify(tokens));
    return tokens;
  }

  introspect(client, token) {
    return this.ask('introspection_endpoint', client, { token });
  }

  revoke(client, token) {
    return this.ask('revocation_endpoint', client, { token });
  }
}
