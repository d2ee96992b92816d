// What ledgers recorded is counted once, whatever crashes on the way; and the metrics are what a monitor can read.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { Admin } from './support/admin.mjs';
import { until } from './support/bounded.mjs';
import { metricsPython } from './support/config.mjs';
import { Device } from './support/device.mjs';
import { change, ringIn, startFaulty } from './support/faults.mjs';
import { keepSecret } from './support/secrets.mjs';
import { ledger, outbox, recorded, rows } from './support/stored.mjs';

const LATE = 120_000;
const token = keepSecret('the token of a monitor', 'a-token-of-at-least-thirty-two-bytes');
const METRICS_TOKEN_SHA256 = createHash('sha256').update(token).digest('hex');
const vars = { SHARDS_PER_REGION: '1', CODE_LIFETIME_SECONDS: '600', METRICS_TOKEN_SHA256 };

test('each record is counted once, although ledger and counts crash on the way', async (t) => {
  const { server, later } = await startFaulty(t, { vars });
  await Device.start(server);
  const count = 24_000;
  await later(() => copyEvents(server, count));
  await until(() => recorded(server) === count, LATE, 'the events did not arrive');

  for (const killed of [1, 6_000, 15_000]) {
    await until(() => counted(server) >= killed, LATE, `${killed} records were not counted`);
    await later(() => ringIn(1_500, server, 'Ledger'));
  }
  await until(() => counted(server) >= count, LATE, 'not all records were counted');
  // A ledger that has forgotten what was acknowledged tells everything again.
  await later(() => {
    change(server, 'Ledger', 'UPDATE told SET seq = 0', (database) => database.prepare('SELECT seq FROM told').get() !== undefined);
    ringIn(1_500, server, 'Ledger');
  });
  await until(() => rows(server, 'Ledger', 'SELECT seq FROM told').some(({ seq }) => seq === count), LATE, 'the records were not told again');

  assert.equal(counted(server), count);
  assert.equal(outbox(server).length, 0);
});

test('an alert reaches the ledger, and the metrics are what a parser of their format reads', async (t) => {
  const { server, later, send } = await startFaulty(t, { vars });
  await Device.start(server);
  // A hundred codes for the network are a burst; the place is not known here, so the subject is the client alone.
  await later(() => copyEvents(server, 100));
  await until(() => counted(server) === 100, LATE, 'the events were not counted');
  await later(() => ringIn(1_500, server, 'Counts'));
  const told = () => ledger(server).filter(({ record }) => record.event.what === 'alert_opened');
  await until(() => told().length === 1, LATE, 'the alert is in no ledger');

  const { body } = await new Admin(server).ask('GET', '/alerts');
  assert.deepEqual(body.alerts.map(({ detection, client_id, count }) => [detection, client_id, count]), [['code_burst', 'demo-tv', 100]]);
  assert.equal(told()[0].record.event.subject, body.alerts[0].id);
  assert.match(server.logs(), /"what":"warning","outcome":"alert_opened"/);

  const closed = await new Admin(server).ask('POST', `/alerts/${body.alerts[0].id}/close`);
  assert.deepEqual([closed.status, closed.body.state], [200, 'closed']);

  const refused = await send('/metrics');
  assert.equal(refused.status, 401);
  const response = await send('/metrics', { headers: { authorization: `Bearer ${token}` } });
  assert.equal(response.headers.get('content-type'), 'application/openmetrics-text; version=1.0.0; charset=utf-8');
  const text = await response.text();
  const metrics = parsed(text);
  assert.deepEqual(sample(metrics, 'device_grant_steps_total', { step: 'started' }), 100);
  assert.equal(sample(metrics, 'device_grant_live_codes'), 1);
  assert.equal(sample(metrics, 'device_grant_alerts_total', { detection: 'code_burst' }), 1);
  assert.equal(sample(metrics, 'device_grant_open_alerts', { detection: 'code_burst' }), 0);
  const { type, unit } = metrics.find(({ name }) => name === 'device_grant_approval_seconds');
  assert.deepEqual([type, unit], ['histogram', 'seconds']);
  assert.throws(() => parsed(text.replace('# EOF\n', '')), /Missing # EOF/, 'the parser is strict');
});

/** Returns the metrics in a text, as the reference implementation in Python reads them. */
function parsed(text) {
  const program = `import json, sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse
print(json.dumps([{"name": m.name, "type": m.type, "unit": m.unit, "samples": [[s.name, s.labels, s.value] for s in m.samples]} for m in parse(sys.stdin.read())]))`;
  return JSON.parse(execFileSync(metricsPython, ['-c', program], { input: text, encoding: 'utf8', stdio: ['pipe', 'pipe', 'pipe'] }));
}

/** Returns the value of the sample with this name and these labels. */
function sample(metrics, name, labels = {}) {
  const samples = metrics.flatMap((metric) => metric.samples);
  return samples.find(([other, own]) => other === name && JSON.stringify(own) === JSON.stringify(labels))?.[2];
}

/** Returns how many starts are counted since the first record. */
function counted(server) {
  const tables = rows(server, 'Counts', `SELECT 1 FROM sqlite_master WHERE name = 'counts'`);
  const found = tables.length ? rows(server, 'Counts', `SELECT count FROM counts WHERE day = 0 AND kind = 'started' AND key = 'demo-tv'`) : [];
  return found[0]?.count ?? 0;
}

/** Fills the outbox with copies of its first event, up to this number. */
function copyEvents(server, count) {
  const numbers = `WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < ${count}) SELECT i FROM n`;
  change(server, 'GrantShard', `INSERT OR IGNORE INTO outbox (seq, at, event, note) SELECT i, at, event, note FROM outbox, (${numbers}) WHERE seq = 1`);
}
