// Measures this server beside its floors and its peers, in one run and in turns, and writes docs/performance.md.
//
//     node bench/main.mjs            five rounds; writes the tables
//     node bench/main.mjs quick      one short round without the peers; only prints
//     node bench/main.mjs smoke      even less, which says no more than that every answer is right
//
// Absolute figures say little about other machines. Compare the ratios within one run.

import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { temporaryDirectory } from '../tests/e2e/support/harness.mjs';
import { Caller } from './caller.mjs';
import { countCommits, countLogin } from './cost.mjs';
import { grow } from './growth.mjs';
import { peers } from './peers.mjs';
import { compiledAtOnce, floors, form, ours } from './servers.mjs';
import { cost, tables, write } from './tables.mjs';
import { cpu, load } from './wrk.mjs';

const [, , mode] = process.argv;
const smoke = mode === 'smoke';
const quick = mode === 'quick' || smoke;
const ROUNDS = quick ? 1 : 5;
const SECONDS = quick ? 1 : 2;
/** So many codes that none is polled again within the polling interval. */
const [EARLY, LATE] = smoke ? [500, 1_500] : quick ? [1_000, 4_000] : [4_000, 10_000];
if (smoke) process.env.BENCH_PAUSE = '1';
const FLOWS = 8;
const FLOW_SECONDS = 1.5 * SECONDS;
const FLOW_WARM_UP_SECONDS = 5 * SECONDS;
/** Longer than the polling interval. */
const PAUSE = 1_200;

const LOADS = [
  ['plain', 16],
  ['start', 16],
  ['forged', 16],
  ...(smoke ? [] : [['poll', 16]]),
  ['poll', 1],
];

const { found, missing } = quick ? { found: [], missing: [] } : await peers();
let descriptions = [...floors, ours, ...found];
const home = temporaryDirectory();
const names = descriptions.flatMap(({ name, also }) => [name, ...(also ? [also.name] : [])]);
const results = new Map(names.map((name) => [name, { loads: {}, flows: [], firsts: [] }]));
const compiled = [];
const open = [];

try {
  for (let round = 0; round < ROUNDS; round++) {
    await each(async (description) => results.get(description.name).firsts.push(await firsts(description)));
    compiled.push(await firsts(compiledAtOnce));
  }
  await each(async (description) => open.push(await grown(description)));
  if (!smoke) await each(warmUp);
  for (let round = 0; round < ROUNDS; round++) {
    say(`Round ${round + 1} of ${ROUNDS}`);
    for (const [kind, connections] of LOADS) await turn(kind, connections);
    await each(sequences);
  }
} finally {
  await Promise.all(open.map(({ server }) => server.stop()));
}

const commits = await countCommits();
for (const { name } of [ours, ours.also]) results.get(name).commits = commits;
const run = { rounds: ROUNDS, seconds: SECONDS, flowSeconds: FLOW_SECONDS, early: EARLY, late: LATE, flows: FLOWS, compiled };
const text = tables(descriptions, results, run, missing);
if (quick) console.log(text);
else write('results', text);
if (!smoke) {
  say('Counting what a login costs');
  const bill = cost(await countLogin(quick ? 1 : undefined), results.get(ours.name));
  if (quick) console.log(`\n${bill}`);
  else write('cost', bill);
}
process.exit(0);

/** Runs `step` with every server, one after the other. A peer that fails is left out of the tables, which say why. */
async function each(step) {
  for (const description of descriptions) {
    try {
      await step(description);
    } catch (error) {
      if (!description.peer) throw error;
      leaveOut(description.name, error);
      descriptions = descriptions.filter((other) => other !== description);
    }
  }
}

/** The server of this name that is running, with its groups of people and the kinds of requests that it gets. */
function running(name) {
  return open.find(({ server }) => server.name === name);
}

/** Every server gets the same load. */
function turn(kind, connections) {
  return each(async ({ name }) => {
    if (kind === 'poll') await pause();
    const { server, kinds } = running(name);
    const result = await load(server, kinds[kind], { connections, seconds: SECONDS });
    (results.get(name).loads[`${kind} ${connections}`] ??= []).push(result);
  });
}

/**
 * Times, in milliseconds, the first start on fresh storage, the first poll, a warm poll (the median), and the first answer and
 * the first start of a process that finds the storage of another one.
 */
async function firsts(description) {
  const dir = mkdtempSync(join(home.path, 'state-'));
  const [fresh, firstPoll, warmPoll] = await session(description, dir, async (caller) => {
    const [fresh, { device_code }] = await timed(() => caller.start(form(description.start)));
    // As a device does. What the server does meanwhile is not the poll's.
    await pause();
    const [firstPoll] = await timed(() => poll(description, caller, device_code));
    const polls = [];
    for (let i = 0; i < 60; i++) {
      const { device_code } = await caller.start(form(description.start));
      polls.push((await timed(() => poll(description, caller, device_code)))[0]);
    }
    return [fresh, firstPoll, polls.slice(20).toSorted((a, b) => a - b)[20]];
  });
  const [plain, kept] = await session(description, dir, async (caller, plain) => [plain, (await timed(() => caller.start(form(description.start))))[0]]);
  return { plain, fresh, kept: description.forgets ? undefined : kept, poll: firstPoll / warmPoll };
}

async function session(description, dir, run) {
  const server = await description.open({ dir });
  const caller = new Caller(server);
  try {
    // The connection is there from then on.
    const [plain] = await timed(() => caller.send(description.plain));
    return await run(caller, plain);
  } finally {
    caller.close();
    await server.stop();
  }
}

function poll({ poll }, caller, code) {
  const { path, body } = form(poll, code);
  return caller.send(path, { form: body });
}

async function timed(run) {
  const began = performance.now();
  const result = await run();
  return [performance.now() - began, result];
}

/** Opens a server, starts `LATE` grants, notes how its memory grows, and keeps the codes for the polls. */
async function grown(description) {
  const { name } = description;
  say(`Starting ${LATE} grants: ${name}`);
  const server = Object.assign(await description.open({ dir: mkdtempSync(join(home.path, 'state-')) }), { name });
  const { codes, sizes: [early, late] } = await grow(server, description.start, [EARLY, LATE]);
  Object.assign(results.get(name), { early, late });
  const file = join(home.path, `codes-${open.length}`);
  writeFileSync(file, codes.join('\n'));
  const groups = [];
  await unlessItFails(description, async () => {
    for (const { name, flow } of [description, description.also ?? {}]) if (flow) groups.push({ name, people: await signIn(server, flow) });
  });
  return { server, groups, kinds: { ...description, poll: { ...description.poll, codes: file } } };
}

/** Lets the people of a server approve devices. A peer whose flow fails gets no row of flows. */
function sequences(description) {
  const { server, groups } = running(description.name);
  return unlessItFails(description, async () => {
    for (const { name, people } of groups) results.get(name).flows.push(await flows(server, people));
  });
}

async function unlessItFails(description, step) {
  try {
    await step();
  } catch (error) {
    if (!description.peer) throw error;
    leaveOut(`flows of ${description.name}`, error);
    results.get(description.name).flows = [];
    Object.assign(running(description.name) ?? {}, { groups: [] });
  }
}

function leaveOut(what, error) {
  console.error(`Leaving out ${what}:`, error);
  missing.push({ what, reason: error.message });
}

/** Gives a server each load before any is measured: V8 compiles a second time, and better, what has run often. */
async function warmUp(description) {
  const { server, kinds, groups } = running(description.name);
  for (const kind of ['plain', 'start', 'forged', 'poll']) await load(server, kinds[kind], { connections: 16, seconds: SECONDS });
  await unlessItFails(description, async () => {
    for (const { people } of groups) await flows(server, people, FLOW_WARM_UP_SECONDS);
  });
}

/** Signs `FLOWS` people in, one after the other, and lets each approve a device once. */
async function signIn(server, flow) {
  const people = [];
  for (let number = 0; number < FLOWS; number++) {
    const caller = new Caller(server);
    const approve = await flow(server, caller, number);
    await approve();
    people.push({ caller, approve });
  }
  return people;
}

/** Lets all of them approve one device after the other. */
async function flows(server, people, seconds = FLOW_SECONDS) {
  for (const { caller } of people) caller.count = 0;
  const before = cpu(server);
  const began = performance.now();
  let count = 0;
  const repeat = async ({ approve }) => {
    for (; performance.now() < began + 1_000 * seconds; count++) await approve();
  };
  await Promise.all(people.map(repeat));
  const took = (performance.now() - began) / 1_000;
  const requests = people.reduce((sum, { caller }) => sum + caller.count, 0) / count;
  return { perSecond: count / took, cpu: ((cpu(server) - before) * 1e6) / count, requests };
}

function pause() {
  return new Promise((resolve) => setTimeout(resolve, PAUSE));
}

function say(line) {
  if (!quick) console.log(line);
}
