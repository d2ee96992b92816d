// Formats what was measured as tables, and puts them into docs/performance.md.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../tests/e2e/support/config.mjs';
import { POLLS, bill } from './cost.mjs';
import { DOCUMENT, machine, stamp } from './stamp.mjs';

const LOADS = { 'start 16': 'Start', 'poll 16': 'Pending poll', 'poll 1': 'Pending poll, one connection', 'forged 16': 'Forged code', 'plain 16': 'Plain answer' };

/** `missing` are the peers, and the flows of peers, that could not be measured, as `{ what, reason }`. */
export function tables(descriptions, results, run, missing) {
  const rows = descriptions.map(({ name, targets }) => ({ name, targets, ...results.get(name) }));
  const groups = descriptions.flatMap(({ name, also }) => [name, ...(also ? [also.name] : [])]).map((name) => ({ name, ...results.get(name) }));
  const all = [conditions(run), loads(rows), ratios(rows), sequence(groups, run), ...missing.map(absence), processes(rows, run), compiled(run)];
  return [...all, goals(rows, run)].join('\n\n');
}

/** Replaces the part of the document that is about `what`. */
export function write(what, text) {
  const document = readFileSync(join(root, DOCUMENT), 'utf8');
  const [begin, end] = [`<!-- make bench: ${what} -->`, `<!-- end of ${what} -->`];
  if (!document.includes(begin) || !document.includes(end)) throw new Error(`${DOCUMENT} has no part for ${what}`);
  const [before, after] = [document.split(begin)[0], document.split(end)[1]];
  writeFileSync(join(root, DOCUMENT), `${before}${begin}\n\n${text}\n\n${end}${after}`);
  console.log(`\n${text}\n\nIt is in ${DOCUMENT}.`);
}

/** The prices of a login. Its CPU time is that of a whole flow, which has one pending poll, and of the other polls. */
export function cost({ polling, instant }, { flows, loads }) {
  const milliseconds = (polls) => (median(flows, 'cpu') + polls * median(loads['poll 16'], 'cpu')) / 1_000;
  const polled = bill(polling, milliseconds(POLLS - 1));
  // An upgrade is taken to use as much CPU time as a poll.
  const told = bill(instant, milliseconds(1));
  const total = (lines) => `$ ${lines.reduce((sum, [, , , price]) => sum + price, 0).toFixed(2)}`;
  const both = ([what, amount, , sum]) => [amount.toFixed(what.startsWith('Run') ? 3 : 0), `$ ${sum.toFixed(2)}`];
  const rows = polled.map((line, at) => [line[0], `$ ${line[2]}`, ...both(line), ...both(told[at])]);
  const heads = ['', 'A million of these', 'A login that polls', 'A million logins', 'A login that is told at once', 'A million logins'];
  return `${stamp}.\n\n${table(heads, [...rows, ['Sum', '', '', total(polled), '', total(told)]])}\n\n${awake(polling)}`;
}

/** Which objects the run time is of. */
function awake({ classes }) {
  const times = Object.entries(classes).filter(([, { awake }]) => awake).map(([name, { awake }]) => `${name} ${number(awake)} ms`);
  return `The objects of the login that polls were awake for: ${times.join(', ')}.`;
}

/** How the servers grow, with and without their garbage, also divided by the growth of each of `floors`. */
export function garbage(results, { counts: [early, late, last], every, rounds, floors }) {
  const growth = (name, kind) => median(results.get(name)[kind], 'growth');
  const ratios = (name, kind) => floors.map((floor) => (growth(name, kind) / growth(floor, kind)).toFixed(2)).join('; ');
  const cell = (name, kind) => `${spread(results.get(name)[kind], 'growth')} MiB; ${ratios(name, kind)}`;
  const heads = ['Growth; relative to the floor by `fetch`; to the one with our rows', `From ${number(early)} to ${number(late)} starts`, `The same, with a collection every ${every} requests`, `Memory after ${number(last)} starts`];
  const rows = [...results.keys()].map((name) => [name, cell(name, 'plain'), cell(name, 'collected'), `${spread(results.get(name).plain, 'size')} MiB`]);
  return `${stamp}: ${times(rounds)}.\n\n${table(heads, rows)}`;
}

function conditions({ rounds, seconds, flowSeconds }) {
  return `${stamp}: ${times(rounds)} of ${seconds} s, flows of ${flowSeconds} s. ${machine()}`;
}

function times(rounds) {
  return rounds === 1 ? 'one round' : `${rounds} rounds`;
}

/** The first line of the reason. */
function absence({ what, reason }) {
  return `Not measured: ${what}. \`${reason.split('\n')[0].replaceAll('`', "'").slice(0, 300)}\``;
}

function loads(rows) {
  const kinds = Object.keys(LOADS);
  const cell = (results) => (results ? `${spread(results, 'perSecond')}; ${spread(results, 'cpu')} µs` : '–');
  return table(
    ['Requests per second; CPU time each', ...Object.values(LOADS)],
    rows.map(({ name, loads }) => [name, ...kinds.map((kind) => cell(loads[kind]))]),
  );
}

/** This server's figures, divided by those of each other server in the same run. */
function ratios(rows) {
  const ours = rows.find(({ name }) => name === 'device-grant');
  const others = rows.filter((row) => row !== ours);
  const kinds = Object.keys(LOADS);
  const cell = (one, other) => {
    if (!other?.length) return '–';
    const ratio = (member) => (median(one, member) / median(other, member)).toFixed(2);
    return `${ratio('perSecond')}; ${ratio('cpu')} ×`;
  };
  return table(
    ['device-grant relative to', ...Object.values(LOADS), 'Whole flow'],
    others.map((other) => [other.targets ? `**${other.name}** (targets)` : other.name, ...kinds.map((kind) => cell(ours.loads[kind], other.loads[kind])), cell(ours.flows, other.flows)]),
  );
}

function sequence(rows, { flows }) {
  const measured = rows.filter((row) => row.flows.length);
  return table(
    [`Whole flow, ${flows} at a time`, 'Flows per second', 'CPU time of a flow', 'Requests', 'Commits'],
    measured.map((row) => [
      row.name,
      spread(row.flows, 'perSecond'),
      `${spread(row.flows, 'cpu', 1_000)} ms`,
      median(row.flows, 'requests').toFixed(1),
      row.commits ?? 'not counted',
    ]),
  );
}

function processes(rows, { early, late }) {
  const time = (results, member) => (results.some((one) => one[member] === undefined) ? '–' : `${spread(results, member)} ms`);
  const heads = ['The process', 'First plain answer', 'First start, fresh storage', 'First start, kept storage', 'First poll ÷ warm poll', `Memory after ${number(early)} starts, one run`, `after ${number(late)}`];
  return table(
    heads,
    rows.map((row) => [
      row.name,
      time(row.firsts, 'plain'),
      time(row.firsts, 'fresh'),
      time(row.firsts, 'kept'),
      spread(row.firsts, 'poll'),
      `${number(row.early)} MiB`,
      `+ ${number(row.late - row.early)} MiB`,
    ]),
  );
}

/** The first starts of this server if no function of its module is compiled only when it is first called. */
function compiled({ compiled: firsts }) {
  const of = (member) => `${spread(firsts, member)} ms`;
  return `If V8 compiles the whole module when the process starts (\`--no-wasm-lazy-compilation\`), the first plain answer of device-grant takes ${of('plain')}, its first start ${of('fresh')} on fresh storage and ${of('kept')} on kept storage.`;
}

/** What this server is meant to reach, and whether it did in this run. */
function goals(rows, { early, late }) {
  const named = (start) => rows.find(({ name }) => name.startsWith(start));
  const [ours, floor, rowsFloor, betterAuth] = ['device-grant', 'Floor: JavaScript, `fetch`', 'Floor: JavaScript, RPC, our rows', 'better-auth'].map(named);
  const ratio = (one, other, member) => median(one, member) / median(other, member);
  const of = (kind, member, other = floor) => ratio(ours.loads[kind], other.loads[kind], member);
  const ms = (member) => median(ours.firsts, member);
  const measured = [
    ['Start: rate, relative to the floor by `fetch`', '≥', 0.65, of('start 16', 'perSecond')],
    ['Start: CPU time', '≤', 1.5, of('start 16', 'cpu')],
    ['Start: rate, relative to the floor with our rows', '≥', 0.85, of('start 16', 'perSecond', rowsFloor)],
    ...(ours.loads['poll 16'] ? [
      ['Pending poll: rate, relative to the floor by `fetch`', '≥', 0.8, of('poll 16', 'perSecond')],
      ['Pending poll: CPU time', '≤', 1.25, of('poll 16', 'cpu')],
    ] : []),
    ['Forged code: rate', '≥', 0.7, of('forged 16', 'perSecond')],
    ...(betterAuth?.flows.length ? [['Whole flow: rate, relative to better-auth', '≥', 4, ratio(ours.flows, betterAuth.flows, 'perSecond')]] : []),
    ['First start on fresh storage, ms', '≤', 60, ms('fresh')],
    ['First start on kept storage, ms', '≤', 30, ms('kept')],
    ['First poll ÷ warm poll', '≤', 3, ms('poll')],
    [`Growth from ${number(early)} to ${number(late)} starts, relative to the floor by \`fetch\``, '≤', 0.5, (ours.late - ours.early) / (floor.late - floor.early)],
  ];
  // What is shown is compared.
  const rounded = (value) => (value < 20 ? value.toFixed(2) : value.toFixed(0));
  const verdict = (sign, goal, value) => ((sign === '≥' ? value >= goal : value <= goal) ? 'yes' : 'no');
  return table(
    ['Goal', 'At least, or at most', 'This run', 'Reached'],
    measured.map(([what, sign, goal, value]) => [what, `${sign} ${goal}`, rounded(value), verdict(sign, goal, Number(rounded(value)))]),
  );
}

function table(heads, rows) {
  const line = (cells) => `| ${cells.join(' | ')} |`;
  return [line(heads), line(heads.map(() => '---')), ...rows.map(line)].join('\n');
}

/** The median with the lowest and the highest result. */
function spread(results, member, unit = 1) {
  const values = results.map((result) => result[member] / unit).toSorted((a, b) => a - b);
  const range = values.length > 1 ? ` (${number(values[0])}–${number(values.at(-1))})` : '';
  return number(values[values.length >> 1]) + range;
}

function median(results, member) {
  return results.map((result) => result[member]).toSorted((a, b) => a - b)[results.length >> 1];
}

function number(value) {
  return value < 20 ? value.toFixed(1) : Math.round(value).toLocaleString('en-US');
}
