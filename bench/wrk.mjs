// Puts a server under closed-loop load with wrk, and reads what that costs the server's processes.

import { execFile, execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const TICKS = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));
const UNITS = { us: 0.001, ms: 1, s: 1_000 };

/** The number of the next client address. No two starts of a run share one. */
let next = 1;
export const address = () => next++;

/**
 * Sends one kind of request for `seconds` over `connections`. `kind` is a path to get, or `{ path, body, expected, codes }`
 * as bench/load.lua takes them. Returns requests per second, the median and 99th percentile in milliseconds, and the CPU
 * time of the server per request in microseconds. Throws if an answer is not the expected one.
 */
export async function load(server, kind, { connections, seconds }) {
  const { path, body, expected, codes } = typeof kind === 'string' ? { path: kind } : kind;
  const script = body === undefined ? [] : ['-s', join(import.meta.dirname, 'load.lua')];
  const args = ['-t1', `-c${connections}`, `-d${seconds}s`, '--timeout', '10s', '--latency', ...script];
  args.push(server.origin + (script.length ? '' : path));
  if (script.length) args.push('--', path, body, expected, String(next), ...(codes ? [codes] : []));
  const before = cpu(server);
  const { stdout } = await promisify(execFile)('wrk', args);
  const spent = cpu(server) - before;
  const count = Number(/(\d+) requests in/.exec(stdout)[1]);
  next += count + connections;
  check(stdout, server, path);
  return { perSecond: Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)[1]), median: percentile(stdout, 50), p99: percentile(stdout, 99), cpu: (spent * 1e6) / count };
}

function check(output, { name }, path) {
  const [, wrong, sample] = /WRONG (\d+) (.*)/.exec(output) ?? [0, 0, ''];
  if (Number(wrong)) throw new Error(`${name} answered ${wrong} requests to ${path} wrongly, such as: ${sample}`);
  // On a busy machine, a request can take longer than wrk waits.
  const [errors] = /Socket errors.*/.exec(output) ?? [];
  if (errors) console.error(`${name}, ${path}: ${errors}`);
}

function percentile(output, percent) {
  const [, value, unit] = new RegExp(`\\s${percent}%\\s+([\\d.]+)(us|ms|s)`).exec(output);
  return Number(value) * UNITS[unit];
}

/** Returns the CPU time of the server's processes in seconds. */
export function cpu({ pids }) {
  const ticks = (pid) => {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /, '').split(' ');
    return Number(fields[11]) + Number(fields[12]);
  };
  return pids.reduce((sum, pid) => sum + ticks(pid), 0) / TICKS;
}

/** Returns the resident memory of the server's processes in MiB. */
export function memory({ pids }) {
  const kibibytes = (pid) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]);
  return pids.reduce((sum, pid) => sum + kibibytes(pid), 0) / 1_024;
}
