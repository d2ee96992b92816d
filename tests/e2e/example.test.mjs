// The example of a device, which `make device` runs, with the example of an API.

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { calculateJwkThumbprint, decodeProtectedHeader, importJWK, jwtVerify } from 'jose';
import { startApi, startApiOf, startIssuer } from './support/api.mjs';
import { until } from './support/bounded.mjs';
import { python, root } from './support/config.mjs';
import { startWorkerd, within } from './support/harness.mjs';
import { Person } from './support/person.mjs';
import { endDiscreetly, keepUserCode } from './support/secrets.mjs';

const LIMIT = 30_000;

/** Nothing listens here. */
const NOWHERE = 'http://127.0.0.1:9';

/** The codes that the tests' own issuers give a device. */
const codes = { device_code: 'made-up', user_code: 'AAAA', verification_uri: 'http://127.0.0.1/device', expires_in: 60, interval: 1 };

let server;
before(async () => {
  // Nothing is left to compile if `cargo test` ran before.
  await promisify(execFile)('cargo', ['build', '--quiet', '--example', 'device'], { cwd: root });
  server = await startWorkerd({ vars: { POLL_INTERVAL_SECONDS: '1' } });
});
after(() => endDiscreetly(server));

for (const DPOP of ['', '1']) {
  test(`the device signs in, calls the API and refreshes${DPOP && ', with a key'}`, async (t) => {
    const api = await startApiOf(server);
    t.after(() => api.end());
    const sockets = () => server.logs().split('"what":"instant","client":"demo-tv","outcome":"opened"').length;
    const before = sockets();
    const device = play({ ISSUER: server.origin, API: api.origin, DPOP });

    const code = await device.code(1);
    // The server logs a WebSocket when it opens. A person who is faster than that is heard of by polling.
    await until(() => sockets() > before, 20_000, 'the device opened no WebSocket');
    await new Person(server).approve(code);

    assert.equal(await device.ended(), 0, device.screen());
    assert.match(device.screen(), new RegExp(`${api.origin}/hello says\\s+{"client":"demo-tv","hello":"acct-`));
    assert.match(device.screen(), new RegExp(`${api.origin}/payments says\\s+{"of":"acct-`));
    assert.match(device.screen(), /Refreshed: the server sent a new access token and a new refresh token\./);
    assert.match(device.screen(), /Signed in\. The server told the device at once\./);
  });
}

test('the device polls if its WebSocket is refused, and gives its code to no other server', async (t) => {
  for (const where of ['here', 'elsewhere']) {
    const asked = [];
    const stranger = await startIssuer([], { '/instant': () => assert.fail('it got the code') });
    t.after(stranger.stop);
    let polls = 0;
    const issuer = await startIssuer(['ES256'], {
      '/device_authorization': () => {
        const { origin } = where === 'here' ? issuer : stranger;
        return { body: { ...codes, devicegrant_instant_uri: `${origin.replace('http', 'ws')}/instant` } };
      },
      '/instant': ({ authorization }) => {
        asked.push(authorization);
        return { status: 429, body: {} };
      },
      '/token': async () => {
        if (++polls === 1) return { status: 400, body: { error: 'authorization_pending' } };
        return { body: { access_token: await issuer.token('api'), token_type: 'Bearer' } };
      },
    });
    t.after(issuer.stop);

    const device = play({ ISSUER: issuer.origin });

    assert.equal(await device.ended(), 0, device.screen());
    assert.match(device.screen(), /Signed in\. The device found out by polling\./);
    assert.deepEqual(asked, where === 'here' ? ['DeviceCode made-up'] : []);
  }
});

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
    const wants = `wants a sign-in in the last 300 seconds, with acr_values ${acr}.`;
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
  assert.match(device.screen(), /Refreshed: the server sent a new access token/);
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
  /** Answers a request if its proof has the nonce, and asks for the nonce if not. `jkt` is the thumbprint of the key. */
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
  assert.deepEqual(nonces, [undefined, 'n1', 'n1'], 'the device asks for the nonce once, and keeps it');
});

test('without an API, or without a server, the device says how to start one', async () => {
  const withoutApi = play({ ISSUER: server.origin, API: NOWHERE });
  const withoutServer = play({ ISSUER: NOWHERE });

  assert.deepEqual([await withoutApi.ended(), await withoutServer.ended()], [1, 1]);
  assert.match(withoutApi.screen(), /No API answers at http:\/\/127\.0\.0\.1:9\. Start one with `make dev API=1`\./);
  assert.match(withoutServer.screen(), /No server answers at http:\/\/127\.0\.0\.1:9\. Start one with `make dev`\./);
});

test('the device says how long the code is good, and that it was refused', async () => {
  const device = play({ ISSUER: server.origin });

  await new Person(server).deny(await device.code(1));

  assert.equal(await device.ended(), 1, device.screen());
  assert.equal(device.screen().match(/Waiting for you to approve\. The code is good for \d+:\d\d\./g)?.length, 1, device.screen());
  assert.match(device.screen(), /You refused the request\. Run `make device` to try again\./);
  assert.doesNotMatch(device.screen(), /access_denied/);
});

for (const [refusal, words] of [
  [{ error: 'access_denied' }, 'You refused the request. Run `make device` to try again.'],
  [{ error: 'expired_token' }, 'The code expired before anybody approved it. Run `make device` for a new one.'],
  [{ error: 'invalid_grant', error_description: 'The code is unknown.' }, 'The server refused the request (invalid_grant). It says: The code is unknown.'],
]) {
  test(`the device says what ${refusal.error} means for the person`, async (t) => {
    const issuer = await startIssuer([], { '/device_authorization': () => ({ body: codes }), '/token': () => ({ status: 400, body: refusal }) });
    t.after(issuer.stop);

    const device = play({ ISSUER: issuer.origin });

    assert.equal(await device.ended(), 1);
    assert.ok(device.screen().endsWith(`\n  ${words}\n\n`), device.screen());
  });
}

for (const [status, refusal, words] of [
  [401, { error: 'invalid_client' }, /does not know the client tv, or does not accept its secret\. Check CLIENT_ID and CLIENT_SECRET\./],
  [400, { error: 'unauthorized_client' }, /does not let the client tv use this grant\..* CLIENT_ID\./],
  [400, { error: 'invalid_scope' }, /does not accept the scopes "sesame" from the client tv\. Name others with SCOPE\./],
  [400, { error: 'invalid_target' }, /issues no tokens for this API to the client tv\. .*`make dev API=1`/],
  [503, { error: 'temporarily_unavailable', error_description: 'One part is down.' }, /cannot help right now\..* It says: One part is down\./],
  [503, 'MASTER_KEY is missing.', /It says: .*MASTER_KEY is missing\./],
  [400, { error: 'odd', error_description: 'It is Sunday.' }, /The server refused the request \(odd\)\. It says: It is Sunday\./],
]) {
  test(`the device says in a sentence why it got no code: ${refusal.error ?? refusal}`, async (t) => {
    const issuer = await startIssuer([], { '/device_authorization': () => ({ status, body: refusal }) });
    t.after(issuer.stop);

    const device = play({ ISSUER: issuer.origin, CLIENT_ID: 'tv', SCOPE: 'sesame' });

    assert.equal(await device.ended(), 1);
    assert.match(device.screen(), words);
  });
}

test('nothing that a server sends controls the terminal of the device', async (t) => {
  const [odd, shown] = ['A\u009b1m\u202eB', 'A\\u{9b}1m\\u{202e}B'];
  const payload = Buffer.from(JSON.stringify({ iss: odd })).toString('base64url');
  const answers = [{ status: 400, body: { error: odd, error_description: `\x1b[2J${odd}` } }, { body: { access_token: `e30.${payload}.`, token_type: 'Bearer' } }];
  for (const token of answers) {
    const issuer = await startIssuer([], { '/device_authorization': () => ({ body: { ...codes, user_code: `\x1b[2J${odd}` } }), '/token': () => token });
    t.after(issuer.stop);

    const device = play({ ISSUER: issuer.origin });

    await device.ended();
    assert.doesNotMatch(device.screen(), /[^\P{C}\n]/u);
    const [code, said] = device.screen().split(shown).slice(1);
    assert.ok(code !== undefined && said !== undefined, device.screen());
  }
});

test('the device follows no redirect, and says what it got instead of metadata', async (t) => {
  const path = '/.well-known/openid-configuration';
  const issuer = await startIssuer([], { [path]: () => ({ status: 302, headers: { location: '/keys' }, body: {} }) });
  t.after(issuer.stop);

  const device = play({ ISSUER: issuer.origin });

  assert.equal(await device.ended(), 1);
  assert.ok(device.screen().includes(`${issuer.origin}${path} returned no usable metadata (302 Found).`), device.screen());
});

test('the device says that the server went away while it waited', async (t) => {
  const issuer = await startIssuer([], {
    '/device_authorization': () => ({ body: { ...codes, expires_in: 2 } }),
    '/token': () => {
      setTimeout(issuer.stop, 50);
      return { status: 400, body: { error: 'authorization_pending' } };
    },
  });
  t.after(issuer.stop);

  const device = play({ ISSUER: issuer.origin });

  assert.equal(await device.ended(), 1, device.screen());
  assert.match(device.screen(), /The server stopped answering, and the code has expired\./);
});

test('on a terminal, the time that is left counts down in place', async (t) => {
  let polls = 0;
  const issuer = await startIssuer([], {
    '/device_authorization': () => ({ body: { ...codes, interval: 2 } }),
    '/token': () => ({ status: 400, body: { error: ++polls === 1 ? 'authorization_pending' : 'access_denied' } }),
  });
  t.after(issuer.stop);

  const device = play({ ISSUER: issuer.origin }, [python(), '-c', 'import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)']);

  assert.equal(await device.ended(), 1, device.screen());
  const line = (left) => `\r  Waiting for you to approve. The code is good for ${left}.\x1b[K`;
  for (const left of ['1:00', '0:59']) assert.ok(device.screen().includes(line(left)), JSON.stringify(device.screen()));
  assert.match(device.screen(), /\r\x1b\[K\r\n {2}You refused the request\./, 'the line is gone when the device ends');
});

/** Runs make as from a terminal, even where make runs these tests. */
function make(...args) {
  const { MAKEFLAGS, MAKELEVEL, MFLAGS, ...env } = process.env;
  return promisify(execFile)('make', args, { cwd: root, env });
}

test('`make device` leaves the last word to the device, and lists its variables', async () => {
  const { stdout, stderr } = await make('device', `ISSUER=${NOWHERE}`);
  const help = await make('device', 'HELP=1');

  assert.equal(stderr, '');
  assert.match(stdout, /No server answers at http:\/\/127\.0\.0\.1:9\. Start one with `make dev`\.\n\n$/);
  for (const name of ['PORT', 'ISSUER', 'CLIENT_ID', 'CLIENT_SECRET', 'SCOPE', 'API', 'DPOP']) {
    assert.match(help.stdout, new RegExp(`^  ${name} `, 'm'));
  }
});

test('`make device` hands the client\'s secret and the scopes to the device', async (t) => {
  const asked = [];
  const issuer = await startIssuer([], {
    '/device_authorization': (_, form) => {
      asked.push(['client_id', 'client_secret', 'scope'].map((name) => form.get(name)));
      return { status: 400, body: { error: 'invalid_scope' } };
    },
  });
  t.after(issuer.stop);

  const variables = [`ISSUER=${issuer.origin}`, 'CLIENT_ID=printer', 'CLIENT_SECRET=s3cret', 'SCOPE=openid email'];
  await make('device', ...variables);
  await make('device', `ISSUER=${issuer.origin}`);

  assert.deepEqual(asked, [['printer', 's3cret', 'openid email'], ['demo-tv', null, 'openid profile email offline_access']]);
});

/** The devices that have not ended. */
const playing = new Set();
process.once('exit', () => playing.forEach((child) => child.kill('SIGKILL')));

/** Runs the device, with the command `through` before it if given. Its screen is what it has printed so far. */
function play(env, through = []) {
  const [program, ...options] = [...through, join(root, 'target', 'debug/examples/device')];
  const child = spawn(program, options, { env, stdio: ['ignore', 'pipe', 'inherit'] });
  playing.add(child);
  const closed = once(child, 'close').finally(() => playing.delete(child));
  let screen = '';
  child.stdout.setEncoding('utf8').on('data', (text) => (screen += text));
  const nthCode = (n) => [...screen.matchAll(/enter the code\s+(\S+)/g)][n - 1]?.[1];
  return {
    screen: () => screen,
    /** The nth code that it shows. */
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
