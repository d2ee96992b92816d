// The whole story of people, in production settings on raw workerd and through a browser: from the set-up link to the end of
// somebody's access, with the employees of two OpenID Providers, and without any provider.

import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { Admin } from './support/admin.mjs';
import { Key, openBrowser } from './support/browser.mjs';
import { Device } from './support/device.mjs';
import { CLIENT as GLEWLWYD_CLIENT, ERIN, glewlwyd, openGlewlwyd } from './support/glewlwyd.mjs';
import { CLIENT, serveProvider } from './support/oidc_provider.mjs';
import { ALLOW_ALL, applyText, firstRun, newPlace } from './support/production.mjs';
import { keepSecret, knowClient } from './support/secrets.mjs';

const SIGN_IN = 'Sign in to continue';
const INVITED = 'Set up your account';
const READY = 'Your account is ready';
const CONSENT = 'Let Living room TV use your account?';
/** A television that keeps a secret, so that it may introspect its tokens. */
const TV = `
[[clients]]
client_id = "tv"
client_name = "Living room TV"
grant_types = ["urn:ietf:params:oauth:grant-type:device_code", "refresh_token"]
scope = "openid profile email offline_access"
`;

knowClient('tv');
keepSecret('the client secret at oidc-provider', CLIENT.client_secret);
const missing = glewlwyd() ? false : 'glewlwyd is not installed: Debian has it';

describe('In production', { timeout: 300_000 }, () => {
  let browser;

  before(async () => {
    browser = await openBrowser();
  });

  after(() => browser?.close());

  /** Opens the link, and makes the administrator's passkey. */
  async function becomeAdministrator(link, token) {
    await browser.restart();
    await browser.plugAuthenticator();
    await browser.open(link);
    await browser.sees(INVITED);
    await browser.type('username', 'ada');
    await browser.type('name', 'Ada Administrator');
    await browser.press('Create a passkey');
    await browser.sees(READY);
    assert.equal((await browser.passkeys()).length, 1);
    await browser.unplugAuthenticator();
    await browser.open(link);
    await browser.sees('This link doesn’t work');
    const admin = new Admin({ origin: new URL(link).origin }, { token });
    const { body } = await admin.ask('GET', '/accounts/local:ada');
    assert.deepEqual(body.groups, ['local:administrators']);
    return admin;
  }

  /** Starts a device, and enters its code in a browser where nobody is signed in. */
  async function enterCode(place, client) {
    const device = await Device.start({ origin: place.issuer }, { client, by: 'basic' });
    await browser.restart();
    await browser.open(device.codes.verification_uri_complete);
    await browser.sees('Does your device show exactly this code?');
    await browser.press('Yes, continue');
    await browser.sees(SIGN_IN);
    return device;
  }

  /** Approves, gets tokens and refreshes them. */
  async function approve(device, name) {
    assert.match(await browser.sees(CONSENT), name);
    await browser.tick('confirm_device');
    await browser.press('Approve');
    await browser.sees('Approved');
    await device.redeem();
    assert.equal((await device.refresh()).status, 200);
    assert.equal(await isActive(device), true);
  }

  async function isActive(device) {
    return (await device.ask('/introspect', { token: device.tokens.access_token })).active;
  }

  async function hasEnded(device) {
    assert.equal((await device.refresh()).error, 'invalid_grant');
    assert.equal(await isActive(device), false);
  }

  test('employees of two providers sign in, and lose their access when SCIM says that they left', { skip: missing }, async (t) => {
    const place = await newPlace(t);
    const { link, token } = await firstRun(place);
    await becomeAdministrator(link, token);
    const callback = (id) => `${place.issuer}/callback/${id}`;
    const { server: node } = await serveProvider({ port: 0, callback: callback('node'), issuerOf: (port) => `http://localhost:${port}` });
    t.after(() => {
      node.closeAllConnections();
      node.close();
    });
    const odd = await openGlewlwyd({ callback: callback('odd') });
    t.after(() => odd.close());
    const scim = { node: newToken('node'), odd: newToken('odd') };
    const providers = [
      entry({ id: 'node', name: 'Node', issuer: `http://localhost:${node.address().port}`, client_id: CLIENT.client_id, scope: 'openid profile email' }, scim.node),
      entry({ id: 'odd', name: 'Odd', issuer: odd.issuer, client_id: GLEWLWYD_CLIENT.client_id, scope: 'openid' }, scim.odd),
    ];
    const applied = await applyText(place, TV + providers.join('') + ALLOW_ALL, {
      ADMIN_TOKEN: token, NODE_SECRET: CLIENT.client_secret, ODD_SECRET: GLEWLWYD_CLIENT.client_secret,
    });
    const tv = { client_id: 'tv', client_secret: keepSecret('the secret of the TV', applied.match(/^ {2}tv {2}(\S{43})$/m)[1]) };

    // Carol's account is there before she signs in; Erin's is made when she does.
    const carol = await scim.node.push(place, { externalId: 'carol', userName: 'carol@example.com', active: true });
    const carols = await enterCode(place, tv);
    await browser.press('Continue with Node');
    await browser.arrives('[name=login]');
    await browser.type('login', 'carol');
    await browser.type('password', 'x');
    await browser.choose('button[type=submit]');
    await browser.choose('button[type=submit]');
    await approve(carols, /Carol Example/);

    const erins = await enterCode(place, tv);
    await browser.press('Continue with Odd');
    await browser.arrives('#username');
    await browser.fill('#username', ERIN.username);
    await browser.fill('#password', ERIN.password);
    await browser.fill('#password', Key.ENTER);
    await browser.passes(CONSENT, ['Grant', 'Continue']);
    await approve(erins, /Erin Example/);
    const { body } = await new Admin({ origin: place.issuer }, { token }).ask('GET', '/accounts?prefix=oidc:odd:');
    const subject = body.accounts[0].account.slice('oidc:odd:'.length);
    const erin = await scim.odd.push(place, { externalId: subject, userName: 'erin', active: true });

    await scim.node.deactivate(place, carol);
    await hasEnded(carols);
    assert.equal(await isActive(erins), true, 'nobody else is concerned');
    await scim.odd.deactivate(place, erin);
    await hasEnded(erins);

    // The provider knows nothing of SCIM, and still lets her in.
    await enterCode(place, tv);
    await browser.press('Continue with Node');
    await browser.arrives('[name=login]');
    await browser.type('login', 'carol');
    await browser.type('password', 'x');
    await browser.choose('button[type=submit]');
    await browser.choose('button[type=submit]');
    await browser.arrives('h1');
    assert.equal(await browser.status(), 403, await browser.text());
  });

  test('the first administrator signs in at the provider that the first run has set up', async (t) => {
    const place = await newPlace(t);
    const callback = `${place.issuer}/callback/node`;
    const { server: node } = await serveProvider({ port: 0, callback, issuerOf: (port) => `http://localhost:${port}` });
    t.after(() => {
      node.closeAllConnections();
      node.close();
    });
    const { link, token, stdout } = await firstRun(place, {
      SIGN_IN: 'provider', PROVIDER_ID: 'node', PROVIDER_NAME: 'Node', PROVIDER_ISSUER: `http://localhost:${node.address().port}`,
      PROVIDER_CLIENT_ID: CLIENT.client_id, PROVIDER_CLIENT_SECRET: CLIENT.client_secret,
    });
    assert.ok(stdout.includes(`the redirect URI ${callback}`), 'what to enter at the provider');
    assert.doesNotMatch(stdout, new RegExp(CLIENT.client_secret));
    await browser.restart();
    await browser.open(link);
    await browser.sees(INVITED);
    await browser.press('Continue with Node');
    await browser.arrives('[name=login]');
    await browser.type('login', 'carol');
    await browser.type('password', 'x');
    await browser.choose('button[type=submit]');
    await browser.choose('button[type=submit]');
    assert.match(await browser.sees(INVITED), /You’re signed in as Carol Example/);
    await browser.press('Make this account an administrator');
    await browser.sees(READY);

    const { body } = await new Admin({ origin: place.issuer }, { token }).ask('GET', '/accounts/oidc:node:carol');
    assert.deepEqual(body.groups, ['local:administrators']);
    await browser.open(link);
    await browser.sees('This link doesn’t work');
  });

  test('people without a provider come by invitation, sign in with passkeys, and lose their access when they are blocked', async (t) => {
    const place = await newPlace(t);
    const { link, token } = await firstRun(place);
    const admin = await becomeAdministrator(link, token);
    const applied = await applyText(place, TV + ALLOW_ALL, { ADMIN_TOKEN: token });
    const tv = { client_id: 'tv', client_secret: keepSecret('the secret of the TV', applied.match(/^ {2}tv {2}(\S{43})$/m)[1]) };
    const invited = await admin.ask('POST', '/invitations', { body: { kind: 'account', groups: ['local:developers'] } });
    assert.equal(invited.status, 201, JSON.stringify(invited.body));

    await browser.restart();
    await browser.plugAuthenticator();
    t.after(() => browser.unplugAuthenticator());
    await browser.open(invited.body.link);
    await browser.sees(INVITED);
    assert.equal(await browser.has('password'), false, 'no passwords in production');
    await browser.type('username', 'grace');
    await browser.type('name', 'Grace Hopper');
    await browser.press('Create a passkey');
    await browser.sees(READY);
    // The field for the username would take the passkey by itself.
    await browser.verifyUser(false);
    const graces = await enterCode(place, tv);
    await browser.verifyUser(true);
    await browser.press('Sign in with a passkey');
    await approve(graces, /Grace Hopper/);

    const blocked = await admin.ask('POST', '/accounts/local:grace/block', { body: { why: 'left' } });
    assert.equal(blocked.status, 200, JSON.stringify(blocked.body));

    await hasEnded(graces);
    await browser.verifyUser(false);
    await enterCode(place, tv);
    await browser.verifyUser(true);
    await browser.press('Sign in with a passkey');
    await browser.arrives('h1');
    assert.equal(await browser.status(), 403, await browser.text());
  });
});

/** A provider's SCIM token, and what the provider does with it. */
function newToken(id) {
  const token = keepSecret(`the SCIM token of ${id}`, randomBytes(32).toString('hex'));
  const ask = async (place, method, path, body) => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/scim+json' };
    const response = await fetch(`${place.issuer}/scim/v2${path}`, { method, headers, body: JSON.stringify(body) });
    const answer = await response.json();
    assert.ok(response.ok, JSON.stringify(answer));
    return answer;
  };
  return {
    sha256: createHash('sha256').update(token).digest('hex'),
    push: async (place, user) => (await ask(place, 'POST', '/Users', user)).id,
    async deactivate(place, user) {
      const Operations = [{ op: 'replace', path: 'active', value: false }];
      const schemas = ['urn:ietf:params:scim:api:messages:2.0:PatchOp'];
      assert.equal((await ask(place, 'PATCH', `/Users/${user}`, { schemas, Operations })).active, false);
    },
  };
}

/** Returns a provider as a file has it, with its secret in an environment variable. */
function entry(members, { sha256 }) {
  const all = { ...members, client_secret_env: `${members.id.toUpperCase()}_SECRET`, scim_token_sha256: sha256 };
  return `\n[[providers]]\n${Object.entries(all).map(([name, value]) => `${name} = ${JSON.stringify(value)}`).join('\n')}\n`;
}
