// A DPoP key (RFC 9449), and requests with proofs.
//
//     const key = await Key.generate();
//     await key.poll(server, device_code);                   // { status: 400, error: 'authorization_pending', … }

import { createHash, randomUUID } from 'node:crypto';
import * as jose from 'jose';
import { clients } from './config.mjs';
import { DEVICE_GRANT } from './device.mjs';
import { keepSecret, keepUserCode } from './secrets.mjs';

export class Key {
  static async generate(alg = 'ES256') {
    const { privateKey, publicKey } = await jose.generateKeyPair(alg, { extractable: true });
    const jwk = await jose.exportJWK(publicKey);
    return Object.assign(new Key(), { alg, privateKey, jwk, jkt: await jose.calculateJwkThumbprint(jwk) });
  }

  /** Returns a proof for a request. `claims` and `header` add to the contents or override them. */
  proof(htu, { htm = 'POST', token, nonce, claims = {}, header = {} } = {}) {
    const ath = token && createHash('sha256').update(token).digest('base64url');
    const payload = { jti: randomUUID(), htm, htu, iat: Math.floor(Date.now() / 1000), nonce, ath, ...claims };
    const protectedHeader = { typ: 'dpop+jwt', alg: this.alg, jwk: this.jwk, ...header };
    return new jose.SignJWT(payload).setProtectedHeader(protectedHeader).sign(this.privateKey);
  }

  /** Sends one token request with a proof, by default from `demo-tv`. */
  async poll(server, device_code, { client = clients.tv, ...parts } = {}) {
    const form = { grant_type: DEVICE_GRANT, device_code, ...client };
    return post(server, '/token', form, await this.proof(`${server.origin}/token`, parts));
  }

  async refresh(server, refresh_token, { client = clients.tv, ...parts } = {}) {
    const form = { grant_type: 'refresh_token', refresh_token, ...client };
    return post(server, '/token', form, await this.proof(`${server.origin}/token`, parts));
  }
}

/** Posts a form, with a proof if given. Returns the answer's members, `status` and `nonce`. */
export async function post(server, path, form, dpop) {
  const headers = dpop === undefined ? {} : { dpop };
  const response = await fetch(server.origin + path, { method: 'POST', body: new URLSearchParams(form), headers });
  const answer = { status: response.status, nonce: response.headers.get('dpop-nonce'), ...(await response.json()) };
  for (const name of ['device_code', 'access_token', 'id_token', 'refresh_token']) keepSecret(name, answer[name]);
  keepUserCode(answer.user_code);
  return answer;
}

/** Requests `/userinfo` with a token under an authorization scheme. */
export async function userinfo(server, scheme, token, dpop) {
  const headers = { authorization: `${scheme} ${token}`, ...(dpop && { dpop }) };
  const response = await fetch(`${server.origin}/userinfo`, { headers });
  return { status: response.status, challenge: response.headers.get('www-authenticate'), ...(await response.json()) };
}
