// `make setup-production` sets up a server in production settings on raw workerd, and ends at a link for the first
// administrator. A program in place of wrangler records what it is asked to do, and its `deploy` starts the server.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'smol-toml';
import { Admin } from './support/admin.mjs';
import { root } from './support/config.mjs';
import { newPlace, setUp } from './support/production.mjs';
import { disclosures, keepSecret } from './support/secrets.mjs';

const PASSKEYS = { SIGN_IN: 'passkeys', YES: '1' };

test('the first run makes the secrets, deploys, examines, and prints a link that works once', async (t) => {
  const place = await newPlace(t);

  const { code, stdout, stderr } = await setUp(place, PASSKEYS);

  assert.deepEqual([code, stderr], [0, ''], stdout);
  const { MASTER_KEY, ADMIN_TOKEN_SHA256 } = place.secrets();
  assert.equal(Buffer.from(MASTER_KEY, 'base64').length, 32);
  const token = stdout.match(/^ {2}ADMIN_TOKEN {2}([0-9a-f]{64})$/m)[1];
  assert.equal(createHash('sha256').update(token).digest('hex'), ADMIN_TOKEN_SHA256, 'only the digest of the token is stored');
  assert.ok(stdout.includes(`  MASTER_KEY  ${MASTER_KEY}\n`));
  assert.deepEqual(place.calls().map(([command]) => command), ['secret', 'deploy']);
  assert.ok(!JSON.stringify(place.calls()).includes(MASTER_KEY), 'no secret is in the arguments, which every process on the machine can read');
  assert.equal(parse(readFileSync(place.config, 'utf8')).vars.ISSUER, place.issuer);

  const link = stdout.match(/^ {4}(\S+\/invitation\?secret=\S{43})$/m)[1];
  assert.ok(link.startsWith(`${place.issuer}/`));
  const { body } = await new Admin({ origin: place.issuer }, { token }).ask('GET', '/invitations');
  const [invited, ...others] = body.invitations;
  assert.deepEqual([others, invited.kind, invited.uses_left, invited.grants_administration, invited.is_live], [[], 'first_administrator', 1, true, true]);
  assert.equal(invited.ends_at - invited.created_at, 1_800, 'half an hour');
  assert.match(stdout, /✔ objects .*every class of objects answers/);
  assert.match(stdout, /No problems/);
  assert.match(stdout, /Administrators can sign in at devices, and nobody else/);
  const { body: policy } = await new Admin({ origin: place.issuer }, { token }).ask('GET', '/policy');
  assert.deepEqual([policy.default, policy.version, policy.rules.length], ['enforced', 1, 1]);
  assert.deepEqual([policy.rules[0].effect, policy.rules[0].when], ['allow', { groups: ['local:administrators'] }]);
  const warnings = place.server.logs().split('\n').filter((line) => line.includes('"administrator_invited"')).map((line) => JSON.parse(line));
  assert.deepEqual(warnings.map(({ what, event }) => [what, event.subject, event.granted]), [['warning', invited.id, ['administration']]]);
  assert.deepEqual(disclosures(place.server.logs()), []);
});

test('with the admin token alone, the same command makes another link, and changes nothing else', async (t) => {
  const place = await newPlace(t);
  const first = await setUp(place, PASSKEYS);
  const ADMIN_TOKEN = first.stdout.match(/ADMIN_TOKEN {2}(\S+)/)[1];
  const [config, calls] = [readFileSync(place.config, 'utf8'), place.calls().length];

  const again = await setUp(place, { ADMIN_TOKEN });

  assert.deepEqual([again.code, again.stderr], [0, ''], again.stdout);
  assert.match(again.stdout, /\/invitation\?secret=\S{43}\n/);
  assert.doesNotMatch(again.stdout, /MASTER_KEY {2}|ADMIN_TOKEN {2}/, 'no secret is new');
  assert.deepEqual([readFileSync(place.config, 'utf8'), place.calls().length], [config, calls]);
  const warnings = place.server.logs().split('\n').filter((line) => line.includes('"what":"warning"'));
  assert.equal(warnings.length, 2, 'the other administrators hear about this link, too');
});

test('a server that the button "Deploy to Cloudflare" has deployed ends at the same link', async (t) => {
  const place = await newPlace(t);
  const { bindings } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).cloudflare;
  /** Runs what a description of the button says, in a shell. */
  const run = (name, index, env) => execFileSync('sh', ['-c', bindings[name].description.match(/`[^`]+`/g)[index].slice(1, -1)], { env: { PATH: process.env.PATH, ...env }, encoding: 'utf8' }).trim();
  const token = keepSecret('an admin token', run('ADMIN_TOKEN_SHA256', 0));
  place.enter({ MASTER_KEY: run('MASTER_KEY', 0), ADMIN_TOKEN_SHA256: run('ADMIN_TOKEN_SHA256', 1, { TOKEN: token }) });
  await place.serve();

  const { code, stdout, stderr } = await setUp(place, { ADMIN_TOKEN: token });

  assert.deepEqual([code, stderr], [0, ''], stdout);
  const link = stdout.match(/^ {4}(\S+\/invitation\?secret=\S{43})$/m)[1];
  assert.match(await (await fetch(link)).text(), /This link makes you an administrator of this service\./);
  assert.match(stdout, /There is no policy yet, so nobody gets a code/);
  assert.match(stdout, /✘ policy .*there is no policy, so nobody gets a code\n.*→ Write one, from examples\/policy\.toml/);
  assert.match((await setUp(place, { ADMIN_TOKEN: token, YES: '1' })).stdout, /No problems/, 'without a question, it writes the first policy');
  assert.deepEqual(place.calls(), [], 'nothing was deployed');
});

test('nobody gets a link without the admin token, whoever comes first', async (t) => {
  const place = await newPlace(t);
  await setUp(place, PASSKEYS);

  const without = await setUp(place, PASSKEYS);
  assert.equal(without.code, 1);
  assert.match(without.stderr, /^This server has an admin token: set ADMIN_TOKEN to it\. If it is lost, REPLACE_ADMIN_TOKEN=1 makes another one/);
  assert.doesNotMatch(without.stdout, /invitation/);
  assert.equal(place.calls().filter(([command]) => command === 'deploy').length, 1, 'nothing was deployed');
  const stranger = new Admin({ origin: place.issuer }, { token: null });
  assert.equal((await stranger.ask('POST', '/invitations', { body: { kind: 'first_administrator' } })).status, 401);
});

test('a lost admin token is replaced, and the master key stays', async (t) => {
  const place = await newPlace(t);
  const first = await setUp(place, PASSKEYS);
  const before = place.secrets();
  await place.undeploy();

  const second = await setUp(place, { ...PASSKEYS, REPLACE_ADMIN_TOKEN: '1' });

  assert.equal(second.code, 0, second.stderr);
  assert.equal(place.secrets().MASTER_KEY, before.MASTER_KEY);
  assert.notEqual(place.secrets().ADMIN_TOKEN_SHA256, before.ADMIN_TOKEN_SHA256);
  const old = new Admin({ origin: place.issuer }, { token: first.stdout.match(/ADMIN_TOKEN {2}(\S+)/)[1] });
  assert.equal((await old.ask('GET', '/tokens')).status, 401);
});

test('an error names its cause, and what was stored is still shown', async (t) => {
  const place = await newPlace(t);
  for (const [env, expected] of [
    // What is empty was not given.
    [{ ...PASSKEYS, SIGN_IN: '' }, /^Nothing was changed: no terminal to ask on: How do people sign in\?/],
    [{ ...PASSKEYS, SIGN_IN: 'telepathy' }, /^SIGN_IN is telepathy: it must be passkeys or provider/],
    [{ ...PASSKEYS, FIRST_POLICY: 'everybody' }, /^FIRST_POLICY is everybody: it must be administrators or none/],
    [{ ...PASSKEYS, ISSUER: 'http://login.example.com' }, /^ISSUER is http:\/\/login\.example\.com: it must be an https URL/],
    [{ ...PASSKEYS, ISSUER: 'https://login.example.com' }, /it must be the address of your server/],
    [{ ...PASSKEYS, YES: undefined }, /^Nothing was changed: no terminal to ask on: Go on\?/],
    [{ ...PASSKEYS, STUB_FAILS: 'secret' }, /^wrangler cannot list the secrets\. Sign in with `scripts\/wrangler login`/],
  ]) {
    const { code, stdout, stderr } = await setUp(place, env);
    assert.equal(code, 1, stdout);
    assert.match(stderr, expected);
    assert.doesNotMatch(stdout, /MASTER_KEY {2}/);
  }
  const failed = await setUp(place, { ...PASSKEYS, STUB_FAILS: 'deploy' });
  assert.equal(failed.code, 1);
  assert.match(failed.stderr, /^wrangler did not deploy:\n\n.*deploy failed/s);
  assert.match(failed.stdout, /They are shown only once:\n\n {2}MASTER_KEY {2}\S{44}\n {2}ADMIN_TOKEN {2}\S{64}\n/);
});

test('wrangler.toml gets the issuer, and a custom domain for its host unless it has routes', async () => {
  const { withIssuer } = await import('../../scripts/production.mjs');
  const toml = readFileSync(join(root, 'wrangler.toml'), 'utf8');
  const plain = (value) => JSON.parse(JSON.stringify(value));
  const changed = (text, issuer) => plain(parse(withIssuer(text, issuer)));

  const own = changed(toml, 'https://id.example.org');
  assert.deepEqual([own.vars.ISSUER, own.routes], ['https://id.example.org', [{ pattern: 'id.example.org', custom_domain: true }]]);
  assert.deepEqual(own.previews, plain(parse(toml)).previews, 'previews still take their issuer from the request');
  assert.equal(changed(toml, 'https://device-grant.team.workers.dev').routes, undefined);
  const routed = `routes = [{ pattern = "old.example.org", custom_domain = true }]\n${toml}`;
  assert.deepEqual(changed(routed, 'https://id.example.org').routes, [{ pattern: 'old.example.org', custom_domain: true }]);
});
