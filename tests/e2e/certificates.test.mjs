// Stock clients with certificates at the mTLS host, reported in the way the platform reports them (RFC 8705).

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, test } from 'node:test';
import { decodeJwt } from 'jose';
import * as oauth from 'oauth4webapi';
import * as openid from 'openid-client';
import { ALL_SCOPES, Device } from './support/device.mjs';
import { openEdge, openssl, shown } from './support/edge.mjs';
import { startWorkerd } from './support/harness.mjs';
import { Person } from './support/person.mjs';
import { changeClients } from './support/registry.mjs';
import { decisions, endDiscreetly, keepSecret } from './support/secrets.mjs';

const SUBJECT = 'CN=printer,O=Example';
const SELF_SIGNED = shown({ subject: 'CN=tv', der: 'the certificate of a tv', verified: 'FAILED:self signed certificate' });
const thumbprint = (der) => createHash('sha256').update(der).digest('base64url');
const INSECURE = { [oauth.allowInsecureRequests]: true };

let front, mtls, server;
before(async () => {
  // Two addresses of one server. Clients present certificates at the second.
  [front, mtls] = [await openEdge(), await openEdge('localhost')];
  server = await startWorkerd({ vars: { ISSUER: front.origin, MTLS_ORIGIN: mtls.origin } });
  front.to(server);
  mtls.to(server);
  const x5c = [Buffer.from('the certificate of a tv').toString('base64')];
  const changes = {
    'demo-printer': { authentication: { method: 'tls_client_auth', subject_dn: 'cn=printer, O=Example' } },
    'demo-tv': { authentication: { method: 'self_signed_tls_client_auth' }, jwks: { keys: [{ kty: 'EC', x5c }] } },
  };
  await changeClients(server, changes, front.origin);
});
after(async () => {
  await Promise.all([front.close(), mtls.close()]);
  await endDiscreetly(server);
});

async function signIn(client_id) {
  const config = await configured(client_id);
  const codes = await openid.initiateDeviceAuthorization(config, { scope: ALL_SCOPES });
  await new Person(front).approve(codes.user_code);
  const tokens = await openid.pollDeviceAuthorizationGrant(config, { ...codes, interval: 1 });
  for (const name of ['access_token', 'refresh_token', 'id_token']) keepSecret(name, tokens[name]);
  return { config, tokens };
}

async function configured(client_id) {
  const execute = [openid.allowInsecureRequests];
  const metadata = { use_mtls_endpoint_aliases: true };
  return openid.discovery(new URL(front.origin), client_id, metadata, openid.TlsClientAuth(), { execute });
}

test('s5: openid-client signs in by the subject of a verified certificate, and its tokens are bound to it', async () => {
  mtls.certificate = shown({ subject: SUBJECT, der: 'one' });
  const { config, tokens } = await signIn('demo-printer');

  const { iss, sub, cnf } = decodeJwt(tokens.access_token);
  assert.deepEqual([iss, cnf], [front.origin, { 'x5t#S256': thumbprint('one') }]);
  assert.deepEqual((await openid.tokenIntrospection(config, tokens.access_token)).cnf, cnf);
  assert.equal((await openid.fetchUserInfo(config, tokens.access_token, sub)).sub, sub);

  mtls.certificate = shown({ subject: SUBJECT, der: 'two' });
  await assert.rejects(openid.fetchUserInfo(config, tokens.access_token, sub));
  const next = await openid.refreshTokenGrant(config, tokens.refresh_token);
  for (const name of ['access_token', 'refresh_token', 'id_token']) keepSecret(name, next[name]);
  assert.deepEqual(decodeJwt(next.access_token).cnf, { 'x5t#S256': thumbprint('two') }, 'a renewed certificate');
  await openid.tokenRevocation(config, next.refresh_token);
  assert.equal((await openid.tokenIntrospection(config, next.access_token)).active, false);
});

test('s5: oauth4webapi signs in with a self-signed certificate', async () => {
  mtls.certificate = SELF_SIGNED;
  const client = { client_id: 'demo-tv', use_mtls_endpoint_aliases: true };
  const found = await oauth.discoveryRequest(new URL(front.origin), INSECURE);
  const as = await oauth.processDiscoveryResponse(new URL(front.origin), found);
  const by = oauth.TlsClientAuth();

  const started = await oauth.deviceAuthorizationRequest(as, client, by, { scope: 'openid' }, INSECURE);
  const codes = await oauth.processDeviceAuthorizationResponse(as, client, started);
  await new Person(front).approve(codes.user_code);
  const response = await oauth.deviceCodeGrantRequest(as, client, by, codes.device_code, INSECURE);
  const tokens = await oauth.processDeviceCodeResponse(as, client, response);
  for (const name of ['access_token', 'id_token']) keepSecret(name, tokens[name]);

  assert.deepEqual(decodeJwt(tokens.access_token).cnf, { 'x5t#S256': thumbprint('the certificate of a tv') });
});

test('an unverified, revoked, wrong or missing certificate proves nothing', async () => {
  const start = (client) => new Device(mtls, { client: { client_id: client } }).start();
  for (const [client, certificate, reason] of [
    ['demo-printer', shown({ subject: SUBJECT, verified: 'FAILED:unable to verify the first certificate' }), 'wrong_certificate'],
    ['demo-printer', shown({ subject: SUBJECT, certRevoked: '1' }), 'no_proof'],
    ['demo-printer', shown({ subject: 'CN=printer' }), 'wrong_certificate'],
    ['demo-printer', undefined, 'no_proof'],
    ['demo-printer', { certPresented: '0', certVerified: 'NONE' }, 'no_proof'],
    ['demo-printer', {}, 'no_proof'],
    ['demo-tv', shown({ subject: 'CN=tv', der: 'another' }), 'wrong_certificate'],
    ['demo-tv', { ...SELF_SIGNED, certNotAfter: openssl(Date.now() - 1_000) }, 'no_proof'],
    ['demo-tv', { ...SELF_SIGNED, certFingerprintSHA256: '' }, 'no_proof'],
  ]) {
    mtls.certificate = certificate;
    const answer = await start(client);
    assert.deepEqual([answer.status, answer.error], [401, 'invalid_client']);
    assert.equal(decisions(server).at(-1).reason, reason);
  }
});

test('a certificate counts only at the mTLS host, which has no endpoints but the aliased ones', async (t) => {
  front.certificate = shown({ subject: SUBJECT });
  t.after(() => (front.certificate = undefined));

  const answer = await new Device(front, { client: { client_id: 'demo-printer' } }).start();

  assert.deepEqual([answer.status, answer.error], [401, 'invalid_client']);
  for (const path of ['/device', '/jwks.json', '/healthz', '/.well-known/openid-configuration']) {
    assert.equal((await fetch(mtls.origin + path)).status, 421, path);
  }
  assert.equal((await fetch(server.origin + '/token', { method: 'POST' })).status, 421, 'the server answers only for these two hosts');
});
