// Tokens that a stock client sends back to the server: introspection, userinfo, revocation.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import * as openid from 'openid-client';
import { clients } from './support/config.mjs';
import { Device } from './support/device.mjs';
import { startWorkerd } from './support/harness.mjs';
import { Person } from './support/person.mjs';
import { endDiscreetly } from './support/secrets.mjs';

let server, config;
before(async () => {
  server = await startWorkerd();
  const { client_id, client_secret } = clients.printer;
  const execute = [openid.allowInsecureRequests];
  config = await openid.discovery(new URL(server.origin), client_id, client_secret, undefined, { execute });
});
after(() => endDiscreetly(server));

async function signedIn() {
  const device = await Device.start(server, { client: clients.printer });
  await new Person(server).approve(device.codes.user_code);
  return device.poll();
}

test('openid-client introspects access and refresh tokens', async () => {
  const tokens = await signedIn();

  const access = await openid.tokenIntrospection(config, tokens.access_token);
  assert.deepEqual([access.active, access.client_id, access.username, access.iss], [true, 'demo-printer', 'alice', server.origin]);
  assert.equal((await openid.tokenIntrospection(config, tokens.refresh_token)).active, true);
  assert.deepEqual(await openid.tokenIntrospection(config, `${tokens.access_token.slice(0, -4)}AAAA`), { active: false });
  assert.deepEqual(await openid.tokenIntrospection(config, tokens.id_token), { active: false });
});

test('openid-client reads userinfo with the access token', async () => {
  const tokens = await signedIn();
  const { sub } = await openid.tokenIntrospection(config, tokens.access_token);

  const person = await openid.fetchUserInfo(config, tokens.access_token, sub);

  assert.deepEqual([person.name, person.email, person.email_verified], ['Alice Liddell', 'alice@example.com', true]);
});

test('openid-client revokes the refresh token, which ends the access token at once', async () => {
  const tokens = await signedIn();
  const { sub } = await openid.tokenIntrospection(config, tokens.access_token);

  await openid.tokenRevocation(config, tokens.refresh_token);

  assert.deepEqual(await openid.tokenIntrospection(config, tokens.access_token), { active: false });
  await assert.rejects(openid.fetchUserInfo(config, tokens.access_token, sub));
  await assert.rejects(openid.refreshTokenGrant(config, tokens.refresh_token), { error: 'invalid_grant' });
});

test('after a simultaneous refresh and revocation no token works', async () => {
  const tokens = await signedIn();

  const [refreshed] = await Promise.allSettled([
    openid.refreshTokenGrant(config, tokens.refresh_token),
    openid.tokenRevocation(config, tokens.refresh_token),
  ]);

  const latest = refreshed.value ?? tokens;
  assert.deepEqual(await openid.tokenIntrospection(config, latest.access_token), { active: false });
  await assert.rejects(openid.refreshTokenGrant(config, latest.refresh_token), { error: 'invalid_grant' });
});
