// Clients that nobody registered: a real web server has the documents that describe them. VS Code's order of attempts with
// such a document, and Hermes' with a registration.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { Admin } from './support/admin.mjs';
import { until } from './support/bounded.mjs';
import { Device, DEVICE_GRANT } from './support/device.mjs';
import { startWorkerd, temporaryDirectory } from './support/harness.mjs';
import { Person } from './support/person.mjs';
import { endDiscreetly, keepSecret, knowClient } from './support/secrets.mjs';

const MCP = 'https://mcp.example.com/mcp';
const VSCODE = 'https://vscode.dev/redirect';
const LATE = 60_000;
const vars = { TRUSTED_REDIRECTS: VSCODE, POLL_INTERVAL_SECONDS: '1', OPEN_REGISTRATION: 'true', OPEN_REGISTRATION_SCOPES: 'openid offline_access', REGISTRATION_AUDIENCE: MCP };

let server, web, admin;
const directory = temporaryDirectory();
before(async () => {
  [server, web] = [await startWorkerd({ vars, dir: directory.path }), await serve()];
  admin = new Admin(server);
});
after(async () => {
  await web.close();
  await endDiscreetly(server);
  directory.remove();
});

/** Starts a web server. Its `answers` have a function for each path, and its `asked` counts the requests for each path. */
async function serve() {
  const site = { answers: {}, asked: {} };
  const http = createServer((request, response) => {
    site.asked[request.url] = (site.asked[request.url] ?? 0) + 1;
    const answer = site.answers[request.url];
    return answer ? answer(response, request) : response.writeHead(404).end();
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  const origin = `http://127.0.0.1:${http.address().port}`;
  const close = async () => {
    http.closeAllConnections();
    http.close();
    await once(http, 'close');
  };
  return Object.assign(site, { origin, host: origin.slice('http://'.length), close });
}

/** Returns the document that VS Code publishes, at a path of the web server. */
function vscode(path, changes = {}) {
  return {
    client_id: web.origin + path,
    client_name: 'Visual Studio Code',
    client_uri: 'https://vscode.dev/product',
    grant_types: ['authorization_code', 'refresh_token', DEVICE_GRANT],
    response_types: ['code'],
    redirect_uris: [VSCODE, 'https://insiders.vscode.dev/redirect', 'http://127.0.0.1/', 'http://127.0.0.1:33418/'],
    token_endpoint_auth_method: 'none',
    application_type: 'native',
    ...changes,
  };
}

function publish(path, document, headers = {}) {
  web.answers[path] = (response) => response.writeHead(200, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(document));
  return knowClient(web.origin + path);
}

const letIn = (entry, terms) => admin.ask('PUT', `/documents/${encodeURIComponent(entry)}`, { body: terms });
const start = (client_id, parameters = {}) => new Device(server, { client: { client_id } }).start({ scope: 'openid', ...parameters });

test('VS Code, which publishes its document, goes from the handler over its loopback server to the device code', async (t) => {
  const client_id = publish('/vscode.json', vscode('/vscode.json'), { 'cache-control': 'max-age=600' });
  const before = await (await fetch(`${server.origin}/.well-known/oauth-authorization-server`)).json();
  assert.equal(before.client_id_metadata_document_supported, undefined, 'off by default');
  const entered = await letIn(client_id, { scope: 'openid offline_access', audience: [MCP] });
  assert.equal(entered.status, 201, JSON.stringify(entered.body));
  const metadata = await (await fetch(`${server.origin}/.well-known/oauth-authorization-server`)).json();
  assert.equal(metadata.client_id_metadata_document_supported, true);
  const query = (redirect_uri, state) =>
    `${metadata.authorization_endpoint}?${new URLSearchParams({ client_id, response_type: 'code', redirect_uri, state, code_challenge: 'x', code_challenge_method: 'S256', scope: 'openid offline_access' })}`;

  // 1. The URL handler: vscode.dev hands `state` on to the editor, which ends the attempt for want of a code.
  const state = 'vscode://dynamicauthprovider/127.0.0.1/authorize?nonce=0a1b&windowId=1';
  const handler = await fetch(query(VSCODE, state), { redirect: 'manual' });
  const handed = new URL(handler.headers.get('location'));
  assert.deepEqual([handler.status, handed.origin + handed.pathname], [303, VSCODE]);
  assert.deepEqual([handed.searchParams.get('error'), handed.searchParams.get('state')], ['unauthorized_client', state]);

  // 2. The loopback server.
  const loopback = createServer((_, response) => response.end('Sign-in failed'));
  t.after(() => loopback.close());
  loopback.listen(0, '127.0.0.1');
  await once(loopback, 'listening');
  const attempt = once(loopback, 'request');
  const browser = fetch(query(`http://127.0.0.1:${loopback.address().port}/`, 'q+/7mWb0n3Y2kJ5v8xTzAg=='));
  const [{ url }] = await attempt;
  assert.equal(await (await browser).text(), 'Sign-in failed');
  assert.equal(new URL(url, 'http://127.0.0.1').searchParams.get('error'), 'unauthorized_client');

  // 3. The device code: a public client, in the form, without a resource; the person types the code.
  const device = await Device.start(server, { client: { client_id }, scope: 'openid offline_access' });
  assert.ok(device.codes.verification_uri_complete, 'which VS Code ignores');
  assert.equal((await device.poll()).error, 'authorization_pending');
  const alice = new Person(server);
  await alice.consider(device.userCode);
  assert.match(alice.page.text, new RegExp(`Visual Studio Code is the name that ${web.host} gives it`));
  await alice.decide('approve');
  await until(async () => (await device.poll()).status === 200, LATE, 'no tokens');
  assert.ok(JSON.parse(Buffer.from(device.tokens.access_token.split('.')[1], 'base64url')).aud.includes(MCP));
  assert.equal((await device.refresh()).status, 200);
  assert.equal(web.asked['/vscode.json'], 1, 'one fetch for all of it');

  // Another isolate, after a restart, uses what this one has fetched.
  await server.kill9();
  await server.restart();
  assert.equal((await device.refresh()).status, 200);
  assert.equal(web.asked['/vscode.json'], 1);

  // Its entry is disabled, as a client would be, and enabled again.
  const terms = { scope: 'openid offline_access', audience: [MCP] };
  await letIn(client_id, { ...terms, enabled: false });
  await until(async () => (await device.refresh()).error === 'invalid_grant', LATE, 'a refresh in spite of it');
  await letIn(client_id, terms);
  await until(async () => (await device.refresh()).status === 200, LATE, 'no refresh');
  assert.equal((await admin.ask('DELETE', `/documents/${encodeURIComponent(client_id)}`)).status, 204);
  assert.equal((await device.refresh()).error, 'invalid_client');
});

test('a document that is not served as the draft demands is refused with the reason', async () => {
  assert.equal((await letIn(web.host, { scope: 'openid' })).status, 201);
  const target = publish('/target.json', vscode('/target.json'));
  web.answers['/moved.json'] = (response) => response.writeHead(302, { location: target }).end();
  web.answers['/page.json'] = (response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<p>');
  web.answers['/created.json'] = (response) => response.writeHead(201, { 'content-type': 'application/json' }).end(JSON.stringify(vscode('/created.json')));
  publish('/large.json', vscode('/large.json', { filler: 'x'.repeat(5_120) }));
  publish('/other.json', vscode('/target.json'));
  publish('/secret.json', vscode('/secret.json', { token_endpoint_auth_method: 'client_secret_basic' }));
  publish('/browser.json', vscode('/browser.json', { grant_types: ['authorization_code'] }));
  const closed = {};
  closed.endless = new Promise((resolve) => {
    web.answers['/endless.json'] = (response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      const more = setInterval(() => response.write(' '.repeat(1_024)), 5);
      response.on('close', () => resolve(clearInterval(more)));
    };
  });

  for (const [path, why] of [
    ['/moved.json', 'the response has status 302, and redirects are not followed'],
    ['/page.json', "its Content-Type is 'text/html', which is not one of JSON"],
    ['/created.json', 'the response has status 201'],
    ['/gone.json', 'the response has status 404'],
    ['/large.json', 'it has more than 5120 bytes'],
    ['/endless.json', 'it has more than 5120 bytes'],
    ['/other.json', 'client_id must be the URL of the document, character for character'],
    ['/secret.json', 'token_endpoint_auth_method must be none or private_key_jwt: there is no secret to share'],
  ]) {
    const { status, error, error_description } = await start(knowClient(web.origin + path));
    assert.deepEqual([status, error, error_description], [401, 'invalid_client', `The client ID metadata document cannot be used: ${why}.`], path);
  }
  assert.match((await start(web.origin + '/browser.json')).error_description, /grant_types must include urn:ietf:params:oauth:grant-type:device_code/);
  await closed.endless;
  assert.equal(web.asked['/target.json'], undefined, 'no redirect is followed');

  const again = await start(web.origin + '/gone.json');
  assert.deepEqual([again.status, again.error, web.asked['/gone.json']], [429, 'temporarily_unavailable', 1], 'one fetch in ten seconds');
});

test('a document at an address that nobody let in is never asked for', async () => {
  const foreign = await serve();
  try {
    foreign.answers['/client.json'] = (response) => response.end();
    for (const [client_id, why] of [
      [`${foreign.origin}/client.json`, /no client ID metadata document is let in from there: ask the operator/],
      ['https://10.0.0.1/client.json', /has a host that is an IP address, or a name of a private network/],
      [`${web.origin}/client.json?x=1`, /it has a query/],
    ]) {
      const { status, error, error_description } = await start(knowClient(client_id));
      assert.deepEqual([status, error], [401, 'invalid_client']);
      assert.match(error_description, why);
    }
    assert.deepEqual(foreign.asked, {});
  } finally {
    await foreign.close();
  }
});

test('a client with keys in its document authenticates with them', async () => {
  const pair = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify']);
  const { kty, crv, x, y } = await crypto.subtle.exportKey('jwk', pair.publicKey);
  publish('/jwks.json', { keys: [{ kty, crv, x, y }] });
  const client_id = publish('/keys.json', vscode('/keys.json', { token_endpoint_auth_method: 'private_key_jwt', jwks_uri: `${web.origin}/jwks.json` }));
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const now = Math.floor(Date.now() / 1_000);
  const input = `${part({ alg: 'ES256' })}.${part({ iss: client_id, sub: client_id, aud: server.origin, exp: now + 60, jti: crypto.randomUUID() })}`;
  const signature = await crypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, pair.privateKey, Buffer.from(input));
  const client_assertion = keepSecret('an assertion', `${input}.${Buffer.from(signature).toString('base64url')}`);

  assert.equal((await start(client_id)).error, 'invalid_client', 'without a proof');
  const proven = await start(client_id, { client_assertion, client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer' });
  assert.equal(proven.status, 200, JSON.stringify(proven));
});

test('Hermes goes from the resource to the server, registers, and names the resource at both endpoints', async () => {
  // RFC 9728: the MCP server says who its authorization server is.
  web.answers['/.well-known/oauth-protected-resource'] = (response) => response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ resource: MCP, authorization_servers: [server.origin] }));
  const { resource, authorization_servers } = await (await fetch(`${web.origin}/.well-known/oauth-protected-resource`)).json();
  // RFC 8414.
  const metadata = await (await fetch(`${authorization_servers[0]}/.well-known/oauth-authorization-server`)).json();
  assert.ok(metadata.grant_types_supported.includes(DEVICE_GRANT) && metadata.device_authorization_endpoint);
  // RFC 7591.
  const registration = { client_name: 'Hermes Agent', redirect_uris: ['http://127.0.0.1:8420/callback'], grant_types: [DEVICE_GRANT, 'refresh_token'], response_types: [], token_endpoint_auth_method: 'none', application_type: 'native' };
  const registered = await fetch(metadata.registration_endpoint, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(registration) });
  assert.equal(registered.status, 201);
  const client = { client_id: knowClient((await registered.json()).client_id) };

  const device = await Device.start(server, { client, scope: 'openid offline_access', resource });
  await new Person(server).approve(device.userCode);
  const answer = await device.ask('/token', { grant_type: DEVICE_GRANT, device_code: device.codes.device_code, resource });
  for (const name of ['access_token', 'id_token', 'refresh_token']) keepSecret(name, answer[name]);
  assert.equal(answer.status, 200, JSON.stringify(answer));
  assert.equal(JSON.parse(Buffer.from(answer.access_token.split('.')[1], 'base64url')).aud, MCP);
});
