// The example of a device, as `make device` runs it, beside the example of an API.

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { calculateJwkThumbprint, decodeProtectedHeader, importJWK, jwtVerify } from 'jose';
import { startApi, startApiOf, startIssuer } from './support/api.mjs';
import { root } from './support/config.mjs';
import { startWorkerd, within } from './support/harness.mjs';
import { Person } from './support/person.mjs';
import { endDiscreetly, keepUserCode } from './support/secrets.mjs';

const LIMIT = 30_000;

/** What an issuer of the test's own answers a device with. */
const codes = { device_code: 'made-up', user_code: 'AAAA', verification_uri: 'http://127.0.0.1/device', expires_in: 60, interval: 1 };

let server;
before(async () => {
  // After `cargo test` there is nothing left to compile.
  await promisify(execFile)('cargo', ['build', '--quiet', '--example', 'device'], { cwd: root });
  server = await startWorkerd({ vars: { POLL_INTERVAL_SECONDS: '1' } });
});
after(() => endDiscreetly(server));

for (const DPOP of ['', '1']) {
  test(`the device signs in, calls the API and refreshes${DPOP && ', with a key'}`, async (t) => {
    const api = await startApiOf(server);
    t.after(() => api.end());
    const device = play({ ISSUER: server.origin, API: api.origin, DPOP });

    await new Person(server).approve(await device.code(1));

    assert.equal(await device.ended(), 0, device.screen());
    assert.match(device.screen(), new RegExp(`${api.origin}/hello says\\s+{"client":"demo-tv","hello":"acct-`));
    assert.match(device.screen(), new RegExp(`${api.origin}/payments says\\s+{"of":"acct-`));
    assert.match(device.screen(), /Refreshed: a new access token, and a new refresh token came with it\./);
  });
}

for (const [acr, code, words] of [
  ['urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport', 0, 'says'],
  ['urn:example:strong', 1, 'still wants'],
]) {
  test(`the device asks for the sign-in that the API wants, once, and ${code ? 'gives up' : 'goes on'}: ${acr}`, async (t) => {
    const api = await startApiOf(server, { vars: { STEP_UP_ACR: acr } });
    t.after(() => api.end());
    const alice = new Person(server);
    const device = play({ ISSUER: server.origin, API: api.origin });

    await alice.approve(await device.code(1));
    await alice.approve(await device.code(2));

    assert.equal(await device.ended(), code, device.screen());
    const wants = `wants a sign-in in the last 300 seconds, of the kind ${acr}.`;
    assert.ok(device.screen().includes(`${api.origin}/payments ${wants}`), device.screen());
    assert.ok(device.screen().includes(`${api.origin}/payments ${words}`), device.screen());
  });
}

test('the device gets bound tokens from a server that wants its nonce in every proof', async (t) => {
  const careful = await startWorkerd({ vars: { POLL_INTERVAL_SECONDS: '1', DPOP_NONCE: 'required' } });
  t.after(() => endDiscreetly(careful));
  const api = await startApiOf(careful);
  t.after(() => api.end());
  const device = play({ ISSUER: careful.origin, API: api.origin, DPOP: '1' });

  await new Person(careful).approve(await device.code(1));

  assert.equal(await device.ended(), 0, device.screen());
  assert.match(device.screen(), /"cnf": \{\s+"jkt": /);
  assert.match(device.screen(), new RegExp(`${api.origin}/payments says\\s+\\{"of":"acct-`));
  assert.match(device.screen(), /Refreshed: a new access token/);
});

test('the device names the API, and steps up with what the API wants', async (t) => {
  const asked = [];
  const issuer = await startIssuer(['ES256'], {
    '/device_authorization': (_, form) => {
      asked.push(['resource', 'max_age', 'acr_values'].map((name) => form.get(name)));
      return { body: codes };
    },
    '/token': async () => {
      const acr = asked.at(-1)[2]?.split(' ')[0];
      return { body: { access_token: await issuer.token(asked.at(-1)[0], { claims: { acr } }), token_type: 'Bearer' } };
    },
  });
  t.after(issuer.stop);
  const api = await startApi({ issuer: issuer.origin, vars: { STEP_UP_ACR: 'gold platinum', STEP_UP_MAX_AGE: '60' } });
  t.after(() => api.end());

  const device = play({ ISSUER: issuer.origin, API: api.origin });

  assert.equal(await device.ended(), 0, device.screen());
  assert.match(device.screen(), new RegExp(`${api.origin}/payments says`));
  assert.deepEqual(asked, [[api.origin, null, null], [api.origin, '60', 'gold platinum']]);
});

test('the device proves that it holds its key, with the nonce that the issuer wants, and calls the API with its bound token', async (t) => {
  const nonces = [];
  /** Answers who has a proof with the nonce; `jkt` is the thumbprint of its key. */
  const proven = (answer) => async ({ dpop }) => {
    const { jwk } = decodeProtectedHeader(dpop);
    const { payload } = await jwtVerify(dpop, await importJWK(jwk, 'ES256'), { typ: 'dpop+jwt' });
    nonces.push(payload.nonce);
    if (payload.nonce === 'n1') return { body: await answer(await calculateJwkThumbprint(jwk)) };
    return { status: 400, headers: { 'dpop-nonce': 'n1' }, body: { error: 'use_dpop_nonce' } };
  };
  const issuer = await startIssuer(['ES256'], {
    '/device_authorization': proven(() => codes),
    '/token': proven(async (jkt) => {
      const access_token = await issuer.token(api.origin, { claims: { cnf: { jkt } } });
      return { access_token, token_type: 'DPoP', expires_in: 60 };
    }),
  });
  t.after(issuer.stop);
  const api = await startApi({ issuer: issuer.origin });
  t.after(() => api.end());

  const device = play({ ISSUER: issuer.origin, API: api.origin, DPOP: '1' });

  assert.equal(await device.ended(), 0, device.screen());
  assert.match(device.screen(), new RegExp(`${api.origin}/payments says`));
  assert.deepEqual(nonces, [undefined, 'n1', 'n1'], 'asked for once, and kept');
});

test('without an API, or without a server, the device says how to start one', async () => {
  const nowhere = 'http://127.0.0.1:9';
  const withoutApi = play({ ISSUER: server.origin, API: nowhere });
  const withoutServer = play({ ISSUER: nowhere });

  assert.deepEqual([await withoutApi.ended(), await withoutServer.ended()], [1, 1]);
  assert.match(withoutApi.screen(), /No API answers at http:\/\/127\.0\.0\.1:9\. Start one with `make dev API=1`\./);
  assert.match(withoutServer.screen(), /No server answers at http:\/\/127\.0\.0\.1:9\. Start one with `make dev`\./);
});

/** Runs the device. Its screen is what it printed so far. */
function play(env) {
  const program = join(root, 'target', 'debug/examples/device');
  const child = spawn(program, { env, stdio: ['ignore', 'pipe', 'inherit'] });
  process.once('exit', () => child.kill('SIGKILL'));
  const closed = once(child, 'close');
  let screen = '';
  child.stdout.setEncoding('utf8').on('data', (text) => (screen += text));
  const nthCode = (n) => [...screen.matchAll(/enter the code\s+(\S+)/g)][n - 1]?.[1];
  return {
    screen: () => screen,
    /** The code that it shows for the nth time. */
    async code(n) {
      const shown = (async () => {
        while (nthCode(n) === undefined) await Promise.race([once(child.stdout, 'data'), closed.then(() => assert.fail(screen))]);
        return keepUserCode(nthCode(n));
      })();
      return within(LIMIT, shown, `the device showed no code: ${screen}`);
    },
    async ended() {
      const [code] = await within(LIMIT, closed, `the device did not end: ${screen}`);
      return code;
    },
  };
}
