// Every request gets a proper answer, never a 500 and never silence, and flows in progress go on.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { accounts, builds, clients } from './support/config.mjs';
import { DEVICE_GRANT, Device } from './support/device.mjs';
import { startWorkerd } from './support/harness.mjs';
import { mangled, oddHeaders } from './support/mangled.mjs';
import { Person } from './support/person.mjs';
import { from } from './support/places.mjs';
import { send, write } from './support/raw.mjs';
import { endDiscreetly } from './support/secrets.mjs';

const vars = { LIVE_CODES_PER_CLIENT_AND_NETWORK: '10000', LIVE_CODES_PER_SHARD: '100000', POLL_INTERVAL_SECONDS: '1' };
/** The network that the bad requests come from, so that they do not count against alice. */
const attacker = from('203.0.113.66');
/** The network that wrong passwords come from, so that they do not count against bob. */
const guesser = from('203.0.113.67');

let server, device, alice;
before(async () => {
  server = await startWorkerd({ vars });
  device = await Device.start(server);
  alice = new Person(server);
  await alice.consider(device.userCode);
});
after(() => endDiscreetly(server));

describe('a bad request', () => {
  for (const [endpoint, prepare] of Object.entries(endpoints())) {
    test(`with a bad body to ${endpoint} gets a proper answer`, async () => {
      const { path, fields, headers, checkAnswer } = await prepare();

      for (const [wrong, request, status] of mangled(fields)) {
        const answer = await send(server, path, { ...request, headers: { ...headers, ...request.headers } });
        // A form without its CSRF token is refused with 403.
        const allowed = path === '/device' && status === 400 ? [400, 403] : [status ?? answer.status];
        assert.ok(answer.status < 500 && allowed.includes(answer.status), `${wrong}: ${brief(answer)}`);
        checkAnswer(answer, wrong);
      }
    });

    test(`with odd headers to ${endpoint} gets a proper answer`, async () => {
      const { path, fields, headers, checkAnswer } = await prepare();

      for (const [odd, more] of oddHeaders()) {
        const type = { 'content-type': 'application/x-www-form-urlencoded' };
        const body = new URLSearchParams(fields).toString();
        const answer = await send(server, path, { body, headers: { ...headers, ...type, ...more } });
        assert.ok(answer.status < 500, `${odd}: ${brief(answer)}`);
        checkAnswer(answer, odd);
      }
    });
  }

  test('with an odd query in the address of a page gets the page', async () => {
    for (const query of ['?', '?user_code', '?user_code=%00', '?user_code=%ff', '?user_code=A&user_code=B', `?${'a=1&'.repeat(2000)}`,
      `?user_code=${'B'.repeat(8000)}`, '?user_code=%3Cscript%3E', '?%', '?user_code=\u00e9']) {
      const answer = await send(server, `/device${encodeURI(query).replaceAll('%25', '%')}`, { method: 'GET' });
      assert.equal(answer.status, 200, query);
      assert.doesNotMatch(answer.text, /<script/i);
    }
  });
});

describe('a bad message', () => {
  const head = (more) => `POST /token HTTP/1.1\r\nHost: ${new URL(server.origin).host}\r\nContent-Type: application/x-www-form-urlencoded\r\n${more}\r\n\r\n`;

  test('that ends too soon does the server no harm', async () => {
    await write(server, `${head('Content-Length: 500')}grant_type=`, { half: true, milliseconds: 500 });
    await write(server, `${head('Transfer-Encoding: chunked')}a\r\ngrant`, { half: true, milliseconds: 500 });

    assert.equal((await send(server, '/healthz', { method: 'GET' })).status, 200);
  });

  test('that contradicts itself is refused', async () => {
    for (const framing of ['Content-Length: 5\r\nTransfer-Encoding: chunked', 'Content-Length: -1', 'Content-Length: x', 'Content-Length: 99999999999999999999']) {
      const answer = await write(server, `${head(framing)}0\r\n\r\n`, { half: true, milliseconds: 2_000 });
      assert.doesNotMatch(answer, /^HTTP\/1.1 (2|500)/, framing);
    }
    assert.equal((await send(server, '/healthz', { method: 'GET' })).status, 200);
  });

  test('that is longer than it says is refused', async () => {
    const piece = 'a'.repeat(60_000);
    const message = `${head('Content-Length: 5\r\nTransfer-Encoding: chunked')}${piece.length.toString(16)}\r\n${piece}\r\n0\r\n\r\n`;
    const answer = await write(server, message, { milliseconds: 2_000 });

    assert.match(answer, /^HTTP\/1.1 413 /);
  });

  test('that announces a large body is refused before the body arrives', async () => {
    const answer = await write(server, `${head('Content-Length: 1000000000')}grant_type=`, { milliseconds: 2_000 });

    assert.match(answer, /^HTTP\/1.1 413 /);
  });
});

describe('after the bad requests', () => {
  test('the flow in progress ends well', async () => {
    assert.equal((await device.poll()).error, 'authorization_pending');
    await alice.approve(device.userCode);
    await device.redeem();
    assert.equal((await device.refresh()).status, 200);
  });

  test('a new flow ends well, too', async () => {
    const next = await Device.start(server, { client: clients.printer });
    await alice.approve(next.userCode);
    await next.redeem();
  });
});

describe('a panic', () => {
  const besides = [/panic|wasm|RuntimeError|^\s+at |code had hung|start again/i];

  test('in one request does not affect the next one, and a flow in progress ends well', async (t) => {
    const probed = await startWorkerd({ vars, build: builds.probe });
    t.after(() => endDiscreetly(probed, { besides }));
    const running = await Device.start(probed);
    const person = new Person(probed);
    const panic = async () => {
      const { status } = await send(probed, '/panic-probe', { method: 'GET' });
      assert.equal(status, 500);
    };

    await panic();
    assert.equal((await send(probed, '/healthz', { method: 'GET' })).status, 200);
    assert.equal((await running.poll()).error, 'authorization_pending');
    await panic();
    await person.consider(running.userCode);
    await panic();
    await person.decide('approve');
    person.mustRead(200, 'Approved');
    await panic();
    await running.redeem();
    await panic();
    assert.equal((await running.refresh()).status, 200);
  });

  test('among simultaneous requests lets none of them hang, and harms no grant', async (t) => {
    const probed = await startWorkerd({ vars, build: builds.probe });
    t.after(() => endDiscreetly(probed, { besides }));
    const running = await Device.start(probed);
    const polls = () => Array.from({ length: 10 }, () => running.poll().catch(({ message }) => ({ lost: message })));

    const answers = await Promise.all([...polls(), send(probed, '/panic-probe', { method: 'GET' }), ...polls()]);

    assert.equal(answers.length, 21, 'every request ends');
    const { error } = await running.poll();
    assert.ok(['authorization_pending', 'slow_down'].includes(error), error);
  });

  test('cannot be provoked in production: only the test build has the probe', async () => {
    const has = (build) => readFileSync(join(build, 'index_bg.wasm')).includes('panic-probe');

    assert.deepEqual([has(builds.release), has(builds.probe)], [false, true]);
    assert.equal((await send(server, '/panic-probe', { method: 'GET' })).status, 404);
  });
});

/** Every form, filled in correctly, and a function that checks an answer to it. */
function endpoints() {
  const oauth = (path, fields) => async () => ({ path, fields: await fields(), headers: attacker, checkAnswer: checkOAuthAnswer });
  const page = (fields, network = attacker) => async () => {
    const bob = new Person(server, { account: accounts.bob, headers: attacker });
    const own = await fields(bob);
    const { csrf, transaction } = bob.page;
    const cookie = [...bob.cookies].map((pair) => pair.join('=')).join('; ');
    const headers = { ...network, cookie, origin: server.origin };
    return { path: '/device', fields: { csrf, ...(transaction && { transaction }), ...own }, headers, checkAnswer: checkPage };
  };
  const startedByBob = async (bob, steps) => {
    const other = await Device.start(server, { headers: attacker });
    await steps(bob, other.userCode);
  };
  return {
    '/device_authorization': oauth('/device_authorization', () => ({ ...clients.printer, scope: 'openid', nonce: 'n' })),
    '/token, with a device code': oauth('/token', () => ({ ...clients.tv, grant_type: DEVICE_GRANT, device_code: device.codes.device_code })),
    '/token, with a refresh token': oauth('/token', async () => {
      const other = await Device.start(server);
      await alice.approve(other.userCode);
      const { refresh_token } = await other.redeem();
      await alice.enter(device.userCode);
      return { ...clients.tv, grant_type: 'refresh_token', refresh_token, scope: 'openid' };
    }),
    'the form for the code': page(async (bob) => {
      await bob.open();
      return { step: 'code', user_code: 'BBBB-BBBB' };
    }),
    'the form for the sign-in': page(async (bob) => {
      await startedByBob(bob, (bob, code) => bob.enter(code));
      return { step: 'sign_in', username: 'mallory', password: 'a guess' };
    }, guesser),
    'the form for the decision': page(async (bob) => {
      await startedByBob(bob, (bob, code) => bob.consider(code));
      return { step: 'decide', decision: 'perhaps', confirm_device: 'yes' };
    }),
    'the form for another account': page(async (bob) => {
      await startedByBob(bob, (bob, code) => bob.consider(code));
      return { step: 'switch_account' };
    }),
    'the form for signing out': page(async (bob) => {
      await startedByBob(bob, (bob, code) => bob.consider(code));
      return { step: 'sign_out' };
    }),
  };
}

function checkOAuthAnswer({ status, headers, text }, wrong) {
  assert.equal(headers['content-type'], 'application/json', wrong);
  assert.equal(headers['cache-control'], 'no-store', wrong);
  const { error, error_description } = JSON.parse(text);
  if (status === 200) assert.equal(error, undefined, wrong);
  else assert.match(`${error}: ${error_description}`, /^[a-z_]+: [\x20\x21\x23-\x5b\x5d-\x7e]+$/, wrong);
}

function checkPage({ headers, text }, wrong) {
  assert.equal(headers['content-type'], 'text/html; charset=utf-8', wrong);
  assert.match(headers['content-security-policy'] ?? '', /default-src 'none'/, wrong);
  assert.ok(text.trimEnd().endsWith('</html>'), wrong);
  assert.ok(!text.toLowerCase().includes('<script'), wrong);
}

function brief({ status, text }) {
  return `${status} ${text.slice(-500)}`;
}
