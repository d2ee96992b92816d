// The memory of an isolate whose registry is as large as its quotas allow. The memory of a module never shrinks, and an
// isolate has 128 MiB for it and for everything else.
//
// In both runtimes the Worker and the registry object share an isolate, so one memory holds what each of them needs.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Caller } from '../../bench/caller.mjs';
import { form, ours } from '../../bench/servers.mjs';
import { Admin } from './support/admin.mjs';
import { builds } from './support/config.mjs';
import { Device } from './support/device.mjs';
import { fillByCommand, fillFiles, someClients } from './support/full_registry.mjs';
import { startWorkerd, startWrangler, temporaryDirectory } from './support/harness.mjs';
import { Person } from './support/person.mjs';
import { endDiscreetly } from './support/secrets.mjs';

const MIB = 2 ** 20;
/** The figure in docs/limits.md. */
const BUDGET = 48 * MIB;
const ROUNDS = 10;
const CODES = 2_000;
const WAVES = 4;
/** Bytes for a code by which the memory may still grow: less than the object remembers of a code that is polled. */
const SLACK = 100;

test('a full registry, read at the object by ten requests at a time, fits into the budget and stays there', async (t) => {
  const directory = temporaryDirectory();
  const server = await startWorkerd({ build: builds.probe, dir: directory.path });
  t.after(async () => {
    await endDiscreetly(server);
    directory.remove();
  });
  await fillFiles(server);

  await staysWithinBudget(t, server);
});

test('a full registry, read in KV by ten requests at a time, fits into the budget and stays there', async (t) => {
  const server = await startWrangler({ build: builds.probe });
  t.after(() => endDiscreetly(server));
  await fillByCommand(server);
  const { SNAPSHOT: kv } = await server.worker.getEnv();
  const { keys } = await kv.list();
  assert.equal((await kv.get(keys[0].name)).split('\n').length, 5_501, 'the whole registry is published');

  await staysWithinBudget(t, server);
});

test('a live code that is polled takes less than a kibibyte, and codes that have ended leave their room to others', async (t) => {
  const directory = temporaryDirectory();
  const vars = { SHARDS_PER_REGION: '1', LIVE_CODES_PER_SHARD: '20000', LIVE_CODES_PER_CLIENT_AND_NETWORK: '10000' };
  const server = await startWorkerd({ build: builds.probe, dir: directory.path, vars });
  t.after(async () => {
    await endDiscreetly(server);
    directory.remove();
  });
  const [caller, admin] = [new Caller(server, 16), new Admin(server)];
  t.after(() => caller.close());
  const codes = (count) => many(count, async () => {
    const { device_code } = await caller.start(form(ours.start));
    const { text } = await caller.send('/token', { device: true, form: form(ours.poll, device_code).body });
    assert.match(text, /authorization_pending/);
  });
  const endAll = async () => {
    const ids = [];
    for (let cursor = ''; cursor !== undefined; ) {
      const { body } = await admin.ask('GET', `/grants?limit=200${cursor && `&cursor=${cursor}`}`);
      ids.push(...body.grants.map(({ id }) => id));
      cursor = body.next_cursor;
    }
    await many(ids.length, async () => assert.equal((await admin.ask('DELETE', `/grants/${ids.pop()}`)).status, 204));
  };
  await codes(16);
  await endAll();
  const sizes = [Number(await probe(server, 'memory'))];
  for (let wave = 0; wave < WAVES; wave += 1) {
    await codes(CODES);
    sizes.push(Number(await probe(server, 'memory')));
    await endAll();
  }

  t.diagnostic(`KiB after each wave: ${sizes.map((size) => size / 1_024).join(', ')}`);
  assert.ok(sizes[1] - sizes[0] <= CODES * 1_024, `${(sizes[1] - sizes[0]) / CODES} bytes for a code`);
  assert.ok(sizes.at(-1) - sizes[1] <= CODES * SLACK, `${sizes.at(-1) - sizes[1]} bytes more after other waves`);
});

async function staysWithinBudget(t, server) {
  const { status, body } = await new Admin(server).ask('POST', '/clients', { body: { client_name: 'One too many' } });
  assert.equal(status, 409, JSON.stringify(body));
  // A password is hashed in 19 MiB of the same memory.
  await new Person(server).approve((await Device.start(server)).userCode);

  const sizes = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    await probe(server, 'later');
    const starts = someClients.map((client_id) => new Device(server, { client: { client_id } }).start());
    assert.deepEqual((await Promise.all(starts)).map((answer) => answer.status), someClients.map(() => 200));
    sizes.push(Number(await probe(server, 'memory')));
  }

  t.diagnostic(`MiB after each round: ${sizes.map((size) => (size / MIB).toFixed(1)).join(', ')}`);
  assert.ok(sizes.at(-1) <= BUDGET, `${sizes.at(-1) / MIB} MiB`);
  assert.equal(sizes.at(-1), sizes[ROUNDS / 2 - 1], 'memory grows from round to round');
}

/** Runs `run` so many times, 16 at once. */
async function many(count, run) {
  let left = count;
  const repeat = async () => {
    while (left-- > 0) await run();
  };
  await Promise.all(Array.from({ length: 16 }, repeat));
}

async function probe(server, what) {
  const response = await fetch(`${server.origin}/panic-probe/${what}`);
  assert.equal(response.status, 200);
  return response.text();
}
