// A vendor's backend or a carrier's gateway: thousands of devices start at one address, and its codes are in all shards.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Caller } from '../../bench/caller.mjs';
import { startCounted } from './support/counted.mjs';
import { form, ours } from '../../bench/servers.mjs';
import { Admin } from './support/admin.mjs';
import { endDiscreetly } from './support/secrets.mjs';
import { rows } from './support/stored.mjs';

/** What docs/operating.md says for a thousand starts a second. */
const vars = { SHARDS_PER_REGION: '32', LIVE_CODES_PER_CLIENT_AND_NETWORK: '350000', LIVE_CODES_PER_SHARD: '100000' };
const SHARDS = 32;
const STARTS = 3_000;
const CONNECTIONS = 16;
const gateway = { 'cf-connecting-ip': '203.0.113.9' };

test('one address starts thousands of grants, in all shards of its region, and each start makes one request to an object', async (t) => {
  const { server, during } = await startCounted(vars);
  t.after(() => endDiscreetly(server));
  const caller = new Caller(server, CONNECTIONS);
  t.after(() => caller.close());
  assert.equal((await new Admin(server).patch('demo-tv', { shards_per_network: SHARDS })).status, 200);
  const start = async () => {
    const { path, body } = form(ours.start);
    return (await caller.send(path, { device: true, form: body, headers: gateway })).status;
  };
  await start();

  const statuses = new Set();
  const { classes } = await during(() => many(STARTS, async () => statuses.add(await start())));

  assert.deepEqual([...statuses], [200]);
  assert.equal(classes.GrantShard.requests, STARTS);
  // Now and then, the Worker asks for the clients, and whether codes are being guessed.
  const others = classes.Registry.requests + classes.LimiterShard.requests;
  assert.ok(others < STARTS / 10, `${others} requests to other objects`);
  const objects = server.sqliteFiles('GrantShard').length;
  const live = rows(server, 'GrantShard', 'SELECT count(*) AS codes FROM grants').map(({ codes }) => codes);
  assert.deepEqual([objects, live.reduce((sum, codes) => sum + codes)], [SHARDS, STARTS + 1]);
  // On average 94, with a standard deviation of 10.
  assert.ok(live.every((codes) => codes > 30 && codes < 160), `${live}`);
});

/** Runs `run` so many times, as many at once as there are connections. */
async function many(times, run) {
  let left = times;
  const lane = async () => {
    while (left-- > 0) await run();
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, lane));
}
