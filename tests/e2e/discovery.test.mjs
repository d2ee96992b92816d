// The metadata is true: everything that a document lists works, and everything else is refused.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { decodeJwt } from 'jose';
import { DEVICE_GRANT } from './support/device.mjs';
import { Key } from './support/dpop.mjs';
import { REGISTRATION, assertion, install } from './support/installation.mjs';
import { PROTECTED_RESOURCE, bearer } from './support/resource_trials.mjs';
import { AUTHORIZATION_SERVER, challenged, everyEntry, said } from './support/trials.mjs';

const OAUTH = '/.well-known/oauth-authorization-server';
const OPENID = '/.well-known/openid-configuration';
const RESOURCE = '/.well-known/oauth-protected-resource/userinfo';
const OF_CERTIFICATES = ['tls_client_auth', 'self_signed_tls_client_auth'];

/** Every registered algorithm for signatures or MACs (RFC 7518 §3.1, RFC 8037, RFC 8812, RFC 9864), and `none`. */
const ALGORITHMS = [
  'none', 'HS256', 'HS384', 'HS512', 'RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512',
  'ES256K', 'EdDSA', 'Ed25519', 'Ed448',
];
/** The algorithms that this test can make keys for. */
const OF_KEYS = ALGORITHMS.filter((alg) => !/^(none|HS|ES256K|Ed448)/.test(alg));

const configurations = {
  'with every option on': { certificates: true, vars: REGISTRATION },
  'with every option off': {},
};

for (const [configuration, options] of Object.entries(configurations)) {
  describe(configuration, () => {
    let place;
    before(async () => {
      place = await install({ ...options, vars: { LIVE_CODES_PER_CLIENT_AND_NETWORK: '1000', ...options.vars } });
      // An operator's own scope is listed, and works like any other.
      await place.admin.ask('PUT', '/scopes/fly', { body: { description: 'Fly your drone' } });
      await place.read(OPENID);
    });
    after(() => place.stop());

    test('both documents of the authorization server are equal', async () => {
      assert.deepEqual(await place.read(OAUTH), await place.read(OPENID));
    });

    test('m3: no array is empty except response_types_supported', async () => {
      for (const path of [OAUTH, OPENID, RESOURCE]) {
        const empty = Object.entries(await place.read(path)).filter(([, value]) => Array.isArray(value) && value.length === 0);
        assert.deepEqual(empty.map(([name]) => name), path === RESOURCE ? [] : ['response_types_supported']);
      }
    });

    // OAUTH also stands for OPENID, which is equal.
    for (const [path, trials] of [[OAUTH, AUTHORIZATION_SERVER], [RESOURCE, PROTECTED_RESOURCE]]) {
      test(`everything in ${path} works`, async (t) => {
        const entries = everyEntry(await place.read(path), trials);
        assert.ok(entries.length > 10);
        for (const { name, run } of entries) await t.test(name, () => run(place));
      });
    }

    test('ID token and userinfo have no unlisted claim', async () => {
      const { id_token, userinfo } = await said(place);
      const unlisted = Object.keys({ ...id_token, ...userinfo }).filter((name) => !place.document.claims_supported.includes(name));
      assert.deepEqual(unlisted, []);
    });

    test('nothing is signed with an unlisted algorithm', async () => {
      for (const [member, list] of [['id_token_signed_response_alg', 'id_token_signing_alg_values_supported'],
        ['access_token_signed_response_alg', 'id_token_signing_alg_values_supported'],
        ['userinfo_signed_response_alg', 'userinfo_signing_alg_values_supported']]) {
        const taken = [];
        for (const alg of ALGORITHMS) {
          const body = { client_name: 'TV', grant_types: [DEVICE_GRANT], scope: 'openid', [member]: alg };
          const { status } = await place.admin.ask('POST', '/clients?dry_run=true', { body });
          assert.ok([200, 422].includes(status));
          if (status === 200) taken.push(alg);
        }
        assert.deepEqual(taken, ALGORITHMS.filter((alg) => place.document[list].includes(alg)), member);
      }
    });

    test('no proof with an unlisted algorithm is accepted', async () => {
      const client = await place.register();
      for (const alg of OF_KEYS) {
        const answer = await place.redeem(client, { device_code: 'none' }, {}, { key: await Key.generate(alg) });
        const listed = place.document.dpop_signing_alg_values_supported.includes(alg);
        assert.equal(answer.error, listed ? 'invalid_grant' : 'invalid_dpop_proof', alg);
      }
    });

    test('no client can authenticate by an unlisted method', async () => {
      const { token_endpoint_auth_methods_supported: listed } = place.document;
      assert.equal(listed.includes('client_secret_jwt'), false);
      const body = { client_name: 'TV', grant_types: [DEVICE_GRANT], scope: 'openid', token_endpoint_auth_method: 'client_secret_jwt' };
      assert.equal((await place.admin.ask('POST', '/clients', { body })).status, 422);
      const withMac = { ...(await place.register()), authenticate: assertion({ alg: 'HS256' }, randomBytes(32)) };
      assert.equal((await place.ask('token_endpoint', withMac, { grant_type: DEVICE_GRANT, device_code: 'x' })).error, 'invalid_client');
      const anyone = await place.register({ token_endpoint_auth_method: 'none' });
      const { access_token } = await place.signIn(anyone);
      assert.equal((await place.introspect(anyone, access_token)).error, 'invalid_client', 'the method none is not listed there');
      assert.deepEqual(place.document.introspection_endpoint_auth_methods_supported, listed.filter((name) => name !== 'none'));
      assert.deepEqual(place.document.revocation_endpoint_auth_methods_supported, listed);
    });

    test('no assertion with an unlisted algorithm is accepted', async () => {
      const taken = [];
      for (const alg of OF_KEYS) {
        const client = await place.register({ token_endpoint_auth_method: 'private_key_jwt' }, alg).catch(() => undefined);
        const answer = client && (await place.redeem(client, { device_code: 'none' }));
        if (answer?.error === 'invalid_grant') taken.push(alg);
      }
      for (const at of ['token', 'introspection', 'revocation']) {
        assert.deepEqual(taken, OF_KEYS.filter((alg) => place.document[`${at}_endpoint_auth_signing_alg_values_supported`].includes(alg)));
      }
    });

    test('certificates count only where they are listed', async () => {
      const { document } = place;
      const listed = document.token_endpoint_auth_methods_supported.filter((name) => OF_CERTIFICATES.includes(name));
      const on = options.certificates === true;
      assert.deepEqual(listed, on ? OF_CERTIFICATES : []);
      for (const name of ['mtls_endpoint_aliases', 'tls_client_certificate_bound_access_tokens']) assert.equal(name in document, on, name);
      assert.equal('tls_client_certificate_bound_access_tokens' in (await place.read(RESOURCE)), on);
      if (on) return;
      for (const token_endpoint_auth_method of OF_CERTIFICATES) {
        const client = await place.register({ token_endpoint_auth_method });
        place.front.certificate = client.certificate;
        const answer = await place.ask('token_endpoint', { ...client, certificate: undefined }, { grant_type: DEVICE_GRANT, device_code: 'x' });
        place.front.certificate = undefined;
        assert.equal(answer.error, 'invalid_client', token_endpoint_auth_method);
      }
    });

    test('no unlisted grant works', async () => {
      const client = await place.register();
      const all = [DEVICE_GRANT, 'refresh_token', 'authorization_code', 'password', 'client_credentials', 'implicit',
        'urn:ietf:params:oauth:grant-type:jwt-bearer', 'urn:ietf:params:oauth:grant-type:saml2-bearer',
        'urn:ietf:params:oauth:grant-type:token-exchange', 'urn:openid:params:grant-type:ciba'];
      const known = [];
      for (const grant_type of all) {
        const { error } = await place.ask('token_endpoint', client, { grant_type, code: 'x', device_code: 'x', refresh_token: 'x' });
        if (error !== 'unsupported_grant_type') known.push(grant_type);
      }
      assert.deepEqual(known, place.document.grant_types_supported);
    });

    test('no other challenge method, scope, acr or way to send a token works', async () => {
      assert.equal((await challenged('plain', place)).error, 'invalid_request');
      const { body: { scopes } } = await place.admin.ask('GET', '/scopes');
      assert.deepEqual(scopes.map(({ name }) => name), place.document.scopes_supported);
      const client = await place.register();
      assert.equal((await place.ask('device_authorization_endpoint', client, { scope: 'swim' })).error, 'invalid_scope');
      assert.equal((await place.signIn(client, { scope: 'openid swim' })).scope, 'openid');
      assert.equal((await place.admin.ask('POST', '/clients', { body: { client_name: 'TV', scope: 'swim' } })).status, 422);
      const { id_token } = await place.signIn(client, { acr_values: 'urn:example:unknown' });
      assert.equal(decodeJwt(id_token).acr, undefined);
      assert.equal((await bearer('query', place)).status, 401);
    });

    test('clients can register themselves only if a registration endpoint is listed', async () => {
      const on = options.vars !== undefined;
      assert.equal('registration_endpoint' in place.document, on);
      const { status } = await fetch(`${place.issuer}/register`, { method: 'POST' });
      assert.equal(status, on ? 401 : 404);
    });
  });
}

test('a production server without admin API, registration and certificates has the same metadata', async (t) => {
  const MASTER_KEY = randomBytes(32).toString('base64');
  const [bare, small] = [await install({ vars: { ENVIRONMENT: 'production', MASTER_KEY } }), await install()];
  t.after(() => Promise.all([bare.stop(), small.stop()]));
  const [host, own] = [small, bare].map(({ issuer }) => new URL(issuer).host);
  for (const path of [OAUTH, OPENID, RESOURCE]) {
    const theirs = JSON.parse(JSON.stringify(await small.read(path)).replaceAll(host, own));
    assert.deepEqual(await bare.read(path), theirs, path);
  }
  for (const [name, url] of Object.entries(bare.document).filter(([name]) => name.endsWith('_endpoint'))) {
    const { status } = await fetch(url, { method: 'POST' });
    assert.ok([400, 401].includes(status), `${name} answers ${status}`);
  }
  for (const path of ['/admin/api/clients', '/register']) assert.equal((await fetch(bare.issuer + path)).status, 404);
});
