// The OpenAPI document is valid, and describes the admin API correctly.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Validator } from '@seriousme/openapi-schema-validator';
import { ADMIN_TOKEN, Admin } from './support/admin.mjs';
import { ASKING, asksForAccess } from './support/asking.mjs';
import { accounts } from './support/config.mjs';
import { DEVICE_GRANT, Device } from './support/device.mjs';
import { startWorkerd } from './support/harness.mjs';
import { document, operationOf, operations, resolved } from './support/openapi.mjs';
import { from } from './support/places.mjs';
import { endDiscreetly, keepSecret } from './support/secrets.mjs';

let server;
before(async () => {
  // So that the first page has all live codes.
  server = await startWorkerd({ vars: { SHARDS_PER_REGION: '1' } });
});
after(() => endDiscreetly(server));

test('the document is valid OpenAPI 3.1, and every reference in it resolves', async () => {
  const { valid, errors } = await new Validator().validate(structuredClone(document));
  assert.ok(valid, JSON.stringify(errors));
  const references = JSON.stringify(document).match(/"\$ref": ?"[^"]+"/g).map((text) => JSON.parse(`{${text}}`));
  for (const reference of references) assert.ok(resolved(reference), reference.$ref);
  const used = new Set(references.map(({ $ref }) => $ref));
  for (const [kind, entries] of Object.entries(document.components)) {
    if (kind === 'securitySchemes') continue;
    // `type` in problem documents points to these, so they need no reference.
    if (kind !== 'responses') for (const name of Object.keys(entries)) assert.ok(used.has(`#/components/${kind}/${name}`), `${kind}/${name} is used`);
  }
});

test('the document is served', async () => {
  const { body } = await new Admin(server).ask('GET', '/openapi.json');
  assert.deepEqual(body, document);
});

test('every operation answers as documented, with every documented status', async () => {
  const admin = new Admin(server);
  const seen = new Set();
  const ask = async (method, path, options, as = admin) => {
    const answer = await as.ask(method, path, options);
    seen.add(`${method} ${operationOf(method, path).path} ${answer.status}`);
    return answer;
  };
  const tv = { client_id: 'tv', client_name: 'TV', grant_types: [DEVICE_GRANT], scope: 'openid fly' };
  const withBody = operations.filter(({ operation }) => operation.requestBody);
  const address = ({ path }) => path.replace('{client_id}', 'demo-tv').replace('{name}', 'openid').replace('{kid}', 'absent').replace('{account}', 'local:carol').replace('{id}', 'tried').replace('{version}', '1').replace('{delivery}', '1').replace('{event}', 'registry%2F1');
  const conditions = { ifMatch: '*' };

  await ask('GET', '/openapi.json');
  await ask('GET', '/outboxes');
  await ask('GET', '/alerts');
  await ask('POST', '/alerts/1/close');
  await ask('GET', '/usage');
  await ask('GET', '/policy/report?by=country&days=30');
  await ask('GET', '/overview');
  await ask('GET', '/overview?days=0');
  await ask('GET', '/settings');
  await ask('GET', '/events');
  await ask('GET', '/events/registry%2F1');
  await ask('GET', '/events/registry%2F1?days=15');
  await ask('GET', '/events/export');
  await ask('GET', '/ledger/verification');
  await ask('GET', '/doctor');
  const token = { id: 'ci', owner: 'Team', scopes: ['policy'] };
  await ask('GET', '/tokens');
  await ask('POST', '/tokens?dry_run=true', { body: token });
  const named = await ask('POST', '/tokens', { body: token });
  assert.equal(named.headers.get('location'), `${server.origin}/admin/api/tokens/ci`);
  await ask('GET', '/tokens/ci');
  await ask('GET', '/tokens/absent');
  await ask('DELETE', '/tokens/absent');
  await ask('POST', '/invitations?dry_run=true', { body: {} });
  const invited = await ask('POST', '/invitations', { body: {} });
  assert.equal(invited.headers.get('location'), `${server.origin}/admin/api/invitations/${invited.body.id}`);
  await ask('GET', '/invitations');
  await ask('GET', `/invitations/${invited.body.id}`);
  await ask('GET', '/invitations/absent');
  await ask('DELETE', `/invitations/${invited.body.id}`);
  await ask('DELETE', '/invitations/absent');
  const { body: other } = await ask('POST', '/tokens', { body: { ...token, id: 'other', scopes: ['keys'] } });
  const limited = { policy: new Admin(server, { token: other.token }), others: new Admin(server, { token: named.body.token }) };
  for (const operation of operations.filter(({ statuses }) => statuses.includes(403))) {
    const isPolicy = operation.operation.security.some(({ admin_token }) => admin_token.includes('policy'));
    const { status } = await ask(operation.method.toUpperCase(), address(operation), undefined, isPolicy ? limited.policy : limited.others);
    assert.equal(status, 403, `${operation.method} ${operation.path}`);
  }
  const carol = { username: 'carol', name: 'Carol', groups: ['local:staff'] };
  await ask('POST', '/accounts?dry_run=true', { body: carol });
  await ask('POST', '/accounts', { body: carol });
  await ask('POST', '/accounts', { body: carol });
  await ask('GET', '/accounts');
  await ask('GET', '/accounts?limit=1&prefix=local:');
  for (const [method, what, body] of [
    ['GET', ''], ['PUT', '/groups', { groups: [] }], ['GET', '/devices'], ['POST', '/devices/end', { country: 'FR' }], ['GET', '/sessions'], ['POST', '/sessions/end'],
    ['POST', '/block', { why: 'left' }], ['POST', '/unblock'], ['DELETE', ''],
  ]) {
    const stale = method === 'GET' || what.endsWith('/end') ? {} : { ifMatch: '"99"' };
    await ask(method, `/accounts/local:carol${what}`, { body, ...stale });
    await ask(method, `/accounts/local:absent${what}`, { body });
    await ask(method, `/accounts/local:carol${what}`, { body });
  }
  for (const path of ['/devices', '/devices?limit=1&account=local:alice&client_id=x&approval_id=x&country=FR&asn=1&from=0&to=1', '/devices?asn=x', '/sessions', '/sessions?limit=1&account=local:alice&provider=x&country=FR&asn=1&from=0&to=1', '/sessions?to=x', '/grants', '/grants?limit=1', '/grants?limit=0']) {
    await ask('GET', path);
  }
  for (const path of ['/devices/end', '/sessions/end']) {
    for (const body of [{ country: 'FR' }, {}, { country: 'France' }]) await ask('POST', `${path}?dry_run=true`, { body });
    await ask('POST', path, { body: { account: 'local:absent' } });
  }
  const { codes } = await Device.start(server);
  assert.ok(codes);
  const { body: live } = await ask('GET', '/grants');
  await ask('DELETE', `/grants/${live.grants[0].id}`);
  await ask('DELETE', `/grants/${live.grants[0].id}`);
  for (const number of [1, 2]) await ask('PUT', `/inventory/SN-0000-000${number}`, { body: { accounts: ['local:alice'] } });
  await ask('PUT', '/inventory/SN-0000-0001', { body: { groups: ['local:staff'], note: 'On loan' } });
  await ask('PUT', '/inventory/SN-0000-0001', { body: { groups: [] } });
  await ask('GET', '/inventory?limit=1');
  await ask('GET', '/inventory?limit=0');
  await ask('GET', '/inventory/sn00000001');
  await ask('GET', '/inventory/sn00000001?more=1');
  await ask('GET', '/inventory/absent-device');
  await ask('DELETE', '/inventory/sn00000001?more=1');
  await ask('DELETE', '/inventory/sn00000001');
  await ask('DELETE', '/inventory/sn00000001');
  const entry = `/documents/${encodeURIComponent('https://tool.example.com/client.json')}`;
  await ask('GET', '/documents');
  assert.equal((await ask('PUT', entry, { body: { scope: 'openid' } })).status, 201);
  assert.equal((await ask('PUT', entry, { body: { scope: 'openid email', audience: ['https://api.example.com'], enabled: false } })).status, 200);
  await ask('GET', entry);
  await ask('GET', '/documents/absent.example.com');
  await ask('DELETE', '/documents/absent.example.com');
  for (let number = 1; number < 100; number += 1) await ask('PUT', `/documents/h${number}.example.com`, { body: { scope: 'openid' } });
  assert.equal((await ask('PUT', '/documents/h100.example.com', { body: { scope: 'openid' } })).status, 409);
  assert.equal((await ask('DELETE', entry)).status, 204);
  await ask('GET', '/scopes');
  assert.equal((await ask('PUT', '/scopes/fly', { body: { description: 'Fly' } })).status, 201);
  await ask('PUT', '/scopes/fly', { body: { description: 'Fly your drone' } });
  await ask('PUT', '/scopes/fly?dry_run=true', { body: { description: 'Fly' } });
  await ask('GET', '/scopes/fly');
  await ask('GET', '/scopes/absent');
  await ask('DELETE', '/scopes/absent');
  await ask('PUT', '/scopes/fly/claims', { body: { claims: [{ claim: 'wings', value: 2, when: { scope: 'fly' } }, { drop: 'name' }] } });
  await ask('GET', '/scopes/fly/claims');
  await ask('GET', '/scopes/absent/claims');
  await ask('PUT', '/scopes/absent/claims', { body: { claims: [] } });
  await ask('POST', '/dry-run', { body: { client_id: 'demo-tv', account: 'alice' } });
  await ask('POST', '/dry-run', { body: { client_id: 'demo-tv', account: 'alice', scope: 'fly', resource: [] } });
  const key = await ownKey();
  await ask('GET', '/keys');
  const brought = await ask('POST', '/keys', { body: { jwk: key, alg: 'ES256' } });
  await ask('POST', '/keys', { body: { jwk: key, alg: 'ES256' } });
  await ask('POST', '/keys/rotate', { body: { alg: 'EdDSA', at_once: true } });
  await ask('POST', `/keys/${brought.body.kid}/retire`);
  await ask('POST', '/keys/absent/retire');
  await ask('POST', '/clients?dry_run=true', { body: tv });
  const created = await ask('POST', '/clients', { body: tv });
  assert.equal(created.headers.get('location'), `${server.origin}/admin/api/clients/tv`);
  await ask('POST', '/clients', { body: tv });
  await ask('DELETE', '/scopes/fly');
  await ask('GET', '/clients');
  await ask('GET', '/clients?limit=1');
  await ask('GET', '/clients/tv');
  await ask('GET', '/clients/absent');
  await ask('PUT', '/clients/tv', { body: tv, ifMatch: created.etag });
  await ask('PATCH', '/clients/tv', { body: { owner: 'Team' }, ...conditions });
  await ask('POST', '/clients/tv/secret');
  await ask('POST', '/clients/tv/secret', { body: { overlap: 0 }, ...conditions });
  await ask('POST', '/clients/tv/secret', { ifMatch: created.etag });
  await ask('POST', '/clients/demo-tv/secret');
  await ask('POST', '/clients/absent/secret');
  for (const method of ['PUT', 'PATCH', 'DELETE']) {
    const body = method === 'DELETE' ? undefined : { ...tv, client_id: undefined };
    await ask(method, '/clients/tv', { body });
    await ask(method, '/clients/tv', { body, ifMatch: created.etag });
    await ask(method, '/clients/absent', { body, ...conditions });
  }
  const provider = { id: 'tried', name: 'Tried', issuer: 'https://id.example', client_id: 'a', client_secret: keepSecret('the secret of a provider', 'an-openid-provider-secret') };
  const destination = { id: 'tried', kind: 'webhook', url: `${server.origin}/nothing-here` };
  await ask('POST', '/destinations?dry_run=true', { body: destination });
  const webhook = await ask('POST', '/destinations', { body: destination });
  keepSecret('the secret of a destination', webhook.body.secret);
  await ask('POST', '/destinations', { body: destination });
  await ask('POST', '/destinations', { body: { id: 'signals', kind: 'shared_signals', url: destination.url, audience: 'https://signals.example', authorization: 'Bearer x' } });
  await ask('GET', '/destinations');
  await ask('PUT', '/destinations/tried', { body: destination, ifMatch: webhook.etag });
  await ask('PUT', '/destinations/tried', { body: destination, ifMatch: webhook.etag });
  await ask('PUT', '/destinations/tried', { body: destination });
  await ask('PUT', '/destinations/signals', { body: destination, ...conditions });
  await ask('PUT', '/destinations/signals', { body: { ...destination, id: 'signals' }, ...conditions });
  await ask('PUT', '/destinations/absent', { body: destination, ...conditions });
  keepSecret('the secret of a destination', (await ask('POST', '/destinations/tried/secret')).body.secret);
  await ask('POST', '/destinations/signals/secret');
  await ask('POST', '/destinations/tried/test');
  await ask('POST', '/destinations/signals/test');
  await ask('DELETE', '/destinations/signals');
  await ask('DELETE', '/destinations/signals', { ifMatch: '"0.0"' });
  await ask('DELETE', '/destinations/signals', conditions);
  await ask('DELETE', '/destinations/signals', conditions);
  for (const id of ['tried', 'absent']) {
    await ask('GET', `/destinations/${id}`);
    await ask('GET', `/destinations/${id}/deliveries`);
    await ask('POST', `/destinations/${id}/deliveries/resend`);
    await ask('POST', `/destinations/${id}/deliveries/1/resend`);
    await ask('DELETE', `/destinations/${id}/deliveries/1`);
    if (id === 'absent') for (const part of ['secret', 'test']) await ask('POST', `/destinations/${id}/${part}`);
  }
  await ask('POST', '/providers?dry_run=true', { body: provider });
  const added = await ask('POST', '/providers', { body: provider });
  assert.equal(added.headers.get('location'), `${server.origin}/admin/api/providers/tried`);
  await ask('POST', '/providers', { body: provider });
  await ask('GET', '/providers');
  await ask('GET', '/providers/tried');
  await ask('GET', '/providers/absent');
  await ask('PUT', '/providers/tried', { body: provider, ifMatch: added.etag });
  await ask('PATCH', '/providers/tried', { body: { order: 3, recheck_seconds: 60 }, ...conditions });
  for (const method of ['PUT', 'PATCH']) await ask(method, '/providers/tried', { body: { ...provider, issuer: 'https://other.example' }, ...conditions });
  for (const method of ['PUT', 'PATCH', 'DELETE']) {
    const body = method === 'DELETE' ? undefined : { ...provider, id: undefined };
    await ask(method, '/providers/tried', { body });
    await ask(method, '/providers/tried', { body, ifMatch: added.etag });
    await ask(method, '/providers/absent', { body, ...conditions });
  }
  const policy = { default: 'enforced', reason: 'A test', rules: [{ id: 'all', description: 'Everything', effect: 'allow' }] };
  await ask('GET', '/policy');
  await ask('PUT', '/policy', { body: policy });
  await ask('PUT', '/policy', { body: policy, ifMatch: '"99"' });
  await ask('PUT', '/policy?dry_run=true', { body: policy, ...conditions });
  await ask('PUT', '/policy', { body: policy, ...conditions });
  await ask('GET', '/policy/versions');
  await ask('GET', '/policy/versions/1');
  await ask('GET', '/policy/versions/99');
  await ask('GET', '/policy/versions/1?against=1');
  await ask('POST', '/policy/what-if', { body: { request: { client_id: 'demo-tv' }, policy } });
  await ask('POST', '/policy/what-if', { body: { days: 1 } });
  const back = { version: 1, reason: 'A test' };
  await ask('POST', '/policy/rollback', { body: back });
  await ask('POST', '/policy/rollback', { body: back, ifMatch: '"99"' });
  await ask('POST', '/policy/rollback', { body: back, ...conditions });
  const inDays = (days) => new Date(Date.now() + days * 86_400_000).toISOString();
  const exception = { id: 'tried', when: { clients: ['tv'], accounts: ['local:bob'] }, owner: 'Alice', reason: 'A test', ticket: 'SEC-1', expires_at: inDays(30) };
  await ask('POST', '/exceptions?dry_run=true', { body: exception });
  const excepted = await ask('POST', '/exceptions', { body: exception });
  assert.equal(excepted.headers.get('location'), `${server.origin}/admin/api/exceptions/tried`);
  await ask('POST', '/exceptions', { body: exception });
  await ask('GET', '/exceptions');
  await ask('GET', '/exceptions?limit=1');
  await ask('GET', '/exceptions/tried');
  await ask('GET', '/exceptions/absent');
  await ask('PUT', '/exceptions/tried', { body: exception });
  await ask('PUT', '/exceptions/tried', { body: exception, ifMatch: '"99"' });
  await ask('PUT', '/exceptions/tried', { body: { ...exception, owner: 'Bob' }, ifMatch: excepted.etag });
  await ask('PUT', '/exceptions/absent', { body: exception, ...conditions });
  const renewal = { reason: 'Another', expires_at: inDays(40) };
  await ask('POST', '/exceptions/tried/renew', { body: renewal, ifMatch: '"99"' });
  await ask('POST', '/exceptions/absent/renew', { body: renewal });
  await ask('POST', '/exceptions/tried/renew', { body: renewal });
  await ask('POST', '/exceptions/tried/end', { ifMatch: '"99"' });
  await ask('POST', '/exceptions/absent/end');
  await ask('POST', '/exceptions/tried/end');
  await ask('POST', '/exceptions/tried/end');
  await ask('PUT', '/policy', { body: ASKING, ...conditions });
  for (const account of [accounts.alice, accounts.bob]) await asksForAccess(server, { account });
  await ask('PUT', '/policy', { body: policy, ...conditions });
  const { body: { access_requests: asked } } = await ask('GET', '/access-requests');
  await ask('GET', '/access-requests?state=open&limit=1');
  await ask('GET', '/access-requests?state=other');
  await ask('GET', `/access-requests/${asked[0].id}`);
  await ask('GET', '/access-requests/absent');
  const terms = { owner: 'Alice', expires_at: inDays(1) };
  for (const id of [asked[0].id, asked[0].id, 'absent']) await ask('POST', `/access-requests/${id}/grant`, { body: terms });
  for (const id of [asked[1].id, asked[1].id, 'absent']) await ask('POST', `/access-requests/${id}/refuse`, { body: { message: 'No.' } });
  await fillWith((number) => ask('POST', '/exceptions', { body: { ...exception, id: `e${number}` } }));
  await ask('POST', '/exceptions/tried/renew', { body: { reason: 'A third', expires_at: inDays(50) } });
  const killSwitch = { id: 'tried', target: { client: 'nobody', networks: ['192.0.2.0/24'] }, reason: 'A test', until: inDays(1) };
  await ask('POST', '/kill-switches?dry_run=true', { body: killSwitch });
  const set = await ask('POST', '/kill-switches', { body: killSwitch });
  assert.equal(set.headers.get('location'), `${server.origin}/admin/api/kill-switches/tried`);
  await ask('POST', '/kill-switches', { body: killSwitch });
  await ask('POST', '/kill-switches', { body: { ...killSwitch, reason: 'Another' } });
  await ask('GET', '/kill-switches');
  await ask('GET', '/kill-switches/tried');
  await ask('GET', '/kill-switches/absent');
  await ask('POST', '/kill-switches/tried/end');
  await ask('POST', '/kill-switches/tried/end');
  for (const operation of withBody) {
    const [method, path] = [operation.method.toUpperCase(), address(operation)];
    await ask(method, path, { ...conditions, raw: '{', type: 'application/json' });
    await ask(method, path, { ...conditions, raw: '{}', type: 'text/plain' });
    await ask(method, path, { ...conditions, raw: `"${'x'.repeat(['/policy', '/policy/what-if'].includes(path) ? 300_000 : 20_000)}"`, type: 'application/json' });
    await ask(method, path, { ...conditions, body: { surely_not: 1 } });
  }
  for (const operation of operations.filter(({ statuses }) => statuses.includes(422))) {
    const body = operation.operation.requestBody && { client_name: 'TV', description: 'x' };
    await ask(operation.method.toUpperCase(), `${address(operation)}?surely_not=1`, { body, ...conditions });
  }
  await ask('DELETE', '/clients/tv', conditions);
  await ask('DELETE', '/providers/tried', conditions);
  await ask('DELETE', '/scopes/fly');
  await ask('PUT', `/scopes/a%22b`, { body: { description: 'x' } });
  await fillWith((number) => ask('PUT', `/scopes/s${number}`, { body: { description: 'x' } }));
  await fillWith((number) => ask('POST', '/tokens', { body: { ...token, id: `t${number}` } }));
  await fillWith(() => ask('POST', '/invitations', { body: {} }));
  for (const id of ['ci', 'other']) await ask('DELETE', `/tokens/${id}`);

  const [stranger, guesser] = [new Admin(server, { token: null }), new Admin(server, { token: 'wrong', headers: from('203.0.113.9') })];
  for (const operation of operations) await ask(operation.method.toUpperCase(), address(operation), undefined, stranger);
  for (let attempt = 0; attempt < 20; attempt++) await guesser.ask('GET', '/clients');
  for (const operation of operations) {
    // Once the wait is over, the next attempt is looked at.
    for (let status; status !== 429; ) ({ status } = await ask(operation.method.toUpperCase(), address(operation), undefined, guesser));
  }

  // Every object can be reached here, so there is no 503. Those are in `tests/it/registry/admin_unavailable.rs`.
  const missing = operations.flatMap(({ path, method, statuses }) =>
    statuses.filter((status) => status !== 503).map((status) => `${method.toUpperCase()} ${path} ${status}`).filter((answer) => !seen.has(answer)));
  // It takes minutes until there is an alert, an event in a ledger or a dead letter: tests/e2e/counts.test.mjs, ledger.test.mjs
  // and destinations.test.mjs have some.
  const late = ['GET /events/{event} 200', 'POST /alerts/{id}/close 200', 'DELETE /destinations/{id}/deliveries/{delivery} 204', 'POST /destinations/{id}/deliveries/{delivery}/resend 200'];
  assert.deepEqual(missing.toSorted(), late.toSorted());

  /** Makes an operator's own key, which the server must never show. */
  async function ownKey() {
    const { privateKey } = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify']);
    const { kty, crv, x, y, d } = await crypto.subtle.exportKey('jwk', privateKey);
    return { kty, crv, x, y, d: keepSecret('a private key of the operator', d) };
  }

  /** Adds scopes, tokens, invitations or exceptions until there is no room for more. */
  async function fillWith(add) {
    for (let next = 0; ; next += 10) {
      const batch = Array.from({ length: 10 }, (_, at) => add(next + at));
      if ((await Promise.all(batch)).some(({ status }) => status === 409)) return;
    }
  }
});

test('an undocumented path gets 404, an undocumented method 405 with the allowed ones', async () => {
  const admin = new Admin(server);
  for (const path of ['', '/', '/clients/', '/clients/a/b', '/scopes/a/b', '/openapi', '/keys/x/y/z']) {
    assert.equal((await admin.ask('GET', path)).status, 404, path);
  }
  for (const [path, methods] of Object.entries(document.paths)) {
    const address = path.replaceAll(/\{.*?\}/g, 'demo-tv');
    const allowed = Object.keys(methods).filter((name) => name !== 'parameters').map((name) => name.toUpperCase());
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'].filter((name) => !allowed.includes(name))) {
      const answer = await admin.ask(method, address);
      assert.equal(answer.status, 405, `${method} ${path}`);
      assert.deepEqual(answer.headers.get('allow').split(', ').filter((name) => name !== 'HEAD').sort(), allowed.toSorted());
    }
    if (allowed.includes('GET')) {
      const head = await fetch(`${server.origin}/admin/api${address}`, { method: 'HEAD', headers: { authorization: `Bearer ${ADMIN_TOKEN}` } });
      assert.ok([200, 404].includes(head.status));
      assert.equal(await head.text(), '');
    }
  }
});
