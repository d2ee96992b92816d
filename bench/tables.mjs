// Formats what bench/main.mjs has measured as tables, and puts them into docs/performance.md.

import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, tmpdir, totalmem } from 'node:os';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { root } from '../tests/e2e/support/config.mjs';
import { POLLS, bill } from './cost.mjs';

const DOCUMENT = join(root, 'docs/performance.md');
const LOADS = { 'start 16': 'Start', 'poll 16': 'Pending poll', 'poll 1': 'Pending poll, one connection', 'forged 16': 'Forged code', 'plain 16': 'Plain answer' };

export function tables(descriptions, results, run) {
  const rows = descriptions.map(({ name }) => ({ name, ...results.get(name) }));
  const groups = descriptions.flatMap(({ name, also }) => [name, ...(also ? [also.name] : [])]).map((name) => ({ name, ...results.get(name) }));
  return [conditions(run), loads(rows), ratios(rows), sequence(groups, run), processes(rows, run)].join('\n\n');
}

/** Replaces the part of the document that is about `what`. */
export function write(what, text) {
  const [begin, end] = [`<!-- make bench: ${what} -->`, `<!-- end of ${what} -->`];
  const document = readFileSync(DOCUMENT, 'utf8');
  const [before, after] = [document.split(begin)[0], document.split(end)[1]];
  writeFileSync(DOCUMENT, `${before}${begin}\n\n${text}\n\n${end}${after}`);
  console.log(`\n${text}\n\nIt is in docs/performance.md.`);
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
  return table(heads, [...rows, ['Sum', '', '', total(polled), '', total(told)]]);
}

/** The load average tells whether other programs disturbed the run: it should be near 0. */
const loadBefore = loadavg()[0].toFixed(1);

function conditions({ rounds, seconds }) {
  const date = new Date().toISOString().slice(0, 10);
  const commit = output('git', 'rev-parse', '--short', 'HEAD');
  const machine = `${cpus()[0].model.trim()}, ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, ${output('uname', '-sr')}`;
  const disk = output('stat', '--file-system', '--format=%T', tmpdir());
  const versions = `workerd ${installed('workerd')}, Node ${process.versions.node}, wrk ${/wrk (\S+)/.exec(output('sh', '-c', 'wrk -v || true'))[1]}`;
  return `Measured on ${date} at commit ${commit}: ${rounds === 1 ? 'one round' : `${rounds} rounds`} of ${seconds} s. ${machine}, databases on ${disk}, load average before the run ${loadBefore}. ${versions}.`;
}

function loads(rows) {
  const kinds = Object.keys(LOADS);
  const cell = (results) => (results ? `${spread(results, 'perSecond')}; ${number(median(results, 'cpu'))} µs` : '–');
  return table(
    ['Requests per second; CPU time each', ...Object.values(LOADS)],
    rows.map(({ name, loads }) => [name, ...kinds.map((kind) => cell(loads[kind]))]),
  );
}

/** This server's figures, divided by those of each other server in the same run. Below 1, the other one is faster. */
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
    others.map((other) => [other.name, ...kinds.map((kind) => cell(ours.loads[kind], other.loads[kind])), cell(ours.flows, other.flows)]),
  );
}

function sequence(rows, { flows }) {
  const measured = rows.filter((row) => row.flows.length);
  return table(
    [`Whole flow, ${flows} at a time`, 'Flows per second', 'CPU time of a flow', 'Requests', 'Commits'],
    measured.map((row) => [
      row.name,
      spread(row.flows, 'perSecond'),
      `${(median(row.flows, 'cpu') / 1_000).toFixed(1)} ms`,
      median(row.flows, 'requests').toFixed(1),
      row.commits ?? 'not counted',
    ]),
  );
}

function processes(rows, { early, late }) {
  const time = (results, member) => (results.some((one) => one[member] === undefined) ? '–' : `${spread(results, member)} ms`);
  const heads = ['The process', 'First start, fresh storage', 'First start, kept storage', 'First poll ÷ warm poll', `Memory after ${number(early)} starts`, `after ${number(late)}`];
  return table(
    heads,
    rows.map((row) => [
      row.name,
      time(row.firsts, 'fresh'),
      time(row.firsts, 'kept'),
      median(row.firsts, 'poll').toFixed(1),
      `${number(row.early)} MiB`,
      `+ ${number(row.late - row.early)} MiB`,
    ]),
  );
}

function table(heads, rows) {
  const line = (cells) => `| ${cells.join(' | ')} |`;
  return [line(heads), line(heads.map(() => '---')), ...rows.map(line)].join('\n');
}

/** The median with the lowest and the highest result. */
function spread(results, member) {
  const values = results.map((result) => result[member]).toSorted((a, b) => a - b);
  const range = values.length > 1 ? ` (${number(values[0])}–${number(values.at(-1))})` : '';
  return number(values[values.length >> 1]) + range;
}

function median(results, member) {
  return results.map((result) => result[member]).toSorted((a, b) => a - b)[results.length >> 1];
}

function number(value) {
  return value < 10 ? value.toFixed(1) : Math.round(value).toLocaleString('en-US');
}

function output(program, ...args) {
  return execFileSync(program, args, { cwd: root, encoding: 'utf8' }).trim();
}

function installed(name) {
  const wrangler = createRequire(import.meta.url).resolve('wrangler');
  return createRequire(wrangler)(`${name}/package.json`).version;
}
