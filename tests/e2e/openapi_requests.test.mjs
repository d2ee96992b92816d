// The admin API accepts exactly the requests that the OpenAPI document accepts. Tries every member of every request
// with good and bad values.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Admin } from './support/admin.mjs';
import { ASKING, asksForAccess } from './support/asking.mjs';
import { DEVICE_GRANT } from './support/device.mjs';
import { startWorkerd } from './support/harness.mjs';
import { document, judge, operations, resolved } from './support/openapi.mjs';
import { endDiscreetly, keepSecret, knowClient } from './support/secrets.mjs';

/** The request for access that is answered. */
let asked;
let server, admin;
before(async () => {
  server = await startWorkerd();
  admin = new Admin(server);
  await admin.create({ client_id: 'tried', client_name: 'Tried' });
  await admin.ask('PUT', '/scopes/fly', { body: { description: 'Fly' } });
  await admin.ask('POST', '/providers', { body: PROVIDER });
  for (const one of [WEBHOOK, { ...SIGNALS, id: 'signals' }]) await admin.ask('POST', '/destinations', { body: { ...one, enabled: false } });
  await admin.ask('POST', '/accounts', { body: { username: 'tried' } });
  await admin.ask('PUT', '/policy', { body: ASKING, ifMatch: '*' });
  await asksForAccess(server);
  asked = (await admin.ask('GET', '/access-requests')).body.access_requests[0].id;
  await admin.ask('PUT', '/policy', { body: POLICY, ifMatch: '*' });
  await admin.ask('POST', '/exceptions', { body: EXCEPTION });
});
after(() => endDiscreetly(server));

// --- Values ---

const long = (length, of = 'x') => of.repeat(length);
const number = (bytes, first = 1) => Buffer.from([first, ...Array(bytes - 1).fill(1)]).toString('base64url');
const EC = { kty: 'EC', crv: 'P-256', x: number(32), y: number(32) };
const OKP = { kty: 'OKP', crv: 'Ed25519', x: number(32) };
const RSA = { kty: 'RSA', n: number(256, 0x80), e: 'AQAB' };
const CERTIFIED = { kty: 'EC', crv: 'P-521', x5c: ['MIIB'] };

const flag = { good: [true, false, null], bad: ['true', 1, {}] };
const count = (least, most) => ({ good: [least, most, null], bad: [least - 1, most + 1, least + 0.5, `${least}`, -1, [least]] });
const choice = (...words) => ({ good: [...words, null], bad: ['', 'other', words[0].toUpperCase() + 'x', 1, [words[0]]] });
const ALGORITHMS = choice('ES256', 'RS256', 'PS256', 'PS384', 'PS512', 'EdDSA');
const plain = (longest) => ({
  good: ['x', 'Wohnzimmer-Fernseher №2 📺', 'a b', long(longest), long(longest, 'é'), long(longest, '📺'), 'नमस्ते', 'می\u200cخواهم'],
  bad: ['', ' x', 'x ', '\u00a0x', 'x\u3000', 'a\nb', 'a\tb', 'a\u0085b', 'a\u202eb', 'a\u2066b', '\u200fa', 'a\ufeff', '\u200b', 'a\u2028b', 'a\u00a0b', 'a\u3164', 'a\ue000', long(longest + 1), 7, ['x'], {}],
});
const orNull = ({ good, bad }) => ({ good: [...good, null], bad });
const webAddress = {
  good: ['https://tv.example', 'https://tv.example:8443/a/b?c=d@e', 'https://[2001:db8::1]/', 'http://127.0.0.1:3000/', 'http://127.1.2.3',
    'http://localhost/x', 'http://[::1]:80', `https://a.example/${long(494)}`, null],
  bad: ['', 'tv.example', 'http://tv.example', 'urn:example:tv', 'HTTPS://tv.example', 'https://', 'https:///x', 'https://user@tv.example', 'https://tv.example/#top',
    'https://tv.example/a b', 'https://tv.example/<', 'https://tv.example/é', 'javascript:alert(1)', 'ftp://tv.example', 'http://127.0.0.1.example.com',
    'http://127.0.0.256', 'http://localhost.example', ' https://tv.example', `https://a.example/${long(495)}`, 7, ['https://tv.example']],
};
const resources = {
  good: ['https://api.example/v1', 'urn:example:api', 'a:b', 'x+y-z.1:/', `a:${long(510)}`],
  bad: ['', 'api', 'a:', '1a:b', 'https://a/#b', 'a:b c', 'a:é', ' a:b', `a:${long(511)}`, 7],
};
const list = ({ good, bad }, most) => ({
  good: [[], good, Array.from({ length: most }, (_, at) => `${good[0]}${at}`), null],
  bad: [...bad.map((item) => [item]), [good[0], good[0]], Array.from({ length: most + 1 }, (_, at) => `${good[0]}${at}`), good[0], { 0: good[0] }],
});
const eMail = {
  good: ['tv@example.com', 'ü@bücher.example', 'a@b', `${long(244)}@a.example`],
  bad: ['', 'tv', 'tv@', '@example.com', 'a@b@c', 'a b@c', 'a@b c', ' a@b', 'a@b ', 'a\n@b', 'a@\u202eb', `${long(245)}@a.example`, 7],
};
const keys = {
  good: [EC, OKP, RSA, { ...EC, alg: 'ES256', use: 'sig', kid: 7 }, { ...OKP, alg: 'Ed25519' }, { ...RSA, alg: 'PS384', use: 7 }, { ...RSA, n: number(512), e: 'Aw' }, CERTIFIED, { x5c: [] }],
  bad: [{}, 7, null, [], 'key', { ...EC, d: number(32) }, { ...EC, k: null }, { ...CERTIFIED, d: 'AQ' }, { ...EC, use: 'enc' }, { ...EC, x: number(31) }, { ...EC, y: 7 }, { ...EC, y: undefined },
    { ...EC, crv: 'P-384' }, { ...EC, alg: 'RS256' }, { ...EC, alg: null }, { ...EC, alg: 'none' }, { ...OKP, alg: 'ES256' }, { ...RSA, n: number(128) }, { ...RSA, n: number(513) },
    { ...RSA, e: number(5) }, { ...RSA, e: '' }, { ...EC, x: `${number(32).slice(0, 42)}B` }, { ...EC, x: `${number(32)}=` }, { kty: 'oct' }, { ...EC, x5c: 'MIIB', crv: 'P-521' }],
};
const scopes = { good: ['openid', 'openid profile', '  openid  fly ', '', null], bad: ['é', 'a"b', 'a\\b', 'a\tb', 'open\u0000id', 7, ['openid']] };

const RESERVED = ['iss', 'sub', 'aud', 'client_id', 'cnf', 'acr', 'active', 'username', 'authorization_details', 'grant', 'approval_id', 'started', 'approved'];
const names = { good: ['x', 'https://tv.example/role', '~', long(128)], bad: ['', 'a b', 'a"b', 'a\\b', 'é', long(129), 7, ...RESERVED] };
const some = { good: ['x', 'a b', 'é', long(128), long(128, '📺')], bad: ['', long(129), 7, null] };
const groups = { good: ['local:x', 'corp-1:Team: One', `a:${long(126)}`], bad: ['', 'x', ':x', 'local:', 'Local:x', '-a:x', 'local: x', 'local:x ', 'local:a\u202eb', `a:${long(127)}`, `${long(33)}:x`, 7, null] };
const localGroups = {
  good: [[], ['local:x', 'local:Team: One'], Array.from({ length: 200 }, (_, at) => `local:${at}`)],
  bad: ['local:x', ['x'], ['corp:x'], ['local:'], ['local:a\u202eb'], ['local:a', 'local:a'], [7], Array.from({ length: 201 }, (_, at) => `local:${at}`), {}],
};
const rules = {
  good: [
    ...names.good.flatMap((name) => [{ claim: name, value: 1 }, { drop: name }, { claim: name, as: 'y' }, { claim: 'y', as: name }, { claim: name, from: 'groups' }]),
    ...['account.sub', 'account.username', 'account.name', 'account.email', 'account.email_verified', 'account.groups', 'request.client_id', 'request.scope', 'request.resource'].map((from) => ({ claim: 'x', from })),
    ...[0, false, '', 'text', [], {}, { a: [null] }, long(1022)].map((value) => ({ claim: 'x', value })),
    ...some.good.flatMap((text) => [{ claim: 'x', from: 'groups', prefix: text }, { claim: 'x', from: 'groups', only: [text] }, { drop: 'x', when: { scope: text } }]),
    ...groups.good.map((group) => ({ drop: 'x', when: { group, scope: 'a' } })),
    { claim: 'x', from: 'account.name', only: Array(64).fill('a'), prefix: 'a', into: ['id_token', 'userinfo', 'access_token'] },
  ],
  bad: [
    ...names.bad.flatMap((name) => [{ claim: name, value: 1 }, { drop: name }, { claim: name, as: 'y' }, { claim: 'y', as: name }, { claim: name, from: 'groups' }]),
    ...some.bad.flatMap((text) => [{ claim: 'x', from: 'groups', prefix: text }, { claim: 'x', from: 'groups', only: [text] }, { drop: 'x', when: { scope: text } }]),
    ...groups.bad.map((group) => ({ drop: 'x', when: { group } })),
    {}, 7, null, 'drop', [], { drop: 'x', claim: null }, { drop: 'x', value: null }, { drop: 'x', into: null }, { drop: 'x', when: null }, { claim: 'x', as: 'y', drop: null }, [null, null, null, null, null, null, null, null, 'x'],
    { claim: 'x' }, { claim: 'x', value: null }, { claim: 'x', value: 1, from: 'groups' }, { claim: 'x', as: 'y', drop: 'z' }, { drop: 'x', value: 1 }, { from: 'groups' },
    { claim: 'x', from: 'account.password' }, { claim: 'x', value: long(1023) }, { claim: 'x', value: 1, iff: true },
    { claim: 'x', value: 1, prefix: 'y' }, { claim: 'x', as: 'y', only: ['y'] }, { drop: 'x', only: ['y'] }, { claim: 'x', from: 'account.email_verified', prefix: 't' },
    { claim: 'x', from: 'groups', only: [] }, { claim: 'x', from: 'groups', only: Array(65).fill('a') }, { claim: 'x', from: 'groups', only: 'a' },
    { drop: 'x', into: [] }, { drop: 'x', into: ['userinfo', 'userinfo'] }, { drop: 'x', into: ['refresh_token'] }, { drop: 'x', into: 'userinfo' },
    { drop: 'x', when: {} }, { drop: 'x', when: { scope: 'a', client: 'b' } }, { drop: 'x', when: ['a'] }, { drop: 'x', when: 'a' },
  ],
};
// One rule per list, because a list has no room for all of them.
const claims = { good: [[], ...rules.good.map((rule) => [rule]), Array(50).fill({ drop: 'x' })], bad: [...rules.bad.map((rule) => [rule]), Array(51).fill({ drop: 'x' }), {}, { drop: 'x' }, 'x', 7] };

const METHODS = ['none', 'client_secret_basic', 'client_secret_post'];
const members = {
  client_id: { good: ['x', 'tv/1', 'a b', '~', '...', 'acct', long(128)], bad: ['', ' x', 'x ', '.', '..', 'acct-1', 'acct-', 'é', 'a\nb', long(129), 7, ['x']] },
  client_name: plain(100),
  client_uri: webAddress,
  logo_uri: webAddress,
  policy_uri: webAddress,
  tos_uri: webAddress,
  jwks_uri: webAddress,
  contacts: list(eMail, 10),
  grant_types: { good: [[], [DEVICE_GRANT], [DEVICE_GRANT, 'refresh_token'], ['refresh_token', DEVICE_GRANT], null], bad: [['refresh_token'], ['password'], [DEVICE_GRANT, DEVICE_GRANT], DEVICE_GRANT, [7]] },
  scope: scopes,
  token_endpoint_auth_method: { good: [...METHODS, null], bad: ['', 'client_secret_jwt', 'other', 7, ['none']] },
  tls_client_auth_subject_dn: {
    beside: { token_endpoint_auth_method: 'tls_client_auth' },
    good: ['CN=tv', 'CN=device 7,O=Example', 'cn=a, o=b', '2.5.4.3=a', 'CN=a+UID=7,O=b', 'CN=a\\,b', 'CN=Zo\\C3\\AB', 'CN=ë', 'CN=', 'CN=a=b', 'CN=a\\\\,O=b', `CN=${long(509)}`],
    bad: ['', 'device', '=a', 'C N=a', 'CN=a,', 'CN=a,b', 'CN=a+', 'CN=a\\', 'CN=a\\4', 'CN=a\\4g', `CN=${long(510)}`, 7, ['CN=a']],
  },
  jwks: {
    good: [...keys.good.map((key) => ({ keys: [key] })), { keys: [EC, RSA], more: 1 }, { keys: Array(20).fill(EC) }, null],
    bad: [...keys.bad.map((key) => ({ keys: [key] })), { keys: [] }, { keys: Array(21).fill(EC) }, { keys: EC }, { keys: [EC, {}] }, [EC], 'jwks', 7],
  },
  id_token_signed_response_alg: ALGORITHMS,
  access_token_signed_response_alg: ALGORITHMS,
  userinfo_signed_response_alg: ALGORITHMS,
  dpop_bound_access_tokens: flag,
  tls_client_certificate_bound_access_tokens: flag,
  redirect_uris: list({ ...webAddress, good: webAddress.good.filter((uri) => uri !== null) }, 10),
  enabled: flag,
  owner: orNull(plain(100)),
  consent_text: orNull(plain(200)),
  consent_prompt: choice('always'),
  access_token_format: choice('jwt', 'opaque'),
  audience: list(resources, 20),
  code_lifetime: count(10, 1_800),
  polling_interval: count(1, 60),
  user_code_type: choice('configured', 'digits'),
  verification_uri_complete: flag,
  device_client_authentication: flag,
  allowed_origins: list(
    {
      good: ['https://app.example', 'http://127.0.0.1:3000', 'https://[::1]:8443', 'capacitor://localhost', 'file://', 'null'],
      bad: ['', '*', 'app.example', 'https://', 'https://app.example/', 'https://app.example/a', 'https://App.example', 'https://me@app.example', 'https://app.example:443', 'http://app.example:80', 'https://app.example:65536', 'https://app.example:08443', 7],
    },
    20,
  ),
  sign_in: {
    good: [{}, { max_age: 0 }, { max_age: 31536000, acr_values: ['phr'], phishing_resistant: true, fresh_passkey: false }],
    bad: [true, [], { max_age: -1 }, { max_age: 1.5 }, { acr_values: [''] }, { acr_values: 'phr' }, { later: 1 }],
  },
  redemption_place: choice('any', 'same_country', 'same_network'),
  shards_per_network: count(1, 64),
  access_token_lifetime: count(60, 86_400),
  id_token_lifetime: count(60, 86_400),
  refresh_token_idle_lifetime: count(60, 31_536_000),
  refresh_token_lifetime: count(60, 31_536_000),
  claims: orNull(claims),
};
/** Members that only answers have. The server ignores them in requests, whatever their value. */
const readOnlyMembers = Object.entries(document.components.schemas.ClientMetadata.properties).filter(([, { readOnly }]) => readOnly).map(([name]) => name);
for (const name of readOnlyMembers) members[name] = { good: [0, 'x', null, {}], bad: [] };

/** Rules between members, and members that every client needs. */
const together = {
  good: [
    {},
    { token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [EC] } },
    { token_endpoint_auth_method: 'private_key_jwt', jwks_uri: 'https://tv.example/keys', jwks: null },
    { token_endpoint_auth_method: 'self_signed_tls_client_auth', jwks: { keys: [EC, CERTIFIED] } },
    { token_endpoint_auth_method: 'self_signed_tls_client_auth', jwks_uri: 'https://tv.example/keys' },
    { token_endpoint_auth_method: 'none', jwks: { keys: [EC] }, tls_client_auth_subject_dn: null },
    { polling_interval: 9, code_lifetime: 10, refresh_token_idle_lifetime: 60, refresh_token_lifetime: 60 },
  ],
  bad: [
    { token_endpoint_auth_method: 'private_key_jwt' },
    { token_endpoint_auth_method: 'private_key_jwt', jwks: null },
    { token_endpoint_auth_method: 'self_signed_tls_client_auth' },
    { token_endpoint_auth_method: 'self_signed_tls_client_auth', jwks: { keys: [EC] } },
    { token_endpoint_auth_method: 'tls_client_auth' },
    { token_endpoint_auth_method: 'tls_client_auth', tls_client_auth_subject_dn: null },
    { tls_client_auth_subject_dn: 'CN=tv' },
    { token_endpoint_auth_method: 'none', tls_client_auth_subject_dn: 'CN=tv' },
    { jwks: { keys: [EC] }, jwks_uri: 'https://tv.example/keys' },
    { client_name: undefined },
    { client_name: null },
    { client_secret: 'x' },
    { response_types: [] },
  ],
};

// --- Providers ---

/** The provider that changes are tried on. */
const PROVIDER = { id: 'tried', name: 'Tried', issuer: 'https://id.example', client_id: 'a', client_secret: keepSecret('the secret of a provider', 'an-openid-provider-secret') };

const paths = {
  good: ['sub', 'https://example.com/groups', '/realm_access/roles', '/a~1b~0c', '//', '~', long(255), null],
  bad: ['', '/', 'a b', 'é', '/a~2', '/a~', long(256), 7, ['sub']],
};
const credential = (longest) => ({ good: ['a', 'a b', '~', long(longest)], bad: ['', ' a', 'a ', 'é', 'a\nb', long(longest + 1), 7] });
const words = { good: ['hwk', 'urn:mace:incommon:iap:silver', '~', long(250)], bad: ['', 'a b', 'é', long(256), 7, null] };
const claim = (name, { good, bad }) => ({ good: good.map((path) => ({ [name]: path })), bad: bad.map((path) => ({ [name]: path })) });
const claimPaths = ['name', 'email', 'username', 'groups'].map((name) => claim(name, paths));

const providerMembers = {
  id: { good: ['tried'], bad: ['', '-a', 'A', 'a b', 'a:b', 'local', 'access', long(33), 7] },
  name: plain(50),
  issuer: {
    good: ['https://id.example'],
    bad: ['', 'id.example', 'http://id.example', 'https://user@id.example', 'https://id.example?a', 'https://id.example/a?b', 'https://id.example#a', 'https://id.example/{tenantid}/v2.0',
      'https://login.microsoftonline.com/common/v2.0', 'https://login.microsoftonline.us/organizations', 'https://login.microsoftonline.com/consumers/v2.0', `https://a.example/${long(495)}`, 7, null],
  },
  client_id: { good: credential(255).good, bad: [...credential(255).bad, null] },
  client_secret: credential(1_024),
  token_endpoint_auth_method: { good: ['client_secret_basic', 'client_secret_post', null], bad: ['', 'none', 'client_secret_jwt', 'tls_client_auth', 7] },
  token_endpoint_auth_signing_alg: { good: [null], bad: ['ES256', 'none', 7] },
  id_token_signed_response_alg: ALGORITHMS,
  scope: { good: ['openid', 'openid profile', ' profile openid ', null], bad: ['', 'profile', 'openids', 'xopenid', 'openid é', 'openid a"b', `openid ${long(249)}`, 7, ['openid']] },
  // The subject cannot be changed, but another one can be chosen for a new provider.
  claims: { good: [{}, null, { subject: 'sub' }, ...claimPaths.flatMap(({ good }) => good)], bad: [[], 'sub', 7, { sub: 'oid' }, { subject: 'email' }, { subject: 'upn' }, ...claimPaths.flatMap(({ bad }) => bad)] },
  allowed_groups: list({ good: ['Staff', '/staff/dev', 'Équipe №2'], bad: ['', ' a', 'a\nb', 'a\u202eb', long(256), 7, null] }, 50),
  allowed_email_domains: {
    good: [[], ['example.com', 'a-b.c.example'], Array.from({ length: 50 }, (_, at) => `a${at}.example`), null],
    bad: [[''], ['example'], ['@example.com'], ['Example.com'], ['a..b'], ['.a.b'], ['a.b.'], ['a b.c'], ['é.example'], [`${long(251)}.aa`], [7], ['a.b', 'a.b'], 'a.b', Array.from({ length: 51 }, (_, at) => `a${at}.example`)],
  },
  acr_values: list(words, 50),
  strong_amr: list(words, 50),
  strong_acr: list(words, 50),
  end_families_on_logout: flag,
  recheck_seconds: count(60, 2_592_000),
  enabled: flag,
  scim_token_sha256: orNull({ good: ['0'.repeat(64), 'af09'.repeat(16)], bad: ['', '0'.repeat(63), 'A'.repeat(64), 'g'.repeat(64), 7] }),
  order: count(0, 999),
};
for (const [name, { readOnly }] of Object.entries(document.components.schemas.ProviderMetadata.properties)) {
  if (readOnly) providerMembers[name] = { good: [0, 'x', null, {}], bad: [] };
}
const withKey = { token_endpoint_auth_method: 'private_key_jwt', client_secret: null };
const providersTogether = {
  good: [{}, withKey, { ...withKey, token_endpoint_auth_signing_alg: 'PS256' }, { ...withKey, client_secret: undefined }],
  bad: [{ ...withKey, client_secret: 'x' }, { ...withKey, token_endpoint_auth_signing_alg: 'none' }, ...['name', 'issuer', 'client_id'].flatMap((name) => [{ [name]: undefined }, { [name]: null }]), { secret: 'x' }],
};

// --- The policy ---

const inDays = (days) => new Date(Date.now() + days * 86_400_000).toISOString();
const SOON = inDays(30);
/** The policy that rollbacks and exceptions are tried on. */
const POLICY = { default: 'enforced', reason: 'A test', networks: { office: ['192.0.2.0/24'] }, rules: [{ id: 'far', description: 'Far away', effect: 'deny', when: { verdict: ['far'] } }] };
/** The exception that changes are tried on. */
const EXCEPTION = { id: 'tried', when: { clients: ['tv'], accounts: ['local:bob'] }, owner: 'Alice', reason: 'A test', ticket: 'SEC-1', expires_at: inDays(40) };
/** A list of at least one and at most 50 entries. */
const some50 = ({ good, bad }) => ({ good: [...good.map((one) => [one]), null], bad: [[], ...bad.map((one) => [one]), [good[0], good[0]], good[0], {}] });
const within = (name, { good, bad }) => ({ good: good.map((value) => ({ [name]: value })), bad: bad.map((value) => ({ [name]: value })) });
/** A table of these members, none of which is required. */
const table = (members) => {
  const each = Object.entries(members).map(([name, values]) => within(name, values));
  // A table with only null has nothing in it.
  return { good: each.flatMap(({ good }) => good).filter((one) => Object.values(one)[0] !== null), bad: [{}, [], 7, 'x', { other: 1 }, ...Object.keys(members).map((name) => ({ [name]: null })), ...each.flatMap(({ bad }) => bad)] };
};
const instants = { good: [SOON, '2027-01-01T00:00:00+01:00'], bad: ['', 'tomorrow', '2027-01-01', '2027-01-01T00:00:00', '2027-01-01T00:00Z', 7, ['2027-01-01T00:00:00Z']] };
const policyNames = { good: ['x', '0', 'staff-cli', long(64)], bad: ['', '-x', 'X', 'a b', 'a_b', 'é', long(65), 7] };
const clientIds = { good: ['x', 'https://a.example/b', ' ', long(512)], bad: ['', 'é', 'a\nb', long(513), 7, null] };
const accountKeys = { good: ['local:alice', 'oidc:corp:7', 'access:7'], bad: ['', 'alice', 'corp:7', 7, null] };
const asns = { good: ['AS0', 'AS64500', 'AS4294967295'], bad: ['', '64500', 'as1', 'AS01', 'AS4294967296', 'AS-1', 7, null] };
const place = {
  countries: some50({ good: ['DE', 'T1', 'XX'], bad: ['de', 'D', 'DEU', 'T2', '', 7, null] }),
  regions: some50({ good: ['US/Texas', 'T1/x', `DE/${long(100)}`], bad: ['Texas', 'us/Texas', 'US/', 'US/ x', `DE/${long(101)}`, 7, null] }),
  networks: { good: [['office'], null], bad: [[], ['Office'], ['office', 'office'], 'office', [7]] },
  asns: some50(asns),
  hosting: flag,
  kinds: some50({ good: ['television', 'command_line', 'unknown'], bad: ['toaster', '', 7, null] }),
};
const side = table({ ...place, managed: flag });
const wordList = some50({ good: ['phr', 'urn:mfa', long(255)], bad: ['', 'a b', 'é', long(256), 7, null] });
const offsets = { good: ['+01:00', '-14:00', '+00:00', null], bad: ['', '01:00', '+1:00', '+14:01', '+15:00', '+01:60', 7] };
const hours = table({
  days: some50({ good: ['mon', 'sun'], bad: ['Mon', 'monday', 7, null] }),
  hours: { good: ['08:00-18:00', '20:00-06:00', '00:00-24:00', null], bad: ['', '8:00-18:00', '08:00-08:00', '24:00-08:00', '08:00-24:01', '08:60-09:00', '08:00', 7] },
  not_before: orNull(instants), before: orNull(instants),
});
/** An offset alone says nothing. */
const windows = {
  good: [...hours.good, ...offsets.good.map((offset) => ({ offset, days: ['mon'] }))],
  bad: [...hours.bad, { offset: '+01:00' }, { offset: '+01:00', days: null }, ...offsets.bad.map((offset) => ({ offset, days: ['mon'] }))],
};
const conditions = table({
  clients: some50(clientIds), accounts: some50(accountKeys), groups: some50(groups),
  scopes: some50({ good: ['openid', '!', '~'], bad: ['', 'a b', 'a"b', 'é', 7, null] }), only_scopes: some50({ good: ['openid'], bad: ['', 'a b', 7, null] }),
  verdict: some50({ good: ['near', 'unknown', 'far'], bad: ['close', '', 7, null] }), first: some50({ good: ['person', 'client', 'place'], bad: ['time', 7, null] }),
  same_device: flag, web_page: flag, device: orNull(side), person: orNull(side),
  sign_in: orNull(table({ max_age: count(0, 31_536_000), acr: wordList, amr: wordList, phishing_resistant: flag })),
  time: orNull(windows),
});
const requirements = { good: [{ max_age: 0 }, { max_age: 31_536_000, near: false }, ...['phishing_resistant', 'fresh_passkey', 'near', 'initiation_verification', 'out_of_band_binding'].map((name) => ({ [name]: true }))], bad: [{ initiation_verification: 'yes' }, { out_of_band_binding: 'yes' }, { initiation_verification: false }, {}, { near: false }, { near: null }, { max_age: null }, { max_age: -1 }, { max_age: 1.5 }, { near: 'true' }, { more: true }, [], 7] };
const limits = {
  good: [{ scope: 'openid' }, { scope: ' a b ' }, { access_token_lifetime: 60 }, { refresh_token_lifetime: 31_536_000 }, { no_refresh: true }, { bound: true, no_refresh: false }],
  bad: [{}, { bound: false }, { scope: null }, { scope: '' }, { scope: ' ' }, { scope: 'é' }, { access_token_lifetime: 59 }, { access_token_lifetime: 86_401 }, { refresh_token_lifetime: 59 }, { bound: 'true' }, { more: true }, [], 7],
};
const allow = { id: 'x', description: 'X', effect: 'allow' };
const policyRules = {
  good: [
    allow, { ...allow, effect: 'deny', message: 'Ask us.' }, { ...allow, state: 'report_only' }, { ...allow, state: null, when: null, unless: null, require: null, limit: null, message: null },
    ...policyNames.good.map((id) => ({ ...allow, id })), ...plain(300).good.map((description) => ({ ...allow, description })), ...plain(300).good.map((message) => ({ ...allow, effect: 'deny', message })),
    ...conditions.good.map((when) => ({ ...allow, when })), ...conditions.good.map((unless) => ({ ...allow, unless })),
    ...requirements.good.flatMap((require) => [{ ...allow, require }, { ...allow, effect: 'require', require }]), ...limits.good.flatMap((limit) => [{ ...allow, limit }, { ...allow, effect: 'limit', limit }]),
  ],
  bad: [
    {}, [], 7, null, 'x', { ...allow, other: 1 }, { ...allow, id: undefined }, { ...allow, description: undefined }, { ...allow, effect: undefined }, { ...allow, effect: 'permit' }, { ...allow, state: 'on' },
    ...policyNames.bad.map((id) => ({ ...allow, id })), ...plain(300).bad.map((description) => ({ ...allow, description })), ...plain(300).bad.map((message) => ({ ...allow, effect: 'deny', message })),
    ...conditions.bad.map((when) => ({ ...allow, when })), ...requirements.bad.map((require) => ({ ...allow, require })), ...limits.bad.map((limit) => ({ ...allow, limit })),
    { ...allow, message: 'x' }, { ...allow, effect: 'deny', require: { near: true } }, { ...allow, effect: 'deny', limit: { bound: true } }, { ...allow, effect: 'require' }, { ...allow, effect: 'limit' },
    { ...allow, effect: 'require', require: { near: true }, limit: { bound: true } }, { ...allow, effect: 'limit', limit: { bound: true }, require: { near: true } }, { ...allow, effect: 'require', require: { near: true }, message: 'x' },
  ],
};
const glass = { accounts: ['local:alice'], clients: ['cli'], owner: 'Alice', expires_at: SOON };
const ignored = (names) => Object.fromEntries(names.map((name) => [name, { good: [0, 'x', null, {}], bad: [] }]));
const policyMembers = {
  default: { good: ['enforced', 'report_only'], bad: ['allow', '', 7, null] },
  reason: { good: plain(500).good, bad: [...plain(500).bad, null] },
  contact: orNull(plain(100)),
  access_requests: flag,
  help_uri: { good: webAddress.good.filter((uri) => uri === null || uri.startsWith('https:')), bad: [...webAddress.bad, 'http://127.0.0.1:3000/'] },
  longest_exception_days: count(1, 366),
  networks: {
    good: [{}, { a: ['192.0.2.0/24'] }, { a: ['2001:db8::/32', 'AS64500'], b: null }, null],
    bad: [[], 7, { A: ['AS1'] }, { a: [] }, { a: 'AS1' }, { a: ['192.0.2.0'] }, { a: ['AS1', 'AS1'] }, { a: [7] }, Object.fromEntries(Array.from({ length: 51 }, (_, at) => [`n${at}`, ['AS1']]))],
  },
  break_glass: {
    good: [glass, { ...glass, accounts: Array.from({ length: 20 }, (_, at) => `local:a${at}`) }, null],
    bad: [{}, [], 7, ...Object.keys(glass).flatMap((name) => [{ ...glass, [name]: undefined }, { ...glass, [name]: null }]), { ...glass, accounts: [] }, { ...glass, clients: Array.from({ length: 21 }, (_, at) => `c${at}`) }, { ...glass, more: 1 }, { ...glass, owner: '' }],
  },
  rules: { good: [[], null, ...policyRules.good.map((rule) => [rule]), Array.from({ length: 200 }, (_, at) => ({ ...allow, id: `r${at}` }))], bad: [{}, 7, allow, ...policyRules.bad.map((rule) => [rule]), Array.from({ length: 201 }, (_, at) => ({ ...allow, id: `r${at}` }))] },
  ...ignored(['version', 'revision', 'author', 'changed_at', 'protects', 'warnings', 'changes']),
};
const exceptionMembers = {
  id: policyNames,
  when: { good: conditions.good, bad: [...conditions.bad, null] },
  lifts: { good: [['far'], null], bad: [[], ['Far'], ['far', 'far'], 'far', [7]] },
  owner: { good: plain(100).good, bad: [...plain(100).bad, null] },
  reason: { good: plain(500).good, bad: [...plain(500).bad, null] },
  ticket: { good: plain(100).good, bad: [...plain(100).bad, null] },
  expires_at: { good: [SOON], bad: [...instants.bad, null] },
  ...ignored(['created_by', 'created_at', 'changed_at', 'version', 'renewals', 'wide', 'is_live', 'warnings']),
};
const required = (names) => ({ good: [{}], bad: [{ more: 1 }, ...names.map((name) => ({ [name]: undefined }))] });

const TARGET = { client: 'nobody' };
/** The members of a target. Each is tried together with the client. */
const targets = {
  client: { good: ['x', 'a b', long(256)], bad: ['', 'é', long(257), 7] },
  account: { good: ['local:bob', 'oidc:corp:7', null], bad: ['bob', '', 7] },
  approval: { good: ['x', long(256), null], bad: ['', 'é', long(257), 7] },
  code: { good: ['Nxvc8M651XU-z9cH8HjBSA', 'BCDF-GHJK', 'bcdf/ghjk', null], bad: ['', 'x', 'BCDF-GHJK'.repeat(8), 7] },
  country: { good: ['DE', 'XX', 'T1', null], bad: ['de', 'DEU', '', 7] },
  asn: { good: ['AS64500', null], bad: ['64500', 'AS', 'as1', 64_500] },
  networks: {
    good: [['192.0.2.7'], ['192.0.2.0/24', '192.0.2.7/32'], ['2001:db8:1::/48', '2001:db8:1:200::/56', '2001:db8::1'], null],
    bad: [[], ['x'], ['192.0.2.0/23'], ['192.0.2.7', '192.0.2.7'], '192.0.2.7', [7], Array.from({ length: 51 }, (_, at) => `192.0.2.${at}`)],
  },
  started: {
    good: [{ from: inDays(-1), to: inDays(1) }, null],
    bad: [{}, { from: inDays(-1) }, { to: inDays(1) }, { from: 'x', to: inDays(1) }, { from: inDays(-1), to: inDays(1), more: 1 }, 7],
  },
};
const targetsOf = (kind) => Object.entries(targets).flatMap(([name, values]) => values[kind].map((value) => ({ ...TARGET, [name]: value })));
const killMembers = {
  id: { good: policyNames.good, bad: [...policyNames.bad, null] },
  target: { good: targetsOf('good'), bad: [...targetsOf('bad'), {}, { client: null }, { more: 1 }, [], 7, null] },
  reason: { good: plain(500).good, bad: [...plain(500).bad, null] },
  until: { good: [SOON], bad: [...instants.bad, null] },
};

// --- Requests ---

/** Every request: its schema, a base that every body includes, its members, whole bodies, and how to send it. */
const requests = {
  createClient: { schema: 'NewClient', base: { client_name: 'TV' }, members, together, send: (body) => admin.ask('POST', '/clients?dry_run=true', body) },
  replaceClient: {
    schema: 'NewClient', base: { client_name: 'TV' }, members: without(members, 'client_id'), together,
    send: (body) => admin.ask('PUT', '/clients/tried?dry_run=true', { ...body, ifMatch: '*' }),
  },
  changeClient: {
    schema: 'ClientPatch', base: {}, members: without(members, 'client_id'),
    together: { good: together.good, bad: [{ client_name: null }, { client_secret: 'x' }, { response_types: [] }] },
    send: (body) => admin.ask('PATCH', '/clients/tried?dry_run=true', { ...body, ifMatch: '*' }),
  },
  rotateClientSecret: {
    schema: 'Overlap', base: {}, members: { overlap: count(0, 2_592_000) }, together: { good: [{}], bad: [{ forever: true }] },
    send: (body) => admin.ask('POST', '/clients/tried/secret', body),
  },
  describeScope: {
    schema: 'ScopeDescription', base: { description: 'Fly' },
    members: { description: plain(200), name: { good: ['fly', null], bad: [7, ['fly'], {}] }, standard: { good: [true, 'x', null], bad: [] }, sign_in: { good: [...members.sign_in.good, null], bad: members.sign_in.bad } },
    together: { good: [{}], bad: [{ description: undefined }, { description: null }, { colour: 1 }] },
    send: (body) => admin.ask('PUT', '/scopes/fly?dry_run=true', body),
  },
  allowDocument: {
    schema: 'DocumentTerms', base: { scope: 'openid' },
    members: {
      entry: { good: ['tool.example.com', null], bad: [7, ['tool.example.com'], {}] },
      scope: { good: ['openid', 'email openid'], bad: ['', ' ', 'a"b', 'a\\b', 'é', 7, null] },
      audience: { good: [...members.audience.good, null], bad: members.audience.bad },
      enabled: { good: [true, false, null], bad: ['yes', 0, {}] },
    },
    together: { good: [{}], bad: [{ scope: undefined }, { policy: [] }] },
    send: (body) => admin.ask('PUT', '/documents/tool.example.com?dry_run=true', body),
  },
  putInventoryEntry: {
    schema: 'InventoryAssignment', base: { accounts: ['local:alice'] },
    members: {
      identifier: { good: ['SN-0042-AB17', 'sn0042ab17', null], bad: [7, ['SN0042AB17'], {}] },
      accounts: { good: [['local:alice'], ['local:alice', 'local:bob']], bad: ['local:alice', ['alice'], ['local:alice', 'local:alice'], [7], {}] },
      groups: { good: [['local:staff'], [], null], bad: ['local:staff', ['staff'], ['local:staff', 'local:staff'], [7], {}] },
      note: { good: [...plain(300).good, null], bad: plain(300).bad },
    },
    together: { good: [{ groups: ['local:staff'], accounts: [] }, { groups: ['local:staff'], accounts: undefined }], bad: [{ accounts: undefined }, { accounts: [] }, { accounts: null }, { colour: 1 }] },
    send: (body) => admin.ask('PUT', '/inventory/SN0042AB17', body),
  },
  mapScopeClaims: {
    schema: 'ScopeClaims', base: { claims: [] }, members: { claims: { good: claims.good, bad: [...claims.bad, null] } },
    together: { good: [{}], bad: [{ claims: undefined }, { more: 1 }] },
    send: (body) => admin.ask('PUT', '/scopes/fly/claims', body),
  },
  tryTokens: {
    schema: 'TokenTrial', base: { client_id: 'demo-tv', account: 'alice' },
    members: {
      client_id: { good: ['demo-tv'], bad: ['', null, 7] },
      account: { good: ['alice', 'bob'], bad: ['', null, 7] },
      scope: scopes,
      resource: { good: ['https://api.example', '', 'x', [], ['a', 'b'], Array.from({ length: 20 }, (_, at) => `${at}`), null], bad: [7, {}, [7], ['a', 'a'], Array.from({ length: 21 }, (_, at) => `${at}`)] },
    },
    together: { good: [{}], bad: [{ client_id: undefined }, { account: undefined }, { password: 'x' }] },
    send: (body) => admin.ask('POST', '/dry-run', body),
  },
  importKey: {
    schema: 'KeyImport', base: { alg: 'ES256' }, members: {},
    together: { good: [], bad: [{}] },
    send: (body) => admin.ask('POST', '/keys', body),
  },
  rotateKeys: {
    schema: 'KeyRotation', base: {},
    members: { alg: { good: ['ES256', null], bad: ['none', '', 7, ['ES256']] }, at_once: { good: [false, true, null], bad: ['true', 1, []] } },
    together: { good: [{}], bad: [{ more: 1 }] },
    send: (body) => admin.ask('POST', '/keys/rotate', body),
  },
  createAccount: {
    schema: 'NewAccount', base: { username: 'carol' },
    members: {
      username: plain(64), name: orNull(plain(100)),
      email: { good: ['a@b', 'carol@example.com', `${long(244)}@a.example`, null], bad: ['', 'carol', '@b', 'a@', 'a@b@c', 'a b@c', 7] },
      groups: orNull(localGroups),
    },
    together: { good: [{}], bad: [{ username: undefined }, { username: null }, { password: 'x' }] },
    send: (body) => admin.ask('POST', '/accounts?dry_run=true', body),
  },
  setGroups: {
    schema: 'LocalGroups', base: { groups: [] }, members: { groups: { good: localGroups.good.filter((groups) => groups !== null), bad: [...localGroups.bad, null] } },
    together: { good: [{}], bad: [{ groups: undefined }, { more: 1 }] },
    send: (body) => admin.ask('PUT', '/accounts/local:tried/groups', body),
  },
  blockAccount: {
    schema: 'Block', base: {}, members: { why: orNull(plain(200)) }, together: { good: [{}], bad: [{ more: 1 }] },
    send: (body) => admin.ask('POST', '/accounts/local:tried/block', body),
  },
  unblockAccount: {
    schema: 'Nothing', base: {}, members: {}, together: { good: [{}], bad: [{ more: 1 }] },
    send: (body) => admin.ask('POST', '/accounts/local:tried/unblock', body),
  },
  endDevices: {
    schema: 'DeviceSelection', base: {},
    members: {
      ids: { good: [[], ['x', 'y'], null], bad: ['x', [''], ['x', 'x'], [7], Array.from({ length: 101 }, (_, at) => `${at}`)] },
      client_id: orNull({ good: ['x', long(256)], bad: ['', long(257), 7] }), approval_id: orNull({ good: ['x', long(256)], bad: ['', long(257), 7] }),
      country: orNull({ good: ['FR', 'T1'], bad: ['fr', 'FRA', '', 7] }), asn: count(1, 4_294_967_295), from: count(0, 253_402_300_799), to: count(0, 253_402_300_799),
    },
    together: { good: [{}], bad: [{ more: 1 }] },
    send: (body) => admin.ask('POST', '/accounts/local:tried/devices/end?dry_run=true', body),
  },
  endSessions: {
    schema: 'Nothing', base: {}, members: {}, together: { good: [{}], bad: [{ more: 1 }] },
    send: (body) => admin.ask('POST', '/accounts/local:tried/sessions/end?dry_run=true', body),
  },
  endAllDevices: {
    schema: 'DevicesOfAll', base: { country: 'FR' },
    members: {
      account: orNull({ good: ['local:alice', 'oidc:corp:7', 'access:7'], bad: [7, ['local:alice']] }),
      ids: { good: [[], ['x', 'y'], null], bad: ['x', [''], ['x', 'x'], [7], Array.from({ length: 101 }, (_, at) => `${at}`)] },
      client_id: orNull({ good: ['x', long(256)], bad: ['', long(257), 7] }), approval_id: orNull({ good: ['x', long(256)], bad: ['', long(257), 7] }),
      country: { good: ['FR', 'T1'], bad: ['fr', 'FRA', '', 7] }, asn: count(1, 4_294_967_295), from: count(0, 253_402_300_799), to: count(0, 253_402_300_799),
    },
    together: { good: [{}, { country: null, asn: 1 }], bad: [{ more: 1 }, { country: null }, { country: undefined }] },
    send: (body) => admin.ask('POST', '/devices/end?dry_run=true', body),
  },
  endAllSessions: {
    schema: 'SessionsOfAll', base: { country: 'FR' },
    members: {
      account: orNull({ good: ['local:alice'], bad: [7] }), provider: orNull({ good: ['corp', long(256)], bad: ['', long(257), 7] }),
      country: { good: ['FR', 'T1'], bad: ['fr', 'FRA', '', 7] }, asn: count(1, 4_294_967_295), from: count(0, 253_402_300_799), to: count(0, 253_402_300_799),
    },
    together: { good: [{}, { country: null, asn: 1 }], bad: [{ more: 1 }, { country: null }, { country: undefined }, { client_id: 'x' }] },
    send: (body) => admin.ask('POST', '/sessions/end?dry_run=true', body),
  },
  createAdminToken: {
    schema: 'NewAdminToken', base: { id: 'ci', owner: 'Team', scopes: ['read'] },
    members: {
      id: { good: ['a', '0', 'ci-2', long(64)], bad: ['', '-a', 'CI', 'a b', 'a_b', 'é', long(65), 7, null] },
      owner: plain(100),
      scopes: {
        good: [['read'], ['tokens', 'read', 'events', 'clients', 'people', 'providers', 'policy', 'keys']],
        bad: [[], ['read', 'read'], ['all'], ['Read'], 'read', [7], null],
      },
      lifetime: count(60, 31_536_000),
    },
    together: { good: [{}], bad: [{ id: undefined }, { owner: undefined }, { scopes: undefined }, { token: 'x' }] },
    send: (body) => admin.ask('POST', '/tokens?dry_run=true', body),
  },
  createInvitation: {
    schema: 'NewInvitation', base: {},
    members: {
      kind: { good: ['account', 'first_administrator', null], bad: ['', 'guest', 'Account', 7, ['account']] },
      username: orNull(plain(64)),
      groups: {
        good: [[], ['local:staff'], ['local:Team №2 📺', 'local:a:b'], [`local:${long(122)}`], Array.from({ length: 20 }, (_, at) => `local:${at}`), null],
        bad: ['local:staff', ['staff'], ['entra:staff'], ['local:'], ['local: a'], ['local:a\u202eb'], [`local:${long(123)}`], ['local:a', 'local:a'], [7], Array.from({ length: 21 }, (_, at) => `local:${at}`), {}],
      },
      uses: count(1, 100),
      lifetime: count(60, 2_592_000),
    },
    together: {
      good: [
        {}, { username: 'carol', uses: 1 }, { username: 'carol', uses: null, groups: ['local:staff'] }, { kind: 'recovery', username: 'alice' },
        { kind: 'recovery', username: 'alice', uses: 1, groups: null, lifetime: 604_800 }, { kind: 'first_administrator', lifetime: 1_800, uses: 1, username: null },
      ],
      bad: [
        { username: 'carol', uses: 2 }, { kind: 'recovery' }, { kind: 'recovery', username: null }, { kind: 'recovery', username: 'alice', uses: 2 },
        { kind: 'recovery', username: 'alice', groups: [] }, { kind: 'recovery', username: 'alice', lifetime: 604_801 }, { kind: 'first_administrator', lifetime: 1_801 },
        { kind: 'first_administrator', username: 'root' }, { kind: 'first_administrator', groups: ['local:a'] }, { kind: 'first_administrator', uses: 2 }, { secret: 'x' },
      ],
    },
    send: (body) => admin.ask('POST', '/invitations?dry_run=true', body),
  },
};

Object.assign(requests, {
  createProvider: {
    schema: 'NewProvider', base: { ...PROVIDER, id: 'new' },
    members: {
      ...providerMembers,
      id: { good: ['0', 'entra-id', 'a-', long(32)], bad: [...providerMembers.id.bad, null] },
      issuer: {
        good: ['https://id.example:8443/realms/staff', 'https://tenant.eu.auth0.com/', 'http://127.0.0.1:4000', 'https://login.microsoftonline.com/1/v2.0', 'https://login.microsoftonline.com/commons', `https://a.example/${long(494)}`],
        bad: providerMembers.issuer.bad,
      },
      claims: { good: [...providerMembers.claims.good, ...claim('subject', paths).good], bad: [...providerMembers.claims.bad, ...claim('subject', paths).bad] },
    },
    together: { good: providersTogether.good, bad: [...providersTogether.bad, { id: undefined }, { client_secret: undefined }, { client_secret: null }] },
    send: (body) => admin.ask('POST', '/providers?dry_run=true', body),
  },
  replaceProvider: {
    schema: 'ProviderReplacement', base: without(PROVIDER, 'client_secret'), members: { ...providerMembers, id: orNull(providerMembers.id), client_secret: orNull(providerMembers.client_secret) }, together: providersTogether,
    send: (body) => admin.ask('PUT', '/providers/tried?dry_run=true', { ...body, ifMatch: '*' }),
  },
  changeProvider: {
    schema: 'ProviderPatch', base: {},
    members: { ...providerMembers, id: orNull(providerMembers.id), client_secret: orNull(providerMembers.client_secret), token_endpoint_auth_signing_alg: { beside: withKey, ...ALGORITHMS } },
    together: { good: [{}, withKey, { ...withKey, token_endpoint_auth_signing_alg: 'PS256' }], bad: [{ name: null }, { issuer: null }, { client_id: null }, { secret: 'x' }] },
    send: (body) => admin.ask('PATCH', '/providers/tried?dry_run=true', { ...body, ifMatch: '*' }),
  },
});

const WEBHOOK = { id: 'tried', kind: 'webhook', url: 'https://siem.example/events' };
const SIGNALS = { id: 'new', kind: 'shared_signals', url: 'https://siem.example/events', audience: 'https://siem.example' };
const destinationMembers = {
  id: { good: ['a', '0', 'siem-1', long(64)], bad: ['', '-a', 'A', 'a b', long(65), 7, ['a'], null] },
  kind: { good: ['webhook'], bad: ['', 'other', 7, null, ['webhook']] },
  url: {
    good: ['https://siem.example/', 'https://siem.example:8443/a/b;c=1,%C3%A9', 'http://127.0.0.1:3000/x', 'http://localhost/x', `https://siem.example/${long(235)}`],
    bad: ['', 'https://siem.example', 'ftp://siem.example/', 'https://siem.example/?a', 'https://siem.example/#a', 'https://a@siem.example/', 'https://siem.example/a b', `https://siem.example/${long(236)}`, 7, null],
  },
  enabled: flag,
  warnings: flag,
  what: { good: [[], ['approved', 'alert_opened'], ['signed_in'], null], bad: [['other'], ['approved', 'approved'], 'approved', [7]] },
  outcomes: { good: [[], ['granted', 'noted'], null], bad: [['other'], ['granted', 'granted'], 'granted', [7]] },
  clients: list({ good: ['photo-cli', 'a b', 'https://a.example/x'], bad: ['', 'é', long(257), 7] }, 100),
};
const audiences = { good: ['a', 'https://siem.example', long(1_000)], bad: ['', 'a b', 'é', long(1_001), 7, null] };
const authorizations = { good: ['Bearer x', 'x', long(1_000), null], bad: ['', ' x', 'x ', 'é', 'a\nb', long(1_001), 7] };
Object.assign(destinationMembers, {
  audience: { beside: { kind: 'shared_signals' }, ...audiences },
  authorization: { beside: { kind: 'shared_signals', audience: 'https://siem.example' }, ...authorizations },
});
const destinationsTogether = {
  good: [{}, without(SIGNALS, 'id'), { ...without(SIGNALS, 'id'), authorization: 'Bearer x' }],
  bad: [{ audience: 'x' }, { authorization: 'x' }, { ...without(SIGNALS, 'id'), audience: undefined }, { version: 1 }, { secret: 'x' }, { url: undefined }, { kind: undefined }],
};

Object.assign(requests, {
  createDestination: {
    schema: 'NewDestination', base: { ...WEBHOOK, id: 'new' }, members: destinationMembers,
    together: { ...destinationsTogether, bad: [...destinationsTogether.bad, { id: undefined }] },
    send: (body) => admin.ask('POST', '/destinations?dry_run=true', body),
  },
  replaceDestination: {
    schema: 'DestinationReplacement', base: without(WEBHOOK, 'id'), members: { ...destinationMembers, id: { good: ['tried', null], bad: ['', 'A', 7] } },
    together: { good: [{}, { id: undefined }], bad: destinationsTogether.bad },
    // A destination keeps its kind.
    send: (body) => admin.ask('PUT', `/destinations/${body.raw.includes('"kind":"shared_signals"') ? 'signals' : 'tried'}?dry_run=true`, { ...body, ifMatch: '*' }),
  },
});

Object.assign(requests, {
  replacePolicy: {
    schema: 'NewPolicy', base: without(POLICY, 'rules'), members: policyMembers, together: required(['default', 'reason']),
    send: (body) => admin.ask('PUT', '/policy?dry_run=true', { ...body, ifMatch: '*' }),
  },
  askPolicy: {
    schema: 'PolicyQuestion', base: { days: 1 },
    members: {
      policy: { good: [without(POLICY, 'rules'), null], bad: [7, [], {}, { ...POLICY, default: 'no' }, { ...POLICY, reason: undefined }, { ...POLICY, rules: [{ id: 'x' }] }] },
      exceptions: {
        good: [[], [{ when: { clients: ['cli'] } }], [{ when: { clients: ['cli'] }, id: 'x', lifts: null, owner: null, reason: null, ticket: null, expires_at: null }], null],
        bad: [7, {}, [7], [{}], [{ when: {} }], [{ when: { clients: ['cli'] }, id: 'A' }], [{ when: { clients: ['cli'] }, more: 1 }], Array.from({ length: 51 }, () => ({ when: { clients: ['cli'] } }))],
      },
      request: {
        beside: { days: undefined },
        good: [
          {}, { client_id: 'absent', scope: 'openid', account: 'local:absent', groups: [], verdict: 'far', same_device: true, first: [], web_page: false, at: inDays(1) },
          { client_id: null, scope: null, account: null, groups: null, sign_in: null, device: null, person: null, verdict: null, same_device: null, first: null, web_page: null, at: null },
          { device: {}, person: { country: 'T1', region: 'x', asn: 'AS64500', address: '2001:db8::1', kind: 'computer', managed: true }, sign_in: {} },
          { device: { country: null, region: null, asn: null, address: null, kind: null, managed: null }, sign_in: { age: null, acr: null, amr: null, phishing_resistant: null } },
          { groups: ['local:staff'], first: ['person', 'place'], sign_in: { age: 60, acr: 'phr', amr: ['swk'], phishing_resistant: true } },
        ],
        bad: [
          7, [], { more: 1 }, { client_id: '' }, { scope: 'a"b' }, { account: 'alice' }, { groups: ['staff'] }, { verdict: 'close' }, { same_device: 'yes' }, { first: ['time'] }, { first: ['person', 'person'] },
          { device: { country: 'de' } }, { device: { region: '' } }, { device: { asn: 64_500 } }, { device: { address: 'x' } }, { device: { kind: 'toaster' } }, { device: { managed: 1 } }, { device: { more: 1 } }, { person: 7 },
          { sign_in: { age: -1 } }, { sign_in: { acr: '' } }, { sign_in: { amr: [''] } }, { sign_in: { phishing_resistant: 'yes' } }, { at: 'now' },
        ],
      },
      event: { beside: { days: undefined }, good: [], bad: ['', 'weur', 'weur 3/17', `${long(100)}/1`, 7, null] },
      at: { good: [null], bad: [SOON, 7] },
      days: { good: [1, 90], bad: [0, 91, 1.5, '1', null] },
      cursor: { good: [null], bad: ['', '!', 7] },
    },
    together: { good: [{}], bad: [{ days: undefined }, { request: {} }, { more: 1 }] },
    send: (body) => admin.ask('POST', '/policy/what-if', body),
  },
  rollBackPolicy: {
    schema: 'PolicyRollback', base: { version: 1, reason: 'A test' },
    members: { version: { good: [1], bad: [0, 4_294_967_296, 1.5, '1', null] }, reason: policyMembers.reason }, together: required(['version', 'reason']),
    send: (body) => admin.ask('POST', '/policy/rollback?dry_run=true', { ...body, ifMatch: '*' }),
  },
  createException: {
    schema: 'NewException', base: { ...EXCEPTION, id: 'new' }, members: { ...exceptionMembers, id: { good: exceptionMembers.id.good, bad: [...exceptionMembers.id.bad, null] } },
    together: required(['id', 'when', 'owner', 'reason', 'ticket', 'expires_at']),
    send: (body) => admin.ask('POST', '/exceptions?dry_run=true', body),
  },
  replaceException: {
    schema: 'ExceptionReplacement', base: EXCEPTION, members: { ...exceptionMembers, id: { good: ['tried', null], bad: policyNames.bad } },
    together: { good: [{}, { id: undefined }], bad: required(['when', 'owner', 'reason', 'ticket', 'expires_at']).bad },
    send: (body) => admin.ask('PUT', '/exceptions/tried?dry_run=true', { ...body, ifMatch: '*' }),
  },
  renewException: {
    schema: 'ExceptionRenewal', base: { reason: 'Another', expires_at: inDays(50) },
    members: { reason: { good: plain(500).good, bad: [...plain(500).bad, null] }, expires_at: { good: [inDays(60)], bad: [...instants.bad, null] } }, together: required(['reason', 'expires_at']),
    send: (body) => admin.ask('POST', '/exceptions/tried/renew?dry_run=true', body),
  },
  setKillSwitch: {
    schema: 'NewKillSwitch', base: { id: 'new', target: TARGET, reason: 'A test', until: SOON }, members: killMembers,
    together: required(['id', 'target', 'reason', 'until']),
    send: (body) => admin.ask('POST', '/kill-switches?dry_run=true', body),
  },
  grantAccess: {
    schema: 'AccessTerms', base: { owner: 'Alice', expires_at: SOON },
    members: { owner: plain(100), reason: orNull(plain(500)), ticket: orNull(plain(100)), expires_at: { good: [SOON], bad: [...instants.bad, null] } },
    together: { good: [{}], bad: [{ expires_at: undefined }] },
    send: (body) => admin.ask('POST', `/access-requests/${asked}/grant?dry_run=true`, body),
  },
  refuseAccess: {
    schema: 'AccessRefusal', base: {}, members: { message: orNull(plain(500)) }, together: { good: [{}], bad: [{ more: 1 }] },
    send: (body) => admin.ask('POST', `/access-requests/${asked}/refuse?dry_run=true`, body),
  },
  endKillSwitch: {
    schema: 'Nothing', base: {}, members: {}, together: { good: [{}], bad: [{ more: 1 }] },
    send: async (body) => {
      await admin.ask('POST', '/kill-switches', { body: { id: 'ending', target: TARGET, reason: 'A test', until: SOON } });
      return admin.ask('POST', '/kill-switches/ending/end', body);
    },
  },
  endException: {
    schema: 'Nothing', base: {}, members: {}, together: { good: [{}], bad: [{ more: 1 }] },
    // Only one of them can end, and it ends only once.
    async send(body) {
      await admin.ask('POST', '/exceptions', { body: { ...EXCEPTION, id: 'ending' } });
      return admin.ask('POST', '/exceptions/ending/end', body);
    },
  },
});

/** Returns good and bad bodies with an operator's own keys. */
async function ownKeys() {
  const [ec, okp, rsa, other] = await Promise.all([
    own({ name: 'ECDSA', namedCurve: 'P-256' }), own({ name: 'Ed25519' }),
    own({ name: 'RSASSA-PKCS1-v1_5', modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]), hash: 'SHA-256' }), own({ name: 'ECDSA', namedCurve: 'P-256' }),
  ]);
  const { d: _, ...halfOfEc } = ec;
  const { qi: __, ...partOfRsa } = rsa;
  return {
    good: [{ jwk: ec }, { jwk: { ...okp, alg: 'Ed25519' }, alg: null, at_once: null }, { jwk: rsa, alg: 'RS256' }],
    bad: [
      { jwk: other, alg: undefined }, { jwk: other, alg: 'EdDSA' }, { jwk: { ...other, alg: 'RS256' } }, { jwk: { ...other, use: 'enc' } }, { jwk: rsa }, { jwk: okp },
      { jwk: halfOfEc }, { jwk: partOfRsa, alg: 'RS256' }, { jwk: { ...other, d: '' } }, { jwk: { ...other, d: '!' } }, { jwk: { ...other, crv: 'P-384' } }, { jwk: { ...other, kty: 'oct' } },
      { jwk: 'key' }, { jwk: null }, { jwk: [] }, { jwk: other, at_once: 'yes' }, { jwk: other, alg: 'none' }, { jwk: other, more: 1 },
    ],
    misfit: { ...other, d: ec.d },
  };

  async function own(algorithm) {
    const { privateKey } = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
    const { key_ops: _, ext: __, alg: ___, ...jwk } = await crypto.subtle.exportKey('jwk', privateKey);
    for (const name of ['d', 'p', 'q', 'dp', 'dq', 'qi']) keepSecret('a private key of the operator', jwk[name]);
    return jwk;
  }
}

/** Bodies that the schema judges wrongly, because it cannot express a rule. `takes`: whether the server accepts it. */
const inexpressible = [
  ...each(['grantAccess'], [{ why: 'only a named admin token has an owner', body: { owner: null } }]),
  ...each(['createDestination', 'replaceDestination'], [
    { why: 'names of private networks are more than a pattern should say', body: { url: 'https://host.internal/' } },
    { why: 'a port is more than a pattern should say', body: { url: 'https://siem.example:0/' } },
  ]),
  ...each(['endAllDevices', 'endAllSessions'], [{ why: 'the key of an account depends on the providers', body: { account: 'alice' } }]),
  ...each(['createClient', 'replaceClient', 'changeClient'], [
    { why: 'JSON Schema cannot compare two numbers', body: { code_lifetime: 10, polling_interval: 10 } },
    { why: 'JSON Schema cannot compare two numbers', body: { refresh_token_idle_lifetime: 61, refresh_token_lifetime: 60 } },
    { why: 'JSON Schema cannot add up lengths', body: { audience: Array.from({ length: 9 }, (_, at) => `a:${at}${long(500)}`) } },
    { why: 'the set of described scopes changes', body: { scope: 'openid undescribed' } },
    { why: 'JSON Schema measures texts in characters, the server in bytes', body: { contacts: [`${long(130, 'é')}@a.example`] } },
    { why: 'JSON Schema measures texts in characters, the server in bytes', body: { token_endpoint_auth_method: 'tls_client_auth', tls_client_auth_subject_dn: `CN=${long(300, 'é')}` } },
    { why: 'JSON Schema measures only texts', body: { claims: [{ claim: 'x', value: { y: long(1022) } }] } },
  ]),
  ...each(['replaceClient', 'changeClient'], [{ why: 'it depends on the address', body: { client_id: 'another' } }]),
  ...each(['changeClient'], [
    { why: 'it depends on the patched client', body: { token_endpoint_auth_method: 'private_key_jwt' } },
    { why: 'it depends on the patched client', body: { jwks: {} } },
  ]),
  ...each(['replaceProvider', 'changeProvider'], [{ why: 'it depends on the address', body: { id: 'another' } }]),
  ...each(['changeProvider'], [
    { why: 'it depends on the patched provider', body: { token_endpoint_auth_method: 'private_key_jwt', client_secret: 'x' } },
    { why: 'it depends on the patched provider', body: { token_endpoint_auth_signing_alg: 'ES256' } },
  ]),
  ...each(['describeScope'], [{ why: 'it depends on the address', body: { name: 'another' } }]),
  ...each(['replacePolicy'], [
    { why: 'JSON Schema cannot compare the members of entries', body: { rules: [allow, allow] } },
    { why: 'JSON Schema cannot compare with a name elsewhere', body: { rules: [{ ...allow, when: { device: { networks: ['home'] } } }] } },
    { why: 'no portable pattern says which bits of an address are set', body: { networks: { a: ['192.0.2.1/24'] } } },
    { why: 'the key of an account depends on the providers', body: { rules: [{ ...allow, when: { accounts: ['oidc:7'] } }] } },
    { why: 'no pattern knows the calendar', body: { break_glass: { ...glass, expires_at: '2027-02-30T00:00:00Z' } } },
    { why: 'it depends on the time', body: { break_glass: { ...glass, expires_at: inDays(400) } } },
    { why: 'JSON Schema cannot compare two texts', body: { rules: [{ ...allow, when: { time: { not_before: inDays(2), before: inDays(1) } } }] } },
    { why: 'it depends on what the rules mean', body: { rules: [allow, { ...allow, id: 'y', effect: 'deny', when: { groups: ['local:administrators'] } }] } },
  ]),
  ...each(['askPolicy'], [
    { why: 'it depends on what the ledgers have', body: { days: undefined, event: 'weur/3/17' } },
    { why: 'only a text from an answer is a cursor', body: { cursor: 'eHg' } },
    { why: 'no pattern says what an address is', body: { days: undefined, request: { device: { address: '1.2.3' } } } },
    { why: 'it depends on the policy', body: { exceptions: [{ when: { clients: ['cli'] }, lifts: ['absent'] }] } },
  ]),
  ...each(['rollBackPolicy'], [{ why: 'it depends on the versions that are kept', body: { version: 99 } }]),
  ...each(['createException', 'replaceException'], [
    { why: 'it depends on the policy', body: { lifts: ['near'] } },
    { why: 'it depends on the time', body: { expires_at: inDays(-1) } },
    { why: 'it depends on the policy', body: { expires_at: inDays(91) } },
  ]),
  ...each(['replaceException'], [{ why: 'it depends on the address', body: { id: 'another' } }]),
  ...each(['renewException'], [{ why: 'it depends on the exception', body: { reason: 'A test' } }, { why: 'it depends on the exception', body: { expires_at: inDays(39) } }]),
  ...each(['allowDocument'], [{ why: 'it depends on the address', body: { entry: 'another.example.com' } }, { why: 'the set of described scopes changes', body: { scope: 'openid undescribed' } }, { why: 'JSON Schema cannot add up lengths', body: { audience: Array.from({ length: 9 }, (_, at) => `a:${at}${long(500)}`) } }]),
  ...each(['createInvitation'], [
    { why: 'the set of accounts changes', body: { kind: 'recovery', username: 'absent' } },
    { why: 'no portable pattern names every character that cannot be seen', body: { groups: ['local:a\u0378b'] } },
  ]),
  ...each(['tryTokens'], [{ why: 'the set of clients changes', body: { client_id: 'absent' } }, { why: 'the set of accounts changes', body: { account: 'absent' } }]),
];

for (const [operationId, { schema, base, members, together, send }] of Object.entries(requests)) {
  test(`${operationId} accepts and refuses the same bodies as ${schema}`, async () => {
    const cases = [
      ...Object.entries(members).flatMap(([name, { beside, good, bad }]) => [
        ...good.map((value) => [true, { ...base, ...beside, [name]: value }]), ...bad.map((value) => [false, { ...base, ...beside, [name]: value }]),
      ]),
      ...together.good.map((body) => [true, { ...base, ...body }]), ...together.bad.map((body) => [false, { ...base, ...body }]),
    ];
    if (operationId === 'importKey') {
      const { good, bad } = await ownKeys();
      cases.push(...good.map((body) => [true, { ...base, ...body }]), ...bad.map((body) => [false, { ...base, ...body }]));
    }
    const wrong = [];
    for (const [isGood, body] of cases) {
      const said = judge(schema, JSON.parse(JSON.stringify(body)));
      const taken = await takes(send, body);
      if ((said === undefined) !== isGood || taken !== isGood) {
        wrong.push(`${short(body)} should be ${isGood ? 'good' : 'bad'}: the document ${said === undefined ? 'accepts' : 'refuses'}, the server ${taken ? 'accepts' : 'refuses'} it`);
      }
    }
    assert.deepEqual(wrong, []);
  });
}

test('the rules that the document cannot express are few, and listed here', async () => {
  const wrong = [];
  for (const { operationId, why, body, raw = (text) => text, takes: taken = false } of inexpressible) {
    const { schema, base, send } = requests[operationId];
    const whole = { ...base, ...body };
    const accepted = judge(schema, whole) === undefined;
    if (accepted === taken) wrong.push(`${operationId} ${short(body)} is judged correctly, although ${why}`);
    if ((await takes(send, whole, raw)) !== taken) wrong.push(`${operationId} ${short(body)} is ${taken ? 'refused' : 'accepted'} by the server: ${why}`);
  }
  assert.deepEqual(wrong, []);

  // A schema cannot see whether the private and public parts of a key belong together.
  const { misfit } = await ownKeys();
  const { schema, send } = requests.importKey;
  assert.deepEqual([judge(schema, { jwk: misfit, alg: 'ES256' }), await takes(send, { jwk: misfit, alg: 'ES256' })], [undefined, false]);
});

test('every member of every documented request is tried', () => {
  const sent = operations.filter(({ operation }) => operation.requestBody).map(({ operation }) => operation);
  assert.deepEqual(sent.map(({ operationId }) => operationId).sort(), Object.keys(requests).sort());
  for (const { operationId, requestBody } of sent) {
    const { schema, members } = requests[operationId];
    for (const { schema: described } of Object.values(requestBody.content)) assert.equal(described.$ref, `#/components/schemas/${schema}`);
    // The members of an imported key are tried together.
    const tried = operationId === 'importKey' ? ['jwk', 'alg', 'at_once'] : [...Object.keys(members), ...(members === requests.replaceClient.members || schema === 'ClientPatch' ? ['client_id'] : [])];
    assert.deepEqual(tried.sort(), everyMember(resolved({ $ref: `#/components/schemas/${schema}` })).sort(), operationId);
  }
  const { ClientMembers, NewClient, ClientMetadata } = document.components.schemas;
  const sendable = [...Object.keys(ClientMembers.properties), ...Object.keys(NewClient.properties)];
  assert.deepEqual(sendable.sort(), Object.keys(ClientMetadata.properties).sort(), 'every member of an answer may be sent');
});

/** Returns the names of all members of a schema, including those of the schemas that it combines or chooses from. */
function everyMember({ properties = {}, allOf = [], oneOf = [] }) {
  const references = allOf.filter(({ $ref }) => $ref).map(resolved);
  const alternatives = oneOf.map((one) => resolved(one));
  return [...new Set([...Object.keys(properties), ...[...references, ...alternatives].flatMap(everyMember)])];
}

/** Returns whether the server accepts a body. Fails the test on any answer but acceptance or refusal of the body. */
async function takes(send, body, raw = (text) => text) {
  // The log can contain the tried `client_id` even if the answer, from which `Admin` learns about clients, does not.
  if (typeof body.client_id === 'string') knowClient(body.client_id);
  const { status, body: answer } = await send({ raw: raw(JSON.stringify(body)), type: 'application/json' });
  assert.ok([200, 201, 400, 422].includes(status), `${status} ${JSON.stringify(answer)} to ${short(body)}`);
  return status < 300;
}

function each(operationIds, cases) {
  return operationIds.flatMap((operationId) => cases.map((one) => ({ operationId, ...one })));
}

function without(members, name) {
  return Object.fromEntries(Object.entries(members).filter(([other]) => other !== name));
}

function short(body) {
  const text = JSON.stringify(body);
  return text.length > 160 ? `${text.slice(0, 160)}… (${text.length})` : text;
}
