// `make apply` makes the server's clients, scopes and OpenID Providers match a file, and does nothing else.

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Admin } from './support/admin.mjs';
import { python, root } from './support/config.mjs';
import { Device } from './support/device.mjs';
import { startWorkerd, within } from './support/harness.mjs';
import { disclosures, endDiscreetly, keepSecret, knowClient } from './support/secrets.mjs';

const EXAMPLE = join(root, 'examples/clients.toml');
const home = mkdtempSync(join(tmpdir(), 'apply-'));

let server;
before(async () => {
  server = await startWorkerd();
});
after(() => rmSync(home, { recursive: true }));
// The logos in the example are on servers that do not exist.
after(() => endDiscreetly(server, { besides: [/^workerd\/.*failed to lookup address/, /^stack: /] }));

test('applying a file a second time changes nothing', async () => {
  const before = await apply({ FILE: EXAMPLE, DRY_RUN: '1' });
  assert.equal(before.code, 2, 'there is something to change');
  assert.match(before.stdout, /\+ client photo-tv\n.*\+ access_token_lifetime = 900\n/s);
  assert.equal((await new Admin(server).read('photo-tv')).status, 404, 'a dry run changes nothing');

  const first = await apply({ FILE: EXAMPLE, YES: '1' });

  assert.deepEqual([first.code, first.stderr], [0, '']);
  assert.match(first.stdout, /! photo-tv: logo_uri could not be fetched: .*; send the client again to fetch it again\n/);
  const secret = keepSecret('the secret of photo-printer', first.stdout.match(/^ {2}photo-printer {2}(\S{43})$/m)[1]);
  assert.equal(first.stdout.match(/Client secrets, shown only once/g).length, 1);
  for (const DRY_RUN of [undefined, '1']) {
    const again = await apply({ FILE: EXAMPLE, DRY_RUN });
    assert.deepEqual([again.code, again.stderr], [0, '']);
    assert.match(again.stdout, /7 items unchanged/);
    assert.match(again.stdout, /Nothing to change\.\n$/);
    assert.deepEqual(disclosures(again.stdout), []);
  }
  const printer = { client_id: 'photo-printer', client_secret: secret };
  await Device.start(server, { client: printer, by: 'basic', scope: 'photos:read' });
  const { body } = await new Admin(server).read('photo-tv');
  assert.equal(body.consent_text, 'Everybody in the room will be able to see your photos.');
});

test('the policy and the exceptions of a file are written, and what was changed elsewhere is found', async (t) => {
  const own = await startWorkerd();
  t.after(() => endDiscreetly(own));
  const inDays = (days) => new Date(Date.now() + days * 86_400_000).toISOString();
  const text = (age, exceptions = '') => `
[policy]
default = "enforced"
contact = "security@example.com"

[policy.networks]
office = ["192.0.2.0/24"]

[[policy.rules]]
id = "staff"
description = "Staff"
effect = "allow"
when = { groups = ["local:staff"] }
require = { max_age = ${age} }

[[policy.rules]]
id = "abroad"
description = "Abroad"
effect = "deny"

[policy.rules.unless]
device = { networks = ["office"] }
${exceptions}`;
  const exception = (id, end) => `
[[exceptions]]
id = "${id}"
owner = "alice@example.com"
reason = "Bob is in Lisbon."
ticket = "SEC-1"
expires_at = "${end}"
lifts = ["abroad"]
when = { accounts = ["local:bob"], clients = ["photo-cli"], device = { networks = ["office"] } }
`;
  const admin = new Admin(own);
  const end = inDays(30);

  const tried = await apply({ FILE: write(text(900, exception('bob', end))), DRY_RUN: '1' }, own);
  assert.equal(tried.code, 2, tried.stderr);
  assert.match(tried.stdout, /^\+ policy\n/m);
  assert.match(tried.stdout, /^ {4}\+ rules\/staff = \{.*"max_age":900/m);
  assert.match(tried.stdout, /^\+ exception bob\n(.*\n)*? {4}\+ owner = alice@example\.com\n/m, 'its rule and its network come with the policy');
  assert.equal((await admin.ask('GET', '/policy')).body.version, 0, 'a dry run changes nothing');

  const first = await apply({ FILE: write(text(900, exception('bob', end))), YES: '1', REASON: 'Staff use the command line' }, own);
  assert.deepEqual([first.code, first.stderr], [0, ''], first.stdout);
  const { body: policy } = await admin.ask('GET', '/policy');
  assert.deepEqual([policy.version, policy.reason, policy.rules.length], [1, 'Staff use the command line', 2]);
  assert.equal((await admin.ask('GET', '/exceptions/bob')).body.is_live, true);
  const again = await apply({ FILE: write(text(900, exception('bob', end))), DRY_RUN: '1' }, own);
  assert.equal(again.code, 0, again.stdout);
  assert.match(again.stdout, /2 items unchanged/);

  const changed = await apply({ FILE: write(text(60)), YES: '1' }, own);
  assert.match(changed.stdout, /^~ policy\n {4}- rules\/staff\/require\/max_age = 900\n {4}\+ rules\/staff\/require\/max_age = 60\n/m);
  assert.match(changed.stdout, /not in the file, and kept \(PRUNE=1 deletes them\):\n(.*\n)* {4}exception bob\n/);
  assert.match((await admin.ask('GET', '/policy')).body.reason, /^Applied from .+\.toml$/);

  await admin.ask('POST', '/policy/rollback', { body: { version: 1, reason: 'Too strict' }, ifMatch: '*' });
  const drifted = await apply({ FILE: write(text(60)), DRY_RUN: '1' }, own);
  assert.equal(drifted.code, 2, 'what was changed elsewhere is found');
  const pruned = await apply({ FILE: write(text(60)), YES: '1', PRUNE: '1' }, own);
  assert.match(pruned.stdout, /^- exception bob$/m);
  assert.equal((await admin.ask('GET', '/exceptions/bob')).body.is_live, false, 'it has ended, and its record stays');

  const bad = await apply({ FILE: write(text(-1, exception('eve', inDays(91)).replace('abroad', 'nowhere'))), YES: '1' }, own);
  assert.equal(bad.code, 1);
  assert.match(bad.stderr, /:14: rule staff, require: max_age is -1: it must be a whole number from 0 to 31536000/);
  assert.match(bad.stderr, /:\d+: exception eve: lifts has "nowhere", and the policy has no such rule/);
  assert.match(bad.stderr, /:\d+: exception eve: expires_at is .*because longest_exception_days is 90/);
});

test('a policy that does not protect is applied with a warning', async (t) => {
  const own = await startWorkerd();
  t.after(() => endDiscreetly(own));
  const file = write('[policy]\ndefault = "report_only"\n');

  const { stdout } = await apply({ FILE: file, YES: '1' }, own);

  assert.match(stdout, /^ {4}! default is report_only: it does not protect\. What no rule allows proceeds\.$/m);
});

test('whoever lists the origin null is warned, before the change and in a file that changes nothing else', async () => {
  const file = (name, origins) => write(`[[clients]]\nclient_id = "packaged"\nclient_name = "${name}"\ntoken_endpoint_auth_method = "none"\nallowed_origins = ${JSON.stringify(origins)}\n`);
  const WARNING = /^ {4}! allowed_origins has null, which pages of any site can send: they can start this client's grants from the browser and network of whoever visits them$/m;

  const tried = await apply({ FILE: file('Packaged', ['null']), DRY_RUN: '1' });
  assert.match(tried.stdout, WARNING);
  const made = await apply({ FILE: file('Packaged', ['null']), YES: '1' });
  assert.deepEqual([made.code, made.stderr], [0, '']);
  assert.match(made.stdout, WARNING);
  assert.match((await apply({ FILE: file('Other', ['null']), DRY_RUN: '1' })).stdout, WARNING);
  assert.doesNotMatch((await apply({ FILE: file('Packaged', ['capacitor://localhost']), DRY_RUN: '1' })).stdout, /null, which/);
});

test('the example has every member that can be registered', async () => {
  const text = readFileSync(EXAMPLE, 'utf8');
  const { document } = await import('./support/openapi.mjs');
  const members = Object.entries(document.components.schemas.ClientMetadata.properties).filter(([, { readOnly }]) => !readOnly);
  for (const [name] of members) assert.match(text, new RegExp(`\\b${name}\\b`), name);
});

test('a change is shown member by member, and changes by somebody else are undone', async () => {
  const file = write('[[clients]]\nclient_id = "tv"\nclient_name = "TV"\ntoken_endpoint_auth_method = "none"\ncode_lifetime = 60\n');
  await apply({ FILE: file, YES: '1' });
  await new Admin(server).patch('tv', { client_name: 'Theirs', owner: 'Them' });

  const { code, stdout } = await apply({ FILE: file, YES: '1' });

  assert.equal(code, 0);
  assert.match(stdout, /~ client tv\n {4}- client_name = Theirs\n {4}\+ client_name = TV\n {4}- owner = Them\n\n/);
  const { body } = await new Admin(server).read('tv');
  assert.deepEqual([body.client_name, body.owner, body.version], ['TV', undefined, 3]);
});

test('clients and scopes that are not in the file are listed, and deleted only with PRUNE=1', async () => {
  const own = await startWorkerd();
  const operator = new Admin(own);
  await operator.ask('PUT', '/scopes/old', { body: { description: 'Old' } });
  await operator.create({ client_id: 'stray', client_name: 'Stray', scope: 'old' });
  const provider = { id: 'former', name: 'Former', issuer: 'https://former.example', client_id: 'a', token_endpoint_auth_method: 'private_key_jwt' };
  assert.equal((await operator.ask('POST', '/providers', { body: provider })).status, 201);
  const file = write('[[clients]]\nclient_id = "tv"\nclient_name = "TV"\n');

  const kept = await apply({ FILE: file, YES: '1' }, own);
  keepSecret('the secret of tv', kept.stdout.match(/^ {2}tv {2}(\S{43})$/m)[1]);
  assert.match(kept.stdout, /\? not in the file, and kept \(PRUNE=1 deletes them\):\n {4}client demo-printer\n {4}client demo-tv\n {4}client stray\n {4}provider former\n {4}scope old\n/);
  const pruned = await apply({ FILE: file, YES: '1', PRUNE: '1' }, own);

  assert.match(pruned.stdout, /- client demo-printer\n\n- client demo-tv\n\n- client stray\n\n- provider former\n\n- scope old\n/);
  const { body } = await operator.ask('GET', '/clients');
  assert.deepEqual(body.clients.map(({ client_id }) => client_id), ['tv']);
  assert.equal((await operator.ask('GET', '/scopes/old')).status, 404);
  assert.equal((await operator.ask('GET', '/providers/former')).status, 404);
  await endDiscreetly(own);
});

test('a provider gets its secret from the environment, and a new one there is shown as a change without it', async () => {
  const [first, second] = ['first', 'second'].map((name) => keepSecret(`the ${name} secret of a provider`, `${name}-s3cret-of-okta`));
  const file = write('[[providers]]\nid = "okta"\nname = "Okta"\nissuer = "https://example.okta.com"\nclient_id = "0oa1"\nclient_secret_env = "OKTA_SECRET"\norder = 2\n');
  const seen = [];
  const run = async (OKTA_SECRET, more = { YES: '1' }) => {
    const ran = await apply({ FILE: file, OKTA_SECRET, ...more });
    assert.equal(ran.stderr, '');
    seen.push(ran.stdout);
    return ran;
  };

  const made = await run(first);
  assert.match(made.stdout, /\+ provider okta\n {4}\+ name = Okta\n {4}\+ issuer = https:\/\/example\.okta\.com\n {4}\+ client_id = 0oa1\n {4}\+ order = 2\n {4}\+ redirect_uri = http.*\/callback\/okta\n/);
  assert.match((await run(first)).stdout, /Nothing to change\.\n$/);
  const changed = await run(second, { DRY_RUN: '1' });
  assert.deepEqual([changed.code, /~ provider okta\n {4}~ client_secret\n\n/.test(changed.stdout)], [2, true], changed.stdout);
  assert.match((await run(second)).stdout, /Done: 1 change\./);
  assert.match((await run(second)).stdout, /Nothing to change\.\n$/);
  const operator = new Admin(server);
  await operator.ask('PATCH', '/providers/okta', { body: { enabled: false }, ifMatch: '*' });
  assert.match((await run(second)).stdout, /~ provider okta\n {4}- enabled = false\n {4}\+ enabled = true\n\n/);
  assert.deepEqual(disclosures(seen.join('')), []);
  assert.equal((await operator.ask('DELETE', '/providers/okta', { ifMatch: '*' })).status, 204);
});

test('a destination of events gets its authorization from the environment, and a secret of a webhook is shown once', async () => {
  const FILE = join(home, 'destinations.toml');
  const write = (more) => writeFileSync(FILE, `[[destinations]]\nid = "siem"\nkind = "webhook"\nurl = "https://siem.example/events"\n${more}
[[destinations]]\nid = "signals"\nkind = "shared_signals"\nurl = "https://signals.example/"\naudience = "a"\nauthorization_env = "SIGNALS"\n`);
  write('what = ["reported"]\n');
  const [first, second] = ['Bearer first-of-signals', 'Bearer second-of-signals'].map((text) => keepSecret('the authorization of a receiver', text));

  const unset = await apply({ FILE, YES: '1' });
  assert.match(unset.stderr, /the environment variable SIGNALS is not set/);
  const created = await apply({ FILE, YES: '1', SIGNALS: first });
  const [secret] = created.stdout.match(/whsec_[\w+/=]+/) ?? [];
  keepSecret('the secret of a destination', secret);
  assert.equal(created.code, 0, created.stdout);
  assert.match(created.stdout, /Secrets, shown only once:\s+siem\s+whsec_/);
  assert.equal((await apply({ FILE, DRY_RUN: '1', SIGNALS: first })).code, 0, 'a second time changes nothing');

  write('what = ["contested"]\n');
  const changed = await apply({ FILE, YES: '1', SIGNALS: second });
  assert.match(changed.stdout, /~ destination siem/);
  assert.match(changed.stdout, /~ authorization/);
  assert.deepEqual([second, secret].filter((text) => changed.stdout.includes(text)), []);
  for (const id of ['siem', 'signals']) await new Admin(server).ask('DELETE', `/destinations/${id}`, { ifMatch: '*' });
});

test('the example has every member of a provider', async () => {
  const text = readFileSync(join(root, 'examples/providers.toml'), 'utf8');
  const { document } = await import('./support/openapi.mjs');
  const members = Object.entries(document.components.schemas.ProviderMetadata.properties).filter(([, { readOnly }]) => !readOnly);
  for (const [name] of members) assert.match(text, new RegExp(`\\b${name}\\b`), name);
  const tried = await apply({ FILE: join(root, 'examples/providers.toml'), DRY_RUN: '1', ENTRA_SECRET: 'an-example-secret' });
  assert.deepEqual([tried.code, tried.stderr], [2, '']);
});

test('admin tokens are made, kept while they are as in the file, and replaced when they are not', async () => {
  const own = await startWorkerd();
  const operator = new Admin(own);
  const { body: mine } = await operator.ask('POST', '/tokens', { body: { id: 'mine', owner: 'Me', scopes: ['read', 'clients', 'providers', 'tokens'] } });
  await operator.ask('POST', '/tokens', { body: { id: 'old', owner: 'Me', scopes: ['read'] } });
  const text = (scopes) => `[[tokens]]\nid = "ci"\nowner = "Platform team"\nscopes = [${scopes}]\nlifetime = 86_400\n`;
  const run = (scopes, env) => apply({ FILE: write(text(scopes), 'tokens.toml'), YES: '1', ADMIN_TOKEN: mine.token, ...env }, own);
  const shown = ({ stdout }) => keepSecret('an admin token', stdout.match(/^ {2}ci {2}(dgat_\S{43})$/m)?.[1]);

  const first = await run('"read"');
  assert.deepEqual([first.code, first.stderr], [0, ''], first.stdout);
  assert.match(first.stdout, /\+ token ci\n {4}\+ owner = Platform team\n {4}\+ scopes = read\n/);
  assert.match(first.stdout, /\? not in the file, and kept.*\n(.*\n)* {4}token old\n/, 'the token that the command uses is never in the list');
  const token = shown(first);
  assert.equal((await new Admin(own, { token }).ask('GET', '/clients')).status, 200);
  assert.match((await run('"read"')).stdout, /Nothing to change/);

  const second = await run('"read", "clients"', { PRUNE: '1' });
  assert.match(second.stdout, /~ token ci\n {4}- scopes = read\n {4}\+ scopes = read, clients\n {4}! the token gets another text, and the old one ends at once\n/);
  assert.equal((await new Admin(own, { token }).ask('GET', '/clients')).status, 401);
  assert.equal((await new Admin(own, { token: shown(second) }).ask('GET', '/clients')).status, 200);
  const { body } = await operator.ask('GET', '/tokens');
  assert.deepEqual(body.tokens.map(({ id }) => id), ['ci', 'mine']);

  const refused = await run('"keys"');
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /tokens\.toml:4: scopes has "keys", which your own token does not have\n\nNothing was changed\./);
  await endDiscreetly(own);
});

for (const [what, text, expected] of [
  ['is not TOML', '[[clients]]\nclient_id = \n', /bad\.toml:2:\d+: /],
  ['has an unknown table', '[[client]]\nclient_id = "a"\n', /bad\.toml:1: client is not allowed here; a file has only \[scopes\], \[\[clients\]\], \[\[documents\]\], \[\[providers\]\], \[\[tokens\]\], \[policy\], \[\[exceptions\]\], \[\[destinations\]\] and \[\[inventory\]\]/],
  ['has a client without a client_id', '[[clients]]\nclient_name = "TV"\n', /bad\.toml:1: every client in the file needs a client_id/],
  ['has a client twice', '[[clients]]\nclient_id = "a"\n[[clients]]\nclient_id = "a"\n', /bad\.toml:4: the client a is already defined above/],
  ['has invalid values', '[[clients]]\nclient_id = "a"\nclient_name = "A"\n[[clients]]\nclient_id = "b"\nclient_name = "B"\ncode_lifetime = 9\ncolour = 1\n[scopes]\nfly = ""\n',
    /bad\.toml:10: description is empty: .*\n.*bad\.toml:7: code_lifetime is 9: it must be a whole number from 10 to 1800\n.*bad\.toml:8: unknown member "colour"\n\nNothing was changed\./],
  ['has a provider without an id', '[[clients]]\nclient_id = "a"\n[[providers]]\nname = "A"\n', /bad\.toml:3: every provider in the file needs an id, a string/],
  ['has a secret', '[[providers]]\nid = "okta"\nclient_secret = "s3cret"\n', /bad\.toml:3: a secret does not belong in a file: name the environment variable that has it in client_secret_env\n$/],
  ['names a variable that is not set', '[[providers]]\nid = "okta"\nclient_secret_env = "OKTA_SECRET"\n', /bad\.toml:3: the environment variable OKTA_SECRET is not set/],
  ['has a provider with invalid values', '[[providers]]\nid = "okta"\nname = "Okta"\nissuer = "http://okta.example"\nclient_id = "a"\n[providers.claims]\nsubject = "email"\n',
    /bad\.toml:4: issuer is "http:\/\/okta\.example": it must be https.*\n.*bad\.toml:1: client_secret is missing: .*\n.*bad\.toml:6: subject must be a claim/],
  ['has a client with an undescribed scope', '[[clients]]\nclient_id = "a"\nclient_name = "A"\nscope = "swim"\n', /bad\.toml:4: scope has "swim", which has no description/],
]) {
  test(`a file that ${what} is refused, and the message gives the line`, async () => {
    const { code, stdout, stderr } = await apply({ FILE: write(text, 'bad.toml'), YES: '1' });

    assert.deepEqual([code, stdout], [1, '']);
    assert.match(stderr, expected);
  });
}

test('without a terminal nothing is changed', async () => {
  const { code, stderr } = await apply({ FILE: write('[[clients]]\nclient_id = "unasked"\nclient_name = "A"\n') });

  assert.equal(code, 1);
  assert.match(stderr, /^Nothing was changed: no terminal to ask on\. YES=1 skips/);
  assert.equal((await new Admin(server).read('unasked')).status, 404);
});

test('make apply takes its file and its switches from the command line', async () => {
  const file = write('[[clients]]\nclient_id = "made"\nclient_name = "A"\ntoken_endpoint_auth_method = "none"\n', 'made.toml');

  const looked = await make(`FILE=${file}`, 'DRY_RUN=1');
  assert.match(looked.output, /\+ client made\n.*1 change to make\./s);
  assert.equal(looked.code, 2, 'there is something to change');
  assert.equal((await new Admin(server).read('made')).status, 404);

  const made = await make(`FILE=${file}`, 'YES=1');
  assert.deepEqual([made.code, /Done: 1 change\.\n$/.test(made.output)], [0, true], made.output);
  assert.equal((await new Admin(server).read('made')).status, 200);
  assert.match((await make(`FILE=${file}`, 'DRY_RUN=1')).output, /Nothing to change\.\n$/);
  assert.match((await make()).output, /Which file\? make apply FILE=clients\.toml\n/);
});

test('on a terminal make apply asks, and only a yes changes anything', async () => {
  const file = write('[[clients]]\nclient_id = "asked"\nclient_name = "A"\ntoken_endpoint_auth_method = "none"\n', 'asked.toml');

  for (const answer of ['n', '', 'yeah']) {
    const { code, output } = await make.onTerminal(answer, `FILE=${file}`);
    assert.deepEqual([code, /Make it\? \[y\/N\] .*Nothing was changed\./s.test(output)], [2, true], output);
    assert.equal((await new Admin(server).read('asked')).status, 404);
  }
  const { code, output } = await make.onTerminal('y', `FILE=${file}`);
  assert.deepEqual([code, /Make it\? \[y\/N\] .*Done: 1 change\./s.test(output)], [0, true], output);
  assert.equal((await new Admin(server).read('asked')).status, 200);
});

test('each error names its cause, and never shows the token', async () => {
  const file = write('');
  for (const [env, expected] of [
    [{ ISSUER: await nobody() }, /^http:\/\/127\.0\.0\.1:\d+ cannot be reached: ECONNREFUSED$/m],
    [{ ISSUER: 'http://login.example.com' }, /must be an https URL/],
    [{ ISSUER: 'https://login.example.com' }, /ADMIN_TOKEN is missing/],
    [{ ADMIN_TOKEN: keepSecret('a wrong token', 'a-wrong-admin-token') }, /does not accept this ADMIN_TOKEN/],
    [{ FILE: join(home, 'none.toml') }, /none\.toml cannot be read: ENOENT/],
    [{ FILE: '' }, /Which file\?/],
  ]) {
    const { code, stdout, stderr } = await apply({ FILE: file, ...env });
    assert.deepEqual([code, stdout], [1, '']);
    assert.match(stderr, expected);
    assert.deepEqual(disclosures(stderr), []);
  }
});

test('nothing that a server sends controls the terminal', async (t) => {
  const odd = 'a\x1b[2Jb\u009b1mc\u202ed\u200be\nf';
  const shown = 'a\\u{1b}[2Jb\\u{9b}1mc\\u{202e}d\\u{200b}e\\u{a}f';
  const lists = { '/scopes': { scopes: [{ name: odd, description: odd, standard: false }] }, '/clients': { clients: [{ client_id: odd }] }, '/documents': { documents: [{ entry: odd }] }, '/providers': { providers: [{ id: odd }] } };
  const hostile = createHttpServer((request, response) => {
    const path = request.url.replace('/admin/api', '');
    const [status, body] = lists[path] ? [200, lists[path]] : request.method === 'GET' ? [200, { client_id: 'tv', client_name: 'TV' }] : answer;
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  }).listen(0, '127.0.0.1');
  await once(hostile, 'listening');
  t.after(() => hostile.close());
  const file = write('[[clients]]\nclient_id = "tv"\nclient_name = "TV"\n');
  const ask = () => apply({ FILE: file, YES: '1', ISSUER: `http://127.0.0.1:${hostile.address().port}` });

  let answer = [200, { client_id: 'tv', client_name: odd, [odd]: [odd], client_secret: keepSecret('an odd secret', `odd-secret-${odd}`) }];
  const { code, stdout, stderr } = await ask();
  assert.deepEqual([code, stderr], [0, '']);
  assert.doesNotMatch(stdout, /[^\P{C}\n]/u);
  for (const line of [`+ client_name = ${shown}`, `+ ${shown} = ${shown}`, `client ${shown}`, `provider ${shown}`, `scope ${shown}`, `odd-secret-${shown}`]) assert.ok(stdout.includes(line), `${line}: ${stdout}`);
  answer = [400, { title: odd, detail: odd }];
  const refused = await ask();
  assert.equal(refused.code, 1);
  assert.doesNotMatch(refused.stderr, /[^\P{C}\n]/u);
});

test('output is colored on a terminal, but not elsewhere or with NO_COLOR', async () => {
  const file = write('[[clients]]\nclient_id = "coloured"\nclient_name = "A"\n');
  assert.doesNotMatch((await apply({ FILE: file, DRY_RUN: '1' })).stdout, /\x1b/);
  assert.match((await apply({ FILE: file, DRY_RUN: '1', FORCE_COLOR: '1' })).stdout, /\x1b\[32m\+ client coloured\x1b\[0m/);
  assert.doesNotMatch((await apply({ FILE: file, DRY_RUN: '1', FORCE_COLOR: '1', NO_COLOR: '1' })).stdout, /\x1b/);
});

/** Returns an address that nothing listens on. */
async function nobody() {
  const listener = createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address();
  await new Promise((resolve) => listener.close(resolve));
  return `http://127.0.0.1:${port}`;
}

function write(text, name = 'clients.toml') {
  const file = join(home, name);
  writeFileSync(file, text);
  for (const [, client_id] of text.matchAll(/client_id = "(.*?)"/g)) knowClient(client_id);
  return file;
}

/** Runs the script behind `make apply`, without make. */
function apply(env, { origin } = server) {
  for (const client_id of ['photo-tv', 'photo-printer', 'photo-cli', 'photo-camera', 'stray']) knowClient(client_id);
  const given = Object.entries({ ISSUER: origin, PATH: process.env.PATH, ...env }).filter(([, value]) => value !== undefined);
  return new Promise((resolve) => {
    execFile(process.execPath, [join(root, 'scripts/apply.mjs')], { env: Object.fromEntries(given) }, (error, stdout, stderr) => {
      resolve({ code: error?.code ?? 0, stdout, stderr });
    }).stdin.end();
  });
}

/** Runs `make apply`; `output` is its stdout and stderr together. */
async function make(...variables) {
  return finished(launch(['make', 'apply', ...variables]));
}

/** Runs `make apply` on a pseudo-terminal, and answers its question. */
make.onTerminal = async (answer, ...variables) => {
  const terminal = 'import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))';
  const child = launch([python(), '-c', terminal, 'make', 'apply', ...variables], 'pipe');
  let said = '';
  child.stdout.on('data', (text) => {
    said += text;
    if (said.includes('[y/N] ') && child.stdin.writable) child.stdin.end(`${answer}\n`);
  });
  return finished(child);
};

function launch([program, ...args], stdin = 'ignore') {
  const env = { ISSUER: server.origin, PATH: process.env.PATH, HOME: process.env.HOME, NO_COLOR: '1' };
  const child = spawn(program, args, { cwd: root, env, stdio: [stdin, 'pipe', 'pipe'] });
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8');
  return child;
}

async function finished(child) {
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (output += text));
  const [code] = await within(60_000, once(child, 'close'), 'make apply did not end').finally(() => child.kill('SIGKILL'));
  assert.deepEqual(disclosures(output), []);
  return { code, output: output.replaceAll('\r\n', '\n') };
}
