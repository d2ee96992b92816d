// Changes MASTER_KEY in operation: everything issued under the old key keeps working, and the old key can be removed.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Admin } from './support/admin.mjs';
import { development } from './support/config.mjs';
import { Device } from './support/device.mjs';
import { startWorkerd, temporaryDirectory } from './support/harness.mjs';
import { Person } from './support/person.mjs';
import { endDiscreetly, keepSecret } from './support/secrets.mjs';

const NEW = keepSecret('a new master key', 'q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA=');
const state = temporaryDirectory();
after(() => state.remove());

/** Plays a story on the same objects, with other settings. */
async function under(vars, story) {
  const server = await startWorkerd({ vars, dir: state.path });
  try {
    await story(server);
  } finally {
    await endDiscreetly(server);
  }
}

const provider = { id: 'okta', name: 'Okta', issuer: 'https://okta.example', client_id: 'a', client_secret: keepSecret('the secret of a provider', 'an-openid-provider-secret') };

test('codes, tokens, signing keys and the secrets of providers survive a change of MASTER_KEY, and then the old key is no longer needed', async () => {
  let pending, approved, tokens, keys, pair;
  const jwks = async (server) => (await (await fetch(`${server.origin}/jwks.json`)).json()).keys.map(({ kid }) => kid);

  await under({}, async (server) => {
    [pending, approved] = [await Device.start(server), await Device.start(server)];
    await new Person(server).approve(approved.codes.user_code);
    const earlier = await Device.start(server);
    await new Person(server).approve(earlier.codes.user_code);
    tokens = await earlier.poll();
    keys = await jwks(server);
    assert.equal((await new Admin(server).ask('POST', '/providers', { body: provider })).status, 201);
    pair = JSON.parse(server.logs().split('\n').find((line) => line.includes('"key_pairs"'))).current;
  });

  await under({ MASTER_KEY: NEW, MASTER_KEY_PREVIOUS: development.MASTER_KEY }, async (server) => {
    for (const device of [pending, approved]) device.server = server;
    assert.equal((await approved.poll()).status, 200, 'an approved code can be redeemed');
    await new Person(server).approve(pending.codes.user_code);
    assert.equal((await pending.poll()).status, 200, 'a pending code can be found, approved and redeemed');
    assert.deepEqual(await jwks(server), keys, 'the signing keys are the same');
  });

  await under({ MASTER_KEY: NEW }, async (server) => {
    const refused = await new Device(server).refresh(tokens.refresh_token);
    assert.equal(refused.error, 'invalid_grant', 'the old pair is not listed as retired');
  });

  await under({ MASTER_KEY: NEW, RETIRED_KEY_PAIRS: pair }, async (server) => {
    const device = new Device(server);
    const refreshed = await device.refresh(tokens.refresh_token);
    assert.equal(refreshed.status, 200, 'a key that the old MASTER_KEY sealed can still sign');
    assert.deepEqual(await jwks(server), keys);
    // A secret that is the same as the stored one is no change, so the server can still open the stored one.
    for (const [client_secret, changed] of [[provider.client_secret, undefined], ['another', true]]) {
      const { status, body } = await new Admin(server).ask('PUT', '/providers/okta?dry_run=true', { body: { ...provider, client_secret }, ifMatch: '*' });
      assert.deepEqual([status, body.client_secret_changed], [200, changed]);
    }
  });
});
