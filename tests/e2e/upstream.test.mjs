// Signing in at two real OpenID Providers: `oidc-provider` (JavaScript, certified) and glewlwyd (C, from Debian), which
// leaves out what it may, and more.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { Admin } from './support/admin.mjs';
import { Key, openBrowser } from './support/browser.mjs';
import { Device } from './support/device.mjs';
import { CLIENT as GLEWLWYD_CLIENT, ERIN, glewlwyd, openGlewlwyd } from './support/glewlwyd.mjs';
import { startWorkerd, temporaryDirectory } from './support/harness.mjs';
import { CLIENT, serveProvider } from './support/oidc_provider.mjs';
import { Person } from './support/person.mjs';
import { redate } from './support/redate.mjs';
import { decisions, endDiscreetly, keepSecret } from './support/secrets.mjs';
import { rows } from './support/stored.mjs';
import { Visitor } from './support/visitor.mjs';

const SIGN_IN = 'Sign in to continue';
const CONSENT = 'Let Demo TV use your account?';

keepSecret('the client secret at oidc-provider', CLIENT.client_secret);
const missing = glewlwyd() ? false : 'glewlwyd is not installed: Debian has it';

let server;
let node;
let odd;

before(async () => {
  server = await startWorkerd();
  const callback = (id) => `${server.origin}/callback/${id}`;
  // By another name than ours, so that the way there and back leads across sites.
  const { server: listener } = await serveProvider({ port: 0, callback: callback('node'), backchannel: `${server.origin}/backchannel-logout/node`, issuerOf: (port) => `http://localhost:${port}` });
  node = { issuer: `http://localhost:${listener.address().port}`, listener };
  const admin = new Admin(server);
  await provider(admin, { id: 'node', name: 'Node', issuer: node.issuer, ...CLIENT, scope: 'openid profile email groups', end_families_on_logout: true, order: 1 });
  if (missing) return;
  odd = await openGlewlwyd({ callback: callback('odd') });
  await provider(admin, { id: 'odd', name: 'Odd', issuer: odd.issuer, ...GLEWLWYD_CLIENT, scope: 'openid', order: 2 });
});

after(async () => {
  await endDiscreetly(server, { besides: [/"what":"(exchange|document)","outcome":"unavailable"/] });
  await odd?.close();
  node?.listener.closeAllConnections();
  node?.listener.close();
});

async function provider(admin, body) {
  const answer = await admin.ask('POST', '/providers', { body });
  assert.equal(answer.status, 201, JSON.stringify(answer.body));
}

describe('A person with a browser', () => {
  let browser;
  before(async () => {
    browser = await openBrowser();
  });
  after(() => browser?.close());

  /** Enters a code, and presses the button of a provider. */
  async function go(device, name) {
    await browser.open(`${server.origin}/device`);
    await browser.type('user_code', device.userCode);
    await browser.press('Continue');
    await browser.sees(SIGN_IN);
    await browser.press(`Continue with ${name}`);
  }

  test('signs in at oidc-provider, and approves a device', async () => {
    const device = await Device.start(server);
    await go(device, 'Node');
    await browser.arrives('[name=login]');
    assert.ok((await browser.address()).startsWith(node.issuer));
    await browser.type('login', 'carol');
    await browser.type('password', 'x');
    await browser.choose('button[type=submit]');
    await browser.choose('button[type=submit]');

    const consent = await browser.sees(CONSENT);
    assert.match(consent, /Carol Example/);
    assert.match(await browser.address(), /\/device\?request=[\w-]{22}$/);
    await browser.tick('confirm_device');
    await browser.press('Approve');
    await browser.sees('Approved');
    const tokens = await device.redeem();
    const claims = JSON.parse(Buffer.from(tokens.id_token.split('.')[1], 'base64url'));
    assert.equal(claims.email, 'carol@example.com');
    assert.notEqual(claims.sub, 'carol');
    // The provider's own page asks for a font that is not here.
    const complaints = await browser.complaints();
    assert.deepEqual(complaints.filter((complaint) => complaint.startsWith(server.origin)), []);
  });

  test('signs in at glewlwyd, and approves a device', { skip: missing }, async () => {
    await browser.restart();
    const device = await Device.start(server);
    await go(device, 'Odd');
    await browser.arrives('#username');
    assert.ok((await browser.address()).startsWith(odd.origin));
    await browser.fill('#username', ERIN.username);
    await browser.fill('#password', ERIN.password);
    await browser.fill('#password', Key.ENTER);
    await browser.passes(CONSENT, ['Grant', 'Continue']);

    const consent = await browser.text();
    assert.match(consent, /Erin Example/);
    await browser.tick('confirm_device');
    await browser.press('Approve');
    await browser.sees('Approved');
    const tokens = await device.redeem();
    assert.equal(JSON.parse(Buffer.from(tokens.id_token.split('.')[1], 'base64url')).email, 'erin@example.com');
  });

  test('reads the pages on the way with any eyes', async () => {
    await browser.restart();
    const device = await Device.start(server);
    await browser.open(`${server.origin}/device`);
    await browser.type('user_code', device.userCode);
    await browser.press('Continue');
    await browser.sees(SIGN_IN);
    assert.deepEqual(await browser.faults('sign-in with providers'), []);
  });
});

describe('A person without scripts', () => {
  /** Enters a code, and goes to a provider. Returns the person and the address at the provider. */
  async function leave(device, id, place = server) {
    const person = new Person(place);
    await person.enter(device.userCode);
    await person.submit({ step: 'provider', provider: id });
    assert.equal(person.page.status, 200, person.page.text);
    const [, address] = person.page.html.match(/<a class="button main" href="([^"]*)"/);
    return { person, address: address.replaceAll('&#38;', '&') };
  }

  /** Returns the path of the callback, with its query. */
  function path(callback) {
    const url = new URL(callback);
    keepSecret('an authorization code', url.searchParams.get('code'));
    return url.pathname + url.search;
  }

  test('comes back once, and only in the browser that left', async () => {
    const device = await Device.start(server);
    const { person, address } = await leave(device, 'node');
    assert.deepEqual([...new URL(address).searchParams.keys()].sort(), ['client_id', 'request_uri'], 'the rest was pushed');
    const back = path(await new Visitor().signInAtNode(address, 'carol'));

    const victim = new Person(server);
    await victim.open(back);
    assert.equal(victim.page.status, 400);
    assert.match(victim.page.problem, /didn’t start in this browser/);
    await person.open(back);
    person.mustRead(200, 'Approve or refuse');
    await person.open(back);
    assert.match(person.page.problem, /already used/);
    const reasons = decisions(server).filter(({ what }) => what === 'sign_in').map(({ reason }) => reason);
    for (const reason of ['upstream', 'callback_other_browser', 'callback_replayed']) assert.ok(reasons.includes(reason), reason);
  });

  test('does not get the answer of one provider taken for another’s', { skip: missing }, async () => {
    const device = await Device.start(server);
    const { person, address } = await leave(device, 'node');
    const back = new URL(await new Visitor().signInAtNode(address, 'carol'));
    back.searchParams.set('iss', odd.issuer);

    await person.open(path(back));

    assert.equal(person.page.status, 400);
    assert.match(person.page.problem, /didn’t come from Node/);
  });

  test('signs in again where the device wants that, if the provider does it', async () => {
    const visitor = new Visitor();
    const first = await leave(await Device.start(server), 'node');
    await first.person.open(path(await visitor.signInAtNode(first.address, 'dave')));
    first.person.mustRead(200, 'Approve or refuse');
    // Without a session of ours, but with one there.
    const device = await Device.start(server, { max_age: '0' });
    const { person, address } = await leave(device, 'node');
    await person.open(path(await visitor.signInAtNode(address, 'dave')));
    assert.match(person.page.text, /Sign in again to continue/);

    await person.submit({ step: 'provider', provider: 'node' });
    const again = person.page.html.match(/<a class="button main" href="([^"]*)"/)[1].replaceAll('&#38;', '&');
    await person.open(path(await visitor.signInAtNode(again, 'dave')));

    person.mustRead(200, 'Approve or refuse');
    assert.ok(visitor.passwords >= 2, 'the provider asked for the password again');
  });

  test('ends a session and its device by signing out there', async () => {
    const visitor = new Visitor();
    const tv = await Device.start(server);
    const { person, address } = await leave(tv, 'node');
    await person.open(path(await visitor.signInAtNode(address, 'carol')));
    await person.decide('approve');
    await tv.redeem();
    assert.equal((await tv.refresh()).status, 200);

    await visitor.signOutAtNode(node.issuer);

    const ended = decisions(server).filter(({ what }) => what === 'backchannel_logout').map(({ outcome, provider }) => ({ outcome, provider }));
    assert.deepEqual(ended, [{ outcome: 'done', provider: 'node' }]);
    assert.equal((await tv.refresh()).error, 'invalid_grant');
    await person.enter((await Device.start(server)).userCode);
    assert.match(person.page.text, /Sign in to continue/);
  });

  test('keeps a device as long as the provider knows them, and no longer', { timeout: 120_000 }, async (t) => {
    const directory = temporaryDirectory();
    const place = await startWorkerd({ dir: directory.path });
    const leavers = new Set();
    const { server: listener } = await serveProvider({ port: 0, callback: `${place.origin}/callback/node`, issuerOf: (port) => `http://localhost:${port}`, leavers });
    t.after(async () => {
      await endDiscreetly(place);
      directory.remove();
      listener.closeAllConnections();
      listener.close();
    });
    const issuer = `http://localhost:${listener.address().port}`;
    await provider(new Admin(place), { id: 'node', name: 'Node', issuer, ...CLIENT, scope: 'openid profile email offline_access', recheck_seconds: 60 });
    const tv = await Device.start(place);
    const { person, address } = await leave(tv, 'node', place);
    await person.open(path(await new Visitor().signInAtNode(address, 'carol')));
    await person.decide('approve');
    await tv.redeem();
    const upkeep = () => rows(place, 'AccountShard', 'SELECT record FROM upkeep').map(({ record }) => record);
    const [first] = upkeep();
    assert.equal(first.serial, 1);
    const aMinuteLater = async () => {
      await place.kill9();
      redate(directory.path, -61_000, ['AccountShard']);
      await place.restart();
    };

    await aMinuteLater();
    assert.equal((await tv.refresh()).status, 200);
    const [second] = upkeep();
    assert.deepEqual([second.serial, second.token === first.token], [2, false], 'the next token is stored');
    leavers.add('carol');
    assert.equal((await tv.refresh()).status, 200, 'the last answer counts for a minute');
    await aMinuteLater();
    assert.equal((await tv.refresh()).error, 'invalid_grant');
    assert.ok(upkeep()[0].left_at);
  });

  test('reads why an auth_time of 0 is not recent', { skip: missing }, async () => {
    const visitor = new Visitor();
    const device = await Device.start(server, { max_age: '600' });
    const { person, address } = await leave(device, 'odd');
    await person.open(path(await visitor.signInAtGlewlwyd(odd.origin, address, ERIN)));
    assert.match(person.page.text, /Sign in again to continue/);

    await person.submit({ step: 'provider', provider: 'odd' });
    const again = person.page.html.match(/<a class="button main" href="([^"]*)"/)[1].replaceAll('&#38;', '&');
    await person.open(path(await visitor.signInAtGlewlwyd(odd.origin, again, ERIN)));

    assert.equal(person.page.status, 400);
    assert.match(person.page.problem, /Odd didn’t ask you to sign in again/);
  });

  test('loses nothing when an endpoint redirects, says too much or does not answer', { timeout: 60_000 }, async (t) => {
    const trap = await openTrap();
    t.after(() => trap.close());
    const { issuer } = trap;
    await provider(new Admin(server), { id: 'trap', name: 'Trap', issuer, ...CLIENT, scope: 'openid', order: 4 });
    for (const mode of ['redirects', 'says too much', 'hangs']) {
      const { person, address } = await leave(await Device.start(server), 'trap');
      const query = new URLSearchParams({ code: `code-${mode.replaceAll(' ', '-')}`, state: new URL(address).searchParams.get('state') });
      trap.mode = mode;

      await person.open(`/callback/trap?${query}`);

      assert.equal(person.page.status, 503, mode);
      assert.match(person.page.problem, /Trap can’t be reached/);
      await person.signIn();
      person.mustRead(200, 'Approve or refuse');
    }
    assert.deepEqual([...new Set(trap.asked)].sort(), ['/.well-known/openid-configuration', '/token'], 'no redirect was followed');
  });

  test('loses nothing when the provider is down', async () => {
    const admin = new Admin(server);
    await provider(admin, { id: 'down', name: 'Down', issuer: 'http://localhost:9', ...CLIENT, scope: 'openid', order: 3 });
    const device = await Device.start(server);
    const person = new Person(server);
    await person.enter(device.userCode);

    await person.submit({ step: 'provider', provider: 'down' });

    assert.equal(person.page.status, 503);
    assert.match(person.page.problem, /Down can’t be reached/);
    await person.signIn();
    person.mustRead(200, 'Approve or refuse');
  });
});

/** Starts a provider whose token endpoint does what `mode` says. */
async function openTrap() {
  const trap = { mode: undefined, asked: [] };
  const token = {
    redirects: (response) => response.writeHead(307, { location: '/elsewhere' }).end(),
    'says too much': (response) => response.writeHead(200, { 'content-type': 'application/json' }).end(`{"x":"${'x'.repeat(70_000)}"}`),
    hangs: () => {},
  };
  const listener = createServer((request, response) => {
    const { pathname } = new URL(request.url, trap.issuer);
    trap.asked.push(pathname);
    if (pathname === '/token') return token[trap.mode](response);
    const at = (path) => `${trap.issuer}${path}`;
    const document = { issuer: trap.issuer, authorization_endpoint: at('/authorize'), token_endpoint: at('/token'), jwks_uri: at('/jwks') };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(document));
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  trap.issuer = `http://localhost:${listener.address().port}`;
  trap.close = () => {
    listener.closeAllConnections();
    listener.close();
  };
  return trap;
}
