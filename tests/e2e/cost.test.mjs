// What a login costs, in requests to objects and in rows that the runtime says it writes. These are ceilings: lower one
// whenever the server gets by with less. docs/performance.md has the prices.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Caller } from '../../bench/caller.mjs';
import { startCounted } from '../../bench/cost.mjs';
import { form, ours } from '../../bench/servers.mjs';
import { listen, refused } from './support/listener.mjs';

let counted, caller, flow;

before(async () => {
  counted = await startCounted({ SHARDS_PER_REGION: '1', LIVE_CODES_PER_CLIENT_AND_NETWORK: '1000', LIVE_CODES_PER_SHARD: '20000' });
  caller = new Caller(counted.server);
  flow = await ours.flow(counted.server, caller, 0);
  // The objects, the keys and the clients' snapshot are there from now on.
  await flow();
});

after(async () => {
  caller.close();
  await counted.server.stop();
});

test('a start makes one request to an object and writes four rows', async () => {
  await costsAtMost({ requests: 1, rowsWritten: 4 }, () => caller.start(form(ours.start)));
});

test('a start among hundreds of live codes of its network reads and writes as few rows', async () => {
  const { path, body } = form(ours.start);
  const again = async () => {
    const { status, text } = await caller.send(path, { device: true, form: body, headers: { 'cf-connecting-ip': '203.0.113.9' } });
    assert.equal(status, 200, text);
  };
  for (let i = 0; i < 300; i++) await again();

  await costsAtMost({ requests: 1, rowsRead: 12, rowsWritten: 4 }, again);
});

test('a pending poll makes one request to an object and writes nothing', async () => {
  const { device_code } = await caller.start(form(ours.start));
  await costsAtMost({ requests: 1, rowsWritten: 0, alarmsSet: 0 }, () => poll(device_code));
});

test('a forged code reaches no object', async () => {
  await costsAtMost({ requests: 0, rowsRead: 0 }, () => poll('x'.repeat(99)));
});

test('a WebSocket makes one request to an object and writes nothing, and a forged code reaches none', async () => {
  const { server } = counted;
  const device = { server, client: { client_id: 'demo-tv' }, codes: await caller.start(form(ours.start)) };
  const lines = [];
  await costsAtMost({ requests: 1, rowsWritten: 0, alarmsSet: 0 }, async () => lines.push(await listen(device)));
  for (const line of lines) line.close();
  await costsAtMost({ requests: 0, rowsRead: 0 }, () => refused(device, { code: 'x'.repeat(99) }));
});

test('a start, a poll, an approval and a redemption make 20 requests to objects and write 38 rows', async () => {
  await costsAtMost({ requests: 20, rowsWritten: 38 }, flow);
});

function poll(code) {
  return caller.send('/token', { device: true, form: form(ours.poll, code).body });
}

/** Fails unless one of five runs stays within the ceilings: in another one, an object may create its tables, or an alarm ring. */
async function costsAtMost(ceilings, run) {
  const all = [];
  for (let i = 0; i < 5; i++) {
    const spent = await counted.during(run);
    if (Object.entries(ceilings).every(([what, most]) => spent[what] <= most)) return;
    all.push(spent);
  }
  assert.fail(`${JSON.stringify(ceilings)} is less than ${JSON.stringify(all)}`);
}
