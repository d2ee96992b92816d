// Signing in through Cloudflare Access, with the built Worker in workerd. The keys of a team are at
// https://<team>.cloudflareaccess.com, which no test can reach: all requests of the Worker to other servers go to one on this
// machine, which has the keys.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { SignJWT, exportJWK, generateKeyPair } from 'jose';
import { Admin } from './support/admin.mjs';
import { Device } from './support/device.mjs';
import { startWorkerd } from './support/harness.mjs';
import { Person } from './support/person.mjs';
import { decisions, endDiscreetly, keepSecret } from './support/secrets.mjs';

const HOST = 'corp.cloudflareaccess.com';
const AUDIENCE = '4714c1358e65fe4b408ad6d432a5f878f08194bdb4752441fd56faefa9b2b6f2';
const SUBJECT = '7335d417-61da-459d-899c-0a01c76a2f94';
const KID = 'key-of-the-team';

/** Starts a server behind Access, and the keys of the team. */
async function start(t, vars = {}) {
  const { publicKey, privateKey } = await generateKeyPair('RS256');
  const keys = [{ ...(await exportJWK(publicKey)), kid: KID, alg: 'RS256', use: 'sig' }];
  const team = { asked: [], cookies: [], identity: {}, status: 200, privateKey };
  const listener = createServer((request, response) => {
    team.asked.push(`${request.method} ${request.headers.host} ${request.url}`);
    response.writeHead(team.status, { 'content-type': 'application/json' });
    if (request.url.endsWith('/get-identity')) {
      team.cookies.push(request.headers.cookie);
      return response.end(JSON.stringify(team.identity));
    }
    response.end(JSON.stringify({ keys, public_cert: { kid: KID, cert: 'PEM' }, public_certs: [] }));
  }).listen(0, '127.0.0.1');
  await once(listener, 'listening');
  t.after(() => {
    listener.closeAllConnections();
    listener.close();
  });
  const server = await startWorkerd({ vars: { ACCESS_TEAM: 'corp', ACCESS_AUDIENCE: AUDIENCE, ...vars }, outside: listener.address().port });
  t.after(() => endDiscreetly(server, { besides: [/"what":"(document|exchange)","outcome":"unavailable"/] }));
  return { server, team };
}

/** Returns what Access adds to each request of somebody whom it let through, with other claims or another key. */
async function assertion(team, { key = team.privateKey, age = 0, ...changes } = {}) {
  const now = Math.floor(Date.now() / 1_000) - age;
  const claims = { iss: `https://${HOST}`, aud: [AUDIENCE], type: 'app', sub: SUBJECT, email: 'alice@corp.example', iat: now, nbf: now, exp: now + 3_600, ...changes };
  return keepSecret('an assertion of Access', await new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid: KID, typ: 'JWT' }).sign(key));
}

const behind = (server, text) => new Person(server, { headers: text ? { 'cf-access-jwt-assertion': text } : {} });

test('somebody behind Access approves a device with one button, and ends its access on the page of the account', async (t) => {
  const { server, team } = await start(t);
  const device = await Device.start(server);
  const text = await assertion(team);
  const person = behind(server, text);
  await person.enter(device.userCode);
  assert.match(person.page.text, /Continue with Cloudflare Access/);
  await person.submit({ step: 'access' });
  person.mustRead(200, 'Approve or refuse');
  assert.match(person.page.text, /alice@corp\.example/);
  await person.decide('approve');
  person.mustRead(200, 'Approved');
  await device.redeem();

  const later = behind(server, text);
  await later.open('/account');
  await later.submit({ step: 'access' }, '/account');
  later.mustRead(200, 'Your account');
  assert.match(later.page.text, /With Cloudflare Access/);
  const [, id] = later.page.html.match(/<a href="\/account\?device=([^"]+)"><strong>/);
  await later.submit({ step: 'end', device: id }, '/account');
  assert.match(later.page.text, /1 device has lost its access\./);

  assert.equal((await device.refresh()).error, 'invalid_grant');
  const { body } = await new Admin(server).ask('GET', `/accounts/access:${SUBJECT}`);
  assert.equal(body.username, 'alice@corp.example');
  assert.deepEqual(team.asked, [`GET ${HOST} /cdn-cgi/access/certs`], 'the keys are fetched once');
});

test('an assertion for another application, of another key or time, and none at all sign nobody in', async (t) => {
  const { server, team } = await start(t);
  const stranger = await generateKeyPair('RS256');
  for (const [made, reason] of [
    [undefined, 'access_assertion_missing'],
    [{ aud: ['0'.repeat(64)] }, 'access_audience_wrong'],
    [{ iss: 'https://other.cloudflareaccess.com' }, 'access_issuer_wrong'],
    [{ age: 7_200 }, 'access_assertion_expired'],
    [{ key: stranger.privateKey }, 'access_signature_wrong'],
    [{ sub: '', common_name: 'robot.access' }, 'access_assertion_of_nobody'],
  ]) {
    const person = behind(server, made && (await assertion(team, made)));
    for (const path of ['/account', '/account/passkeys']) {
      await person.open(path);
      await person.submit({ step: 'access' }, path);
      assert.equal(person.page.status, 400, reason);
      assert.match(person.page.heading, /^Sign in to continue/);
    }
    const { userCode } = await Device.start(server);
    await person.enter(userCode);
    await person.submit({ step: 'access' });
    assert.equal(person.page.status, 400, reason);
    const reasons = decisions(server).filter(({ outcome }) => outcome === 'refused').slice(-3).map((line) => line.reason);
    assert.deepEqual(reasons, [reason, reason, reason]);
  }
});

test('only a machine whose checks succeeded approves where a rule asks for a managed one', async (t) => {
  const check = 'f6f9391e-6776-4878-9c60-0cc807dc7dc8';
  const { server, team } = await start(t, { ACCESS_MANAGED_POSTURE: check });
  const rules = [
    { id: 'all', description: 'for a test', effect: 'allow' },
    { id: 'ours', description: 'for a test', effect: 'deny', when: { person: { managed: false } } },
  ];
  const policy = { default: 'enforced', rules, reason: 'for a test' };
  assert.equal((await new Admin(server).ask('PUT', '/policy', { body: policy, ifMatch: '*' })).status, 200);
  const device = await Device.start(server);
  const text = await assertion(team);
  const press = async () => {
    const person = behind(server, text);
    await person.enter(device.userCode);
    await person.submit({ step: 'access' });
    return person;
  };
  for (const identity of [{}, { user_uuid: SUBJECT, devicePosture: { [check]: { id: check, success: false } } }]) {
    team.identity = identity;
    assert.equal((await press()).page.status, 403);
  }
  team.identity = { user_uuid: SUBJECT, email: 'alice@corp.example', devicePosture: { [check]: { id: check, type: 'disk_encryption', success: true } } };
  const person = await press();
  person.mustRead(200, 'Approve or refuse');
  await person.decide('approve');
  await device.redeem();
  assert.deepEqual(team.cookies, Array(3).fill(`CF_Authorization=${text}`), 'once for each sign-in');
});

test('doctor reads the keys of the team, and while nobody can, nobody signs in', async (t) => {
  const { server, team } = await start(t);
  const check = async () => (await new Admin(server).ask('GET', '/doctor')).body.checks.find(({ name }) => name === 'access');
  assert.deepEqual(await check(), { name: 'access', state: 'ok', found: `https://${HOST} reached, with 1 keys` });

  team.status = 503;
  assert.equal((await check()).state, 'problem');
  const person = behind(server, await assertion(team));
  await person.open('/account');
  await person.submit({ step: 'access' }, '/account');
  assert.equal(person.page.status, 503);
  assert.match(person.page.problem, /^Cloudflare Access can’t be reached right now/);
});
