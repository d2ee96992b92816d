// Programs of other companies that have their own addresses or spellings built in. They insist on https.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { DeviceCodeCredential } from '@azure/identity';
import { PublicClientApplication } from '@azure/msal-node';
import { parse } from 'smol-toml';
import { clients, root } from './support/config.mjs';
import { Device } from './support/device.mjs';
import { temporaryDirectory } from './support/harness.mjs';
import { Person } from './support/person.mjs';
import { play, userinfo } from './support/program.mjs';
import { endDiscreetly, keepSecret, keepUserCode } from './support/secrets.mjs';
import { startSecure, trusting } from './support/tls.mjs';

const { client_id } = clients.tv;
const vars = { POLL_INTERVAL_SECONDS: '1' };

let plain, tenant;
before(async () => {
  plain = await startSecure({ vars });
  tenant = await startSecure({ path: '/tenant/v2.0', vars });
});
after(() => Promise.all([plain, tenant].map((server) => endDiscreetly(server))));

describe('msal-node signs in, and refreshes', { concurrency: true }, () => {
  test('as of Entra ID, where the issuer ends in /TENANT/v2.0', () => withMsal(tenant, { authority: tenant.origin.replace('/v2.0', '') }));
  test('as of any OpenID provider', () => withMsal(plain, { authority: plain.origin, protocolMode: 'OIDC' }));
});

test('@azure/identity signs in', async () => {
  const { origin } = new URL(tenant.origin);
  const credential = new DeviceCodeCredential({
    clientId: client_id,
    tenantId: 'tenant',
    authorityHost: origin,
    disableInstanceDiscovery: true,
    userPromptCallback: ({ userCode }) => void new Person(tenant).approve(keepUserCode(userCode)),
  });

  const { token } = await credential.getToken('email');

  keepSecret('an access token', token);
  assert.equal((await userinfo(tenant, token)).email, 'alice@example.com');
});

test('wrangler login --device signs in, and wrangler logout revokes', async (t) => {
  const home = temporaryDirectory();
  t.after(() => home.remove());
  const [node, ...wrangler] = [process.execPath, '--no-warnings', join(root, 'node_modules/wrangler/wrangler-dist/cli.js')];
  const env = { HOME: home.path, XDG_CONFIG_HOME: home.path, WRANGLER_CLIENT_ID: client_id, WRANGLER_AUTH_DOMAIN: new URL(plain.origin).host };

  const screen = await play(plain, [node, ...wrangler, 'login', '--device', '--browser=false'], { env });

  assert.match(screen, /Successfully logged in/);
  const kept = parse(readFileSync(join(home.path, '.wrangler/config/default.toml'), 'utf8'));
  for (const name of ['oauth_token', 'refresh_token']) keepSecret(name, kept[name]);
  assert.deepEqual(kept.scopes, ['offline_access']);
  await promisify(execFile)(node, [...wrangler, 'logout'], { env: { ...process.env, ...trusting, ...env } });
  assert.equal((await new Device(plain).refresh(kept.refresh_token)).error, 'invalid_grant');
});

async function withMsal(server, { authority, protocolMode }) {
  const { host } = new URL(server.origin);
  const app = new PublicClientApplication({ auth: { clientId: client_id, authority, knownAuthorities: [host] }, system: { protocolMode } });
  const approve = ({ userCode }) => void new Person(server).approve(keepUserCode(userCode));

  const first = await app.acquireTokenByDeviceCode({ scopes: ['email'], deviceCodeCallback: approve });
  const next = await app.acquireTokenSilent({ scopes: ['email'], account: first.account, forceRefresh: true });

  for (const { accessToken } of [first, next]) keepSecret('an access token', accessToken);
  assert.notEqual(next.accessToken, first.accessToken);
  assert.equal((await userinfo(server, next.accessToken)).email, 'alice@example.com');
}
