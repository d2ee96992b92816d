// Unmodified client libraries against our server: they sign in, wait, slow down, refresh, introspect and revoke.

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import * as oauth from 'oauth4webapi';
import * as openid from 'openid-client';
import { interval, until } from './support/bounded.mjs';
import { clients, root } from './support/config.mjs';
import { ALL_SCOPES, Device } from './support/device.mjs';
import { startWorkerd, within } from './support/harness.mjs';
import { Person } from './support/person.mjs';
import { endDiscreetly } from './support/secrets.mjs';
import { startTap } from './support/tap.mjs';

const INTERVAL = 2;

let server;
before(async () => {
  server = await startWorkerd({ vars: { POLL_INTERVAL_SECONDS: String(INTERVAL) } });
});
after(() => endDiscreetly(server));

describe('a stock client waits, slows down when told to, and gets, refreshes, introspects and revokes its tokens', { concurrency: true }, () => {
  for (const client of Object.values(clients)) {
    test(`openid-client, as ${client.client_id}`, (t) => signIn(t, client, withOpenidClient));
    test(`oauth4webapi, as ${client.client_id}`, (t) => signIn(t, client, withOauth4webapi));
    test(`the oauth2 crate, as ${client.client_id}`, async (t) => {
      await compiledExamples();
      await signIn(t, client, withOauth2Crate);
    });
    test(`the oauth2 crate, as ${client.client_id}, until it revokes its tokens`, async (t) => {
      await compiledExamples();
      const tap = await startTap(server);
      t.after(() => tap.stop());
      const screen = await run('tokens', tap.origin, client, (code) => new Person(server).approve(code));
      const introspected = client.client_secret ? ['The access token is active.', 'The access token is not active.'] : [];
      const [before, after] = introspected;
      const expected = ['Signed in.', 'Refreshed.', before, 'Revoked.', after, 'The refresh token is refused: invalid_grant'];
      assert.deepEqual(screen.split('\n').map((line) => line.trim()).slice(-expected.filter(Boolean).length - 1, -1), expected.filter(Boolean));
    });
  }
});

describe('a client that sends every poll by HTTP Basic and, after an error, at once in the form, as Go’s x/oauth2 does', { concurrency: true }, () => {
  for (const client of [clients.tv, clients.printer]) {
    test(`never gets slow_down, and its tokens in the round after the approval, as ${client.client_id}`, async () => {
      const device = await Device.start(server, { client });
      const byHeader = new Device(server, { client: { client_secret: '', ...client }, by: 'basic' });
      const round = async () => {
        await interval(INTERVAL);
        const first = await byHeader.poll(device.codes.device_code);
        return first.status === 200 ? [200] : [first.error, (await device.poll()).error];
      };

      assert.deepEqual(await round(), ['authorization_pending', 'authorization_pending']);
      assert.deepEqual(await round(), ['authorization_pending', 'authorization_pending']);
      await new Person(server).approve(device.userCode);
      assert.deepEqual(await round(), [200]);
    });
  }
});

/**
 * Lets a client play its part, and makes it poll too soon: after its first poll, somebody else polls with its code, so
 * that its second poll is early and gets `slow_down`. From then on it must wait seven seconds between polls.
 */
async function signIn(t, client, play) {
  const tap = await startTap(server);
  t.after(() => tap.stop());
  const device = play(tap.origin, client);
  await Promise.race([device, meetSlowDown(tap, client)]);

  await device;

  const [pending, slowDown, ...later] = tap.polls();
  assert.deepEqual([pending.error, slowDown.error, slowDown.interval], ['authorization_pending', 'slow_down', INTERVAL + 5]);
  assert.equal(later.at(-1).status, 200);
  const waits = later.map(({ came }, index) => came - [slowDown, ...later][index].came);
  assert.ok(waits.every((wait) => wait >= (INTERVAL + 5) * 1000 - 50), `it waited ${waits} ms`);
}

async function meetSlowDown(tap, client) {
  const codes = await tap.codes();
  await tap.polled(1);
  await interval(INTERVAL - 0.7);
  // Polls with and without `Authorization` have a clock each.
  const [{ byHeader }] = tap.polls();
  const other = new Device(server, { client, ...(byHeader && { by: 'basic' }) });
  assert.equal((await other.poll(codes.device_code)).error, 'authorization_pending');
  await tap.polled(2);
  await new Person(server).approve(codes.user_code);
}

async function withOpenidClient(issuer, { client_id, client_secret }) {
  const execute = [openid.allowInsecureRequests, openid.enableNonRepudiationChecks];
  const config = await openid.discovery(new URL(issuer), client_id, client_secret, undefined, { execute });

  const codes = await openid.initiateDeviceAuthorization(config, { scope: ALL_SCOPES });
  const tokens = await openid.pollDeviceAuthorizationGrant(config, codes);

  assert.deepEqual([tokens.claims().iss, tokens.claims().email], [issuer, 'alice@example.com']);
  const next = await openid.refreshTokenGrant(config, tokens.refresh_token);
  assert.notEqual(next.refresh_token, tokens.refresh_token);
  assert.equal(next.claims().sub, tokens.claims().sub);
  // Introspection is for clients that can prove who they are (RFC 7662 §2.1).
  const isActive = async () => (await openid.tokenIntrospection(config, next.access_token)).active;
  if (client_secret) assert.equal(await isActive(), true);
  await openid.tokenRevocation(config, next.refresh_token);
  if (client_secret) assert.equal(await isActive(), false);
  await assert.rejects(openid.refreshTokenGrant(config, next.refresh_token), { error: 'invalid_grant' });
}

async function withOauth4webapi(issuer, { client_id, client_secret }) {
  const insecure = { [oauth.allowInsecureRequests]: true };
  const client = { client_id };
  const authentication = client_secret ? oauth.ClientSecretBasic(client_secret) : oauth.None();
  const found = await oauth.discoveryRequest(new URL(issuer), insecure);
  const as = await oauth.processDiscoveryResponse(new URL(issuer), found);

  const started = await oauth.deviceAuthorizationRequest(as, client, authentication, { scope: ALL_SCOPES }, insecure);
  const codes = await oauth.processDeviceAuthorizationResponse(as, client, started);
  const tokens = await poll(codes.interval);

  assert.equal(oauth.getValidatedIdTokenClaims(tokens).email, 'alice@example.com');
  const refreshed = await oauth.refreshTokenGrantRequest(as, client, authentication, tokens.refresh_token, insecure);
  const next = await oauth.processRefreshTokenResponse(as, client, refreshed);
  assert.notEqual(next.refresh_token, tokens.refresh_token);
  if (client_secret) assert.equal(await isActive(), true);
  const revoked = await oauth.revocationRequest(as, client, authentication, next.refresh_token, insecure);
  await oauth.processRevocationResponse(revoked);
  if (client_secret) assert.equal(await isActive(), false);
  const spent = await oauth.refreshTokenGrantRequest(as, client, authentication, next.refresh_token, insecure);
  await assert.rejects(oauth.processRefreshTokenResponse(as, client, spent), { error: 'invalid_grant' });

  async function isActive() {
    const response = await oauth.introspectionRequest(as, client, authentication, next.access_token, insecure);
    return (await oauth.processIntrospectionResponse(as, client, response)).active;
  }

  // As in the library's own example.
  async function poll(seconds) {
    for (;;) {
      await interval(seconds);
      const response = await oauth.deviceCodeGrantRequest(as, client, authentication, codes.device_code, insecure);
      try {
        const tokens = await oauth.processDeviceCodeResponse(as, client, response);
        await oauth.validateApplicationLevelSignature(as, response, insecure);
        return tokens;
      } catch (error) {
        if (error.error === 'slow_down') seconds += 5;
        else if (error.error !== 'authorization_pending') throw error;
      }
    }
  }
}

/** Compiles the examples once for all tests; after `cargo test` nothing is left to compile. */
let compiling;
function compiledExamples() {
  return (compiling ??= promisify(execFile)('cargo', ['build', '--quiet', '--example', 'device', '--example', 'tokens'], { cwd: root }));
}

/** Plays `examples/device/main.rs`, which `make device` runs: it signs in and refreshes. */
async function withOauth2Crate(issuer, client) {
  const screen = await run('device', issuer, client);
  assert.match(screen, /Signed in\..*"email": "alice@example\.com".*a new access token and a new refresh token/s);
}

/** Runs an example to its end, and returns its output. Calls `shown` with the user code. */
async function run(example, issuer, { client_id, client_secret }, shown = () => {}) {
  const env = { ...process.env, ISSUER: issuer, CLIENT_ID: client_id, ...(client_secret && { CLIENT_SECRET: client_secret }) };
  const child = spawn('cargo', ['run', '--quiet', '--example', example], { cwd: root, env });
  let screen = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (screen += text));
  const ended = once(child, 'close');
  try {
    const code = /^ +([B-DF-HJ-NP-TV-XZ]{4}-[B-DF-HJ-NP-TV-XZ]{4})$/m;
    await until(() => code.test(screen), 20_000, 'no code was shown');
    await shown(screen.match(code)[1]);
    const [status] = await within(40_000, ended, `${example} did not end`);
    assert.equal(status, 0, screen);
  } finally {
    child.kill('SIGKILL');
  }
  return screen;
}
