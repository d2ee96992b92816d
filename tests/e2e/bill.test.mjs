// What Cloudflare bills for a whole login, from its start until its code is swept, and for WebSockets of devices that behave
// badly. bench/cost.mjs prices it. The ceilings are budgets: lower one whenever the server gets by with less.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { Caller } from '../../bench/caller.mjs';
import { bill, countLogin } from '../../bench/cost.mjs';
import { form, ours } from '../../bench/servers.mjs';
import { startCounted, staysWithin } from './support/counted.mjs';
import { frame, rawSocket } from './support/listener.mjs';

/** Milliseconds for which a limiter keeps an attempt that was not given back: `SETTLE` in src/limiter/unsaved.rs. */
const SETTLE = 1_000;
/** Milliseconds after which no object has anything pending. */
const QUIET = 3_000;

let counted, caller, flow;

before(async () => {
  counted = await startCounted({ SHARDS_PER_REGION: '1' });
  caller = new Caller(counted.server);
  flow = await ours.flow(counted.server, caller, 0);
  await flow();
  await wait(QUIET);
});

after(async () => {
  caller.close();
  await counted.server.stop();
});

test('a login costs no more than its budget, from its start until its code is swept', async () => {
  const budgets = {
    polling: { httpRequests: 13, requests: 36, alarms: 7, rowsRead: 420, rowsWritten: 75, alarmsSet: 9, kept: 8, lines: 4 },
    instant: { httpRequests: 9, requests: 29, alarms: 7, rowsRead: 380, rowsWritten: 75, alarmsSet: 9, kept: 8, lines: 5 },
  };

  const counts = await countLogin(1);

  for (const [how, budget] of Object.entries(budgets)) {
    const over = Object.keys(budget).filter((what) => counts[how][what] > budget[what]);
    assert.deepEqual(over, [], `${how}: ${JSON.stringify(counts[how])} is more than ${JSON.stringify(budget)}`);
    assert.ok(counts[how].rowsWritten >= 17 && counts[how].alarms > 0, 'the code was swept');
  }
});

test('the time that an object is awake is billed, with its timers', async () => {
  const { classes } = await counted.during(async () => {
    await flow.enter('BBBB-BBBB');
    await wait(QUIET);
  });

  // A wrong code is not given back. The limiter waits before it stores the attempt.
  assert.ok(classes.LimiterShard.awake >= SETTLE, JSON.stringify(classes));
  const line = bill(classes.LimiterShard, 0).find(([what]) => what.startsWith('Run time'));
  assert.equal(line[1], (classes.LimiterShard.awake / 1_000) * 0.128);
});

test('no object is awake once a login is over', async () => {
  await flow();
  // Here is the place to say how soon: a limiter keeps its timer although all attempts were given back.
  await wait(QUIET);

  await costsAtMost({ awake: 0, requests: 0 }, () => wait(1_000));
});

test('a device that is silent, or goes away without a word, costs one request and no row', async () => {
  for (const behave of [() => {}, (socket) => socket.destroy(), (socket) => socket.write(frame(9, 'ping'))]) {
    await socketCosts({ messages: 0 }, behave);
  }
});

test('a device that sends many messages costs as many, each billed as a twentieth of a request, and no row', async () => {
  const many = Buffer.concat(Array.from({ length: 1_000 }, () => frame(1, 'x')));

  // The first one ends the WebSocket. The runtime hands over the others nevertheless, until the device ends its side.
  await socketCosts({ messages: 1_000 }, (socket) => socket.write(many));
});

/** Fails unless a WebSocket costs its upgrade, and no more than the ceilings, whatever its device does then. */
async function socketCosts(ceilings, behave) {
  const device = { server: counted.server, client: { client_id: 'demo-tv' }, codes: await caller.start(form(ours.start)) };
  await costsAtMost({ requests: 1, alarms: 0, rowsRead: 12, rowsWritten: 0, alarmsSet: 0, lines: 1, ...ceilings }, async () => {
    const socket = await rawSocket(device);
    socket.on('error', () => {});
    behave(socket);
    await wait(500);
    socket.destroy();
  });
}

function costsAtMost(ceilings, run) {
  return staysWithin(ceilings, () => counted.during(run));
}
