// Client libraries as their authors publish them sign in, wait, are slowed down and refresh, against our own server.

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import * as oauth from 'oauth4webapi';
import * as openid from 'openid-client';
import { interval, until } from './bounded.mjs';
import { clients, root } from './config.mjs';
import { ALL_SCOPES, Device } from './device.mjs';
import { startWorkerd, within } from './harness.mjs';
import { Person } from './person.mjs';
import { endDiscreetly } from './secrets.mjs';
import { startTap } from './tap.mjs';

const INTERVAL = 2;

let server;
before(async () => {
  server = await startWorkerd({ vars: { POLL_INTERVAL_SECONDS: String(INTERVAL) } });
});
after(() => endDiscreetly(server));

describe('a stock client waits, is slowed down, obeys, gets its tokens and refreshes them', { concurrency: true }, () => {
  for (const client of Object.values(clients)) {
    test(`openid-client, as ${client.client_id}`, (t) => signIn(t, client, withOpenidClient));
    test(`oauth4webapi, as ${client.client_id}`, (t) => signIn(t, client, withOauth4webapi));
    test(`the oauth2 crate, as ${client.client_id}`, async (t) => {
      await compiledExample();
      await signIn(t, client, withOauth2Crate);
    });
  }
});

/**
 * The story around the client's own: after its first poll somebody else polls with its code, in time, so that its
 * second poll comes too soon. It must wait seven seconds then, and finds the approval.
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
  const other = new Device(server, { client });
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

  // As the library's own example has it.
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

/** Once for all tests; after `cargo test` there is nothing left to compile. */
let compiling;
function compiledExample() {
  return (compiling ??= promisify(execFile)('cargo', ['build', '--quiet', '--example', 'device'], { cwd: root }));
}

/** `examples/device/main.rs`, what `make device` runs. */
async function withOauth2Crate(issuer, { client_id, client_secret }) {
  const env = { ...process.env, ISSUER: issuer, CLIENT_ID: client_id, ...(client_secret && { CLIENT_SECRET: client_secret }) };
  const child = spawn('cargo', ['run', '--quiet', '--example', 'device'], { cwd: root, env });
  let screen = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (screen += text));
  const ended = once(child, 'close');
  try {
    await until(() => /^ +[B-DF-HJ-NP-TV-XZ]{4}-[B-DF-HJ-NP-TV-XZ]{4}$/m.test(screen), 20_000, 'no code was shown');
    const [code] = await within(40_000, ended, 'the device did not end');
    assert.equal(code, 0, screen);
  } finally {
    child.kill('SIGKILL');
  }
  assert.match(screen, /Signed in\..*"email": "alice@example\.com".*a new refresh token came with it/s);
}
