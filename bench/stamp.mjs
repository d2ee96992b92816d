// Which tree is measured, on which machine. Read when a run starts: what it then writes is no change of the tree.

import { execFileSync } from 'node:child_process';
import { cpus, loadavg, tmpdir, totalmem } from 'node:os';
import { createRequire } from 'node:module';
import { root } from '../tests/e2e/support/config.mjs';

/** The document that the runs write. */
export const DOCUMENT = 'docs/performance.md';

/** The load average tells whether other programs disturbed the run: it should be near 0. */
const load = loadavg()[0].toFixed(1);
const day = new Date().toISOString().slice(0, 10);
const isDirty = output('git', '--no-optional-locks', 'status', '--porcelain', '--untracked-files=no', '--', '.', `:!${DOCUMENT}`) !== '';
const commit = output('git', 'rev-parse', '--short', 'HEAD') + (isDirty ? '-dirty' : '');

export const stamp = `Measured on ${day} at commit ${commit}`;

export function machine() {
  const hardware = `${cpus()[0].model.trim()}, ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, ${output('uname', '-sr')}`;
  const disk = output('stat', '--file-system', '--format=%T', tmpdir());
  const versions = `workerd ${installed('workerd')}, Node ${process.versions.node}, wrk ${/wrk (\S+)/.exec(output('sh', '-c', 'wrk -v || true'))[1]}`;
  return `${hardware}, databases on ${disk}, load average before the run ${load}. ${versions}.`;
}

function output(program, ...args) {
  return execFileSync(program, args, { cwd: root, encoding: 'utf8' }).trim();
}

function installed(name) {
  const wrangler = createRequire(import.meta.url).resolve('wrangler');
  return createRequire(wrangler)(`${name}/package.json`).version;
}
