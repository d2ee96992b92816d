// While an object is unavailable, requests that need it get 503 with Retry-After. Afterwards, all works as before.
//
// To make a class of objects unavailable, the tests overwrite its database files with text.

import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { until } from './support/bounded.mjs';
import { clients } from './support/config.mjs';
import { Device } from './support/device.mjs';
import { startWorkerd, temporaryDirectory } from './support/harness.mjs';
import { Person } from './support/person.mjs';
import { MINUTE, dueIn, redate } from './support/redate.mjs';
import { endDiscreetly } from './support/secrets.mjs';
import { events, ledger, outbox } from './support/stored.mjs';

/** For each class of objects, what still works without it. Everything else gets 503. */
const survivors = {
  GrantShard: ['keys', 'health'],
  Registry: ['health'],
  AccountShard: ['start', 'poll', 'revoke', 'keys', 'health'],
  LimiterShard: ['start', 'poll', 'approve', 'redeem', 'refresh', 'revoke', 'keys', 'health'],
};

for (const [className, working] of Object.entries(survivors)) {
  test(`without ${className} only these work: ${working.join(', ')}; afterwards everything does`, async (t) => {
    const { server, breakDown, repair } = await breakable(t, className);
    const [waiting, approved, holder, leaver] = await Promise.all([1, 2, 3, 4].map(() => start(server)));
    const next = new Device(server, { client: clients.printer });
    const alice = new Person(server);
    await alice.approve(approved.userCode);
    await alice.approve(holder.userCode);
    await alice.approve(leaver.userCode);
    await holder.redeem();
    await leaver.redeem();
    await alice.consider(waiting.userCode);

    await breakDown();
    const answers = {
      // A new grant may go to a shard whose file does not exist yet, and so is not broken.
      ...(className !== 'GrantShard' && { start: brief(await next.start()) }),
      poll: brief(await waiting.poll()),
      approve: page(await alice.decide('approve')),
      redeem: brief(await approved.poll()),
      refresh: brief(await holder.refresh()),
      revoke: brief(await leaver.ask('/revoke', { token: leaver.tokens.refresh_token })),
      keys: await get(`${server.origin}/jwks.json`),
      health: await get(`${server.origin}/healthz`),
    };

    const expected = Object.keys(answers).map((what) => [what, working.includes(what) ? 'answered' : '503, again in 5 s']);
    assert.deepEqual(answers, Object.fromEntries(expected));
    await repair();
    if (!working.includes('approve')) await alice.approve(waiting.userCode);
    await waiting.redeem();
    if (!working.includes('redeem')) await approved.redeem();
    assert.equal((await holder.refresh()).status, 200);
    const left = await leaver.refresh();
    assert.equal(left.error ?? left.status, working.includes('revoke') ? 'invalid_grant' : 200, 'a token that could not be revoked still works');
    await next.start();
    assert.equal(events(server).filter(({ what }) => what === 'redeemed').length, 4, 'each grant was redeemed once');
  });
}

test('events that cannot reach the ledger are kept, and reach it later', async (t) => {
  const vars = { CODE_LIFETIME_SECONDS: '10', REDEMPTION_GRACE_SECONDS: '0', SHARDS_PER_REGION: '1' };
  const { server, directory, breakDown, repair } = await breakable(t, 'Ledger', vars);
  const soon = () => dueIn(500, server, directory);
  const shipped = () => until(() => outbox(server).length === 0, 8_000, 'the events were not shipped');
  await Device.start(server);
  await server.kill9();
  soon();
  await server.restart();
  await shipped();
  const { length } = ledger(server);
  await Device.start(server);

  await breakDown(soon);
  await until(() => server.logs().includes('"what":"ledger"'), 8_000, 'the failure was not logged');
  const kept = outbox(server).map(({ event }) => event.what);
  await repair(() => redate(directory, -2 * MINUTE));
  await shipped();

  assert.deepEqual(kept, ['device_authorization', 'expired']);
  assert.deepEqual(ledger(server).slice(length).map(({ record }) => record.event.what), kept);
});

async function start(server) {
  return Device.start(server, { client: clients.printer });
}

/** Starts a server with a class of objects that can be broken and repaired. */
async function breakable(t, className, vars = {}) {
  const directory = temporaryDirectory();
  const server = await startWorkerd({ dir: directory.path, vars });
  t.after(async () => {
    await endDiscreetly(server, { besides: [/^workerd\/|^stack: |^\{"what":"(object|ledger|report)","outcome":"unavailable","reason":"/] });
    directory.remove();
  });
  const [place, away] = [join(directory.path, className), join(directory.path, `${className}.away`)];
  const breakDown = async (meanwhile = () => {}) => {
    await server.kill9();
    meanwhile();
    renameSync(place, away);
    mkdirSync(place);
    for (const name of readdirSync(away).filter(isObject)) writeFileSync(join(place, name), 'no database '.repeat(1_000));
    await server.restart();
  };
  const repair = async (meanwhile = () => {}) => {
    await server.kill9();
    meanwhile();
    rmSync(place, { recursive: true });
    renameSync(away, place);
    await server.restart();
  };
  return { server, directory: directory.path, breakDown, repair };
}

const isObject = (name) => name.endsWith('.sqlite') && name !== 'metadata.sqlite';

function brief({ status, error, retryAfter }) {
  return status === 503 && error === 'temporarily_unavailable' ? `503, again in ${retryAfter} s` : 'answered';
}

function page({ status, heading, headers }) {
  return status === 503 && heading === 'Please try again' ? `503, again in ${headers.get('retry-after')} s` : 'answered';
}

async function get(url) {
  const response = await fetch(url);
  return brief({ status: response.status, retryAfter: response.headers.get('retry-after'), ...(await response.json()) });
}
