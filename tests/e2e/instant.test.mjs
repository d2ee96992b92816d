// Instant completion in the real runtime: a device waits on a WebSocket, hears "ask now", and asks once.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';
import { interval, past, until } from './support/bounded.mjs';
import { accounts, clients } from './support/config.mjs';
import { Device } from './support/device.mjs';
import { Key } from './support/dpop.mjs';
import { startWorkerd, startWrangler } from './support/harness.mjs';
import { frame, listen, rawSocket, refused } from './support/listener.mjs';
import { Person } from './support/person.mjs';
import { from } from './support/places.mjs';
import { endDiscreetly } from './support/secrets.mjs';
import { grants } from './support/stored.mjs';

const TOLD = { messages: ['ask now'], code: 1000, reason: 'ask now' };
const bob = { account: accounts.bob };

describe('a device with a WebSocket', { concurrency: 3 }, () => {
  let server;
  before(async () => {
    server = await startWorkerd({ twin: true, vars: { POLL_INTERVAL_SECONDS: '60' } });
  });
  after(() => endDiscreetly(server));

  test('hears of an approval, and its next request gets the tokens, long before the interval is over', async () => {
    const device = await Device.start(server);
    const line = await listen(device);
    assert.equal((await device.poll()).error, 'authorization_pending');

    await new Person(server).approve(device.userCode);

    assert.deepEqual(await line.ended, TOLD);
    await device.redeem();
  });

  test('hears of a refusal and of a report in the same words', async () => {
    for (const decision of ['deny', 'report']) {
      const device = await Device.start(server);
      const line = await listen(device);
      const person = new Person(server, bob);
      await person.consider(device.userCode);
      assert.ok(line.isOpen(), 'a page that is open decides nothing');

      await person.decide(decision);

      assert.equal(await line.heard, 'ask now');
      assert.equal((await device.poll()).error, 'access_denied');
    }
  });

  test('hears of a decision that another Worker passed on', async () => {
    const device = await Device.start(server);
    const line = await listen(device, { origin: server.twin.origin });

    await new Person(server).approve(device.userCode);

    assert.equal(await line.heard, 'ask now');
    await device.redeem();
  });

  test('needs no credentials for it, but a proof of the key that its code is bound to', async () => {
    const [key, thief] = [await Key.generate(), await Key.generate()];
    const printer = await Device.start(server, { client: clients.printer });
    const bound = await Device.start(server, { dpop_jkt: key.jkt });
    const proof = async (of) => ({ dpop: await of.proof(`${server.origin}/instant`, { htm: 'GET' }) });

    const quiet = await listen(printer);
    assert.equal((await refused(bound)).status, 401);
    assert.equal((await refused(bound, { headers: await proof(thief) })).status, 401);
    const line = await listen(bound, { headers: await proof(key) });

    await new Person(server, bob).approve(bound.userCode);
    assert.equal(await line.heard, 'ask now');
    assert.equal((await bound.poll()).error, 'invalid_grant', 'without the key');
    assert.equal((await key.poll(server, bound.codes.device_code)).status, 200);
    quiet.close();
    assert.equal((await quiet.ended).messages.length, 0);
  });

  test('is refused for a reason that it can read', async () => {
    const device = await Device.start(server);
    const plain = await fetch(`${server.origin}/instant?client_id=demo-tv`);
    assert.deepEqual([plain.status, await plain.text()], [426, 'Open a WebSocket.\n']);

    for (const [options, status, error] of [
      [{ code: `${device.codes.device_code}A` }, 401, 'invalid_grant'],
      [{ code: 'made-up' }, 401, 'invalid_grant'],
      [{ client_id: 'demo-printer' }, 401, 'invalid_grant'],
      [{ headers: { authorization: 'Basic dHY6dHY=' } }, 401, 'invalid_request'],
      [{ headers: { origin: 'https://evil.example' } }, 400, 'invalid_request'],
    ]) {
      const answer = await refused(device, options);
      assert.deepEqual([answer.status, JSON.parse(answer.text).error], [status, error], answer.text);
      assert.equal(answer.headers['www-authenticate'], status === 401 ? 'DeviceCode realm="device-grant"' : undefined);
    }
    await new Person(server, bob).deny(device.userCode);
    assert.equal((await refused(device)).status, 409);
  });

  test('is closed if it says anything, and polls as ever', async () => {
    const device = await Device.start(server);
    const parallel = await Device.start(server);
    const line = await listen(device);
    const other = await listen(parallel);

    line.send('hello');
    other.send(new Uint8Array(100_000));

    assert.deepEqual(await line.ended, { messages: [], code: 1008, reason: 'send nothing' });
    assert.deepEqual(await other.ended, { messages: [], code: 1003, reason: 'send nothing' });
    await new Person(server).approve(device.userCode);
    await device.redeem();
  });
});

test('a device that is slow, silent or hostile disturbs nobody', async (t) => {
  const server = await startWorkerd({ vars: { SHARDS_PER_REGION: '1' } });
  // The runtime says that somebody broke RFC 6455, and ends the WebSocket.
  t.after(() => endDiscreetly(server, { besides: [/WebSocket protocol error/] }));
  const behaviors = {
    silent: () => {},
    'never reads': (socket) => socket.pause(),
    'sends half a frame': (socket) => socket.write(Buffer.from([0x81])),
    'sends a fragment that never ends': (socket) => socket.write(frame(1, 'hello', false)),
    'sends a frame that is not masked': (socket) => socket.write(Buffer.from([0x81, 0x01, 0x61])),
    'sends an unknown opcode': (socket) => socket.write(frame(3, '')),
    'sends many messages': (socket) => socket.write(Buffer.concat(Array.from({ length: 1_000 }, () => frame(1, 'x')))),
    'is gone without a word': (socket) => socket.destroy(),
  };
  const alice = new Person(server);
  for (const [what, behave] of Object.entries(behaviors)) {
    const device = await Device.start(server);
    const good = await Device.start(server);
    const line = await listen(good);
    const socket = await rawSocket(device);
    socket.on('error', () => {});
    behave(socket);

    await alice.approve(device.userCode);
    await alice.approve(good.userCode);

    assert.equal(await line.heard, 'ask now', what);
    await Promise.all([device.redeem(), good.redeem()]);
    socket.destroy();
  }
});

test('a device loses nothing when the server starts again: it polls', async (t) => {
  const server = await startWorkerd({ vars: { POLL_INTERVAL_SECONDS: '1' } });
  t.after(() => endDiscreetly(server));
  const device = await Device.start(server);
  const line = await listen(device);

  await server.kill9();
  await server.restart();

  assert.deepEqual((await line.ended).messages, []);
  assert.equal((await device.poll()).error, 'authorization_pending');
  const again = await listen(device);
  await new Person(server).approve(device.userCode);
  assert.equal(await again.heard, 'ask now');
  await device.redeem();
});

test('a WebSocket outlives the object that accepted it, which hibernates', async (t) => {
  const server = await startWorkerd({ vars: { POLL_INTERVAL_SECONDS: '60', SHARDS_PER_REGION: '1' } });
  t.after(() => endDiscreetly(server));
  const device = await Device.start(server);
  const line = await listen(device);
  assert.equal((await device.poll()).error, 'authorization_pending');

  // The runtime drops an object that has been idle for ten seconds.
  await interval(13);

  assert.equal((await device.poll()).error, 'authorization_pending', 'an object that was awake would say slow_down');
  assert.ok(line.isOpen());
  await new Person(server).approve(device.userCode);
  assert.equal(await line.heard, 'ask now');
  await device.redeem();
});

test('a WebSocket ends with its code, and not when the row of the code is swept', async (t) => {
  const server = await startWorkerd({ vars: { CODE_LIFETIME_SECONDS: '10', REDEMPTION_GRACE_SECONDS: '600', SHARDS_PER_REGION: '1' } });
  t.after(() => endDiscreetly(server));
  const device = await Device.start(server);
  const [{ record }] = grants(server);
  const line = await listen(device);
  await past(record.expires_at - 2_000);
  assert.ok(line.isOpen());

  const heard = await Promise.race([line.heard, past(record.expires_at + 8_000)]);

  assert.equal(heard, 'ask now');
  assert.ok(Date.now() >= record.expires_at, 'not before the end');
  assert.equal((await device.poll()).error, 'expired_token');
  assert.equal(grants(server).length, 1, 'the row is still there');
});

test('a code has one WebSocket, a shard as many as the setting says, and 0 turns them off', async (t) => {
  const server = await startWorkerd({ vars: { POLL_INTERVAL_SECONDS: '2', INSTANT_SOCKETS_PER_SHARD: '2', SHARDS_PER_REGION: '1' } });
  t.after(() => endDiscreetly(server));
  const [one, two, three] = await Promise.all([1, 2, 3].map(() => Device.start(server)));
  const first = await listen(one);
  const early = await refused(one);
  assert.deepEqual([early.status, early.headers['retry-after']], [429, '2']);

  await interval(2);
  const second = await listen(one);

  assert.deepEqual(await first.ended, { messages: [], code: 4000, reason: 'replaced' });
  const line = await until(() => listen(two).catch(() => undefined), 10_000, 'the replaced one left no room');
  const full = await refused(three);
  assert.deepEqual([full.status, full.headers['retry-after']], [429, '60']);
  await new Person(server).approve(one.userCode);
  assert.equal(await second.heard, 'ask now');
  line.close();
  await line.ended;
  const room = await until(() => listen(three).catch(() => undefined), 10_000, 'there is room, but not for the third');
  await new Person(server).deny(three.userCode);
  assert.equal(await room.heard, 'ask now');

  const off = await startWorkerd({ vars: { INSTANT_SOCKETS_PER_SHARD: '0' } });
  t.after(() => endDiscreetly(off));
  const device = await Device.start(off);
  assert.equal(device.codes.devicegrant_instant_uri, undefined);
  assert.equal((await refused(device)).status, 404);
});

test('a peer that does not answer the end of its WebSocket holds it only as long as its connection', async (t) => {
  const server = await startWorkerd({ vars: { POLL_INTERVAL_SECONDS: '1', INSTANT_SOCKETS_PER_SHARD: '1', SHARDS_PER_REGION: '1' } });
  t.after(() => endDiscreetly(server));
  const rude = await Device.start(server);
  const socket = await rawSocket(rude);
  const heard = once(socket, 'data');
  await new Person(server).approve(rude.userCode);
  await heard;

  socket.destroy();

  const device = await Device.start(server);
  const line = await until(() => listen(device).catch(() => undefined), 10_000, 'the seat is not free');
  await new Person(server).approve(device.userCode);
  assert.equal(await line.heard, 'ask now');
});

test('upgrades pass the rate limit of the platform, and polling goes on', async (t) => {
  const server = await startWrangler({ vars: { POLL_INTERVAL_SECONDS: '60' } });
  t.after(() => server.stop());
  const headers = from('198.51.100.9');
  const device = await Device.start(server, { headers });
  const line = await listen(device, { headers });
  const answers = [];
  for (let i = 0; i < 130 && !/from this network/.test(answers.at(-1)?.text); i += 1) answers.push(await refused(device, { headers }));

  assert.match(answers.at(-1).text, /Too many connections by this client from this network/);
  assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([429]));
  assert.equal((await device.poll()).error, 'authorization_pending');
  await new Person(server, { headers }).approve(device.userCode);
  assert.equal(await line.heard, 'ask now');
  await device.redeem();
});
