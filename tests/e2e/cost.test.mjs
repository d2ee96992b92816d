// What a login costs, in requests to objects and in rows that the runtime says it writes. docs/performance.md has the prices.
// The ceilings are budgets: lower one whenever the server gets by with less. The table of operations is exact, because the
// simulation (bench/scale) is made of it.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { Caller } from '../../bench/caller.mjs';
import { form, ours } from '../../bench/servers.mjs';
import { Admin } from './support/admin.mjs';
import { until } from './support/bounded.mjs';
import { root } from './support/config.mjs';
import { MOST_RUNS, startCounted, staysWithin } from './support/counted.mjs';
import { change, ringIn } from './support/faults.mjs';
import { listen, refused } from './support/listener.mjs';
import { Person } from './support/person.mjs';
import { keepSecret } from './support/secrets.mjs';
import { outboxOf, rows, waiting as waitingAtCouriers } from './support/stored.mjs';

const VARS = { SHARDS_PER_REGION: '1', LIVE_CODES_PER_CLIENT_AND_NETWORK: '1000', LIVE_CODES_PER_SHARD: '20000' };
/** Milliseconds after which every attempt is stored that was not given back: longer than `SETTLE` in src/limiter/unsaved.rs. */
const SETTLED = 3_000;
const ALL = 'openid offline_access';
/** Milliseconds by which the server's clock is put forward at once: less than the time between two alarms. */
const STEP = 20_000;
/** Milliseconds after which a replica has renewed what aged. */
const RENEWED = 1_000;
/** A place, because a record has more bytes with one. */
const texas = { country: 'US', region: 'Texas', city: 'Austin', latitude: '30.3', longitude: '-97.7', asn: 395747, asOrganization: 'Example Cable', timezone: 'America/Chicago', colo: 'DFW' };
const table = JSON.parse(readFileSync(join(root, 'bench/scale/operations.json'), 'utf8'));

let counted, caller, flow;

before(async () => {
  counted = await startCounted(VARS);
  caller = new Caller(counted.server);
  flow = await ours.flow(counted.server, caller, 0);
  // The objects, the keys and the clients' snapshot are there from now on.
  await flow();
});

after(async () => {
  caller.close();
  await counted.server.stop();
});

test('a start makes one request to an object and writes four rows', async () => {
  await costsAtMost({ requests: 1, rowsWritten: 4, alarmsSet: 0 }, () => caller.start(form(ours.start)));
});

test('a start among hundreds of live codes of its network reads and writes as few rows', async () => {
  const { path, body } = form(ours.start);
  const again = async () => {
    const { status, text } = await caller.send(path, { device: true, form: body, headers: { 'cf-connecting-ip': '203.0.113.9' } });
    assert.equal(status, 200, text);
  };
  for (let i = 0; i < 300; i++) await again();

  await costsAtMost({ requests: 1, rowsRead: 12, rowsWritten: 4, alarmsSet: 0 }, again);
});

test('a pending poll makes one request to an object, and reads and writes no row', async () => {
  const codes = await startForRuns();
  // The first poll of a code: what the start has stored is in memory.
  await costsAtMost({ requests: 1, rowsRead: 0, rowsWritten: 0, alarmsSet: 0 }, () => poll(codes.pop().device_code));
});

test('a forged code reaches no object', async () => {
  await costsAtMost({ requests: 0, rowsRead: 0 }, () => poll('x'.repeat(99)));
});

test('a WebSocket makes one request to an object and writes nothing, and a forged code reaches none', async () => {
  const { server } = counted;
  const device = (codes) => ({ server, client: { client_id: 'demo-tv' }, codes });
  const [lines, [last, ...codes]] = [[], await startForRuns()];
  await costsAtMost({ requests: 1, rowsWritten: 0, alarmsSet: 0 }, async () => lines.push(await listen(device(codes.pop()))));
  for (const line of lines) line.close();
  await costsAtMost({ requests: 0, rowsRead: 0 }, () => refused(device(last), { code: 'x'.repeat(99) }));
});

test('a start, a poll, an approval and a redemption make 18 requests to objects and write 17 rows', async () => {
  await costsAtMost({ requests: 18, rowsWritten: 17, commits: 6 }, settled(flow));
});

test('with a replica of the registry that knows the client, a flow makes as many requests, and a start and a poll make one', async () => {
  const near = await startCounted({ SHARDS_PER_REGION: '1', REGISTRY_REPLICAS: '1', REGISTRY_LEASE_SECONDS: '60' });
  const at = new Caller(near.server);
  try {
    const again = await ours.flow(near.server, at, 0);
    await again();
    await costsAtMost({ requests: 18, rowsWritten: 17, commits: 6 }, settled(again), near);
    const codes = await startForRuns(at);
    await costsAtMost({ requests: 1, rowsWritten: 4 }, () => at.start(form(ours.start)), near);
    await costsAtMost({ requests: 1, rowsWritten: 0 }, () => poll(codes.pop().device_code, at), near);
  } finally {
    at.close();
    await near.server.stop();
  }
});

describe('the table of the simulation says', () => {
  /** Each gets what comes before it ready, and returns the step to measure. */
  const steps = {
    'start': async () => () => flow.start(ALL),
    'pending poll': async () => {
      const codes = await flow.start(ALL);
      return () => flow.poll(codes);
    },
    'forged code': async () => () => poll('x'.repeat(99)),
    'wrong code': async () => () => flow.enter('BBBB-BBBB'),
    'sign-in': async () => {
      const person = new Person(counted.server, { headers: { 'cf-connecting-ip': '198.51.100.9' } });
      await person.enter((await flow.start(ALL)).user_code);
      return () => person.signIn();
    },
    'code entry': async () => {
      const { user_code } = await flow.start(ALL);
      return () => flow.enter(user_code);
    },
    'decision': async () => {
      const { user_code } = await flow.start(ALL);
      const page = await flow.enter(user_code);
      return () => flow.decide(page);
    },
    'redemption': async () => {
      const codes = await approved();
      return () => flow.redeem(codes);
    },
    'refresh': async () => {
      const tokens = await flow.redeem(await approved());
      return () => flow.refresh(tokens);
    },
  };

  for (const [name, expected] of Object.entries(table.operations)) {
    test(`what this costs: ${name}`, async () => {
      const all = [];
      // In another run, an object may create its tables, an alarm ring or an isolate report to the limiter.
      while (all.length < 5 && !all.includes(JSON.stringify(expected))) {
        const step = await steps[name]();
        const events = waiting();
        const { classes } = await counted.during('LimiterShard' in expected ? settled(step) : step);
        const now = waiting();
        all.push(JSON.stringify(measured(classes, (className) => now[className] - events[className])));
      }
      assert.ok(all.includes(JSON.stringify(expected)), `${JSON.stringify(expected)} is none of\n${all.join('\n')}`);
    });
  }
});

/** What the classes spent that had any requests, and the events that they made. */
function measured(classes, events) {
  const seen = Object.entries(classes).filter(([, { requests }]) => requests);
  const cost = (name, { requests, commits, rowsWritten: rows }) => ({ requests, ...(rows && { commits, rows }), ...(events(name) && { events: events(name) }) });
  return Object.fromEntries(seen.map(([name, counts]) => [name, cost(name, counts)]));
}

/** Returns how many events wait in the outboxes of each class. */
function waiting() {
  const classes = ['GrantShard', 'AccountShard'];
  return Object.fromEntries(classes.map((name) => [name, outboxOf(counted.server, name).length]));
}

test('the table of the simulation says what remains of codes, tokens and events, and what it costs to delete them', async (t) => {
  const many = 20;
  const other = await startCounted(VARS);
  const { server } = other;
  t.after(() => server.stop());
  const client = new Caller(server);
  await signIn(await ours.flow(server, client, 0), client, many);
  client.close();
  const { Courier, ...classesWithRows } = table.bytes;
  const sizes = bytes(server, classesWithRows);
  const events = outboxOf(server, 'GrantShard').length;

  await server.kill9();
  change(server, 'GrantShard', ['grants', 'families', 'live_codes'].map((name) => `UPDATE ${name} SET ends_at = 1`).join('; '), has('families'));
  change(server, 'AccountShard', 'UPDATE devices SET ends_at = 1', has('devices'));
  // The server is back before that, also on a slow machine.
  for (const className of ['GrantShard', 'AccountShard']) ringIn(5_000, server, className);
  await server.restart();
  const done = () => ['SELECT 1 FROM grants', 'SELECT 1 FROM families', 'SELECT 1 FROM outbox'].every((query) => rows(server, 'GrantShard', query).length === 0);
  const { classes } = await other.during(() => until(() => done() && rows(server, 'AccountShard', 'SELECT 1 FROM devices').length === 0, 20_000, 'not all was deleted'));

  // The sweep makes an event for each code that nobody approved. The first code was for signing in.
  const { ends } = table;
  const codes = many + 1;
  const shipped = events + codes;
  const expected = {
    GrantShard: many * (ends['redeemed code'].GrantShard + ends.family.GrantShard) + codes * ends['expired code'].GrantShard + shipped * ends.event.GrantShard,
    AccountShard: many * ends.device.AccountShard,
    Ledger: shipped * ends.event.Ledger,
  };
  const written = Object.fromEntries(Object.keys(expected).map((name) => [name, classes[name].rowsWritten]));
  // Each alarm also notes what it has shipped, and the row of a network goes with its last code.
  const isAsStated = Object.entries(expected).every(([name, least]) => least <= written[name] && written[name] < least + many);
  assert.ok(isAsStated, `${JSON.stringify(written)} rows are not ${JSON.stringify(expected)}, for ${events} + ${codes} events`);
  sizes.Ledger = bytes(server, { Ledger: table.bytes.Ledger }).Ledger;
  const isLarge = ([className, tables]) => Object.entries(tables).every(([name, size]) => size <= table.bytes[className][name] && table.bytes[className][name] <= 1.2 * size);
  assert.ok(Object.entries(sizes).every(isLarge), `${JSON.stringify(sizes)} bytes are not, or not nearly, ${JSON.stringify(table.bytes)}`);
});

test('the table of the simulation says what an event costs at a courier, and how large it is there', async (t) => {
  // No code expires meanwhile, which would be an event.
  const { server, during, later } = await startCounted({ ...VARS, CODE_LIFETIME_SECONDS: '1800' });
  t.after(() => server.stop());
  const receiver = await openReceiver(t);
  const created = await new Admin(server).ask('POST', '/destinations', { body: { id: 'all', kind: 'webhook', url: receiver.url } });
  keepSecret('the secret of a destination', created.body.secret);
  /** Lets devices sign in, and their events arrive at the courier. Returns what the courier spent. */
  const feed = async () => {
    const client = new Caller(server);
    const login = await ours.flow(server, client, 0);
    const { classes } = await during(async () => {
      await signIn(login, client, 20);
      await until(async () => (await later(STEP), isFed(server)), 30_000, 'not all arrived at the courier');
    });
    client.close();
    return classes.Courier;
  };

  receiver.status = 503;
  const fed = await feed();
  const events = waitingAtCouriers(server).length;
  const size = rowSize(server, 'Courier', 'deliveries');
  receiver.status = 204;
  receiver.received = 0;
  const { classes: { Courier: delivering } } = await during(() => until(async () => (await later(STEP), !waitingAtCouriers(server).length), 20_000, 'not all was delivered'));
  const { courier, bytes: { Courier: { deliveries } } } = table;
  // Messages, failures and the end of the failures write some rows, too.
  isAbout(courier.delivered.rows, fed.rowsWritten + delivering.rowsWritten, events);
  assert.equal(receiver.received, events);
  assert.ok(size <= deliveries && deliveries <= 1.2 * size, `${size} bytes are not, or not nearly, ${deliveries}`);

  await server.kill9();
  change(server, 'Courier', full(), has('deliveries'));
  await server.restart();
  const overflowing = await feed();
  const { dropped } = rows(server, 'Courier', 'SELECT record FROM condition')[0].record;
  isAbout(courier.dropped.rows, overflowing.rowsWritten, dropped);
});

/** Returns whether no outbox has events, and no ledger has records that no courier has heard of. */
function isFed(server) {
  const waits = ['GrantShard', 'AccountShard', 'Registry', 'Counts'].some((name) => outboxOf(server, name).length);
  return !waits && !rows(server, 'Ledger', 'SELECT 1 FROM events WHERE seq > ifnull((SELECT min(seq) FROM fed), 0) LIMIT 1').length;
}

/** Fails unless `events` events wrote so many rows each, and few others were written. */
function isAbout(each, rowsWritten, events) {
  assert.ok(events > 100 && each * events <= rowsWritten && rowsWritten < (each + 1) * events, `${rowsWritten} rows are not ${each} for each of ${events} events`);
}

/** Returns the statement that gives a courier as many deliveries that wait, but not now, and as many dead letters as it keeps. */
function full() {
  const numbers = 'WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)';
  const letter = JSON.stringify({ format: 1, id: 'weur/0/1', at: 1, event: '{}', since: 1, tries: 0 });
  const insert = (isDead) => `INSERT INTO deliveries (is_dead, due, record) ${numbers} SELECT ${isDead}, ${Date.now() + 86_400_000}, '${letter}' FROM n`;
  return [0, 1].map(insert).join('; ');
}

/** A receiver of events that answers with its `status`, and counts what it `received`. */
async function openReceiver(t) {
  const receiver = { status: 204, received: 0 };
  const server = createServer((request, response) => {
    receiver.received += 1;
    request.resume().on('end', () => response.writeHead(receiver.status).end());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => (server.closeAllConnections(), server.close()));
  return Object.assign(receiver, { url: `http://127.0.0.1:${server.address().port}/` });
}

test('the table of the simulation says what the registry is asked if it has a replica', async (t) => {
  const { server, during, later } = await startCounted({ SHARDS_PER_REGION: '1', REGISTRY_REPLICAS: '1', REGISTRY_LEASE_SECONDS: '60' });
  const client = new Caller(server);
  t.after(() => (client.close(), server.stop()));
  const login = await ours.flow(server, client, 0);
  const codes = await login.start(ALL);
  await login.approve(codes);
  let tokens = await login.redeem(codes);
  const refresh = async () => {
    tokens = await login.refresh(tokens);
    await wait(RENEWED);
  };
  await refresh();
  await later(40_000);
  const asked = async (run, besides) => {
    const { requests, commits, rowsWritten } = (await during(run)).classes.Registry;
    return { requests: requests - besides, ...(rowsWritten && { commits }) };
  };

  // In development, an isolate also stores the demo clients before it takes a snapshot.
  const snapshot = await asked(() => login.start(ALL), 1);
  // The replica is asked in any case, and told of a change.
  const renewal = await asked(refresh, 1);
  assert.deepEqual(await asked(refresh, 1), { requests: 0 }, 'a lease that was renewed is not renewed again');
  const changed = await asked(() => new Admin(server).patch('demo-tv', { client_name: 'Another TV' }), 1);

  assert.deepEqual({ renewal, snapshot, change: changed }, table.registry);
});

/** Lets devices sign in and refresh, each after another one whose code nobody approves. */
async function signIn(login, client, many) {
  client.headers['x-test-cf'] = JSON.stringify(texas);
  for (let i = 0; i < many; i++) {
    const codes = await login.start(ALL);
    await login.poll(codes);
    await login.approve(codes);
    await login.refresh(await login.redeem(codes));
    await login.start(ALL);
  }
}

function has(name) {
  return (database) => database.prepare('SELECT 1 FROM sqlite_master WHERE name = ?').get(name) !== undefined;
}

/** Returns the average bytes of a row of each table, with its entries in indexes, but without what SQLite adds. */
function bytes(server, classes) {
  const sizes = ([className, tables]) => [className, Object.fromEntries(Object.keys(tables).map((name) => [name, rowSize(server, className, name)]))];
  return Object.fromEntries(Object.entries(classes).map(sizes));
}

function rowSize(server, className, name) {
  const columns = rows(server, className, `SELECT DISTINCT name FROM pragma_table_info('${name}')`).map((column) => column.name);
  const indexed = rows(server, className, `SELECT DISTINCT i.name AS of, c.name FROM pragma_index_list('${name}') i, pragma_index_info(i.name) c WHERE i.origin <> 'pk'`);
  const [key] = columns;
  const entries = [...new Set(columns), ...new Set(indexed.map((column) => column.name)), ...(new Set(indexed.map((index) => index.of)).size ? [key] : [])];
  const size = entries.map((column) => `length(CAST(${column} AS BLOB))`).join(' + ');
  const found = rows(server, className, `SELECT count(*) AS count, sum(${size}) AS size FROM ${name}`);
  const sum = (what) => found.reduce((all, one) => all + (one[what] ?? 0), 0);
  return Math.round(sum('size') / sum('count'));
}

async function approved() {
  const codes = await flow.start(ALL);
  await flow.approve(codes);
  return codes;
}

/** Returns what does the same, and waits until the limiters have stored the attempts that were not given back. */
function settled(run) {
  return async () => {
    await run();
    await wait(SETTLED);
  };
}

/** Starts a code for each run of `costsAtMost`, and one more: a second poll or WebSocket of the same code comes too soon. */
async function startForRuns(by = caller) {
  const codes = [];
  while (codes.length <= MOST_RUNS) codes.push(await by.start(form(ours.start)));
  return codes;
}

function poll(code, by = caller) {
  return by.send('/token', { device: true, form: form(ours.poll, code).body });
}

function costsAtMost(ceilings, run, { during } = counted) {
  return staysWithin(ceilings, () => during(run));
}
