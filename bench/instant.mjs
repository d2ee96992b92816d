// Measures how long a device that waits on a WebSocket takes from the approval to its tokens.
//
//     node bench/instant.mjs         100 logins; writes the figure into docs/performance.md
//     node bench/instant.mjs quick   20 logins; only prints. So does smoke.
//
// The clock starts when the person's browser sends the approval, and stops when the device has read its tokens.

import { Device } from '../tests/e2e/support/device.mjs';
import { startWorkerd } from '../tests/e2e/support/harness.mjs';
import { listen } from '../tests/e2e/support/listener.mjs';
import { Person } from '../tests/e2e/support/person.mjs';
import { VARS } from './servers.mjs';
import { stamp } from './stamp.mjs';
import { write } from './tables.mjs';

const quick = process.argv.length > 2;
const LOGINS = quick ? 20 : 100;
/** Logins before the clock counts. */
const WARM_UP = 10;

const server = await startWorkerd({ vars: { ...VARS, POLL_INTERVAL_SECONDS: '5' } });
const times = [];
try {
  const person = new Person(server);
  for (let login = 0; login < WARM_UP + LOGINS; login++) times.push(await timed(person));
} finally {
  await server.stop();
}
times.splice(0, WARM_UP);
times.sort((one, other) => one - other);
const at = (part) => times[Math.floor(part * (LOGINS - 1))].toFixed(1);
const text = `${stamp}. From the approval to the tokens, over a WebSocket: median ${at(0.5)} ms, 95 of 100 within ${at(0.95)} ms (${LOGINS} logins, ${at(0)}–${at(1)} ms).`;
if (quick) console.log(`\n${text}`);
else write('instant', text);

async function timed(person) {
  const device = await Device.start(server);
  const line = await listen(device);
  await device.poll();
  await person.consider(device.userCode);
  const began = performance.now();
  const approved = person.decide('approve');
  await line.heard;
  await device.redeem();
  const took = performance.now() - began;
  line.close();
  await approved;
  return took;
}
