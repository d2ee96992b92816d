// The same Worker with KV and the rate limiter, as wrangler.toml describes it, and without them.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { accounts, builds, clients, wrangler } from './support/config.mjs';
import { Device } from './support/device.mjs';
import { startWorkerd, startWrangler } from './support/harness.mjs';
import { Person } from './support/person.mjs';
import { disclosures, endDiscreetly } from './support/secrets.mjs';

const vars = { LIVE_CODES_PER_CLIENT_AND_NETWORK: '10000', LIVE_CODES_PER_SHARD: '100000' };
const [{ simple: { limit, period } }] = wrangler.ratelimits;

describe('with KV and the rate limiter', () => {
  let server, kv;
  before(async () => {
    server = await startWrangler({ vars });
    ({ SNAPSHOT: kv } = await server.worker.getEnv());
  });
  after(() => endDiscreetly(server));

  everyFlowEndsWell(() => server);

  test('KV contains the published registry and nothing else: no code and no secret', async () => {
    const { keys } = await kv.list();
    assert.equal(keys.length, 1);
    assert.match(keys[0].name, /^registry\b/);
    const text = await kv.get(keys[0].name);
    const lines = text.split('\n').map((line) => JSON.parse(line));
    const outline = lines.pop();

    assert.deepEqual(lines.map(({ client_id }) => client_id), ['demo-printer', 'demo-tv']);
    const { keys: published } = await (await fetch(`${server.origin}/jwks.json`)).json();
    assert.deepEqual(outline.keys, published);
    assert.deepEqual(outline.keys.flatMap((key) => Object.keys(key)).filter((name) => ['d', 'p', 'q', 'wrapped'].includes(name)), []);
    assert.deepEqual(disclosures(text), []);
  });

  test('`/healthz` names the deployed version', async () => {
    const { version } = await (await fetch(`${server.origin}/healthz`)).json();

    assert.match(version, /^\d+\.\d+\.\d+\+[0-9a-f-]{36}$/);
  });

  test('a network can start a limited number of codes a minute, and the next device has to wait', async () => {
    const device = new Device(server, { client: clients.printer });
    let started = 0;
    let answer = await device.start();
    // The minute may end in between, and then counting starts again, once.
    for (; answer.status === 200 && started <= 2 * limit; started += 1) answer = await device.start();

    assert.deepEqual([answer.status, answer.error, answer.retryAfter], [429, 'temporarily_unavailable', String(period)]);
    assert.ok(started >= limit - 10, `after ${started} codes`);
    await Device.start(server, { client: clients.tv });
  });
});

describe('without KV and the rate limiter', () => {
  let server;
  before(async () => {
    server = await startWorkerd({ vars });
  });
  after(() => endDiscreetly(server));

  everyFlowEndsWell(() => server);

  test('`/healthz` names the version that was built, and the file with the names of its functions', async () => {
    const { version, named_wasm } = await (await fetch(`${server.origin}/healthz`)).json();

    assert.match(version, /^\d+\.\d+\.\d+$/);
    assert.equal(named_wasm, sha256(readFileSync(join(builds.release, 'index_bg.named.wasm'))));
  });

  test('only the limit on live codes applies to a network', async () => {
    const device = new Device(server, { client: clients.printer });

    for (let started = 0; started <= limit; started += 1) assert.equal((await device.start()).status, 200);
  });
});

function everyFlowEndsWell(server) {
  for (const [name, client] of Object.entries(clients)) {
    test(`the ${name} goes from discovery to a second refresh`, async () => {
      const { origin } = server();
      const metadata = await (await fetch(`${origin}/.well-known/openid-configuration`)).json();
      const device = await Device.start(server(), { client });

      assert.equal(metadata.issuer, origin);
      assert.equal(device.codes.verification_uri, `${origin}/device`);
      assert.equal((await device.poll()).error, 'authorization_pending');
      await new Person(server()).approve(device.userCode);
      const first = await device.redeem();
      assert.equal((await device.poll()).error, 'invalid_grant');
      assert.equal((await device.refresh()).status, 200);
      assert.equal((await device.refresh()).status, 200);
      assert.equal((await device.refresh(first.refresh_token)).error, 'invalid_grant');
    });
  }

  test('a refusal reaches the device', async () => {
    const device = await Device.start(server());

    await new Person(server(), { account: accounts.bob }).deny(device.userCode);

    assert.equal((await device.poll()).error, 'access_denied');
  });
}

function sha256(bytes) {
  return createHash('sha256').update(bytes).digest('hex');
}
