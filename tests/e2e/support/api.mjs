// The example of a protected API in workerd, next to a server or to an issuer that the test plays itself.
//
//     const api = await startApiOf(server);
//     const tv = await Device.start(server, { resource: api.origin }); …
//     await api.get('/hello', access_token);          // { status: 200, hello: 'acct-…', client: 'demo-tv' }

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { allowResource } from '../../../scripts/resource.mjs';
import { builds, clients } from './config.mjs';
import { startWorkerd } from './harness.mjs';
import { disclosures, keepSecret } from './secrets.mjs';

/** Starts the API next to a server, and lets `demo-tv` get tokens for it, as `make dev API=1` does. */
export async function startApiOf(server, { vars } = {}) {
  const api = await startApi({ issuer: server.origin, vars });
  assert.equal(await allowResource(server.origin, api.origin, [clients.tv.client_id]), undefined);
  return api;
}

/** Starts the API, with `vars` as further settings. It answers at `origin`, which is also its identifier. */
export async function startApi({ issuer, vars = {} }) {
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  const worker = await startWorkerd({
    build: builds.api,
    vars: { ENVIRONMENT: undefined, MASTER_KEY: undefined, ISSUER: issuer, RESOURCE: origin, ...vars },
    objects: [],
    port,
  });
  const send = async (path, headers) => {
    const response = await fetch(origin + path, { headers });
    const challenge = response.headers.get('www-authenticate') ?? '';
    return { status: response.status, challenge, headers: response.headers, ...(await response.json()) };
  };
  return {
    origin,
    send,
    get: (path, token) => send(path, { authorization: `Bearer ${token}` }),
    /** Stops the API. Its log must have only decisions and no secret. `besides` are patterns of other allowed lines. */
    async end({ besides = [] } = {}) {
      await worker.stop();
      assert.deepEqual(disclosures(worker.logs()), [], 'the log discloses nothing');
      const lines = worker.logs().split('\n').filter((line) => line && !besides.some((pattern) => pattern.test(line)));
      for (const line of lines) assert.deepEqual(Object.keys(JSON.parse(line)).toSorted(), ['outcome', 'route', 'status']);
    },
  };
}

/**
 * Starts an issuer that signs any token a test wants. The `kid` of each key is its algorithm. `routes` adds routes by
 * path: functions from a request's headers and form to `{ status, headers, body }`.
 */
export async function startIssuer(algorithms, routes = {}) {
  const pairs = new Map();
  for (const alg of algorithms) pairs.set(alg, await generateKeyPair(alg));
  const keys = [];
  for (const [alg, { publicKey }] of pairs) keys.push({ ...(await exportJWK(publicKey)), kid: alg, alg, use: 'sig' });
  const metadata = () => ({
    issuer: origin,
    jwks_uri: `${origin}/keys`,
    device_authorization_endpoint: `${origin}/device_authorization`,
    token_endpoint: `${origin}/token`,
  });
  const documents = {
    '/.well-known/oauth-authorization-server': () => ({ body: metadata() }),
    '/.well-known/openid-configuration': () => ({ body: metadata() }),
    '/keys': () => ({ body: { keys } }),
    ...routes,
  };
  const server = createServer(async (request, response) => {
    const { status = 200, headers = {}, body } = await documents[request.url](request.headers, new URLSearchParams(await text(request)));
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const origin = `http://127.0.0.1:${server.address().port}`;
  return {
    origin,
    keys,
    /** Returns an access token for `audience`. `claims` and `header` override its contents; `key` signs it. */
    async token(audience, { alg = 'ES256', claims = {}, header = {}, key = pairs.get(alg).privateKey } = {}) {
      const now = Math.floor(Date.now() / 1000);
      const good = { iss: origin, aud: audience, sub: 'acct-1', client_id: 'demo-tv', scope: 'openid profile', iat: now };
      const token = new SignJWT({ ...good, exp: now + 900, jti: crypto.randomUUID(), auth_time: now, ...claims });
      return keepSecret('an access token', await token.setProtectedHeader({ alg, kid: alg, typ: 'at+jwt', ...header }).sign(key));
    },
    stop: () => new Promise((resolve) => server.close(resolve).closeAllConnections()),
  };
}

/** Returns a port of this machine that nothing listens on. */
export async function freePort() {
  const probe = createServer();
  await once(probe.listen(0, '127.0.0.1'), 'listening');
  const { port } = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return port;
}
