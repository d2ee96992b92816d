// The snapshot of the registry in KV, as KV may return it: an older copy after a newer one, one that is stale in a fresh
// isolate, or one that was cut off. The clock of the Worker is set by the build with faults.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Admin } from './support/admin.mjs';
import { until } from './support/bounded.mjs';
import { builds, clients } from './support/config.mjs';
import { Device } from './support/device.mjs';
import { besides } from './support/faults.mjs';
import { startWrangler } from './support/harness.mjs';
import { Person } from './support/person.mjs';
import { endDiscreetly } from './support/secrets.mjs';

const { tv } = clients;
const OLD = 'https://old.example';
const NEW = 'https://new.example';

describe('the snapshot in KV', () => {
  let server, kv, name, admin;
  before(async () => {
    server = await startWrangler({ build: builds.probe });
    ({ SNAPSHOT: kv } = await server.worker.getEnv());
    admin = new Admin(server);
    await list(OLD);
    ({ keys: [{ name }] } = await until(async () => (await kv.list()).keys.length && kv.list(), 10_000, 'nothing was published'));
  });
  after(() => endDiscreetly(server, { besides }));

  test('is not replaced by an older one that arrives after a newer one', async () => {
    const older = await published((text) => text.includes(OLD));
    await list(NEW);
    const newer = await published((text) => text.includes(NEW));
    await pass();
    assert.deepEqual(await allowed(), [false, true]);

    for (const text of [older, newer, older]) {
      await kv.put(name, text);
      await pass();
      assert.deepEqual(await allowed(), [false, true]);
    }
  });

  test('that is stale in a fresh isolate shows what it has, and hides nothing that is newer', async () => {
    await list(OLD);
    await list(NEW);
    const stale = await published((text) => text.includes(NEW));
    const client = { client_id: 'newcomer', client_name: 'Newcomer', token_endpoint_auth_method: 'none', scope: 'openid profile email offline_access', grant_types: ['urn:ietf:params:oauth:grant-type:device_code'] };
    await admin.create(client);
    await list(OLD);
    const disabled = await Device.start(server);
    await new Person(server).approve(disabled.userCode);
    await admin.patch(tv.client_id, { enabled: false });
    await published((text) => text.includes('newcomer') && text.includes(OLD) && text.includes('"enabled":false'));
    await kv.put(name, stale);
    await restartModule();

    assert.deepEqual(await allowed(), [false, true], 'the isolate has the stale copy');
    const found = await new Device(server, { client }).start();
    assert.equal(found.status, 200, `a client that the copy lacks is found at its source: ${JSON.stringify(found)}`);
    assert.equal((await new Device(server).start()).status, 200, 'a code is no access');
    assert.equal((await disabled.poll()).error, 'access_denied', 'a redemption asks the source');
    await admin.patch(tv.client_id, { enabled: true });
  });

  test('that was cut off is not used', async () => {
    const text = await published((text) => text.includes(OLD) && !text.includes('"enabled":false'));
    await kv.put(name, text.slice(0, text.length / 2));
    await restartModule();

    assert.deepEqual(await allowed(), [true, false], 'the registry was asked');
  });

  /** Lets pages of one origin use the client. */
  async function list(origin) {
    assert.equal((await admin.patch(tv.client_id, { allowed_origins: [origin] })).status, 200);
  }

  /** Returns the text in KV as soon as it is as wanted. */
  function published(is) {
    return until(async () => {
      const text = (await kv.get(name)) ?? '';
      return is(text) && text;
    }, 20_000, `no text was published with ${is}`);
  }

  /** Sets the clock ahead by as long as the isolate keeps a copy. */
  async function pass() {
    await (await fetch(`${server.origin}/panic-probe/later`)).text();
  }

  /** Panics, so that the entry starts the module again, with an empty memory. */
  async function restartModule() {
    await (await fetch(`${server.origin}/panic-probe`)).text();
  }

  /** Returns whether pages of the old and of the new origin may start a grant, as the snapshot says. */
  async function allowed() {
    // The request that loads the snapshot waits for it; others meanwhile get the one before it.
    await preflight(OLD);
    return [await preflight(OLD), await preflight(NEW)];
  }

  async function preflight(origin) {
    const headers = { origin, 'access-control-request-method': 'POST' };
    const { status } = await fetch(`${server.origin}/device_authorization`, { method: 'OPTIONS', headers });
    return status === 204;
  }
});
