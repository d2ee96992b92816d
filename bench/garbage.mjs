// Measures how much of a server's growth is garbage: each server starts grants once as it is, and once while V8 collects all
// garbage again and again.
//
//     node bench/garbage.mjs         three rounds; writes the table into docs/performance.md
//     node bench/garbage.mjs quick   one short round; only prints. So does smoke, which is even shorter.

import { copyFileSync, mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { builds } from '../tests/e2e/support/config.mjs';
import { temporaryDirectory } from '../tests/e2e/support/harness.mjs';
import { grow } from './growth.mjs';
import { floors, open, ours } from './servers.mjs';
import { garbage, write } from './tables.mjs';

const [, , mode = 'full'] = process.argv;
const ROUNDS = mode === 'full' ? 3 : 1;
const COUNTS = { full: [4_000, 10_000, 20_000], quick: [500, 1_500, 2_000], smoke: [100, 300, 400] }[mode];
/** Requests from one collection to the next. */
const EVERY = 250;

const home = temporaryDirectory();
const results = new Map([...floors, ours].map(({ name }) => [name, { plain: [], collected: [] }]));
for (let round = 0; round < ROUNDS; round++) {
  for (const { name, worker, start } of [...floors, ours]) {
    results.get(name).plain.push(await grown(name, worker, start, COUNTS));
    results.get(name).collected.push(await grown(name, collecting(worker), start, COUNTS.slice(0, 2)));
  }
}
const text = garbage(results, { counts: COUNTS, every: EVERY, rounds: ROUNDS, floors: [floors[0].name, floors[2].name] });
if (mode === 'full') write('garbage', text);
else console.log(`\n${text}`);

async function grown(name, worker, start, counts) {
  const server = await open({ ...worker, dir: mkdtempSync(join(home.path, 'state-')) });
  try {
    const { sizes } = await grow({ ...server, name }, start, counts);
    return { size: sizes.at(-1), growth: sizes[1] - sizes[0] };
  } finally {
    await server.stop();
  }
}

/** The same Worker inside of one that collects its garbage, and that of its objects, which are in the same isolate. */
function collecting({ build = builds.release, modules = ['index.js', 'index_bg.wasm'], ...rest }) {
  const directory = mkdtempSync(join(home.path, 'build-'));
  for (const module of modules) copyFileSync(join(build, module), join(directory, module));
  writeFileSync(join(directory, 'collecting.js'), wrapper(modules[0]));
  return { ...rest, build: directory, modules: ['collecting.js', ...modules], v8: ['--expose-gc'] };
}

function wrapper(module) {
  return `import worker from './${module}';
export * from './${module}';

let count = 0;
export default {
  fetch(...request) {
    if (++count % ${EVERY} === 0) globalThis.gc();
    return worker.fetch(...request);
  },
};
`;
}
