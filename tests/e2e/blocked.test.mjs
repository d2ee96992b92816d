// Before it is enforced: who would have been refused, what a draft would change, and the exception that lets them through.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Admin } from './support/admin.mjs';
import { until } from './support/bounded.mjs';
import { builds, clients } from './support/config.mjs';
import { Device } from './support/device.mjs';
import { ringIn, startFaulty } from './support/faults.mjs';
import { Person } from './support/person.mjs';
import { rows } from './support/stored.mjs';

const LATE = 120_000;
const vars = { SHARDS_PER_REGION: '1' };
const ENFORCED = { default: 'enforced', reason: 'Enforce it' };

test('report-only shows who would be refused, what if agrees, and the draft lets them through once it is enforced', async (t) => {
  const { server, later } = await startFaulty(t, { vars, build: builds.release });
  const admin = new Admin(server);
  const put = (policy) => admin.ask('PUT', '/policy', { body: policy, ifMatch: '*' });
  assert.equal((await put({ default: 'report_only', reason: 'Watch' })).status, 200);
  const device = await Device.start(server);
  await new Person(server).approve(device.userCode);
  await device.redeem();
  // A client that nobody registered. The second report is due ten seconds after the first.
  const unknown = { ...clients.tv, client_id: 'vscode' };
  assert.equal((await new Device(server, { client: unknown }).start()).error, 'invalid_client');

  await later(() => ringIn(1_500, server, 'GrantShard'));
  await until(() => blocked(server).some(({ key, part }) => key === 'client' && part === 'demo-tv'), LATE, 'the login was not counted');
  const { body: report } = await admin.ask('GET', '/policy/report?by=client');
  const row = report.rows.find(({ key }) => key === 'demo-tv');
  assert.deepEqual([row.people, row.new, row.decided_by, row.refused], [1, true, ['default'], {}], JSON.stringify(report));
  assert.equal(row.would_refuse.approval, 1);
  assert.deepEqual(row.draft.when, { accounts: ['local:alice'], clients: ['demo-tv'] });
  const { body: strangers } = await admin.ask('GET', '/policy/report?by=unknown_client');
  assert.deepEqual(strangers.rows.map(({ key, refused }) => [key, refused]), [['vscode', { device_authorization: 1 }]]);

  const ask = async (question) => (await admin.ask('POST', '/policy/what-if', { body: question })).body;
  const days = await ask({ days: 1, policy: ENFORCED });
  assert.deepEqual([days.judged, days.changes.map(({ after, count }) => [after, count])], [1, [['refuse', 1]]], JSON.stringify(days));
  const { event, recorded } = days.now_refused[0];
  const again = await ask({ event: event.id });
  assert.deepEqual([again.present.outcome, again.present.would], [recorded.outcome, recorded.would]);
  const excepted = await ask({ event: event.id, policy: ENFORCED, exceptions: [row.draft] });
  assert.equal(excepted.draft.decided_by, `exception ${row.draft.id}`);

  assert.equal((await put(ENFORCED)).status, 200);
  assert.equal((await new Device(server).start()).error, 'unauthorized_client');
  const expires_at = new Date(Date.now() + 86_400_000).toISOString();
  const exception = { ...row.draft, owner: 'Alice', reason: 'She needs it.', ticket: 'SEC-1', expires_at };
  assert.equal((await admin.ask('POST', '/exceptions', { body: exception })).status, 201);
  const next = await Device.start(server);
  await new Person(server).approve(next.userCode);
  assert.ok((await next.redeem()).access_token);
  const { body: usage } = await admin.ask('GET', '/usage');
  assert.equal(usage.clients.find(({ client_id }) => client_id === 'demo-tv').exceptions, 1);
});

/** Returns the rows of the report, by kind and key. */
function blocked(server) {
  const tables = rows(server, 'Counts', `SELECT 1 FROM sqlite_master WHERE name = 'memories'`);
  return tables.length ? rows(server, 'Counts', `SELECT key, part FROM memories WHERE space = 'blocked'`) : [];
}
