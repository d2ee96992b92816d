// The trials for `/userinfo`'s metadata, as in trials.mjs.

import assert from 'node:assert/strict';
import { certificateBound, known, proofBy, scope } from './trials.mjs';

const BEARERS = {
  header: (place, client, token) => place.userinfo(client, token),
  body: (place, client, token) =>
    place.userinfo(client, token, { headers: {}, method: 'POST', body: new URLSearchParams({ access_token: token }) }),
  query: (place, client, token) => place.userinfo(client, token, { headers: {}, query: `?access_token=${token}` }),
};

export async function bearer(entry, place) {
  const client = await place.register();
  return known(BEARERS, entry)(place, client, (await place.signIn(client)).access_token);
}

/** The trials for protected resource metadata (RFC 9728 §2). */
export const PROTECTED_RESOURCE = {
  async resource(url, place) {
    assert.equal(url, place.document.userinfo_endpoint);
    const challenge = (await fetch(url)).headers.get('www-authenticate');
    const [, metadata] = challenge.match(/resource_metadata="([^"]+)"/);
    assert.equal((await (await fetch(metadata)).json()).resource, url);
  },
  async authorization_servers(issuer, place) {
    assert.equal((await (await fetch(`${issuer}/.well-known/openid-configuration`)).json()).issuer, issuer);
    const client = await place.register();
    assert.equal((await place.userinfo(client, (await place.signIn(client)).access_token)).status, 200);
  },
  scopes_supported: scope,
  async bearer_methods_supported(entry, place) {
    assert.equal((await bearer(entry, place)).status, 200);
  },
  resource_name: (name) => assert.match(name, /^\S.*$/),
  tls_client_certificate_bound_access_tokens: certificateBound,
  dpop_signing_alg_values_supported: proofBy,
  async dpop_bound_access_tokens_required(entry, place) {
    assert.equal((await bearer('header', place)).status, entry ? 401 : 200);
  },
};
